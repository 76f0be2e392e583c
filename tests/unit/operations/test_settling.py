"""Unknown creates: looked for at once, then waited for, looked for twice, and only then repeated."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from omnictl.errors import OutcomeUnknownError, RefusedError, StoppedError
from omnictl.model.outcome import Fate, Settling, Waiting
from omnictl.model.scenario import Attributes
from omnictl.model.state import Intent
from omnictl.provider.base import Operation
from omnictl.state.hold import SureHold
from tests.fake_account import FakeAccount, problem
from tests.worlds import NOW, SMS, VIBER, VK, World, address, declare


def crashed(*, created: bool, settle_seconds: float = 0.0) -> World:
    """A world in which a run was killed after the intent of "a", before or after its create."""
    world = World()
    world.account.capabilities = replace(world.account.capabilities, settle_seconds=settle_seconds)
    world.declare("first")
    world.apply()
    world.declare("a")
    body = world.files["a"].attributes
    late = NOW + timedelta(hours=1)
    intent = Intent(address("a"), body, default=False, run="r", created_at=NOW, not_after=late)
    world.backend.stored = replace(world.state, serial=world.state.serial + 1, intents=(intent,))
    if created:
        world.account.plant(body)
    world.account.requests.clear()
    return world


def test_what_was_created_is_recorded_and_not_repeated() -> None:
    world = crashed(created=True)
    report = world.apply()
    assert report.outcomes == ()
    assert world.account.count(Operation.CREATE) == 0
    assert world.plan().changes == ()


def test_what_was_not_created_is_repeated_and_watched() -> None:
    world = crashed(created=False)
    assert world.apply().count(Fate.DONE) == 1
    assert world.account.count(Operation.CREATE) == 1
    assert [each.address for each in world.state.repeated_creates] == ["scenario.a"]


def test_absence_is_waited_for() -> None:
    world = crashed(created=False, settle_seconds=30.0)
    world.apply()
    kinds = [type(each) for each in world.events]
    assert Settling in kinds
    assert any(isinstance(each, Waiting) and each.reason == "settle" for each in world.events)


def test_absence_is_waited_for_in_full_where_the_clock_counts_whole_seconds() -> None:
    world = crashed(created=False, settle_seconds=30.0)
    world.apply()
    waits = [each.seconds for each in world.events if isinstance(each, Waiting) and each.reason == "settle"]
    # The clock says that a second has passed since the sender ended, which may have been a moment; each look is a tick.
    assert waits[0] == 30.0 - 1.0


class Leased(SureHold):
    """A lock that was let go by the run ``last``; of any other nobody knows whether it has ended."""

    def __init__(self, last: str) -> None:
        self.last = last

    def has_ended(self, run: str) -> bool:
        return run == self.last


@pytest.mark.parametrize(("last", "waits"), [("r", 30.0), ("another", 60.0 + 30.0 + 7.0)])
def test_only_the_run_that_let_the_lock_go_has_ended_and_not_one_before_it(last: str, waits: float) -> None:
    """Another run passed over the dead one, was stopped, and let go: that proves nothing of the dead one."""
    world = crashed(created=False, settle_seconds=30.0)
    world.account.capabilities = replace(world.account.capabilities, request_timeout_seconds=7.0)
    world.backend.hold = Leased(last)
    world.apply()
    waited = [each.seconds for each in world.events if isinstance(each, Waiting) and each.reason == "settle"]
    assert waited[0] == pytest.approx(waits, abs=2.0)


def test_a_late_create_is_found_after_the_wait() -> None:
    world = crashed(created=False, settle_seconds=30.0)
    body = world.files["a"].attributes

    def appear(operation: Operation, subject: str) -> None:
        readings = world.account.count(Operation.LIST)
        if operation is Operation.LIST and readings > 2 and not _has(world.account, body):
            world.account.plant(body)

    world.account.before_request = appear
    world.apply()
    assert world.account.count(Operation.CREATE) == 0
    assert world.plan().changes == ()


@pytest.mark.parametrize("jump", [timedelta(hours=5), timedelta(hours=-5)], ids=["forward", "back"])
@pytest.mark.parametrize("when", ["while the create is lost", "in the middle of the wait"])
def test_a_clock_that_jumps_makes_nobody_believe_too_early_or_wait_for_ever(jump: timedelta, when: str) -> None:
    """What this run sent itself is waited for by the clock that nobody sets."""
    world = JumpingWorld()
    world.account.capabilities = replace(world.account.capabilities, settle_seconds=30.0)
    world.declare("first")
    world.apply()
    world.declare("a")
    world.events.clear()
    lost_at: list[float] = []
    looked_at: list[float] = []

    def lose(operation: Operation, subject: str) -> None:
        if operation is Operation.CREATE and not lost_at:
            lost_at.append(world.monotonic())
            if when == "while the create is lost":
                world.offset = jump
            raise OutcomeUnknownError(problem("outcome-unknown"))
        if operation is Operation.LIST and subject == "0" and lost_at:
            looked_at.append(world.monotonic())
            if when == "in the middle of the wait":
                world.offset = jump

    world.account.before_request = lose
    assert world.apply().count(Fate.DONE) == 1
    assert world.account.count(Operation.CREATE) == 3
    assert len(looked_at) == 3
    assert 30.0 <= looked_at[1] - lost_at[0] <= 45.0


class JumpingWorld(World):
    """A world whose wall clock can be set."""

    offset = timedelta()

    def clock(self) -> datetime:
        return super().clock() + self.offset


def _has(account: FakeAccount, body: Attributes) -> bool:
    return any(each.attributes == body for each in account.rows.values())


def test_a_stop_while_waiting_keeps_the_intent() -> None:
    world = crashed(created=False, settle_seconds=60.0)
    world.stop.request("SIGTERM")
    with pytest.raises(StoppedError):
        world.apply()
    assert len(world.state.intents) == 1


@pytest.mark.parametrize("change", ["edited", "removed", "renamed"])
def test_the_files_after_a_crash_change_nothing_of_it(change: str) -> None:
    world = crashed(created=True)
    body = world.files["a"].attributes
    key = next(each.key for each in world.account.rows.values() if each.attributes == body)
    if change == "edited":
        world.declare("a", declare("a", "Edited", (VIBER, VK, SMS)))
    else:
        del world.files["a"]
    if change == "renamed":
        world.declare("b", declare("b", "Name of a"))
    world.apply()
    assert world.account.count(Operation.CREATE) == 0
    known = {each.key for each in world.state.records.values()} | {each.key for each in world.state.tombstones}
    assert key in known
    assert world.plan().changes == ()


def test_too_many_matches_stop_with_the_commands_that_choose() -> None:
    world = crashed(created=True)
    twin = world.account.plant(world.files["a"].attributes)
    with pytest.raises(RefusedError) as caught:
        world.apply()
    commands = caught.value.diagnostics[0].commands
    assert f"omnictl state settle a --key {twin.key}" in commands
    assert "omnictl state settle a --absent" in commands
    assert len(world.state.intents) == 1
