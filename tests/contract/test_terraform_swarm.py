"""Many processes at once against servers of Terraform's HTTP protocol, which keep the locks of the dead."""

from pathlib import Path

import pytest

from tests.contract.backends.kinds import KINDS
from tests.contract.backends.swarm import run_swarm


@pytest.mark.parametrize("kind", ["terraform", "gitlab"])
def test_eight_processes_write_one_state_and_lose_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with KINDS[kind](tmp_path, request) as place:
        assert place.url is not None
        outcome = run_swarm(f"{place.url}test", place.environ, tmp_path / "swarm", seconds=4, clears=True)
    outcome.check()
    assert outcome.killed
    assert outcome.stopped
    assert outcome.codes <= {"lock-cleared", "lock-held", "state-moved"}
