"""How often a state is written: a store takes one write a second, a file as many as there are."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from omnictl.errors import StoppedError
from omnictl.model.outcome import Fate
from omnictl.model.scenario import Attributes, Lifecycle, OnRemoval, Remote
from omnictl.model.state import State
from omnictl.operations.keeper import Keeper
from omnictl.provider.base import Budget, Capabilities, Operation, StopSignal
from omnictl.state.base import LockHolder
from tests.builders import NOW
from tests.fake_account import FakeAccount, problem
from tests.worlds import SMS, FakeBackend, World, declare

REQUEST_SECONDS = 1 / 16
WINDOW_SECONDS = 64.0
BURST = 4


@dataclass
class PacedWorld(World):
    """A world in a store, whose clock goes on with each request and each wait, and by nothing else."""

    backend: FakeBackend = field(default_factory=lambda: FakeBackend(is_local=False))
    seconds: float = 0.0
    written_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self

        class Stop(StopSignal):
            def wait(self, seconds: float) -> bool:
                world.sleep(seconds)
                return self.is_set

        self.stop = Stop()
        self.account.before_request = lambda operation, subject: self.sleep(REQUEST_SECONDS)
        self.backend.before_write = lambda state: self.written_at.append(self.seconds)

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    @property
    def pauses(self) -> list[float]:
        """The seconds between one write and the next."""
        return [later - earlier for earlier, later in zip(self.written_at, self.written_at[1:], strict=False)]


@dataclass
class PublishedAccount(FakeAccount):
    """An account with a budget of creates: so many in a window."""

    world: PacedWorld | None = None
    left: int = BURST
    opens_at: float = WINDOW_SECONDS
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            page_size=100, settle_seconds=0.0, budgets={Operation.CREATE: Budget(BURST, WINDOW_SECONDS)}
        )
    )

    def permits(self, operation: Operation) -> int:
        if operation is not Operation.CREATE or self.world is None:
            return super().permits(operation)
        if self.world.seconds >= self.opens_at:
            self.left, self.opens_at = BURST, self.world.seconds + WINDOW_SECONDS
        return self.left

    def seconds_until_permit(self, operation: Operation) -> float:
        if self.permits(operation) > 0 or self.world is None:
            return 0.0
        return self.opens_at - self.world.seconds

    def create(self, body: Attributes, *, default: bool, not_after: datetime | None = None) -> Remote:
        assert self.left > 0, "more than the budget was sent"
        self.left -= 1
        return super().create(body, default=default, not_after=not_after)


def declare_many(world: World, number: int) -> None:
    for each in range(number):
        world.declare(f"s-{each:03}", declare(f"s-{each:03}", lifecycle=Lifecycle(on_removal=OnRemoval.RETIRE)))


@pytest.mark.parametrize(("is_local", "written_at"), [(True, [0.0, 0.25, 0.25]), (False, [0.0, 1.0, 2.0])])
def test_a_store_is_left_alone_for_a_second_after_each_write(is_local: bool, written_at: list[float]) -> None:
    world = PacedWorld(backend=FakeBackend(is_local=is_local))
    keeper = Keeper(
        world.backend,
        State("l", "test"),
        LockHolder("apply", "run", NOW),
        exists=False,
        monotonic=world.monotonic,
        clock=world.clock,
        sleep=world.sleep,
    )
    for pause in (0.0, 0.25, 0.0):
        world.sleep(pause)
        keeper.advance(lambda state: replace(state, listed=state.listed + 1))
        keeper.flush()
    assert world.written_at == written_at


@pytest.mark.parametrize("workers", [1, 3, 10])
@pytest.mark.parametrize("creates", [1, 2, 150])
@pytest.mark.parametrize("fault", ["none", "lost", "dropped", "refused"])
def test_no_apply_writes_a_store_twice_in_a_second(workers: int, creates: int, fault: str) -> None:
    world = PacedWorld(workers=workers)
    world.account.faults[Operation.CREATE] = [] if fault == "none" else [fault]
    declare_many(world, creates)
    world.apply()
    assert min(world.pauses) >= 1.0
    world.written_at.clear()
    for number, each in enumerate(list(world.files)):
        if number % 3 == 0:
            world.declare(each, declare(each, f"New {number}"))
        elif number % 3 == 1:
            del world.files[each]
    world.declare("new", declare("new", default=True))
    assert all(each.fate is Fate.DONE for each in world.apply().outcomes)
    assert min(world.pauses) >= 1.0


def test_the_writes_of_an_apply_are_its_seconds() -> None:
    world = PacedWorld()
    declare_many(world, 160)
    report = world.apply()
    assert report.count(Fate.DONE) == 160
    first = world.backend.versions[0]
    assert first.plans
    assert len(first.intents) == 20
    assert len(world.written_at) <= world.seconds - world.written_at[0] + 1
    # Nothing waits for a write but the last one: the requests alone take so long.
    assert world.seconds <= len(world.account.requests) * REQUEST_SECONDS + 1.0


def test_nothing_waits_for_a_file() -> None:
    world = PacedWorld(backend=FakeBackend())
    declare_many(world, 30)
    world.apply()
    assert world.seconds == len(world.account.requests) * REQUEST_SECONDS


def test_at_the_published_throttle_every_key_is_stored_before_the_run_waits_for_long() -> None:
    account = PublishedAccount()
    world = PacedWorld(account=account)
    account.world = world
    declare_many(world, 3 * BURST)
    stored: list[tuple[int, int]] = []

    def look(operation: Operation, subject: str) -> None:
        world.sleep(REQUEST_SECONDS)
        if operation is Operation.CREATE and account.left == BURST - 1:
            stored.append((len(world.state.records), len(account.rows)))

    account.before_request = look
    assert world.apply().count(Fate.DONE) == 3 * BURST
    assert stored == [(0, 0), (BURST, BURST), (2 * BURST, 2 * BURST)]
    assert min(world.pauses) >= 1.0


def test_a_permit_that_comes_within_the_second_costs_one_write() -> None:
    account = PublishedAccount(opens_at=0.5)
    world = PacedWorld(account=account)
    account.world = world
    declare_many(world, 2 * BURST)
    assert world.apply().count(Fate.DONE) == 2 * BURST
    assert [len(each.records) for each in world.backend.versions] == [0, BURST, 2 * BURST]


# --- the first create of an empty account goes alone, and the intents of the others with its own -------------------


def test_a_first_create_that_is_refused_lets_no_other_become_the_default() -> None:
    world = PacedWorld(workers=4)
    world.account.faults[Operation.CREATE] = ["refused"]
    declare_many(world, 9)
    report = world.apply()
    assert [each.fate for each in report.outcomes] == [Fate.FAILED, *[Fate.NOT_TRIED] * 8]
    assert world.account.count(Operation.CREATE) == 1
    assert world.state.intents == ()


def test_a_first_create_that_is_put_back_still_goes_first() -> None:
    world = PacedWorld(workers=4)
    declare_many(world, 9)
    inner, names = world.account.create, list[str]()

    def create(body: Attributes, *, default: bool, not_after: datetime | None = None) -> Remote:
        names.append(body.name)
        if len(names) == 1:
            raise StoppedError(problem("too-old"))
        return inner(body, default=default, not_after=not_after)

    world.account.create = create  # type: ignore[method-assign]
    assert world.apply().count(Fate.DONE) == 9
    assert names[:2] == ["Name of s-000"] * 2
    assert world.state.account_default.key == world.keys()["s-000"]
    assert world.state.intents == ()


@pytest.mark.parametrize("fault", ["lost", "dropped"])
def test_the_others_follow_a_first_create_that_was_lost_and_found(fault: str) -> None:
    world = PacedWorld(workers=4)
    world.account.faults[Operation.CREATE] = [fault]
    declare_many(world, 9)
    assert world.apply().count(Fate.DONE) == 9
    assert len(world.account.rows) == 9
    assert world.state.account_default.key == world.keys()["s-000"]
    assert world.plan().changes == ()


def test_a_service_that_becomes_slow_gets_intents_back_that_would_grow_old() -> None:
    world = PacedWorld()
    world.account.plant(Attributes("theirs", (SMS,)))
    declare_many(world, 60)

    def be_slow(operation: Operation, subject: str) -> None:
        world.sleep(5.0)

    world.account.before_request = be_slow
    ages: list[float] = []
    inner = world.account.create

    def create(body: Attributes, *, default: bool, not_after: datetime | None = None) -> Remote:
        assert not_after is not None
        ages.append((not_after - world.clock()).total_seconds())
        return inner(body, default=default)

    world.account.create = create  # type: ignore[method-assign]
    assert world.apply().count(Fate.DONE) == 60
    assert min(ages) > 0.0
