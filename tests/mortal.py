"""An account and a memory that watch every request and write, and at which a run can be killed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from omnictl.model.plan import Guard
from omnictl.model.scenario import Attributes, Remote
from omnictl.model.state import State
from tests.fake_account import FakeAccount
from tests.worlds import FakeBackend, Killed, World

_PATIENCE_SECONDS = 5.0


class Moment(StrEnum):
    """Where a run dies: before or after a request took effect, before or after a write was stored."""

    BEFORE_REQUEST = "before a request"
    AFTER_REQUEST = "after a request"
    BEFORE_WRITE = "before a write"
    AFTER_WRITE = "after a write"


@dataclass
class Watch:
    """Counts the requests and writes of one run; at the ``at``-th of its kind (from 1) the run dies for good.

    From then on whatever the run still begins is Killed, in every thread. What was in flight may still take effect.
    ``overlap`` lets a request wait a moment for others, so that so many really are in flight together.
    """

    moment: Moment | None = None
    at: int = 0
    overlap: int = 1
    patience_seconds: float = 0.001
    dead: bool = False
    flying: int = 0
    most_flying: int = 0
    begun_dead: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"request": 0, "write": 0})
    _change: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Hold one request: it is in flight from here to there."""
        number = self._begin("request", Moment.BEFORE_REQUEST)
        try:
            with self._change:
                self.flying += 1
                self.most_flying = max(self.most_flying, self.flying)
                self._change.notify_all()
                if self.overlap > 1:
                    self._change.wait_for(
                        lambda: self.dead or self.most_flying >= self.overlap, timeout=self.patience_seconds
                    )
            yield
        finally:
            with self._change:
                self.flying -= 1
                self._change.notify_all()
        self._end(number, Moment.AFTER_REQUEST)

    @contextmanager
    def write(self) -> Iterator[None]:
        """Hold one write of the state."""
        number = self._begin("write", Moment.BEFORE_WRITE)
        yield
        self._end(number, Moment.AFTER_WRITE)

    def await_silence(self) -> None:
        """Return when nothing of the run is in flight any more."""
        with self._change:
            assert self._change.wait_for(lambda: self.flying == 0, timeout=_PATIENCE_SECONDS)

    def _begin(self, kind: str, moment: Moment) -> int:
        with self._change:
            if self.dead:
                self.begun_dead += 1
                raise Killed
            self.counts[kind] += 1
            number = self.counts[kind]
            self._die_if(number, moment)
            return number

    def _end(self, number: int, moment: Moment) -> None:
        with self._change:
            if self.dead:
                raise Killed  # nobody is left to hear the answer
            self._die_if(number, moment)

    def _die_if(self, number: int, moment: Moment) -> None:
        if self.moment is moment and number == self.at:
            self.dead = True
            self._change.notify_all()
            raise Killed


@dataclass
class MortalAccount(FakeAccount):
    """An account whose requests are watched."""

    watch: Watch = field(default_factory=Watch)

    def list_page(self, page: int) -> tuple[Remote, ...]:
        with self.watch.request():
            return super().list_page(page)

    def get(self, key: str) -> Remote | None:
        with self.watch.request():
            return super().get(key)

    def create(self, body: Attributes, *, default: bool, not_after: datetime | None = None) -> Remote:
        with self.watch.request():
            return super().create(body, default=default, not_after=not_after)

    def update(self, current: Remote, desired: Attributes, *, default: bool) -> Remote:
        with self.watch.request():
            return super().update(current, desired, default=default)


@dataclass
class MortalBackend(FakeBackend):
    """A memory whose writes are watched."""

    watch: Watch = field(default_factory=Watch)

    def write(self, state: State) -> None:
        with self.watch.write():
            super().write(state)


def watch_next_run(world: World, watch: Watch) -> Watch:
    """Let the watch see the next run of the world: account and memory go on as they are."""
    given, kept = world.account, world.backend
    account = {name: getattr(given, name) for name in FakeAccount.__dataclass_fields__ if not name.startswith("_")}
    world.account = MortalAccount(**account, watch=watch)
    memory = {name: getattr(kept, name) for name in FakeBackend.__dataclass_fields__}
    world.backend = MortalBackend(**memory, watch=watch)
    return watch


def is_killed(world: World, watch: Watch, *, allowed: frozenset[tuple[Guard, str]]) -> bool:
    """Apply under a watch; return whether the run died. What was in flight has ended when this returns."""
    watch_next_run(world, watch)
    try:
        world.apply(allowed=allowed)
    except Killed:
        assert watch.dead
        watch.await_silence()
        return True
    finally:
        watch_next_run(world, Watch())
    assert not watch.dead, "a run went on after its death"
    return False
