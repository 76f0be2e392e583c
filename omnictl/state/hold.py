"""A lock that is never lost while it is held: that of the operating system, or of a server that keeps it for ever."""

from collections.abc import Callable


class SureHold:
    """Held until it is let go."""

    is_held = True

    def __init__(self, *, ended_before: bool) -> None:
        self.ended_before = ended_before

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """It is not lost."""
