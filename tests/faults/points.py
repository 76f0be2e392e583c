"""The points of a run at which it may die, counted from the outside: the calls to sockets and files are wrapped.

Nothing of omnictl knows of this. It is installed in a process of its own, just before ``main`` is called there.
"""

import fcntl
import json
import os
import select
import shutil
import signal
import socket
import sqlite3
import stat
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 20.0
_REQUESTS = (b"GET ", b"POST ", b"PUT ")


class Way(StrEnum):
    """How a process dies: killed; or with its machine, of which the disk has kept only what was flushed.

    Of a power cut the two ends are tried: a new name that nobody flushed is gone, or it is there and has no content.
    """

    KILL = "kill"
    CUT = "power cut"
    CUT_KEEPING_NAMES = "power cut that keeps names"


@dataclass(frozen=True, slots=True)
class Death:
    """The run dies when it comes to the point of this name for the ``at``-th time (from 1)."""

    point: str
    at: int
    way: Way = Way.KILL

    def __str__(self) -> str:
        return f"{self.way} at {self.point} #{self.at}"


@dataclass
class _Disk:
    """What a power cut would undo: names since the last flush of their directory, contents since their own."""

    names: list[tuple[Path, bytes | None]] = field(default_factory=list)
    made: list[Path] = field(default_factory=list)
    flushed: set[int] = field(default_factory=set)
    empty: list[Path] = field(default_factory=list)

    def flush_directory(self, directory: Path) -> None:
        self.names = [each for each in self.names if each[0].parent != directory]
        self.made = [each for each in self.made if each.parent != directory]

    def note_name(self, path: Path) -> None:
        """Remember what was under a name that is about to be another file's, or nobody's."""
        self.names.append((path, path.read_bytes() if path.is_file() else None))

    def lose_names(self) -> None:
        for path, before in reversed(self.names):
            if before is not None and path.parent.is_dir():
                path.write_bytes(before)
            else:
                path.unlink(missing_ok=True)
        for directory in reversed(self.made):
            shutil.rmtree(directory, ignore_errors=True)

    def lose_contents(self) -> None:
        for path in self.empty:
            if path.is_file():
                path.write_bytes(b"")


@dataclass
class Points:
    """Counts the points that a run comes to, and lets it die at one of them.

    ``root`` is the project: only files below it count.
    """

    root: Path
    death: Death | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _disk: _Disk = field(default_factory=_Disk)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _paths: dict[int, Path] = field(default_factory=dict)
    _verbs: threading.local = field(default_factory=threading.local)

    def reach(self, name: str) -> None:
        """Come to a point; this may be the last thing that the process does."""
        with self._lock:
            self.counts[name] += 1
            if self.death is not None and (name, self.counts[name]) == (self.death.point, self.death.at):
                self._die(self.death.way)

    def _die(self, way: Way) -> None:
        self.death = None  # what follows opens files
        if way is Way.CUT:
            self._disk.lose_names()
        elif way is Way.CUT_KEEPING_NAMES:
            self._disk.lose_contents()
        os.kill(os.getpid(), signal.SIGKILL)
        while True:
            signal.pause()

    def install(self) -> None:
        """Wrap what a run talks and writes with."""
        self._install_sockets()
        self._install_files()
        self._install_descriptors()
        self._install_databases()

    # --- talking ---------------------------------------------------------------------------------------------

    def _install_sockets(self) -> None:
        for name in ("send", "sendall"):
            setattr(socket.socket, name, self._sending(getattr(socket.socket, name)))
        for name in ("recv", "recv_into"):
            setattr(socket.socket, name, self._receiving(getattr(socket.socket, name)))

    def _sending(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def send(sock: socket.socket, content: Any, *more: Any) -> Any:
            if sock.family == socket.AF_UNIX:
                return real(sock, content, *more)
            begin = bytes(content[:5])
            has_body = begin.startswith((b"POST", b"PUT"))
            if begin.startswith(_REQUESTS):
                self._verbs.now, self._verbs.answered = begin.split()[0].decode(), False
                self.reach(f"{self._verbs.now}: before it is sent")
            sent = real(sock, content, *more)
            self.reach(f"{self._verbs.now}: {'its head sent' if has_body else 'sent'}")
            return sent

        return send

    def _receiving(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def receive(sock: socket.socket, *arguments: Any) -> Any:
            if sock.family == socket.AF_UNIX:
                return real(sock, *arguments)
            if self._verbs.answered:  # the rest of an answer comes in as many parts as it likes
                return real(sock, *arguments)
            self._verbs.answered = True
            select.select([sock], [], [], _PATIENCE_SECONDS)  # the service has done it, and has answered
            self.reach(f"{self._verbs.now}: answered, not read")
            got = real(sock, *arguments)
            self.reach(f"{self._verbs.now}: answer read")
            return got

        return receive

    # --- writing ---------------------------------------------------------------------------------------------

    def _install_files(self) -> None:
        os.replace = self._around("replace", os.replace, self._note_replaced)
        os.unlink = self._around("unlink", os.unlink, self._note_unlinked)
        os.mkdir = self._around("mkdir", os.mkdir, self._note_made)
        sys.addaudithook(self._hear)

    def _around(self, word: str, real: Callable[..., Any], note: Callable[[Path, Path], None]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **more: Any) -> Any:
            first, last = (Path(os.fspath(each)) for each in (path, arguments[0] if word == "replace" else path))
            role = self._role(last)
            if role is None or more.get("dir_fd") is not None:
                return real(path, *arguments, **more)
            self.reach(f"{role}: before {word}")
            note(first, last)
            result = real(path, *arguments, **more)
            self.reach(f"{role}: after {word}")
            return result

        return call

    def _note_replaced(self, source: Path, target: Path) -> None:
        self._disk.note_name(target)
        self._disk.empty = [each for each in self._disk.empty if each != target]
        if source.stat().st_ino not in self._disk.flushed:
            self._disk.empty.append(target)

    def _note_unlinked(self, path: Path, _: Path) -> None:
        if path.exists():
            self._disk.note_name(path)

    def _note_made(self, path: Path, _: Path) -> None:
        if not path.exists():
            self._disk.made.append(path)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python's own open is told of by an audit event alone."""
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            path = arguments[0]
            role = self._role(Path(os.fsdecode(path))) if isinstance(path, (str, bytes, os.PathLike)) else None
            if role is not None:
                self.reach(f"{role}: before write")

    # --- what has a descriptor ---------------------------------------------------------------------------------

    def _install_descriptors(self) -> None:
        real_open, real_fsync, real_flock = os.open, os.fsync, fcntl.flock

        def open_file(path: Any, flags: int, *arguments: Any, **more: Any) -> int:
            where = Path(os.fspath(path))
            role = self._role(where) if flags & os.O_CREAT else None
            if role is not None:
                self.reach(f"{role}: before it is opened")
            number = real_open(path, flags, *arguments, **more)
            self._paths[number] = where
            if role is not None:
                self.reach(f"{role}: opened")
            return number

        def fsync(number: int) -> None:
            where = self._paths.get(number, Path("/"))
            is_directory = stat.S_ISDIR(os.fstat(number).st_mode)
            role = self._role(where / "." if is_directory else where)
            word = "its directory flushed" if is_directory else "flushed"
            self.reach(f"{role}: before {word}")
            real_fsync(number)
            if is_directory:
                self._disk.flush_directory(where)
            else:
                self._disk.flushed.add(os.fstat(number).st_ino)
            self.reach(f"{role}: {word}")

        def flock(number: int, operation: int) -> None:
            taking = bool(operation & fcntl.LOCK_EX)
            if taking:
                self.reach("lock: before it is taken")
            real_flock(number, operation)
            self.reach("lock: taken" if taking else "lock: given back")

        os.open, os.fsync, fcntl.flock = open_file, fsync, flock  # type: ignore[assignment]

    # --- what is written by SQLite ------------------------------------------------------------------------------

    def _install_databases(self) -> None:
        """Come to a point around each transaction of a file of the project, and in the middle of it."""
        points = self

        class Watched(sqlite3.Connection):
            def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
                word = statement if statement in ("BEGIN IMMEDIATE", "COMMIT") else ""
                if word:
                    points.reach(f"ledger: before {word}")
                cursor = super().execute(statement, *values)
                if word:
                    points.reach(f"ledger: after {word}")
                return cursor

        def connect(database: Any, *arguments: Any, **more: Any) -> sqlite3.Connection:
            where = os.fspath(database)
            if not where or where == ":memory:" or points._role(Path(os.fsdecode(where))) is None:
                return sqlite3.Connection(database, *arguments, **more)
            return Watched(database, *arguments, **more)

        sqlite3.connect = connect  # type: ignore[assignment]

    def _role(self, path: Path) -> str | None:
        """Return what a file is for; None where it is not the project's."""
        try:
            parts = path.absolute().relative_to(self.root).parts
        except ValueError:
            return None
        name = "/".join((*parts, ""))
        roles = {
            "ledger": "ledger",
            "backups": "version",
            "locks": "holder",
            "errored": "errored",
            ".omnictl/": "project",
            "state": "state",
            "plan": "plan",
        }
        return next((role for word, role in roles.items() if word in name), "project")


def write_counts(points: Points, path: Path) -> None:
    """Leave the counts of a run that lived to its end."""
    with suppress(OSError):
        path.write_text(json.dumps(points.counts))


def list_deaths(counts: Mapping[str, int], way: Way = Way.KILL) -> list[Death]:
    """Return every death of a run with these counts, in a fixed order."""
    return [Death(name, at, way) for name, count in sorted(counts.items()) for at in range(1, count + 1)]
