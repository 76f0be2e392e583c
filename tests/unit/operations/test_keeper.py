"""The keeper: writes are grouped, the serial rises only on change, and a failed write is the last one."""

import pytest
from msgspec.structs import replace

from omnictl.errors import StateWriteError
from omnictl.model.state import State, Writing
from omnictl.operations.keeper import Keeper
from omnictl.state.base import LockHolder
from tests.builders import NOW
from tests.worlds import FakeBackend


class Clock:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def more(state: State) -> State:
    return replace(state, listed=state.listed + 1)


def make_keeper(backend: FakeBackend, state: State, *, exists: bool, monotonic: Clock) -> Keeper:
    holder = LockHolder("apply", "run", NOW, label="CI run 8790")
    return Keeper(backend, state, holder, exists=exists, monotonic=monotonic, clock=lambda: NOW)


def test_every_version_says_when_and_by_whom_it_was_written() -> None:
    backend = FakeBackend()
    make_keeper(backend, State("l", "test"), exists=False, monotonic=Clock()).flush()

    assert backend.stored is not None
    assert backend.stored.written == Writing(NOW, "CI run 8790")


def test_the_serial_rises_only_on_change() -> None:
    backend = FakeBackend()
    keeper = make_keeper(backend, State("l", "test"), exists=False, monotonic=Clock())
    keeper.flush()
    keeper.flush()
    assert [each.serial for each in backend.versions] == [1]
    keeper.advance(lambda state: replace(state, listed=0))
    keeper.flush()
    assert len(backend.versions) == 1
    keeper.advance(more)
    keeper.flush()
    assert [each.serial for each in backend.versions] == [1, 2]
    assert keeper.state == backend.stored


def test_writes_are_grouped_to_one_a_second() -> None:
    backend, clock = FakeBackend(), Clock()
    keeper = make_keeper(backend, State("l", "test", 7), exists=True, monotonic=clock)
    for _ in range(30):
        keeper.advance(more)
        keeper.flush_if_due()
        clock.now += 0.1
    assert [each.serial for each in backend.versions] == [8, 9, 10]
    assert not keeper.is_stored
    assert 0.0 <= keeper.seconds_until_due <= 1.0
    keeper.flush()
    assert keeper.is_stored


def test_after_a_failed_write_nothing_is_written_any_more() -> None:
    backend = FakeBackend(fail_at=0)
    keeper = make_keeper(backend, State("l", "test", 7), exists=True, monotonic=Clock())
    keeper.advance(more)
    for _ in range(2):
        with pytest.raises(StateWriteError):
            keeper.flush()
    assert keeper.failure is not None
    keeper.rescue()
    assert backend.rescued == State("l", "test", 8, listed=1, written=Writing(NOW, "CI run 8790"))
