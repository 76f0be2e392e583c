"""A lock that is held by a session of PostgreSQL: proven again and again by a thread, until it is let go or lost."""

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from omnictl.errors import StateError
from omnictl.state.base import Leftover, LockHolder
from omnictl.state.postgres.link import SESSION_SECONDS, DatabaseError, Link
from omnictl.threads import leave_signals

if TYPE_CHECKING:
    from omnictl.state.postgres.lock import PostgresLock

_REJOIN_SECONDS = 5.0


class Pace(Struct, frozen=True):
    """How often a holder gives a sign of life, how long it is believed, when the server ends its session; how long an
    answer and a write may take, for how long a write whose answer was lost is looked for, and how often who waits
    looks. All in seconds."""

    beat: float = 5.0
    held: float = 40.0
    session: float = SESSION_SECONDS
    answer: float = 12.0
    write: float = 15.0
    patience: float = 20.0
    poll: float = 0.5


USUAL_PACE = Pace()


class SessionHold:
    """A lock that is held. ``link`` is the connection that holds it, ``pid`` its process on the server."""

    def __init__(
        self,
        lock: "PostgresLock",
        link: Link,
        token: str,
        called: str,
        pid: int,
        began: float,
        holder: LockHolder,
        *,
        ended_run: str | None,
    ) -> None:
        self._ended_run = ended_run
        self.link = link
        self.is_lost = False
        self._lock = lock
        self._token = token
        self._called = called
        self._pid = pid
        self._holder = holder
        self._until = began + lock.pace.held
        self._reason = ""
        self._has_rejoined = False
        self._when_lost: Callable[[str], None] | None = None
        self._telling = Lock()
        self._stopping = False
        self._wake = Event()
        self._thread = Thread(target=self._prove, name="lock", daemon=True)

    def has_ended(self, run: str) -> bool:
        """Tell whether it is the run that held the lock last, and that let it go in good order."""
        return run == self._ended_run

    @property
    def leftover(self) -> Leftover:
        """The server ends a session that gives no sign of life."""
        return Leftover(math.ceil(self._lock.pace.session))

    @property
    def is_held(self) -> bool:
        """Whether the lock may still be relied on: proven a short time ago, and the server has not hung up since."""
        if self.is_lost or self._lock.now() >= self._until:
            return False
        if self.link.has_ended():
            self.lose("the database ended the connection that held the lock of the state")
        return not self.is_lost

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """Call this, once, with the reason, where the lock is lost while it is held."""
        with self._telling:
            self._when_lost = tell
        if self.is_lost:
            self._tell()

    def lose(self, reason: str) -> None:
        """Never rely on it again; who has to know is told by the thread of the lock."""
        if not self.is_lost:
            self._reason = reason
            self.is_lost = True
            self._wake.set()

    def _tell(self) -> None:
        with self._telling:
            tell, self._when_lost = self._when_lost, None
        if tell is not None:
            tell(self._reason)

    def expect(self, end: datetime) -> None:
        """Write it down beside the lock."""
        with suppress(StateError):
            self._lock.tell(self.link, self._token, replace(self._holder, expected_end=end))

    # --- proving it ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to prove it."""
        self._thread.start()

    def _prove(self) -> None:
        leave_signals()
        while not self.is_lost:
            self._wake.wait(self._lock.pace.beat)
            if self._stopping:
                return
            if not self.is_lost:
                self._prove_once()
        self._tell()

    def _prove_once(self) -> None:
        began = self._lock.now()
        try:
            is_ours = self._lock.is_ours(self.link, self._pid)
        except DatabaseError as error:
            if error.is_broken:
                self.lose("the connection that held the lock of the state broke")
            elif began >= self._until:
                self.lose("the lock of the state could not be proven in time")
            return
        if is_ours:
            self._until = began + self._lock.pace.held
        else:
            self.lose("the session that held the lock of the state was changed for another")

    # --- after it was lost ---------------------------------------------------------------------------------

    def rejoin(self) -> bool:
        """Take a lost lock again to write what is known, where nobody had it since; tell whether that was so.

        Our own old session is ended first, so that nothing of it is still on its way. It is not relied on again: no
        request is sent under it. Raises DatabaseError.
        """
        if self._has_rejoined and not self.link.is_closed:
            return True
        lock = self._lock
        link = lock.connect(self._called)
        try:
            is_back = self._take_again(link)
        except BaseException:
            link.close()
            raise
        if not is_back:
            link.close()
            return False
        self.link.close()
        self.link, self._has_rejoined = link, True
        return True

    def _take_again(self, link: Link) -> bool:
        lock = self._lock
        until = lock.now() + _REJOIN_SECONDS
        while not lock.try_on(link):
            lock.end_session(link, self._called)
            session = lock.find(link)
            if (session is not None and session.called != self._called) or lock.now() >= until:
                return False
            lock.sleep(0.1)
        return lock.sign_again(link, self._token)

    # --- letting it go -------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End proving, say that this run has ended in good order where the lock is still ours, and let it go."""
        self._stopping = True
        self._wake.set()
        self._thread.join()
        with suppress(StateError):
            if self._has_rejoined or (not self.is_lost and self._lock.is_ours(self.link, self._pid)):
                self._lock.release(self.link, self._token)
        self.link.close()
