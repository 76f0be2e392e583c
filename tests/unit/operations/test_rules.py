"""Promises about writes that are easy to break: whose key it is, what goes back as read, what counts as done."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from omnictl.engine.advance import start_plan
from omnictl.engine.resume import resume
from omnictl.engine.view import Thresholds
from omnictl.errors import RefusedError, RemoteError
from omnictl.model.outcome import ApplyReport, Fate
from omnictl.model.plan import Guard
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, OnRemoval, Remote, Step
from omnictl.model.state import Account, Intent, State
from omnictl.operations.echo import describe_differences
from omnictl.operations.updating import write_update
from omnictl.provider.base import Operation
from tests.fake_account import FakeAccount, problem
from tests.worlds import NOW, SMS, VIBER, VK, World, address, declare


def with_intent(world: World, name: str) -> Intent:
    """Let a run be killed between the intent of a file and the answer to its create."""
    body = world.files[name].attributes
    intent = Intent(address(name), body, default=False, run="r", created_at=NOW, not_after=NOW + timedelta(hours=1))
    world.backend.stored = replace(world.state, serial=world.state.serial + 1, intents=(intent,))
    return intent


def test_a_create_answered_with_the_key_of_another_gives_no_key_to_two_addresses() -> None:
    world = World()
    world.declare("a")
    world.apply()
    held = world.account.rows[world.keys()["a"]]
    world.declare("b", declare("b", "Name of a"))

    def create(body: Attributes, *, default: bool, not_after: datetime | None = None) -> Remote:
        world.account.requests.append((Operation.CREATE, body.name))
        return held

    world.account.create = create  # type: ignore[method-assign]
    report = world.apply()
    assert set(world.keys()) == {"a"}
    assert [each.fate for each in report.outcomes] == [Fate.UNKNOWN]
    assert report.outcomes[0].diagnostic is not None
    assert report.outcomes[0].diagnostic.code == "key-not-new"


def test_a_short_page_hides_no_create_of_unknown_outcome() -> None:
    """The service gives shorter pages than asked for, and the create stands on the next one."""
    world = World()
    for name in "abc":
        world.declare(name)
    world.apply()
    world.declare("d")
    intent = with_intent(world, "d")
    found = world.account.plant(intent.body)
    served = FakeAccount(rows=world.account.rows)
    world.account.list_page = served.list_page  # type: ignore[method-assign]
    world.account.capabilities = replace(world.account.capabilities, page_size=100)
    world.account.requests.clear()
    world.apply()
    assert world.account.count(Operation.CREATE) == 0
    assert world.keys()["d"] == found.key


def test_a_first_create_that_is_not_the_declared_default_does_not_claim_it() -> None:
    world = World()
    world.declare("a")
    world.declare("z", declare("z", default=True))
    sent: list[tuple[str, bool]] = []
    inner = world.account.create

    def create(body: Attributes, *, default: bool, not_after: datetime | None = None) -> Remote:
        sent.append((body.name, default))
        return inner(body, default=default)

    world.account.create = create  # type: ignore[method-assign]
    world.apply(only=("a",))
    assert sent == [("Name of a", False)]
    assert world.state.account_default.address is None
    world.apply()
    assert world.account.rows[world.keys()["z"]].is_default


def test_an_ignored_field_goes_back_as_read_just_before_the_write() -> None:
    world = World()
    ignoring = Lifecycle(ignore_changes=(IgnoredField("name", "the office names it"),))
    world.declare("a", declare("a", lifecycle=ignoring))
    world.apply()
    key = world.keys()["a"]
    world.declare("a", declare("a", flow=(VIBER, SMS), lifecycle=ignoring))

    def rename(operation: Operation, subject: str) -> None:
        if operation is Operation.GET:
            world.account.rows[key] = replace(
                world.account.rows[key], attributes=replace(world.account.rows[key].attributes, name="Late")
            )

    world.account.before_request = rename
    assert world.apply().count(Fate.DONE) == 1
    assert world.account.rows[key].attributes == Attributes("Late", (VIBER, SMS))
    assert world.state.records[address("a")].applied.name == "Late"
    assert world.plan().changes == ()


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (Attributes("Other", (VK, SMS)), 'the name was "N" and is "Other"'),
        (Attributes("N", (VK, Step("SMS", "X"))), "step 2 of the flow was SMS InfoSMS and is SMS X"),
        (Attributes("N", (VK,)), "step 2 of the flow was SMS InfoSMS and is not there"),
        (Attributes("N", (VK, SMS, VIBER)), "step 3 of the flow was not there and is VIBER Acme"),
    ],
)
def test_a_refused_update_names_the_field_and_both_values(now: Attributes, told: str) -> None:
    account = FakeAccount()
    key = account.plant(now).key
    with pytest.raises(RemoteError) as caught:
        write_update(account, key, seen=Attributes("N", (VK, SMS)), desired=Attributes("Wanted", (SMS,)))
    assert told in caught.value.diagnostics[0].detail
    assert account.count(Operation.UPDATE) == 0


def test_an_echo_is_told_with_both_values() -> None:
    told = describe_differences(Attributes("N ", (Step("SMS", "A"),)), Attributes("N", (Step("SMS"),)))
    assert "name was sent as 'N ' and is 'N'" in told
    assert "was sent as 'A' and is absent" in told


def notes_of(report: ApplyReport) -> list[str]:
    return [each.detail for each in report.diagnostics if each.code == "normalised"]


def test_the_echo_of_a_retirement_is_compared_and_told() -> None:
    world = World()
    world.declare("a")
    world.declare("b", declare("b", lifecycle=Lifecycle(on_removal=OnRemoval.RETIRE)))
    world.apply()
    del world.files["b"]
    world.account.normalise = lambda each: replace(each, name=each.name.upper())
    [told] = notes_of(world.apply())
    assert "was sent as '[retired] Name of b' and is '[RETIRED] NAME OF B'" in told
    world.declare("b")
    world.account.normalise = lambda each: each
    world.apply()
    assert world.account.rows[world.keys()["b"]].attributes.name == "Name of b"


def test_the_echo_of_a_moved_default_is_compared_told_and_remembered() -> None:
    world = World()
    for name in "ab":
        world.declare(name)
    world.apply()
    world.declare("b", declare("b", default=True))
    world.account.normalise = lambda each: replace(each, name=each.name.upper())
    [told] = notes_of(world.apply(allowed=frozenset({(Guard.DEFAULT_CHANGE, "b")})))
    assert told.startswith("b: name was sent as 'Name of b' and is 'NAME OF B'")
    assert world.state.records[address("b")].observed.name == "NAME OF B"
    assert world.plan().changes == ()


@pytest.mark.parametrize("kind", ["update", "adopt", "rename", "retire", "default"])
def test_every_write_reads_before_and_refuses_what_somebody_changed_meanwhile(kind: str) -> None:
    """The edit falls between the reading of the plan and the reading before the PUT."""
    world = World()
    world.declare("a")
    world.declare("b", declare("b", lifecycle=Lifecycle(on_removal=OnRemoval.RETIRE)))
    world.apply()
    key = world.keys()["b"]
    match kind:
        case "update":
            world.declare("b", declare("b", "Edited"))
        case "adopt":
            key = world.account.plant(Attributes("Theirs", (SMS,))).key
            world.declare("c", declare("c", import_key=key))
        case "rename":
            del world.files["b"]
            world.declare("c", declare("c", "Edited", previous_ids=("b",)))
        case "retire":
            del world.files["b"]
        case _:
            world.declare("b", declare("b", default=True))

    def meddle(operation: Operation, subject: str) -> None:
        if operation is Operation.GET and subject == key:
            row = world.account.rows[key]
            world.account.rows[key] = replace(row, attributes=replace(row.attributes, flow=(VIBER,)))

    world.account.before_request = meddle
    world.account.requests.clear()
    report = world.apply(allowed=frozenset({(Guard.DEFAULT_CHANGE, "b")}))
    assert (world.account.count(Operation.UPDATE), report.writes_sent) == (0, 0)
    [failed] = [each for each in report.outcomes if each.fate is not Fate.DONE]
    assert failed.fate is Fate.FAILED
    assert failed.diagnostic is not None
    assert failed.diagnostic.code == "changed-since-plan"
    assert "of the flow was" in failed.diagnostic.detail
    assert world.account.rows[key].attributes.flow == (VIBER,)


def test_a_write_that_was_not_needed_is_not_counted() -> None:
    world = World()
    world.declare("a")
    world.apply()
    key = world.keys()["a"]
    world.declare("a", declare("a", "New"))
    plan = world.plan()
    world.account.rows[key] = replace(world.account.rows[key], attributes=world.files["a"].attributes)
    world.backend.stored = replace(start_plan(world.state, plan.plan_id, NOW), serial=world.state.serial + 1)
    report = world.apply(plan)
    assert report.count(Fate.DONE) == 1
    assert report.writes_sent == 0


def test_a_drift_whose_write_was_lost_is_not_taken_for_done() -> None:
    world = World()
    world.declare("a")
    world.apply()
    key = world.keys()["a"]
    world.account.rows[key] = replace(world.account.rows[key], attributes=Attributes("Drifted", (SMS,)))
    plan = world.plan()
    world.account.faults = {Operation.UPDATE: ["dropped"] * 3}
    assert world.apply(plan).count(Fate.UNKNOWN) == 1
    assert resume(plan, world.state, world.account.rows).pending == plan.changes
    assert world.apply(plan).count(Fate.DONE) == 1
    assert world.account.rows[key].attributes == world.files["a"].attributes


def test_a_plan_of_another_account_settles_nothing() -> None:
    world = World()
    world.declare("first")
    world.apply()
    world.declare("a")
    with_intent(world, "a")
    plan = world.plan(account=Account("other.api.infobip.com"))
    before = world.state
    with pytest.raises(RefusedError):
        world.apply(plan)
    assert world.state == before


def test_a_scenario_that_this_plan_adopts_is_no_twin() -> None:
    world = World()
    planted = world.account.plant(Attributes("Same", (SMS,)))
    world.declare("a", declare("a", "Same", (SMS,), import_key=planted.key))
    world.declare("b", declare("b", "Same", (VIBER,)))
    assert [each.guard for each in world.plan().guards] == []


def slow(world: World) -> Callable[[Operation, str], None]:
    def wait(operation: Operation, subject: str) -> None:
        world.ticks += 5

    return wait


@pytest.mark.parametrize("is_slow", [True, False])
def test_waves_of_intents_follow_the_pace_of_the_service(is_slow: bool) -> None:
    world = World(workers=1)
    for number in range(160):
        world.declare(f"s{number:03}")
    world.apply(only=("s000",))
    if is_slow:
        world.account.before_request = slow(world)
    else:
        world.clock = lambda: NOW  # type: ignore[method-assign]
    begun = len(world.backend.versions)
    world.apply()
    assert len(world.account.rows) == 160
    sizes = [len(each.intents) for each in world.backend.versions[begun:]]
    assert sizes[0] == 1, "a file is written often, so few are ahead"
    assert max(sizes[5:]) <= 4 if is_slow else max(sizes) >= 40


def test_a_foreign_edit_that_is_nearly_what_we_want_is_refused_in_a_fresh_run() -> None:
    """Only a run that goes on with a plan may take it for its own write, which the service bent."""
    account = FakeAccount()
    seen = account.plant(Attributes("Before", (VK, SMS)))
    account.rows[seen.key] = replace(seen, attributes=Attributes("AFTER ", (VK, SMS)))
    desired = Attributes("After", (VK, SMS))
    with pytest.raises(RemoteError, match="changed-since-plan"):
        write_update(account, seen.key, seen=seen.attributes, desired=desired)
    written = write_update(account, seen.key, seen=seen.attributes, desired=desired, half_done=True)
    assert written.remote.attributes == desired


def test_a_saved_plan_with_an_open_guard_is_refused_before_anything_is_read() -> None:
    world = World()
    for name in "ab":
        world.declare(name)
    world.apply()
    world.declare("b", declare("b", default=True))
    plan = world.plan()
    requests = len(world.account.requests)
    with pytest.raises(RefusedError, match="default-change"):
        world.apply(plan)
    assert len(world.account.requests) == requests


def test_a_plan_of_another_lineage_is_stale_even_where_the_state_has_no_records() -> None:
    world = World()
    world.declare("a")
    plan = world.plan()
    world.backend.stored = State("another", "test", serial=1)
    with pytest.raises(RefusedError, match="stale-plan"):
        world.apply(plan)


def test_a_default_that_moved_unseen_is_unknown_and_not_failed() -> None:
    world = World()
    for name in "ab":
        world.declare(name)
    world.apply()
    world.declare("b", declare("b", default=True))
    key = world.keys()["b"]
    gets: list[str] = []

    def fail(operation: Operation, subject: str) -> None:
        if operation is Operation.GET and subject == key:
            gets.append(subject)
            if len(gets) == 2:
                raise RemoteError(problem("reading-failed"))

    world.account.before_request = fail
    [outcome] = world.apply().outcomes
    assert outcome.fate is Fate.UNKNOWN
    world.account.before_request = None
    assert world.account.rows[key].is_default
    assert world.plan().changes == ()


def test_renames_and_adoptions_that_write_count_for_a_mass_change() -> None:
    world = World()
    for name in "abc":
        world.declare(name)
    world.apply()
    for name in "abc":
        del world.files[name]
        world.declare(f"new-{name}", declare(f"new-{name}", f"New {name}", previous_ids=(name,)))
    plan = world.plan(thresholds=Thresholds(share=0.5, count=3))
    assert Guard.MASS_CHANGE in {each.guard for each in plan.guards}
