"""The bulk under a throttle, a stop and a bug: what is sent, what is told, what is kept."""

import threading
import time
from dataclasses import dataclass, field

import pytest

from omnictl.errors import AccessError, StateWriteError, StoppedError
from omnictl.model.outcome import Ending, Fate, Waiting
from omnictl.model.scenario import Attributes, Remote
from omnictl.model.state import State
from omnictl.provider.base import Budget, Capabilities, Operation
from tests.fake_account import FakeAccount, problem
from tests.worlds import VIBER, World, declare


@dataclass
class ThrottledAccount(FakeAccount):
    """Takes a few creates, then none for some looks at it."""

    left: int = 2
    refills: int = 3
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            page_size=3, settle_seconds=0.0, budgets={Operation.CREATE: Budget(2, 600.0)}
        )
    )

    def permits(self, operation: Operation) -> int:
        return self.left if operation is Operation.CREATE else super().permits(operation)

    def seconds_until_permit(self, operation: Operation) -> float:
        if self.permits(operation) > 0:
            return 0.0
        self.refills -= 1
        if self.refills % 2 == 0:
            self.left = 2
            return 0.0
        return 0.01

    def create(self, body: Attributes, *, default: bool, not_after: object = None) -> Remote:
        assert self.left > 0, "more than the budget was sent"
        self.left -= 1
        return super().create(body, default=default)


def test_waits_for_the_budget_and_says_why() -> None:
    world = World(account=ThrottledAccount())
    for name in "abcde":
        world.declare(name)
    assert world.apply().count(Fate.DONE) == 5
    waits = [each for each in world.events if isinstance(each, Waiting)]
    assert waits[0].reason == "budget"
    assert waits[0].limit == 2


def test_every_key_is_durable_before_the_run_waits() -> None:
    world = World(account=ThrottledAccount())
    for name in "abcd":
        world.declare(name)
    inner = world.account.seconds_until_permit

    def look(operation: Operation) -> float:
        if world.account.permits(operation) == 0:
            assert world.backend.stored is not None
            assert len(world.backend.stored.records) == len(world.account.rows)
            assert world.backend.stored.intents == ()
        return inner(operation)

    world.account.seconds_until_permit = look  # type: ignore[method-assign]
    assert world.apply().count(Fate.DONE) == 4


def test_an_intent_that_grew_too_old_is_made_anew() -> None:
    world = World()
    world.declare("a")
    world.declare("b")
    refused: list[str] = []
    inner = world.account.create

    def create(body: Attributes, *, default: bool, not_after: object = None) -> Remote:
        if not refused:
            refused.append(body.name)
            raise StoppedError(problem("too-old"))
        return inner(body, default=default)

    world.account.create = create  # type: ignore[method-assign]
    assert world.apply().count(Fate.DONE) == 2
    assert world.state.intents == ()


def test_lost_access_ends_the_run() -> None:
    world = World()
    for name in "abc":
        world.declare(name)
    world.account.plant(Attributes("x", (VIBER,)))

    def create(body: Attributes, *, default: bool, not_after: object = None) -> Remote:
        raise AccessError(problem("unauthorized"))

    world.account.create = create  # type: ignore[method-assign]
    report = world.apply()
    assert [each.fate for each in report.outcomes] == [Fate.FAILED, Fate.NOT_TRIED, Fate.NOT_TRIED]
    assert report.writes_sent == 0
    assert world.state.intents == ()


def test_a_bug_keeps_the_intent_and_is_raised_at_the_end() -> None:
    world = World()
    for name in "ab":
        world.declare(name)
    inner = world.account.create

    def create(body: Attributes, *, default: bool, not_after: object = None) -> Remote:
        inner(body, default=default)
        raise ZeroDivisionError

    world.account.create = create  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        world.apply()
    assert [each.address for each in world.state.intents] == ["scenario.a"]
    world.account.create = inner  # type: ignore[method-assign]
    world.apply()
    assert len(world.account.rows) == 2
    assert world.plan().changes == ()


def test_updates_beside_creates() -> None:
    world = World(workers=3)
    for name in "abc":
        world.declare(name)
    world.apply()
    for name in "abc":
        world.declare(name, declare(name, f"New {name}"))
    world.declare("d")
    report = world.apply()
    assert report.ending is Ending.FINISHED
    assert report.count(Fate.DONE) == 4
    assert world.plan().changes == ()


def test_what_arrives_after_a_while_is_durable_while_more_is_in_flight() -> None:
    """The first outcome after a pause is written at once, not when the run ends or a wave needs its intents."""
    world = World(workers=1)
    for name in ("a", "b", "c"):
        world.declare(name)
    world.apply()
    durable: list[set[str]] = []
    for name in ("a", "b", "c"):
        world.declare(name, declare(name, f"New {name}"))
    put = world.account.update

    def look(current: Remote, desired: Attributes, *, default: bool) -> Remote:
        world.ticks += 2
        durable.append({record.applied.name for record in world.backend.stored.records.values()})  # type: ignore[union-attr]
        return put(current, desired, default=default)

    world.account.update = look  # type: ignore[method-assign]
    world.apply()
    assert "New a" in durable[1]
    assert {"New a", "New b"} <= durable[2]


def test_no_put_follows_a_state_write_that_failed() -> None:
    world = World(workers=2)
    for name in "abcd":
        world.declare(name)
    world.apply()
    for name in "abcd":
        world.declare(name, declare(name, f"New {name}"))
    read, puts = world.account.get, list[str]()
    put = world.account.update
    failed, begun = threading.Event(), threading.Event()

    def read_slowly(key: str) -> Remote | None:
        if key == world.keys()["b"]:
            begun.set()
            assert failed.wait(30)
            time.sleep(0.3)  # the run takes note of it
        return read(key)

    def count_puts(current: Remote, desired: Attributes, *, default: bool) -> Remote:
        assert begun.wait(30)
        puts.append(desired.name)
        return put(current, desired, default=default)

    def fail(state: State) -> None:
        if any(record.applied.name == "New a" for record in state.records.values()):
            failed.set()
            raise StateWriteError(problem("full"))

    world.account.get, world.account.update = read_slowly, count_puts  # type: ignore[method-assign]
    world.backend.before_write = fail
    report = world.apply()
    assert "New b" not in puts
    assert any(each.code == "state-not-saved" for each in report.diagnostics)
