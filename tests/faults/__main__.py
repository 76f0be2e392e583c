"""The long version: ``python -m tests.faults --kills 1000 --seed 7``. Every line names the seed that tells it again."""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, count
from pathlib import Path

from tests.faults.cases import Case, Story, Told, count_points, every_death, is_of_disk, tell_all
from tests.faults.mails import MAILS
from tests.faults.points import Death, Way
from tests.faults.pulls import PULL
from tests.faults.stage import Launcher, launching
from tests.faults.stories import STORIES
from tests.faults.unkind import KIND, UNKIND, UNKIND_OF_MESSAGES, Unkindness

ALL: Mapping[str, Story] = {**STORIES, **MAILS, PULL.name: PULL}
_NOT_TOGETHER = ("throttle", "names", "senders")
_LINES = 60


def make_case(seed: int, deaths: Mapping[str, list[Death]]) -> Case:
    """Return the case of a seed: always the same."""
    rnd = random.Random(seed)
    story = ALL[rnd.choice(sorted(ALL))]
    dying = [_make_death(rnd, deaths[story.name]) for _ in range(rnd.choice([1, 1, 1, 2, 2, 3]))]
    return Case(
        story,
        rnd.choice([1, 10]),
        tuple(dying),
        _make_unkindness(rnd, UNKIND if story.name in STORIES else UNKIND_OF_MESSAGES),
    )


def _make_death(rnd: random.Random, deaths: list[Death]) -> Death:
    death = rnd.choice(deaths)
    way = rnd.choice([Way.KILL, Way.KILL, Way.CUT, Way.CUT_KEEPING_NAMES]) if is_of_disk(death) else Way.KILL
    return Death(death.point, death.at, way)


def _make_unkindness(rnd: random.Random, table: Sequence[Unkindness]) -> Unkindness:
    """Return one or two unkindnesses of the table at once, or none."""
    chosen = rnd.sample(table, rnd.choice([0, 1, 1, 1, 2, 2]))
    if any(set(one.switches) & set(other.switches) for one, other in combinations(chosen, 2)):
        chosen = chosen[:1]
    if len(chosen) == 2 and any(set(each.switches) & set(_NOT_TOGETHER) for each in chosen):
        chosen = chosen[:1]  # a bent name whose create nobody can judge is a case of its own
    if not chosen:
        return KIND
    switches = {name: value for each in chosen for name, value in each.switches.items()}
    faults = tuple(fault for each in chosen for fault in each.faults)
    return Unkindness(" + ".join(each.name for each in chosen), switches, faults)


def _list_seeds(first: int | None) -> Iterator[int]:
    return count(random.SystemRandom().randrange(10**6) * 1000 if first is None else first)


def main() -> int:
    """Kill so many runs; return 1 if anything was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many runs die at least (1000)")
    parser.add_argument("--seed", type=int, help="the first seed; without it one by chance")
    parser.add_argument("--one", action="store_true", help="only that seed, with all that was said")
    arguments = parser.parse_args()
    with launching() as launcher, tempfile.TemporaryDirectory(prefix="faults-") as folder:
        seeds = iter([arguments.seed]) if arguments.one else _list_seeds(arguments.seed)
        return _tell(launcher, Path(folder), seeds, arguments.kills, verbose=arguments.one)


def _tell(launcher: Launcher, folder: Path, seeds: Iterator[int], wanted: int, *, verbose: bool) -> int:
    counts = {name: count_points(launcher, folder, story, 1) for name, story in ALL.items()}
    deaths = {name: every_death(found) for name, found in counts.items()}
    begun, kills, failed = time.monotonic(), 0, list[int]()
    while kills < wanted:
        batch = [seed for seed, _ in zip(seeds, range(50), strict=False)]
        if not batch:
            break
        for seed, told in zip(
            batch, tell_all(launcher, folder, [make_case(each, deaths) for each in batch]), strict=True
        ):
            kills += told.kills
            failed += [seed] if told.wrong else []
            print(_line(seed, told, kills, verbose=verbose), flush=True)
    print(f"{kills} kills in {time.monotonic() - begun:.0f} s; {len(failed)} failed")
    for seed in failed:
        print(f"again: make faults SEED={seed}")
    return 1 if failed else 0


def _line(seed: int, told: Told, kills: int, *, verbose: bool) -> str:
    wrong = told.wrong if verbose else "\n".join(told.wrong.splitlines()[-_LINES:])
    return f"{'FAILED' if told.wrong else 'ok':6} seed {seed}, {kills} kills: {told.case}{chr(10) * bool(wrong)}{wrong}"


if __name__ == "__main__":
    sys.exit(main())
