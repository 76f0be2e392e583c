"""What is remembered after each thing that happened, field by field."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from omnictl.engine.advance import (
    KEPT_PLANS,
    add_intents,
    drop_intent,
    finish_plan,
    note_reading,
    plan_mark,
    record_absent,
    record_created,
    record_default,
    record_refreshed,
    record_removed,
    record_written,
    start_plan,
    touch_updated,
)
from omnictl.model.change import Adopt, Rename, Retire, Update
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, OnRemoval, Protection, Remote
from omnictl.model.state import (
    Account,
    AccountDefault,
    Intent,
    PlanMark,
    Record,
    RepeatedCreate,
    State,
    Tombstone,
)
from tests.unit.engine.changes import NEW, OLD, adopt, forget, record_of, refresh, rename, retire, update
from tests.worlds import NOW, address

EARLIER = NOW - timedelta(hours=1)
SHOWN = Attributes("As the service answered", NEW.flow)
LIFECYCLE = Lifecycle(Protection.ALL, on_removal=OnRemoval.RETIRE, ignore_changes=(IgnoredField("flow[4].from"),))
REMEMBERED = Lifecycle(Protection.ALL, on_removal=OnRemoval.RETIRE)
EMPTY = State("lineage", "test")


def intent(scenario_id: str, *, replaces: str | None = None, run: str = "run-1") -> Intent:
    return Intent(address(scenario_id), NEW, False, run, EARLIER, NOW, ("SEEN",), REMEMBERED, replaces)


def holding(*records: Record, **more: object) -> State:
    return replace(EMPTY, records={each.address: each for each in records}, **more)


# --- plans -------------------------------------------------------------------------------------------------------


def test_a_plan_is_started_once() -> None:
    started = start_plan(EMPTY, "p", EARLIER)
    assert started.plans == (PlanMark("p", EARLIER),)
    assert start_plan(started, "p", NOW) is started
    assert start_plan(started, "q", NOW).plans == (PlanMark("p", EARLIER), PlanMark("q", NOW))


def test_only_the_last_plans_are_remembered() -> None:
    state = EMPTY
    for number in range(KEPT_PLANS + 2):
        state = start_plan(state, f"p{number}", NOW)
    assert [each.plan_id for each in state.plans] == [f"p{number}" for number in range(2, KEPT_PLANS + 2)]


def test_a_plan_is_finished_once_and_no_other_is() -> None:
    state = replace(EMPTY, plans=(PlanMark("p", EARLIER), PlanMark("q", EARLIER)))
    finished = finish_plan(state, "p", NOW, is_whole=True)
    assert finished.plans == (PlanMark("p", EARLIER, NOW), PlanMark("q", EARLIER))
    assert finish_plan(finished, "p", NOW + timedelta(days=1), is_whole=False) == finished


def test_a_plan_is_found_by_its_id() -> None:
    state = replace(EMPTY, plans=(PlanMark("p", EARLIER), PlanMark("q", NOW)))
    assert plan_mark(state, "q") == PlanMark("q", NOW)
    assert plan_mark(state, "r") is None


# --- readings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "listed", "after"), [(0, 3, 3), (5, 3, 5), (3, 3, 3)])
def test_a_reading_never_lowers_the_count(before: int, listed: int, after: int) -> None:
    read = note_reading(replace(EMPTY, listed=before), Account("host", "name"), listed, NOW)
    assert (read.account, read.listed) == (Account("host", "name"), after)


def test_a_repeated_create_is_watched_for_thirty_days() -> None:
    ages = (timedelta(0), timedelta(days=30), timedelta(days=30, seconds=1))
    repeats = tuple(RepeatedCreate(address("a"), NEW, NOW - age) for age in ages)
    assert (
        note_reading(replace(EMPTY, repeated_creates=repeats), Account("host"), 0, NOW).repeated_creates == repeats[:2]
    )


# --- creates -----------------------------------------------------------------------------------------------------


def test_a_newer_intent_replaces_the_older_one_of_its_address() -> None:
    older, newer, other = intent("a", run="run-1"), intent("a", run="run-2"), intent("b")
    state = add_intents(replace(EMPTY, intents=(older, other)), iter([newer, intent("c")]))
    assert state.intents == (other, newer, intent("c"))
    assert drop_intent(state, address("a")).intents == (other, intent("c"))


def test_a_created_scenario_is_recorded_as_it_was_sent_and_answered() -> None:
    state = replace(EMPTY, intents=(intent("a"), intent("b")), listed=7)
    created = record_created(state, intent("a"), Remote("KEY", SHOWN), NOW)
    assert created.records == {address("a"): Record(address("a"), "KEY", NEW, SHOWN, NOW, None, REMEMBERED)}
    assert created.intents == (intent("b"),)
    assert (created.listed, created.tombstones) == (8, ())


def test_what_a_create_replaces_becomes_a_tombstone() -> None:
    buried = Tombstone(address("z"), "Z", OLD, EARLIER)
    state = holding(record_of("a"), record_of("b"), tombstones=(buried,))
    created = record_created(state, intent("a", replaces="A"), Remote("KEY", SHOWN), NOW)
    assert created.tombstones == (buried, Tombstone(address("a"), "A", OLD, NOW))
    assert {each.key for each in created.records.values()} == {"KEY", "B"}


def test_a_create_that_was_recorded_before_leaves_no_tombstone() -> None:
    state = holding(record_of("a"))
    assert record_created(state, intent("a"), Remote("A", SHOWN), NOW).tombstones == ()


def test_an_absent_create_is_watched_for_a_late_twin() -> None:
    watched = RepeatedCreate(address("z"), OLD, EARLIER)
    state = replace(EMPTY, intents=(intent("a"), intent("b")), repeated_creates=(watched,))
    absent = record_absent(state, intent("a"), NOW)
    assert absent.intents == (intent("b"),)
    assert absent.repeated_creates == (watched, RepeatedCreate(address("a"), NEW, NOW, ("SEEN",)))


# --- changes of what exists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (update(lifecycle=LIFECYCLE), Record(address("edited"), "EDITED", NEW, SHOWN, NOW, NOW, REMEMBERED)),
        (adopt(lifecycle=LIFECYCLE), Record(address("adopted"), "ADOPTED", OLD, SHOWN, None, None, REMEMBERED)),
        (adopt(differs=True), Record(address("adopted"), "ADOPTED", NEW, SHOWN, None, NOW)),
        (rename(lifecycle=LIFECYCLE), Record(address("after"), "BEFORE", OLD, SHOWN, NOW, None, REMEMBERED)),
        (rename(differs=True), Record(address("after"), "BEFORE", NEW, SHOWN, NOW, NOW)),
    ],
)
def test_a_change_is_recorded_as_it_was_sent_and_answered(change: Update | Adopt | Rename, expected: Record) -> None:
    others = (record_of("before"), record_of("edited"), record_of("other"))
    written = record_written(holding(*others), change, SHOWN, NOW)
    gone = change.previous if isinstance(change, Rename) else None
    kept = {each.address: each for each in others if each.address not in (gone, change.address)}
    assert written.records == {**kept, expected.address: expected}


def test_an_update_keeps_what_the_state_knows_by_now() -> None:
    fresh = replace(record_of("edited"), created_at=EARLIER)
    assert record_written(holding(fresh), update(), SHOWN, NOW).records[address("edited")].created_at == EARLIER
    assert record_written(EMPTY, update(), SHOWN, NOW).records[address("edited")].created_at == NOW


def test_an_adopted_scenario_rises_from_its_tombstone() -> None:
    theirs, other = Tombstone(address("a"), "ADOPTED", OLD, EARLIER), Tombstone(address("a"), "OTHER", OLD, EARLIER)
    assert record_written(replace(EMPTY, tombstones=(theirs, other)), adopt(), SHOWN, NOW).tombstones == (other,)
    assert record_written(replace(EMPTY, tombstones=(theirs, other)), update(), SHOWN, NOW).tombstones == (
        theirs,
        other,
    )


def test_a_refresh_brings_the_record_up_to_date() -> None:
    expected = Record(address("stale"), "STALE", NEW, NEW, NOW, None, REMEMBERED)
    assert record_refreshed(holding(record_of("stale")), refresh(lifecycle=LIFECYCLE)).records == {
        address("stale"): expected
    }
    fresh = replace(record_of("stale"), updated_at=EARLIER)
    assert record_refreshed(holding(fresh), refresh()).records[address("stale")].updated_at == EARLIER
    assert record_refreshed(EMPTY, refresh()).records[address("stale")].updated_at is None


@pytest.mark.parametrize("retired", [False, True])
def test_what_is_removed_leaves_a_tombstone(retired: bool) -> None:
    change = retire("a") if retired else forget("a")
    older = (Tombstone(address("x"), "A", NEW, EARLIER), Tombstone(address("a"), "OTHER", NEW, EARLIER))
    removed = record_removed(holding(record_of("a"), record_of("b"), tombstones=older), change, NOW)
    assert list(removed.records) == [address("b")]
    left = Tombstone(address("a"), "A", OLD, NOW)
    if isinstance(change, Retire):
        left = replace(left, retired=True, named=change.actual.name, retired_as=change.desired.name)
    assert removed.tombstones == (older[1], left)


def test_what_vanished_leaves_none() -> None:
    removed = record_removed(holding(record_of("a"), record_of("b")), forget("a", vanished=True), NOW)
    assert (list(removed.records), removed.tombstones) == ([address("b")], ())


def test_the_holder_of_the_default_is_remembered() -> None:
    assert record_default(EMPTY, address("a"), "A").account_default == AccountDefault(address("a"), "A")


def test_a_put_that_left_counts_from_now() -> None:
    state = holding(record_of("a"), record_of("b"))
    touched = touch_updated(state, address("a"), NOW)
    assert [each.updated_at for each in touched.records.values()] == [NOW, None]
    assert touch_updated(state, address("c"), NOW) is state


def test_only_an_apply_of_everything_lets_the_state_know_the_files_and_it_never_forgets_them() -> None:
    state = start_plan(State("l", "e"), "p", NOW)
    chosen = finish_plan(state, "p", NOW, is_whole=False)
    assert not chosen.knows_files
    whole = finish_plan(chosen, "p", NOW, is_whole=True)
    assert whole.knows_files
    assert finish_plan(whole, "p", NOW, is_whole=False).knows_files
