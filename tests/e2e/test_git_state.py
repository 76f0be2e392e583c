"""A pipeline without a disk: the state in a git remote, from the first apply to a remote that refuses."""

from pathlib import Path

import pytest

from tests.contract.backends.git_server import make_repository
from tests.e2e.conftest import ServeSandbox
from tests.e2e.processes import declare
from tests.e2e.running import omnictl


@pytest.fixture
def remote(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = make_repository(tmp_path_factory.mktemp("git") / "remote.git")
    monkeypatch.setenv("OMNICTL_STATE", f"git+file://{path}//")
    monkeypatch.setenv("OMNICTL_SETTLE", "1")
    return path


def test_two_checkouts_share_what_the_remote_remembers(
    project: Path, remote: Path, serve_sandbox: ServeSandbox
) -> None:
    serve_sandbox()
    declare(project, 3)
    applied = omnictl("apply", "--yes")
    assert applied.code == 0, applied.err
    assert omnictl("plan", "--detailed-exitcode").code == 0
    assert not (project / "state").exists()
    declare(project, 4)
    assert omnictl("apply", "--yes").code == 0
    assert omnictl("state", "history").out.count(f"git+file://{remote}//default/history/") >= 1
    assert "4 scenarios" in omnictl("state", "list").out
    assert omnictl("state", "unlock").code == 0


def test_a_state_that_the_remote_refuses_is_saved_here_and_pushed_later(
    project: Path, remote: Path, serve_sandbox: ServeSandbox
) -> None:
    world = serve_sandbox()
    declare(project, 1)
    assert omnictl("apply", "--yes").code == 0
    hook = remote / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase "$1" in */state) test ! -e "$GIT_DIR/full";; esac\n')
    hook.chmod(0o755)
    declare(project, 2)
    (remote / "full").touch()
    refused = omnictl("apply", "--yes")
    assert refused.code != 0
    assert "git-refused" in refused.err
    assert len(world.list_all()) == 1, "nothing is sent before its intent is stored"
    (remote / "full").unlink()
    saved = list((project / ".omnictl" / "errored").glob("*.json"))
    for each in saved:
        assert omnictl("state", "push", str(each)).code == 0
    assert omnictl("apply", "--yes").code == 0
    assert len(world.list_all()) == 2
