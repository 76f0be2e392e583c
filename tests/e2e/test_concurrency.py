"""Several at once: an apply beside state commands, readers, another apply, and somebody who edits the files."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pexpect
import pytest

from omnictl.sandbox.store import World
from omnictl.state.local.backend import LocalBackend
from tests.e2e.conftest import ServeSandbox
from tests.e2e.processes import BOUND_SECONDS, OMNICTL, assert_whole, declare, end, read_until, start
from tests.e2e.running import omnictl

WRITERS: tuple[tuple[str, ...], ...] = (
    ("apply", "--yes"),
    ("state", "push", "old.json"),
    ("state", "rollback", "1"),
    ("state", "settle", "s-0", "--absent"),
    ("state", "unlock"),
)
READERS: tuple[tuple[str, ...], ...] = (
    ("plan",), ("plan", "--detailed-exitcode"), ("state", "list"), ("state", "show", "s-0"), ("state", "pull"),
    ("state", "history"), ("output",), ("output", "s-0"), ("doctor",), ("validate",), ("render",), ("fmt", "--check"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe absence soon."""
    monkeypatch.setenv("OMNICTL_SETTLE", "1")


def keys_of(project: Path) -> set[str]:
    """Return every key that the state remembers, of records and of tombstones."""
    state = json.loads((project / "state/default.json").read_text())
    return {each["key"] for each in (*state["records"].values(), *state.get("tombstones", ()))}


def test_whatever_writes_waits_for_an_apply_and_whatever_reads_does_not(
    project: Path, serve_sandbox: ServeSandbox
) -> None:
    """The lock is held through a wait of minutes: who wants it is told who has it, and loses nothing."""
    world = serve_sandbox()
    declare(project, 1)
    assert omnictl("apply", "--yes").code == 0
    shutil.copy(project / "state/default.json", project / "old.json")
    world.behaviour = type(world.behaviour)(throttle="published")
    declare(project, 22)
    process = start("apply", "--yes")
    read_until(process, " budget ")
    before = (project / "state/default.json").read_bytes()
    for words in WRITERS:
        ran = omnictl(*words)
        assert (ran.code, "lock-held" in ran.err, f"pid {process.pid}" in ran.err) == (6, True, True), words
    for words in READERS:
        assert omnictl(*words).code in (0, 2), words
    assert (project / "state/default.json").read_bytes() == before
    pushing = start("state", "push", "old.json", "--lock-timeout", "30s")
    assert "Waiting for the lock" in read_until(pushing, "Waiting")
    code, out, _ = end(process, signal.SIGTERM)
    assert (code, "done" in out) == (143, True)
    assert end(pushing)[0] == 0
    assert keys_of(project) == {row.key for row in world.list_all()}
    assert len(world.list_all()) == 20


def test_a_reader_never_sees_half_a_state(project: Path, serve_sandbox: ServeSandbox) -> None:
    serve_sandbox("create:slow=0.4,times=0")
    declare(project, 18)
    with (project / "said").open("w") as said:
        process = start("apply", "--yes", stdout=said, stderr=said)
    serials = []
    while process.poll() is None:
        time.sleep(0.002)
        state = LocalBackend(
            project / "state/default.json", work_dir=project / ".omnictl", environment="default"
        ).read()
        if state is not None:
            serials.append(state.serial)
    assert process.returncode == 0
    assert serials == sorted(serials)
    assert len(set(serials)) > 2


def test_two_applies_at_once_make_everything_once(project: Path, serve_sandbox: ServeSandbox) -> None:
    world = serve_sandbox("create:slow=0.1,times=0")
    declare(project, 8)
    both = [start("apply", "--yes", "--lock-timeout", "30s") for _ in range(2)]
    assert [end(each)[0] for each in both] == [0, 0]
    assert_whole(project, world, 8)


@pytest.mark.parametrize("edit", ["edited", "removed", "broken"])
def test_what_was_planned_is_applied_whatever_becomes_of_the_files(
    project: Path, serve_sandbox: ServeSandbox, edit: str
) -> None:
    """The files are read once: between the plan and the last request nothing looks at them."""
    world = serve_sandbox("create:slow=0.2,times=0")
    declare(project, 5)
    process = start("apply", "--yes")
    read_until(process, " start ")
    _edit(project, edit)
    code, _, err = end(process)
    assert code == 0, err
    assert sorted(row.body["name"] for row in world.list_all()) == [f"S {number}" for number in range(5)]
    assert len(keys_of(project)) == 5
    if edit == "edited":
        assert "5 updates" in omnictl("plan").out


def _edit(project: Path, edit: str) -> None:
    for number in range(5):
        path = project / "scenarios" / f"s-{number}.yaml"
        if edit == "removed":
            path.unlink()
        else:
            name = {"edited": "name: Edited\nflow: [{channel: VOICE}]\n", "broken": "name: ["}
            path.write_text(name[edit].replace("Edited", f"Edited {number}"))


def test_what_was_shown_is_applied_whatever_is_edited_before_the_answer(
    project: Path, serve_sandbox: ServeSandbox
) -> None:
    world = serve_sandbox()
    declare(project, 5)
    environ = {**os.environ, "TERM": "xterm"}
    child = pexpect.spawn(OMNICTL[0], [*OMNICTL[1:], "apply"], env=environ, timeout=BOUND_SECONDS, encoding="utf-8")
    child.expect("Only the word yes goes on")
    _edit(project, "edited")
    child.sendline("yes")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert sorted(row.body["name"] for row in world.list_all()) == [f"S {number}" for number in range(5)]


def test_a_saved_plan_that_is_edited_while_it_is_applied_changes_nothing_of_it(
    project: Path, serve_sandbox: ServeSandbox
) -> None:
    world: World = serve_sandbox("create:slow=0.2,times=0")
    declare(project, 3)
    assert omnictl("plan", "--out", "plan.json").code == 0
    process = start("apply", "plan.json")
    read_until(process, " start ")
    (project / "plan.json").write_text((project / "plan.json").read_text().replace('"S ', '"X '))
    assert end(process)[0] == 0
    assert sorted(row.body["name"] for row in world.list_all()) == ["S 0", "S 1", "S 2"]


@pytest.mark.parametrize("obstacle", ["locks", "locks/default.json.lock"])
def test_a_lock_that_cannot_be_made_lets_nothing_be_sent(
    project: Path, serve_sandbox: ServeSandbox, obstacle: str
) -> None:
    world = serve_sandbox()
    declare(project, 1)
    path = project / "state" / ".omnictl" / obstacle
    path.parent.mkdir(parents=True)
    path.write_text("") if obstacle == "locks" else path.mkdir()
    for words in (("apply", "--yes"), ("state", "push", "scenarios/s-0.yaml")):
        assert omnictl(*words).code in (1, 64)
    assert "cannot-lock-state" in omnictl("apply", "--yes").err
    assert (world.list_all(), omnictl("plan").code) == ([], 0)
