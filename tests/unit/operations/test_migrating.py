"""Taking a state elsewhere: nothing is lost wherever it is cut, and nobody goes on in the old place."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.errors import OmnictlError, RefusedError, StateError, StateMovedError, UsageError
from omnictl.model.address import make_address
from omnictl.model.scenario import Attributes
from omnictl.model.state import Intent, State, Writing
from omnictl.operations.migrating import Migrated, migrate_state
from omnictl.state.base import Hold, LockHolder, StateBackend
from omnictl.state.blobs import MemoryStore
from omnictl.state.hold import SureHold
from omnictl.state.local.backend import LocalBackend
from omnictl.state.stored import StoredBackend
from tests.builders import example_scene

HOLDER = LockHolder("state migrate", "run-1", datetime(2026, 11, 30, 7, 0, tzinfo=UTC), label="CI run 8790")
STATE = replace(example_scene().state, environment="test", serial=118)


@contextmanager
def no_lock(backend: StateBackend) -> Iterator[Hold]:
    yield SureHold()


def migrate(source: StateBackend, target: StateBackend, *, is_real: bool = True) -> Migrated:
    lock: Callable[[StateBackend], AbstractContextManager[Hold]] = no_lock
    return migrate_state(source, target, HOLDER, lock, moved_to="there", is_real=is_real)


class Places:
    """A file and a store; each look at them is a new run."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder, self.objects = tmp_path, MemoryStore()

    @property
    def file(self) -> StateBackend:
        return LocalBackend(self.folder / "test.json", work_dir=self.folder / ".omnictl", environment="test")

    @property
    def store(self) -> StateBackend:
        return StoredBackend(self.objects, work_dir=self.folder, environment="test", make_token=lambda: "t")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path)
    made.file.write(STATE)
    return made


def code(act: Callable[[], object]) -> str:
    with pytest.raises(OmnictlError) as refused:
        act()
    return refused.value.diagnostics[0].code


def test_the_state_is_there_and_no_longer_here(places: Places) -> None:
    migrated = migrate(places.file, places.store)
    assert migrated == Migrated(replace(STATE, serial=119, written=Writing(HOLDER.since, "CI run 8790")), False)
    assert places.store.read() == migrated.state
    with pytest.raises(StateMovedError) as moved:
        places.file.read()
    assert (moved.value.state.content, moved.value.state.moved_to) == (STATE.content, "there")
    assert "was taken to there by state migrate" in moved.value.diagnostics[0].detail


def test_it_goes_back_the_same_way_with_what_was_done_since(places: Places) -> None:
    migrate(places.file, places.store)
    store = places.store
    there = store.read()
    assert there is not None
    store.write(replace(there, serial=there.serial + 40, listed=999))
    migrate(places.store, places.file)
    back = places.file.read()
    assert back is not None
    assert (back.listed, back.serial, back.moved_to) == (999, 160, None)
    with pytest.raises(StateMovedError):
        places.store.read()


def test_a_dry_run_writes_nothing(places: Places) -> None:
    assert migrate(places.file, places.store, is_real=False).state.serial == 119
    assert (places.store.read(), places.file.read()) == (None, STATE)


def test_cut_after_the_copy_the_same_command_goes_on(places: Places) -> None:
    places.store.write(replace(STATE, serial=119))
    assert migrate(places.file, places.store).was_copied
    assert places.store.read() == replace(STATE, serial=119)
    assert code(places.file.read) == "state-moved-away"


@pytest.mark.parametrize("there", [replace(STATE, listed=7), replace(STATE, lineage="other")], ids=["newer", "foreign"])
def test_a_place_that_holds_something_else_is_left_alone(places: Places, there: State) -> None:
    places.store.write(there)
    assert code(lambda: migrate(places.file, places.store)) == "migrate-target-used"
    assert (places.store.read(), places.file.read()) == (there, STATE)


def test_where_nothing_is_and_where_creates_are_open_nothing_moves(places: Places) -> None:
    assert code(lambda: migrate(places.store, places.file)) == "no-state"
    now = datetime(2026, 11, 30, tzinfo=UTC)
    intent = Intent(make_address("x"), Attributes("X", ()), False, "run", now, now + timedelta(minutes=1))
    file = places.file
    file.read()
    file.write(replace(STATE, serial=119, intents=(intent,)))
    with pytest.raises(RefusedError, match="open-intents"):
        migrate(places.file, places.store)
    assert places.store.read() is None


def test_a_store_that_gives_back_something_else_is_told_and_the_old_place_holds(places: Places) -> None:
    class Forgetful(StoredBackend):
        def read(self) -> State | None:
            state = super().read()
            return state and replace(state, listed=0)

    forgetful = Forgetful(MemoryStore(), work_dir=places.folder, environment="test", make_token=lambda: "t")
    with pytest.raises(StateError, match="migrate-differs"):
        migrate(places.file, forgetful)
    assert places.file.read() == STATE


def test_one_place_by_two_names_is_never_marked_as_moved_to_itself(places: Places) -> None:
    class Alias(StoredBackend):
        location = "memory?region=x"

    def alias() -> StateBackend:
        return Alias(places.objects, work_dir=places.folder, environment="test", make_token=lambda: "t")

    places.store.write(STATE)
    for target in (alias, lambda: places.store):
        for is_real in (True, False):
            with pytest.raises(UsageError, match="same-place"):
                migrate(places.store, target(), is_real=is_real)
    assert places.store.read() == STATE

    def lock_once(backend: StateBackend) -> AbstractContextManager[Hold]:
        locked.append(backend.location)
        return no_lock(backend)

    locked: list[str] = []
    with pytest.raises(UsageError):
        migrate_state(places.store, alias(), HOLDER, lock_once, moved_to="there", is_real=True)
    assert locked == ["memory"]
