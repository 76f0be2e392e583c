"""A saved plan against a present that moved on: what is done, what is left, what forbids to go on."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from omnictl.engine.advance import finish_plan, start_plan
from omnictl.engine.resume import resume
from omnictl.model.plan import Plan
from omnictl.model.scenario import Attributes, Lifecycle, OnRemoval
from omnictl.model.state import State
from tests.worlds import NOW, SMS, VIBER, VK, World, address, declare


def rich() -> World:
    """A world whose next plan has one change of each kind."""
    world = World()
    for each in ("first", "edited", "gone", "retired", "old"):
        retire = Lifecycle(on_removal=OnRemoval.RETIRE if each == "retired" else OnRemoval.FORGET)
        world.declare(each, declare(each, default=each == "first" or None, lifecycle=retire))
    world.apply()
    world.declare("first")
    planted = world.account.plant(Attributes("By hand", (SMS,)))
    for each in ("gone", "retired", "old"):
        del world.files[each]
    world.declare("edited", declare("edited", "Edited", default=True))
    world.declare("renamed", declare("renamed", "Name of old"))
    world.declare("adopted", declare("adopted", "By hand", (SMS, VIBER), import_key=planted.key))
    world.declare("created")
    return world


def reasons(plan: Plan, world: World, state: State | None = None) -> list[str]:
    result = resume(plan, state or world.state, world.account.rows)
    return [each.detail for each in result.moved]


def test_all_is_pending_at_first() -> None:
    world = rich()
    plan = world.plan()
    assert len(plan.changes) == 7
    assert resume(plan, world.state, world.account.rows).pending == plan.changes


def test_all_is_done_after_a_crash_before_the_last_mark() -> None:
    world = rich()
    plan = world.plan(allowed=frozenset((each.guard, each.subject) for each in world.plan().guards))
    world.apply(plan)
    state = replace(world.state, plans=tuple(replace(each, finished_at=None) for each in world.state.plans))
    result = resume(plan, state, world.account.rows)
    assert result.done == plan.changes
    assert resume(plan, finish_plan(state, plan.plan_id, NOW, is_whole=True), world.account.rows).finished


def test_what_is_done_without_this_plan_is_stale() -> None:
    world = rich()
    plan = world.plan()
    world.apply()
    ids = {each.split(":")[0] for each in reasons(plan, world)}
    assert ids >= {"created", "edited", "gone", "retired", "renamed", "adopted"}


def _drop_record(world: World, scenario_id: str) -> None:
    records = {key: each for key, each in world.state.records.items() if key != address(scenario_id)}
    world.backend.stored = replace(world.state, records=records)


def _edit(world: World, scenario_id: str) -> None:
    key = world.keys()[scenario_id]
    world.account.rows[key] = replace(world.account.rows[key], attributes=Attributes("Meddled", (VK,)))


def _vanish(world: World, scenario_id: str) -> None:
    del world.account.rows[world.keys()[scenario_id]]


def _rekey(world: World, scenario_id: str) -> None:
    record = replace(world.state.records[address(scenario_id)], key="ANOTHER")
    world.backend.stored = replace(world.state, records={**world.state.records, record.address: record})


@pytest.mark.parametrize(
    ("move", "scenario_id", "subject"),
    [
        (_drop_record, "edited", "edited"),
        (_edit, "edited", "edited"),
        (_vanish, "edited", "edited"),
        (_rekey, "edited", "edited"),
        (_drop_record, "old", "renamed"),
        (_edit, "old", "renamed"),
        (_drop_record, "gone", "gone"),
        (_rekey, "gone", "gone"),
        (_edit, "retired", "retired"),
    ],
)
def test_what_moved_is_named(move: Callable[[World, str], None], scenario_id: str, subject: str) -> None:
    world = rich()
    plan = world.plan()
    move(world, scenario_id)
    assert any(each.startswith(f"{subject}:") for each in reasons(plan, world))


def test_a_change_elsewhere_does_not_matter() -> None:
    world = rich()
    plan = world.plan()
    world.account.plant(Attributes("Something else", (VIBER,)))
    assert reasons(plan, world) == []


def test_a_new_twin_makes_a_create_stale() -> None:
    world = rich()
    plan = world.plan()
    world.account.plant(world.files["created"].attributes)
    assert [each.split(":")[0] for each in reasons(plan, world)] == ["created"]


def test_another_default_makes_the_flip_stale() -> None:
    world = rich()
    plan = world.plan()
    world.account.plant(Attributes("A new default", (VIBER,)), default=True)
    assert any("the account default was " in each for each in reasons(plan, world))


def test_an_account_that_is_no_longer_empty() -> None:
    world = World()
    world.declare("a")
    plan = world.plan()
    world.account.plant(Attributes("First after all", (VIBER,)))
    assert any("no longer empty" in each for each in reasons(plan, world))


def test_another_lineage_is_stale() -> None:
    world = rich()
    plan = world.plan()
    assert reasons(plan, world, replace(world.state, lineage="other")) == ["the state: it is another one (lineage)."]


def test_a_half_done_update_is_pending() -> None:
    world = rich()
    plan = world.plan()
    key = world.keys()["edited"]
    world.account.rows[key] = replace(world.account.rows[key], attributes=world.files["edited"].attributes)
    started = start_plan(world.state, plan.plan_id, NOW)
    result = resume(plan, started, world.account.rows)
    assert not result.moved
    assert result.pending == plan.changes
    assert resume(plan, world.state, world.account.rows).moved
