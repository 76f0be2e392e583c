"""The requests of an apply: those that the rules name and no other, and never more at once than workers."""

import threading
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from omnictl.errors import ReadingError
from omnictl.model.outcome import Fate
from omnictl.model.scenario import Attributes, Lifecycle, OnRemoval, Remote
from omnictl.model.state import AccountDefault
from omnictl.provider.base import Operation
from tests.fake_account import problem
from tests.mortal import Moment, Watch, watch_next_run
from tests.worlds import SMS, VIBER, Killed, World, address, declare

OF_SCENARIOS = (Operation.LIST, Operation.GET, Operation.CREATE, Operation.UPDATE)
RETIRE = Lifecycle(on_removal=OnRemoval.RETIRE)


def counted(world: World) -> dict[str, int]:
    """Apply once; return how many requests of each kind were sent."""
    world.account.requests.clear()
    assert all(each.fate is Fate.DONE for each in world.apply().outcomes)
    counts = {each.value: world.account.count(each) for each in OF_SCENARIOS}
    assert sum(counts.values()) == len(world.account.requests)
    return counts


def applied(*ids: str, workers: int = 1) -> World:
    world = World(workers=workers)
    for each in ids:
        world.declare(each, declare(each, lifecycle=RETIRE))
    world.apply()
    return world


def pages(world: World) -> int:
    return len(world.account.rows) // world.account.capabilities.page_size + 1


each_width = pytest.mark.parametrize("workers", [1, 3, 10])


@each_width
@pytest.mark.parametrize("creates", [1, 2, 7])
def test_on_an_empty_account_the_first_create_is_read_back_and_nothing_else(workers: int, creates: int) -> None:
    world = World(workers=workers)
    for number in range(creates):
        world.declare(f"s-{number}")
    assert counted(world) == {"list": 1, "get": 1, "create": creates, "update": 0}
    kinds = [kind for kind, _ in world.account.requests]
    assert kinds[:2] == [Operation.LIST, Operation.CREATE]
    assert (Operation.GET, world.keys()["s-0"]) in world.account.requests[2:]


def test_nothing_waits_for_the_first_create_to_be_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(workers=2)
    for each in "abc":
        world.declare(each)
    read, others = world.account.get, threading.Event()
    create = world.account.create

    def read_late(key: str) -> Remote | None:
        assert others.wait(30), "the others waited for the reading"
        return read(key)

    def create_and_tell(body: Attributes, **rest: Any) -> Remote:
        made = create(body, **rest)
        if len(world.account.rows) == 3:
            others.set()
        return made

    monkeypatch.setattr(world.account, "get", read_late)
    monkeypatch.setattr(world.account, "create", create_and_tell)
    assert all(each.fate is Fate.DONE for each in world.apply().outcomes)
    assert world.state.account_default.key == world.keys()["a"]


def test_a_default_that_cannot_be_read_back_is_said_when_all_else_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(workers=2)
    for each in "abc":
        world.declare(each)

    def refuse(key: str) -> Remote | None:
        raise ReadingError(problem("cannot-read"))

    monkeypatch.setattr(world.account, "get", refuse)
    report = world.apply()
    assert all(each.fate is Fate.DONE for each in report.outcomes)
    assert [each.code for each in report.diagnostics] == ["cannot-read"]


def test_a_first_create_that_is_not_the_default_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.declare("a")
    read = world.account.get

    def without_flag(key: str) -> Remote | None:
        remote = read(key)
        return remote and replace(remote, is_default=False)

    monkeypatch.setattr(world.account, "get", without_flag)
    assert [each.code for each in world.apply().diagnostics] == ["default-not-taken"]


@each_width
def test_creates_are_one_request_and_updates_two(workers: int) -> None:
    world = applied("a", "b", "c", "d", workers=workers)
    for each in "bcd":
        world.declare(each, declare(each, f"New {each}"))
    for each in "vwxyz":
        world.declare(each)
    assert counted(world) == {"list": 2, "get": 3, "create": 5, "update": 3}


@each_width
def test_a_default_that_moves_is_read_back_once(workers: int) -> None:
    world = applied("a", "b", "c", workers=workers)
    world.declare("b", declare("b", default=True))
    assert counted(world) == {"list": 2, "get": 2, "create": 0, "update": 1}
    assert world.account.rows[world.keys()["b"]].is_default


def test_everything_at_once() -> None:
    world = applied("a", "b", "c", "d", "e", workers=3)
    theirs = world.account.plant(Attributes("By hand", (SMS,)))
    before = pages(world)
    world.declare("a", declare("a", "Edited"))
    del world.files["b"]  # retired: a GET and a PUT
    world.declare("c-new", replace(world.files.pop("c"), address=declare("c-new").address))  # no request
    world.declare("new", declare("new", default=True))
    world.declare("adopted", declare("adopted", "Mine", (VIBER,), import_key=theirs.key))
    assert counted(world) == {"list": before, "get": 3 + 2, "create": 1, "update": 3 + 1}


@each_width
def test_without_a_change_only_the_pages_are_read(workers: int) -> None:
    world = applied("a", "b", "c", "d", workers=workers)
    assert counted(world) == {"list": 2, "get": 0, "create": 0, "update": 0}
    del world.files["d"]
    world.declare("d", declare("d"))
    assert counted(world) == {"list": 2, "get": 0, "create": 0, "update": 0}


@each_width
def test_never_more_requests_are_in_flight_than_workers_and_so_many_are(workers: int) -> None:
    world = applied(*(f"s-{number:02}" for number in range(29)), workers=workers)
    for number in range(1, 15):
        world.declare(f"s-{number:02}", declare(f"s-{number:02}", "Edited"))
    for number in range(15):
        world.declare(f"new-{number:02}")
    watch = watch_next_run(world, Watch(overlap=workers, patience_seconds=1.0))
    world.account.requests.clear()
    assert all(each.fate is Fate.DONE for each in world.apply().outcomes)
    assert watch.most_flying == workers
    assert watch.counts["request"] == len(world.account.requests) == 10 + 15 + 2 * 14


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("moves", ["the first create", "a flip"])
def test_a_resumed_plan_remembers_the_default_wherever_it_was_cut(moves: str, moment: Moment) -> None:
    for at in range(1, 9):
        world = World()
        if moves == "a flip":
            world.declare("a")
            world.declare("b")
            world.apply()
        else:
            world.declare("c")
        world.declare("b", declare("b", default=True))
        saved = world.plan(allowed=frozenset((each.guard, each.subject) for each in world.plan().guards))
        watch = watch_next_run(world, Watch(moment, at))
        with suppress(Killed):
            world.apply(saved)
        watch.await_silence()
        watch_next_run(world, Watch())
        world.apply(saved)
        assert world.state.account_default == AccountDefault(address("b"), world.keys()["b"]), at
