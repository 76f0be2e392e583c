"""Every guard: when it fires, what it names, and that allowing it by name is enough."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from omnictl.engine.view import Thresholds
from omnictl.model.plan import Guard, Plan
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, OnRemoval, Protection
from tests.builders import Scene
from tests.planning_tables import read_table
from tests.worlds import SMS, VIBER, VK, World, declare


def fired(plan: Plan) -> list[tuple[Guard, str]]:
    return [(each.guard, each.subject) for each in plan.guards]


def applied(*ids: str, lifecycle: Lifecycle = Lifecycle()) -> World:
    world = World()
    for each in ids:
        world.declare(each, declare(each, lifecycle=lifecycle))
    world.apply()
    return world


def test_default_change() -> None:
    world = applied("a", "b")
    world.declare("b", declare("b", default=True))
    plan = world.plan()
    assert fired(plan) == [(Guard.DEFAULT_CHANGE, "b")]
    assert "instead of a" in plan.guards[0].message
    assert world.plan(allowed=frozenset(fired(plan))).open_guards == ()


def test_forgetting_the_default() -> None:
    world = applied("a", "b")
    del world.files["a"]
    assert fired(world.plan()) == [(Guard.DEFAULT_CHANGE, "a")]


@pytest.mark.parametrize(
    ("protection", "on_removal", "on_update"),
    [
        (Protection.NONE, False, False),
        (Protection.REMOVAL, True, False),
        (Protection.ALL, True, True),
    ],
)
def test_protection_is_remembered(protection: Protection, on_removal: bool, on_update: bool) -> None:
    world = applied("first", "b", lifecycle=Lifecycle(protection))
    world.declare("b", declare("b", "Changed"))
    assert ((Guard.PROTECTED, "b") in fired(world.plan())) == on_update
    del world.files["b"]
    assert ((Guard.PROTECTED, "b") in fired(world.plan())) == on_removal


def test_lifting_protection_takes_effect_in_the_apply_after() -> None:
    world = applied("first", "b", lifecycle=Lifecycle(Protection.ALL))
    world.declare("b", declare("b"))
    plan = world.plan()
    assert [each.code for each in plan.diagnostics] == ["protection-lifted"]
    assert plan.refreshed == 1
    world.apply()
    world.declare("b", declare("b", "Changed"))
    assert fired(world.plan()) == []


def test_losing_the_default_is_guarded_by_protection() -> None:
    world = World()
    world.declare("a", declare("a", default=True, lifecycle=Lifecycle(Protection.REMOVAL)))
    world.declare("b")
    world.apply()
    world.declare("a", declare("a", lifecycle=Lifecycle(Protection.REMOVAL)))
    world.declare("b", declare("b", default=True))
    assert (Guard.PROTECTED, "a") in fired(world.plan())


def test_winning_the_default_is_not_what_protection_of_removal_guards() -> None:
    world = applied("a", "b", lifecycle=Lifecycle(Protection.REMOVAL))
    world.declare("b", declare("b", default=True, lifecycle=Lifecycle(Protection.REMOVAL)))
    assert fired(world.plan()) == [(Guard.DEFAULT_CHANGE, "b"), (Guard.PROTECTED, "a")]


def test_creating_anew_what_is_protected_against_every_write_is_guarded_too() -> None:
    world = applied("first", "b", lifecycle=Lifecycle(Protection.ALL))
    del world.account.rows[world.keys()["b"]]
    assert fired(world.plan()) == [(Guard.PROTECTED, "b"), (Guard.VANISHED, "b")]


def test_a_guard_that_fires_twice_for_the_same_is_told_once() -> None:
    world = applied("anchor", "b", lifecycle=Lifecycle(Protection.ALL))
    world.declare("b", declare("b", "Changed", default=True, lifecycle=Lifecycle(Protection.ALL)))
    found = fired(world.plan())
    assert found.count((Guard.PROTECTED, "b")) == 1
    assert (Guard.DEFAULT_CHANGE, "b") in found


@pytest.mark.parametrize("how", ["previous_ids", "equal"])
def test_protection_outlives_its_file_through_a_rename(how: str) -> None:
    """The new file says nothing of it: that is a lifting, and told as one."""
    world = applied("first", "old", lifecycle=Lifecycle(Protection.REMOVAL))
    del world.files["old"]
    previous = ("old",) if how == "previous_ids" else ()
    world.declare("new", declare("new", "Name of old", previous_ids=previous))
    plan = world.plan()
    assert [each.code for each in plan.diagnostics] == ["protection-lifted"]
    assert plan.diagnostics[0].detail.startswith("new was protected (removal)")
    world.declare("new", declare("new", "Name of old", previous_ids=previous, lifecycle=Lifecycle(Protection.REMOVAL)))
    assert world.plan().diagnostics == ()
    world.apply()
    del world.files["new"]
    assert (Guard.PROTECTED, "new") in fired(world.plan())


def test_a_protection_that_gets_weaker_is_lifted_in_part() -> None:
    world = applied("first", "b", lifecycle=Lifecycle(Protection.ALL))
    world.declare("b", declare("b", lifecycle=Lifecycle(Protection.REMOVAL)))
    assert [each.code for each in world.plan().diagnostics] == ["protection-lifted"]
    world.declare("b", declare("b", lifecycle=Lifecycle(Protection.ALL)))
    assert world.plan().diagnostics == ()


def test_channel_removal() -> None:
    world = applied("a")
    world.declare("a", declare("a", flow=(SMS, VIBER)))
    plan = world.plan()
    assert fired(plan) == [(Guard.CHANNEL_REMOVAL, "a")]
    assert "VKONTAKTE" in plan.guards[0].message


@pytest.mark.parametrize(("count", "share", "fires"), [(3, 0.5, True), (4, 0.5, False), (3, 1.0, False)])
def test_mass_change(count: int, share: float, fires: bool) -> None:
    world = applied("a", "b", "c")
    for each in "abc":
        world.declare(each, declare(each, f"New {each}"))
    plan = world.plan(thresholds=Thresholds(share, count))
    assert ((Guard.MASS_CHANGE, "all") in fired(plan)) == fires


def test_empty_configuration() -> None:
    world = applied("a")
    world.files = {}
    assert (Guard.EMPTY_CONFIGURATION, "all") in fired(world.plan())


@pytest.mark.parametrize(
    ("gone", "selection", "fires"),
    [
        ("ab", {"only": ("a*", "b")}, True),
        ("ab", {"only": ("[ab]",)}, True),
        ("ab", {"exclude": ("c",)}, True),
        ("ab", {"only": ("a", "b")}, False),
        ("a", {"only": ("a",)}, False),
        ("a", {"only": ("a*",)}, True),
        ("a", {"only": ("[ab]",)}, False),
        ("a", {}, False),
        ("a", {"only": ("[ab]",), "exclude": ("b",)}, True),
        ("abc", {"only": ("a",)}, True),
        ("", {"only": ("a*",)}, False),
    ],
)
def test_nothing_declared_under_the_names_that_were_selected(
    gone: str, selection: dict[str, tuple[str, ...]], fires: bool
) -> None:
    """A pattern that finds only what left is a wrong folder more often than a wish; a whole id is a wish."""
    world = applied(*"cab")
    for each in gone:
        del world.files[each]
    found = [each for each in world.plan(**selection).guards if each.guard is Guard.EMPTY_CONFIGURATION]
    assert [each.subject for each in found] == ["all"] * fires


def test_an_empty_selection_is_told_with_its_words_and_its_numbers() -> None:
    world = applied(*"cab")
    del world.files["a"], world.files["b"]
    finding = world.plan(only=("[a-b]",), exclude=("b",)).guards[-1]
    assert finding.message == (
        "No scenario is declared for test under the names that were selected ([a-b], not b), but the state has 1."
    )
    world.files = {}
    assert world.plan().guards[-1].message == "No scenario is declared for test, but the state has 3."


def test_what_comes_back_counts_among_what_exists() -> None:
    """It is written, and managed from then on: no more can change than there are."""
    world = applied("anchor", "b")
    for each in "cde":
        world.declare(each, declare(each, lifecycle=Lifecycle(on_removal=OnRemoval.RETIRE)))
    world.apply()
    kept = {each: world.files.pop(each) for each in "cde"}
    world.apply()
    world.files |= kept
    world.declare("b", declare("b", "New", default=True))
    world.declare("new")
    plan = world.plan(thresholds=Thresholds(0.3, 2))
    [finding] = [each for each in plan.guards if each.guard is Guard.MASS_CHANGE]
    assert finding.message == "4 of 5 existing scenarios change at once (guard: 2 or more, and over 30%)."


def test_vanished() -> None:
    world = applied("a", "b")
    key = world.keys()["b"]
    del world.account.rows[key]
    plan = world.plan()
    assert fired(plan) == [(Guard.VANISHED, "b")]
    assert key in plan.guards[0].message


def test_unmanaged_twin_with_another_flow() -> None:
    world = applied("a")
    key = world.account.plant(Attributes("Name of b", (VIBER,))).key
    world.declare("b")
    plan = world.plan()
    assert fired(plan) == [(Guard.UNMANAGED_TWIN, "b")]
    assert plan.guards[0].commands == (f"omnictl import b {key} --env test", f"import: {{test: {key}}}")
    assert world.plan(sandbox=True).guards[0].commands[0].endswith(" --env test --sandbox")


def test_of_many_twins_the_first_are_named_and_the_log_is_pointed_to() -> None:
    """Else thirty equal scenarios of a lost state make nine hundred commands."""
    world = applied("a")
    for _ in range(30):
        world.account.plant(Attributes("Name of b", (VIBER,)))
    world.declare("b")
    [finding] = world.plan().guards
    assert "and 25 more" in finding.message
    assert "state rebuild" in finding.message
    assert len(finding.commands) == 2 * 5


def test_a_twin_is_seen_whatever_changes_before_it() -> None:
    world = applied("a", "b")
    world.account.plant(Attributes("Name of c", (VIBER,)))
    world.declare("a", declare("a", "Edited"))
    del world.account.rows[world.keys()["b"]]
    world.declare("c")
    assert fired(world.plan()) == [(Guard.UNMANAGED_TWIN, "c"), (Guard.VANISHED, "b")]


def test_a_twin_managed_elsewhere_is_none() -> None:
    world = applied("a")
    twin = world.account.plant(Attributes("Name of b", (VIBER,)))
    world.declare("b")
    assert fired(world.plan(elsewhere={twin.key: "staging"})) == []


def test_a_likely_rename_names_the_candidates_in_order_whatever_the_order_of_the_state() -> None:
    world = applied("a", "b", "z")
    for each in ("a", "b"):
        world.declare(each, declare(each, "Same", (VK,)))
    world.apply()
    for each in ("a", "b"):
        del world.files[each]
    world.declare("new", declare("new", "Same", (SMS,)))
    backend = world.backend
    assert backend.stored is not None
    for records in (list(backend.stored.records.items()), list(backend.stored.records.items())[::-1]):
        backend.stored = replace(backend.stored, records=dict(records))
        [finding] = [each for each in world.plan().guards if each.guard is Guard.LIKELY_RENAME]
        assert finding.commands == ("previous_ids: [a]", "previous_ids: [b]")


def test_likely_rename() -> None:
    world = applied("first", "old")
    del world.files["old"]
    world.declare("new", declare("new", "Name of old", (VK,)))
    plan = world.plan()
    found = [each for each in plan.guards if each.guard is Guard.LIKELY_RENAME]
    assert found[0].commands == ("previous_ids: [old]",)


@pytest.mark.parametrize("lifecycle", [Lifecycle(), Lifecycle(on_removal=OnRemoval.RETIRE)])
def test_what_was_forgotten_before_is_a_likely_rename_too(lifecycle: Lifecycle) -> None:
    world = applied("first")
    world.declare("old", declare("old", lifecycle=lifecycle))
    world.apply()
    key = world.keys()["old"]
    del world.files["old"]
    world.apply()
    for new in (
        declare("new", "Name of old"),
        declare("new", "Name of old", (VIBER,)),
        declare("new", "Other", (VIBER,), previous_ids=("old",)),
    ):
        world.declare("new", new)
        [finding] = [each for each in world.plan().guards if each.guard is Guard.LIKELY_RENAME]
        assert finding.commands == (f"import: {{test: {key}}}",)
    world.declare("new", replace(world.files["new"], import_key=key))
    world.apply()
    assert world.keys()["new"] == key
    assert world.plan().changes == ()
    assert len(world.account.rows) == 2


def test_what_only_differs_in_ignored_fields_is_a_likely_rename() -> None:
    ignoring = Lifecycle(ignore_changes=(IgnoredField("name", "campaign"),))
    world = applied("first")
    world.declare("old", declare("old", "Campaign", (VIBER,), lifecycle=ignoring))
    world.apply()
    row = world.account.rows[world.keys()["old"]]
    world.account.rows[row.key] = replace(row, attributes=replace(row.attributes, name="May"))
    world.declare("old", declare("old", "Campaign", (VIBER, SMS), lifecycle=ignoring))
    world.apply()
    del world.files["old"]
    world.declare("new", declare("new", "Campaign", (VIBER, SMS), lifecycle=ignoring))
    [finding] = [each for each in world.plan().guards if each.guard is Guard.LIKELY_RENAME]
    assert finding.commands == ("previous_ids: [old]",)
    assert "new may be old" in finding.message


def test_a_previous_id_that_vanished_is_said_to_lose_its_key() -> None:
    world = applied("first", "old")
    key = world.keys()["old"]
    del world.files["old"], world.account.rows[key]
    world.declare("new", declare("new", "Other", (VIBER,), previous_ids=("old",)))
    plan = world.plan()
    assert fired(plan) == [(Guard.VANISHED, "new")]
    world.apply()
    assert world.plan().changes == ()
    assert set(world.keys()) == {"first", "new"}


def test_previous_ids_rename() -> None:
    world = applied("first", "old")
    key = world.keys()["old"]
    del world.files["old"]
    world.declare("new", declare("new", "Another name", (VK, SMS), previous_ids=("old",)))
    assert fired(world.plan()) == []
    world.apply()
    assert world.keys()["new"] == key
    assert world.plan().changes == ()


def test_previous_id_still_declared_is_an_error() -> None:
    world = applied("old")
    world.declare("new", declare("new", previous_ids=("old",)))
    assert [each.code for each in world.plan().diagnostics] == ["previous-id-declared"]


def test_previous_id_claimed_twice_is_an_error() -> None:
    world = applied("first", "old")
    del world.files["old"]
    world.declare("n1", declare("n1", previous_ids=("old",)))
    world.declare("n2", declare("n2", previous_ids=("old",)))
    assert "previous-id-claimed-twice" in [each.code for each in world.plan().diagnostics]


def test_retire_renames_and_comes_back() -> None:
    world = applied("a", "b", lifecycle=Lifecycle(on_removal=OnRemoval.RETIRE))
    kept, key = world.files.pop("b"), world.keys()["b"]
    world.apply()
    assert world.account.rows[key].attributes.name == "[retired] Name of b"
    assert world.state.tombstones[0].retired
    assert world.plan().changes == ()
    world.declare("b", replace(kept))
    world.apply()
    assert world.account.rows[key].attributes.name == "Name of b"
    assert world.keys()["b"] == key
    assert world.plan().changes == ()


def test_import_adopts() -> None:
    world = applied("first")
    planted = world.account.plant(Attributes("By hand", (SMS,)))
    world.declare("mine", declare("mine", "By hand", (SMS,), import_key=planted.key))
    assert fired(world.plan()) == []
    world.apply()
    assert world.keys()["mine"] == planted.key
    assert world.plan().changes == ()


def test_import_of_a_missing_or_taken_key_is_an_error() -> None:
    world = applied("first")
    world.declare("x", declare("x", import_key="nowhere"))
    world.declare("y", declare("y", import_key=world.keys()["first"]))
    assert {each.code for each in world.plan().diagnostics} == {"import-missing", "import-taken"}


def test_a_file_that_was_imported_once_may_be_renamed_by_a_line() -> None:
    """Its import: line is still there, and older than the rename."""
    world = World()
    planted = world.account.plant(declare("old", "Theirs").attributes)
    world.declare("old", declare("old", "Theirs", import_key=planted.key))
    world.apply()
    del world.files["old"]
    world.declare("new", declare("new", "Ours now", import_key=planted.key, previous_ids=("old",)))
    assert world.plan().diagnostics == ()
    world.apply()
    assert world.keys() == {"new": planted.key}


def _protected() -> World:
    world = applied("first", "b", lifecycle=Lifecycle(Protection.REMOVAL))
    del world.files["b"]
    return world


def _default_moves() -> World:
    world = applied("a", "b")
    world.declare("b", declare("b", default=True))
    return world


def _default_leaves() -> World:
    world = applied("a", "b")
    del world.files["a"]
    return world


def _protected_loses_the_default() -> World:
    world = World()
    world.declare("a", declare("a", default=True, lifecycle=Lifecycle(Protection.REMOVAL)))
    world.declare("b")
    world.apply()
    world.declare("a", declare("a", lifecycle=Lifecycle(Protection.REMOVAL)))
    world.declare("b", declare("b", default=True))
    return world


def _protected_is_written() -> World:
    world = applied("first", "b", lifecycle=Lifecycle(Protection.ALL))
    world.declare("b", declare("b", "Changed", lifecycle=Lifecycle(Protection.ALL)))
    return world


def _channel_goes() -> World:
    world = applied("a")
    world.declare("a", declare("a", flow=(SMS, VIBER)))
    return world


def _all_change() -> World:
    world = applied("a", "b", "c")
    for each in "abc":
        world.declare(each, declare(each, f"New {each}"))
    return world


def _all_files_gone() -> World:
    world = applied("a")
    world.files = {}
    return world


def _twin() -> World:
    world = applied("a")
    world.account.plant(Attributes("Name of b", (VIBER,)))
    world.declare("b")
    return world


def _gone_from_the_account() -> World:
    world = applied("a", "b")
    del world.account.rows[world.keys()["b"]]
    return world


def _same_name() -> World:
    world = applied("first", "old")
    del world.files["old"]
    world.declare("new", declare("new", "Name of old", (VK,)))
    return world


def _name_like_it() -> World:
    world = applied("first", "old")
    del world.files["old"]
    world.declare("new", declare("new", "The name of old"))
    return world


def _forgotten_before() -> World:
    world = applied("first", "old")
    del world.files["old"]
    world.apply()
    world.declare("new", declare("new", "Name of old", (VK,)))
    return world


def _forgotten_before_and_named() -> World:
    world = _forgotten_before()
    world.declare("new", declare("new", "Other", (VK,), previous_ids=("old",)))
    return world


FIRES_WHEN: dict[tuple[str, str], tuple[Callable[[], World], ...]] = {
    ("`default-change`", "the account default moves, or its holder leaves the configuration"): (
        _default_moves,
        _default_leaves,
    ),
    ("`protected`", "a protected scenario is removed, loses the default, or (`all`) is written"): (
        _protected,
        _protected_loses_the_default,
        _protected_is_written,
    ),
    ("`channel-removal`", "a flow no longer has a channel that it has on the account"): (_channel_goes,),
    ("`mass-change`", "more of the existing scenarios change than the settings find normal"): (_all_change,),
    (
        "`empty-configuration`",
        "no scenario is declared, or none under the patterns that were selected, and the state has some",
    ): (_all_files_gone,),
    ("`unmanaged-twin`", "the account has a scenario with the name of one to be created"): (_twin,),
    ("`vanished`", "a recorded scenario is gone and would get another key"): (_gone_from_the_account,),
    (
        "`likely-rename`",
        (
            "a new id has the name of one that left, now or before, or its flow and a name, an id or a file like it, "
            "or names a forgotten one in `previous_ids`"
        ),
    ): (_same_name, _name_like_it, _forgotten_before, _forgotten_before_and_named),
}
"""The rows of the table of guards in docs/planning.md, and worlds in which each fires."""


def test_the_table_of_the_documents_is_the_table_of_this_test() -> None:
    head, rows = read_table("Guards")
    assert head == ("guard", "fires when")
    assert set(rows) == FIRES_WHEN.keys()
    assert len(rows) == len(Guard)
    assert {name.strip("`") for name, _ in rows} == {each.value for each in Guard}


@pytest.mark.parametrize(
    ("guard", "world"),
    [
        pytest.param(Guard(name.strip("`")), world, id=f"{name.strip('`')}-{world.__name__.strip('_')}")
        for (name, _), worlds in FIRES_WHEN.items()
        for world in worlds
    ],
)
def test_a_guard_of_the_table_fires_and_is_allowed_by_its_name(guard: Guard, world: Callable[[], World]) -> None:
    strict = Thresholds(0.5, 3)
    plan = world().plan(thresholds=strict)
    mine = [each for each in plan.open_guards if each.guard is guard]
    assert len(mine) == 1
    allowed = frozenset({(guard, mine[0].subject)})
    left = world().plan(thresholds=strict, allowed=allowed).open_guards
    assert guard not in {each.guard for each in left}
    assert len(left) == len(plan.open_guards) - 1


def test_no_guard_fires_where_nothing_changes() -> None:
    for worlds in FIRES_WHEN.values():
        for build in worlds:
            world = build()
            world.apply()
            assert fired(world.plan(thresholds=Thresholds(0.5, 3))) == []


def test_a_line_to_paste_goes_on_with_what_the_file_says_already() -> None:
    scene = Scene().remember("old", "Name", "SMS:A").declare("new", "Name", "SMS:B", previous_ids=("older",))
    [renamed] = [each for each in scene.plan().guards if each.guard is Guard.LIKELY_RENAME]
    assert renamed.commands == ("previous_ids: [older, old]",)
    scene = Scene().both("anchor").unmanaged("Name").declare("new", "Name")
    scene.resources["new"] = replace(scene.resources["new"], imports={"test": "THEIRS"})
    [twin] = scene.plan().guards
    key = next(each for each in scene.remotes if each.endswith("FACE0001"))
    assert twin.commands[1] == f"import: {{test: THEIRS, production: {key}}}"


def test_a_line_to_paste_is_spelled_as_the_keys_of_its_file() -> None:
    scene = Scene().remember("old", "Name", "SMS:A").declare("new", "Name", "SMS:B", previous_ids=("older",))
    scene.resources["new"] = replace(scene.resources["new"], in_braces=True)
    [renamed] = [each for each in scene.plan().guards if each.guard is Guard.LIKELY_RENAME]
    assert renamed.commands == ('"previous_ids": ["older", "old"],',)
    scene = Scene().both("anchor").unmanaged("Name").declare("new", "Name", in_braces=True)
    key = next(each for each in scene.remotes if each.endswith("FACE0001"))
    assert scene.plan().guards[0].commands[1] == f'"import": {{"production": "{key}"}},'
    scene.resources["new"] = replace(scene.resources["new"], imports={"test": "THEIRS"})
    assert scene.plan().guards[0].commands[1] == f'"import": {{"test": "THEIRS", "production": "{key}"}},'
