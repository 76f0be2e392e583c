"""Small worlds for tests: an account, a memory and files, and one call that applies."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from omnictl.engine.planner import make_plan
from omnictl.engine.view import Circumstances, Thresholds, View
from omnictl.errors import StateError, StateWriteError
from omnictl.model.address import Address, make_address
from omnictl.model.outcome import ApplyReport, Event
from omnictl.model.plan import Plan
from omnictl.model.scenario import Attributes, Configuration, Lifecycle, Resource, Step
from omnictl.model.state import Account, State
from omnictl.operations.apply import Request, Workshop, run_apply
from omnictl.provider.base import StopSignal
from omnictl.state.base import Aside, Hold, LockHolder, StateVersion
from omnictl.state.hold import SureHold
from tests.builders import managing
from tests.fake_account import FakeAccount, problem

NOW = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)


class Killed(BaseException):
    """The process dies here."""


@dataclass
class FakeBackend:
    """A memory that can fail, and that keeps every version."""

    stored: State | None = None
    versions: list[State] = field(default_factory=list)
    fail_at: int | None = None
    before_write: Callable[[State], None] | None = None
    rescued: State | None = None
    hold: Hold = field(default_factory=SureHold)
    location: str = "memory"
    is_local: bool = True
    has_conditional_writes: bool = True

    def read(self) -> State | None:
        return self.stored

    def write(self, state: State) -> None:
        if self.before_write is not None:
            self.before_write(state)
        if self.fail_at is not None and len(self.versions) >= self.fail_at:
            raise StateWriteError(problem("full"))
        if self.stored is not None and state.serial <= self.stored.serial:
            raise AssertionError("the serial must rise")
        self.stored = state
        self.versions.append(state)

    @contextmanager
    def lock(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> Iterator[Hold]:
        yield self.hold

    def describe_lock(self) -> LockHolder | None:
        return None

    def unlock(self) -> LockHolder | None:
        return None

    def history(self) -> tuple[StateVersion, ...]:
        return ()

    def read_version(self, lineage: str, serial: int) -> State:
        raise StateError(problem())

    def set_aside(self) -> Aside:
        raise StateError(problem())

    def save_errored(self, state: State) -> str:
        self.rescued = state
        return "rescued.json"


class QuickStop(StopSignal):
    """A stop signal whose waits take no time."""

    def wait(self, seconds: float) -> bool:
        return self.is_set


@dataclass
class World:
    """Files, memory and account; the clock moves by a second with each look at it."""

    account: FakeAccount = field(default_factory=FakeAccount)
    backend: FakeBackend = field(default_factory=FakeBackend)
    files: dict[str, Resource] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    stop: StopSignal = field(default_factory=QuickStop)
    workers: int = 1
    ticks: int = 0
    plans: int = 0

    def __repr__(self) -> str:
        files = {name: (each.attributes, each.default) for name, each in self.files.items()}
        rows = {key[-4:]: (each.attributes, each.is_default) for key, each in self.account.rows.items()}
        records = {name: key[-4:] for name, key in self.keys().items()}
        return f"World(files={files}, account={rows}, records={records}, workers={self.workers})"

    def clock(self) -> datetime:
        self.ticks += 1
        return NOW + timedelta(seconds=self.ticks)

    def monotonic(self) -> float:
        return float(self.ticks)

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.ticks += math.ceil(seconds)

    def declare(self, scenario_id: str, resource: Resource | None = None) -> None:
        """Write a file."""
        self.files[scenario_id] = resource or declare(scenario_id)

    @property
    def configuration(self) -> Configuration:
        return Configuration({each.address: each for _, each in sorted(self.files.items())})

    def circumstances(self, elsewhere: Mapping[str, str] | None = None, **settings: object) -> Circumstances:
        self.plans += 1
        base: dict[str, object] = {
            "plan_id": f"plan-{self.plans}",
            "created_at": self.clock(),
            "environment": "test",
            "account": Account(self.account.host),
            "thresholds": Thresholds(share=1.0, count=10**6),
            "neighbours": managing(elsewhere or {}),
        }
        return Circumstances(**{**base, **settings})  # type: ignore[arg-type]

    @property
    def state(self) -> State:
        return self.backend.stored or State("lineage", "test")

    def plan(self, **settings: Any) -> Plan:
        """Plan from what is there now, without reading anything."""
        view = View(self.configuration, self.state, dict(self.account.rows))
        return make_plan(view, self.circumstances(**settings))

    def apply(self, saved: Plan | None = None, **settings: Any) -> ApplyReport:
        """Apply the files, or a saved plan; every guard that fires is allowed."""
        circumstances = self.circumstances(**settings)
        plan = saved or self.plan(**settings)
        allowed = frozenset((each.guard, each.subject) for each in plan.guards)
        circumstances = self.circumstances(**{"allowed": allowed, **settings})
        del plan
        return run_apply(
            Request(
                look_around=lambda provider, state: circumstances,
                approve=lambda plan: None,
                new_state=State("lineage", "test"),
                saved_plan=saved,
                configuration=self.configuration,
            ),
            Workshop(
                open_provider=lambda state: self.account,
                backend=self.backend,
                stop=self.stop,
                observe=self.events.append,
                clock=self.clock,
                monotonic=self.monotonic,
                workers=self.workers,
                holder=LockHolder("apply", "run-1", NOW),
                sleep=self.sleep,
            ),
        )

    def keys(self) -> Mapping[str, str]:
        """Return the recorded key of each id."""
        return {address.removeprefix("scenario."): record.key for address, record in self.state.records.items()}


SMS = Step("SMS", "InfoSMS")
VK = Step("VKONTAKTE")
VIBER = Step("VIBER", "Acme")


def declare(
    scenario_id: str,
    name: str | None = None,
    flow: tuple[Step, ...] = (VK, SMS),
    *,
    default: bool | None = None,
    lifecycle: Lifecycle = Lifecycle(),
    previous_ids: tuple[str, ...] = (),
    import_key: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Resource:
    """Return a declared scenario."""
    return Resource(
        address=make_address(scenario_id),
        attributes=Attributes(name if name is not None else f"Name of {scenario_id}", flow),
        default=default,
        lifecycle=lifecycle,
        previous_ids=previous_ids,
        import_key=import_key,
        labels=labels or {},
    )


def address(scenario_id: str) -> Address:
    """Return an address."""
    return make_address(scenario_id)
