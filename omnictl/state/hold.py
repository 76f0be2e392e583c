"""A lock that is never lost while it is held, and that nobody gets before its holder has ended: of the system."""

from collections.abc import Callable

from omnictl.state.base import Leftover


class SureHold:
    """Held until it is let go."""

    is_held = True
    leftover = Leftover()

    def has_ended(self, run: str) -> bool:  # noqa: ARG002 - of a port
        """Every run that held it before has ended: the lock goes with its process."""
        return True

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """It is not lost."""
