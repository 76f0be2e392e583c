"""``manage: observe`` never writes: whatever the files, the state and the account say, no request but GET leaves."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from omnictl.engine.resume import resume
from omnictl.model.scenario import Attributes, Lifecycle, Manage, OnRemoval, Protection
from omnictl.provider.base import Operation
from tests.property.stories import EVERYTHING_ALLOWED
from tests.worlds import SMS, VIBER, World, declare

OBSERVE = Lifecycle(manage=Manage.OBSERVE)
RETIRED_LATER = Lifecycle(manage=Manage.OBSERVE, on_removal=OnRemoval.RETIRE)


def observed(lifecycle: Lifecycle = OBSERVE) -> World:
    """A world in which "b" is applied and watched since."""
    world = World()
    world.declare("anchor")
    world.declare("b")
    world.apply()
    world.declare("b", declare("b", lifecycle=lifecycle))
    world.apply()
    return world


def drifted(world: World) -> World:
    key = world.keys()["b"]
    world.account.rows[key] = replace(world.account.rows[key], attributes=Attributes("Drifted", (VIBER,)))
    return world


def not_created() -> World:
    world = World()
    world.declare("anchor")
    world.apply()
    world.declare("b", declare("b", lifecycle=OBSERVE))
    return world


def not_on_an_empty_account() -> World:
    world = World()
    world.declare("b", declare("b", default=True, lifecycle=OBSERVE))
    return world


def not_created_anew() -> World:
    world = observed()
    del world.account.rows[world.keys()["b"]]
    return world


def not_updated() -> World:
    world = drifted(observed())
    world.declare("b", declare("b", "Edited", (SMS,), lifecycle=OBSERVE))
    return world


def not_adopted_with_an_update() -> World:
    world = not_created()
    theirs = world.account.plant(Attributes("Theirs", (SMS,)))
    world.declare("b", declare("b", lifecycle=OBSERVE, import_key=theirs.key))
    return world


def not_renamed_with_an_update() -> World:
    world = drifted(observed())
    del world.files["b"]
    world.declare("new", declare("new", "Edited", lifecycle=OBSERVE, previous_ids=("b",)))
    return world


def not_retired() -> World:
    world = observed(RETIRED_LATER)
    del world.files["b"]
    return world


def not_retired_though_it_differed_when_the_watching_began() -> World:
    world = World()
    world.declare("anchor")
    world.declare("b")
    world.apply()
    drifted(world)
    world.declare("b", declare("b", lifecycle=RETIRED_LATER))
    world.apply()
    del world.files["b"]
    return world


def not_made_the_default() -> World:
    world = observed()
    world.declare("b", declare("b", default=True, lifecycle=OBSERVE))
    return world


def not_un_retired() -> World:
    world = World()
    world.declare("anchor")
    world.declare("b", declare("b", lifecycle=Lifecycle(on_removal=OnRemoval.RETIRE)))
    world.apply()
    del world.files["b"]
    world.apply()
    world.declare("b", declare("b", lifecycle=OBSERVE))
    return world


WORLDS: list[Callable[[], World]] = [
    not_created,
    not_on_an_empty_account,
    not_created_anew,
    not_updated,
    not_adopted_with_an_update,
    not_renamed_with_an_update,
    not_retired,
    not_retired_though_it_differed_when_the_watching_began,
    not_made_the_default,
    not_un_retired,
]


CASES = [(each, ()) for each in WORLDS] + [
    (not_retired, ("b",)),
    (not_retired_though_it_differed_when_the_watching_began, ("*",)),
]


@pytest.mark.parametrize(("make", "asked"), CASES, ids=lambda each: getattr(each, "__name__", str(each)))
def test_nothing_is_written(make: Callable[[], World], asked: tuple[str, ...]) -> None:
    world = make()
    before = dict(world.account.rows)
    world.account.requests.clear()
    plan = world.plan(allowed=EVERYTHING_ALLOWED, retire=asked)
    assert (plan.cost.creates, plan.cost.updates) == (0, 0)
    world.apply(allowed=EVERYTHING_ALLOWED, retire=asked)
    assert {each for each, _ in world.account.requests} <= {Operation.LIST, Operation.GET}
    assert world.account.rows == before
    assert world.plan().changes == ()


@pytest.mark.parametrize("make", [not_created, not_created_anew, not_updated, not_made_the_default])
def test_what_differs_and_is_not_written_is_said(make: Callable[[], World]) -> None:
    assert {each.code for each in make().plan().diagnostics} & {"observed-differs", "default-only-observed"}


def test_what_is_gone_is_told_as_gone() -> None:
    [told] = not_created_anew().plan().diagnostics
    assert told.detail == "b is no longer on the account; lifecycle.manage is observe, so nothing is written."


def test_the_watching_that_begins_while_it_differs_keeps_the_drift_in_sight() -> None:
    world = World()
    world.declare("anchor")
    world.declare("b")
    world.apply()
    drifted(world)
    world.declare("b", declare("b", lifecycle=replace(OBSERVE, protected=Protection.ALL)))
    plan = world.plan()
    assert (plan.refreshed, [each.code for each in plan.diagnostics]) == (1, ["observed-differs"])
    assert resume(plan, world.state, world.account.rows).pending == plan.changes
    world.apply(plan)
    [record] = [each for each in world.state.records.values() if each.address == "scenario.b"]
    assert record.observed.name == "Name of b"
    assert (record.lifecycle.manage, record.lifecycle.protected) == (Manage.OBSERVE, Protection.ALL)
    assert [each.code for each in world.plan().diagnostics] == ["observed-differs"]
