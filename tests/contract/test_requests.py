"""The requests of an apply as the sandbox's own log shows them: those that the rules name and no other."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from omnictl.engine.view import Circumstances, Thresholds
from omnictl.model.outcome import ApplyReport, Fate
from omnictl.model.state import Account, State
from omnictl.operations.apply import Request, Workshop, run_apply
from omnictl.provider.base import StopSignal
from omnictl.sandbox.app import Sandbox
from omnictl.sandbox.store import World as SandboxWorld
from omnictl.state.base import LockHolder
from tests.contract.test_provider_sandbox import open_provider
from tests.property.stories import EVERYTHING_ALLOWED
from tests.worlds import World, declare


def now() -> datetime:
    return datetime.now(UTC)


def apply(world: World, sandbox: SandboxWorld, plan_id: str) -> ApplyReport:
    """Apply the files of the world to the sandbox."""
    provider = open_provider(Sandbox(sandbox))
    circumstances = Circumstances(
        plan_id=plan_id,
        created_at=now(),
        environment="test",
        account=Account(provider.host),
        thresholds=Thresholds(1.0, 10**6),
        allowed=EVERYTHING_ALLOWED,
    )
    try:
        return run_apply(
            Request(
                look_around=lambda provider, state: circumstances,
                approve=lambda plan: None,
                new_state=State("lineage", "test"),
                configuration=world.configuration,
            ),
            Workshop(
                open_provider=lambda state: provider,
                backend=world.backend,
                stop=StopSignal(),
                observe=world.events.append,
                clock=now,
                monotonic=lambda: now().timestamp(),
                workers=4,
                holder=LockHolder("apply", plan_id, now()),
            ),
        )
    finally:
        provider.close()


def logged(world: World, sandbox: SandboxWorld, plan_id: str) -> Counter[str]:
    """Return the requests that one apply added to the log."""
    before = len(sandbox.list_requests())
    report = apply(world, sandbox, plan_id)
    assert all(each.fate is Fate.DONE for each in report.outcomes)
    return Counter(each["operation"] for each in sandbox.list_requests()[before:])


def test_an_apply_sends_what_the_rules_name_and_nothing_else(tmp_path: Path) -> None:
    world, sandbox = World(), SandboxWorld(tmp_path / "world.sqlite")
    for each in "abcd":
        world.declare(each)
    assert logged(world, sandbox, "p1") == {"list": 1, "create": 4, "get": 1}
    assert logged(world, sandbox, "p2") == {"list": 1}
    world.declare("a", declare("a", "Edited"))
    world.declare("b", declare("b", default=True))
    world.declare("e")
    assert logged(world, sandbox, "p3") == {"list": 1, "create": 1, "update": 2, "get": 3}
    assert logged(world, sandbox, "p4") == {"list": 1}
