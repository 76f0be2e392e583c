"""What leaves: forgotten or retired, its marker, and its way back."""

import pytest
from msgspec.structs import replace

from omnictl.engine.cost import count_updates
from omnictl.engine.removal import before_retirement, mark_name
from omnictl.engine.view import RemovalRules, Thresholds
from omnictl.errors import UsageError
from omnictl.model.address import id_of
from omnictl.model.change import Adopt, Change, Create, Retire
from omnictl.model.outcome import Fate
from omnictl.model.plan import Guard
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, Manage, OnRemoval
from omnictl.model.state import Tombstone
from omnictl.operations.plan import Reading, plan_from_reading
from omnictl.provider.base import Operation
from tests.worlds import NOW, SMS, VK, World, address, declare

RETIRE = Lifecycle(on_removal=OnRemoval.RETIRE)
NAME_IGNORED = IgnoredField("name", "the office names it")


def applied(*ids: str, lifecycle: Lifecycle = Lifecycle()) -> World:
    """A world in which "anchor", the account default, and more are applied."""
    world = World()
    world.declare("anchor")
    for each in ids:
        world.declare(each, declare(each, lifecycle=lifecycle))
    world.apply()
    return world


def removed(*ids: str, lifecycle: Lifecycle = Lifecycle()) -> World:
    world = applied(*ids, lifecycle=lifecycle)
    for each in ids:
        del world.files[each]
    return world


def rename_there(world: World, name: str, scenario_id: str = "b") -> None:
    keys = {**{id_of(each.address): each.key for each in world.state.tombstones}, **world.keys()}
    row = world.account.rows[keys[scenario_id]]
    world.account.rows[row.key] = replace(row, attributes=replace(row.attributes, name=name))


def name_there(world: World, scenario_id: str = "b") -> str:
    keys = {**{id_of(each.address): each.key for each in world.state.tombstones}, **world.keys()}
    return world.account.rows[keys[scenario_id]].attributes.name


def words(changes: tuple[Change, ...]) -> list[str]:
    return [f"{type(each).__name__.lower()} {id_of(each.address)}" for each in changes]


# --- the marker ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rules", "marked"),
    [
        ("Promo", RemovalRules(), "[retired] Promo"),
        ("[retired] Promo", RemovalRules(), "[retired] Promo"),
        ("[RETIRED]  Promo", RemovalRules(), "[RETIRED]  Promo"),
        ("Promo [retired] ", RemovalRules(), "[retired] Promo [retired] "),
        ("Promo", RemovalRules("zz "), "zz Promo"),
        ("[retired] Promo", RemovalRules("zz "), "zz [retired] Promo"),
        ("x" * 245, RemovalRules(), "[retired] " + "x" * 245),
        ("x" * 250, RemovalRules(), "[retired] " + "x" * 245),
        ("x" * 300, RemovalRules(), "[retired] " + "x" * 290),
        ("x" * 60, RemovalRules(longest_name=50), "[retired] " + "x" * 50),
        ("שלום 📣", RemovalRules(), "[retired] שלום 📣"),
        ("", RemovalRules(), "[retired] "),
    ],
)
def test_a_name_is_marked_once_and_never_longer_than_a_name_may_be(name: str, rules: RemovalRules, marked: str) -> None:
    assert mark_name(name, rules) == marked
    assert mark_name(marked, rules) == marked
    assert len(marked) <= max(rules.longest_name, len(name))


@pytest.mark.parametrize(
    ("shown", "retired", "back"),
    [
        ("[retired] Promo", True, "Promo"),
        ("[RETIRED] PROMO", True, "Promo"),
        ("[retired] Edited since", True, "Edited since"),
        ("Edited since", True, "Edited since"),
        ("[retired]", True, "Promo"),
        ("[retired] Promo", False, "[retired] Promo"),
    ],
)
def test_a_name_loses_the_marker_and_what_somebody_wrote_since_stays(shown: str, retired: bool, back: str) -> None:
    tombstone = Tombstone(address("b"), "KEY", Attributes("Promo", (SMS,)), NOW, retired)
    assert before_retirement(Attributes(shown, (VK,)), tombstone, RemovalRules()) == Attributes(back, (VK,))


def test_a_name_that_was_cut_for_the_marker_comes_back_whole() -> None:
    was = Attributes("x" * 300, (SMS,))
    tombstone = Tombstone(address("b"), "KEY", was, NOW, retired=True)
    shown = replace(was, name=mark_name(was.name, RemovalRules()))
    assert before_retirement(shown, tombstone, RemovalRules()) == was


def test_a_retired_name_comes_back_whatever_the_marker_is_now() -> None:
    tombstone = Tombstone(address("b"), "KEY", Attributes("Old", (SMS,)), NOW, True, "Promo", "[retired] Promo")
    shown = Attributes("[retired] Promo", (SMS,))
    for rules in (RemovalRules(), RemovalRules("OLD ")):
        assert before_retirement(shown, tombstone, rules).name == "Promo"


# --- forget or retire ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lifecycle", "asked", "elsewhere", "says"),
    [
        (Lifecycle(), (), False, "forget b"),
        (RETIRE, (), False, "retire b"),
        (Lifecycle(), ("b",), False, "retire b"),
        (Lifecycle(), ("[a-c]", "b*"), False, "retire b"),
        (replace(RETIRE, manage=Manage.OBSERVE), (), False, "forget b"),
        (Lifecycle(manage=Manage.OBSERVE), ("b",), False, "forget b"),
        (RETIRE, (), True, "forget b"),
        (Lifecycle(), ("*",), True, "forget b"),
    ],
)
def test_retired_is_what_was_asked_for_and_is_ours_to_rename(
    lifecycle: Lifecycle, asked: tuple[str, ...], elsewhere: bool, says: str
) -> None:
    world = applied("b")
    world.declare("b", declare("b", lifecycle=lifecycle))
    world.apply()
    del world.files["b"]
    neighbours = {world.keys()["b"]: "staging"} if elsewhere else {}
    plan = world.plan(retire=asked, elsewhere=neighbours)
    assert words(plan.changes) == [says]
    spared = says == "forget b" and (bool(asked) or lifecycle.on_removal is OnRemoval.RETIRE)
    assert [each.code for each in plan.diagnostics] == ["not-retired"] * spared
    assert plan.retire == asked


def test_what_vanished_is_not_retired_and_it_is_said() -> None:
    world = removed("b")
    del world.account.rows[world.keys()["b"]]
    plan = world.plan(retire=("b",))
    assert words(plan.changes) == ["forget b"]
    assert plan.diagnostics[0].detail == "b: it is no longer on the account."


def test_retired_on_request_is_retired_and_comes_back() -> None:
    world = removed("b", "c")
    key = world.keys()["b"]
    world.apply(retire=("b",))
    assert (name_there(world, "b"), name_there(world, "c")) == ("[retired] Name of b", "Name of c")
    assert {id_of(each.address): each.retired for each in world.state.tombstones} == {"b": True, "c": False}
    world.declare("b")
    world.apply()
    assert (name_there(world), world.keys()["b"]) == ("Name of b", key)
    assert world.plan().changes == ()


def test_words_that_name_nothing_are_refused_but_not_what_an_earlier_run_retired() -> None:
    world = removed("b", "c")

    def plan(*asked: str) -> list[str]:
        reading = Reading(world.state, dict(world.account.rows), ())
        return words(plan_from_reading(reading, world.configuration, world.circumstances(retire=asked)).changes)

    with pytest.raises(UsageError, match="nothing-to-retire") as caught:
        plan("b", "anchor", "d*")
    assert caught.value.diagnostics[0].detail == "Nothing matches 'anchor', 'd*'. In this plan leave: b, c."
    world.apply(retire=("b",), only=("b",))
    assert plan("b", "c") == ["retire c"]


def test_an_unselected_address_is_not_retired() -> None:
    world = removed("b", "c")
    assert words(world.plan(retire=("*",), only=("c",)).changes) == ["retire c"]


def test_retired_twice_it_has_one_marker_and_no_request_is_sent() -> None:
    world = removed("b", lifecycle=RETIRE)
    world.apply()
    key = world.state.tombstones[0].key
    world.declare("b", declare("b", "[retired] Name of b", lifecycle=RETIRE))
    world.apply()
    del world.files["b"]
    plan = world.plan()
    assert count_updates(plan.changes) == 0
    world.account.requests.clear()
    assert world.apply().count(Fate.DONE) == 1
    assert world.account.count(Operation.UPDATE) == 0
    assert world.account.rows[key].attributes.name == "[retired] Name of b"
    assert [each.retired for each in world.state.tombstones] == [True]


def test_many_that_are_retired_are_a_mass_change_even_where_they_have_the_marker() -> None:
    world = World()
    for each in "abc":
        world.declare(each, declare(each, f"[retired] {each}", lifecycle=RETIRE))
    world.apply()
    for each in "bc":
        del world.files[each]
    plan = world.plan(thresholds=Thresholds(0.5, 2))
    assert Guard.MASS_CHANGE in {each.guard for each in plan.guards}


# --- coming back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edited", ["Name of b", "Somebody's name", "[retired] Somebody's name", "[RETIRED] NAME OF B"])
def test_a_file_that_comes_back_is_as_it_says_whatever_became_of_the_name(edited: str) -> None:
    world = removed("b", lifecycle=RETIRE)
    kept = declare("b", lifecycle=RETIRE)
    key = world.keys()["b"]
    world.apply()
    rename_there(world, edited)
    world.declare("b", kept)
    [change] = world.plan().changes
    assert isinstance(change, Adopt)
    assert change.from_tombstone
    world.apply()
    assert (name_there(world), world.keys()["b"]) == ("Name of b", key)
    assert world.plan().changes == ()


@pytest.mark.parametrize(
    ("shown", "back"),
    [("[retired] Spring", "Spring"), ("Summer", "Summer"), ("[retired] Summer", "Summer")],
)
def test_an_ignored_name_loses_the_marker_and_nothing_else(shown: str, back: str) -> None:
    """The name is the office's, but the marker was ours."""
    lifecycle = replace(RETIRE, ignore_changes=(NAME_IGNORED,))
    world = applied("b", lifecycle=lifecycle)
    rename_there(world, "Spring")
    world.apply()
    kept = world.files.pop("b")
    world.apply()
    assert name_there(world) == "[retired] Spring"
    rename_there(world, shown)
    world.declare("b", kept)
    world.apply()
    assert name_there(world) == back
    assert world.plan().changes == ()


def test_a_key_that_moved_to_another_environment_does_not_come_back_here() -> None:
    world = removed("b")
    key = world.keys()["b"]
    world.apply()
    world.declare("b")
    [change] = world.plan(elsewhere={key: "staging"}).changes
    assert isinstance(change, Create)


def test_what_comes_back_only_to_be_observed_is_not_written() -> None:
    world = removed("b", lifecycle=RETIRE)
    world.apply()
    world.declare("b", declare("b", lifecycle=Lifecycle(manage=Manage.OBSERVE)))
    world.account.requests.clear()
    world.apply()
    assert world.account.count(Operation.UPDATE) == 0
    assert name_there(world) == "[retired] Name of b"
    assert "b" in set(world.keys())


@pytest.mark.parametrize("recorded", ["Name of b", "P2"])
@pytest.mark.parametrize("goes_on", [True, False])
def test_an_ignored_name_loses_the_marker_of_a_retirement_that_was_killed(recorded: str, goes_on: bool) -> None:
    """The PUT was taken, the state was not written: the same command goes on, or the file comes back first."""
    lifecycle = replace(RETIRE, ignore_changes=(NAME_IGNORED,))
    world = applied("b", lifecycle=lifecycle)
    rename_there(world, recorded)
    world.apply()
    rename_there(world, f"[retired] {recorded}")
    kept = world.files.pop("b")
    if goes_on:
        [change] = world.plan().changes
        assert isinstance(change, Retire)
        assert (change.named, change.desired) == (recorded, change.actual)
        world.apply()
        assert [each.named for each in world.state.tombstones] == [recorded]
    world.declare("b", kept)
    world.apply()
    assert name_there(world) == recorded
    assert world.plan().changes == ()


def forgotten(*, lifecycle: Lifecycle = Lifecycle(), normalise: bool = False) -> World:
    world = World()
    world.account.normalise = (lambda each: replace(each, name=each.name.lower())) if normalise else (lambda each: each)
    for each in ("anchor", "b"):
        world.declare(each, declare(each, lifecycle=lifecycle))
    world.apply()
    kept = world.files.pop("b")
    world.apply()
    world.files["b"] = kept
    return world


def edit_there(world: World, attributes: Attributes) -> None:
    [tombstone] = world.state.tombstones
    world.account.rows[tombstone.key] = replace(world.account.rows[tombstone.key], attributes=attributes)


@pytest.mark.parametrize(
    ("lifecycle", "shown", "says"),
    [
        (Lifecycle(), Attributes("Name of b", (VK, SMS)), None),
        (Lifecycle(), Attributes("Theirs", (VK, SMS)), 'the name was "Name of b" and is "Theirs"'),
        (Lifecycle(), Attributes("Name of b", (VK,)), "step 2 of the flow was SMS InfoSMS and is not there"),
        (RETIRE, Attributes("[retired] Name of b", (VK, SMS)), None),
        (RETIRE, Attributes("Name of b", (VK, SMS)), None),
        (RETIRE, Attributes("[retired] Theirs", (VK, SMS)), 'the name was "Name of b" and is "Theirs"'),
        (Lifecycle(ignore_changes=(NAME_IGNORED,)), Attributes("Theirs", (VK, SMS)), None),
    ],
)
def test_what_somebody_changed_while_it_was_gone_is_a_warning(
    lifecycle: Lifecycle, shown: Attributes, says: str | None
) -> None:
    world = forgotten(lifecycle=lifecycle)
    edit_there(world, shown)
    plan = world.plan()
    found = [each.detail for each in plan.diagnostics if each.code == "changed-while-gone"]
    assert found == ([f"b: since it was last applied, {says}. Its file comes back over that."] if says else [])
    assert plan.risk is not None
    assert plan.risk.is_safe == (says is None)


def test_what_comes_back_only_to_be_observed_is_no_warning() -> None:
    world = forgotten()
    edit_there(world, Attributes("Theirs", (VK,)))
    world.declare("b", declare("b", lifecycle=Lifecycle(manage=Manage.OBSERVE)))
    assert world.plan().diagnostics == ()


def test_what_the_file_does_not_write_over_is_not_told() -> None:
    world = forgotten()
    edit_there(world, Attributes("Name of b", (VK,)))
    world.declare("b", declare("b", "New", (VK,)))
    assert world.plan().diagnostics == ()


@pytest.mark.parametrize("lifecycle", [Lifecycle(), RETIRE])
def test_what_the_service_bends_is_no_change_by_somebody(lifecycle: Lifecycle) -> None:
    assert forgotten(lifecycle=lifecycle, normalise=True).plan().diagnostics == ()


def test_a_name_that_was_recorded_with_the_marker_keeps_it() -> None:
    lifecycle = replace(RETIRE, ignore_changes=(NAME_IGNORED,))
    world = applied("b", lifecycle=lifecycle)
    rename_there(world, "[retired] by the office")
    world.apply()
    assert world.plan().changes == ()
    kept = world.files.pop("b")
    world.apply()
    world.declare("b", kept)
    world.apply()
    assert name_there(world) == "[retired] by the office"
    assert world.plan().changes == ()


def test_a_name_that_is_only_observed_is_not_taken_back() -> None:
    world = applied("b")
    rename_there(world, "[retired] Name of b")
    watched = Lifecycle(manage=Manage.OBSERVE, ignore_changes=(NAME_IGNORED,))
    world.declare("b", declare("b", lifecycle=watched))
    world.apply()
    assert name_there(world) == "[retired] Name of b"


def test_a_retired_scenario_comes_back_under_a_new_id_without_the_marker() -> None:
    lifecycle = replace(RETIRE, ignore_changes=(NAME_IGNORED,))
    world = applied("b", lifecycle=lifecycle)
    key = world.keys()["b"]
    del world.files["b"]
    world.apply()
    world.declare("new", declare("new", "Other", lifecycle=lifecycle, import_key=key))
    world.apply()
    assert (world.keys()["new"], name_there(world, "new")) == (key, "Name of b")
    assert world.plan().changes == ()


@pytest.mark.parametrize(
    ("named", "marked", "shown", "back"),
    [
        ("Promo", "ZZ: Promo", "ZZ: Promo 2027", "Promo 2027"),
        ("Promo", "ZZ: Promo", "Promo 2027", "Promo 2027"),
        ("Promo", "ZZ: Promo", "[gone] Promo 2027", "[gone] Promo 2027"),
        ("Promo of 2026", "ZZ: Promo of ", "zz:  Promo of 2027", "Promo of 2027"),
        ("ZZ: Promo", "ZZ: Promo", "ZZ: Promo 2027", "ZZ: Promo 2027"),
        ("", "ZZ: ", "ZZ: Promo", "Promo"),
    ],
)
def test_an_edited_name_loses_the_marker_that_it_got_whatever_the_setting_is_now(
    named: str, marked: str, shown: str, back: str
) -> None:
    tombstone = Tombstone(address("b"), "KEY", Attributes("Old", (SMS,)), NOW, True, named, marked)
    assert before_retirement(Attributes(shown, (SMS,)), tombstone, RemovalRules("[gone] ")).name == back


# --- the account default -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [(), ("a",)])
def test_the_default_is_forgotten_only_with_the_guard_and_never_renamed(asked: tuple[str, ...]) -> None:
    world = World()
    world.declare("a", declare("a", lifecycle=RETIRE))
    world.declare("b")
    world.apply()
    del world.files["a"]
    [guard] = world.plan().guards
    assert (guard.guard, guard.subject) == (Guard.DEFAULT_CHANGE, "a")
    assert "sends without a key still go to it after this" in guard.message
    plan = world.plan(retire=asked)
    assert words(plan.changes) == ["forget a"]
    [told] = plan.diagnostics
    assert (told.code, "Give the default to another scenario" in told.detail) == ("not-retired", True)
    world.apply(allowed=frozenset({(Guard.DEFAULT_CHANGE, "a")}), retire=asked)
    assert name_there(world, "a") == "Name of a"


def test_the_old_default_that_leaves_is_told_where_the_default_goes() -> None:
    world = World()
    world.declare("a", declare("a", default=True, lifecycle=RETIRE))
    world.declare("b")
    world.apply()
    del world.files["a"]
    world.declare("b", declare("b", default=True))
    plan = world.plan()
    assert [(each.guard, each.subject) for each in plan.guards] == [(Guard.DEFAULT_CHANGE, each) for each in "ab"]
    assert "it moves to b before this" in plan.guards[0].message
    world.apply(allowed=frozenset((each.guard, each.subject) for each in plan.guards))
    assert world.account.rows[world.keys()["b"]].is_default
    assert name_there(world, "a") == "[retired] Name of a"


def test_what_becomes_the_default_while_it_is_retired_is_left_alone() -> None:
    """Somebody makes it the default between the reading and the write."""
    world = removed("b", lifecycle=RETIRE)
    key = world.keys()["b"]

    def meddle(operation: Operation, subject: str) -> None:
        if operation is Operation.GET and subject == key:
            for each, row in world.account.rows.items():
                world.account.rows[each] = replace(row, is_default=each == key)

    world.account.before_request = meddle
    report = world.apply()
    [outcome] = report.outcomes
    assert outcome.fate is Fate.FAILED
    assert outcome.diagnostic is not None
    assert outcome.diagnostic.detail == (
        f"{key} is no longer what the plan saw: it became the account default. It was left as it is."
    )
    assert world.account.rows[key].attributes.name == "Name of b"
    assert "b" in set(world.keys())


def test_forgetting_says_nothing_of_a_key_that_vanished() -> None:
    world = removed("b", "c")
    del world.account.rows[world.keys()["c"]]
    report = world.apply()
    assert {id_of(each.address): each.key is None for each in report.outcomes} == {"b": False, "c": True}
