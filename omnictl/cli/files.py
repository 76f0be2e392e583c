"""Files that somebody named to be written: plans, reports, keys, scenarios in canonical layout."""

import os
from pathlib import Path

from omnictl.errors import UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.state.files import replace_file


def write_text(path: Path, text: str) -> None:
    """Write a text that ends with a line end. Raises UsageError where that is not possible."""
    ended = text if text.endswith("\n") else text + "\n"
    write_bytes(path, ended.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; its mode stays. Raises UsageError where that is not possible.

    A link stays and what it points to is written; so is a pipe or a device, which cannot be replaced.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        if target.exists() and (not target.is_file() or not os.access(target.parent, os.W_OK)):
            target.write_bytes(content)
        else:
            replace_file(target, content, private=False)
    except OSError as error:
        raise UsageError(unwritable(path, error.strerror or str(error))) from None


def unwritable(path: Path, why: str) -> Diagnostic:
    """Return why a file cannot be written."""
    return Diagnostic(
        "cannot-write-file",
        Severity.ERROR,
        "A file cannot be written",
        f"{path}: {why}.",
        hint="check the path and its permissions",
    )


CODES = {
    "cannot-write-file": "A file that is to be written (--out, --report, fmt, init) cannot be. It is as it was.",
}
