"""Many processes at once against the state as a file; and whether those that watch them would notice a loss."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.model.state import PlanMark, State
from tests.contract.backends.swarm import Outcome, Told, run_swarm

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
STORED = State("swarm", "test", 3, plans=tuple(PlanMark(mark, NOON) for mark in ("a-1", "b-1", "a-2")))
TOLD = [Told("acknowledged", "a-1", 1), Told("acknowledged", "a-2", 3)]


def test_eight_processes_write_one_file_and_lose_nothing(tmp_path: Path) -> None:
    outcome = run_swarm(str(tmp_path / "state" / "test.json"), {}, tmp_path, seconds=3)
    outcome.check()
    assert outcome.killed
    assert outcome.stopped
    assert not outcome.codes


def test_what_is_whole_passes() -> None:
    Outcome(STORED, TOLD).check()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (STORED, []),
        (STORED, [*TOLD, Told("acknowledged", "c-1", 2)]),
        (STORED, [*TOLD, Told("acknowledged", "c-1", 4)]),
        (STORED, [*TOLD, Told("found", "c-1", 3)]),
        (replace(STORED, serial=4), TOLD),
        (replace(STORED, serial=4, plans=(*STORED.plans, STORED.plans[0])), TOLD),
    ],
    ids=["nothing", "written over", "gone", "found and gone", "left out", "doubled"],
)
def test_what_is_lost_or_doubled_is_noticed(state: State, told: list[Told]) -> None:
    with pytest.raises(AssertionError):
        Outcome(state, told).check()
