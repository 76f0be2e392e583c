"""What a plan says beside its changes: allowances, imports, late twins."""

from typing import Any

import pytest
from msgspec.structs import replace

from omnictl.engine.view import Neighbour
from omnictl.model.diagnostic import Severity
from omnictl.model.plan import Guard
from omnictl.model.scenario import Attributes, Lifecycle, Manage, Protection
from omnictl.model.state import RepeatedCreate
from tests.builders import Scene, key_of
from tests.worlds import NOW, SMS, VIBER, VK, World, address, declare


def codes(world: World, **settings: object) -> list[str]:
    return [each.code for each in world.plan(**settings).diagnostics]


def applied(*ids: str) -> World:
    world = World()
    for each in ids:
        world.declare(each)
    world.apply()
    return world


def test_an_allowance_that_allows_nothing_is_told_with_what_fired() -> None:
    world = applied("a", "b")
    world.declare("b", declare("b", default=True))
    assert world.plan(allowed=frozenset({(Guard.VANISHED, "b")})).diagnostics[0].detail.endswith("for b.")
    told = world.plan(allowed=frozenset({(Guard.DEFAULT_CHANGE, "bb"), (Guard.PROTECTED, "a")})).diagnostics
    assert [each.code for each in told] == ["unused-allowance"] * 2
    assert told[0].detail.endswith("did not fire for bb. It fired for b.")
    assert told[1].detail.endswith("did not fire for a.")
    assert "unused-allowance" not in codes(world, allowed=frozenset({(Guard.DEFAULT_CHANGE, "b")}))


def test_what_fired_is_told_in_the_order_of_the_ids() -> None:
    world = applied("anchor", "c", "b")
    for each in "cb":
        del world.account.rows[world.keys()[each]]
    [told] = world.plan(allowed=frozenset({(Guard.VANISHED, "a")})).diagnostics
    assert told.detail.endswith("It fired for b, c.")


def test_a_lifting_and_a_difference_are_told_of_what_was_selected() -> None:
    world = World()
    for each in ("a", "b", "w"):
        world.declare(each, declare(each, lifecycle=Lifecycle(Protection.ALL)))
    world.apply()
    for each in ("a", "b"):
        world.declare(each)
    world.declare("w", declare("w", "Other", lifecycle=Lifecycle(Protection.ALL, Manage.OBSERVE)))
    told = [(each.code, each.detail.split()[0]) for each in world.plan(only=("b",)).diagnostics]
    assert told == [("protection-lifted", "b")]
    assert codes(world, exclude=("w",)) == ["protection-lifted"] * 2
    assert codes(world) == ["observed-differs", "protection-lifted", "protection-lifted"]


def test_what_is_only_observed_and_there_under_its_name_is_told_with_the_command_that_adopts_it() -> None:
    world = applied("a")
    theirs = world.account.plant(Attributes("Name of o", (VIBER,)))
    world.declare("o", declare("o", lifecycle=Lifecycle(manage=Manage.OBSERVE)))
    [told] = world.plan().diagnostics
    assert told.commands == (f"omnictl import o {theirs.key} --env test",)
    assert told.hint
    [told] = world.plan(elsewhere={theirs.key: "staging"}).diagnostics
    assert (told.commands, told.hint) == ((), "")


def test_a_key_that_another_environment_manages_is_not_imported() -> None:
    world = applied("a")
    theirs = world.account.plant(Attributes("Theirs", (VIBER,)))
    world.declare("b", declare("b", "Theirs", (VIBER,), import_key=theirs.key))
    assert codes(world) == []
    [told] = world.plan(elsewhere={theirs.key: "staging"}).diagnostics
    assert (told.code, "in the environment staging" in told.detail) == ("import-taken", True)


def test_a_key_that_two_environments_record_is_an_error_that_names_the_other_until_one_lets_go() -> None:
    world = applied("a", "b")
    elsewhere = {world.keys()["b"]: "staging"}
    [told] = world.plan(elsewhere=elsewhere).diagnostics
    assert (told.code, told.severity.value) == ("managed-twice", "error")
    assert told.detail.endswith("and so it is in the environment staging.")
    del world.files["b"]
    world.declare("new", declare("new", "Name of b", previous_ids=("b",)))
    assert [each.code for each in world.plan(elsewhere=elsewhere).diagnostics] == ["managed-twice"]
    del world.files["new"]
    plan = world.plan(elsewhere=elsewhere)
    assert (plan.diagnostics, [type(each).__name__ for each in plan.changes]) == ((), ["Forget"])


@pytest.mark.parametrize(
    ("twin", "known", "elsewhere", "told"),
    [
        ("Name of a", False, False, True),
        ("name of A ", False, False, True),
        ("Another", False, False, False),
        ("Name of a", True, False, False),
        ("Name of a", False, True, False),
    ],
)
def test_a_late_twin_is_one_that_was_not_there_before(twin: str, known: bool, elsewhere: bool, told: bool) -> None:
    world = applied("a")
    late = world.account.plant(Attributes(twin, (VK, SMS)))
    repeat = RepeatedCreate(
        address("a"), Attributes("Name of a", (VK, SMS)), NOW, known_keys=(late.key,) if known else ()
    )
    world.backend.stored = replace(world.state, repeated_creates=(repeat,))
    found = world.plan(elsewhere={late.key: "staging"} if elsewhere else {}).diagnostics
    assert [each.code for each in found] == (["late-twin"] if told else [])
    if told:
        assert world.keys()["a"] in found[0].detail
        assert late.key in found[0].detail


def _recorded(import_key: str | None, **more: Any) -> Scene:
    scene = Scene().both("anchor", "A").remember("b").unmanaged("Theirs")
    return scene.declare("b", import_key=import_key, **more)


THEIRS = next(key for key, each in _recorded(None).remotes.items() if each.attributes.name == "Theirs")


@pytest.mark.parametrize(
    ("key", "there", "commands"),
    [
        (THEIRS, "which is managed by nobody", ("omnictl state rm b",)),
        (key_of("anchor"), "which is recorded as anchor", ()),
        ("0" * 32, "which is not on the account", ()),
    ],
)
def test_an_import_line_that_the_record_contradicts_is_told(key: str, there: str, commands: tuple[str, ...]) -> None:
    plan = _recorded(key).plan()
    [told] = plan.diagnostics
    assert (plan.changes, told.code, told.severity, told.commands) == ((), "import-ignored", Severity.WARNING, commands)
    assert f"b is recorded with the key {key_of('b')} and imports {key}, {there}" in told.detail
    [told] = _recorded(THEIRS).plan(elsewhere={THEIRS: "staging"}).diagnostics
    assert "which is managed in the environment staging" in told.detail
    assert _recorded(key_of("b")).plan().diagnostics == ()


def test_an_import_line_that_a_rename_contradicts_is_told() -> None:
    scene = Scene().both("anchor", "A").remember("old").unmanaged("Theirs")
    [told] = scene.declare("new", import_key=THEIRS, previous_ids=("old",)).plan().diagnostics
    assert (told.code, told.commands) == ("import-ignored", ("omnictl state rm old",))
    [told] = scene.declare("new", import_key="NOWHERE", previous_ids=("old",)).plan().diagnostics
    assert told.code == "import-missing"
    assert scene.declare("new", import_key=key_of("old"), previous_ids=("old",)).plan().diagnostics == ()


def test_a_key_in_another_letter_case_is_offered() -> None:
    scene = Scene().both("anchor", "A").unmanaged("Theirs")
    theirs = next(reversed(scene.remotes))
    [told] = scene.declare("b", import_key=theirs.lower()).plan().diagnostics
    assert (told.code, told.hint) == ("import-missing", f"did you mean {theirs}?")


def test_a_key_that_a_file_of_a_neighbour_imports_too_is_taken() -> None:
    ours = Scene().unmanaged("Sale")
    [key] = ours.remotes
    ours.declare("mine", "Mine", import_key=key)
    theirs = Scene().declare("theirs", "Theirs", import_key=key)
    there = Neighbour("blue", theirs.state, {each.address: each for each in theirs.resources.values()})
    [told] = [each for each in ours.plan(neighbours=(there,)).diagnostics if each.code == "import-taken"]
    assert "managed in the environment blue (by its import: line)" in told.detail


def test_a_key_that_a_neighbour_gives_up_is_let_go_by_its_apply() -> None:
    theirs = Scene().remember("old", "Sale")
    [key] = theirs.remotes
    ours = Scene().declare("mine", "Sale", import_key=key)
    ours.remotes = dict(theirs.remotes)
    [told] = [
        each
        for each in ours.plan(neighbours=(Neighbour("blue", theirs.state, {}),)).diagnostics
        if each.code == "import-taken"
    ]
    assert "whose files no longer declare it" in told.detail
    assert told.commands == ("omnictl apply --env blue --only old",)
