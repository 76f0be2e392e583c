"""What is remembered of the account default, and the change that moves it."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from omnictl.model.address import id_of
from omnictl.model.change import Adopt, Create, Rename, SetDefault
from omnictl.model.plan import DefaultMemory, Plan
from omnictl.model.scenario import Lifecycle, Manage
from tests.builders import Scene, key_of
from tests.worlds import address


def flips(plan: Plan) -> list[SetDefault]:
    return [each for each in plan.changes if isinstance(each, SetDefault)]


def held(scenario_id: str = "a") -> Scene:
    """Two recorded scenarios, of which one holds the default and no file says so."""
    return Scene().both("a", "A").both("b", "B").holds_default(scenario_id)


def memory(before: str | None, after: str | None, *, managed: bool = False, released: bool = False) -> DefaultMemory:
    return DefaultMemory(
        key_of(before) if before else None,
        address(before) if before else None,
        address(after) if after else None,
        managed,
        released,
    )


def declared(scene: Scene, scenario_id: str = "b") -> Scene:
    return scene.declare(scenario_id, scenario_id.upper(), default=True)


def never_ours(scene: Scene) -> Scene:
    """Forget that this environment once declared the default."""
    scene.default = None
    return scene


def theirs(scene: Scene) -> Scene:
    """Let a scenario that nobody here manages hold the default."""
    scene.unmanaged("Theirs", "PUSH")
    key = next(reversed(scene.remotes))
    scene.remotes[key] = replace(scene.remotes[key], is_default=True)
    return scene


@pytest.mark.parametrize(
    ("scene", "expected", "moves"),
    [
        (lambda: never_ours(held()), memory("a", "a"), False),
        (held, memory("a", "a", released=True), False),
        (lambda: Scene().both("a"), memory(None, None), False),
        (lambda: declared(held("b")), memory("b", "b", managed=True), False),
        (lambda: declared(held()), memory("a", "b", managed=True), True),
        (lambda: declared(Scene().both("a").both("b", "B")), memory(None, "b", managed=True), True),
        (lambda: declared(held(), "new"), memory("a", "new", managed=True), True),
    ],
)
def test_what_is_remembered(scene: Callable[[], Scene], expected: DefaultMemory, moves: bool) -> None:
    plan = scene().plan()
    assert plan.default == expected
    assert bool(flips(plan)) == moves


def test_the_change_names_who_wins_and_who_loses() -> None:
    [flip] = flips(declared(held()).plan())
    resource = declared(held()).resources["b"]
    assert flip == SetDefault(
        address("b"),
        key_of("b"),
        resource.attributes,
        key_of("a"),
        address("a"),
        held().resources["a"].attributes,
        resource.sources["default"],
    )


def test_the_loser_may_be_nobody_or_a_stranger() -> None:
    [flip] = flips(declared(Scene().both("a").both("b", "B")).plan())
    assert (flip.previous_key, flip.previous, flip.previous_attributes) == (None, None, None)
    scene = declared(theirs(Scene().both("b", "B")))
    [flip] = flips(scene.plan())
    assert (flip.previous_key, flip.previous) == (next(reversed(scene.remotes)), None)
    assert flip.previous_key is not None
    assert flip.previous_attributes == scene.remotes[flip.previous_key].attributes
    assert scene.plan().default == DefaultMemory(flip.previous_key, None, address("b"), managed=True)


def test_the_change_stands_where_the_file_says_default_or_begins() -> None:
    scene = declared(held())
    scene.resources["b"] = replace(scene.resources["b"], sources={"": scene.resources["b"].sources[""]})
    [flip] = flips(scene.plan())
    assert flip.source == scene.resources["b"].source


def adopted() -> Scene:
    scene = held().unmanaged("New")
    return declared(scene).declare("new", "New", "SMS:InfoSMS", import_key=next(reversed(scene.remotes)))


@pytest.mark.parametrize(
    ("scene", "kind", "key"),
    [
        (lambda: declared(held(), "new"), Create, None),
        (lambda: _one_default(adopted(), "new"), Adopt, f"{0xFACE0002:032X}"),
        (lambda: held().remember("old").declare("new", default=True, previous_ids=("old",)), Rename, key_of("old")),
        (lambda: held().declare("new", default=True).remember("new", vanished=True), Create, None),
    ],
)
def test_the_key_of_the_winner_is_the_one_that_it_has_after_the_other_changes(
    scene: Callable[[], Scene], kind: type, key: str | None
) -> None:
    plan = scene().plan()
    [flip] = flips(plan)
    assert [type(each) for each in plan.changes if each.address == address("new")] == [kind, SetDefault]
    assert (id_of(flip.address), flip.key) == ("new", key)


def _one_default(scene: Scene, scenario_id: str) -> Scene:
    scene.resources = {name: replace(each, default=name == scenario_id) for name, each in scene.resources.items()}
    return scene


def test_who_is_not_selected_does_not_win() -> None:
    scene = declared(held())
    plan = scene.plan(only=("a",))
    assert flips(plan) == []
    assert plan.default == memory("a", "a", managed=True)
    assert flips(scene.plan(only=("b",)))


def test_a_winner_that_does_not_come_to_be_does_not_win() -> None:
    """An observed scenario that the account does not show is not created."""
    scene = held().declare("new", default=True, lifecycle=Lifecycle(manage=Manage.OBSERVE)).declare("other")
    plan = scene.plan()
    assert flips(plan) == []
    assert plan.default == memory("a", "a", managed=True)


def test_several_defaults_are_told_whatever_happens() -> None:
    scene = theirs(held())
    for each in (scene.plan(), declared(scene).plan(), declared(scene).plan(only=("a",)), declared(scene, "a").plan()):
        assert [diagnostic.code for diagnostic in each.diagnostics] == ["several-defaults"]


@pytest.mark.parametrize(
    ("declares", "only", "expected"),
    [
        (None, (), memory(None, "x")),
        ("y", (), memory(None, "y", managed=True)),
        ("y", ("x",), memory(None, "x")),
        ("x", (), memory(None, "x", managed=True)),
    ],
)
def test_the_first_create_of_an_empty_account_becomes_the_default(
    declares: str | None, only: tuple[str, ...], expected: DefaultMemory
) -> None:
    scene = Scene()
    for each in ("y", "x"):
        scene.declare(each, default=each == declares or None)
    plan = scene.plan(only=only)
    assert plan.default == expected
    marked = [each.address for each in plan.changes if isinstance(each, Create) and each.becomes_default]
    assert marked == [expected.after]


def test_an_empty_account_stays_without_default_where_nothing_is_created() -> None:
    plan = Scene().remember("gone", vanished=True).plan()
    assert plan.default == memory(None, None)
