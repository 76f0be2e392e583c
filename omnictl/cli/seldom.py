"""What may happen a thousand times a second, said at once and then once a minute, with its number."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from omnictl.cli.system import utc_now
from omnictl.model.diagnostic import Diagnostic

AGAIN_SECONDS = 60.0

_Key = tuple[str, str, str]


class Seldom:
    """Gathers diagnostics from any thread; ``take_due`` gives each kind once a minute. Kinds differ in their words."""

    def __init__(
        self, *, now: Callable[[], datetime] = utc_now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._waiting: dict[_Key, tuple[Diagnostic, int, datetime]] = {}
        self._said_at: dict[_Key, float] = {}

    def add(self, diagnostic: Diagnostic) -> None:
        """Count one more of a kind."""
        key = (diagnostic.code, diagnostic.summary, diagnostic.detail)
        with self._lock:
            first, number, since = self._waiting.get(key, (diagnostic, 0, self._now()))
            self._waiting[key] = (first, number + 1, since)

    def take_due(self, *, last: bool = False) -> tuple[Diagnostic, ...]:
        """Return what is to be said now; with ``last`` all that was not said yet."""
        now = self._monotonic()
        with self._lock:
            self._said_at = {key: at for key, at in self._said_at.items() if now - at < AGAIN_SECONDS}
            due = [key for key in self._waiting if last or key not in self._said_at]
            self._said_at.update(dict.fromkeys(due, now))
            return tuple(_count(*self._waiting.pop(key)) for key in due)


def _count(diagnostic: Diagnostic, number: int, since: datetime) -> Diagnostic:
    if number == 1:
        return diagnostic
    return replace(diagnostic, detail=f"{diagnostic.detail} {number} times since {since:%H:%M:%SZ}.".strip())
