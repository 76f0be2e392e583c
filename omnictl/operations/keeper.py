"""The keeper of the state during an apply: advances it in memory, and writes it in groups, durably, in order."""

from collections.abc import Callable

from msgspec.structs import replace

from omnictl.errors import StateWriteError
from omnictl.model.state import State
from omnictl.state.base import StateBackend

SECONDS_BETWEEN_WRITES = 1.0


class Keeper:
    """Holds the current state. Used by one thread alone.

    ``monotonic`` gives seconds. After a write has failed nothing is written any more: ``failure`` says why, and
    ``rescue`` saves the state beside the user.
    """

    def __init__(self, backend: StateBackend, state: State, *, exists: bool, monotonic: Callable[[], float]) -> None:
        self._backend = backend
        self._monotonic = monotonic
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
        return self._stored is not None and replace(self._state, serial=0) == replace(self._stored, serial=0)

    @property
    def seconds_until_due(self) -> float:
        """How long a write of what is known may still wait; outcomes are written at most once a second."""
        return max(0.0, self._written_at + SECONDS_BETWEEN_WRITES - self._monotonic())

    def advance(self, step: Callable[[State], State]) -> None:
        """Change the state in memory."""
        self._state = step(self._state)

    def flush(self) -> None:
        """Make everything that is known durable. Raises StateWriteError, and again on every later call."""
        if self.failure is not None:
            raise self.failure
        if self.is_stored:
            return
        serial = (self._stored.serial if self._stored else self._state.serial) + 1
        following = replace(self._state, serial=serial)
        try:
            self._backend.write(following)
        except StateWriteError as error:
            self.failure = error
            raise
        self._state = self._stored = following
        self._written_at = self._monotonic()

    def flush_if_due(self) -> None:
        """Write the state if the last write is a second ago."""
        if self.seconds_until_due <= 0.0:
            self.flush()

    def rescue(self) -> str:
        """Save the state beside the user after a failed write; return the path."""
        serial = (self._stored.serial if self._stored else self._state.serial) + 1
        return self._backend.save_errored(replace(self._state, serial=serial))
