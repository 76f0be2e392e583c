"""What is said where the state was saved beside the user: one advice, and commands that work as they stand."""

from dataclasses import replace

import pytest

from omnictl.cli.apply_output import code_of_report
from omnictl.cli.exit_codes import ExitCode
from omnictl.errors import StateWriteError
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.outcome import ApplyStopped
from omnictl.model.state import State
from omnictl.render.apply_words import say_what_next
from omnictl.state.base import Leftover
from omnictl.state.hold import SureHold
from tests.fake_account import problem
from tests.worlds import World


class Held(SureHold):
    """A lock of which something stays."""

    def __init__(self, leftover: Leftover) -> None:
        self.leftover = leftover


def apply_without_store(leftover: Leftover, code: str) -> tuple[Diagnostic, ...]:
    """Apply where the outcomes cannot be written, for a reason; return what the report tells."""
    world = World()
    world.declare("a")
    world.backend.hold = Held(leftover)

    def fail(state: State) -> None:
        if state.records:
            raise StateWriteError(replace(problem(code), hint="run the same command again", commands=("x",)))

    world.backend.before_write = fail
    return world.apply().diagnostics


@pytest.mark.parametrize(
    ("leftover", "code", "commands"),
    [
        (Leftover(), "full", ("omnictl state push rescued.json",)),
        (Leftover(60), "unreachable", ("omnictl state push --lock-timeout 2m rescued.json",)),
        (Leftover(180), "unreachable", ("omnictl state push --lock-timeout 4m rescued.json",)),
        (Leftover(60), "state-moved", ("omnictl state push --lock-timeout 10m rescued.json",)),
        (Leftover(), "state-moved", ("omnictl state push rescued.json",)),
        (Leftover(None), "lock-cleared", ("omnictl state push --lock-timeout 10m rescued.json",)),
        (
            Leftover(None, "L 1"),
            "unreachable",
            ("omnictl state unlock --force 'L 1'", "omnictl state push rescued.json"),
        ),
    ],
)
def test_the_commands_get_past_the_lock_of_the_run_itself(
    leftover: Leftover, code: str, commands: tuple[str, ...]
) -> None:
    told = next(each for each in apply_without_store(leftover, code) if each.code == "state-not-saved")
    assert told.commands == commands
    assert ("the first command clears it" in told.hint) is bool(leftover.lock_id)


@pytest.mark.parametrize("code", ["state-moved", "database-lock-lost", "lock-cleared", "lock-lost"])
def test_who_was_overtaken_gets_one_advice(code: str) -> None:
    first, told = apply_without_store(Leftover(60), code)
    assert (first.code, first.hint, first.commands) == (code, "", ())
    assert told.hint.startswith("put back what only this run knows")


def test_a_stop_whose_state_is_not_stored_does_not_say_that_it_is_saved_nor_that_all_is_in_order() -> None:
    world = World()
    for name in ("a", "b", "c"):
        world.declare(name)

    def fail(state: State) -> None:
        if state.records:
            world.stop.request("the lock of the state was lost")
            raise StateWriteError(problem("lock-lost"))

    world.backend.before_write = fail
    report = world.apply()
    [told] = [each for each in world.events if isinstance(each, ApplyStopped)]
    assert not told.is_saved
    assert code_of_report(report) is ExitCode.PARTIAL
    why, _ = say_what_next(report)
    assert why.startswith("Stopped, but not in good order (the lock of the state was lost); see the messages.")


def test_a_cause_that_can_be_mended_keeps_its_advice() -> None:
    first, told = apply_without_store(Leftover(60), "full")
    assert first.hint == "run the same command again"
    assert told.hint == "mend the cause, then put the state back before anything else"
