"""The state behind Terraform's HTTP protocol: GitLab-managed states, and every server of that kind.

The protocol has no condition on the version: the server's lock protects the state, and nothing else. Before each write
the stored version is looked at all the same, so that whoever writes without a lock is noticed as a rule.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from omnictl.codec.shapes import ShapeError, parse_json
from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import LockHeldError, StateError, StateMovedError, StateWriteError
from omnictl.model.state import State
from omnictl.state.base import Aside, Hold, LockHolder, StateVersion
from omnictl.state.checks import refuse_unusable
from omnictl.state.errored import save_errored, save_unreadable
from omnictl.state.hold import noted
from omnictl.state.problems import lock_held, no_such_version, overtaken
from omnictl.state.terraform.lock import ServerHold, ServerLock
from omnictl.state.terraform.lock_text import UNNAMED
from omnictl.state.terraform.problems import fate_unknown, lock_cleared
from omnictl.state.terraform.server import Server, is_conflict, is_done, is_unsure
from omnictl.state.versions import Versions
from omnictl.transport.answer import Answer, Reply


class TerraformHttpBackend:
    """The state of one environment on a server.

    The protocol keeps no versions: ``work_dir`` holds those that runs of this machine began with.
    """

    is_local = False
    has_conditional_writes = False

    def __init__(
        self,
        server: Server,
        *,
        work_dir: Path,
        environment: str,
        make_token: Callable[[], str],
        lock: ServerLock | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._server = server
        self._work_dir = work_dir
        self._environment = environment
        self._lock = lock or ServerLock(server, make_token)
        self._clock = clock
        self._versions = Versions(work_dir / "backups" / environment)
        self._hold: ServerHold | None = None
        self._seen: bytes | None = None
        self._seen_state: State | None = None
        self._has_read = False
        self._has_written = False

    @property
    def location(self) -> str:
        """The URL of the state."""
        return self._server.place.location

    # --- reading and writing -------------------------------------------------------------------------------

    def read(self) -> State | None:
        """Return the state, or None where there is none yet."""
        content = self._server.read()
        self._seen, self._seen_state, self._has_read = content, None, content is None
        if content is None:
            return None
        state = self._seen_state = decode_state(content, path=self.location, environment=self._environment)
        try:
            refuse_unusable(state, self.location, self._environment)
        except StateMovedError:
            self._has_read = True  # it may come back, in the place of what was read
            raise
        self._has_read = True
        return state

    def write(self, state: State) -> None:
        """Write the state in the place of the version that was read, or that this run wrote last.

        The version that is replaced is kept first: that of the run's begin, or nothing is written.
        """
        try:
            if not self._has_read:
                self.read()
            self._look_before(state)
            content = encode_state(state).encode()
            self._send(content, state)
        except StateWriteError:
            raise
        except StateError as error:
            raise StateWriteError(*error.diagnostics) from None
        self._seen, self._seen_state = content, state
        self._has_written = True

    def _look_before(self, state: State) -> None:
        """Refuse to write over what this run has not read, or what is not older; keep what is replaced."""
        found = self._server.read()
        if not _is_same(found, self._seen):
            raise StateWriteError(overtaken(self.location, self._serial_of(found), state))
        before = self._seen_state
        if found is None or before is None:
            return
        if before.serial >= state.serial:  # a server may give the highest serial, whatever came last
            raise StateWriteError(overtaken(self.location, before.serial, state))
        self._keep(found, before)

    def _send(self, content: bytes, state: State) -> None:
        """Send it, and find out what became of it where the answer does not say it was stored.

        It is sent again only after a look that found what it is to replace.
        """
        answer: Answer | None = None
        for _ in self._server.tries():
            if answer is not None:
                has_landed = self._has_landed(content, state)
                if has_landed is None:
                    continue
                if has_landed:
                    return
            answer = self._server.write(content, self._hold.lock_id if self._hold else None)
            if is_done(answer):
                return
            if not is_unsure(answer):
                break
        if self._has_landed(content, state):
            return
        assert answer is not None
        if not is_unsure(answer):
            raise self._refusal(answer)
        said = self._server.say(self._server.place.update_method, answer)
        raise StateWriteError(fate_unknown(self.location, said, state.serial))

    def _has_landed(self, content: bytes, state: State) -> bool | None:
        """Tell whether a write of unknown fate is stored; None where that cannot be seen.

        Raises StateWriteError where neither it nor what it was to replace is there.
        """
        try:
            found = self._server.read(tries=1)
        except StateError:
            return None
        if not _is_same(found, content) and not _is_same(found, self._seen):
            raise StateWriteError(overtaken(self.location, self._serial_of(found), state))
        return _is_same(found, content)

    def _refusal(self, answer: Answer) -> StateError:
        """Return the error for a write that was not taken; a lock that is no longer ours is lost."""
        assert isinstance(answer, Reply)
        method = self._server.place.update_method
        if not is_conflict(answer):
            return self._server.refusal(method, answer)
        if self._hold is None:
            return LockHeldError(lock_held(None, 0, is_kept=True))
        self._hold.lose()
        return StateWriteError(lock_cleared(self.location, self._server.say(method, answer)))

    def _serial_of(self, found: bytes | None) -> int | None:
        """Return the serial of what is stored, for people; None where it cannot be said."""
        with suppress(StateError):
            return None if found is None else decode_state(found, path=self.location).serial
        return None

    # --- kept versions -------------------------------------------------------------------------------------

    def _keep(self, content: bytes, state: State) -> None:
        at = state.written.at.timestamp() if state.written else self._clock()
        begins_run = not self._has_written
        self._versions.keep(content, state.lineage, state.serial, written_at=at, begins_run=begins_run)

    def history(self) -> tuple[StateVersion, ...]:
        """Return the versions that are kept on this machine, the last written first."""
        return self._versions.all()

    def read_version(self, lineage: str, serial: int) -> State:
        """Return a version that is kept on this machine, or by GitLab, which keeps every serial."""
        state = self._versions.read(lineage, serial)
        if state is None and self._server.place.is_gitlab:
            content = self._server.read(f"/versions/{serial}")
            where = f"{self._server.place.text}/versions/{serial}"
            state = None if content is None else decode_state(content, path=where)
        if state is None or state.lineage != lineage:
            raise StateError(no_such_version(serial, self._versions.serials(lineage)))
        return state

    def save_errored(self, state: State) -> str:
        """Save a state that could not be written, beside the user."""
        return save_errored(state, work_dir=self._work_dir, environment=self._environment)

    def set_aside(self) -> Aside:
        """Save what was read and is no state beside the user; the next write takes its place."""
        found = save_unreadable(self._seen or b"", work_dir=self._work_dir, environment=self._environment)
        self._has_read = True
        return found

    # --- the lock ------------------------------------------------------------------------------------------

    def lock(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> AbstractContextManager[Hold]:
        """Hold the lock of the server inside the context."""
        return noted(self._lock.hold(holder, timeout_seconds=timeout_seconds, on_wait=on_wait), self._note)

    def _note(self, hold: ServerHold | None) -> None:
        self._hold = hold

    def describe_lock(self) -> LockHolder | None:
        """Return who holds the lock; it is asked for, and given back at once where it is free."""
        found = self._lock.find()
        return None if found is None else found.holder or UNNAMED

    def unlock(self) -> LockHolder | None:
        """Return None where the lock is free, else raise LockHeldError: whether its holder lives nobody can tell."""
        found = self._lock.find()
        if found is None:
            return None
        raise LockHeldError(lock_held(found.holder, 0, is_kept=True, lock_id=found.lock_id))

    def clear_lock(self, lock_id: str) -> LockHolder | None:
        """Clear the lock of this name, whose holder is gone, and return who held it; None where it is free."""
        return self._lock.clear(lock_id)


def _is_same(one: bytes | None, other: bytes | None) -> bool:
    """Tell whether two contents say the same; a server may lay out JSON anew."""
    if one == other or one is None or other is None:
        return one == other
    try:
        return parse_json(one) == parse_json(other)
    except ShapeError:
        return False
