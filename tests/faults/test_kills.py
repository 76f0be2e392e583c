"""Runs that really die, SIGKILL or power cut, where they talk and where they write: the next one finishes.

This is the short version, a fixed choice of deaths; ``make faults`` dies a thousand of them.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from omnictl.sandbox.behaviour import SWITCHES
from omnictl.sandbox.faults import KINDS, OPERATIONS, parse_fault
from tests.faults.cases import Case, count_points, every_death, is_of_disk, select, tell_all
from tests.faults.points import Death, Way
from tests.faults.stage import Launcher, Project, served, tell
from tests.faults.stories import BUSY, FRESH, STORIES, Story, Tale
from tests.faults.unkind import FEW, LIARS, OF_MESSAGES_ALONE, OPERATIONS_OF_AN_APPLY, UNKIND, Unkindness

SEED = 2017
TALKING = ("GET", "POST", "PUT", "state")
PARTS = 10


def one_of_each_name(deaths: Iterable[Death], rnd: random.Random) -> list[Death]:
    """Return a death at each kind of point, at any of its times."""
    by_name: dict[str, list[Death]] = {}
    for each in deaths:
        by_name.setdefault(each.point, []).append(each)
    return [rnd.choice(each) for each in by_name.values()]


def hold(launcher: Launcher, folder: Path, cases: list[Case]) -> int:
    """Tell cases; all of them have to end well. Returns how many runs died."""
    told = list(tell_all(launcher, folder, cases))
    wrong = [f"{each.case}\n{each.wrong}" for each in told if each.wrong]
    assert not wrong, "\n\n".join(wrong)
    return sum(each.kills for each in told)


@pytest.mark.parametrize("workers", [1, 10])
@pytest.mark.parametrize("name", ["fresh", "many", "busy"])
def test_a_run_that_dies_at_any_kind_of_point_is_finished_by_the_next(
    launcher: Launcher, tmp_path: Path, name: str, workers: int
) -> None:
    story, rnd = STORIES[name], random.Random(f"{SEED} {name} {workers}")
    deaths = one_of_each_name(every_death(count_points(launcher, tmp_path, story, workers)), rnd)
    ways = [rnd.choice(list(Way)) if is_of_disk(each) else Way.KILL for each in deaths]
    chosen = rnd.sample([replace(each, way=way) for each, way in zip(deaths, ways, strict=True)], 8)
    kills = hold(launcher, tmp_path, [Case(story, workers, (each,)) for each in chosen])
    assert kills > 0.8 * len(chosen)


def test_a_run_that_dies_in_the_recovery_is_finished_by_the_next(launcher: Launcher, tmp_path: Path) -> None:
    rnd = random.Random(SEED)
    first = (Death("POST: answered, not read", 1), Death("POST: sent", 1, Way.CUT))
    points = every_death(count_points(launcher, tmp_path, FRESH, 1), tuple(Way))
    cases = [
        Case(FRESH, rnd.choice([1, 10]), (rnd.choice(first), *rnd.sample(select(points, _is_early), 2)))
        for _ in range(8)
    ]
    assert hold(launcher, tmp_path, cases) > 1.5 * len(cases)


def _is_early(death: Death) -> bool:
    """A recovery has few requests and few writes."""
    return death.point.startswith(("GET", "state", "version", "POST")) and death.at <= 2


@pytest.mark.parametrize("part", range(PARTS))
def test_under_each_unkindness_a_run_that_dies_is_finished(launcher: Launcher, tmp_path: Path, part: int) -> None:
    rnd = random.Random(f"{SEED} {part}")
    counts = {story.name: count_points(launcher, tmp_path, story, 1) for story in (FRESH, BUSY)}
    hold(launcher, tmp_path, [_make_case(each, counts, rnd) for each in FEW[part::PARTS]])


def _make_case(unkind: Unkindness, counts: Mapping[str, Mapping[str, int]], rnd: random.Random) -> Case:
    fails = tuple(each.partition(":")[0] for each in unkind.faults)
    story: Story = FRESH if fails and set(fails) <= {"create", "list"} else BUSY
    deaths = select(every_death(counts[story.name]), lambda death: death.point.startswith(TALKING))
    return Case(story, rnd.choice([1, 10]), (rnd.choice(deaths),), unkind)


@pytest.mark.parametrize("unkind", LIARS, ids=lambda each: each.name)
def test_a_service_that_lies_about_a_create_is_believed_and_no_key_is_lost(
    launcher: Launcher, tmp_path: Path, unkind: Unkindness
) -> None:
    """What docs/planning.md says under what cannot be promised: it is sent again, or a guard stops; never a third."""
    with served(launcher) as service:
        tale = Tale(Project(tmp_path / "p", launcher, service), FRESH, unkind)
        tale.begin(workers=1)
        tale.run(Death("POST: answered, not read", 2))
        codes = [tale.run().code for _ in range(3)]
        project, rows = tale.project, {row["key"] for row in service.scenarios()}
        assert set(codes) <= {0, 3, 4}, tell(project.runs)
        stopped = project.runs[-1]
        assert stopped.code != 3 or "unmanaged-twin" in stopped.out or "ambiguous-create" in stopped.err, tell(
            project.runs
        )
        assert set(project.keys().values()) <= rows
        unknown = len(rows - project.remembered()) - len(project.state.get("intents", ()))
        assert unknown <= 1, tell(project.runs)
        assert {key for run in project.runs for _, key in run.said} <= project.remembered()


def test_the_table_has_every_unkindness_of_the_sandbox() -> None:
    """A new switch, a new choice of one, or a new kind of fault has to come into the table, if an apply can meet it."""
    met = [each for each in SWITCHES if each.name not in OF_MESSAGES_ALONE]
    assert {each.name for each in SWITCHES} >= OF_MESSAGES_ALONE
    tried = {(name, str(value)) for each in UNKIND for name, value in each.switches.items()}
    usual = {(each.name, str(each.default)) for each in met}
    choices = {(each.name, str(choice)) for each in met for choice in each.choices}
    assert choices - usual <= tried
    assert {each.name for each in met} == {name for name, _ in tried}
    faults = [parse_fault(text) for each in (*UNKIND, *LIARS) for text in each.faults]
    kinds = {(each.operation, row_of(each.kind)) for each in faults}
    possible = {(operation, kind) for kind, (operations, _) in KINDS.items() for operation in operations}
    assert {each for each in possible if each[0] in OPERATIONS_OF_AN_APPLY} <= kinds
    assert {operation for operation, _ in possible} == set(OPERATIONS)
    assert set(OPERATIONS) == {*OPERATIONS_OF_AN_APPLY, "send", "reports", "logs"}


def row_of(kind: str) -> str:
    """Return the row of the table of faults that a kind stands in."""
    return f"STATUS{kind[3:]}" if kind[:3].isdigit() else kind
