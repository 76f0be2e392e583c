"""Reading the account: complete, or an error; never a guess."""

import threading

import pytest
from msgspec.structs import replace

from omnictl.errors import ReadingError, RefusedError, StoppedError
from omnictl.model.address import make_address
from omnictl.model.outcome import Event, ReadingAccount
from omnictl.model.scenario import Attributes, Remote
from omnictl.model.state import Record, State
from omnictl.operations.account import PAGES_AHEAD, read_account
from omnictl.provider.base import Operation, StopSignal
from tests.fake_account import FakeAccount
from tests.worlds import SMS


def account_of(count: int) -> FakeAccount:
    account = FakeAccount()
    for number in range(count):
        account.plant(Attributes(f"S {number}", (SMS,)), key=f"k{number}")
    return account


def state_of(*keys: str, listed: int = 0) -> State:
    records = {
        make_address(key): Record(make_address(key), key, Attributes(key, (SMS,)), Attributes(key, (SMS,)))
        for key in keys
    }
    return State("lineage", "test", records=records, listed=listed)


def read(account: FakeAccount, state: State) -> list[str]:
    return list(read_account(account, state, workers=2, observe=lambda event: None))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_reads_to_the_end(count: int) -> None:
    assert len(read(account_of(count), state_of())) == count


@pytest.mark.parametrize(("count", "requests"), [(2, 1), (3, 2), (5, 2), (6, 3)])
def test_requests_are_those_that_are_needed(count: int, requests: int) -> None:
    account = account_of(count)
    read(account, state_of("k0", listed=count))
    assert account.count(Operation.LIST) == requests
    assert account.count(Operation.GET) == 0


@pytest.mark.parametrize("listed", [31, 10**6, 2**53 - 1])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_count_that_is_far_too_high_costs_a_window_of_pages(listed: int, workers: int) -> None:
    account = account_of(30)
    assert len(read_account(account, state_of(listed=listed), workers=workers, observe=lambda event: None)) == 30
    asked = [int(page) for kind, page in account.requests if kind is Operation.LIST]
    assert sorted(asked) == list(range(len(asked)))
    assert len(asked) <= 11 + workers * PAGES_AHEAD


def test_a_row_behind_the_end_is_seen_where_its_page_was_asked_for_with_the_others() -> None:
    account = account_of(6)
    inner = account.list_page
    account.list_page = lambda page: () if page == 1 else inner(page - (page > 1))  # type: ignore[method-assign]
    with pytest.raises(ReadingError) as caught:
        read(account, state_of(listed=8))
    assert caught.value.diagnostics[0].code == "restless-listing"


@pytest.mark.parametrize("listed", [0, 2**53 - 1])
def test_a_list_without_an_end_is_read_to_a_bound(listed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.operations.account.MOST_PAGES", 50)
    account, asked = account_of(0), []

    def list_page(page: int) -> tuple[Remote, ...]:
        asked.append(page)
        return tuple(Remote(f"k{page}-{row}", Attributes("S", (SMS,))) for row in range(3))

    account.list_page = list_page  # type: ignore[method-assign]
    with pytest.raises(ReadingError) as caught:
        read(account, state_of(listed=listed))
    assert caught.value.diagnostics[0].code == "endless-listing"
    assert "50 pages with 150 scenarios" in caught.value.diagnostics[0].detail
    assert sorted(asked) == list(range(50))


def test_a_clamped_page_size_is_read_to_an_empty_page() -> None:
    account = account_of(5)
    account.capabilities = replace(account.capabilities, page_size=2)
    clamped = FakeAccount(rows=account.rows)
    clamped.list_page = account.list_page  # type: ignore[method-assign]
    assert len(read(clamped, state_of("k0", "k4", listed=5))) == 5


def test_vanished_is_left_out_when_the_api_says_404() -> None:
    account = account_of(2)
    assert read(account, state_of("k0", "gone", listed=2)) == ["k0", "k1"]
    assert account.count(Operation.GET) == 1


def test_an_incomplete_list_is_an_error() -> None:
    account = account_of(3)
    hidden = account.rows["k2"]

    def list_page(page: int) -> tuple[Remote, ...]:
        return tuple(each for each in account.rows.values() if each != hidden) if page == 0 else ()

    account.list_page = list_page  # type: ignore[method-assign]
    with pytest.raises(ReadingError) as caught:
        read(account, state_of("k0", "k2", listed=2))
    assert caught.value.diagnostics[0].code == "incomplete-listing"


def test_a_list_that_hides_every_key_is_incomplete_too() -> None:
    account = account_of(2)
    account.list_page = lambda page: ()  # type: ignore[method-assign]
    with pytest.raises(ReadingError):
        read(account, state_of("k0", "k1"))


def test_a_list_that_moves_is_read_again_and_then_refused() -> None:
    account = account_of(6)
    inner, calls = account.list_page, []

    def restless(page: int) -> tuple[Remote, ...]:
        calls.append(page)
        return inner(0) if len(calls) < 3 else inner(page)

    account.list_page = restless  # type: ignore[method-assign]
    assert len(read(account, state_of("k0", listed=6))) == 6
    account.list_page = lambda page: inner(0)  # type: ignore[method-assign]
    with pytest.raises(ReadingError) as caught:
        read(account, state_of("k0", listed=6))
    assert caught.value.diagnostics[0].code == "restless-listing"


def test_another_account_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        read(account_of(2), state_of("x", "y", listed=2))
    assert caught.value.diagnostics[0].code == "foreign-account"


def test_progress_is_told() -> None:
    told: list[Event] = []
    read_account(account_of(2), state_of(), workers=1, observe=told.append)
    assert ReadingAccount(2) in told


@pytest.mark.parametrize("listed", [0, 30])
def test_a_reading_stops_between_two_pages(listed: int) -> None:
    account, stop = account_of(30), StopSignal()

    def observe(event: Event) -> None:
        stop.request("--stop-after 2s")

    with pytest.raises(StoppedError) as caught:
        read_account(account, state_of(listed=listed), workers=1, observe=observe, stop=stop)
    [told] = caught.value.diagnostics
    assert (told.code, told.detail.split(".")[0]) == ("stopped-reading", "--stop-after 2s")
    assert account.count(Operation.LIST) <= 1 + PAGES_AHEAD + 1


def test_a_signal_does_not_wait_for_a_page_that_never_comes() -> None:
    class Ended(BaseException):
        """What a signal raises in the main thread."""

    blocked, released = threading.Event(), threading.Event()

    def list_page(page: int) -> tuple[Remote, ...]:
        if page == 0:
            blocked.wait(5)
            raise Ended
        blocked.set()
        released.wait(30)
        return ()

    account = FakeAccount()
    account.list_page = list_page  # type: ignore[method-assign]
    with pytest.raises(Ended):
        read(account, state_of(listed=5))
    assert not released.is_set()
    released.set()
