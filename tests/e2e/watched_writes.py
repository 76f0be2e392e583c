"""Run as a program: every command in one process, with all that each of them writes told by the interpreter itself.

Usage: watched_writes.py COMMANDS.json WRITES.json; the first holds lists of words, the second gets, for each of them,
its exit code and the paths that were opened for writing, made, renamed, removed or changed.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

_MADE = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.mkfifo")
_CHANGED = ("os.chmod", "os.chown", "os.utime", "os.setxattr", "sqlite3.connect")
_STARTED = ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.fork", "os.system")
_writes: list[str] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _writes is None:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, str | bytes) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
            _note(path)
    elif event in _MADE or event in _CHANGED:
        for path in arguments[: 2 if event in ("os.rename", "os.link", "os.symlink") else 1]:
            _note(path, arguments[-1] if event in ("os.remove", "os.rmdir") else -1)
    elif event in _STARTED:
        _note(f"/started/{event}")


def _note(path: Any, folder: int = -1) -> None:
    """Keep a path; a name in an open folder is told as a path too."""
    if _writes is None or not isinstance(path, str | bytes | os.PathLike):
        return
    within = Path(f"/proc/self/fd/{folder}").readlink() if folder >= 0 else Path.cwd()
    text = os.path.normpath(within / os.fsdecode(path))
    if "__pycache__" not in text and text != os.devnull:
        _writes.append(text)


def main(commands_path: str, writes_path: str) -> None:
    """Run the commands."""
    global _writes
    from tests.e2e.running import omnictl

    start, told = Path.cwd(), []
    commands = json.loads(Path(commands_path).read_text())
    sys.addaudithook(_watch)
    for words in commands:
        _writes = []
        code = omnictl(*words).code
        written, _writes = _writes, None
        told.append([code, sorted(set(written))])
        os.chdir(start)
    Path(writes_path).write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
