"""The lock: one of the operating system, with the text of its holder beside it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from omnictl.codec.shapes import ShapeError
from omnictl.errors import LockHeldError, StateError
from omnictl.state.base import LockHolder
from omnictl.state.holder import decode_holder, encode_holder
from omnictl.state.local.backend import LocalBackend
from tests.unit.state.conftest import MakeBackend

SINCE = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)
HOLDER = LockHolder("apply", "run-1", SINCE, SINCE.replace(hour=10), "pid 7", "https://ci.example/1")

_HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from omnictl.state.base import LockHolder
from omnictl.state.local.backend import LocalBackend
backend = LocalBackend(Path(sys.argv[1]), work_dir=Path(sys.argv[2]), environment="production")
holder = LockHolder("apply", "run-2", datetime(2026, 11, 20, 9, 12, tzinfo=UTC), None, "pid 8")
with backend.lock(holder, timeout_seconds=0, on_wait=print):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(path: Path, work_dir: Path) -> Iterator["subprocess.Popen[str]"]:
    """Let another process hold the lock until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path), str(work_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.communicate()


def hold(backend: LocalBackend, seconds: float = 0.0, waits: list[LockHolder | None] | None = None) -> None:
    """Take the lock and give it back."""
    with backend.lock(HOLDER, timeout_seconds=seconds, on_wait=(waits if waits is not None else []).append):
        pass


def test_another_process_is_refused_or_waits(backend: LocalBackend, path: Path, tmp_path: Path) -> None:
    with another_process(path, tmp_path / ".omnictl") as process:
        with pytest.raises(LockHeldError) as caught:
            hold(backend)
        detail = caught.value.diagnostics[0].detail
        assert "apply since 2026-11-20 09:12:00Z (pid 8, run run-2)" in detail
        assert backend.describe_lock() == decode_holder(
            (tmp_path / "state/.omnictl/locks/production.json.holder.json").read_bytes()
        )
        with pytest.raises(LockHeldError) as caught:
            backend.unlock()
        assert "waited" not in caught.value.diagnostics[0].detail
        waits: list[LockHolder | None] = []
        with pytest.raises(LockHeldError) as caught:
            hold(backend, 0.5, waits)
        assert "waited 0.5 s" in caught.value.diagnostics[0].detail
        assert [each and each.run for each in waits] == ["run-2"]
        assert process.stdin is not None
        process.stdin.close()
        hold(backend, 60)
        process.stdin = None


def test_the_lock_goes_with_a_process_that_is_killed(backend: LocalBackend, path: Path, tmp_path: Path) -> None:
    with another_process(path, tmp_path / ".omnictl") as process:
        process.kill()
        process.wait()
        assert backend.describe_lock() is None
        left = backend.unlock()
        assert left is not None
        assert left.run == "run-2"
        assert backend.unlock() is None
        hold(backend)


def test_the_file_of_the_lock_stays_and_the_text_goes(backend: LocalBackend, tmp_path: Path) -> None:
    locks = tmp_path / "state" / ".omnictl" / "locks"
    assert backend.describe_lock() is None
    assert backend.unlock() is None
    assert not locks.exists()
    with backend.lock(HOLDER, timeout_seconds=0, on_wait=print):
        inode = (locks / "production.json.lock").stat().st_ino
        assert decode_holder((locks / "production.json.holder.json").read_bytes()) == HOLDER
    assert [each.name for each in locks.iterdir()] == ["production.json.lock"]
    hold(backend)
    assert (locks / "production.json.lock").stat().st_ino == inode


def test_projects_with_one_state_share_its_lock(path: Path, tmp_path: Path) -> None:
    one, other = (LocalBackend(path, work_dir=tmp_path / name / ".omnictl", environment="production") for name in "ab")
    with another_process(path, tmp_path / "a" / ".omnictl"):
        for backend in (one, other):
            with pytest.raises(LockHeldError):
                hold(backend)
    assert (path.parent / ".omnictl" / ".gitignore").read_text() == "*\n"


def test_a_project_and_those_outside_share_the_lock_of_its_state(tmp_path: Path) -> None:
    path = tmp_path / "a" / "state" / "default.json"
    works = [tmp_path / name / ".omnictl" for name in ("a", "b", "")]
    backends = [LocalBackend(path, work_dir=each, environment="production") for each in works]
    for work in works:
        with another_process(path, work):
            for backend in backends:
                with pytest.raises(LockHeldError):
                    hold(backend)


def test_a_link_and_its_file_share_the_lock(make_backend: MakeBackend, path: Path, tmp_path: Path) -> None:
    real = tmp_path / "shared" / "real.json"
    real.parent.mkdir()
    path.parent.mkdir()
    path.symlink_to(real)
    other = LocalBackend(real, work_dir=tmp_path / "elsewhere" / ".omnictl", environment="production")
    with another_process(path, tmp_path / "project" / ".omnictl"), pytest.raises(LockHeldError):
        hold(other)


@pytest.mark.parametrize(
    ("seconds", "passes", "polls", "told"),
    [
        (0.0, (0.2, 0.3), 1, False),
        (0.3, (0.2, 0.3), 1, False),
        (0.4, (0.3, 0.4), 1, True),
        (9.0, (1.0, 8.9, 9.0), 2, True),
    ],
)
def test_a_lock_is_waited_for_as_long_as_was_said_and_a_moment_at_least(
    make_backend: MakeBackend,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    passes: tuple[float, ...],
    polls: int,
    told: bool,
) -> None:
    clock = iter((0.0, *passes))
    slept: list[float] = []
    monkeypatch.setattr("omnictl.state.local.lock.monotonic", lambda: next(clock))
    monkeypatch.setattr("omnictl.state.local.lock.sleep", slept.append)
    waits: list[LockHolder | None] = []
    holding = FileLock(str(_lock_of(make_backend())))
    with holding, pytest.raises(LockHeldError):
        hold(make_backend(), seconds, waits)
    assert slept == [0.1] * polls
    assert waits == [None] * told


def _lock_of(backend: LocalBackend) -> Path:
    """Return the file of the lock, whose directory is made by looking."""
    backend._lock._os_lock()
    return backend._lock._path


def test_the_lock_and_its_text_are_for_their_owner_and_the_lock_is_a_real_one(backend: LocalBackend) -> None:
    lock = backend._lock._os_lock()
    assert (lock.fallback_to_soft, lock.preserve_lock_file) == (False, True)
    with backend.lock(HOLDER, timeout_seconds=0, on_wait=print):
        files = list(_lock_of(backend).parent.iterdir())
        assert len(files) == 2
        assert {each.stat().st_mode & 0o777 for each in files} == {0o600}


def test_a_look_waits_for_nobody(backend: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(backend)
    waits: list[float] = []

    def refuse(lock: FileLock, timeout: float) -> None:
        waits.append(timeout)
        raise Timeout(lock.lock_file)

    monkeypatch.setattr("omnictl.state.local.lock.FileLock.acquire", refuse)
    assert backend.describe_lock() is not None
    assert waits == [0]


def test_a_look_at_the_lock_disturbs_nobody(make_backend: MakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not want to wait bears with a lock that is held for a moment, as by doctor."""
    looking = ExitStack()
    looking.enter_context(make_backend().lock(HOLDER, timeout_seconds=0, on_wait=print))
    monkeypatch.setattr("omnictl.state.local.lock.sleep", lambda seconds: looking.close())
    waits: list[LockHolder | None] = []
    hold(make_backend(), 0.0, waits)
    assert waits == []


@pytest.mark.parametrize("look", [LocalBackend.describe_lock, LocalBackend.unlock])
def test_a_lock_that_cannot_be_looked_at_is_told(
    look: Callable[[LocalBackend], object], backend: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(backend)
    (tmp_path / "state/.omnictl/locks/production.json.holder.json").mkdir()
    monkeypatch.setattr("omnictl.state.local.lock.FileLock.acquire", _refuse)
    with pytest.raises(StateError) as caught:
        look(backend)
    assert caught.value.diagnostics[0].code == "cannot-lock-state"


def _refuse(*args: object, **kwargs: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_text_that_cannot_be_cleared_is_told(backend: LocalBackend, tmp_path: Path) -> None:
    hold(backend)
    (tmp_path / "state/.omnictl/locks/production.json.holder.json").mkdir()
    with pytest.raises(StateError) as caught:
        backend.unlock()
    assert caught.value.diagnostics[0].code == "cannot-lock-state"
    hold(backend)


def test_a_text_that_is_none_is_nobody_known(backend: LocalBackend, path: Path, tmp_path: Path) -> None:
    with another_process(path, tmp_path / ".omnictl"):
        (tmp_path / "state/.omnictl/locks/production.json.holder.json").write_text("{")
        found = backend.describe_lock()
        assert found is not None
        assert found.operation == "another omnictl"
        with pytest.raises(LockHeldError) as caught:
            hold(backend)
        assert "held by another omnictl." in caught.value.diagnostics[0].detail


def test_a_lock_that_cannot_be_made_is_told(backend: LocalBackend, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "state" / ".omnictl").write_text("in the way")
    with pytest.raises(StateError) as caught:
        hold(backend)
    assert caught.value.diagnostics[0].code == "cannot-lock-state"


def test_a_directory_in_the_place_of_the_lock_is_told(backend: LocalBackend, tmp_path: Path) -> None:
    (tmp_path / "state" / ".omnictl" / "locks" / "production.json.lock").mkdir(parents=True)
    with pytest.raises(StateError) as caught:
        hold(backend)
    assert caught.value.diagnostics[0].code == "cannot-lock-state"


def test_a_holder_as_it_lies_beside_the_lock() -> None:
    assert json.loads(encode_holder(HOLDER)) == {
        "operation": "apply",
        "run": "run-1",
        "since": "2026-11-20T09:12:00Z",
        "expected_end": "2026-11-20T10:12:00Z",
        "process": "pid 7",
        "link": "https://ci.example/1",
    }
    assert encode_holder(LockHolder("plan", "r", SINCE)).splitlines() == [
        "{",
        '  "operation": "plan",',
        '  "run": "r",',
        '  "since": "2026-11-20T09:12:00Z"',
        "}",
    ]
    assert encode_holder(HOLDER).endswith("}\n")


@pytest.mark.parametrize("field", ["operation", "run", "since", "expected_end", "process", "link"])
def test_what_is_wrong_with_the_text_of_a_holder_is_named(field: str) -> None:
    fields = json.loads(encode_holder(HOLDER))
    with pytest.raises(ShapeError) as caught:
        decode_holder(json.dumps({**fields, field: 7}))
    assert caught.value.path == field
    with pytest.raises(ShapeError) as caught:
        decode_holder("[]")
    assert caught.value.path == ""


def test_a_holder_survives_its_text() -> None:
    for holder in (HOLDER, LockHolder("plan", "r", SINCE)):
        assert decode_holder(encode_holder(holder)) == holder


@pytest.mark.parametrize(
    ("name", "lock"),
    [
        ("other.json", "other.json.lock"),
        ("a-credential", "e0a2850151da3514.lock"),
        ("\udcff", "a8100ae6aa1940d0.lock"),
    ],
)
def test_a_lock_bears_the_name_of_a_state_and_of_nothing_that_may_be_secret(
    tmp_path: Path, name: str, lock: str
) -> None:
    hold(LocalBackend(tmp_path / name, work_dir=tmp_path / "w" / ".omnictl", environment="production"))
    assert [each.name for each in (tmp_path / ".omnictl" / "locks").iterdir()] == [lock]


@pytest.mark.parametrize("place", ["one/state/x.json", "one/.omnictl/x.json", "one/.omnictl/sandbox/x/x.json"])
def test_whoever_uses_a_state_takes_the_same_lock(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    inside, outside = (
        LocalBackend(path, work_dir=tmp_path / each / ".omnictl", environment=each) for each in ("one", "other")
    )
    with (
        inside.lock(HOLDER, timeout_seconds=0.0, on_wait=lambda _: None),
        pytest.raises(LockHeldError),
        outside.lock(HOLDER, timeout_seconds=0.0, on_wait=lambda _: None),
    ):
        pass
    assert outside.describe_lock() is None


@pytest.mark.parametrize(
    ("place", "lock"),
    [
        ("state/x.json", "state/.omnictl/locks/x.json.lock"),
        (".omnictl/x.json", ".omnictl/locks/x.json.lock"),
        (".omnictl/sandbox/x/x.json", ".omnictl/sandbox/x/locks/x.json.lock"),
    ],
)
def test_the_lock_of_a_private_state_lies_in_the_same_private_folder(tmp_path: Path, place: str, lock: str) -> None:
    hold(LocalBackend(tmp_path / place, work_dir=tmp_path / "w" / ".omnictl", environment="production"))
    assert [str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.lock")] == [lock]
