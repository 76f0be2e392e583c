"""The log of a bug: where it happened, without a credential in it, for its owner alone. Loaded when there is a bug."""

import os
import tempfile
import traceback
from pathlib import Path

from omnictl.cli.hiding import hide_all
from omnictl.durable import make_private_directory, shown


def write_bug_log(title: str, bug: Exception) -> str:
    """Write the traceback of a bug under a title; return where it is, or "" where it can be written nowhere."""
    text = hide_all("".join(traceback.format_exception(bug)))
    for find_place in (_find_logs, tempfile.gettempdir):
        try:
            handle, name = tempfile.mkstemp(prefix="omnictl-bug-", suffix=".log", dir=find_place())
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
                log.write(f"{title}\n{text}")
        except Exception:  # noqa: BLE001, S112 - the bug may be anywhere, and the next place may do
            continue
        return shown(Path(name))
    return ""


def _find_logs() -> str:
    """Return the folder for logs in the work directory of the project, made where it is not there."""
    from omnictl.config.settings import find_settings  # late: it loads much, and the bug may be in there

    settings = find_settings(Path.cwd())
    root = settings.parent if settings is not None else Path.cwd()
    if settings is None and not (root / ".omnictl").is_dir() and not (root / "scenarios").is_dir():
        return tempfile.gettempdir()  # this is no project
    return str(make_private_directory(root / ".omnictl" / "logs"))
