"""Random lives of two environments with one account: whatever moves between them, nothing is made a second time."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.engine.adopting import adopt_all, choose_all, choose_one
from omnictl.engine.neighbours import Neighbourhood, leave_to_neighbours
from omnictl.engine.view import Neighbour, View
from omnictl.errors import OmnictlError
from omnictl.model.address import id_of, make_address
from omnictl.model.adoption import Choice
from omnictl.model.change import Adopt, Retire
from omnictl.model.plan import Guard
from omnictl.model.scenario import Lifecycle, OnRemoval, Resource
from tests.fake_account import FakeAccount
from tests.worlds import World, declare

NAMES = ("blue", "green")
HOLDING = {Guard.UNMANAGED_TWIN, Guard.LIKELY_RENAME, Guard.VANISHED}
STEPS = st.tuples(
    st.sampled_from(
        ["apply", "apply", "move", "rename", "new id", "edited there", "remove", "back", "adopt", "adopt all"]
    ),
    st.integers(0, 2),
    st.sampled_from(NAMES),
)


@dataclass
class Shared:
    """Two environments, the files of a few scenarios, and which scenario each key was made for.

    A file keeps its id, or names it in ``previous_ids``: what changes everything at once is a warning, and no promise.
    """

    retires: bool
    account: FakeAccount = field(default_factory=FakeAccount)
    worlds: dict[str, World] = field(default_factory=dict)
    files: dict[int, Resource] = field(default_factory=dict)
    homes: dict[int, str] = field(default_factory=dict)
    removed: dict[int, Resource] = field(default_factory=dict)
    made_for: dict[str, int] = field(default_factory=dict)
    number: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.worlds = {name: World(self.account) for name in NAMES}
        lifecycle = Lifecycle(on_removal=OnRemoval.RETIRE) if self.retires else Lifecycle()
        for soul, name in enumerate(("blue", "blue", "green")):
            self.files[soul] = replace(declare(f"s{soul}", f"Name {soul}"), lifecycle=lifecycle)
            self.homes[soul] = name
        for name in NAMES:
            self.apply(name)

    def beside(self, name: str) -> tuple[Neighbour, ...]:
        return tuple(
            Neighbour(other, world.state, {each.address: each for each in self.files_of(other).values()})
            for other, world in self.worlds.items()
            if other != name
        )

    def files_of(self, name: str) -> Mapping[int, Resource]:
        return {soul: each for soul, each in self.files.items() if self.homes[soul] == name}

    def view(self, name: str) -> View:
        world = self.worlds[name]
        world.files = {id_of(each.address): each for each in self.files_of(name).values()}
        return View(world.configuration, world.state, dict(self.account.rows))

    def do(self, step: str, soul: int, name: str) -> None:
        file = self.files.get(soul)
        if step == "apply":
            self.apply(name)
        elif step in ("adopt", "adopt all"):
            with suppress(OmnictlError):
                self.adopt(name, soul if step == "adopt" else None)
        elif step == "back" and file is None:
            self.files[soul], self.homes[soul] = self.removed.pop(soul), name
        elif step == "edited there":
            for key, other in self.made_for.items():
                if other == soul:
                    remote = self.account.rows[key]
                    attributes = replace(remote.attributes, name=f"Theirs {next(self.number)}")
                    self.account.rows[key] = replace(remote, attributes=attributes)
        elif file is not None:
            self.edit(step, soul, file, name)

    def edit(self, step: str, soul: int, file: Resource, name: str) -> None:
        if step == "move":
            self.homes[soul] = name
        elif step == "remove":
            self.removed[soul] = self.files.pop(soul)
        elif step == "rename":
            attributes = replace(file.attributes, name=f"Ours {next(self.number)}")
            self.files[soul] = replace(file, attributes=attributes)
        else:
            before = (*file.previous_ids, id_of(file.address))
            address = make_address(f"s{soul}-{next(self.number)}")
            self.files[soul] = replace(file, address=address, previous_ids=before)

    def apply(self, name: str) -> None:
        """Apply, unless a guard holds it back that only a person may allow."""
        world, view = self.worlds[name], self.view(name)
        plan = world.plan(neighbours=self.beside(name))
        if not HOLDING & {each.guard for each in plan.guards}:
            for each in plan.changes:
                left = isinstance(each, Retire) and self.made_for.get(each.recorded.key) in self.files
                assert not left, f"{id_of(each.address)} was retired, and a file declares it"
            world.apply(neighbours=self.beside(name))
            self.check(name, view)

    def check(self, name: str, before: View) -> None:
        known = {each.key for each in before.state.records.values()}
        owners = {each.address: soul for soul, each in self.files_of(name).items()}
        for address, record in self.worlds[name].state.records.items():
            soul = owners[address]
            if record.key not in before.remotes:
                assert soul not in self.made_for.values(), f"{id_of(address)} was made a second time"
                self.made_for[record.key] = soul
            if record.key not in known and record.key in self.made_for:
                assert self.made_for[record.key] == soul, f"{id_of(address)} got the key of another one"

    def adopted_beside(self, name: str) -> set[str]:
        """Return the keys that the next plans of the others take up: an import never changes the plan of another."""
        found = set()
        for other in (each for each in NAMES if each != name):
            self.view(other)
            plan = self.worlds[other].plan(neighbours=self.beside(other))
            found |= {each.key for each in plan.changes if isinstance(each, Adopt)}
        return found

    def adopt(self, name: str, soul: int | None) -> None:
        """Adopt what a scenario is, as the commands of the guards do it, or everything that is nobody's."""
        view = self.view(name)
        hood = Neighbourhood(self.worlds[name].circumstances(neighbours=self.beside(name)), view.remotes)
        if soul is None:
            found = leave_to_neighbours(choose_all(view, hood.spoken_for, contested=hood.contested), hood)
            assert not self.adopted_beside(name) & {each.remote.key for each in found.adoptions}
            choice = Choice(tuple(each for each in found.adoptions if each.resource is not None))
        else:
            key = next((key for key, other in self.made_for.items() if other == soul), "")
            if self.homes[soul] != name or soul not in self.files:
                return
            choice = choose_one(view, hood.claimed, self.files[soul].address, key)
        state = adopt_all(view.state, choice.adoptions, None, self.worlds[name].clock())
        for each in choice.adoptions:
            owner = next(other for other, file in self.files_of(name).items() if file.address == each.address)
            assert self.made_for[each.remote.key] == owner, f"{id_of(each.address)} took the key of another one"
        self.worlds[name].backend.stored = replace(state, serial=state.serial + 1)


MOVED = [("move", 1, "green"), ("apply", 1, "blue"), ("adopt", 1, "green")]


@given(st.booleans(), st.lists(STEPS, max_size=14))
@example(True, [*MOVED, ("move", 1, "blue"), ("apply", 1, "green"), ("apply", 1, "blue")])
@example(False, [("remove", 1, "blue"), ("apply", 1, "blue"), ("back", 1, "blue"), ("adopt all", 0, "green")])
def test_nothing_that_moves_between_environments_is_made_twice(
    retires: bool, steps: list[tuple[str, int, str]]
) -> None:
    shared = Shared(retires)
    for step, soul, name in steps:
        shared.do(step, soul, name)
