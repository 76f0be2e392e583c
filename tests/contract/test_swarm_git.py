"""Many processes at once against a git remote, by its path and over HTTP that cuts and lies."""

import random
from pathlib import Path

from omnictl.state.lease import Terms
from tests.contract.backends.git_kinds import git_environ
from tests.contract.backends.git_server import Fault, askpass_environ, git_over_http, make_repository
from tests.contract.backends.swarm import run_swarm

TERMS = Terms(lease=3, poll=0.3, margin=0.3)
FAULTS = (Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.ERROR_BEFORE, Fault.ERROR_AFTER)


def test_eight_processes_write_one_ref_and_lose_nothing(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "remote.git")
    outcome = run_swarm(f"git+file://{repository}//", git_environ(), tmp_path, seconds=5, terms=TERMS)
    outcome.check()
    assert outcome.killed
    assert outcome.stopped
    assert outcome.codes <= {"state-moved", "lock-lost"}


def test_eight_processes_write_over_http_that_cuts_and_lies_and_lose_nothing(tmp_path: Path) -> None:
    make_repository(tmp_path / "remote.git")
    chance = random.Random(1)
    with git_over_http(tmp_path, has_password=True) as server:
        server.fault = lambda: chance.choice(FAULTS) if chance.random() < 0.1 else Fault.NONE
        environ = {**git_environ(), **askpass_environ(tmp_path)}
        url = f"git+{server.url}/remote.git//prod?refs=heads"
        outcome = run_swarm(url, environ, tmp_path, seconds=5, terms=TERMS, seed=1)
    outcome.check()
    assert outcome.killed
    assert outcome.stopped


def test_writes_that_meet_all_the_time_lose_nothing(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "remote.git")
    url = f"git+file://{repository}//"
    outcome = run_swarm(url, git_environ(), tmp_path, seconds=4, terms=TERMS, heeds_lock=False)
    outcome.check()
    assert "state-moved" in outcome.codes
