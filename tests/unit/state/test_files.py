"""Files and directories as they are read and made, with the words of what is refused."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from omnictl import durable
from omnictl.durable import (
    create_file,
    make_durable_directory,
    make_private_directory,
    read_regular_file,
    replace_file,
    shown,
    sync_directory,
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_path_is_shown_from_where_people_are(project: Path) -> None:
    assert shown(project / "state" / "test.json") == str(Path("state/test.json"))
    assert shown(project.parent / "elsewhere.json") == str(project.parent / "elsewhere.json")


def test_a_path_is_shown_whole_where_nobody_knows_where_people_are(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Path:
        raise FileNotFoundError(errno.ENOENT, "gone")

    monkeypatch.setattr(Path, "cwd", gone)
    assert shown(project / "test.json") == str(project / "test.json")


def test_nothing_there_is_nothing_and_a_file_is_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert read_regular_file(path) is None
    path.write_bytes(b"\0\xff")
    assert read_regular_file(path) == b"\0\xff"


def _big(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(durable.LARGEST_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "number", "said"),
    [
        (Path.mkdir, errno.EISDIR, "it is a directory"),
        (os.mkfifo, errno.EINVAL, "it is not a regular file"),
        (lambda path: path.symlink_to("gone"), errno.ENOENT, "it is a link, and what it points to is not there"),
        (_big, errno.EFBIG, f"it has {256 * 1024 * 1024 + 1} bytes, which no state has"),
    ],
)
def test_what_is_no_readable_file_says_what_it_is(
    tmp_path: Path, make: Callable[[Path], None], number: int, said: str
) -> None:
    path = tmp_path / "x"
    make(path)
    with pytest.raises(OSError, match=r".") as caught:
        read_regular_file(path)
    assert (caught.value.errno, caught.value.strerror) == (number, said)


def test_the_largest_file_is_still_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "LARGEST_BYTES", 3)
    (tmp_path / "x").write_bytes(b"123")
    assert read_regular_file(tmp_path / "x") == b"123"


@pytest.mark.parametrize(
    ("private", "before", "after"), [(True, None, 0o600), (True, 0o644, 0o600), (False, 0o640, 0o640)]
)
def test_a_replaced_file_has_the_permissions_that_it_should(
    tmp_path: Path, private: bool, before: int | None, after: int
) -> None:
    path = tmp_path / "x"
    if before is not None:
        path.write_bytes(b"old")
        path.chmod(before)
    replace_file(path, b"new", private=private)
    assert (path.read_bytes(), mode_of(path)) == (b"new", after)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_permissions_of_its_surroundings_and_they_stay(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        replace_file(tmp_path / "x", b"", private=False)
        assert mode_of(tmp_path / "x") == mode
        assert os.umask(mask) == mask
    finally:
        os.umask(before)


def test_a_file_bears_the_time_that_it_is_given(tmp_path: Path) -> None:
    replace_file(tmp_path / "x", b"", private=True, modified_at=1_700_000_000.5)
    assert ((tmp_path / "x").stat().st_mtime, (tmp_path / "x").stat().st_atime) == (1_700_000_000.5, 1_700_000_000.5)


def test_a_rest_is_dropped_after_an_hour_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_700_000_000.0
    monkeypatch.setattr("omnictl.temporaries.time.time", lambda: now)
    for name, age in ((".x.omnictl-old.tmp", 3601), (".x.omnictl-even.tmp", 3600), (".x.omnictl-young.tmp", 3599)):
        (tmp_path / name).write_text("half")
        os.utime(tmp_path / name, (now - age, now - age))
    replace_file(tmp_path / "x", b"", private=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == [".x.omnictl-even.tmp", ".x.omnictl-young.tmp", "x"]


def test_what_is_being_written_lies_hidden_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: seen.extend(each.name for each in tmp_path.iterdir()))
    replace_file(tmp_path / "x.json", b"1", private=True)
    assert seen[0].startswith(".x.json.")
    assert seen[0].endswith(".tmp")


def test_a_name_that_cannot_be_made_durable_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("omnictl.durable.sync_directory", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        replace_file(tmp_path / "x", b"1", private=True)
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


def test_every_directory_that_is_made_is_made_durable_in_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("omnictl.durable.sync_directory", synced.append)
    make_durable_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert synced == [tmp_path, tmp_path / "a"]
    make_durable_directory(tmp_path / "a" / "b")
    assert len(synced) == 2


def test_a_directory_that_appears_meanwhile_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes make the same directory at once."""
    make = Path.mkdir

    def make_twice(path: Path, mode: int = 0o777, *, exist_ok: bool = False) -> None:
        make(path, mode)
        make(path, mode, exist_ok=exist_ok)

    monkeypatch.setattr(Path, "mkdir", make_twice)
    make_durable_directory(tmp_path / "a" / "b")
    assert make_private_directory(tmp_path / "c" / "d").is_dir()


def test_a_private_directory_is_entered_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".omnictl" / "backups" / "test"
    assert make_private_directory(path) == path
    for each in (path, path.parent, path.parent.parent):
        assert mode_of(each) == 0o700
    assert list(tmp_path.rglob(".gitignore")) == [tmp_path / "new" / ".omnictl" / ".gitignore"]
    assert (tmp_path / "new" / ".omnictl" / ".gitignore").read_bytes() == b"*\n"


def test_a_private_directory_that_was_open_is_closed_and_its_own_gitignore_stays(tmp_path: Path) -> None:
    path = tmp_path / ".omnictl"
    (path / "locks").mkdir(parents=True)
    path.chmod(0o755)
    (path / "locks").chmod(0o755)
    (path / ".gitignore").write_text("mine")
    make_private_directory(path / "locks")
    assert (mode_of(path), mode_of(path / "locks")) == (0o700, 0o755)
    assert (path / ".gitignore").read_text() == "mine"


def test_a_private_directory_is_not_touched_where_it_is_as_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A work directory that is mounted read-only serves for reading."""
    make_private_directory(tmp_path / ".omnictl")

    def refuse(*args: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "chmod", refuse)
    make_private_directory(tmp_path / ".omnictl")


def test_the_handle_of_a_directory_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    def note(handle: int) -> None:
        opened.append(handle)
        assert stat.S_ISDIR(os.fstat(handle).st_mode)

    monkeypatch.setattr(os, "fsync", note)
    sync_directory(tmp_path)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])


def test_what_is_no_directory_is_not_synced(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(NotADirectoryError):
        sync_directory(tmp_path / "x")


def test_what_a_private_directory_lies_in_is_durable_and_not_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(durable, "sync_directory", synced.append)
    make_private_directory(tmp_path / "deep" / "state" / ".omnictl" / "locks")
    assert synced == [tmp_path, tmp_path / "deep"]
    assert mode_of(tmp_path / "deep" / "state") == 0o777 & ~_umask()
    assert mode_of(tmp_path / "deep" / "state" / ".omnictl") == 0o700


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("name", ["*", "m[i]ne", "?ine", "mine"])
def test_what_others_left_is_not_dropped(tmp_path: Path, name: str) -> None:
    theirs = [tmp_path / each for each in (".mine.old.tmp", ".mine.abcdefgh.tmp", ".mine.omnictl-old")]
    ours = tmp_path / f".{name}.omnictl-abcdefgh.tmp"
    for each in (*theirs, ours):
        each.write_text("x")
        os.utime(each, (0, 0))
    replace_file(tmp_path / name, b"x", private=False)
    assert all(each.exists() for each in theirs)
    assert not ours.exists()


@pytest.mark.parametrize("path", [".omnictl", ".omnictl/locks"])
def test_a_private_directory_is_not_made_behind_a_link_that_leads_out(tmp_path: Path, path: str) -> None:
    outside, project = tmp_path / "outside", tmp_path / "project"
    outside.mkdir()
    (project / path).parent.mkdir(parents=True)
    (project / path).symlink_to(outside)
    with pytest.raises(OSError) as refused:
        make_private_directory(project / ".omnictl" / "locks")
    assert str(refused.value) == "a link leads out of the project, and nothing is written there"
    assert list(outside.iterdir()) == []


def test_a_link_in_a_work_directory_that_stays_in_its_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".omnictl").symlink_to("elsewhere")
    make_private_directory(tmp_path / ".omnictl" / "locks")
    assert mode_of(tmp_path / "elsewhere" / ".gitignore") == 0o600
    assert (tmp_path / "elsewhere" / "locks").is_dir()


@pytest.mark.parametrize("has_links", [True, False])
def test_a_new_file_is_whole_and_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not has_links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    create_file(tmp_path / "new", b"content")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in ("new", "link"):
        with pytest.raises(FileExistsError):
            create_file(tmp_path / taken, b"other")
    assert (tmp_path / "new").read_bytes() == b"content"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "new"]
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~_umask()
