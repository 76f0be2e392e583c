"""The open file of a ledger: transactions that are durable when they end, and what SQLite cannot do, in words."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from omnictl.durable import shown
from omnictl.errors import LedgerError
from omnictl.ledger import problems
from omnictl.ledger.hashing import Hasher
from omnictl.ledger.schema import VERSION

Row: TypeAlias = tuple[Any, ...]


PAGE = 500
"""How many rows, or ids, one query takes: a million of them need no memory, and no reader holds a writer up."""

_PRAGMAS = (
    "synchronous = FULL",  # what is committed is on the disk
    "fullfsync = ON",  # on macOS nothing less is
    "checkpoint_fullfsync = ON",
    "secure_delete = ON",  # what is purged, or moves to another page, is overwritten
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cache_size = -32000",
    "wal_autocheckpoint = 4000",
)


class Book:
    """One file, shared by threads and processes; every write is one transaction."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, busy_seconds: float) -> None:
        self.path = path
        self._connection = connection
        self.busy_seconds = busy_seconds
        self._lock = threading.RLock()
        self._identity = _identity(path)
        with self.telling():
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")

    @property
    def shown(self) -> str:
        """The path as people know it."""
        return shown(self.path)

    @property
    def hasher(self) -> Hasher:
        """What makes the keyed hashes of this ledger."""
        return Hasher(self.meta("hash_key"))

    def meta(self, name: str) -> Any:
        """Return what the ledger says of itself; None where it says nothing."""
        rows = self.query("SELECT value FROM meta WHERE name = ?", name)
        return rows[0][0] if rows else None

    def query(self, statement: str, *values: object) -> list[Row]:
        """Return the rows of a statement."""
        with self._lock, self.telling():
            return self._connection.execute(statement, values).fetchall()

    def add(self, statement: str, *values: object) -> int:
        """Insert a row and return its number."""
        with self._lock, self.telling():
            return self._connection.execute(statement, values).lastrowid or 0

    def change(self, statement: str, *values: object) -> int:
        """Run a statement and return how many rows it changed."""
        with self._lock, self.telling():
            return self._connection.execute(statement, values).rowcount

    def change_many(self, statement: str, rows: Sequence[Row]) -> None:
        """Run a statement for each row."""
        with self._lock, self.telling():
            self._connection.executemany(statement, rows)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All or nothing, and no other writer between; durable at the end."""
        with self._lock:
            try:
                with self.telling():
                    self._connection.execute("BEGIN IMMEDIATE")
                self._refuse_another_file()
                yield
                with self.telling():
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk ends some by itself
                    with suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                raise

    def _refuse_another_file(self) -> None:
        """What is written to a file that was moved away, or upgraded by a later omnictl, would be lost."""
        if _identity(self.path) != self._identity:
            raise LedgerError(problems.moved(self.shown))
        version = self.query("PRAGMA user_version")[0][0]
        if version != VERSION:
            raise LedgerError(problems.newer(self.shown, version, VERSION, str(self.meta("omnictl") or "")))

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turn what SQLite cannot do into words."""
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # a bug, or a ledger that is closed
        except sqlite3.Error as error:
            raise problems.error_of(self.shown, error, self.busy_seconds) from None

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Turn rows that do not say what they should into words."""
        try:
            yield
        except (ValueError, OverflowError) as error:
            raise LedgerError(problems.broken(self.shown, str(error))) from None

    def close(self) -> None:
        """Close the file, when nobody works on it."""
        with self._lock, suppress(sqlite3.Error):
            self._connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - fastest, and done before every write
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def plain(text: str) -> str:
    """Return a text that SQLite takes: half a character, which JSON may spell, is none."""
    return text.encode("utf-8", "backslashreplace").decode()


def marks(count: int) -> str:
    """Return so many question marks, for the values of a list."""
    return ", ".join("?" * count)
