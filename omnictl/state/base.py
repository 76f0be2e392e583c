"""The port to the memory: what operations ask of a state backend."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, runtime_checkable

from msgspec import Struct

from omnictl.model.diagnostic import Diagnostic
from omnictl.model.state import State


class LockHolder(Struct, frozen=True):
    """Who holds a lock: the command, since when (UTC), its expected end, where to look. No names of people.

    ``label`` is what people call the run of a pipeline, such as ``CI run 8790``.
    """

    operation: str
    run: str
    since: datetime
    expected_end: datetime | None = None
    process: str = ""
    link: str = ""
    label: str = ""


class Leftover(Struct, frozen=True):
    """What stays of a lock that its holder could not let go: for so many seconds; None where a server keeps it for
    ever, until it is cleared by its name (``lock_id``, empty where it is another's by now)."""

    seconds: int | None = 0
    lock_id: str = ""


class Hold(Protocol):
    """A lock that is held."""

    @property
    def leftover(self) -> Leftover:
        """What would stay of it if it could not be let go."""
        ...

    def has_ended(self, run: str) -> bool:
        """Tell whether nothing of a run that held the lock before is still to be sent, surely.

        It ended in good order, or its process is gone. A lock that was passed over or cleared does not prove that.
        """
        ...

    @property
    def is_held(self) -> bool:
        """Whether it may still be relied on, now; looked at just before each write to the account."""
        ...

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """Call this once, with the reason, where the lock is lost while it is held."""
        ...

    def expect(self, end: datetime) -> None:
        """Say when it will probably be let go, for those who wait, where its text can still be changed."""
        ...


class StateVersion(Struct, frozen=True):
    """A kept older version of the state: its lineage and serial, when it was written (UTC), and where it is kept."""

    lineage: str
    serial: int
    written_at: datetime
    location: str


class Aside(Struct, frozen=True):
    """What was stored and is no state: where it is saved, and the serial that it may have had (0: not known)."""

    path: str
    serial: int = 0


class StateBackend(Protocol):
    """Where the state of one environment lives. Reads raise StateError, writes StateWriteError."""

    @property
    def location(self) -> str:
        """Where it is, for people."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine that goes with it."""
        ...

    @property
    def has_conditional_writes(self) -> bool:
        """Whether a write that replaces another version than the one that was read is surely refused."""
        ...

    def read(self) -> State | None:
        """Return the state, or None where there has never been one."""
        ...

    def write(self, state: State) -> None:
        """Store the state; durable and complete when it returns, the version before this run kept."""
        ...

    def set_aside(self) -> Aside:
        """Save what was read and is no state beside the user, and let the next write take its place."""
        ...

    def lock(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> AbstractContextManager[Hold]:
        """Hold the lock inside the context; LockHeldError after ``timeout_seconds``."""
        ...

    def describe_lock(self) -> LockHolder | None:
        """Return who holds the lock now, or None."""
        ...

    def unlock(self) -> LockHolder | None:
        """Clear a lock whose holder is gone and return it; LockHeldError while the holder lives."""
        ...

    def history(self) -> tuple[StateVersion, ...]:
        """Return the kept versions, newest first."""
        ...

    def read_version(self, lineage: str, serial: int) -> State:
        """Return a kept version of a lineage; StateError where there is none."""
        ...

    def save_errored(self, state: State) -> str:
        """Save a state that could not be written, beside the user; return its path."""
        ...


@runtime_checkable
class KeptLock(Protocol):
    """A lock that a server keeps for ever: nobody can tell whether its holder lives, so it is cleared by its name."""

    def clear_lock(self, lock_id: str) -> LockHolder | None:
        """Clear the lock of this name and return who held it; None where it is free, LockHeldError for another one."""
        ...


class Trial(Struct, frozen=True):
    """What came of trying a store: whether it was tried (the credentials may write), and what is left of it."""

    is_tried: bool
    note: Diagnostic | None = None


@runtime_checkable
class Triable(Protocol):
    """A store of which more can be known before the first write: whether its software keeps the conditions of writes,
    and whether its credentials may write at all."""

    def try_conditions(self) -> Trial:
        """Try it on something that is thrown away, or ask; StateError where the conditions are not kept."""
        ...
