"""A lock for stores without sessions: a lease that its holder renews, and that is passed over once it is dead.

Nobody's clock is believed but one's own. A holder may work until a lease's time after the *beginning* of its last
renewal; who waits passes over a holder whose text did not change for that time, watched by the waiter. A clock that
counts sleep measures both: a machine that slept has lost its lease when it wakes.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from threading import Event, Lock, Thread

from msgspec import Struct
from msgspec.structs import replace

from omnictl.codec.shapes import ShapeError
from omnictl.errors import LockHeldError, StateError
from omnictl.state.base import Leftover, LockHolder
from omnictl.state.blobs import BlobConflictError, BlobError, BlobStore, read_surely, write_surely
from omnictl.state.hold import living
from omnictl.state.lease_text import LeaseText, decode_lease, encode_lease, is_newer
from omnictl.state.problems import lock_held, lock_lost, not_cleared, unreadable_lock
from omnictl.threads import leave_signals

LEASE_SECONDS = 60
_RENEWALS = 3
"""How often a lease is renewed in its time."""
_MARGIN_SECONDS = 5.0
"""How long before the end of its lease a holder stops: a request that leaves then is answered or lost in time."""
_POLL_SECONDS = 2.0
_UNNAMED = LockHolder("what is no lock", "unknown", datetime.fromtimestamp(0, UTC))


class Terms(Struct, frozen=True):
    """How long a lease lasts, and how often who waits looks; in seconds."""

    lease: int = LEASE_SECONDS
    poll: float = _POLL_SECONDS
    margin: float = _MARGIN_SECONDS


USUAL = Terms()


def awake_seconds() -> float:
    """Return seconds of a clock that only goes forward, and goes on while the machine sleeps where it can."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else time.monotonic()


class Lease:
    """The lock of a state, as an object of its store."""

    def __init__(
        self,
        store: BlobStore,
        name: str,
        make_token: Callable[[], str],
        *,
        terms: Terms = USUAL,
        now: Callable[[], float] = awake_seconds,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._name = name
        self._make_token = make_token
        self._terms = terms
        self._now = now
        self._sleep = sleep

    def hold(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> "AbstractContextManager[LeaseHold]":
        """Take the lock, and hold it inside the context. Raises LockHeldError after ``timeout_seconds``."""
        return living(lambda: self._acquire(holder, timeout_seconds, on_wait))

    def _acquire(
        self, holder: LockHolder, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> "LeaseHold":
        start, told = self._now(), False
        seen: LeaseText | None = None
        seen_at = start
        while True:
            began = self._now()
            found = read_surely(self._store, self._name, wait=self._pause)
            text = None if found is None else self._decode(found.content)
            if text != seen or text is None:
                seen, seen_at = text, began
            is_free = text is None or not text.is_held
            is_dead = text is not None and text.is_held and began - seen_at > text.lease_seconds
            if is_free or is_dead:
                version = None if found is None else found.version
                taken = self._take(holder, version, ended_run=text.ended_run if text else None)
                if taken is not None:
                    return taken
                continue
            waited = self._now() - start
            if waited >= timeout_seconds:
                raise LockHeldError(lock_held(text.holder if text else None, timeout_seconds, self._terms.lease))
            if not told:
                on_wait(text.holder if text else None)
                told = True
            self._sleep(min(self._terms.poll, max(0.05, timeout_seconds - waited)))

    def _take(self, holder: LockHolder, replaces: str | None, *, ended_run: str | None) -> "LeaseHold | None":
        """Take the lock in the place of a version; None where somebody else was quicker."""
        text = LeaseText(self._make_token(), 0, self._terms.lease, is_held=True, holder=holder)
        began = self._now()
        try:
            version = self._write(text, replaces)
        except BlobConflictError:
            return None
        hold = LeaseHold(self, text, version, began, ended_run=ended_run)
        if not hold.is_held:  # the answer took longer than the lease
            raise StateError(lock_lost(self._store.location))
        return hold

    def _write(self, text: LeaseText, replaces: str | None) -> str:
        content = encode_lease(text).encode()
        return write_surely(self._store, self._name, content, replaces=replaces, wait=self._pause)

    def _pause(self, n: int) -> None:
        self._sleep(min(0.2 * 2**n, 2.0))

    def _decode(self, content: bytes) -> LeaseText:
        try:
            return decode_lease(content)
        except ShapeError as error:
            raise StateError(unreadable_lock(f"{self._store.location} ({self._name})", str(error))) from None

    def _decode_for_clearing(self, content: bytes) -> LeaseText:
        if is_newer(content):
            return self._decode(content)
        try:
            return decode_lease(content)
        except ShapeError:
            return LeaseText(self._make_token(), 0, self._terms.lease, is_held=True, holder=_UNNAMED)

    def describe(self) -> LockHolder | None:
        """Return who holds the lock, or held it when it died; None where it is free."""
        found = self._store.read(self._name)
        text = None if found is None else self._decode(found.content)
        return text.holder if text is not None and text.is_held else None

    def clear(self) -> LockHolder | None:
        """Free the lock of a holder that is gone, and return it. LockHeldError where it is renewed while we look.

        What is no lock counts as one that somebody left: a holder that lives would have written over it.
        """
        found = self._store.read(self._name)
        if found is None:
            return None
        text = self._decode_for_clearing(found.content)
        if not text.is_held:
            return None
        self._sleep(text.lease_seconds / _RENEWALS + self._terms.poll)
        again = self._store.read(self._name)
        if again is None or again.version != found.version:
            raise LockHeldError(not_cleared(text.holder))
        try:
            self._write(replace(text, is_held=False, was_cleared=True, renewal=text.renewal + 1), found.version)
        except BlobConflictError:
            raise LockHeldError(not_cleared(text.holder)) from None
        return text.holder


class LeaseHold:
    """A lock that is held: renewed by a thread of its own until it is stopped, or lost."""

    def __init__(self, lease: Lease, text: LeaseText, version: str, began: float, *, ended_run: str | None) -> None:
        self._ended_run = ended_run
        self._lease = lease
        self._text = text
        self._version = version
        self._until = self._end_of(began)
        self._is_lost = False
        self._is_back = False
        self._renewing = Lock()
        self._when_lost: Callable[[str], None] | None = None
        self._expected_end = text.holder.expected_end
        self._is_stopping = False
        self._due = Event()
        self._thread = Thread(target=self._renew, name="lease", daemon=True)

    def has_ended(self, run: str) -> bool:
        """Tell whether it is the run that held the lock last, and that let it go in good order."""
        return run == self._ended_run

    @property
    def leftover(self) -> Leftover:
        """It is passed over once its text did not change for the time of a lease."""
        return Leftover(self._text.lease_seconds)

    @property
    def is_held(self) -> bool:
        """Whether the lock may still be relied on."""
        return not self._is_lost and self._lease._now() < self._until  # noqa: SLF001 - two halves of one thing

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """Call this, once, with the reason, where the lock is lost while it is held."""
        self._when_lost = tell
        if self._is_lost:
            tell("the lock of the state was lost")

    def expect(self, end: datetime) -> None:
        """Have it said by the next renewal, which comes at once."""
        self._expected_end = end
        self._due.set()

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def stop(self) -> None:
        """End renewing, and free the lock where it is still ours."""
        self._is_stopping = True
        self._due.set()
        self._thread.join()
        if not self.is_held and not self._is_back:
            return
        free = replace(self._text, is_held=False, renewal=self._text.renewal + 1)
        with suppress(BlobConflictError, StateError):
            self._lease._write(free, self._version)  # noqa: SLF001

    def _renew(self) -> None:
        leave_signals()
        terms = self._lease._terms  # noqa: SLF001
        pause = terms.lease / _RENEWALS
        while True:
            self._due.wait(pause)
            self._due.clear()
            if self._is_stopping:
                return
            began = self._lease._now()  # noqa: SLF001
            try:
                with self._renewing:
                    self._write(self._text, self._version, began)
            except BlobConflictError:
                self._lose("somebody else took the lock of the state")
                return
            except BlobError:
                if began >= self._until:
                    self._lose("the lock of the state could not be renewed in time")
                    return
                pause = min(1.0, terms.lease / _RENEWALS)
            else:
                pause = terms.lease / _RENEWALS

    def rejoin(self) -> bool:
        """Take a lost lock again to write what is known, where nobody had it since; tell whether it is ours.

        Where that was given up before, it is not relied on again: no request is sent under it. Raises StateError.
        """
        with self._renewing:
            if self.is_held:
                return True
            lease = self._lease
            began = lease._now()  # noqa: SLF001
            found = read_surely(lease._store, lease._name, wait=lease._pause)  # noqa: SLF001
            text = None if found is None else lease._decode(found.content)  # noqa: SLF001
            if found is None or text is None or not text.is_held or text.token != self._text.token:
                return False
            try:
                self._write(text, found.version, began)
            except BlobConflictError:
                return False
            self._is_back = lease._now() < self._until  # noqa: SLF001
            return self._is_back

    def _write(self, text: LeaseText, replaces: str, began: float) -> None:
        """Renew what the lock says, in the place of a version."""
        holder = replace(text.holder, expected_end=self._expected_end)
        following = replace(text, renewal=text.renewal + 1, holder=holder)
        self._version = self._lease._write(following, replaces)  # noqa: SLF001
        self._text, self._until = following, self._end_of(began)

    def _end_of(self, began: float) -> float:
        terms = self._lease._terms  # noqa: SLF001
        return began + terms.lease - min(terms.margin, terms.lease / 4)

    def _lose(self, reason: str) -> None:
        self._is_lost = True
        if self._when_lost is not None:
            self._when_lost(reason)
