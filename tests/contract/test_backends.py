"""What every state backend has to keep: the one suite that all of them run."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
from msgspec.structs import replace

from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import LockHeldError, StateError, StateWriteError, UnreadableStateError
from omnictl.model.state import State
from omnictl.state.base import LockHolder, StateBackend
from tests.builders import example_scene
from tests.contract.backends.kinds import KINDS, Place

STATE = replace(example_scene().state, environment="test", serial=1)
HOLDER = LockHolder(
    "apply",
    "run-1",
    datetime(2026, 11, 20, 9, 12, tzinfo=UTC),
    datetime(2026, 11, 20, 10, 2, tzinfo=UTC),
    "pid 4711",
    "https://ci.example/runs/8790",
    "CI run 8790",
)


@pytest.fixture(params=sorted(KINDS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place for states that is empty, of each kind."""
    with KINDS[request.param](tmp_path, request) as made:
        yield made


@pytest.fixture
def backend(place: Place) -> StateBackend:
    return place.open()


def grown(state: State, by: int = 1) -> State:
    """Return the next version, with another content."""
    return replace(state, serial=state.serial + by, listed=state.listed + by)


# --- reading and writing -----------------------------------------------------------------------------------------


def test_there_is_nothing_before_the_first_write(backend: StateBackend) -> None:
    assert backend.read() is None
    assert backend.history() == ()
    assert backend.describe_lock() is None


def test_what_was_written_is_read_by_everybody(place: Place) -> None:
    one, other = place.open(), place.open()
    assert one.read() is None
    one.write(STATE)
    assert (one.read(), other.read()) == (STATE, STATE)
    one.write(grown(STATE))
    assert (one.read(), other.read()) == (grown(STATE), grown(STATE))


def test_a_run_writes_again_and_again(place: Place) -> None:
    backend, state = place.open(), STATE
    backend.read()
    for _ in range(5):
        backend.write(state)
        state = grown(state)
    assert place.open().read() == replace(state, serial=state.serial - 1, listed=state.listed - 1)


def test_environments_in_one_place_know_nothing_of_each_other(place: Place) -> None:
    test, production = place.open("test"), place.open("production")
    other = replace(STATE, environment="production", lineage="other", serial=7)
    test.read(), production.read()
    test.write(STATE)
    production.write(other)
    assert (test.read(), production.read()) == (STATE, other)
    test.write(grown(STATE))
    assert len(production.history()) == 0


def test_a_state_that_somebody_else_wrote_meanwhile_is_not_written_over(place: Place) -> None:
    first, second = place.open(), place.open()
    first.read(), second.read()
    first.write(STATE)
    with pytest.raises(StateWriteError) as refused:
        second.write(replace(STATE, listed=999))
    assert refused.value.diagnostics[0].code == "state-moved"
    second.read()
    second.write(grown(STATE))
    with pytest.raises(StateWriteError):
        first.write(grown(STATE, 2))
    assert place.open().read() == grown(STATE)


def test_what_could_not_be_read_again_is_not_written(place: Place) -> None:
    backend, last = place.open(), replace(STATE, serial=2**53)
    backend.read()
    backend.write(last)
    with pytest.raises(StateWriteError) as refused:
        backend.write(replace(last, serial=2**53 + 1, listed=7))
    assert refused.value.diagnostics[0].code == "serial-used-up"
    assert place.open().read() == last
    saved = Path(backend.save_errored(replace(last, serial=2**53 + 1, listed=7))).read_bytes()
    assert decode_state(saved, path="x") == replace(last, listed=7)


def test_a_state_of_another_environment_is_refused(place: Place) -> None:
    place.put(encode_state(replace(STATE, environment="production")).encode())
    with pytest.raises(StateError) as refused:
        place.open().read()
    assert refused.value.diagnostics[0].code == "other-environment"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (encode_state(STATE).replace('"format_version": 1', '"format_version": 99').encode(), "newer-state"),
        (b'{"format_version": 1, "kind": "report", "serial": 3}\n', "unreadable-state"),
    ],
    ids=["newer", "no state"],
)
def test_what_cannot_be_read_is_refused_and_never_written_over(place: Place, content: bytes, code: str) -> None:
    place.put(content)
    backend = place.open()
    with pytest.raises(StateError) as refused:
        backend.read()
    assert refused.value.diagnostics[0].code == code
    with pytest.raises(StateWriteError):
        place.open().write(STATE)
    assert place.get() == content


def test_what_cannot_be_read_is_set_aside_and_makes_way_for_a_state(place: Place) -> None:
    content = b'{"kind": "state", "serial": 3, "records": null}\n'
    place.put(content)
    backend = place.open()
    with backend.lock(HOLDER, timeout_seconds=0, on_wait=print):
        with pytest.raises(UnreadableStateError):
            backend.read()
        aside = backend.set_aside()
        assert json.loads(Path(aside.path).read_bytes()) == json.loads(content)
        assert place.get() == content
        following = replace(STATE, serial=aside.serial + 1)
        backend.write(following)
        backend.write(grown(following))
    assert place.open().read() == grown(following)


def test_what_was_set_aside_is_replaced_only_where_it_is_still_there(place: Place) -> None:
    place.put(b'{"kind": "state", "serial": 3, "records": null}\n')
    backend = place.open()
    with pytest.raises(UnreadableStateError):
        backend.read()
    aside = backend.set_aside()
    other = replace(STATE, serial=max(aside.serial, 3) + 1)
    mender = place.open()
    with pytest.raises(UnreadableStateError):
        mender.read()
    mender.set_aside()
    mender.write(other)
    with pytest.raises(StateWriteError):
        backend.write(replace(other, serial=other.serial + 5))
    assert place.open().read() == other


def test_any_text_of_a_state_comes_back_as_it_was(place: Place) -> None:
    record = next(iter(STATE.records.values()))
    applied = replace(record.applied, name="Zażółć 😀 \u202e ' \" \\ \x7f \u2028")
    odd = replace(STATE, records={record.address: replace(record, applied=applied)})
    backend = place.open()
    backend.read()
    backend.write(odd)
    assert place.open().read() == odd


# --- kept versions -----------------------------------------------------------------------------------------------


def test_the_version_that_a_run_began_with_is_kept_and_comes_back(place: Place) -> None:
    state = STATE
    for _ in range(3):
        backend = place.open()
        backend.read()
        backend.write(state)
        state = grown(state)
    kept = place.open().history()
    assert [each.serial for each in kept] == [2, 1]
    assert all(each.lineage == STATE.lineage for each in kept)
    assert place.open().read_version(STATE.lineage, 1) == STATE
    assert place.open().read_version(STATE.lineage, 2) == grown(STATE)


def test_a_version_that_is_not_kept_is_told_with_those_that_are(place: Place) -> None:
    for state in (STATE, grown(STATE)):
        backend = place.open()
        backend.read()
        backend.write(state)
    with pytest.raises(StateError) as refused:
        place.open().read_version(STATE.lineage, 77)
    assert refused.value.diagnostics[0].code == "no-such-version"
    assert "kept are 1" in refused.value.diagnostics[0].detail


def test_only_the_last_versions_are_kept(place: Place) -> None:
    state = STATE
    for _ in range(14):
        backend = place.open()
        backend.read()
        backend.write(state)
        state = grown(state)
    serials = [each.serial for each in place.open().history()]
    assert serials[:10] == [13, 12, 11, 10, 9, 8, 7, 6, 5, 4]
    assert len(serials) <= place.most_versions


def test_a_state_that_cannot_be_stored_is_saved_beside_the_user(place: Place) -> None:
    path = Path(place.open().save_errored(STATE))
    assert decode_state(path.read_bytes(), path="x") == STATE
    assert path.stat().st_mode & 0o777 == 0o600


# --- the lock ----------------------------------------------------------------------------------------------------


def never_wait(holder: LockHolder | None) -> None:
    raise AssertionError(holder)


def test_the_lock_has_one_holder_who_is_told_with_all_that_it_said(place: Place) -> None:
    with place.open().lock(HOLDER, timeout_seconds=0, on_wait=never_wait) as hold:
        assert hold.is_held
        with pytest.raises(LockHeldError) as refused, ExitStack() as stack:
            stack.enter_context(place.open().lock(HOLDER, timeout_seconds=0.2, on_wait=lambda _: None))
        told = refused.value.diagnostics[0]
        assert told.code == "lock-held"
        assert "apply since 2026-11-20 09:12:00Z" in told.detail
        if place.tells_all:
            assert "expected until 10:02:00Z" in told.detail
            assert "https://ci.example/runs/8790" in told.detail
            assert place.open().describe_lock() == HOLDER
        assert place.open("production").describe_lock() is None
    assert place.open().describe_lock() is None


def test_a_lock_says_until_when_it_is_expected_to_be_held_once_that_is_known(place: Place) -> None:
    end = datetime(2026, 11, 20, 11, 2, tzinfo=UTC)
    with place.open().lock(HOLDER, timeout_seconds=0, on_wait=never_wait) as hold:
        hold.expect(end)
        expected = replace(HOLDER, expected_end=end) if place.changes_text else HOLDER
        until = monotonic() + 10
        while place.tells_all and place.open().describe_lock() != expected:
            assert monotonic() < until
            sleep(0.05)
        assert hold.is_held
    assert place.open().describe_lock() is None


def test_a_lock_that_was_let_go_is_taken_at_once_and_proves_that_its_holder_ended(place: Place) -> None:
    with place.open().lock(HOLDER, timeout_seconds=0, on_wait=never_wait):
        pass
    for _ in range(2):
        with place.open().lock(HOLDER, timeout_seconds=0, on_wait=never_wait) as hold:
            assert hold.has_ended(HOLDER.run) is place.proves_end


def test_who_waits_is_told_whom_for_and_gets_the_lock(place: Place) -> None:
    waits: list[LockHolder | None] = []
    with ExitStack() as stack:
        stack.enter_context(place.open().lock(HOLDER, timeout_seconds=0, on_wait=never_wait))
        released = place.later(stack.close)
        with place.open().lock(HOLDER, timeout_seconds=30, on_wait=waits.append):
            pass
        released.join()
    assert [each.run for each in waits if each] == [HOLDER.run]


def test_an_error_inside_lets_the_lock_go(place: Place) -> None:
    with pytest.raises(ZeroDivisionError), place.open().lock(HOLDER, timeout_seconds=0, on_wait=never_wait):
        1 / 0  # noqa: B018
    with place.open().lock(HOLDER, timeout_seconds=0, on_wait=never_wait):
        pass


def test_the_lock_of_a_living_holder_is_not_cleared(place: Place) -> None:
    with place.open().lock(HOLDER, timeout_seconds=0, on_wait=never_wait), pytest.raises(LockHeldError):
        place.open().unlock()
    assert place.open().unlock() is None


def test_reading_and_writing_need_no_lock_of_ones_own(place: Place) -> None:
    """Who looks is not kept out by who works; what protects the state from a second writer is its version."""
    with place.open().lock(HOLDER, timeout_seconds=0, on_wait=never_wait):
        assert place.open().read() is None


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


Opened = Callable[[], StateBackend]
