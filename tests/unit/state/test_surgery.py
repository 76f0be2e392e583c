"""Push, rollback and settle: no key is dropped, no create that may have happened is forgotten or made twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from omnictl.engine.recover import Absent, Found, owned_keys, settle
from omnictl.engine.surgery import Replaced, bring_back, push_state, roll_back_state
from omnictl.errors import OmnictlError, RefusedError, StateError
from omnictl.model.address import id_of, make_address
from omnictl.model.scenario import Attributes, Lifecycle, Protection, Remote
from omnictl.model.state import Account, Intent, PlanMark, RepeatedCreate, State
from omnictl.operations.surgery import change_state, find_intent, settle_absent, settle_found
from omnictl.state.base import LockHolder
from tests.builders import NOW, example_scene, flow, key_of
from tests.unit.codec.strategies import states
from tests.worlds import FakeBackend

STATE = example_scene().state
BODY = Attributes("OTP Brazil", flow("SMS"))
INTENT = Intent(make_address("otp-br"), BODY, False, "run-1", NOW, NOW, known_keys=("OLD",))
OPEN = replace(STATE, intents=(INTENT,))
REMOTE = Remote("NEW", BODY)


def push(current: State | None, incoming: State, *, goes_back: bool = False) -> Replaced:
    return push_state(current, incoming, "production", NOW, goes_back=goes_back)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(OmnictlError) as caught:
        call()
    return caught.value.diagnostics[0].code


def without(state: State, *ids: str) -> State:
    """Return the state without these records."""
    gone = set(map(make_address, ids))
    return replace(state, records={address: each for address, each in state.records.items() if address not in gone})


@given(states, states)
@settings(deadline=None)
def test_no_key_is_ever_dropped_and_the_serial_rises_above_both(current: State, other: State) -> None:
    incoming = replace(other, lineage=current.lineage, environment=current.environment)
    pushed = _unless_refused(lambda: push_state(current, incoming, current.environment, NOW, goes_back=True))
    rolled_back = _unless_refused(lambda: roll_back_state(current, incoming, NOW))
    for stored in filter(None, (pushed, rolled_back)):
        state = stored.state
        assert owned_keys(current) | owned_keys(incoming) <= owned_keys(state)
        assert {each.plan_id for each in (*current.plans, *incoming.plans)} == {each.plan_id for each in state.plans}
        assert {*current.repeated_creates, *incoming.repeated_creates} == set(state.repeated_creates)
        assert state == current or state.serial == max(current.serial, incoming.serial) + 1


def _unless_refused(change: Callable[[], Replaced]) -> Replaced | None:
    try:
        return change()
    except RefusedError:
        return None


def test_the_first_push_takes_the_state_as_it_is() -> None:
    assert push(None, STATE) == Replaced(replace(STATE, serial=STATE.serial + 1), is_changed=True)


def test_pushing_what_is_stored_changes_nothing() -> None:
    assert push(STATE, STATE) == Replaced(STATE, is_changed=False)
    assert push(STATE, replace(STATE, serial=3)) == Replaced(STATE, is_changed=False)
    assert push(STATE, replace(STATE, serial=500)).state.serial == 501


def test_what_an_older_state_lacks_becomes_a_tombstone() -> None:
    stored = push(STATE, replace(without(STATE, "welcome"), serial=7), goes_back=True)
    assert stored.state.serial == STATE.serial + 1
    assert [(each.address, each.key, each.removed_at) for each in stored.state.tombstones] == [
        (make_address("welcome"), key_of("welcome"), NOW)
    ]
    assert (stored.buried, stored.is_changed) == (("welcome",), True)
    assert push(stored.state, STATE, goes_back=True).state.tombstones == ()


@pytest.mark.parametrize(
    ("stored", "incoming", "account"),
    [
        (Account("here"), Account("there"), Account("there")),
        (Account("here"), None, Account("here")),
        (None, Account("there"), Account("there")),
        (None, None, None),
    ],
)
def test_what_an_older_state_does_not_know_of_the_account_stays(
    stored: Account | None, incoming: Account | None, account: Account | None
) -> None:
    current, older = (replace(STATE, account=each) for each in (stored, incoming))
    assert roll_back_state(current, older, NOW).state.account == account


@pytest.mark.parametrize(("stored", "incoming"), [(7, 3), (3, 7)])
def test_the_highest_count_of_the_account_stays(stored: int, incoming: int) -> None:
    current, older = (replace(STATE, listed=each) for each in (stored, incoming))
    assert roll_back_state(current, older, NOW).state.listed == 7


def test_a_finished_plan_stays_finished() -> None:
    begun, done = PlanMark("p", NOW), PlanMark("p", NOW, NOW)
    for one, other in ((begun, done), (done, begun)):
        stored = push(replace(STATE, plans=(one,)), replace(STATE, plans=(other,)), goes_back=True)
        assert stored.state.plans == (done,)


def test_a_foreign_state_is_refused() -> None:
    assert code_of(lambda: push(STATE, replace(STATE, lineage="other"))) == "other-lineage"
    assert code_of(lambda: push(None, replace(STATE, environment="test"))) == "foreign-state"
    assert code_of(lambda: roll_back_state(STATE, replace(STATE, lineage="other"), NOW)) == "other-lineage"


@given(states, states)
@settings(deadline=None)
def test_what_is_kept_of_another_lineage_comes_back_under_this_one(current: State, kept: State) -> None:
    other = replace(kept, environment=current.environment)
    stored = _unless_refused(lambda: bring_back(current, other, 0, current.environment, NOW))
    if stored is not None:
        assert stored.state.lineage == current.lineage
        assert owned_keys(current) | owned_keys(kept) <= owned_keys(stored.state)
        assert stored.state == current or stored.state.serial == max(current.serial, kept.serial) + 1


def test_what_is_kept_comes_back_above_all_that_is_known_of_its_lineage() -> None:
    alone = bring_back(None, STATE, STATE.serial + 7, "production", NOW).state
    assert alone == replace(STATE, serial=STATE.serial + 8)
    assert code_of(lambda: bring_back(None, STATE, 0, "test", NOW)) == "foreign-state"
    assert code_of(lambda: bring_back(OPEN, replace(STATE, lineage="other"), 0, "production", NOW)) == "open-intents"


# --- a stored state that went on since --------------------------------------------------------------------------------


@given(states, states)
@settings(deadline=None)
def test_what_went_on_is_kept_and_what_only_the_older_knows_is_added(current: State, other: State) -> None:
    serial = min(current.serial, other.serial)
    older = replace(other, lineage=current.lineage, environment=current.environment, serial=serial)
    stored = push_state(current, older, current.environment, NOW)
    state = stored.state
    assert owned_keys(state) == owned_keys(current) | owned_keys(older)
    assert current.records.items() <= state.records.items()
    assert set(current.tombstones) <= set(state.tombstones)
    assert {each.address for each in current.intents} <= {each.address for each in state.intents} | {*state.records}
    assert (state.account_default, state.account) == (current.account_default, current.account)
    assert state.serial == current.serial + stored.is_changed
    again = push_state(state, older, current.environment, NOW)
    assert (again.state, again.is_changed) == (state, False)


def test_a_run_that_was_overtaken_takes_nothing_back() -> None:
    """Its open creates were settled since, and all is recorded: nothing is to be put back."""
    record = replace(STATE.records[WELCOME], address=INTENT.address, key="NEW", applied=BODY)
    settled = replace(STATE, serial=STATE.serial + 9, records={**STATE.records, INTENT.address: record})
    overtaken = replace(without(OPEN, *map(id_of, STATE.records)), serial=STATE.serial)
    assert push(settled, overtaken) == Replaced(settled, is_changed=False, is_kept=True)
    absent = replace(STATE, repeated_creates=(RepeatedCreate(INTENT.address, BODY, NOW, INTENT.known_keys),))
    assert push(absent, OPEN) == Replaced(absent, is_changed=False, is_kept=True)


def test_a_key_that_only_the_older_state_knows_is_recorded_or_becomes_a_tombstone() -> None:
    record = replace(STATE.records[WELCOME], address=INTENT.address, key="NEW", applied=BODY)
    other = replace(STATE.records[WELCOME], key="TWIN")
    older = replace(STATE, serial=3, records={INTENT.address: record, WELCOME: other})
    stored = push(STATE, older)
    assert (stored.recorded, stored.buried, stored.is_kept) == (("otp-br",), ("welcome",), True)
    assert stored.state.records == {**STATE.records, INTENT.address: record}
    assert [(each.address, each.key) for each in stored.state.tombstones] == [(WELCOME, "TWIN")]
    assert stored.state.serial == STATE.serial + 1


def test_an_open_create_ends_with_the_record_that_it_made_and_with_no_other() -> None:
    record = replace(STATE.records[WELCOME], address=INTENT.address, key="NEW", applied=BODY)
    for created_at, left in ((NOW, ()), (NOW - timedelta(seconds=9), (INTENT,)), (None, (INTENT,))):
        older = replace(STATE, records={**STATE.records, INTENT.address: replace(record, created_at=created_at)})
        stored = push(OPEN, older).state
        assert stored.records[INTENT.address].key == "NEW"
        assert stored.intents == left


def test_an_open_create_that_only_the_older_state_knows_is_looked_for() -> None:
    stored = push(replace(STATE, serial=STATE.serial + 5), OPEN)
    assert (stored.state.intents, stored.is_changed, stored.is_kept) == ((INTENT,), True, True)
    later = replace(INTENT, run="run-2")
    assert push(replace(OPEN, intents=(later,)), OPEN).state.intents == (later,)


def test_watches_are_united_but_for_those_that_ended() -> None:
    repeats = tuple(RepeatedCreate(INTENT.address, BODY, NOW - timedelta(days=days)) for days in (1, 31))
    assert push(STATE, replace(STATE, repeated_creates=repeats)).state.repeated_creates == repeats[:1]


def test_open_creates_forbid_a_rollback_and_an_older_push() -> None:
    assert code_of(lambda: roll_back_state(OPEN, STATE, NOW)) == "open-intents"
    assert code_of(lambda: push(OPEN, STATE, goes_back=True)) == "open-intents"


def test_an_errored_state_says_what_became_of_the_open_creates() -> None:
    record = replace(STATE.records[make_address("welcome")], address=INTENT.address, key="NEW", applied=BODY)
    errored = replace(STATE, serial=STATE.serial + 1, records={**STATE.records, INTENT.address: record})
    assert push(OPEN, errored).state.intents == ()
    assert push(OPEN, replace(errored, serial=1), goes_back=True).state.intents == ()


def test_a_record_of_an_older_scenario_is_not_what_the_create_made() -> None:
    record = replace(STATE.records[make_address("welcome")], address=INTENT.address, key="OLD", applied=BODY)
    older = replace(STATE, records={**STATE.records, INTENT.address: record})
    assert code_of(lambda: push(OPEN, older, goes_back=True)) == "open-intents"


def test_a_later_state_that_says_nothing_of_an_open_create_keeps_it() -> None:
    assert push(OPEN, replace(STATE, serial=STATE.serial + 1)).state.intents == (INTENT,)


def test_a_later_create_of_the_same_id_stands_for_the_earlier_one() -> None:
    later = replace(INTENT, run="run-2")
    assert push(OPEN, replace(STATE, serial=999, intents=(later,))).state.intents == (later,)


def test_a_rollback_to_a_version_with_an_open_create_does_not_make_it_twice() -> None:
    """The create was settled since. Its key has an owner, so a look for it would find nothing and repeat it."""
    record = replace(STATE.records[make_address("welcome")], address=INTENT.address, key="NEW", applied=BODY)
    current = replace(STATE, serial=STATE.serial + 5, records={**STATE.records, INTENT.address: record})
    stored = roll_back_state(current, OPEN, NOW).state
    assert stored.intents == ()
    assert "NEW" in {each.key for each in stored.tombstones}
    edited = replace(record, applied=replace(BODY, name="Edited since"))
    since = replace(current, records={**STATE.records, INTENT.address: edited})
    assert roll_back_state(since, OPEN, NOW).state.intents == ()
    other = replace(record, address=make_address("other"))
    renamed = replace(current, records={**STATE.records, other.address: other})
    assert roll_back_state(renamed, OPEN, NOW).state.intents == ()


def test_an_open_create_that_nobody_settled_comes_back_with_its_version() -> None:
    stored = roll_back_state(replace(STATE, serial=STATE.serial + 5), OPEN, NOW).state
    assert stored.intents == (INTENT,)
    assert isinstance(settle(stored, {}).absent[0], Absent)
    assert isinstance(settle(stored, {"NEW": REMOTE}).found[0], Found)


def test_a_watch_for_a_late_twin_outlives_a_rollback() -> None:
    repeat = RepeatedCreate(INTENT.address, BODY, NOW)
    assert roll_back_state(replace(STATE, repeated_creates=(repeat,)), STATE, NOW).state.repeated_creates == (repeat,)


@pytest.mark.parametrize(
    ("now", "then", "kept"),
    [
        (Protection.ALL, Protection.NONE, Protection.ALL),
        (Protection.ALL, Protection.REMOVAL, Protection.ALL),
        (Protection.REMOVAL, Protection.NONE, Protection.REMOVAL),
        (Protection.NONE, Protection.ALL, Protection.ALL),
    ],
)
@pytest.mark.parametrize("renamed", [False, True])
def test_a_protection_outlives_what_is_stored_in_its_place(
    now: Protection, then: Protection, kept: Protection, renamed: bool
) -> None:
    """It goes with the key: also where the incoming state has the scenario under another id."""
    current, incoming = protected(now), protected(then)
    if renamed:
        [record] = [each for each in incoming.records.values() if each.address == WELCOME]
        other = replace(record, address=make_address("hello"))
        rest = without(incoming, "welcome")
        incoming = replace(rest, records={**rest.records, other.address: other})
    for stored in (push(current, incoming, goes_back=True), roll_back_state(current, incoming, NOW)):
        [found] = [each for each in stored.state.records.values() if each.key == key_of("welcome")]
        assert found.lifecycle.protected is kept


WELCOME = make_address("welcome")


def protected(protection: Protection) -> State:
    record = replace(STATE.records[WELCOME], lifecycle=Lifecycle(protection))
    return replace(STATE, records={**STATE.records, WELCOME: record})


def test_settling_by_hand() -> None:
    assert find_intent(OPEN, "otp-br") == INTENT
    found = settle_found(OPEN, INTENT, REMOTE)
    assert found.state.serial == OPEN.serial + 1
    assert found.state.records[INTENT.address].key == "NEW"
    assert found.state.intents == ()
    absent = settle_absent(OPEN, INTENT, NOW)
    assert absent.state.intents == ()
    assert absent.state.repeated_creates == (RepeatedCreate(INTENT.address, BODY, NOW, INTENT.known_keys),)


def test_settling_refuses_a_key_that_the_create_cannot_have_made() -> None:
    assert code_of(lambda: settle_found(OPEN, INTENT, replace(REMOTE, key=key_of("welcome")))) == "key-taken"
    assert code_of(lambda: settle_found(OPEN, INTENT, replace(REMOTE, key="OLD"))) == "key-older"


def test_a_wrong_id_gets_the_right_one_suggested() -> None:
    with pytest.raises(StateError) as caught:
        find_intent(OPEN, "otp-bt")
    assert caught.value.diagnostics[0].hint == "did you mean otp-br?"


def test_nothing_is_written_where_nothing_changes() -> None:
    backend = FakeBackend(stored=STATE)
    holder = LockHolder("state push", "run-1", NOW)

    def change(current: State | None) -> Replaced:
        return push(current, STATE)

    stored = change_state(backend, holder, change, timeout_seconds=0.0, on_wait=lambda _: None)
    assert not stored.is_changed
    assert backend.versions == []
    change_state(backend, holder, lambda _: settle_absent(OPEN, INTENT, NOW), timeout_seconds=0.0, on_wait=print)
    assert [each.serial for each in backend.versions] == [STATE.serial + 1]
