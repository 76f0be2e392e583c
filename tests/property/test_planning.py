"""Over random worlds: apply, then plan finds nothing; order does not matter; no key is lost, no create doubled."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnictl.model.address import Address
from omnictl.model.outcome import Fate
from omnictl.model.plan import Plan
from omnictl.model.scenario import Attributes, Lifecycle, OnRemoval, Resource, Step
from omnictl.model.state import Record, State
from omnictl.provider.base import Operation
from tests.worlds import FakeBackend, World, declare

NAMES = ["Orders", "orders ", "Alerts", "Night"]
FLOWS = [(Step("SMS", "A"),), (Step("VIBER", "V"), Step("SMS", "A")), (Step("VKONTAKTE"), Step("SMS", "B"))]
IDS = ["a", "b", "c", "d", "e"]

attributes = st.builds(Attributes, st.sampled_from(NAMES), st.sampled_from(FLOWS))
faults = st.lists(st.sampled_from(["", "lost", "dropped", "refused"]), max_size=4)


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Resource]:
    """Return files: some of five ids, at most one default."""
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=5))
    default = draw(st.sampled_from([None, *ids]))
    removal = draw(st.sampled_from(list(OnRemoval)))
    return {
        each: replace(
            declare(each, default=True if each == default else None, lifecycle=Lifecycle(on_removal=removal)),
            attributes=draw(attributes),
        )
        for each in ids
    }


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Return a world with a history: scenarios of others, an earlier apply, foreign edits."""
    world = World(workers=draw(st.sampled_from([1, 3])))
    for each in draw(st.lists(attributes, max_size=3)):
        world.account.plant(each)
    world.files = draw(configurations())
    if draw(st.booleans()):
        world.apply()
        for key in draw(st.lists(st.sampled_from(sorted(world.account.rows) or [""]), max_size=2)):
            if key:
                old = world.account.rows[key]
                world.account.rows[key] = replace(old, attributes=draw(attributes))
        world.files = draw(configurations())
    return world


def owned(world: World) -> set[str]:
    state = world.state
    return {record.key for record in state.records.values()} | {each.key for each in state.tombstones}


@given(worlds())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_apply_then_plan_is_empty(world: World) -> None:
    before, mine = dict(world.account.rows), owned(world)
    world.apply()
    plan = world.plan()
    assert plan.changes == ()
    assert mine <= owned(world)
    for key, remote in before.items():
        if key not in owned(world):
            assert world.account.rows[key].attributes == remote.attributes


@given(worlds())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_order_of_input_does_not_matter(world: World) -> None:
    plan = world.plan(plan_id="p", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    shuffled = World(
        account=replace(world.account, rows=dict(reversed(world.account.rows.items()))),
        backend=FakeBackend(stored=_reverse(world)),
        files=dict(reversed(world.files.items())),
    )
    again = shuffled.plan(plan_id="p", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert _without_order(plan) == _without_order(again)


@given(worlds(), faults, faults)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_faults_lose_nothing_and_double_nothing(world: World, creates: list[str], updates: list[str]) -> None:
    world.account.faults = {Operation.CREATE: list(creates), Operation.UPDATE: list(updates)}
    for _ in range(6):
        if all(each.fate is Fate.DONE for each in world.apply().outcomes):
            break
    world.account.faults = {}
    world.apply()
    assert world.plan().changes == ()
    assert world.state.intents == ()
    created = [key for key in world.account.rows if key in owned(world)]
    assert len(created) == len(set(created))
    for address, record in world.state.records.items():
        assert world.account.rows[record.key].attributes == world.configuration.resources[address].attributes


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
