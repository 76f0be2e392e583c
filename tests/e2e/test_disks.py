"""Disks that are full or read-only: really mounted so, in a name space of their own, where this system has it."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from omnictl.sandbox.store import World
from tests.e2e.conftest import ServeSandbox
from tests.e2e.processes import OMNICTL, assert_whole, declare, end, start
from tests.e2e.running import omnictl

NUMBER = 15


def _can_mount() -> bool:
    line = "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d && rmdir $d"
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-m", "sh", "-c", line], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not _can_mount(), reason="this user cannot mount anything, not even in a name space")


def run_mounted(line: str) -> tuple[int, str, str]:
    """Run a line of shell in a name space in which it may mount; ``RUN`` is omnictl."""
    command = ("unshare", "-m", "sh", "-c", line.replace("RUN ", f"{' '.join(OMNICTL)} "))
    return end(start(command=command))


@pytest.fixture
def world(project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch) -> World:
    """An account, and scenarios to create on it."""
    monkeypatch.setenv("OMNICTL_SETTLE", "0.5")
    declare(project, NUMBER)
    for path in (project / "scenarios").iterdir():
        path.write_text(path.read_text().replace("name: ", f"name: {'A long name ' * 35}"))
    return serve_sandbox("create:slow=0.3,times=0")


def lift_throttle(project: Path) -> None:
    """An intent that was left counts as a request that may have left: here nobody waits for that."""
    budgets = "{create: {limit: 1000, window_seconds: 600}}"
    (project / "omnictl.yaml").write_text(f"version: 1\nenvironments: {{default: {{budgets: {budgets}}}}}\n")


@pytest.mark.parametrize("pushed", [True, False], ids=["the saved state is put back", "the same command alone"])
def test_a_disk_that_fills_up_stops_an_apply_and_loses_no_key(project: Path, world: World, pushed: bool) -> None:
    """The folder of the state has room for a few records, and then none; what could be kept is kept beside it."""
    (project / "state").mkdir()
    (project / "kept").mkdir()
    code, out, err = run_mounted(
        "mount -t tmpfs -o size=20k none state && RUN apply --yes; code=$?; cp state/* kept/; exit $code"
    )
    made = {row.key for row in world.list_all()}
    assert code == 4, (out, err)
    assert 0 < len(made) < NUMBER, "nothing more is sent once the state cannot be written"
    assert "No space left on device" in err
    assert all(key in err for key in made), "each key is said as it comes"
    [errored] = (project / ".omnictl" / "errored").iterdir()
    assert {each["key"] for each in json.loads(errored.read_text())["records"].values()} == made
    command = f"omnictl state push {errored.relative_to(project)}"
    assert command in err
    assert "First put the state back" in out
    shutil.copy(project / "kept" / "default.json", project / "state" / "default.json")
    world.clear_faults()
    lift_throttle(project)
    if pushed:
        assert omnictl(*command.split()[1:]).code == 0
        assert f"{len(made)} unchanged" in omnictl("plan").out
    assert_whole(project, world, NUMBER)


def test_a_disk_that_is_full_everywhere_leaves_the_intents(
    project: Path, world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing can be kept, neither beside the state nor among the temporary files: the intents say what to look for."""
    kept = tmp_path_factory.mktemp("kept")
    shutil.move(project / "scenarios", kept / "scenarios")
    places = {tempfile.gettempdir(), "/tmp", "/var/tmp"}
    read_only = "".join(f"mount --bind {each} {each} && mount -o remount,ro,bind {each} && " for each in places)
    code, out, err = run_mounted(
        f"mount --bind {kept} /mnt && {read_only} mount -t tmpfs -o size=88k none /srv && cd /srv && "
        "cp -r /mnt/scenarios . && "
        "TMPDIR=/srv RUN apply --yes; code=$?; cp -r state /mnt; exit $code"
    )
    made = {row.key for row in world.list_all()}
    assert code == 4, (out, err)
    assert 0 < len(made) < NUMBER
    assert "error[state-lost]" in err
    assert all(key in err for key in made)
    assert "First put the state back" not in out
    shutil.move(kept / "scenarios", project / "scenarios")
    shutil.copytree(kept / "state", project / "state")
    world.clear_faults()
    lift_throttle(project)
    assert_whole(project, world, NUMBER)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("plan", 0, "15 creates"),
        ("plan --format json", 0, '"kind": "plan"'),
        ("validate", 0, ""),
        ("render", 0, "S 1"),
        ("state list", 1, "no-state"),
        ("fmt --check", 2, "scenarios/s-0.yaml"),
        ("doctor", 1, "unwritable-state"),
        ("apply --yes", 1, "cannot-lock-state"),
        ("plan --out plan.json", 64, "cannot-write-file"),
        ("plan --report html=plan.html", 64, "cannot-write-file"),
        ("apply --yes --report json=new/apply.json", 64, "cannot-write-file"),
        ("output --out keys.env", 64, "cannot-write-file"),
        ("plan --sandbox", 1, "sandbox-world"),
        ("sandbox behave --put merge", 1, "sandbox-world"),
        ("init --ci github", 1, "cannot-write-file"),
        ("fmt", 1, "cannot-write-file"),
    ],
)
def test_in_a_folder_that_is_read_only_what_reads_works_and_what_writes_is_told_first(
    project: Path, world: World, words: str, code: int, said: str
) -> None:
    found, out, err = run_mounted(f"mount --bind . . && mount -o remount,ro,bind . . && cd {project} && RUN {words}")
    assert (found, said in out + err, "Traceback" in out + err) == (code, True, False), (found, out, err)
    assert world.list_all() == []
    assert [each.name for each in project.iterdir()] == ["scenarios"]
    if code == 64:
        assert not world.count_requests(), "it is known before anything is read"


def test_a_state_folder_that_is_read_only_lets_nothing_be_sent(project: Path, world: World) -> None:
    (project / "state").mkdir()
    code, out, err = run_mounted("mount --bind state state && mount -o remount,ro,bind state state && RUN apply --yes")
    assert (code, "cannot-lock-state" in err) == (1, True), (code, out, err)
    assert world.list_all() == []
    assert list((project / "state").iterdir()) == []


def test_a_disk_that_is_full_from_the_start_lets_nothing_be_sent(project: Path, world: World) -> None:
    (project / "state").mkdir()
    code, out, err = run_mounted(
        "mount -t tmpfs -o size=4k none state && head -c 4096 /dev/zero > state/other; RUN apply --yes"
    )
    assert (code, "No space left on device" in err) == (1, True), (code, out, err)
    assert world.list_all() == []
    assert "state push" not in err, "there is no key to be put back"
    assert not (project / ".omnictl" / "errored").exists()
