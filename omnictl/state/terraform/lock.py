"""The lock of a state on a server of Terraform's HTTP protocol: the server keeps it until it is let go or cleared.

Who holds it can only be learnt by asking for it. Whether the holder lives nobody can tell.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from omnictl.errors import LockHeldError, StateError
from omnictl.state.base import Leftover, LockHolder
from omnictl.state.problems import lock_held
from omnictl.state.terraform.lock_text import LockText, decode_lock_text, encode_lock_text, make_lock_text
from omnictl.state.terraform.problems import no_lock, unreachable
from omnictl.state.terraform.server import TRIES, Server, is_conflict, is_done, is_unsure
from omnictl.transport.answer import Answer, Reply, Unsent

POLL_SECONDS = 2.0
_GRACE_SECONDS = 2.0
"""Even who does not want to wait bears with somebody who only looks whether the lock is held."""
_LOOKING = "a look at the lock"
_WITHOUT_LOCK = (400, 404, 405, 501)
"""Statuses of a server that does not know what is asked of it."""


class ServerHold:
    """A lock that the server keeps for us, until a write is told that it is somebody else's."""

    def __init__(self, lock_id: str) -> None:
        self.lock_id = lock_id
        self.is_held = True
        self._when_lost: Callable[[str], None] | None = None

    @property
    def leftover(self) -> Leftover:
        """The server keeps it until it is cleared; its name is of no use once it is another's."""
        return Leftover(None, self.lock_id if self.is_held else "")

    def has_ended(self, run: str) -> bool:  # noqa: ARG002 - of a port
        """The lock may have been cleared while its holder lived: taking it proves nothing."""
        return False

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """Call this with the reason where a write finds that the lock was cleared."""
        self._when_lost = tell

    def expect(self, end: datetime) -> None:
        """What a lock says cannot be changed: its text is its name."""

    def lose(self) -> None:
        """It was found that the lock is no longer ours."""
        self.is_held = False
        if self._when_lost is not None:
            self._when_lost("the lock of the state was cleared by somebody else")


class ServerLock:
    """The lock of one state."""

    def __init__(self, server: Server, make_token: Callable[[], str], *, poll_seconds: float = POLL_SECONDS) -> None:
        self._server = server
        self._make_token = make_token
        self._poll_seconds = poll_seconds

    @contextmanager
    def hold(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> Iterator["ServerHold"]:
        """Hold the lock inside the context. Raises LockHeldError after ``timeout_seconds``, or StateError."""
        attempt = self._attempt(holder, is_look=False)
        try:
            self._acquire(attempt, timeout_seconds, on_wait)
            yield ServerHold(attempt.text.lock_id)
        finally:
            attempt.give_back()

    def _attempt(self, holder: LockHolder, *, is_look: bool) -> "_Attempt":
        text = make_lock_text(holder, self._make_token(), tells_by_name=self._server.place.is_gitlab)
        return _Attempt(self, self._server, text, is_look=is_look)

    def _acquire(
        self, attempt: "_Attempt", timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> None:
        start, told = self._server.monotonic(), False
        while (other := attempt.take()) is not None:
            is_look = other.holder is not None and other.holder.operation == _LOOKING
            waited = self._server.monotonic() - start
            patience = max(timeout_seconds, _GRACE_SECONDS) if is_look else timeout_seconds
            if waited >= patience:
                raise LockHeldError(lock_held(other.holder, timeout_seconds, is_kept=True, lock_id=other.lock_id))
            if not told and not is_look:
                on_wait(other.holder)
                told = True
            self._server.sleep(min(0.2 if is_look else self._poll_seconds, max(0.05, patience - waited)))

    def find(self, *, tries: int = TRIES) -> LockText | None:
        """Return who holds the lock, or None. It is asked for, and given back at once where it was free."""
        if self._server.place.is_gitlab and not self._server.has_record():
            return None  # to ask for the lock would make a record
        attempt = self._attempt(LockHolder(_LOOKING, self._make_token()[:8], _now()), is_look=True)
        try:
            return attempt.take(tries)
        finally:
            attempt.give_back()

    def clear(self, lock_id: str) -> LockHolder | None:
        """Clear the lock of this name and return who held it. LockHeldError where another one is held."""
        found = self.find()
        if found is None:
            return None
        if found.lock_id != lock_id:
            raise LockHeldError(lock_held(found.holder, 0, is_kept=True, lock_id=found.lock_id))
        answer: Answer = Unsent("it was not asked")
        for n in self._server.tries():
            if n > 1 and ((again := self.find()) is None or again.lock_id != lock_id):
                return found.holder
            answer = self._server.unlock(encode_lock_text(found), lock_id)
            if is_done(answer):
                return found.holder
            if isinstance(answer, Reply) and not is_unsure(answer) and not is_conflict(answer):
                raise self._server.refusal(self._server.place.unlock.method, answer)
        raise StateError(unreachable(self._server.place.text, self._server.say("unlocking", answer)))


class _Attempt:
    """One lock that is asked for, by its name.

    It may be ours once a request for it may have arrived; ``_is_sure`` once the server said that it is. ``is_look``:
    it is only asked for to learn who holds it.
    """

    def __init__(self, lock: ServerLock, server: Server, text: LockText, *, is_look: bool) -> None:
        self.text = text
        self._lock = lock
        self._server = server
        self._is_look = is_look
        self._told = encode_lock_text(text)
        self._may_be_ours = False
        self._is_sure = False

    def take(self, tries: int = TRIES) -> LockText | None:
        """Ask for the lock; return None where it is ours now, else who has it. Raises StateError."""
        server, method = self._server, self._server.place.lock.method
        answer: Answer = Unsent("it was not asked")
        for _ in server.tries(tries):
            before, self._may_be_ours = self._may_be_ours, True
            answer = server.lock(self._told)
            if isinstance(answer, Unsent):
                self._may_be_ours = before
            elif is_done(answer) or is_conflict(answer):
                return self._judge(answer)
            elif isinstance(answer, Reply) and not is_unsure(answer):
                self._may_be_ours = before
                if answer.status in _WITHOUT_LOCK and not server.place.is_gitlab:
                    raise StateError(no_lock(server.place.text, server.say(method, answer)))
                raise server.refusal(method, answer)
        raise StateError(unreachable(server.place.text, server.say(method, answer)))

    def _judge(self, answer: Answer) -> LockText | None:
        """Return who has the lock; it is ours too where an earlier request had arrived, which its name tells."""
        content = answer.body if isinstance(answer, Reply) else b""
        found = decode_lock_text(content, tells_by_name=self._server.place.is_gitlab)
        self._is_sure = found.lock_id == self.text.lock_id or (is_done(answer) and not found.lock_id)
        self._may_be_ours = self._is_sure
        return None if self._is_sure else found

    def give_back(self) -> None:
        """Give the lock back where it is, or may be, ours. Where that fails it shows to the next run: as held.

        A server may free any lock when it is told to free ours again, so it is told so only where ours is held.
        """
        if not self._may_be_ours:
            return
        is_ours = self._is_sure
        for _ in self._server.tries():
            if not is_ours:
                try:
                    found = None if self._is_look else self._lock.find(tries=1)
                except StateError:
                    continue
                if found is None or found.lock_id != self.text.lock_id:
                    return
            answer = self._server.unlock(self._told, self.text.lock_id)
            if isinstance(answer, Reply) and not is_unsure(answer):
                return
            is_ours = isinstance(answer, Unsent)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
