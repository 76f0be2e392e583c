"""A realm for the state machine: the real provider over the real sandbox, a memory, files, and a time that is told.

Nothing waits: whoever sleeps moves the clock. Everything that the account ever held is known by whose it is.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from omnictl.engine.rebuild import Claim
from omnictl.engine.view import Circumstances, Thresholds
from omnictl.errors import LockHeldError
from omnictl.model.outcome import ApplyReport, Event, KeyReceived
from omnictl.model.plan import Guard, Plan
from omnictl.model.scenario import Attributes, Configuration, Resource, Step
from omnictl.model.state import Account, State
from omnictl.operations.apply import Request, Workshop, run_apply
from omnictl.operations.plan import plan_from_reading, read_and_settle
from omnictl.operations.rebuilding import Rebuilding, rebuild
from omnictl.provider.base import Provider, StopSignal
from omnictl.provider.factory import make_provider
from omnictl.sandbox import account as service
from omnictl.sandbox.app import Sandbox
from omnictl.sandbox.errors import ConnectionCutError
from omnictl.sandbox.later import commit_due
from omnictl.sandbox.store import Stored
from omnictl.sandbox.store import World as Service
from omnictl.state.base import Hold, LockHolder
from omnictl.state.hold import SureHold
from omnictl.transport.credentials import make_credentials
from omnictl.transport.in_process import make_in_process_transport
from tests.fake_account import problem
from tests.mortal import Watch
from tests.property.stories import EVERYTHING_ALLOWED
from tests.worlds import FakeBackend

SETTLE_SECONDS = 60.0
START = datetime(2026, 11, 20, 9, 12, tzinfo=UTC).timestamp()
NOBODY: frozenset[tuple[Guard, str]] = frozenset()


class Time:
    """A clock that moves only when somebody waits, so that the same life takes the same time. In seconds."""

    def __init__(self) -> None:
        self.now = START
        self._lock = threading.Lock()

    def move(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self.now += seconds

    def seconds(self) -> float:
        """Return the time in seconds since 1970."""
        return self.now

    def utc(self) -> datetime:
        """Return the time as omnictl sees it, to the second."""
        return datetime.fromtimestamp(self.seconds(), UTC).replace(microsecond=0)


class PatientStop(StopSignal):
    """A stop signal whose waits move the clock."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._time = time

    def wait(self, seconds: float) -> bool:
        self._time.move(max(0.0, seconds))
        return self.is_set


@dataclass
class WatchedProvider:
    """A provider at whose requests a run can die."""

    inner: Provider
    watch: Watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def list_page(self, page: int) -> Any:
        with self.watch.request():
            return self.inner.list_page(page)

    def get(self, key: str) -> Any:
        with self.watch.request():
            return self.inner.get(key)

    def create(self, body: Attributes, **more: Any) -> Any:
        with self.watch.request():
            return self.inner.create(body, **more)

    def update(self, *arguments: Any, **more: Any) -> Any:
        with self.watch.request():
            return self.inner.update(*arguments, **more)


@dataclass
class Memory(FakeBackend):
    """A memory with a lock that one run at a time holds, and whose writes are watched."""

    watch: Watch = field(default_factory=Watch)
    held: bool = False

    def write(self, state: State) -> None:
        with self.watch.write():
            super().write(state)

    @contextmanager
    def lock(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> Iterator[Hold]:
        if self.held:
            raise LockHeldError(problem("lock-held"))
        self.held = True
        try:
            yield SureHold()
        finally:
            self.held = False  # as the system does it when the process is gone


@dataclass
class Realm:
    """One account, one state, the files of one environment."""

    time: Time = field(default_factory=Time)
    service: Service = field(default_factory=lambda: Service(None))
    memory: Memory = field(default_factory=Memory)
    files: dict[str, Resource] = field(default_factory=dict)
    planted: dict[str, Attributes] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    workers: int = 1
    plans: int = 0

    # --- the account, as others see and change it -----------------------------------------------------------

    def rows(self) -> dict[str, Stored]:
        """Return everything that the account holds now, by key; what is late has not come yet."""
        commit_due(self.service, self.service.behaviour, self.time.now)
        return {each.key: each for each in self.service.list_all()}

    def plant(self, body: Attributes, *, default: bool = False) -> str:
        """Create a scenario as somebody else would; returns its key."""
        made = service.create(self.service, self.service.behaviour, as_document(body), default, self.time.now)
        self.planted[made.key] = as_attributes(made)
        return made.key

    def edit(self, key: str, body: Attributes, *, default: bool = False) -> None:
        """Change a scenario as somebody else would."""
        made = service.update(
            self.service, self.service.behaviour, key, as_document(body), True if default else None, self.time.now
        )
        if made is not None and key in self.planted:
            self.planted[key] = as_attributes(made)

    def made_by_us(self) -> set[str]:
        """Return the keys on the account that no other made."""
        return set(self.rows()) - set(self.planted)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing of the service is still to go wrong, or to appear."""
        late = self.service.has_due(self.time.now + 1e6)
        return not late and not self.service.list_faults() and not self.service.behaviour.list_lag_seconds

    # --- runs ------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What is stored."""
        return self.memory.stored or State("lineage", "test")

    @property
    def configuration(self) -> Configuration:
        """What the files declare."""
        return Configuration({each.address: each for _, each in sorted(self.files.items())})

    def owned(self) -> set[str]:
        """Return the keys that the state remembers."""
        return owned_by(self.state)

    def circumstances(self, host: str, allowed: frozenset[tuple[Guard, str]], **more: Any) -> Circumstances:
        """Return what a plan depends on."""
        self.plans += 1
        return Circumstances(
            plan_id=f"plan-{self.plans}",
            created_at=self.time.utc(),
            environment="test",
            account=Account(host),
            thresholds=Thresholds(share=1.0, count=10**6),
            allowed=allowed,
            **more,
        )

    @contextmanager
    def provider(self, stop: StopSignal, observe: Callable[[Event], None], watch: Watch) -> Iterator[WatchedProvider]:
        """The provider over the sandbox, in this time."""
        app = Sandbox(self.service, clock=self.time.seconds, sleep=self.time.move)
        opened = make_provider(
            "http://127.0.0.1",
            make_credentials("any-key", source="the test"),
            workers=self.workers,
            budgets={},
            recent={},
            stop=stop,
            observe=observe,
            clock=self.time.utc,
            monotonic=self.time.seconds,
            random=lambda: 0.5,
            wait=stop.wait,
            settle_seconds=SETTLE_SECONDS,
            transport=make_in_process_transport(app, cut_errors=(ConnectionCutError,)),
        )
        yield WatchedProvider(opened, watch)
        if not watch.dead:
            opened.close()

    def plan(self, *, allowed: frozenset[tuple[Guard, str]] = NOBODY, **more: Any) -> Plan:
        """Plan, and change nothing."""
        with self.provider(PatientStop(self.time), lambda event: None, Watch()) as provider:
            circumstances = self.circumstances(provider.host, allowed, **more)
            reading = read_and_settle(
                provider, self.state, circumstances, workers=self.workers, observe=lambda event: None
            )
            return plan_from_reading(reading, self.configuration, circumstances)

    def rebuild(self, told: Iterable[Claim]) -> Rebuilding:
        """Make a lost state again from the files, the account and what a log told; store nothing."""
        with self.provider(PatientStop(self.time), lambda event: None, Watch()) as provider:
            circumstances = self.circumstances(provider.host, EVERYTHING_ALLOWED)
            return rebuild(
                provider,
                self.state,
                self.configuration,
                told,
                circumstances,
                workers=self.workers,
                observe=lambda event: None,
            )

    def apply(
        self,
        saved: Plan | None = None,
        *,
        allowed: frozenset[tuple[Guard, str]] = EVERYTHING_ALLOWED,
        watch: Watch | None = None,
        **more: Any,
    ) -> ApplyReport:
        """Apply the files or a saved plan; the run may die by its watch."""
        watch = watch or Watch()
        stop = PatientStop(self.time)
        self.memory.watch = watch

        def observe(event: Event) -> None:
            if isinstance(event, KeyReceived) and not watch.dead:
                self.told[event.key] = event.address

        with self.provider(stop, observe, watch) as provider:
            try:
                return run_apply(
                    Request(
                        look_around=lambda provider, state: self.circumstances(provider.host, allowed, **more),
                        approve=lambda plan: None,
                        new_state=State("lineage", "test"),
                        saved_plan=saved,
                        configuration=self.configuration,
                    ),
                    Workshop(
                        open_provider=lambda state: provider,
                        backend=self.memory,
                        stop=stop,
                        observe=observe,
                        clock=self.time.utc,
                        monotonic=self.time.seconds,
                        workers=self.workers,
                        holder=LockHolder("apply", "run-1", self.time.utc()),
                    ),
                )
            finally:
                watch.await_silence()
                self.memory.watch = Watch()

    def write(self, state: State) -> None:
        """Store a state as a command of state surgery does."""
        self.memory.write(state)


def owned_by(state: State) -> set[str]:
    """Return the keys that a state remembers: records and tombstones."""
    return {record.key for record in state.records.values()} | {each.key for each in state.tombstones}


def as_document(body: Attributes) -> dict[str, Any]:
    """Return attributes as the service holds them."""
    steps = [{"channel": each.channel, **({"from": each.sender} if each.sender else {})} for each in body.flow]
    return {"name": body.name, "flow": steps}


def as_attributes(stored: Stored) -> Attributes:
    """Return what a row of the service is in our terms."""
    flow = tuple(Step(each["channel"], each.get("from")) for each in stored.body["flow"])
    return Attributes(stored.body["name"], flow)
