"""The lock of a state in PostgreSQL: an advisory lock, held by the session of the run and by nothing else.

The server lets it go when the session ends, however that comes. The session ends itself where its client gives no sign
of life; the client relies on the lock for a shorter time than that since it last asked and was answered, by a clock
that counts sleep.
"""

import hashlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from typing import LiteralString

from msgspec import Struct

from omnictl.codec.shapes import ShapeError
from omnictl.errors import LockHeldError, StateError
from omnictl.state.base import LockHolder
from omnictl.state.hold import living
from omnictl.state.holder import decode_holder, encode_holder
from omnictl.state.lease import awake_seconds
from omnictl.state.postgres.hold import USUAL_PACE, Pace, SessionHold
from omnictl.state.postgres.link import Address, DatabaseError, Link, connect, linked
from omnictl.state.postgres.problems import pooled, session_lives
from omnictl.state.postgres.tables import Tables, as_int
from omnictl.state.problems import lock_held, lock_lost

HELD, RELEASED, CLEARED = "held", "released", "cleared"
_GRACE_SECONDS = 0.3
"""Even who does not want to wait bears with a session that is just ending."""
_LOOK_SECONDS = 0.05
_NEVER = datetime.fromtimestamp(0, UTC)

_SESSIONS: LiteralString = (
    "SELECT l.pid, coalesce(a.application_name, ''), a.backend_start FROM pg_locks AS l "
    "LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND l.classid::bigint = %s AND l.objid::bigint = %s"
)


class Session(Struct, frozen=True):
    """A session that holds the lock: the process on the server, what it calls itself, the text of its holder."""

    pid: int
    called: str
    holder: LockHolder | None
    since: datetime | None = None


class PostgresLock:
    """The lock of one state."""

    def __init__(
        self,
        address: Address,
        tables: Tables,
        make_token: Callable[[], str],
        *,
        pace: Pace = USUAL_PACE,
        now: Callable[[], float] = awake_seconds,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self.tables = tables
        self.pace = pace
        self.now = now
        self.sleep = sleep
        self._make_token = make_token
        self.key = key_of(address, "run")

    def connect(self, called: str = "omnictl") -> Link:
        """Connect, with a session that ends itself. Raises DatabaseError."""
        return connect(self.address, called, session_seconds=self.pace.session)

    # --- holding it ----------------------------------------------------------------------------------------

    def hold(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> AbstractContextManager[SessionHold]:
        """Take the lock, and hold it inside the context. Raises LockHeldError after ``timeout_seconds``."""
        return living(lambda: self._acquire(holder, timeout_seconds, on_wait))

    def _acquire(
        self, holder: LockHolder, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> SessionHold:
        token = self._make_token()
        called = f"omnictl {holder.operation[:24]} {token[:24]}"
        link = self.connect(called)
        try:
            self._refuse_pooler(link)
            self.tables.ensure(link)
            began = self._wait_for(link, timeout_seconds, on_wait)
            pid, ended_run = self._sign(link, token, holder)
            hold = SessionHold(self, link, token, called, pid, began, holder, ended_run=ended_run)
        except BaseException:
            link.close()
            raise
        if not hold.is_held:  # the answer took too long
            link.close()
            raise StateError(lock_lost(self.address.shown))
        return hold

    def _refuse_pooler(self, link: Link) -> None:
        """Refuse a pooler; one that is said to keep sessions must not give two connections the same."""
        pid = pid_of(link)
        if not self.address.takes_pooler:
            is_kept = pid == link.announced_pid
        else:
            with linked(self.connect) as other:
                is_kept = pid_of(other) != pid == pid_of(link)
        if not is_kept:
            raise DatabaseError(pooled(self.address.shown, is_shared=self.address.takes_pooler), is_refused=True)

    def _wait_for(self, link: Link, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]) -> float:
        """Take the advisory lock; return the time just before it was asked for."""
        start, told = self.now(), False
        while True:
            began = self.now()
            if self.try_on(link):
                return began
            waited = self.now() - start
            session = self.find(link)
            holder = session.holder if session else None
            if waited >= max(timeout_seconds, _GRACE_SECONDS):
                raise LockHeldError(lock_held(holder, timeout_seconds, int(self.pace.session)))
            if not told and timeout_seconds > _GRACE_SECONDS:
                on_wait(holder)
                told = True
            self.sleep(min(self.pace.poll, max(_LOOK_SECONDS, timeout_seconds - waited)))

    def try_on(self, link: Link) -> bool:
        """Take the advisory lock where it is free."""
        with link.using() as connection:
            found = connection.execute("SELECT pg_try_advisory_lock(%s)", (self.key,)).fetchone()
        return found is not None and found[0] is True

    def _sign(self, link: Link, token: str, holder: LockHolder) -> tuple[int, str | None]:
        """Write down who holds it; return the process of the session, and the run before that let it go."""
        with link.transaction(self.pace.answer) as connection:
            before = connection.execute(
                self.tables.made("SELECT status, holder FROM {schema}.locks WHERE name = %s"), (self.address.name,)
            ).fetchone()
            row = connection.execute(
                self.tables.made(
                    "INSERT INTO {schema}.locks AS k (name, status, token, holder, pid) "
                    "VALUES (%s, %s, %s, %s, pg_backend_pid()) ON CONFLICT (name) DO UPDATE SET status = "
                    "excluded.status, token = excluded.token, holder = excluded.holder, pid = excluded.pid, "
                    "taken_at = clock_timestamp() RETURNING k.pid"
                ),
                (self.address.name, HELD, token, encode_holder(holder)),
            ).fetchone()
        last = _decode(before[1]) if before is not None and before[0] == RELEASED else None
        return (as_int(row[0]) if row else 0), (last.run if last else None)

    def tell(self, link: Link, token: str, holder: LockHolder) -> None:
        """Write down anew who holds it."""
        with link.using(self.pace.answer) as connection:
            text: LiteralString = "UPDATE {schema}.locks SET holder = %s WHERE name = %s AND token = %s AND status = %s"
            connection.execute(self.tables.made(text), (encode_holder(holder), self.address.name, token, HELD))

    def mark(self, link: Link, status: str, token: str) -> bool:
        """Say how a hold ended; only on a session that holds the lock. Tell whether it was still written down."""
        with link.using(self.pace.answer) as connection:
            text: LiteralString = "UPDATE {schema}.locks SET status = %s WHERE name = %s AND token = %s AND status = %s"
            done = connection.execute(self.tables.made(text), (status, self.address.name, token, HELD))
        return done.rowcount == 1

    def release(self, link: Link, token: str) -> None:
        """Say that a hold has ended in good order, and let the lock go."""
        self.mark(link, RELEASED, token)
        self.let_go(link)

    def let_go(self, link: Link) -> None:
        """Free the advisory lock; the end of the session would do so a moment later."""
        with suppress(DatabaseError), link.using(self.pace.answer) as connection:
            connection.execute("SELECT pg_advisory_unlock(%s)", (self.key,))

    def sign_again(self, link: Link, token: str) -> bool:
        """Write down a new session of a hold; tell whether it was the last who held the lock."""
        with link.using(self.pace.answer) as connection:
            text: LiteralString = (
                "UPDATE {schema}.locks SET pid = pg_backend_pid() WHERE name = %s AND token = %s AND status = %s"
            )
            done = connection.execute(self.tables.made(text), (self.address.name, token, HELD))
        return done.rowcount == 1

    def is_ours(self, link: Link, pid: int) -> bool:
        """Tell whether this session, still the same, holds the lock."""
        with link.using(self.pace.answer) as connection:
            found = connection.execute(_SESSIONS, split_key(self.key), binary=True).fetchall()
            own = connection.execute("SELECT pg_backend_pid()").fetchone()
        return own == (pid,) and pid in [each[0] for each in found]

    def end_session(self, link: Link, called: str) -> None:
        """End the session of ours that we lost sight of, named by its token: nothing of it can be written then."""
        with suppress(DatabaseError), link.using() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s "
                "AND pid <> pg_backend_pid()",
                (called,),
            )

    # --- looking at it -------------------------------------------------------------------------------------

    def find(self, link: Link) -> Session | None:
        """Return the session that holds the lock, or None."""
        with link.using() as connection:
            found = connection.execute(_SESSIONS, split_key(self.key)).fetchone()
        if found is None:
            return None
        pid, called, since = found
        row = self.tables.ask(
            link,
            "SELECT holder FROM {schema}.locks WHERE name = %s AND pid = %s AND status = %s",
            (self.address.name, pid, HELD),
        )
        begun = since.astimezone(UTC) if isinstance(since, datetime) else None
        return Session(as_int(pid), str(called), _decode(row[0][0]) if row else None, begun)

    def describe(self) -> LockHolder | None:
        """Return who holds the lock now, or None."""
        with linked(self.connect) as link:
            session = self.find(link)
        if session is None or session.holder is not None:
            return session.holder if session else None
        called = session.called or "another omnictl"
        return LockHolder(called, "unknown", session.since or _NEVER, process=f"process {session.pid} of the server")

    def clear(self) -> LockHolder | None:
        """Note that a holder is gone, and return it. LockHeldError while its session lives."""
        with linked(self.connect) as link:
            self._refuse_pooler(link)
            until = self.now() + _GRACE_SECONDS
            while not self.try_on(link):
                if self.now() >= until:
                    session = self.find(link) or Session(0, "", None)
                    raise LockHeldError(session_lives(session.holder, session.pid, session.called, session.since))
                self.sleep(_LOOK_SECONDS)
            try:
                return self._clear(link)
            finally:
                self.let_go(link)

    def _clear(self, link: Link) -> LockHolder | None:
        text: LiteralString = "SELECT token, holder FROM {schema}.locks WHERE name = %s AND status = %s"
        row = self.tables.ask(link, text, (self.address.name, HELD))
        if not row:
            return None
        self.mark(link, CLEARED, str(row[0][0]))
        return _decode(row[0][1]) or LockHolder("another omnictl", "unknown", _NEVER)


def pid_of(link: Link) -> int:
    """Return the process on the server that works for a connection."""
    with link.using() as connection:
        found = connection.execute("SELECT pg_backend_pid()").fetchone()
    return as_int(found[0]) if found else 0


def key_of(address: Address, purpose: str) -> int:
    """Return the number of an advisory lock: a digest, since it is of 64 bits and shared by the whole database."""
    text = f"omnictl\0{purpose}\0{address.schema}\0{address.name}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def split_key(key: int) -> tuple[int, int]:
    """Return the two halves of a key, as the server shows it among its locks."""
    return (key >> 32) & 0xFFFFFFFF, key & 0xFFFFFFFF


def _decode(text: object) -> LockHolder | None:
    try:
        return decode_holder(str(text))
    except ShapeError:
        return None
