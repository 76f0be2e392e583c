"""The state in PostgreSQL: a row a version, conditional on the version that was read, locked by the session of the run.

While a lock is held everything is written on the connection that holds it, so that who lost the lock cannot write.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import StateError, StateMovedError, StateWriteError
from omnictl.model.state import State
from omnictl.state.base import Aside, LockHolder, StateVersion, Trial
from omnictl.state.checks import refuse_unusable
from omnictl.state.errored import save_errored, save_unreadable
from omnictl.state.hold import noted
from omnictl.state.lease import awake_seconds
from omnictl.state.location import Location
from omnictl.state.postgres.hold import USUAL_PACE, Pace, SessionHold
from omnictl.state.postgres.link import DatabaseError, Link, linked, read_address
from omnictl.state.postgres.lock import PostgresLock, key_of
from omnictl.state.postgres.problems import fate_unknown, lock_gone, only_reads
from omnictl.state.postgres.tables import Row, Tables, Write, plain, statements_for
from omnictl.state.problems import no_such_version, overtaken


class _LockGoneError(Exception):
    """The lock was lost, and somebody may have had it since."""


class _Seen(Struct, frozen=True):
    """What was read; without a state where it is none."""

    row: Row
    state: State | None


class PostgresBackend:
    """The state of one environment in a database."""

    is_local = False
    has_conditional_writes = True

    def __init__(
        self,
        location: Location,
        *,
        work_dir: Path,
        environment: str,
        make_token: Callable[[], str],
        pace: Pace = USUAL_PACE,
        now: Callable[[], float] = awake_seconds,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = read_address(location)
        self._work_dir = work_dir
        self._environment = environment
        self._make_token = make_token
        self._pace = pace
        self._now = now
        self._sleep = sleep
        self._tables = Tables(self._address)
        self._lock = PostgresLock(self._address, self._tables, make_token, pace=pace, now=now, sleep=sleep)
        self._write_key = key_of(self._address, "write")
        self._hold: SessionHold | None = None
        self._seen: _Seen | None = None
        self._unreadable: Row | None = None
        self._has_read = False
        self._has_written = False

    @property
    def location(self) -> str:
        """Where it is."""
        return self._address.shown

    # --- reading -------------------------------------------------------------------------------------------

    def read(self) -> State | None:
        """Return the state, or None where there is none yet."""
        with self._reading() as link:
            row = self._tables.top(link)
        self._seen, self._has_read = None, row is None
        if row is None:
            return None
        self._unreadable = row
        state = decode_state(row.content, path=self.location, environment=self._environment)
        try:
            refuse_unusable(state, self.location, self._environment)
        except StateMovedError:
            self._seen, self._has_read = _Seen(row, state), True  # it may come back, in the place of what was read
            raise
        self._seen, self._has_read = _Seen(row, state), True
        return state

    @contextmanager
    def _reading(self) -> Iterator[Link]:
        if self._hold is not None and not self._hold.is_lost:
            yield self._hold.link
        else:
            with linked(self._lock.connect) as link:
                yield link

    # --- writing -------------------------------------------------------------------------------------------

    def write(self, state: State) -> None:
        """Write the state in the place of the version that was read, or that this run wrote last.

        The version that the run began with is kept in the same transaction.
        """
        try:
            if not self._has_read:
                self.read()
            self._seen = _Seen(self._store(state), state)
        except StateWriteError:
            raise
        except StateError as error:
            raise StateWriteError(*error.diagnostics) from None
        self._has_written = True

    def _store(self, state: State) -> Row:
        """Write, and find out what became of it where the answer was lost: the name of the write tells ours."""
        row = Row(state.serial, self._make_token(), encode_state(state).encode())
        replaces = self._seen.row if self._seen else None
        if self._seen is not None and not _precedes(self._seen, state):
            raise StateWriteError(overtaken(self.location, self._seen.row.serial, state))
        write = Write(row.serial, state.lineage, row.content, row.write_id, replaces, not self._has_written)
        until, is_open = self._now() + self._pace.patience, False
        while True:
            was_sent = is_open
            try:
                with self._writing() as link:
                    was_sent = True
                    if self._insert(link, write, is_open=is_open):
                        return row
                raise StateWriteError(overtaken(self.location, self._read_serial(), state))
            except _LockGoneError:
                if is_open and self._has_happened(write, state):
                    return row
                raise StateWriteError(lock_gone(self.location, state)) from None
            except DatabaseError as error:
                is_open = is_open or (was_sent and error.is_broken)
                self._wait_or_raise(error, state, until, is_open=is_open)

    def _insert(self, link: Link, write: Write, *, is_open: bool) -> bool:
        """Write; where the answer to an earlier try was lost (``is_open``) look before and after whether it came."""
        return (
            (is_open and self._tables.has(link, write.write_id))
            or self._tables.insert(link, write, key=self._write_key, seconds=self._pace.write)
            or (is_open and self._tables.has(link, write.write_id))
        )

    def _wait_or_raise(self, error: DatabaseError, state: State, until: float, *, is_open: bool) -> None:
        """Wait for another try where the connection broke; raise where that is of no use, or went on for too long."""
        if error.is_broken and self._hold is not None:
            self._hold.lose("the connection that held the lock of the state broke")
        if error.is_broken and (is_open or self._hold is not None) and self._now() < until:
            self._sleep(0.5)
            return
        if is_open:
            raise StateWriteError(fate_unknown(self.location, state, self._said(error))) from None
        raise error

    @contextmanager
    def _writing(self) -> Iterator[Link]:
        """The connection that holds the lock; a new one where no lock is held."""
        hold = self._hold
        if hold is None:
            with linked(self._lock.connect) as link:
                self._tables.ensure(link)
                yield link
        elif hold.is_lost and not hold.rejoin():
            raise _LockGoneError
        else:
            yield hold.link

    def _has_happened(self, write: Write, state: State) -> bool:
        """Tell whether a write has happened of whose session nothing is left."""
        try:
            with linked(self._lock.connect) as link:
                return self._tables.has(link, write.write_id)
        except DatabaseError as error:
            raise StateWriteError(fate_unknown(self.location, state, self._said(error))) from None

    def _said(self, error: DatabaseError) -> str:
        return error.diagnostics[0].detail.removeprefix(f"{self.location}: ")

    def _read_serial(self) -> int | None:
        """Return the serial of what is stored now, for people; None where it cannot be said."""
        with suppress(StateError), self._reading() as link:
            top = self._tables.top(link)
            return top.serial if top else None
        return None

    # --- kept versions -------------------------------------------------------------------------------------

    def history(self) -> tuple[StateVersion, ...]:
        """Return the kept versions of all lineages, the last written first."""
        with self._reading() as link:
            found = self._tables.versions(link)
        return tuple(StateVersion(lineage, n, at, f"{self.location} (serial {n})") for lineage, n, at in found)

    def read_version(self, lineage: str, serial: int) -> State:
        """Return a kept version."""
        with self._reading() as link:
            content = self._tables.version(link, lineage, serial)
            kept = [] if content else [n for each, n, _ in self._tables.versions(link) if each == plain(lineage)]
        if content is None:
            raise StateError(no_such_version(serial, kept))
        return decode_state(content, path=f"{self.location} (serial {serial})")

    def save_errored(self, state: State) -> str:
        """Save a state that could not be written, beside the user."""
        return save_errored(state, work_dir=self._work_dir, environment=self._environment)

    def set_aside(self) -> Aside:
        """Save what was read and is no state beside the user; the next write takes its place."""
        row = self._unreadable
        content = row.content if row else b""
        found = save_unreadable(content, work_dir=self._work_dir, environment=self._environment)
        if row is not None:
            self._seen, self._has_read = _Seen(row, None), True
        return Aside(found.path, row.serial if row else 0)

    def try_conditions(self) -> Trial:
        """Look whether the user may write. The database keeps its conditions by its nature: nothing is written."""
        with self._reading() as link:
            lacks, user = self._tables.lacking(link), link.user
        if not lacks:
            return Trial(is_tried=True)
        statements = statements_for(self._address.schema, user)
        return Trial(is_tried=False, note=only_reads(self.location, lacks, statements))

    # --- the lock ------------------------------------------------------------------------------------------

    def lock(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> AbstractContextManager[SessionHold]:
        """Hold the lock inside the context; it goes with its connection, and so with its process."""
        return noted(self._lock.hold(holder, timeout_seconds=timeout_seconds, on_wait=on_wait), self._note)

    def _note(self, hold: SessionHold | None) -> None:
        self._hold = hold

    def describe_lock(self) -> LockHolder | None:
        """Return who holds the lock now; None where nobody does, whatever a dead session left written down."""
        return self._lock.describe()

    def unlock(self) -> LockHolder | None:
        """Note that a holder is gone, and return it; LockHeldError while its session lives."""
        return self._lock.clear()


def _precedes(seen: _Seen, state: State) -> bool:
    return (seen.state is None or seen.state.lineage == state.lineage) and seen.row.serial < state.serial
