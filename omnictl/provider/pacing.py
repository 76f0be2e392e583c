"""Pacing: when the next request of a kind may leave, by its budget and by what the service asked for."""

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec import Struct

from omnictl.errors import StoppedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import Event, Retrying, Waiting
from omnictl.provider.base import Budget, Operation, StopSignal

PLENTY = 1_000_000_000
"""How many requests may leave where there is no budget."""

TOLD_EVERY_SECONDS = 30.0
"""A long wait is told again after so long, so that nobody takes it for a hang."""

_MARGIN = 0.05
_LONGEST_MARGIN_SECONDS = 1.0


class Surroundings(Struct, frozen=True):
    """What waiting and telling need. ``wait`` waits so many seconds and returns whether to stop; ``random`` gives
    numbers from 0 to 1. ``observe`` is called from any thread, one call at a time."""

    stop: StopSignal
    observe: Callable[[Event], None]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    wait: Callable[[float], bool]
    random: Callable[[], float]


class Permit(Struct, frozen=True):
    """The right to send one request; given back where the request surely did not leave.

    ``taken_at`` is the millisecond that it counts at; None where there is no budget.
    """

    operation: Operation
    taken_at: int | None = None


class _Hold(Struct, frozen=True):
    until: float = 0.0
    reason: str = ""


class Pacer:
    """Gives permits in the order of asking, as many as the budgets allow. Thread-safe."""

    def __init__(
        self,
        budgets: Mapping[Operation, Budget],
        recent: Mapping[Operation, Sequence[datetime]],
        surroundings: Surroundings,
    ) -> None:
        self._around = surroundings
        self._budgets = dict(budgets)
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._told_at: dict[tuple[Operation, str], float] = {}
        self._holds: dict[Operation, _Hold] = {}
        self._recent = recent
        self._windows: dict[Operation, Window] = {}

    def permits(self, operation: Operation) -> int:
        """Return how many requests of this kind may leave now."""
        with self._lock:
            return 0 if self._held_seconds(operation) > 0.0 else self._room(operation)

    def seconds_until_permit(self, operation: Operation) -> float:
        """Return how long until one more may leave; 0.0 where one may leave now."""
        with self._lock:
            return max(self._held_seconds(operation), self._budget_seconds(operation))

    def acquire(self, operation: Operation) -> Permit:
        """Wait for a permit. Raises StoppedError when asked to stop while it waits."""
        while True:
            with self._lock:
                held, budget = self._held_seconds(operation), self._budget_seconds(operation)
                if held <= 0.0 and budget <= 0.0:
                    return Permit(operation, self._take(operation))
                reason = self._holds[operation].reason if held >= budget else "budget"
            self._wait(operation, reason, max(held, budget))

    def give_back(self, permit: Permit) -> None:
        """Take back a permit whose request surely did not leave."""
        with self._lock:
            window = self._window(permit.operation)
            if window is not None and permit.taken_at is not None:
                window.give_back(permit.taken_at)

    def hold(self, operation: Operation, seconds: float, reason: str) -> None:
        """Let nothing of this kind leave for so long: the service asked for it, and it means all of us."""
        with self._lock:
            until = self._around.monotonic() + seconds
            if until > self._holds.get(operation, _Hold()).until:
                self._holds[operation] = _Hold(until, reason)

    def back_off(self, operation: Operation, attempt: int, seconds: float, why: str) -> None:
        """Tell of a repeat and wait before it. Raises StoppedError when asked to stop."""
        self.tell(Retrying(operation, attempt, seconds, why))
        if self._around.wait(seconds):
            raise StoppedError(self._stopped(operation))

    def _wait(self, operation: Operation, reason: str, seconds: float) -> None:
        now = self._around.monotonic()
        if now - self._told_at.get((operation, reason), -math.inf) >= TOLD_EVERY_SECONDS:
            self._told_at[operation, reason] = now
            budget = self._budgets.get(operation) if reason == "budget" else None
            self.tell(
                Waiting(
                    operation,
                    reason,
                    seconds,
                    self._around.clock() + timedelta(seconds=seconds),
                    budget.limit if budget else None,
                    budget.window_seconds if budget else None,
                )
            )
        if self._around.wait(min(seconds, TOLD_EVERY_SECONDS)):
            raise StoppedError(self._stopped(operation))

    def tell(self, event: Event) -> None:
        """Tell an event, one at a time."""
        with self._telling:
            self._around.observe(event)

    # --- under the lock --------------------------------------------------------------------------------------

    def _window(self, operation: Operation) -> "Window | None":
        """Return what counts the requests of a kind, made when it is first needed.

        It begins with what recent runs used. Their times are by the wall clock, the window's are not.
        """
        budget = self._budgets.get(operation)
        if budget is None or operation in self._windows:
            return self._windows.get(operation)
        now, wall = self._milliseconds(), self._around.clock()
        ages = (max(0.0, (wall - each).total_seconds()) for each in self._recent.get(operation, ()))
        window = self._windows[operation] = make_window(budget, sorted(now - round(age * 1000.0) for age in ages))
        return window

    def _held_seconds(self, operation: Operation) -> float:
        return max(0.0, self._holds.get(operation, _Hold()).until - self._around.monotonic())

    def _room(self, operation: Operation) -> int:
        window = self._window(operation)
        return PLENTY if window is None else window.room(self._milliseconds())

    def _budget_seconds(self, operation: Operation) -> float:
        window = self._window(operation)
        return 0.0 if window is None else window.wait_milliseconds(self._milliseconds()) / 1000.0

    def _take(self, operation: Operation) -> int | None:
        window = self._window(operation)
        if window is None:
            return None
        now = self._milliseconds()
        window.take(now)
        return now

    def _milliseconds(self) -> int:
        return math.floor(self._around.monotonic() * 1000.0)

    def _stopped(self, operation: Operation) -> Diagnostic:
        return Diagnostic(
            "stopped-waiting",
            Severity.ERROR,
            "Stopped while a request waited for its turn",
            f"{self._around.stop.reason or 'It was asked to stop'}; the request ({operation.value}) was not sent.",
            hint="run the same command again; it goes on where it stopped",
        )


class Window:
    """A sliding window: the milliseconds at which the last ``limit`` requests were let go, the oldest first."""

    __slots__ = ("_limit", "_milliseconds", "_times")

    def __init__(self, limit: int, milliseconds: int, times: Iterable[int] = ()) -> None:
        self._limit = limit
        self._milliseconds = milliseconds
        self._times = deque(times, maxlen=limit)

    def room(self, now: int) -> int:
        """Return how many may leave now."""
        while self._times and self._times[0] < now - self._milliseconds:
            self._times.popleft()
        return self._limit - len(self._times)

    def wait_milliseconds(self, now: int) -> int:
        """Return how long until one may leave."""
        return 0 if self.room(now) > 0 else max(1, self._times[0] + self._milliseconds + 1 - now)

    def take(self, now: int) -> None:
        """Count a request that leaves now."""
        self._times.append(now)

    def give_back(self, taken_at: int) -> None:
        """Forget a request that did not leave."""
        with suppress(ValueError):  # the window may have moved past it
            self._times.remove(taken_at)


def make_window(budget: Budget, times: Iterable[int] = ()) -> Window:
    """Return a window that is a little longer than the service's: requests travel for unequal times."""
    margin = min(_LONGEST_MARGIN_SECONDS, _MARGIN * budget.window_seconds)
    return Window(budget.limit, max(1, round((budget.window_seconds + margin) * 1000.0)), times)


CODES = {
    "stopped-waiting": "A request waited for its turn (a budget, a Retry-After, a pause before a repeat) when the run "
    "was asked to stop. It was not sent, or surely not taken. Run the same command again.",
}
