"""The keeper of the state during an apply: advances it in memory, and writes it in groups, durably, in order."""

import time
from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from omnictl.errors import StateError, StateWriteError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.state import State, Writing
from omnictl.state.base import LockHolder, StateBackend

SECONDS_BETWEEN_WRITES = 1.0
"""Outcomes wait so long for each other; a store elsewhere is left alone for so long, whatever is to be written."""


class Keeper:
    """Holds the current state. Used by one thread alone.

    ``monotonic`` gives seconds, ``clock`` the time in UTC; ``holder`` is who writes. A file of this machine is written
    whenever it is asked for, any other place at most once a second: ``flush`` waits there. After a write has failed
    nothing is written any more: ``failure`` says why, and ``rescue`` saves the state beside the user.
    """

    def __init__(
        self,
        backend: StateBackend,
        state: State,
        holder: LockHolder,
        *,
        exists: bool,
        monotonic: Callable[[], float],
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._backend = backend
        self._holder = holder
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._state = state
        self._stored = state if exists else None
        self._written_at = float("-inf")
        self.failure: StateWriteError | None = None

    @property
    def state(self) -> State:
        """The state as of now."""
        return self._state

    @property
    def is_stored(self) -> bool:
        """Whether everything that is known is durable."""
        if self._state is self._stored:
            return True
        return self._stored is not None and self._state.content == self._stored.content

    @property
    def may_write_often(self) -> bool:
        """Whether the place is a file of this machine, which may be written whenever it is of use."""
        return self._backend.is_local

    @property
    def seconds_until_due(self) -> float:
        """How long a write of what is known may still wait; outcomes are written at most once a second."""
        return max(0.0, self._written_at + SECONDS_BETWEEN_WRITES - self._monotonic())

    @property
    def seconds_until_allowed(self) -> float:
        """How long ``flush`` would wait: a store may refuse a second write of one object within a second."""
        return 0.0 if self.may_write_often else self.seconds_until_due

    def advance(self, step: Callable[[State], State]) -> None:
        """Change the state in memory."""
        self._state = step(self._state)

    def flush(self) -> None:
        """Make everything that is known durable, when the place may be written. Raises StateWriteError, and again on
        every later call."""
        if self.failure is not None:
            raise self.failure
        if self.is_stored:
            return
        while (seconds := self.seconds_until_allowed) > 0.0:
            self._sleep(seconds)
        following = self._sign()
        try:
            self._backend.write(following)
        except StateWriteError as error:
            self.failure = error
            raise
        self._state = self._stored = following
        self._written_at = self._monotonic()

    def flush_if_allowed(self) -> None:
        """Write the state if that needs no waiting."""
        if self.seconds_until_allowed <= 0.0:
            self.flush()

    def flush_if_due(self) -> None:
        """Write the state if the last write is a second ago."""
        if self.seconds_until_due <= 0.0:
            self.flush()

    def refuse_if_moved(self) -> None:
        """Read once more what is stored. Raises StateError where another run wrote it since this one did or read it.

        The system's lock on a file ends with its process; any other lock may have been passed over or cleared unseen.
        """
        if self._backend.is_local:
            return
        there = self._backend.read()
        if _version_of(there) != _version_of(self._stored):
            raise StateError(_passed_over(self._backend.location, there, self._stored))

    def rescue(self) -> str:
        """Save the state beside the user after a failed write; return the path."""
        return self._backend.save_errored(self._sign())

    def _sign(self) -> State:
        """Return the state as it is to be written: its next version, with when and by whom."""
        serial = (self._stored.serial if self._stored else self._state.serial) + 1
        return replace(self._state, serial=serial, written=Writing(self._clock(), self._holder.label))


def _version_of(state: State | None) -> tuple[str, int] | None:
    return None if state is None else (state.lineage, state.serial)


def _passed_over(where: str, there: State | None, read: State | None) -> Diagnostic:
    now = "nothing" if there is None else f"serial {there.serial}"
    before = "nothing" if read is None else f"serial {read.serial}"
    return Diagnostic(
        "state-moved",
        Severity.ERROR,
        "The state was changed by somebody else meanwhile",
        f"{where} has {now}, and this run compares the account with {before}: another run passed over its lock. "
        "Nothing is sent.",
        hint="run the same command again: it begins with what is stored",
    )
