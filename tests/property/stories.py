"""Random stories of an account: what others made, what the files said over time, what somebody edited by hand."""

from collections import Counter
from collections.abc import Callable, Iterable

from hypothesis import event
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.model.address import id_of
from omnictl.model.outcome import ApplyReport, Fate
from omnictl.model.plan import Guard
from omnictl.model.scenario import Attributes, Lifecycle, OnRemoval, Remote, Resource, Step
from tests.worlds import World, declare

NAMES = ["Orders", "orders ", "Alerts", "Order confirmations of the night", "Order confirmations of the day"]
FLOWS = [(Step("SMS", "A"),), (Step("VIBER", "V"), Step("SMS", "A")), (Step("VKONTAKTE"), Step("SMS", "B"))]
IDS = ["a", "b", "c", "d", "e"]
EVERY_SUBJECT = [*IDS, *(f"{each}-{again}" for each in IDS for again in "xy"), "all"]
EVERYTHING_ALLOWED = frozenset((guard, subject) for guard in Guard for subject in EVERY_SUBJECT)

Edit = tuple[str, str, Attributes]
Normalise = Callable[[Attributes], Attributes]


def _as_sent(attributes: Attributes) -> Attributes:
    return attributes


def _strip(attributes: Attributes) -> Attributes:
    return replace(attributes, name=attributes.name.strip())


def _lower(attributes: Attributes) -> Attributes:
    return replace(attributes, name=attributes.name.lower())


def _cut(attributes: Attributes) -> Attributes:
    return replace(attributes, name=attributes.name[:20])


NORMALISERS: list[Normalise] = [_strip, _lower, _cut]

attributes = st.builds(Attributes, st.sampled_from(NAMES), st.sampled_from(FLOWS))
faults = st.lists(st.sampled_from(["", "lost", "dropped", "refused"]), max_size=5)
EDITS = [
    "add",
    "come back",
    "come back",
    "come back",
    "edit",
    "rename",
    "rename by line",
    "rename with its name",
    "rename with its name",
    "move",
    "remove",
    "remove",
    "default",
    "retire",
    "retire",
    "release",
]


edits = st.lists(st.tuples(st.sampled_from(EDITS), st.sampled_from(IDS), attributes), max_size=8)
founding = st.lists(st.tuples(st.just("add"), st.sampled_from(IDS), attributes), min_size=1, max_size=6)


@st.composite
def worlds(draw: st.DrawFn, *, normalise: Normalise = _as_sent) -> World:
    """Return a world with a history of up to three applies, and files that nobody has applied yet."""
    world = World(workers=draw(st.sampled_from([1, 3])))
    world.account.normalise = normalise
    for each in draw(st.lists(attributes, max_size=3)):
        world.account.plant(each)
    edit_files(world, draw(founding))
    for _ in range(draw(st.sampled_from([0, 1, 1, 2, 2, 3]))):
        world.apply()
        drift(world, draw(st.lists(st.tuples(st.integers(0, 9), attributes), max_size=2)))
        edit_files(world, draw(edits))
    return world


def edit_files(world: World, steps: Iterable[Edit]) -> None:
    """Change the files step by step; a step that does not fit what is there does nothing."""
    for word, scenario_id, body in steps:
        name = next((each for each in (scenario_id, f"{scenario_id}-x", f"{scenario_id}-y") if each in world.files), "")
        if word == "come back":
            for left in (id_of(each.address) for each in world.state.tombstones):
                world.files.setdefault(left, replace(declare(left), attributes=body))
        elif word == "add":
            if not name:
                removal = OnRemoval.RETIRE if scenario_id in "de" else OnRemoval.FORGET
                new = declare(scenario_id, lifecycle=Lifecycle(on_removal=removal))
                world.files[scenario_id] = replace(new, attributes=body)
        elif name and word == "follow":
            shown = world.account.rows.get(world.keys().get(name, ""))
            world.files[name] = replace(world.files[name], attributes=shown.attributes if shown else body)
        elif name:
            _edit_one(world.files, word, name, scenario_id, body)
    for name, each in world.files.items():
        fitting = tuple(old for old in each.previous_ids if old not in world.files)
        world.files[name] = replace(each, previous_ids=fitting)


def _edit_one(files: dict[str, Resource], word: str, name: str, scenario_id: str, body: Attributes) -> None:
    was = files[name]
    match word:
        case "edit":
            files[name] = replace(was, attributes=body)
        case "remove":
            del files[name]
        case "retire":
            files[name] = replace(was, lifecycle=Lifecycle(on_removal=OnRemoval.RETIRE))
        case "release":
            files[name] = replace(was, default=None)
        case "default":
            for other, each in files.items():
                files[other] = replace(each, default=True if other == name else None)
        case _:
            new = f"{scenario_id}-y" if name.endswith("-x") else f"{scenario_id}-x"
            previous = (name,) if word == "rename by line" else ()
            files[new] = replace(files.pop(name), address=declare(new).address, previous_ids=previous)
            if word == "rename with its name":
                files[new] = replace(files[new], attributes=replace(was.attributes, name=body.name))
            if word == "move":
                files[new] = replace(files[new], attributes=replace(was.attributes, flow=body.flow))


def drift(world: World, steps: Iterable[tuple[int, Attributes]]) -> None:
    """Let somebody edit scenarios by hand, ours and others."""
    for number, body in steps:
        keys = sorted(world.account.rows)
        if keys:
            key = keys[number % len(keys)]
            world.account.rows[key] = replace(world.account.rows[key], attributes=world.account.normalise(body))


def owned(world: World) -> set[str]:
    """Return the keys that the state knows: records and tombstones."""
    state = world.state
    return {record.key for record in state.records.values()} | {each.key for each in state.tombstones}


def others(world: World) -> dict[str, Remote]:
    """Return the scenarios of the account that are not ours."""
    mine = owned(world)
    return {key: remote for key, remote in world.account.rows.items() if key not in mine}


def finish(world: World, runs: int = 8) -> ApplyReport:
    """Apply until everything is done."""
    for _ in range(runs):
        report = world.apply(allowed=EVERYTHING_ALLOWED)
        if all(each.fate is Fate.DONE for each in report.outcomes):
            return report
    raise AssertionError(f"not done after {runs} runs")


def assert_settled(world: World, theirs: dict[str, Remote], mine: set[str]) -> None:
    """Hold a finished world to the promise: each scenario once, nothing lost, nothing of others touched.

    ``theirs`` and ``mine`` are what was not ours and the keys that were, before the first run.
    """
    rows, state = world.account.rows, world.state
    declared = Counter(each.attributes for each in world.files.values())
    assert Counter(record.applied for record in state.records.values()) == declared
    assert {record.key for record in state.records.values()} <= rows.keys()
    assert len({record.key for record in state.records.values()}) == len(world.files)
    for address, record in state.records.items():
        resource = world.configuration.resources[address]
        assert rows[record.key].attributes == world.account.normalise(resource.attributes)
    assert mine <= owned(world), "a key was lost"
    assert rows.keys() - owned(world) == theirs.keys(), "a create was doubled, or a scenario of others was taken"
    assert {key: rows[key].attributes for key in theirs} == {key: each.attributes for key, each in theirs.items()}
    assert state.intents == ()
    wanted = [each for each in world.files.values() if each.default]
    holders = [key for key, remote in rows.items() if remote.is_default]
    assert len(holders) == min(1, len(rows))
    assert not wanted or holders == [state.records[wanted[0].address].key]
    assert world.plan().changes == ()


def tell(world: World) -> Counter[str]:
    """Tell hypothesis, and return, which kinds of change the plan of a world has."""
    plan = world.plan()
    words = Counter(type(each).__name__ for each in plan.changes)
    words.update(f"guard {each.guard}" for each in plan.guards)
    words.update(["unmanaged"] if plan.unmanaged else [])
    words.update(["from a tombstone"] if any(getattr(each, "from_tombstone", False) for each in plan.changes) else [])
    for word in words:
        event(word)
    return words
