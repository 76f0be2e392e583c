"""The world of the sandbox: scenarios and the requests seen, in SQLite, shared by consecutive commands."""

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS scenarios (
    key TEXT PRIMARY KEY, position INTEGER, body TEXT NOT NULL, is_default INTEGER NOT NULL, created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS requests (at REAL NOT NULL, operation TEXT NOT NULL, status INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """One scenario of the world: its key, name and flow as sent, and whether it is the default."""

    key: str
    body: dict[str, Any]
    is_default: bool


@dataclass(frozen=True, slots=True)
class Status:
    """What a world holds."""

    scenarios: int
    default_key: str | None
    requests: int


class World:
    """One account. Several threads and processes may share it; every change is one transaction."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        where = str(path) if path is not None else ":memory:"
        self._connection = sqlite3.connect(where, check_same_thread=False, isolation_level=None, timeout=30.0)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def list_scenarios(self, *, default: bool | None, limit: int, page: int) -> list[Stored]:
        """Return one page in the order of creation."""
        where = "" if default is None else f"WHERE is_default = {int(default)}"
        rows = self._query(
            f"SELECT key, body, is_default FROM scenarios {where} ORDER BY position LIMIT ? OFFSET ?",  # noqa: S608
            limit,
            limit * page,
        )
        return [_read(row) for row in rows]

    def get(self, key: str) -> Stored | None:
        """Return one scenario."""
        rows = self._query("SELECT key, body, is_default FROM scenarios WHERE key = ?", key)
        return _read(rows[0]) if rows else None

    def create(self, body: dict[str, Any], *, default: bool) -> Stored:
        """Add a scenario. The first one becomes the default, whatever it says."""
        with self._transaction() as do:
            count = do("SELECT COUNT(*) FROM scenarios").fetchone()[0]
            is_default = default or count == 0
            if is_default:
                do("UPDATE scenarios SET is_default = 0")
            key = secrets.token_hex(16).upper()
            do(
                "INSERT INTO scenarios VALUES (?, ?, ?, ?, ?)",
                (key, count, json.dumps(body), int(is_default), self._clock()),
            )
        return Stored(key, body, is_default)

    def update(self, key: str, body: dict[str, Any], *, default: bool) -> Stored | None:
        """Replace a scenario. ``default`` moves the default here; it never takes it away."""
        with self._transaction() as do:
            row = do("SELECT is_default FROM scenarios WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            if default:
                do("UPDATE scenarios SET is_default = 0")
            is_default = default or bool(row[0])
            do(
                "UPDATE scenarios SET body = ?, is_default = ? WHERE key = ?",
                (json.dumps(body), int(is_default), key),
            )
        return Stored(key, body, is_default)

    def note_request(self, operation: str, status: int) -> None:
        """Remember that a request was answered."""
        with self._transaction() as do:
            do("INSERT INTO requests VALUES (?, ?, ?)", (self._clock(), operation, status))

    def count_recent(self, operation: str, window_seconds: float) -> tuple[int, float]:
        """Return how many requests of a kind were taken in the window, and the age of the oldest of them."""
        since = self._clock() - window_seconds
        rows = self._query(
            "SELECT COUNT(*), MIN(at) FROM requests WHERE operation = ? AND at > ? AND status < 300", operation, since
        )
        count, oldest = rows[0]
        return int(count), self._clock() - oldest if oldest is not None else 0.0

    def status(self) -> Status:
        """Return what the world holds."""
        rows = self._query("SELECT COUNT(*), MAX(CASE WHEN is_default THEN key END) FROM scenarios")
        requests = self._query("SELECT COUNT(*) FROM requests")
        return Status(rows[0][0], rows[0][1], requests[0][0])

    def reset(self) -> None:
        """Empty the world."""
        with self._transaction() as do:
            do("DELETE FROM scenarios")
            do("DELETE FROM requests")

    def _query(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection.execute
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _read(row: tuple[str, str, int]) -> Stored:
    return Stored(row[0], json.loads(row[1]), bool(row[2]))
