"""What a plan says of itself: where it is from, what it counts, what it costs, what it does not touch."""

import pytest
from msgspec.structs import replace

from omnictl.engine.cost import SECONDS_PER_REQUEST
from omnictl.engine.view import BudgetUse
from omnictl.model.address import id_of
from omnictl.model.plan import Cost, Plan, Selection, Settled
from omnictl.model.scenario import Lifecycle, Manage
from omnictl.model.state import Account
from tests.builders import NOW, PLAN_ID, Scene, key_of
from tests.worlds import World, address


def rich() -> Scene:
    """One scenario as declared, one to be refreshed, one edited, one drifted, one new, one gone, two of strangers."""
    scene = Scene().both("same").both("stale").both("drifted")
    scene.declare("edited", "Edited").remember("edited")
    scene.remotes[key_of("drifted")] = replace(
        scene.remotes[key_of("drifted")], attributes=replace(scene.records["drifted"].applied, name="Drifted")
    )
    scene.records["stale"] = replace(
        scene.records["stale"], observed=replace(scene.records["stale"].observed, name="x")
    )
    return scene.declare("new").remember("gone").unmanaged("Theirs", "SMS").unmanaged("new")


def test_a_plan_says_where_it_is_from() -> None:
    settled = (Settled(address("x"), "K"),)
    plan = rich().plan(
        settled=settled, account=Account("host", "brand"), state_digest="sha256:1", production=True, sandbox=True
    )
    assert (plan.plan_id, plan.created_at, plan.environment) == (PLAN_ID, NOW, "production")
    assert (plan.account, plan.lineage, plan.serial) == (Account("host", "brand"), "c0ffee", 118)
    assert (plan.state_digest, plan.omnictl_version, plan.settled) == ("sha256:1", "1.0.0", settled)
    assert (plan.production, plan.sandbox) == (True, True)
    plain = rich().plan()
    assert (plain.production, plain.sandbox, plain.settled) == (False, False, ())


def ids(plan: Plan) -> list[str]:
    return [id_of(each.address) for each in plan.changes]


def test_a_plan_counts_what_it_leaves_alone() -> None:
    plan = rich().plan()
    assert ids(plan) == ["drifted", "edited", "gone", "new", "stale"]
    assert (plan.total, plan.unchanged, plan.refreshed) == (5, 2, 1)
    assert plan.selection == Selection((), (), 6, 6)


def test_a_selection_counts_what_it_selects() -> None:
    plan = rich().plan(only=("s*", "edited"), exclude=("same",))
    assert ids(plan) == ["edited", "stale"]
    assert (plan.total, plan.unchanged, plan.refreshed) == (5, 1, 1)
    assert plan.selection == Selection(("s*", "edited"), ("same",), 2, 6)


def test_the_old_id_of_a_rename_is_no_address_of_its_own() -> None:
    scene = Scene().both("anchor").remember("old", "Same").declare("new", "Same")
    plan = scene.plan()
    assert (ids(plan), plan.selection.total) == (["new"], 2)


def test_what_is_only_observed_counts_as_unchanged() -> None:
    scene = Scene().declare("seen", "Here", lifecycle=Lifecycle(manage=Manage.OBSERVE)).remember("seen", "There")
    scene.records["seen"] = replace(scene.records["seen"], lifecycle=Lifecycle(manage=Manage.OBSERVE))
    plan = scene.plan()
    assert (plan.changes, plan.unchanged, plan.total) == ((), 1, 1)
    assert [each.code for each in plan.diagnostics] == ["observed-differs"]


def test_strangers_are_named_by_key() -> None:
    scene = rich()
    theirs = {each.key: each.attributes.name for each in scene.remotes.values() if "FACE" in each.key}
    assert scene.plan().unmanaged == theirs
    assert len(theirs) == 2
    first, second = sorted(theirs)
    assert scene.plan(elsewhere={first: "staging"}).unmanaged == {second: theirs[second]}


def test_what_is_adopted_or_renamed_is_no_stranger() -> None:
    scene = Scene().both("anchor").remember("old", "Same").declare("new", "Same").unmanaged("Theirs")
    scene.declare("mine", import_key=next(reversed(scene.remotes)))
    assert scene.plan().unmanaged == {}


def test_a_create_binds_what_looks_like_it_now() -> None:
    scene = Scene().both("anchor").both("owned", "Twin", "SMS:A").declare("b", "Twin", "SMS:A")
    scene.unmanaged("Twin", "SMS:A").unmanaged("twin ", "SMS:A").unmanaged("Twin", "PUSH").declare("edited", "E")
    scene.remember("edited", "F")
    exact, near, _ = (key for key in scene.remotes if "FACE" in key)
    assert scene.plan().twins == {address("b"): (exact, near)}
    assert Scene().declare("b").plan().twins == {address("b"): ()}


@pytest.mark.parametrize(
    ("creates", "updates", "budgets", "expected"),
    [
        (0, 0, (BudgetUse(20), BudgetUse(40)), (0, 0, 1, 0.0)),
        (1, 0, (BudgetUse(20), BudgetUse(40)), (1, 0, 1, 2 * SECONDS_PER_REQUEST)),
        (0, 2, (BudgetUse(20), BudgetUse(40)), (0, 2, 3, 3 * SECONDS_PER_REQUEST)),
        (2, 3, (BudgetUse(1, 10.0), BudgetUse(40)), (2, 3, 4, 10.0 + 2 * SECONDS_PER_REQUEST)),
        (2, 3, (BudgetUse(20), BudgetUse(1, 10.0)), (2, 3, 4, 20.0 + 2 * SECONDS_PER_REQUEST)),
        (1, 0, (BudgetUse(1, 10.0, (4.0,)), BudgetUse(None)), (1, 0, 1, 6.0 + 2 * SECONDS_PER_REQUEST)),
    ],
)
def test_a_plan_says_what_it_costs(
    creates: int, updates: int, budgets: tuple[BudgetUse, BudgetUse], expected: tuple[int, int, int, float]
) -> None:
    scene = Scene().both("anchor")
    for number in range(creates):
        scene.declare(f"new-{number}")
    for number in range(updates):
        scene.declare(f"edited-{number}", "Edited").remember(f"edited-{number}")
    cost = scene.plan(creates=budgets[0], updates=budgets[1]).cost
    posts, puts, reads, seconds = expected
    assert (cost.creates, cost.updates, cost.reads) == (posts, puts, reads)
    assert cost.seconds == pytest.approx(seconds)
    assert replace(cost, creates=0, updates=0, reads=0, seconds=0.0) == Cost(
        create_limit=budgets[0].limit,
        update_limit=budgets[1].limit,
        create_window_seconds=budgets[0].window_seconds,
        update_window_seconds=budgets[1].window_seconds,
    )


def test_reads_are_pages_and_one_for_each_put() -> None:
    scene = Scene().both("anchor").declare("edited", "Edited").remember("edited")
    for number in range(3):
        scene.unmanaged(f"Theirs {number}")
    assert [scene.plan(page_size=size).cost.reads for size in (100, 5, 4, 2, 1)] == [2, 3, 3, 4, 7]


def test_a_tombstone_is_no_stranger() -> None:
    world = World()
    for each in ("anchor", "gone"):
        world.declare(each)
    world.apply()
    del world.files["gone"]
    world.apply()
    assert world.state.tombstones
    assert world.plan().unmanaged == {}
