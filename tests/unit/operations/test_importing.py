"""The order of effects of an import: lock, reading, files, state; and one write of the state for all."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from omnictl.engine.adopting import choose_all
from omnictl.engine.view import Circumstances, View
from omnictl.errors import OutputError, RefusedError, StateWriteError
from omnictl.model.adoption import Draft
from omnictl.model.scenario import Attributes
from omnictl.model.state import Intent, State
from omnictl.operations.apply import Workshop
from omnictl.operations.importing import Imported, ImportRequest, Selected, run_import
from omnictl.provider.base import Operation
from omnictl.state.base import LockHolder
from tests.fake_account import problem
from tests.worlds import NOW, SMS, World, address, declare


@dataclass
class Importing:
    """An import of all that a world has, and what it did in which order."""

    world: World
    steps: list[str] = field(default_factory=list)
    fail: bool = False

    def __post_init__(self) -> None:
        self.world.backend.before_write = lambda state: self.steps.append(f"state {len(state.records)}")

    def run(self, *, keeps_state: bool = True, is_real: bool = True) -> Imported:
        world = self.world
        return run_import(
            ImportRequest(
                look_around=lambda provider, state: world.circumstances(),
                select=self._select,
                write=self._write,
                configuration=world.configuration,
                new_state=State("lineage", "test"),
                keeps_state=keeps_state,
                is_real=is_real,
            ),
            Workshop(
                open_provider=lambda state: world.account,
                backend=world.backend,
                stop=world.stop,
                observe=world.events.append,
                clock=world.clock,
                monotonic=lambda: 0.0,
                workers=1,
                holder=LockHolder("import", "run-1", NOW),
            ),
        )

    def _select(self, view: View, circumstances: Circumstances) -> Selected:
        self.steps.append(f"select {len(view.remotes)}")
        adoptions = choose_all(view, circumstances.elsewhere).adoptions
        drafts = tuple(Draft(each, "", "", "") for each in adoptions if each.resource is None)
        return Selected(adoptions, drafts, default=adoptions[0].address if adoptions else None)

    def _write(self, drafts: tuple[Draft, ...]) -> None:
        self.steps.append(f"files {len(drafts)}")
        if self.fail:
            raise OutputError(problem("full"))


@pytest.fixture
def importing() -> Importing:
    world = World()
    for name in ("A", "B", "C"):
        world.account.plant(Attributes(name, (SMS,)))
    return Importing(world)


def test_files_come_before_the_one_write_of_the_state(importing: Importing) -> None:
    imported = importing.run()
    assert importing.steps == ["select 3", "files 3", "state 3"]
    state = importing.world.state
    assert imported.reading.state == state
    assert (state.serial, state.listed, state.account_default.address) == (1, 3, address("a"))
    assert {operation for operation, _ in importing.world.account.requests} == {Operation.LIST}


def test_the_next_run_has_nothing_to_write(importing: Importing) -> None:
    importing.run()
    importing.steps.clear()
    importing.world.files = {each: declare(each, each.upper(), (SMS,)) for each in "abc"}
    importing.run()
    assert importing.steps == ["select 3", "files 0"]


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"is_real": False}, ["select 3"]),
        ({"keeps_state": False}, ["select 3", "files 3"]),
        ({"keeps_state": False, "is_real": False}, ["select 3"]),
    ],
)
def test_what_is_not_asked_for_is_not_written(importing: Importing, options: dict[str, bool], steps: list[str]) -> None:
    imported = importing.run(**options)
    assert importing.steps == steps
    assert importing.world.backend.stored is None
    assert len(imported.reading.state.records) == (3 if options.get("keeps_state", True) else 0)


def test_no_state_is_written_where_the_files_cannot_be(importing: Importing) -> None:
    importing.fail = True
    with pytest.raises(OutputError):
        importing.run()
    assert importing.world.backend.stored is None


def test_a_state_that_cannot_be_written_is_told(importing: Importing) -> None:
    importing.world.backend.fail_at = 0
    with pytest.raises(StateWriteError):
        importing.run()
    assert importing.steps == ["select 3", "files 3", "state 3"]


def test_nothing_is_read_while_a_create_is_open(importing: Importing) -> None:
    intent = Intent(address("open"), Attributes("A", (SMS,)), False, "run", NOW, NOW)
    importing.world.backend.stored = replace(State("lineage", "test"), intents=(intent,))
    with pytest.raises(RefusedError):
        importing.run()
    assert importing.steps == []
    assert importing.world.account.requests == []


def test_the_lock_is_held_from_the_reading_to_the_write(importing: Importing, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = importing.world.backend
    original: Callable[..., object] = type(backend).lock

    def lock(*args: object, **named: object) -> object:
        importing.steps.append("lock")
        return original(*args, **named)

    monkeypatch.setattr(type(backend), "lock", lock)
    importing.run()
    assert importing.steps == ["lock", "select 3", "files 3", "state 3"]
    importing.steps.clear()
    importing.run(keeps_state=False)
    assert "lock" not in importing.steps
