"""Files that survive a power cut: written whole or not at all, in durable directories, some for the owner alone."""

import errno
import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from omnictl.temporaries import drop_rests, drop_rests_of, prefix_of

LARGEST_BYTES = 256 * 1024 * 1024
_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)


def shown(path: Path) -> str:
    """Return a path as people know it: from where they are, if it lies below."""
    with suppress(ValueError, OSError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def read_regular_file(path: Path) -> bytes | None:
    """Return the bytes of a file; None where there is nothing. Raises OSError for what is no readable file.

    A link that points nowhere is an error and never "nothing": the file behind it is only out of reach.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise OSError(errno.ENOENT, "it is a link, and what it points to is not there") from None
        return None
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, "it is a directory")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if found.st_size > LARGEST_BYTES:
        raise OSError(errno.EFBIG, f"it has {found.st_size} bytes, which no state has")
    return path.read_bytes()


def replace_file(path: Path, content: bytes, *, private: bool, modified_at: float | None = None) -> None:
    """Write a file so that a reader, or a power cut, sees the old or the new one and nothing between.

    ``modified_at`` (seconds since 1970) is the time that the file shall bear. A file that is not private keeps the
    permissions that it had.
    """
    make_durable_directory(path.parent)
    temporary = _write_beside(path, content, private=private)
    try:
        if modified_at is not None:
            os.utime(temporary, (modified_at, modified_at))
        temporary.replace(path)
        sync_directory(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@dataclass(frozen=True, slots=True)
class Replacement:
    """A file that is to be replaced: its bytes as they were read, and as they shall be."""

    path: Path
    before: bytes
    after: bytes


class FileMovedOnError(OSError):
    """A file is no longer as it was read."""


def replace_files(replacements: Sequence[Replacement]) -> None:
    """Replace files that are there, all of them or none; each keeps its permissions.

    Raises OSError, with the files as they were: FileMovedOnError where one is no longer as it was read. A power cut
    between two of the renames leaves files of both kinds, each of them whole.
    """
    temporaries: list[Path] = []
    renamed: list[Replacement] = []
    for parent in {each.path.parent for each in replacements}:
        drop_rests(parent)
    try:
        temporaries.extend(_write_beside(each.path, each.after, private=False) for each in replacements)
        for each in replacements:
            _refuse_moved_on(each)
        for each, temporary in zip(replacements, temporaries, strict=True):
            _refuse_moved_on(each)
            renamed.append(each)
            temporary.replace(each.path)
        for parent in dict.fromkeys(each.path.parent for each in replacements):
            sync_directory(parent)
    except BaseException:
        for each in reversed(renamed):
            if read_regular_file(each.path) == each.after:
                replace_file(each.path, each.before, private=False)
        raise
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)


def _refuse_moved_on(replacement: Replacement) -> None:
    if read_regular_file(replacement.path) != replacement.before:
        raise FileMovedOnError(errno.EAGAIN, "it was changed meanwhile", str(replacement.path))


def _write_beside(path: Path, content: bytes, *, private: bool) -> Path:
    """Write the bytes durably into a temporary file beside the one that it shall take the place of."""
    drop_rests_of(path)
    handle, name = tempfile.mkstemp(prefix=prefix_of(path), suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            temporary.chmod(_mode_of(path))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def create_file(path: Path, content: bytes) -> None:
    """Write a file that is not there, whole or not at all. Raises FileExistsError where something has its name.

    Its directory is there; who has made the last file of one makes the entries durable with ``sync_directory``.
    """
    drop_rests_of(path)
    handle, name = tempfile.mkstemp(prefix=prefix_of(path), suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode_of(path))
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            raise
        except OSError:  # a file system without links: a name that is taken between the two lines would be lost
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
            temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def _mode_of(path: Path) -> int:
    """Return the permissions of a file, or those that a new one gets."""
    with suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def make_durable_directory(path: Path) -> None:
    """Make a directory and its parents, so that they are there after a power cut too."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        sync_directory(each.parent)


def make_private_directory(path: Path) -> Path:
    """Make a directory that only its owner enters; everything under ``.omnictl`` is hidden from git by a file in it.

    Raises OSError, also where a link leads from ``.omnictl`` out of the project: a repository may hold one.
    """
    _refuse_to_lead_out(path)
    for each in (path, *path.parents):
        if each.name == ".omnictl":
            make_durable_directory(each.parent)  # it may hold a state, and is not ours alone
    for each in reversed([each for each in (path, *path.parents) if not each.exists()]):
        each.mkdir(mode=0o700, exist_ok=True)
    for each in (path, *path.parents):
        if each.name == ".omnictl":
            ignore = each / ".gitignore"
            if not ignore.exists():
                ignore.touch(mode=0o600)
                ignore.write_bytes(b"*\n")
            if stat.S_IMODE(each.stat().st_mode) != 0o700:
                each.chmod(0o700)
    return path


def _refuse_to_lead_out(path: Path) -> None:
    for each in (path, *path.parents):
        root = Path(os.path.realpath(each.parent))
        if each.name == ".omnictl" and not Path(os.path.realpath(path)).is_relative_to(root):
            raise OSError("a link leads out of the project, and nothing is written there")


def sync_directory(path: Path) -> None:
    """Make the entries of a directory durable, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(handle)
