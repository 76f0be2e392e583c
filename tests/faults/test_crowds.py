"""Two and twenty processes that apply at once, killed and stopped, against every kind of state backend.

This is the short version, one seed each, and twenty where that costs little; ``make crowds`` has many seeds of all.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omnictl.state.lease import Terms
from tests.contract.backends.kinds import KINDS
from tests.faults.crowd import Ended, Where, run_crowd
from tests.faults.joining import Version
from tests.faults.stage import Launcher, served, tell

SEEDS = [int(each) for each in os.environ.get("CROWDS", "0").split(",")]
EVERYWHERE = [each for each in KINDS if each != "memory"]
"""A store in memory is no place for two processes."""
TWENTY = EVERYWHERE if "CROWDS" in os.environ else ["local", "s3", "postgres", "terraform"]
CLEARED = ("terraform", "gitlab")
CODES = {"stopped-reading", "stopped-settling", "state-moved", "state-not-saved"}
"""What anybody may hear who lost the lock while it was stopped."""
CODES_OF = {
    "local": set[str](),
    "s3": {*CODES, "lock-lost"},
    "gs": {*CODES, "lock-lost"},
    "az": {*CODES, "lock-lost"},
    "git-file": {*CODES, "lock-lost", "lock-held"},  # twenty may wait for long where the machine is busy
    "git-http": {*CODES, "lock-lost", "lock-held"},
    "postgres": {*CODES, "database-lost", "database-lock-lost", "lock-lost"},
    "terraform": {*CODES, "lock-held", "lock-cleared"},
    "gitlab": {*CODES, "lock-held", "lock-cleared"},
}


@contextmanager
def opened(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Where]:
    """Open a place of a kind for a crowd."""
    with KINDS[kind](tmp_path, request) as place:
        url = place.url or str(tmp_path / "state/default.json")
        lease, poll = (3, 1.0) if kind.startswith("git-") else (2, 0.2)  # git takes its time, and much of the machine
        yield Where(url, place.open("default"), place.environ, Terms(lease, poll, margin=0.3), kind in CLEARED)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("kind", "processes", "torments"),
    [*((each, 2, 2) for each in EVERYWHERE), *((each, 20, 8) for each in TWENTY)],
)
def test_processes_that_apply_at_once_double_nothing_and_lose_nothing(
    kind: str,
    processes: int,
    torments: int,
    seed: int,
    launcher: Launcher,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    with opened(kind, tmp_path, request) as where, served(launcher) as service:
        outcome = run_crowd(where, launcher, service, tmp_path / "c", processes=processes, torments=torments, seed=seed)
    said = tell(outcome.runs)
    outcome.check()
    assert outcome.killed + outcome.stopped, "nobody was hurt"
    assert outcome.codes <= CODES_OF[kind], said


def test_without_lock_and_condition_a_crowd_is_caught(launcher: Launcher, tmp_path: Path) -> None:
    place = opened("local", tmp_path, None)  # type: ignore[arg-type]
    with place as where, served(launcher) as service, pytest.raises(AssertionError):
        run_crowd(where, launcher, service, tmp_path / "c", processes=4, torments=0, sabotage="no conditions").check()


# --- what the checks notice ------------------------------------------------------------------------------------------

ONE, TWO = Version(1, "one", "a", frozenset("k")), Version(2, "one", "b", frozenset("kl"))
WHOLE = Ended(TWO, 0, {"k": "K", "l": "L"}, frozenset("KL"), (ONE, TWO), (ONE, TWO), frozenset("kl"))


def test_what_is_whole_passes() -> None:
    WHOLE.check()
    replace(WHOLE, seen=(ONE, ONE, TWO), written=()).check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": {**WHOLE.rows, "m": "L"}},
        {"rows": {"k": "K"}},
        {"rows": {"k": "K", "x": "L"}},
        {"said": frozenset("klx")},
        {"intents": 1},
        {"seen": (TWO, ONE)},
        {"seen": (ONE, replace(TWO, content="c"))},
        {"seen": (ONE, replace(TWO, lineage="two"))},
        {"seen": (replace(ONE, keys=frozenset("km")), TWO)},
        {"written": (ONE, TWO, TWO)},
        {"written": (ONE, replace(TWO, content="c"))},
        {"written": (replace(ONE, keys=frozenset("x")), TWO)},
    ],
    ids=[
        "doubled",
        "lost",
        "not remembered",
        "told and forgotten",
        "open",
        "fell",
        "changed without a serial",
        "two lineages",
        "forgotten on the way",
        "a serial twice",
        "written over",
        "written and gone",
    ],
)
def test_what_is_lost_or_doubled_is_noticed(wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        replace(WHOLE, **wrong).check()
