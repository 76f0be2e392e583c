"""Files are rewritten, ids are renamed: every key stays with its scenario, and nothing is created a second time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from omnictl.model import scenario as model
from omnictl.model.address import make_address
from omnictl.model.plan import Guard
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, OnRemoval, Protection, Resource
from omnictl.model.state import AccountDefault, State
from omnictl.provider.base import Operation
from tests.worlds import SMS, VIBER, VK, Killed, World, declare

RETIRE = Lifecycle(on_removal=OnRemoval.RETIRE)
Step = Callable[[World], None]
Flow = tuple[model.Step, ...]


def start(*more: Resource, lifecycle: Lifecycle = Lifecycle()) -> World:
    """Return a world with anchor (the account default), one, two and three applied."""
    world = World()
    for each in ("anchor", "one", "two", "three"):
        world.declare(each, declare(each, lifecycle=lifecycle))
    for resource in more:
        world.declare(resource.address.removeprefix("scenario."), resource)
    world.apply()
    return world


def renamed(old: str, new: str, name: str | None = None, flow: Flow | None = None, **more: Any) -> Step:
    """Give a file another id, and perhaps another content; previous_ids only where it is given."""

    def step(world: World) -> None:
        was = world.files.pop(old)
        content = Attributes(
            was.attributes.name if name is None else name,
            was.attributes.flow if flow is None else flow,
        )
        kept = replace(was, address=make_address(new), attributes=content, previous_ids=())
        world.declare(new, replace(kept, **more))

    return step


def edited(scenario_id: str, **more: Any) -> Step:
    return renamed(scenario_id, scenario_id, **more)


def moved(old: str, new: str) -> Step:
    """``state mv``, as the command does it."""
    from omnictl.engine.surgery import move_record

    def step(world: World) -> None:
        world.backend.stored = move_record(world.state, make_address(old), make_address(new)).state

    return step


def all_of(*steps: Step) -> Step:
    def step(world: World) -> None:
        for each in steps:
            each(world)

    return step


def removed(scenario_id: str) -> Step:
    def step(world: World) -> None:
        del world.files[scenario_id]

    return step


def swapped(world: World) -> None:
    """The contents change places: the ids are the identity, so both are edited."""
    one, two = world.files["one"], world.files["two"]
    world.declare("one", replace(one, attributes=two.attributes))
    world.declare("two", replace(two, attributes=one.attributes))


def drifted(scenario_id: str) -> Step:
    def step(world: World) -> None:
        key = world.keys()[scenario_id]
        row = world.account.rows[key]
        world.account.rows[key] = replace(row, attributes=replace(row.attributes, name="By hand"))

    return step


def taken_back(scenario_id: str) -> Step:
    """A file goes, an apply forgets it, and the file comes back."""

    def step(world: World) -> None:
        was = world.files.pop(scenario_id)
        world.apply()
        world.declare(scenario_id, was)

    return step


# Each is applied by itself; the dictionary says which scenario an id stands for in the end.
KEPT: dict[str, tuple[Callable[[], World], list[Step], dict[str, str]]] = {
    "an id, with equal content": (start, [renamed("one", "uno")], {"uno": "one"}),
    "an id and its name, with previous_ids": (
        start,
        [renamed("one", "uno", "Uno", (VIBER,), previous_ids=("one",))],
        {"uno": "one"},
    ),
    "all ids at once": (
        start,
        [all_of(renamed("one", "uno"), renamed("two", "due"), renamed("three", "tre"))],
        {"uno": "one", "due": "two", "tre": "three"},
    ),
    "the holder of the default": (
        lambda: start(declare("holder", default=True)),
        [renamed("holder", "keeper")],
        {"keeper": "holder"},
    ),
    "the holder of the default, which is given up then": (
        lambda: start(declare("holder", default=True)),
        [renamed("holder", "keeper"), edited("keeper", default=None)],
        {"keeper": "holder"},
    ),
    "what drifted meanwhile": (
        start,
        [all_of(drifted("one"), renamed("one", "uno"))],
        {"uno": "one"},
    ),
    "what is retired on removal": (lambda: start(lifecycle=RETIRE), [renamed("one", "uno")], {"uno": "one"}),
    "what is protected": (
        lambda: start(lifecycle=Lifecycle(Protection.ALL)),
        [renamed("one", "uno")],
        {"uno": "one"},
    ),
    "a chain over several applies": (
        start,
        [
            renamed("one", "b", "B", previous_ids=("one",)),
            renamed("b", "c", "C", previous_ids=("one", "b")),
            renamed("c", "d", "D", previous_ids=("one", "b", "c")),
        ],
        {"d": "one"},
    ),
    "a chain of which an apply was left out": (
        start,
        [all_of(renamed("one", "b", "B", previous_ids=("one",)), renamed("b", "c", "C", previous_ids=("one", "b")))],
        {"c": "one"},
    ),
    "there and back": (start, [renamed("one", "uno"), renamed("uno", "one")], {"one": "one"}),
    "there and back, edited each time": (
        start,
        [
            renamed("one", "uno", "A", previous_ids=("one",)),
            renamed("uno", "one", "B", previous_ids=("uno",)),
        ],
        {"one": "one"},
    ),
    "round in a ring": (
        start,
        [
            renamed("one", "aside", previous_ids=("one",)),
            all_of(edited("aside"), renamed("two", "one", previous_ids=("two",))),
            all_of(edited("one"), renamed("aside", "two", previous_ids=("aside",))),
        ],
        {"one": "two", "two": "one"},
    ),
    "two ids by state mv": (
        start,
        [all_of(moved("one", "aside"), moved("two", "one"), moved("aside", "two"), swapped)],
        {"one": "two", "two": "one"},
    ),
    "an id by state mv, and edited": (
        start,
        [all_of(moved("one", "uno"), renamed("one", "uno", "Uno", (VIBER,)))],
        {"uno": "one"},
    ),
    "contents that change places": (start, [swapped], {"one": "one", "two": "two"}),
    "into an id that was forgotten": (
        lambda: start(declare("gone")),
        [removed("gone"), renamed("one", "gone", previous_ids=("one",))],
        {"gone": "one"},
    ),
    "a file that went and came back": (start, [taken_back("one")], {"one": "one"}),
    "what is edited in the same step": (start, [renamed("one", "uno", previous_ids=("one",))], {"uno": "one"}),
}


@pytest.mark.parametrize("case", KEPT)
def test_a_refactoring_keeps_every_key(case: str) -> None:
    make, steps, stands_for = KEPT[case]
    world = make()
    before, scenarios = dict(world.keys()), len(world.account.rows)
    for step in steps:
        step(world)
        assert not {each.guard for each in world.plan().guards} & {Guard.LIKELY_RENAME, Guard.UNMANAGED_TWIN}
        world.apply()
        assert world.plan().changes == ()
        assert len(world.account.rows) == scenarios
    after = dict(world.keys())
    assert {each: after[each] for each in stands_for} == {new: before[old] for new, old in stands_for.items()}
    untouched = set(world.files) - set(stands_for)
    assert {each: after[each] for each in untouched} == {each: before[each] for each in untouched}
    assert set(after) == set(world.files)
    holder = world.state.account_default.address
    assert holder is None or holder in world.state.records


@dataclass(frozen=True)
class Told:
    """What cannot be told from a new scenario, the guard or note that says so, and the line that keeps the key."""

    step: Step
    code: str
    line: str


def forgotten_first(step: Step) -> Step:
    """The removal is applied before the new file comes."""

    def both(world: World) -> None:
        files = dict(world.files)
        step(world)
        new = {name: each for name, each in world.files.items() if name not in files}
        for name in new:
            del world.files[name]
        world.apply()
        world.files |= new

    return both


IGNORING = Lifecycle(ignore_changes=(IgnoredField("name", "campaign"),))

TOLD: dict[str, Told] = {
    "the flow changed too": Told(renamed("one", "uno", flow=(VIBER,)), "likely-rename", "previous_ids: [one]"),
    "the name changed too": Told(renamed("one", "uno", "Uno"), "maybe-renamed", "previous_ids: [one]"),
    "forgotten, then another id": Told(
        forgotten_first(renamed("one", "uno")), "likely-rename", "import: {{test: {one}}}"
    ),
    "forgotten, then another id and name": Told(
        forgotten_first(renamed("one", "uno", "Uno", previous_ids=("one",))), "likely-rename", "import: {{test: {one}}}"
    ),
    "another id, its name left to others": Told(
        renamed("one", "uno", "Uno", lifecycle=IGNORING), "likely-rename", "previous_ids: [one]"
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_may_be_a_rename_is_said_with_the_line_that_makes_it_one(case: str) -> None:
    world = World()
    for each, flow in (("anchor", (SMS,)), ("one", (VK, SMS)), ("two", (VK,))):
        world.declare(each, declare(each, flow=flow))
    world.apply()
    before, scenarios = dict(world.keys()), len(world.account.rows)
    told = TOLD[case]
    told.step(world)
    plan = world.plan()
    said = [(each.guard.value, each.commands) for each in plan.guards]
    said += [(each.code, each.commands) for each in plan.diagnostics]
    line = told.line.format(**before)
    assert (told.code, (line,)) in said
    key, _, value = line.partition(": ")
    adopted = value.strip("{}").rpartition(": ")[2]
    more: dict[str, Any] = {"import_key": adopted} if key == "import" else {"previous_ids": (value.strip("[]"),)}
    world.declare("uno", replace(world.files["uno"], **more))
    world.apply()
    assert world.plan().changes == ()
    assert (world.keys()["uno"], len(world.account.rows)) == (before["one"], scenarios)


@pytest.mark.parametrize("name", ["Name of one", "Uno"])
@pytest.mark.parametrize(
    "selection",
    [{"only": ("uno",)}, {"only": ("one",)}, {"exclude": ("uno",)}, {"exclude": ("one",)}, {"only": ("two",)}],
    ids=str,
)
def test_a_selection_takes_a_rename_whole_or_not_at_all(name: str, selection: dict[str, tuple[str, ...]]) -> None:
    world = start()
    key, scenarios = world.keys()["one"], len(world.account.rows)
    renamed("one", "uno", name, previous_ids=("one",))(world)
    world.apply(None, **selection)
    is_taken = selection.get("only") in (("one",), ("uno",))
    assert {"one", "uno"} & set(world.keys()) == ({"uno"} if is_taken else {"one"})
    assert world.state.tombstones == ()
    world.apply()
    assert world.plan().changes == ()
    assert (world.keys()["uno"], len(world.account.rows)) == (key, scenarios)


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize("name", ["Name of new", "Other"])
def test_a_rename_while_a_create_is_open(name: str, *, happened: bool) -> None:
    world = start()
    world.declare("new")

    def die_before(operation: Operation, subject: str) -> None:
        if operation is Operation.CREATE:
            raise Killed

    def die_after(state: State) -> None:
        if make_address("new") in state.records:
            raise Killed

    if happened:
        world.backend.before_write = die_after
    else:
        world.account.before_request = die_before
    with pytest.raises(Killed):
        world.apply()
    assert [each.address for each in world.state.intents] == [make_address("new")]
    world.backend.before_write, world.account.before_request = None, None
    renamed("new", "newer", name, previous_ids=("new",))(world)
    world.apply()
    world.apply()
    assert world.plan().changes == ()
    assert len(world.account.rows) == 5
    assert set(world.keys()) == {"anchor", "one", "two", "three", "newer"}


def test_the_memory_of_the_default_follows_a_rename() -> None:
    world = start(declare("holder", default=True))
    key = world.keys()["holder"]
    renamed("holder", "keeper")(world)
    world.apply()
    assert world.state.account_default == AccountDefault(make_address("keeper"), key)
