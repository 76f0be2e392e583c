"""Budgets: what may leave, when, and what is told while it waits."""

from datetime import timedelta

import pytest

from omnictl.errors import StoppedError
from omnictl.model.outcome import Waiting
from omnictl.provider.base import PUBLISHED_BUDGETS, Budget, Operation
from omnictl.provider.pacing import PLENTY, Pacer, Surroundings
from tests.unit.provider.service import START, Service, service

CREATE, UPDATE, LIST = Operation.CREATE, Operation.UPDATE, Operation.LIST


def make(
    it: Service, limit: int = 3, window: float = 100.0, ages: tuple[float, ...] = (), operation: Operation = CREATE
) -> Pacer:
    """Return a pacer with one budget; ``ages`` are the ages of recent requests in seconds."""
    recent = {operation: [START - timedelta(seconds=age) for age in ages]}
    around = Surroundings(it.stop, it.events.append, it.clock, it.monotonic, it.wait, lambda: 1.0)
    return Pacer({operation: Budget(limit, window)}, recent, around)


def test_without_a_budget_everything_may_leave() -> None:
    it = service()
    pacer = make(it)
    assert pacer.permits(LIST) == PLENTY
    assert pacer.seconds_until_permit(LIST) == 0.0
    pacer.give_back(pacer.acquire(LIST))
    assert it.waits == []


def test_a_budget_lets_its_limit_leave_and_then_waits_for_the_oldest() -> None:
    it = service()
    pacer = make(it)
    for left in (3, 2, 1):
        assert pacer.permits(CREATE) == left
        assert pacer.seconds_until_permit(CREATE) == 0.0
        pacer.acquire(CREATE)
        it.seconds += 10.0
    assert pacer.permits(CREATE) == 0
    assert pacer.seconds_until_permit(CREATE) == pytest.approx(71.0, abs=0.01)  # a second of margin
    pacer.acquire(CREATE)
    assert it.seconds == pytest.approx(1101.0, abs=0.01)
    assert it.waits == pytest.approx([30.0, 30.0, 11.0], abs=0.01)


def test_a_wait_is_told_with_its_reason_and_its_end_and_told_again() -> None:
    it = service()
    pacer = make(it, limit=1, window=100.0, ages=(20.0,))
    pacer.acquire(CREATE)
    first, *more = it.events
    assert isinstance(first, Waiting)
    assert (first.operation, first.reason, first.limit, first.window_seconds) == ("create", "budget", 1, 100.0)
    assert first.seconds == pytest.approx(81.0, abs=0.01)
    assert first.until == START + timedelta(seconds=first.seconds)
    assert [each.until == first.until for each in more if isinstance(each, Waiting)] == [True, True]


def test_a_wait_for_another_reason_is_told_at_once() -> None:
    it = service()
    pacer = make(it, limit=1, window=10.0)
    pacer.acquire(CREATE)
    pacer.acquire(CREATE)
    pacer.hold(CREATE, 100.0, "retry-after")
    pacer.acquire(CREATE)
    assert [each.reason for each in it.events if isinstance(each, Waiting)][:2] == ["budget", "retry-after"]


def test_recent_runs_count() -> None:
    it = service()
    pacer = make(it, ages=(99.0, 50.0, 500.0))
    assert pacer.permits(CREATE) == 1
    pacer.acquire(CREATE)
    assert pacer.seconds_until_permit(CREATE) == pytest.approx(2.0, abs=0.01)


def test_more_recent_requests_than_the_limit_wait_for_enough_of_them() -> None:
    it = service()
    pacer = make(it, ages=(90.0, 80.0, 70.0, 60.0, 50.0))
    assert pacer.permits(CREATE) == 0
    assert pacer.seconds_until_permit(CREATE) == pytest.approx(31.0, abs=0.01)


def test_a_time_in_the_future_counts_as_now() -> None:
    it = service()
    pacer = make(it, limit=1, ages=(-3600.0,))
    assert pacer.seconds_until_permit(CREATE) == pytest.approx(101.0, abs=0.01)


def test_a_permit_that_was_not_used_comes_back() -> None:
    pacer = make(service(), limit=1)
    permit = pacer.acquire(CREATE)
    assert pacer.permits(CREATE) == 0
    pacer.give_back(permit)
    pacer.give_back(permit)
    assert pacer.permits(CREATE) == 1


def test_the_published_budget_is_never_exceeded_in_any_window() -> None:
    it = service()
    around = Surroundings(it.stop, it.events.append, it.clock, it.monotonic, it.wait, lambda: 1.0)
    pacer = Pacer(PUBLISHED_BUDGETS, {}, around)
    times = []
    for number in range(65):
        pacer.acquire(CREATE)
        times.append(it.seconds)
        it.seconds += (number % 7) * 3.3
    assert all(later - earlier > 600.0 for earlier, later in zip(times, times[20:], strict=False))


def test_stopping_ends_a_wait() -> None:
    it = service()
    it.stop_after_waits = 2
    pacer = make(it, limit=1, window=600.0, ages=(0.0,))
    with pytest.raises(StoppedError) as caught:
        pacer.acquire(CREATE)
    assert len(it.waits) == 2
    assert "stopped by the test" in caught.value.diagnostics[0].detail


def test_stopping_ends_a_pause_before_a_repeat() -> None:
    it = service()
    it.stop.request("")
    with pytest.raises(StoppedError):
        make(it).back_off(CREATE, 2, 5.0, "why")


def test_a_hold_is_for_all_of_a_kind_and_the_longest_counts() -> None:
    it = service()
    pacer = make(it)
    pacer.hold(CREATE, 40.0, "retry-after")
    pacer.hold(CREATE, 10.0, "backoff")
    assert pacer.permits(CREATE) == 0
    assert pacer.seconds_until_permit(CREATE) == pytest.approx(40.0)
    assert pacer.permits(UPDATE) == PLENTY
    pacer.acquire(CREATE)
    assert it.seconds == pytest.approx(1040.0)
    told = it.events[0]
    assert isinstance(told, Waiting)
    assert (told.reason, told.limit) == ("retry-after", None)
    assert pacer.permits(CREATE) == 2


def test_a_very_small_window_still_is_one() -> None:
    it = service()
    pacer = make(it, limit=1, window=0.0001)
    pacer.acquire(CREATE)
    pacer.acquire(CREATE)
    assert sum(it.waits) == pytest.approx(0.002, abs=0.001)
