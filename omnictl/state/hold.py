"""What the locks of all backends share, and the one that is never lost while it is held: that of the system."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol, TypeVar

from omnictl.state.base import Leftover


class Living(Protocol):
    """A hold that lives by being renewed or proven."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End, and let the lock go."""
        ...


AnyHold = TypeVar("AnyHold")
LivingHold = TypeVar("LivingHold", bound=Living)


@contextmanager
def living(take: Callable[[], LivingHold]) -> Iterator[LivingHold]:
    """Take a lock, keep it inside the context, and let it go after."""
    hold = take()
    hold.start()
    try:
        yield hold
    finally:
        hold.stop()


@contextmanager
def noted(lock: AbstractContextManager[AnyHold], note: Callable[[AnyHold | None], None]) -> Iterator[AnyHold]:
    """Hold a lock inside the context, and tell its backend: the hold, and None after."""
    with lock as hold:
        note(hold)
        try:
            yield hold
        finally:
            note(None)


class SureHold:
    """Held until it is let go."""

    is_held = True
    leftover = Leftover()

    def has_ended(self, run: str) -> bool:  # noqa: ARG002 - of a port
        """Every run that held it before has ended: the lock goes with its process."""
        return True

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """It is not lost."""

    def expect(self, end: datetime) -> None:
        """Nobody asks it."""
