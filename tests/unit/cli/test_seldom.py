"""What happens often is said at once, then once a minute with its number, and nothing of it is forgotten."""

from threading import Thread

import pytest

from omnictl.cli.seldom import AGAIN_SECONDS, Seldom
from omnictl.model.diagnostic import Severity
from tests.builders import NOW, problem

REFUSED = problem("push-refused", Severity.WARNING, detail="401: not signed.")
OTHER = problem("push-refused", Severity.WARNING, detail="404: another path.")


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def seldom(clock: Clock) -> Seldom:
    return Seldom(now=lambda: NOW, monotonic=clock)


def test_the_first_is_said_at_once_and_the_next_after_a_minute_with_their_number(seldom: Seldom, clock: Clock) -> None:
    seldom.add(REFUSED)
    assert seldom.take_due() == (REFUSED,)
    for _ in range(3):
        seldom.add(REFUSED)
        assert seldom.take_due() == ()
    seldom.add(OTHER)
    assert seldom.take_due() == (OTHER,)
    clock.seconds += AGAIN_SECONDS
    assert [each.detail for each in seldom.take_due()] == [f"401: not signed. 3 times since {NOW:%H:%M:%SZ}."]
    assert seldom.take_due() == ()


def test_what_has_not_happened_for_a_minute_is_said_at_once_again(seldom: Seldom, clock: Clock) -> None:
    for _ in range(2):
        seldom.add(REFUSED)
        assert seldom.take_due() == (REFUSED,)
        clock.seconds += AGAIN_SECONDS


def test_at_the_end_the_rest_is_said(seldom: Seldom) -> None:
    seldom.add(REFUSED)
    seldom.take_due()
    seldom.add(REFUSED)
    assert seldom.take_due(last=True) == (REFUSED,)
    assert seldom.take_due(last=True) == ()


def test_threads_may_add_at_once() -> None:
    seldom = Seldom(monotonic=lambda: 0.0)

    def add_many() -> None:
        for _ in range(200):
            seldom.add(REFUSED)

    threads = [Thread(target=add_many) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert "800 times since" in seldom.take_due()[0].detail
