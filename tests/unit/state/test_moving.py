"""``state mv`` and ``rm`` as rules: no key is dropped, and all that names an id follows it."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from omnictl.engine.advance import bury
from omnictl.engine.recover import owned_keys
from omnictl.engine.surgery import Replaced, forget_records, move_record
from omnictl.errors import RefusalKind, RefusedError, StateError
from omnictl.model.plan import Guard
from omnictl.model.scenario import Lifecycle, Protection
from omnictl.model.state import AccountDefault, RepeatedCreate, State, Tombstone
from omnictl.operations.surgery import find_records
from tests.builders import NOW
from tests.unit.codec.strategies import states
from tests.unit.codec.whole import NEW, OLD, STATE
from tests.worlds import address

CLOSED = replace(STATE, intents=())
A, B, C, Z = map(address, "abcz")
BOTH = {(Guard.PROTECTED, "a"), (Guard.DEFAULT_CHANGE, "a"), (Guard.PROTECTED, "b")}


@given(states)
@settings(deadline=None)
def test_no_key_is_ever_dropped(state: State) -> None:
    closed = replace(state, intents=())
    for each in closed.records:
        moved = move_record(closed, each, address("is-new-here")).state
        allowed = {(guard, each.removeprefix("scenario.")) for guard in Guard}
        forgotten = forget_records(closed, (each,), allowed, NOW).state
        for after in (moved, forgotten):
            assert owned_keys(after) == owned_keys(closed)
            assert after.serial == closed.serial + 1
            assert each not in after.records
            assert after.account_default.address != each
        assert moved.records[address("is-new-here")] == replace(closed.records[each], address=address("is-new-here"))


def test_what_names_the_id_follows_it() -> None:
    repeated = RepeatedCreate(A, NEW, NOW, ("K",))
    state = replace(CLOSED, repeated_creates=(repeated, *CLOSED.repeated_creates))
    moved = move_record(state, A, Z).state
    assert moved.account_default == AccountDefault(Z, "A")
    assert moved.repeated_creates == (replace(repeated, address=Z), *CLOSED.repeated_creates)
    assert {each.address for each in moved.records.values()} == set(moved.records) == {B, Z}


def test_a_tombstone_of_the_new_id_stays() -> None:
    tombstone = Tombstone(Z, "OTHER", OLD, NOW)
    state = replace(CLOSED, tombstones=(tombstone,))
    assert move_record(state, A, Z).state.tombstones == (tombstone,)


def test_what_is_forgotten_is_buried() -> None:
    after = forget_records(CLOSED, (A, B), BOTH, NOW)
    assert after.buried == ("a", "b")
    assert after.state.records == {}
    assert after.state.tombstones[1:] == tuple(bury(each, NOW) for each in (CLOSED.records[A], CLOSED.records[B]))
    assert after.state.account_default == AccountDefault(None, "A")


@pytest.mark.parametrize("allowed", [set(), *({each} for each in sorted(BOTH)), BOTH - {(Guard.PROTECTED, "b")}])
def test_each_guard_has_to_be_allowed(allowed: set[tuple[Guard, str]]) -> None:
    with pytest.raises(RefusedError) as caught:
        forget_records(CLOSED, (A, B), allowed, NOW)
    assert caught.value.kind is RefusalKind.GUARD
    assert {each.commands for each in caught.value.diagnostics} == {
        (f"--allow {guard}={subject}",) for guard, subject in BOTH - allowed
    }


@pytest.mark.parametrize("protection", Protection)
def test_every_protection_guards_a_record(protection: Protection) -> None:
    record = replace(CLOSED.records[B], lifecycle=Lifecycle(protected=protection))
    state = replace(CLOSED, records={B: record})
    if protection is Protection.NONE:
        assert forget_records(state, (B,), (), NOW).state.records == {}
    else:
        with pytest.raises(RefusedError):
            forget_records(state, (B,), (), NOW)


def test_open_creates_and_taken_ids_refuse() -> None:
    calls: tuple[Callable[[], Replaced], ...] = (
        lambda: move_record(STATE, A, Z),
        lambda: forget_records(STATE, (A,), BOTH, NOW),
        lambda: move_record(CLOSED, A, B),
    )
    for call in calls:
        with pytest.raises(RefusedError) as caught:
            call()
        assert caught.value.kind is RefusalKind.POLICY


def test_records_are_found_once_each_and_all_unknown_ones_are_told() -> None:
    assert find_records(CLOSED, ("b", "a", "b")) == (CLOSED.records[B], CLOSED.records[A])
    with pytest.raises(StateError) as caught:
        find_records(CLOSED, ("a", "x", "aa", "x"))
    assert [each.detail for each in caught.value.diagnostics] == ["x is not recorded.", "aa is not recorded."]
