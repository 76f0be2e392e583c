"""The sliding window: never more than its limit in any stretch of its length, and never a wait that is not needed."""

from hypothesis import given
from hypothesis import strategies as st

from omnictl.provider.base import Budget
from omnictl.provider.pacing import Window, make_window


@given(st.integers(1, 4), st.integers(1, 50), st.lists(st.integers(0, 30), max_size=40))
def test_no_stretch_of_its_length_holds_more_than_its_limit(limit: int, length: int, pauses: list[int]) -> None:
    window, now = Window(limit, length), 0
    left: list[int] = []
    for pause in pauses:
        now += pause
        wait = window.wait_milliseconds(now)
        assert (wait == 0) == (window.room(now) > 0)
        if wait:
            assert window.room(now + wait - 1) == 0, "it asked for a longer wait than needed"
            now += wait
        window.take(now)
        left.append(now)
        assert sum(1 for each in left if now - each <= length) <= limit


def test_what_did_not_leave_is_given_back_once() -> None:
    window = Window(1, 100)
    window.take(5)
    assert (window.room(6), window.wait_milliseconds(6)) == (0, 100)
    window.give_back(5)
    window.give_back(5)
    assert window.room(6) == 1


def test_it_begins_with_what_was_used_and_is_a_little_longer_than_the_service_says() -> None:
    window = make_window(Budget(2, 60.0), [-61_500, -60_900, -100])
    assert window.room(0) == 0
    assert window.wait_milliseconds(0) == 101
    assert window.room(101) == 1
