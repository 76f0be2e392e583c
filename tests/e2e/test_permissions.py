"""Which files are for their owner alone, and which follow the umask: every file of a project that was worked with."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import omnictl

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes there")

FOLLOW_THE_UMASK = {
    "omnictl.yaml",
    "scenarios/vk-sms.yaml",
    "state/test.json",
    "keys.env",
    "plan.json",
    "plan.html",
    "apply.md",
    "failure.json",
}


@pytest.fixture(params=[0o022, 0o002, 0o000, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Work with an umask."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_the_files_of_a_project(
    umask: int, project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_sandbox()
    assert omnictl("init").code == 0
    assert omnictl("plan", "--out", "plan.json", "--report", "html=plan.html").code == 0
    assert omnictl("apply", "plan.json", "--report", "markdown=apply.md").code == 0
    scenario = project / "scenarios" / "vk-sms.yaml"
    scenario.write_text(scenario.read_text().replace("name: ", "name:   New "))
    assert omnictl("fmt").code == 0
    assert omnictl("apply", "--yes").code == 0
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    assert omnictl("output", "--format", "dotenv", "--out", "keys.env").code == 0
    assert omnictl("plan", "--env", "gone", "--report", "json=failure.json").code == 64
    monkeypatch.setattr("omnictl.cli.commands.doctor._check_program", lambda session: 1 / 0)
    assert omnictl("doctor").code == 70
    files = {each.relative_to(project).as_posix(): each for each in project.rglob("*") if each.is_file()}
    private = {name for name in files if ".omnictl/" in name}
    assert set(files) - private == FOLLOW_THE_UMASK
    for kind in ("backups/", "locks/", "logs/", "sandbox/", ".gitignore"):
        assert any(kind in name for name in private), kind
    for name, path in files.items():
        expected = 0o600 if name in private else 0o666 & ~umask
        assert (name, oct(stat.S_IMODE(path.stat().st_mode))) == (name, oct(expected))
    folders = [each for each in project.rglob("*") if each.is_dir() and ".omnictl" in each.relative_to(project).parts]
    assert {stat.S_IMODE(each.stat().st_mode) for each in folders} == {0o700}
