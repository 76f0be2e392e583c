"""Disks that fill up, directories that cannot be written, and the power that goes at any system call."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from omnictl import durable
from omnictl.codec.state import decode_state
from omnictl.durable import replace_file
from omnictl.errors import StateWriteError
from omnictl.state.local.backend import LocalBackend
from tests.unit.state.conftest import MakeBackend
from tests.unit.state.test_local import STATE, following


class PowerCut(BaseException):
    """The machine is off from here on: nothing that would clean up does anything."""


_CALLS = ("fsync", "rename", "replace", "chmod", "mkdir", "unlink", "utime", "open")


@contextmanager
def dying_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """Let the power go at the Nth system call that changes something; after it every such call does nothing."""
    count = 0

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count >= number:
                raise PowerCut
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patched:
        for name in _CALLS:
            patched.setattr(os, name, wrap(getattr(os, name)))
        yield lambda: count


@pytest.mark.parametrize("first", [True, False])
def test_wherever_the_power_goes_the_old_or_the_new_state_is_there(
    make_backend: MakeBackend, path: Path, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write is cut at every system call; what is then on disk is whole, and the next run works with it."""
    seen = set()
    state = STATE
    if not first:
        make_backend().write(state)
    for number in range(1, 100):
        before = make_backend().read()
        backend = make_backend()
        with dying_at(number, monkeypatch) as calls:
            with suppress(PowerCut):
                backend.write(following(state))
            ended = calls() < number
        after = make_backend().read()
        assert after in (before, following(state))
        seen.add(after == before)
        if after == following(state):
            state = following(state)
            if first:
                path.unlink()
        if ended:
            break
    assert seen == {True, False}
    assert ended


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="tells by /proc which file a handle is")
def test_the_content_is_durable_before_the_name_and_the_name_before_the_return(
    backend: LocalBackend, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def note_fsync(handle: int) -> None:
        target = Path(f"/proc/self/fd/{handle}").readlink()
        steps.append(f"fsync {'file' if target.name.endswith('.tmp') else target.name}")
        fsync(handle)

    def note_rename(one: Path, other: Path) -> Path:
        steps.append(f"rename {other.name}")
        return rename(one, other)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_rename)
    backend.write(STATE)
    root = path.parent.parent.name
    assert steps == [f"fsync {root}", "fsync file", "rename production.json", "fsync state"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EDQUOT])
def test_a_disk_that_takes_nothing_leaves_the_state_as_it_was(
    make_backend: MakeBackend, path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backend().write(STATE)
    content = path.read_bytes()

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    backend = make_backend()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(StateWriteError) as caught:
            backend.write(following(STATE))
        assert caught.value.diagnostics[0].code == "cannot-keep-state"
        path.unlink()
        with pytest.raises(StateWriteError) as caught:
            make_backend().write(STATE)
        assert caught.value.diagnostics[0].code == "cannot-write-state"
        assert not path.exists()
    path.write_bytes(content)
    assert os.strerror(code) in caught.value.diagnostics[0].detail
    assert path.read_bytes() == content
    assert not list(path.parent.glob(".*"))
    backend.write(following(STATE))
    assert make_backend().read() == following(STATE)


def test_a_version_that_cannot_be_kept_stops_the_first_write_of_a_run_alone(
    make_backend: MakeBackend, tmp_path: Path
) -> None:
    """Before anything was sent a refusal costs nothing; later a key weighs more than a version."""
    make_backend().write(STATE)
    backups = tmp_path / ".omnictl" / "backups"
    backups.parent.mkdir()
    backups.write_text("in the way")
    backend = make_backend()
    with pytest.raises(StateWriteError) as caught:
        backend.write(following(STATE))
    assert caught.value.diagnostics[0].code == "cannot-keep-state"
    assert caught.value.diagnostics[0].detail.startswith(f"{backups}: ")
    assert make_backend().read() == STATE
    backups.unlink()
    backend.write(following(STATE))
    for each in sorted(backups.rglob("*"), reverse=True):
        each.rmdir() if each.is_dir() else each.unlink()
    backups.rmdir()
    backups.write_text("in the way")
    backend.write(following(following(STATE)))
    assert make_backend().read() == following(following(STATE))


def test_what_a_power_cut_left_goes_and_what_another_process_writes_stays(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    stale, young, other = (
        tmp_path / name
        for name in (".state.json.omnictl-a.tmp", ".state.json.omnictl-b.tmp", ".other.json.omnictl-a.tmp")
    )
    for each in (stale, young, other):
        each.write_text("half")
    yesterday = time.time() - 86_400
    for each in (stale, other):
        os.utime(each, (yesterday, yesterday))
    replace_file(path, b"whole", private=False)
    assert sorted(each.name for each in tmp_path.iterdir()) == [other.name, young.name, path.name]


def test_an_old_rest_that_cannot_be_dropped_stops_nothing(tmp_path: Path) -> None:
    rest = tmp_path / ".state.json.omnictl-a.tmp"
    rest.mkdir()
    os.utime(rest, (0, 0))
    replace_file(tmp_path / "state.json", b"whole", private=False)
    assert (tmp_path / "state.json").read_bytes() == b"whole"


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_directories_is_borne_with(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    durable.sync_directory(tmp_path)


def test_a_directory_that_cannot_be_made_durable_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        durable.sync_directory(tmp_path)


def test_a_system_without_directory_handles_is_borne_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_DIRECTORY")
    replace_file(tmp_path / "x", b"1", private=True)
    assert (tmp_path / "x").read_bytes() == b"1"


def test_half_a_file_never_has_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    replace_file(path, b"old", private=False)

    def cut(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(KeyboardInterrupt):
        replace_file(path, b"new", private=False)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_every_version_on_the_way_can_be_read(make_backend: MakeBackend, path: Path) -> None:
    backend = make_backend()
    for serial in range(1, 6):
        backend.write(replace(STATE, serial=serial))
        assert decode_state(path.read_bytes(), path="x").serial == serial
