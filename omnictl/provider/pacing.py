"""Pacing: when the next request of a kind may leave, by its budget and by what the service asked for."""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from omnictl.errors import StoppedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import Event, Retrying, Waiting
from omnictl.provider.base import Budget, Operation, StopSignal

if TYPE_CHECKING:
    from pyrate_limiter import InMemoryBucket, RateItem

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
    """The right to send one request; given back where the request surely did not leave."""

    operation: Operation
    item: "RateItem | None" = None


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
        self._buckets: dict[Operation, InMemoryBucket] = {}

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
            bucket = self._bucket(permit.operation)
            if bucket is not None and permit.item in bucket.items:
                bucket.items.remove(permit.item)

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

    def _bucket(self, operation: Operation) -> "InMemoryBucket | None":
        """Return what counts the requests of a kind, made when it is first needed: a plan sends none that is paced.

        It begins with what recent runs used. Their times are by the wall clock, the bucket's are not.
        """
        budget = self._budgets.get(operation)
        if budget is None or operation in self._buckets:
            return self._buckets.get(operation)
        from pyrate_limiter import RateItem

        bucket = self._buckets[operation] = _make_bucket(budget)
        now, wall = self._milliseconds(), self._around.clock()
        recent = self._recent.get(operation, ())
        ages = sorted((max(0.0, (wall - each).total_seconds()) for each in recent), reverse=True)
        for age in ages[-budget.limit :]:
            bucket.put(RateItem("recent", now - round(age * 1000.0)))
        return bucket

    def _held_seconds(self, operation: Operation) -> float:
        return max(0.0, self._holds.get(operation, _Hold()).until - self._around.monotonic())

    def _room(self, operation: Operation) -> int:
        bucket = self._bucket(operation)
        if bucket is None:
            return PLENTY
        bucket.leak(self._milliseconds())
        return max(0, bucket.rates[0].limit - bucket.count())

    def _budget_seconds(self, operation: Operation) -> float:
        bucket = self._bucket(operation)
        if bucket is None or self._room(operation) > 0:
            return 0.0
        rate = bucket.rates[0]
        oldest = bucket.peek(rate.limit - 1)
        return max(1, oldest.timestamp + rate.interval + 1 - self._milliseconds()) / 1000.0 if oldest else 0.0

    def _take(self, operation: Operation) -> "RateItem | None":
        bucket = self._bucket(operation)
        if bucket is None:
            return None
        from pyrate_limiter import RateItem

        item = RateItem(operation.value, self._milliseconds())
        bucket.put(item)
        return item

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


def _make_bucket(budget: Budget) -> "InMemoryBucket":
    """Return a sliding window that is a little longer than the service's: requests travel for unequal times."""
    from pyrate_limiter import InMemoryBucket, Rate

    margin = min(_LONGEST_MARGIN_SECONDS, _MARGIN * budget.window_seconds)
    return InMemoryBucket([Rate(budget.limit, max(1, round((budget.window_seconds + margin) * 1000.0)))])


CODES = {
    "stopped-waiting": "A request waited for its turn (a budget, a Retry-After, a pause before a repeat) when the run "
    "was asked to stop. It was not sent, or surely not taken. Run the same command again.",
}
