"""The world of the sandbox in SQLite: scenarios, requests, switches, faults, the clock. Messages are in outbox.py."""

import json
import os
import random
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omnictl.sandbox.behaviour import Behaviour, SwitchError, read_behaviour, write_behaviour
from omnictl.sandbox.faults import Fault, fits, read_fault, write_fault
from omnictl.sandbox.tables import CONTENTS, FORMAT, READABLE, TABLES

_KINDS = {
    "scenarios": {"key": "text", "position": "integer", "is_default": "integer", "changed_at": "real"},
    "later": {"at": "real"},
    "requests": {"at": "real", "operation": "text", "status": "integer"},
}
"""What columns hold, by table: SQLite itself takes anything."""


class WorldError(Exception):
    """The file is no world of this version."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One scenario: its key, its fields as the service holds them, and whether it is a default.

    ``before`` and ``was_default`` are what a list that lags still shows; None for a scenario that it does not show yet.
    """

    key: str
    body: dict[str, Any]
    is_default: bool
    changed_at: float
    before: dict[str, Any] | None = None
    was_default: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """A write whose answer was lost and that appears at its time; ``key`` is None for a create."""

    at: float
    key: str | None
    body: dict[str, Any]
    flag: bool | None


class World:
    """One account. Several threads and processes may share it; every change is one transaction."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        where = str(path) if path is not None else ":memory:"
        if path is not None:
            _make_private(path)
        try:
            self._connection = sqlite3.connect(where, check_same_thread=False, isolation_level=None, timeout=30.0)
        except sqlite3.DatabaseError as error:
            raise WorldError(f"{where}: {error}") from None
        try:
            self._open()
        except (sqlite3.DatabaseError, WorldError) as error:
            self._connection.close()
            raise WorldError(f"{where}: {error}") from None

    def _open(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in READABLE:
            raise WorldError(f"the world has format {version}, this version reads {FORMAT}")
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(TABLES)
        self._connection.execute(f"PRAGMA user_version={FORMAT}")
        self._check()

    def _check(self) -> None:
        """Raise WorldError for what this program never wrote: a request must not be the first to stumble over it."""
        try:
            bodies = [body for row in self.list_all() for body in (row.body, row.before) if body is not None]
            bodies += [json.loads(row[0]) for row in self.query("SELECT body FROM later")]
            self.list_faults()
            _ = self.behaviour
        except (ValueError, TypeError, RecursionError, AttributeError) as error:
            raise WorldError(f"what it holds cannot be read ({error})") from None
        if not all(map(_is_body, bodies)) or any(map(self._is_bent, _KINDS)):
            raise WorldError("it holds what no world does")

    def _is_bent(self, table: str) -> bool:
        """Tell whether a column of a table holds something of another kind."""
        wrong = " OR ".join(f"typeof({column}) != '{kind}'" for column, kind in _KINDS[table].items())
        return bool(self.query(f"SELECT 1 FROM {table} WHERE {wrong} LIMIT 1"))  # noqa: S608

    def close(self) -> None:
        """Close the file, when nobody works on it; whoever comes later is refused."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else between; may be nested."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    # --- Scenarios ---------------------------------------------------------------------------------------------

    def count(self) -> int:
        """Return how many scenarios there are."""
        return int(self.query("SELECT COUNT(*) FROM scenarios")[0][0])

    def list_page(self, *, default: bool | None, limit: int, offset: int) -> list[Stored]:
        """Return a part of the scenarios in the order of their creation."""
        where = "" if default is None else f"WHERE is_default = {int(default)}"
        order = "ORDER BY position LIMIT ? OFFSET ?"
        return [_read(row) for row in self.query(f"SELECT * FROM scenarios {where} {order}", limit, offset)]  # noqa: S608

    def list_all(self) -> list[Stored]:
        """Return all scenarios in the order of their creation."""
        return [_read(row) for row in self.query("SELECT * FROM scenarios ORDER BY position")]

    def get(self, key: str) -> Stored | None:
        """Return one scenario."""
        rows = self.query("SELECT * FROM scenarios WHERE key = ?", key)
        return _read(rows[0]) if rows else None

    def defaults(self) -> list[Stored]:
        """Return the defaults; none, one, or several."""
        return [_read(row) for row in self.query("SELECT * FROM scenarios WHERE is_default ORDER BY position")]

    def put(self, stored: Stored) -> None:
        """Add a scenario at the end, or replace the one with its key."""
        with self.transaction():
            before = None if stored.before is None else json.dumps(stored.before)
            self.query(
                "INSERT INTO scenarios"
                " VALUES (?, (SELECT COALESCE(MAX(position), 0) + 1 FROM scenarios), ?, ?, ?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET body = excluded.body, is_default = excluded.is_default,"
                " changed_at = excluded.changed_at, before = excluded.before, was_default = excluded.was_default",
                stored.key,
                json.dumps(stored.body),
                stored.is_default,
                stored.changed_at,
                before,
                stored.was_default,
            )

    def remove(self, key: str) -> bool:
        """Drop a scenario, which the API cannot; tell whether it was there."""
        with self.transaction():
            return bool(self.query("DELETE FROM scenarios WHERE key = ? RETURNING key", key))

    # --- Later -------------------------------------------------------------------------------------------------

    def put_later(self, later: Later) -> None:
        """Remember a write for later."""
        with self.transaction():
            self.query(
                "INSERT INTO later (at, key, body, flag) VALUES (?, ?, ?, ?)",
                later.at,
                later.key,
                json.dumps(later.body),
                later.flag,
            )

    def has_due(self, now: float) -> bool:
        """Tell whether the time of any write, or of any messages, has come."""
        due = "SELECT 1 FROM later WHERE at <= ? UNION ALL SELECT 1 FROM later_sends WHERE at <= ? LIMIT 1"
        return bool(self.query(due, now, now))

    def take_due(self, now: float) -> list[Later]:
        """Return the writes whose time has come, and forget them."""
        rows = self.query("DELETE FROM later WHERE at <= ? RETURNING at, key, body, flag", now)
        return [
            Later(at, key, json.loads(body), None if flag is None else bool(flag))
            for at, key, body, flag in sorted(rows, key=lambda row: float(row[0]))
        ]

    # --- Requests ----------------------------------------------------------------------------------------------

    def note_request(self, operation: str, status: int, now: float) -> None:
        """Remember that a request was answered; status 0 is a connection that was cut."""
        with self.transaction():
            self.query("INSERT INTO requests VALUES (?, ?, ?)", now, operation, status)

    def count_recent(self, operation: str, since: float) -> tuple[int, float | None]:
        """Return how many requests of a kind were taken since then, and when the oldest of them came."""
        rows = self.query(
            "SELECT COUNT(*), MIN(at) FROM requests WHERE operation = ? AND at > ? AND status < 300", operation, since
        )
        return int(rows[0][0]), rows[0][1]

    def count_requests(self) -> dict[str, int]:
        """Return how many requests of each kind there were."""
        rows = self.query("SELECT operation, COUNT(*) FROM requests GROUP BY operation ORDER BY operation")
        return {operation: int(number) for operation, number in rows}

    def list_requests(self) -> list[dict[str, Any]]:
        """Return the requests in the order of their answers."""
        rows = self.query("SELECT at, operation, status FROM requests ORDER BY rowid")
        return [{"at": at, "operation": operation, "status": status} for at, operation, status in rows]

    # --- Behaviour and faults ----------------------------------------------------------------------------------

    @property
    def behaviour(self) -> Behaviour:
        """The switches as they are now."""
        rows = self.query("SELECT switches FROM behaviour")
        if not rows:
            return Behaviour()
        try:
            return read_behaviour(Behaviour(), json.loads(rows[0][0]))
        except SwitchError as error:
            raise WorldError(str(error)) from None

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        with self.transaction():
            self.query("DELETE FROM behaviour")
            self.query("INSERT INTO behaviour VALUES (?)", json.dumps(write_behaviour(behaviour)))

    def add_fault(self, fault: Fault) -> None:
        """Add a fault behind those that are there."""
        with self.transaction():
            self.query("INSERT INTO faults (fault) VALUES (?)", json.dumps(write_fault(fault)))

    def list_faults(self) -> list[Fault]:
        """Return the faults that are still to happen."""
        return [read_fault(json.loads(row[0])) for row in self.query("SELECT fault FROM faults ORDER BY id")]

    def clear_faults(self) -> None:
        """Drop all faults."""
        with self.transaction():
            self.query("DELETE FROM faults")

    def take_fault(self, operation: str, chance: random.Random) -> Fault | None:
        """Return what goes wrong with this request: the first fault that fits, counted down."""
        if not self.query("SELECT 1 FROM faults LIMIT 1"):
            return None
        with self.transaction():
            for number, text in self.query("SELECT id, fault FROM faults ORDER BY id"):
                fault = read_fault(json.loads(text))
                if not fits(fault, operation):
                    continue
                if fault.skip:
                    self._change_fault(number, replace(fault, skip=fault.skip - 1))
                elif chance.random() * 100 < fault.chance:
                    if fault.times:
                        self._change_fault(number, replace(fault, times=fault.times - 1) if fault.times > 1 else None)
                    return fault
        return None

    def _change_fault(self, number: int, fault: Fault | None) -> None:
        if fault is None:
            self.query("DELETE FROM faults WHERE id = ?", number)
        else:
            self.query("UPDATE faults SET fault = ? WHERE id = ?", json.dumps(write_fault(fault)), number)

    def reset(self) -> None:
        """Drop scenarios, messages, requests and the clock; switches, faults and recipients stay as they are."""
        with self.transaction():
            for table in CONTENTS:
                self.query(f"DELETE FROM {table}")  # noqa: S608

    @property
    def clock(self) -> tuple[float | None, float]:
        """When the clock stopped (None: it runs), and how many seconds it is ahead."""
        rows = self.query("SELECT stopped_at, ahead FROM clock")
        return rows[0] if rows else (None, 0.0)

    @clock.setter
    def clock(self, clock: tuple[float | None, float]) -> None:
        with self.transaction():
            self.query("DELETE FROM clock")
            self.query("INSERT INTO clock VALUES (?, ?)", *clock)

    def query(self, statement: str, *values: object) -> list[Any]:
        """Return the rows of a statement."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def query_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Do a statement for each of many rows."""
        with self._lock:
            self._connection.executemany(statement, rows)


def _make_private(path: Path) -> None:
    """Let a new file be for its owner alone, as SQLite's files beside it then are; what is amiss, SQLite tells."""
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _is_body(body: Any) -> bool:
    """Tell whether JSON is the fields of a scenario."""
    if (
        not isinstance(body, dict)
        or not isinstance(body.get("name", ""), str)
        or not isinstance(body.get("flow"), list)
    ):
        return False
    return all(isinstance(step, dict) and isinstance(step.get("from", ""), str) for step in body["flow"])


def _read(row: tuple[Any, ...]) -> Stored:
    key, _, body, is_default, changed_at, before, was_default = row
    return Stored(
        key,
        json.loads(body),
        bool(is_default),
        changed_at,
        None if before is None else json.loads(before),
        bool(was_default),
    )
