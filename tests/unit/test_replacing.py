"""Replacing several files: all of them or none, never one that somebody else wrote, and each whole after a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from omnictl.durable import FileMovedOnError, Replacement, replace_files


@pytest.fixture
def files(tmp_path: Path) -> list[Replacement]:
    found = []
    for name in ("a", "b", "c"):
        path = tmp_path / name
        path.write_bytes(f"{name} before".encode())
        path.chmod(0o640)
        found.append(Replacement(path, path.read_bytes(), f"{name} after".encode()))
    return found


def contents(files: list[Replacement]) -> list[bytes]:
    return [each.path.read_bytes() for each in files]


def befores(files: list[Replacement]) -> list[bytes]:
    return [each.before for each in files]


def leftovers(files: list[Replacement]) -> list[str]:
    return sorted(each.name for each in files[0].path.parent.iterdir() if each.name not in ("a", "b", "c"))


def test_all_are_replaced_and_keep_their_permissions(files: list[Replacement]) -> None:
    replace_files(files)
    assert contents(files) == [each.after for each in files]
    assert {each.path.stat().st_mode & 0o777 for each in files} == {0o640}
    assert not leftovers(files)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_rename_that_fails_takes_the_others_back(
    files: list[Replacement], failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Path.replace

    def replace(path: Path, target: Path) -> Path:
        if target == files[failing].path and path.read_bytes() == files[failing].after:
            raise OSError(5, "Input/output error")
        return original(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="Input/output"):
        replace_files(files)
    assert contents(files) == befores(files)
    assert not leftovers(files)


def test_an_interrupt_takes_the_others_back(files: list[Replacement], monkeypatch: pytest.MonkeyPatch) -> None:
    original = Path.replace

    def replace(path: Path, target: Path) -> Path:
        done = original(path, target)
        if target == files[1].path and target.read_bytes() == files[1].after:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        replace_files(files)
    assert contents(files) == befores(files)


def test_a_full_disk_replaces_none(files: list[Replacement], monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []

    def fsync(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        replace_files(files)
    assert contents(files) == befores(files)
    assert not leftovers(files)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_file_that_somebody_else_wrote_is_left(files: list[Replacement], number: int) -> None:
    files[number].path.write_bytes(b"of somebody else")
    with pytest.raises(FileMovedOnError) as caught:
        replace_files(files)
    assert caught.value.filename == str(files[number].path)
    expected = befores(files)
    expected[number] = b"of somebody else"
    assert contents(files) == expected


def test_a_file_that_is_written_between_two_renames_is_left(
    files: list[Replacement], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was renamed is put back, unless somebody wrote that one meanwhile, too."""
    original = Path.replace

    def replace(path: Path, target: Path) -> Path:
        done = original(path, target)
        if target == files[1].path and target.read_bytes() == files[1].after:
            files[1].path.write_bytes(b"late")
            files[2].path.write_bytes(b"of somebody else")
        return done

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(FileMovedOnError):
        replace_files(files)
    assert contents(files) == [files[0].before, b"late", b"of somebody else"]


def test_a_file_that_is_gone_is_not_made_anew(files: list[Replacement]) -> None:
    files[2].path.unlink()
    with pytest.raises(FileMovedOnError):
        replace_files(files)
    assert not files[2].path.exists()
    assert contents(files[:2]) == befores(files[:2])


KILLED = """
import os, signal, sys
from pathlib import Path
from omnictl.durable import Replacement, replace_files
original = Path.replace
def replace(path, target):
    done = original(path, target)
    if Path(target).name == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
Path.replace = replace
paths = [Path(each) for each in sys.argv[2:]]
replace_files([Replacement(each, each.read_bytes(), b"after " * 10_000) for each in paths])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
@pytest.mark.parametrize(("at", "after"), [("a", 1), ("b", 2)])
def test_a_kill_between_two_renames_leaves_whole_files(files: list[Replacement], at: str, after: int) -> None:
    paths = [str(each.path) for each in files]
    done = subprocess.run([sys.executable, "-c", KILLED, at, *paths], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert contents(files) == [b"after " * 10_000] * after + befores(files)[after:]
    assert len(leftovers(files)) == 3 - after
