"""A bound for a mutant: it may change no file but those of its own folder, whatever its broken code takes for a path.

A mutant of code that writes files can write, chmod or delete anywhere that its user can. An audit hook sees every such
call of the interpreter before it is made; it stays until the process ends, and nothing can take it away.
"""

# ruff: noqa: PTH109, PTH118, PTH119, PTH120

import errno
import os
import sys
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGED: dict[str, tuple[tuple[int, int | None], ...]] = {
    "open": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.chflags": ((0, None),),
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
    "os.setxattr": ((0, None),),
    "os.removexattr": ((0, None),),
    "os.symlink": ((1, 2),),
    "os.link": ((0, 2), (1, 3)),
    "os.rename": ((0, 2), (1, 3)),
}
"""Which arguments of an event are paths that it changes, and which of them the directory handle they start from."""


def confine(folder: Path) -> None:
    """Refuse from now on, in this process, every change of what is not in the folder. PermissionError says so."""
    root = os.path.realpath(folder)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CHANGED or (event == "open" and not _is_to_write(arguments[1], arguments[2])):
            return
        for path, handle in _CHANGED[event]:
            if event != "open" or not isinstance(arguments[path], int):
                _check(arguments[path], -1 if handle is None else arguments[handle], root)

    sys.dont_write_bytecode = True
    sys.addaudithook(watch)


def _is_to_write(mode: str | None, flags: int) -> bool:
    return bool(flags & _WRITES) or any(letter in "wax+" for letter in mode or "")


def _check(path: Any, handle: int, root: str) -> None:
    """Refuse a path that is not below the root, or that is a link to what is not."""
    if isinstance(path, int):
        name = os.path.realpath(f"/proc/self/fd/{path}")
    else:
        start = os.getcwd() if handle == -1 else os.path.realpath(f"/proc/self/fd/{handle}")
        name = os.path.join(start, os.fsdecode(path))
    beside = os.path.join(os.path.realpath(os.path.dirname(name)), os.path.basename(name))
    for each in (beside, os.path.realpath(name)):
        if each != os.devnull and not each.startswith(root + os.sep):
            raise PermissionError(errno.EPERM, "a mutant changes nothing outside of its folder", name)
