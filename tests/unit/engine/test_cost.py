"""How many requests an apply sends, and how long the throttles make it."""

import pytest

from omnictl.engine.cost import SECONDS_PER_REQUEST, count_creates, count_left, count_updates, estimate_seconds
from tests.unit.engine.changes import one_of_each


def test_what_sends_a_request() -> None:
    changes = one_of_each()
    assert count_creates(changes) == 2
    assert count_updates(changes) == 5


@pytest.mark.parametrize(
    ("requests", "limit", "used", "waits"),
    [
        (0, 20, (), 0),
        (1, 20, (), 0),
        (20, 20, (), 0),
        (21, 20, (), 600),
        (41, 20, (), 1200),
        (1, 1, (), 0),
        (3, 1, (), 1200),
        (1, 20, (10.0,) * 20, 590),
        (1, 20, (10.0,) * 19, 0),
        (1, 20, (700.0,) * 20, 0),
        (1, 20, (*(10.0,) * 19, 500.0), 100),
        (2, 20, (500.0, *(10.0,) * 19), 590),
        (1, 2, (1.0, 700.0, 3.0, 2.0), 598),
        (22, 20, (700.0,) * 20, 600),
    ],
)
def test_the_last_request_leaves_when_the_window_allows_it(
    requests: int, limit: int, used: tuple[float, ...], waits: float
) -> None:
    seconds = estimate_seconds(requests, limit=limit, window_seconds=600.0, used_ages=used)
    assert seconds == pytest.approx(waits + SECONDS_PER_REQUEST * min(requests, limit))


def test_without_a_throttle_each_request_takes_its_time() -> None:
    assert estimate_seconds(10, limit=None, window_seconds=600.0) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("requests", "seconds", "permits", "left"),
    [
        (50, 0, 20, 30),
        (50, 599, 20, 30),
        (50, 600, 20, 10),
        (50, 900, 20, 10),
        (50, 1200, 20, 0),
        (50, 1200, 5, 5),
        (3, 0, 20, 0),
    ],
)
def test_what_is_left_after_a_time(requests: int, seconds: float, permits: int, left: int) -> None:
    assert count_left(requests, seconds, 20, 600.0, permits_now=permits) == left
