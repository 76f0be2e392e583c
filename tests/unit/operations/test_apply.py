"""Applying against an account in memory: what is sent, what is remembered, what happens when it goes wrong."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from omnictl.engine.planner import make_plan
from omnictl.engine.view import View
from omnictl.errors import RefusedError, StateError
from omnictl.model.change import Create, Forget, Refresh, Rename, SetDefault, Update
from omnictl.model.outcome import Ending, Fate, KeyReceived
from omnictl.model.scenario import Attributes, Step
from omnictl.provider.base import Operation
from omnictl.state.hold import SureHold
from tests.worlds import SMS, VIBER, VK, World, address, declare


def assert_settled(world: World) -> None:
    """After an apply the next plan is empty, and no intent is open."""
    plan = world.plan()
    assert plan.changes == ()
    assert world.state.intents == ()


def test_create_then_nothing() -> None:
    world = World()
    world.declare("vk-sms", declare("vk-sms", default=True))
    world.declare("other")
    report = world.apply()
    assert [each.fate for each in report.outcomes] == [Fate.DONE, Fate.DONE]
    assert {each.key for each in world.events if isinstance(each, KeyReceived)} == set(world.account.rows)
    assert world.state.account_default.address == address("vk-sms")
    assert_settled(world)
    assert world.account.count(Operation.CREATE) == 2
    serial = world.state.serial
    world.apply()
    assert world.state.serial == serial


def test_intent_is_durable_before_the_request() -> None:
    world = World(workers=4)
    for number in range(30):
        world.declare(f"s-{number}")

    def check(operation: Operation, subject: str) -> None:
        if operation is Operation.CREATE:
            stored = world.backend.stored
            assert stored is not None
            assert subject in {intent.body.name for intent in stored.intents}

    world.account.before_request = check
    report = world.apply()
    assert report.count(Fate.DONE) == 30
    assert_settled(world)


def test_lost_answer_is_found_and_not_repeated() -> None:
    world = World()
    world.declare("a")
    world.declare("b")
    world.account.plant(Attributes("somebody else's", (SMS,)))
    world.account.faults[Operation.CREATE] = ["lost"]
    report = world.apply()
    assert report.count(Fate.DONE) == 2
    assert len(world.account.rows) == 3
    assert_settled(world)


def test_dropped_create_is_repeated_and_watched() -> None:
    world = World()
    world.declare("a")
    world.account.faults[Operation.CREATE] = ["dropped"]
    report = world.apply()
    assert report.count(Fate.DONE) == 1
    assert len(world.account.rows) == 1
    assert [each.address for each in world.state.repeated_creates] == [address("a")]
    twin = world.account.plant(world.files["a"].attributes)
    notes = [each for each in world.plan().diagnostics if each.code == "late-twin"]
    assert twin.key in notes[0].detail
    assert world.keys()["a"] in notes[0].detail


def test_refused_create_fails_alone() -> None:
    world = World()
    for name in "abc":
        world.declare(name)
    world.account.plant(Attributes("x", (SMS,)))
    world.account.faults[Operation.CREATE] = ["refused"]
    report = world.apply()
    assert [each.fate for each in report.outcomes] == [Fate.FAILED, Fate.DONE, Fate.DONE]
    assert world.state.intents == ()
    assert world.apply().count(Fate.DONE) == 1
    assert_settled(world)


def test_update_and_drift() -> None:
    world = World()
    world.declare("a")
    world.apply()
    key = world.keys()["a"]
    world.declare("a", declare("a", "New name", (VIBER, SMS)))
    plan = world.plan()
    assert isinstance(plan.changes[0], Update)
    assert world.apply().count(Fate.DONE) == 1
    assert world.account.rows[key].attributes == Attributes("New name", (VIBER, SMS))
    assert_settled(world)


def test_changed_between_plan_and_put_is_refused() -> None:
    world = World()
    world.declare("a")
    world.apply()
    world.declare("a", declare("a", "New name"))

    def meddle(operation: Operation, subject: str) -> None:
        if operation is Operation.GET:
            old = world.account.rows[subject]
            world.account.rows[subject] = type(old)(old.key, Attributes("Meddled", (SMS,)), old.is_default)

    world.account.before_request = meddle
    report = world.apply()
    assert report.outcomes[0].fate is Fate.FAILED
    assert report.outcomes[0].diagnostic is not None
    assert report.outcomes[0].diagnostic.code == "changed-since-plan"
    assert world.account.count(Operation.UPDATE) == 0


@pytest.mark.parametrize("fault", ["lost", "dropped"])
def test_update_with_a_lost_answer(fault: str) -> None:
    world = World()
    world.declare("a")
    world.apply()
    world.declare("a", declare("a", "New name"))
    world.account.faults[Operation.UPDATE] = [fault]
    assert world.apply().count(Fate.DONE) == 1
    assert world.account.count(Operation.UPDATE) == (1 if fault == "lost" else 2)
    assert_settled(world)


def test_default_moves_last_and_only_after_success() -> None:
    world = World()
    world.declare("a", declare("a", default=True))
    world.apply()
    world.declare("a", declare("a"))
    world.declare("b", declare("b", default=True))
    world.account.faults[Operation.CREATE] = ["refused"]
    report = world.apply()
    assert report.count(Fate.NOT_TRIED) == 1
    assert "default-not-tried" in {each.code for each in report.diagnostics}
    plan = world.plan()
    assert [type(each) for each in plan.changes] == [Create, SetDefault]
    assert world.apply().count(Fate.DONE) == 2
    assert world.account.rows[world.keys()["b"]].is_default
    assert_settled(world)


def test_guard_refuses_before_any_write() -> None:
    world = World()
    world.declare("a", declare("a", default=True))
    world.apply()
    world.declare("a", declare("a"))
    world.declare("b", declare("b", default=True))
    before = len(world.account.requests)
    with pytest.raises(RefusedError) as caught:
        world.apply(allowed=frozenset())
    assert caught.value.kind == "guard"
    assert {operation for operation, _ in world.account.requests[before:]} == {Operation.LIST}


def test_rename_keeps_the_key() -> None:
    world = World()
    world.declare("old")
    world.apply()
    key = world.keys()["old"]
    world.files = {"new": declare("new", "Name of old")}
    assert isinstance(world.plan().changes[0], Rename)
    world.apply()
    assert world.keys() == {"new": key}
    assert_settled(world)


def test_forget_leaves_a_tombstone_and_comes_back() -> None:
    world = World()
    world.declare("a")
    world.declare("b")
    world.apply()
    key = world.keys()["b"]
    kept = world.files.pop("b")
    assert isinstance(world.plan().changes[0], Forget)
    world.apply()
    assert [each.key for each in world.state.tombstones] == [key]
    assert key in world.account.rows
    world.declare("b", kept)
    world.apply()
    assert world.keys()["b"] == key
    assert_settled(world)


def test_normalisation_is_no_drift() -> None:
    world = World()
    world.account.normalise = lambda attributes: Attributes(attributes.name.upper(), attributes.flow)
    world.declare("a")
    report = world.apply()
    assert [each.code for each in report.diagnostics] == ["normalised"]
    assert_settled(world)


def test_same_edit_on_both_sides_refreshes_the_record() -> None:
    world = World()
    world.declare("a")
    world.apply()
    key = world.keys()["a"]
    old = world.account.rows[key]
    world.account.rows[key] = type(old)(key, Attributes("Both", (VK, SMS)), old.is_default)
    world.declare("a", declare("a", "Both"))
    plan = world.plan()
    assert isinstance(plan.changes[0], Refresh)
    assert plan.refreshed == 1
    world.apply()
    assert world.account.count(Operation.UPDATE) == 0
    assert_settled(world)


def test_state_write_failure_stops_and_rescues() -> None:
    world = World()
    for number in range(5):
        world.declare(f"s-{number}")
    world.backend.fail_at = 2
    report = world.apply()
    assert "state-not-saved" in {each.code for each in report.diagnostics}
    assert world.backend.rescued is not None
    recorded = {record.key for record in world.backend.rescued.records.values()}
    assert set(world.account.rows) <= recorded
    assert report.count(Fate.NOT_TRIED) > 0


def test_stop_leaves_the_rest_untried() -> None:
    world = World()
    for number in range(5):
        world.declare(f"s-{number}")

    def stop(operation: Operation, subject: str) -> None:
        if operation is Operation.CREATE and subject == "Name of s-2":
            world.stop.request("SIGINT")

    world.account.before_request = stop
    report = world.apply()
    assert report.ending is Ending.STOPPED
    assert report.count(Fate.DONE) == 3
    assert report.count(Fate.NOT_TRIED) == 2
    assert world.state.intents == ()


def test_saved_plan_resumes_and_finishes_once() -> None:
    world = World()
    for number in range(4):
        world.declare(f"s-{number}")
    plan = world.plan()
    world.account.before_request = lambda operation, subject: (
        world.stop.request("SIGINT") if subject == "Name of s-1" else None
    )
    world.apply(plan)
    world.account.before_request = None
    world.stop = type(world.stop)()
    report = world.apply(plan)
    assert report.ending is Ending.FINISHED
    assert report.count(Fate.DONE) == 4
    assert world.account.count(Operation.CREATE) == 4
    assert world.apply(plan).ending is Ending.ALREADY_APPLIED
    assert world.account.count(Operation.CREATE) == 4


def test_stale_plan_is_refused_with_what_moved() -> None:
    world = World()
    world.declare("a")
    world.apply()
    world.declare("a", declare("a", "Edited"))
    plan = world.plan()
    key = world.keys()["a"]
    old = world.account.rows[key]
    world.account.rows[key] = type(old)(key, Attributes("Moved", (Step("SMS"),)), old.is_default)
    with pytest.raises(RefusedError) as caught:
        world.apply(plan)
    assert caught.value.kind == "stale"
    assert caught.value.diagnostics[0].detail == (
        'a: it was changed on the account (the name was "Name of a" and is "Moved", step 1 of the flow was VKONTAKTE '
        "and is not there, step 2 of the flow was SMS InfoSMS and is SMS, as step 1)."
    )


def test_twin_guard_names_the_keys() -> None:
    world = World()
    world.declare("a")
    twin = world.account.plant(Attributes("Name of a", (SMS,)))
    plan = make_plan(View(world.configuration, world.state, world.account.rows), world.circumstances())
    assert [each.guard.value for each in plan.guards] == ["unmanaged-twin"]
    assert twin.key in plan.guards[0].message


def test_a_failed_first_create_lets_no_other_become_the_default() -> None:
    world = World()
    world.declare("a")
    world.declare("main", declare("main", default=True))
    world.account.faults[Operation.CREATE] = ["refused"]
    report = world.apply()
    assert [each.fate for each in report.outcomes] == [Fate.NOT_TRIED, Fate.FAILED]
    assert world.account.rows == {}
    world.apply()
    assert world.account.rows[world.keys()["main"]].is_default
    assert_settled(world)


def test_a_plan_of_another_account_is_refused() -> None:
    world = World()
    world.declare("a")
    plan = world.plan()
    world.account.host = "other.api.infobip.com"
    with pytest.raises(RefusedError) as caught:
        world.apply(plan)
    assert caught.value.diagnostics[0].code == "other-account"
    assert world.account.count(Operation.CREATE) == 0


@pytest.mark.parametrize("is_local", [True, False])
def test_before_a_guard_refuses_it_is_asked_whether_another_run_passed_over_the_lock(is_local: bool) -> None:
    """What that one made would look like scenarios that nobody manages, with the advice to import them."""
    world = World()
    world.declare("anchor")
    world.apply()
    world.backend.is_local = is_local
    world.declare("a")
    mine = world.state

    def make_it(operation: Operation, subject: str) -> None:
        if operation is Operation.LIST and world.backend.stored is mine:
            world.account.plant(world.files["a"].attributes)
            world.backend.stored = replace(mine, serial=mine.serial + 1)

    world.account.before_request = make_it
    with pytest.raises(RefusedError if is_local else StateError) as refused:
        world.apply()
    codes = [each.code for each in refused.value.diagnostics]
    assert codes == (["unmanaged-twin"] if is_local else ["state-moved"])


class Told(SureHold):
    """A lock that remembers until when it was said to be held."""

    def __init__(self) -> None:
        self.ends: list[datetime] = []

    def expect(self, end: datetime) -> None:
        self.ends.append(end)


@pytest.mark.parametrize(("number", "is_told"), [(2, False), (25, True)])
def test_a_run_that_the_throttle_keeps_waiting_says_in_its_lock_until_when(number: int, is_told: bool) -> None:
    world, hold = World(), Told()
    world.backend.hold = hold
    for each in range(number):
        world.declare(f"s{each}")
    begun = world.clock()
    report = world.apply()
    assert len(report.outcomes) == number
    assert [end - begun > timedelta(minutes=9) for end in hold.ends] == [True] * is_told
