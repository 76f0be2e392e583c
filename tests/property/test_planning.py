"""Over random stories: apply, then plan finds nothing; order does not matter; no key is lost, no create doubled."""

import dataclasses
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, event, given, seed, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.errors import RefusedError
from omnictl.model.address import Address, id_of
from omnictl.model.change import Create
from omnictl.model.outcome import Ending, Fate
from omnictl.model.plan import Guard, Plan
from omnictl.model.scenario import Attributes, Lifecycle, Manage, Protection
from omnictl.model.state import Record, State
from omnictl.operations.surgery import settle_absent, settle_found
from omnictl.provider.base import Operation
from tests.property.stories import (
    EVERYTHING_ALLOWED,
    NORMALISERS,
    Edit,
    assert_settled,
    edit_files,
    edits,
    faults,
    finish,
    others,
    owned,
    tell,
    worlds,
)
from tests.worlds import FakeBackend, World, declare

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]


@given(worlds())
@settings(max_examples=200, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_apply_then_plan_is_empty(world: World) -> None:
    theirs, mine, told = others(world), owned(world), tell(world)
    posts = world.account.count(Operation.CREATE)
    world.apply()
    assert_settled(world, theirs, mine)
    assert world.account.count(Operation.CREATE) - posts == told["Create"]


@given(worlds())
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_order_of_input_does_not_matter(world: World) -> None:
    plan = world.plan(plan_id="p", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    shuffled = World(
        account=dataclasses.replace(world.account, rows=dict(reversed(world.account.rows.items()))),
        backend=FakeBackend(stored=_reverse(world)),
        files=dict(reversed(world.files.items())),
    )
    again = shuffled.plan(plan_id="p", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert _without_order(plan) == _without_order(again)


@given(worlds(), faults, faults)
@settings(max_examples=200, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_faults_lose_nothing_and_double_nothing(world: World, creates: list[str], updates: list[str]) -> None:
    theirs, mine = others(world), owned(world)
    tell(world)
    world.account.faults = {Operation.CREATE: list(creates), Operation.UPDATE: list(updates)}
    finish(world)
    assert_settled(world, theirs, mine)


@given(st.data(), st.sampled_from(NORMALISERS))
@settings(max_examples=150, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_a_service_that_bends_what_it_is_sent_gives_no_drift(data: st.DataObject, normalise: object) -> None:
    world = data.draw(worlds(normalise=normalise))  # type: ignore[arg-type]
    theirs, mine = others(world), owned(world)
    tell(world)
    world.apply()
    assert_settled(world, theirs, mine)


@given(st.data(), st.sampled_from(NORMALISERS), faults, faults, edits)
@settings(max_examples=150, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_a_bent_create_whose_answer_was_lost_is_never_guessed(
    data: st.DataObject, normalise: object, creates: list[str], updates: list[str], later: list[Edit]
) -> None:
    """It is found, or it stops with the candidates and a person who knows chooses; nothing is doubled either way."""
    world = data.draw(worlds(normalise=normalise))  # type: ignore[arg-type]
    theirs, mine = others(world), owned(world)
    world.account.faults = {Operation.CREATE: list(creates), Operation.UPDATE: list(updates)}
    world.apply(allowed=EVERYTHING_ALLOWED)
    edit_files(world, later)
    codes: set[str] = set()
    for _ in range(12):
        try:
            report = world.apply(allowed=EVERYTHING_ALLOWED)
        except RefusedError as refused:
            codes.update(each.code for each in refused.diagnostics)
            event("stopped with candidates")
            _choose(world)
        else:
            if all(each.fate is Fate.DONE for each in report.outcomes):
                break
    assert codes <= {"ambiguous-create"}
    assert_settled(world, theirs, mine)


def _choose(world: World) -> None:
    """Settle the open intents as somebody does who knows the account: each new row is one of ours."""
    for intent in world.state.intents:
        body = world.account.normalise(intent.body)
        fitting = [
            remote
            for key, remote in sorted(others(world).items())
            if key not in intent.known_keys and remote.attributes == body
        ]
        if fitting:
            world.backend.write(settle_found(world.state, intent, fitting[0]).state)
        else:
            world.backend.write(settle_absent(world.state, intent, world.clock()).state)


@given(worlds(), st.data(), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_no_scenario_is_made_a_second_time_without_a_word(world: World, data: st.DataObject, forgotten: bool) -> None:
    """Ids and names change together, in any number of files, in one commit or after the old ones were forgotten."""
    for name, each in world.files.items():
        world.files[name] = replace(each, previous_ids=(), import_key=None, lifecycle=Lifecycle())
    world.apply()
    ids = sorted(world.files)
    chosen = data.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True)) if ids else []
    files = {each: world.files.pop(each) for each in chosen}
    if forgotten and world.files:
        world.apply()
    for number, (_, each) in enumerate(sorted(files.items())):
        body = replace(each.attributes, name=data.draw(st.sampled_from([*NEW_NAMES, each.attributes.name])))
        new = declare(f"new{number}")
        world.files[f"new{number}"] = replace(new, attributes=body, default=each.default)
    plan = world.plan()
    guarded = {each.subject for each in plan.guards if each.guard is Guard.LIKELY_RENAME}
    warned = " ".join(each.detail for each in plan.diagnostics if each.code == "maybe-renamed")
    created = [id_of(each.address) for each in plan.changes if isinstance(each, Create)]
    for scenario_id in created:
        assert scenario_id in guarded or scenario_id in warned, "a second create was not told"
        event("guarded" if scenario_id in guarded else "warned")
    assert not created or (plan.risk is not None and not plan.risk.is_safe)


NEW_NAMES = ["Spring", "Orders of 2027", "Alerts!", "Farewell", "Order confirmations of the evening"]


@given(worlds(), edits)
@settings(max_examples=100, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_a_saved_plan_does_what_it_says_and_only_once(world: World, later: list[Edit]) -> None:
    """The files may change after the plan was made: a saved plan does what it says, not what they say."""
    saved = world.plan(allowed=EVERYTHING_ALLOWED)
    theirs, mine, files = others(world), owned(world), dict(world.files)
    edit_files(world, later)
    assert all(each.fate is Fate.DONE for each in world.apply(saved).outcomes)
    requests = len(world.account.requests)
    assert world.apply(saved).ending is Ending.ALREADY_APPLIED or not saved.changes
    assert all(kind is Operation.LIST for kind, _ in world.account.requests[requests:])
    world.files = files
    assert_settled(world, theirs, mine)


@given(worlds(), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_a_saved_plan_goes_through_nothing_that_was_recorded_since(world: World, data: st.DataObject) -> None:
    """What another apply protected, or only observes, stays as it is and is remembered, whatever the plan was."""
    saved = world.plan(allowed=EVERYTHING_ALLOWED)
    records = sorted(world.state.records)
    guarded = Lifecycle(data.draw(st.sampled_from(Protection)), Manage.OBSERVE)
    chosen = data.draw(st.sets(st.sampled_from(records))) if records else set()
    edited = {each: replace(world.state.records[each], lifecycle=guarded) for each in chosen}
    world.backend.stored = replace(world.state, records={**world.state.records, **edited})
    before, rows = world.state, dict(world.account.rows)
    codes: set[str] = set()
    try:
        world.apply(saved)
    except RefusedError as refused:
        codes = {each.code for each in refused.diagnostics}
    event(f"refused: {bool(codes)}")
    assert codes <= {"stale-plan"}
    assert not codes or (world.state, world.account.rows) == (before, rows)
    assert {each: world.state.records[each] for each in edited} == edited
    assert all(world.account.rows[each.key].attributes == rows[each.key].attributes for each in edited.values())


@given(worlds(), st.data(), edits)
@settings(max_examples=100, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_what_is_only_observed_is_never_written(world: World, data: st.DataObject, later: list[Edit]) -> None:
    """Whatever the files say of it, and whatever becomes of it: its row stays as it is, and none is made for it."""
    ids = sorted(world.files)
    for name in data.draw(st.sets(st.sampled_from(ids)) if ids else st.just(set())):
        watched = replace(world.files[name].lifecycle, manage=Manage.OBSERVE)
        world.files[name] = replace(world.files[name], lifecycle=watched)
    world.apply()
    edit_files(world, [each for each in later if each[0] not in ("retire", "release", "default")])
    records = [each for each in world.state.records.values() if each.lifecycle.manage is Manage.OBSERVE]
    declared = {each.address: each.lifecycle.manage for each in world.files.values()}
    watched_keys = {each.key for each in records if declared.get(each.address, Manage.OBSERVE) is Manage.OBSERVE}
    before = {key: each.attributes for key, each in world.account.rows.items() if key in watched_keys}
    world.account.requests.clear()
    world.apply(retire=())
    assert {key: world.account.rows[key].attributes for key in before} == before
    assert not watched_keys & {subject for kind, subject in world.account.requests if kind is Operation.UPDATE}
    event(f"watched: {min(len(watched_keys), 2)}")


@given(worlds())
@settings(max_examples=100, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_what_is_retired_on_request_comes_back_with_its_key_and_its_name(world: World) -> None:
    world.apply()
    theirs, mine, kept, keys = others(world), owned(world), dict(world.files), dict(world.keys())
    world.files = {}
    if kept:
        world.apply(retire=("*",))
        marked = {key for key in keys.values() if not world.account.rows[key].is_default}
        assert all(each.retired == (each.key in marked) for each in world.state.tombstones if each.key in keys.values())
        assert all(world.account.rows[key].attributes.name.startswith("[retired] ") for key in marked)
        assert world.plan().changes == ()
    world.files = {name: replace(each, previous_ids=(), import_key=None) for name, each in kept.items()}
    world.apply()
    assert dict(world.keys()) == keys
    assert_settled(world, theirs, mine)


WANTED = [
    "Create",
    "Update",
    "Rename",
    "Retire",
    "Forget",
    "Adopt",
    "Refresh",
    "SetDefault",
    "from a tombstone",
    "unmanaged",
    "guard unmanaged-twin",
    "guard default-change",
    "guard likely-rename",
    "guard channel-removal",
    "lost",
    "dropped",
    "refused",
    "repeated",
]


def test_the_stories_reach_every_kind_of_change_and_fault() -> None:
    seen: Counter[str] = Counter()

    @given(worlds(), faults, faults)
    @settings(max_examples=80, deadline=None, database=None, suppress_health_check=SLOW_IS_FINE)
    def look(world: World, creates: list[str], updates: list[str]) -> None:
        seen.update(tell(world).keys())
        world.account.faults = {Operation.CREATE: list(creates), Operation.UPDATE: list(updates)}
        world.apply(allowed=EVERYTHING_ALLOWED)
        for operation, script in ((Operation.CREATE, creates), (Operation.UPDATE, updates)):
            seen.update(set(script[: len(script) - len(world.account.faults[operation])]))
        seen.update(["repeated"] if world.state.repeated_creates else [])

    for number in range(5):  # one seed alone dwells on few shapes
        seed(number)(look)()
    rare = {each: seen[each] for each in WANTED if seen[each] < 3}
    assert not rare, f"the random stories hardly reach these: {rare} of {seen}"


def test_a_record_of_each_key_is_unique() -> None:
    world = World()
    world.declare("a")
    world.declare("b", declare("b", "Name of a"))
    world.apply()
    keys = [record.key for record in world.state.records.values()]
    assert len(keys) == len(set(keys)) == 2


def _reverse(world: World) -> State:
    records: dict[Address, Record] = dict(reversed(tuple(world.state.records.items())))
    return replace(world.state, records=records)


def _without_order(plan: Plan) -> Plan:
    return replace(plan, unmanaged=dict(sorted(plan.unmanaged.items())))


@pytest.mark.parametrize("doubled", ["in our name", "in another"])
def test_the_check_of_these_tests_sees_a_doubled_create(doubled: str) -> None:
    """What holds the promise must be able to fail."""
    world = World()
    world.declare("a")
    world.apply()
    assert_settled(world, {}, set())
    body = world.files["a"].attributes
    world.account.plant(body if doubled == "in our name" else Attributes("Stray", body.flow))
    with pytest.raises(AssertionError, match="doubled"):
        assert_settled(world, {}, set())
