"""Files that somebody named to be written: plans, reports, keys, scenarios in canonical layout."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

import click

from omnictl.durable import create_file, make_durable_directory, replace_file, sync_directory
from omnictl.errors import OutputError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity


def refuse_missing(ctx: click.Context, paths: Iterable[Path]) -> None:
    """Refuse paths of the command line that lead to nothing, from the directory that -C named."""
    for path in paths:
        if not os.path.exists(path):  # noqa: PTH110 - no name is too long for it
            raise click.BadParameter(f"Path {str(path)!r} does not exist.", ctx, param_hint="'[PATH…]'")


def refuse_unwritable(paths: Iterable[Path]) -> None:
    """Raise UsageError for a path that cannot be written, before anything is read or sent; its folder is made."""
    for path in paths:
        why = find_obstacle(path)
        if why:
            raise UsageError(unwritable(path, why))
        try:
            Path(os.path.realpath(path)).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(unwritable(path, error.strerror or str(error))) from None


def find_obstacle(path: Path) -> str:
    """Return why a file cannot be written, as far as that can be seen without writing; "" where nothing is seen."""
    target = Path(os.path.realpath(path))
    if _leads_away(path, target):
        return _AWAY
    if target.is_dir():
        return "it is a directory"
    standing = next(each for each in (target, *target.parents) if each.exists())
    if standing != target and not standing.is_dir():
        return os.strerror(errno.ENOTDIR)
    return "" if os.access(standing, os.W_OK) else "permission denied, or a file system that is read-only"


_AWAY = "a link leads out of this folder; name the file behind it"


def _leads_away(path: Path, target: Path) -> bool:
    """Tell whether a path below the working directory is a link out of it: a repository may hold one."""
    here = Path.cwd()
    is_below = Path(os.path.abspath(path)).is_relative_to(here)  # noqa: PTH100 - links in it are kept
    return is_below and not target.is_relative_to(os.path.realpath(here))


def write_text(path: Path, text: str) -> None:
    """Write a text that ends with a line end. Raises OutputError where that is not possible."""
    ended = text if text.endswith("\n") else text + "\n"
    write_bytes(path, ended.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; its mode stays. Raises OutputError where that is not possible.

    A link stays and what it points to is written; so is a pipe or a device, which cannot be replaced.
    """
    target = Path(os.path.realpath(path))
    if _leads_away(path, target):
        raise OutputError(unwritable(path, _AWAY))
    try:
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        if target.exists() and (not target.is_file() or not os.access(target.parent, os.W_OK)):
            target.write_bytes(content)
        else:
            replace_file(target, content, private=False)
    except OSError as error:
        raise OutputError(unwritable(path, error.strerror or str(error))) from None


def create_texts(files: Iterable[tuple[Path, str]]) -> None:
    """Write files that are not there yet, durably; none that is there is touched. Raises OutputError."""
    folders: set[Path] = set()
    for path, text in files:
        try:
            if path.parent not in folders:
                make_durable_directory(path.parent)
                folders.add(path.parent)
            create_file(path, text.encode())
        except FileExistsError:
            raise OutputError(unwritable(path, "a file of this name has appeared, and is not overwritten")) from None
        except OSError as error:
            raise OutputError(unwritable(path, error.strerror or str(error))) from None
    for folder in folders:
        sync_directory(folder)


def unwritable(path: Path, why: str) -> Diagnostic:
    """Return why a file cannot be written."""
    return Diagnostic(
        "cannot-write-file",
        Severity.ERROR,
        "A file cannot be written",
        f"{path}: {why}.",
        hint="check the path, its permissions and the free space",
    )


CODES = {
    "cannot-write-file": "A file that is to be written (--out, --report, fmt, init, import) cannot be. It is as it "
    "was.",
}
