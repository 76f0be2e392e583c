"""Names of temporary files: whose they are, and whether their writer is gone, so that the next run can clear them."""

import glob
import os
import re
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

_STALE_SECONDS = 3600.0
_LONGEST_NAMED = 200
"""Bytes of a file name that leave room for the writer; beside a longer one, only the age tells a rest."""
_WRITER = re.compile(r"\.omnictl-([0-9a-f]{8})-([0-9]+)-[^.]*\.tmp\Z", re.ASCII)


def prefix_of(path: Path) -> str:
    """Return how the name of a temporary file for this one begins; nobody else's begins so."""
    return f"{_kind_of(path)}{_writer()}" if len(os.fsencode(path.name)) <= _LONGEST_NAMED else _kind_of(path)


def drop_rests(folder: Path) -> None:
    """Drop what earlier runs left in a folder; what another process is writing stays."""
    _drop(folder.glob(".*.omnictl-*.tmp"))


def drop_rests_of(path: Path) -> None:
    """Drop what earlier writes of one file left."""
    _drop(path.parent.glob(f"{glob.escape(_kind_of(path))}*.tmp"))


def _kind_of(path: Path) -> str:
    return f".{path.name}.omnictl-"


def _drop(found: Iterable[Path]) -> None:
    for each in found:
        with suppress(OSError):
            if _is_rest(each):
                each.unlink()


def _is_rest(path: Path) -> bool:
    """Tell whether nobody writes a file any more: its writer is surely gone, or it is older than any write."""
    named = _WRITER.search(path.name)
    if named is not None and named[1] == _machine() and not _is_alive(int(named[2])):
        return True
    return path.lstat().st_mtime < time.time() - _STALE_SECONDS


def _writer() -> str:
    machine = _machine()
    return f"{machine}-{os.getpid()}-" if machine else ""


@cache
def _machine() -> str:
    """Return what stands for this machine since it started, and for what its process ids count in; "" if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
        space = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - no path to follow
    except OSError:
        return ""
    return f"{zlib.crc32(b'|'.join((boot, os.fsencode(space), os.fsencode(os.uname().nodename)))):08x}"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
