"""Many processes that write one state at once, killed and stopped at random: for every kind of backend.

Each worker reads under the lock, adds a mark of its own with the next serial, writes, and says what it was told. A mark
whose write failed is looked for in what is stored before it is written again, as a run does with what it sent.
``run_swarm`` begins them, hurts them, and returns what they were told and what is stored; ``Outcome.check`` holds the
one against the other: no acknowledged write is lost, none is doubled, and the serial rose by one each time.
"""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from msgspec.structs import asdict, replace

from omnictl.errors import LockHeldError, StateError, StateWriteError
from omnictl.model.state import PlanMark, State
from omnictl.state.base import KeptLock, LockHolder, StateBackend
from omnictl.state.factory import open_backend
from omnictl.state.lease import Terms

ENVIRONMENT = "test"
_ROOT = Path(__file__).parents[3]
_PATIENCE_SECONDS = 60.0
_BRIEF = Terms(lease=2, poll=0.05, margin=0.3)


@dataclass(frozen=True)
class Told:
    """One thing that a worker was told: ``acknowledged``, ``found`` (a mark whose write had failed, and that is stored
    all the same), ``refused``, ``unread`` or ``waited``; with the code of the diagnostic."""

    event: str
    mark: str = ""
    serial: int = 0
    code: str = ""


@dataclass
class Outcome:
    """What all workers were told, and what is stored in the end. ``killed`` and ``stopped`` count what was done."""

    state: State
    told: list[Told] = field(default_factory=list)
    killed: int = 0
    stopped: int = 0

    @property
    def marks(self) -> list[str]:
        """The marks of all writes that are stored, in their order."""
        return [each.plan_id for each in self.state.plans]

    def of(self, *events: str) -> list[Told]:
        """Return what was told of these events."""
        return [each for each in self.told if each.event in events]

    @property
    def codes(self) -> set[str]:
        """The codes of all diagnostics that workers got."""
        return {each.code for each in self.told if each.code}

    def check(self) -> None:
        """Fail where a write was lost or doubled, or where a serial was used twice or left out."""
        marks = self.marks
        assert len(set(marks)) == len(marks), "a write is there twice"
        assert self.state.serial == len(marks), "a write went over another, or a serial was left out"
        acknowledged = self.of("acknowledged")
        lost = [each for each in acknowledged if marks[each.serial - 1 : each.serial] != [each.mark]]
        assert not lost, f"acknowledged, and not there with its serial: {lost}"
        assert {each.mark for each in self.of("found")} <= set(marks), "found once, and gone again"
        assert acknowledged, "nobody came to write"


def run_swarm(
    url: str,
    environ: Mapping[str, str],
    directory: Path,
    *,
    workers: int = 8,
    seconds: float = 8.0,
    terms: Terms = _BRIEF,
    seed: int = 0,
    clears: bool = False,
    calm: bool = False,
    heeds_lock: bool = True,
) -> Outcome:
    """Let so many processes write the state at ``url`` (environment test, empty at first) for so long.

    ``directory`` takes their logs and their one work directory; ``terms`` are those of a lease, where there is one;
    ``clears``: a worker that waited for twice the lease clears the lock (where a lock never ends by itself);
    ``calm``: nobody is killed or stopped; not ``heeds_lock``: nobody takes the lock, so that writes meet all the time
    (where the store itself refuses all but one of them).
    """
    swarm = _Swarm(url, dict(environ), directory, terms, clears, heeds_lock)
    chance = random.Random(seed)
    outcome = Outcome(State("swarm", ENVIRONMENT))
    try:
        alive = [swarm.start() for _ in range(workers)]
        swarm.wait_until_ready(alive)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, chance.uniform(0.1, 0.6)))
            if not calm:
                swarm.hurt(alive, chance, outcome)
        swarm.end(alive)
    finally:
        swarm.remove_all()
    outcome.told = swarm.read_told()
    state = swarm.open().read()
    assert state is not None, "nobody came to write"
    outcome.state = state
    return outcome


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    log: Path
    wakes_at: float | None = None


@dataclass
class _Swarm:
    url: str
    environ: dict[str, str]
    directory: Path
    terms: Terms
    clears: bool
    heeds_lock: bool
    all: list[_Worker] = field(default_factory=list)

    def open(self) -> StateBackend:
        environ = {**os.environ, **self.environ}
        work_dir = self.directory / "work"
        return open_backend(
            self.url, work_dir=work_dir, environment=ENVIRONMENT, environ=environ, make_token=lambda: uuid4().hex
        )

    def start(self) -> _Worker:
        """Begin one more worker; its log is named after it, and so are its marks."""
        logs = self.directory / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        name = f"w{len(self.all) + 1}"
        order = {
            "name": name,
            "url": self.url,
            "work_dir": str(self.directory / "work"),
            "log": str(logs / name),
            "stop": str(self.directory / "stop"),
            "terms": asdict(self.terms),
            "clears": self.clears,
            "heeds_lock": self.heeds_lock,
        }
        with (logs / f"{name}.err").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.contract.backends.swarm", json.dumps(order)],
                cwd=_ROOT,
                env={**os.environ, **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err,
            )
        worker = _Worker(process, logs / name)
        self.all.append(worker)
        return worker

    def wait_until_ready(self, workers: list[_Worker]) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        for each in workers:
            while not each.log.exists():
                assert each.process.poll() is None, self._said(each)
                assert time.monotonic() < until, "a worker never began"
                time.sleep(0.02)

    def hurt(self, alive: list[_Worker], chance: random.Random, outcome: Outcome) -> None:
        """Wake whose time has come, then kill one (another takes its place), stop one, or leave them alone."""
        for each in alive:
            if each.wakes_at is not None and time.monotonic() >= each.wakes_at:
                self._wake(each)
        victim, what = chance.choice(alive), chance.random()
        if what < 0.25:
            victim.process.kill()
            victim.process.wait()
            alive.remove(victim)
            alive.append(self.start())
            outcome.killed += 1
        elif what < 0.75 and victim.wakes_at is None and victim.process.poll() is None:
            victim.process.send_signal(signal.SIGSTOP)
            victim.wakes_at = time.monotonic() + chance.uniform(0.05, 2.0 * self.terms.lease)
            outcome.stopped += 1

    def _wake(self, worker: _Worker) -> None:
        if worker.process.poll() is None:
            worker.process.send_signal(signal.SIGCONT)
        worker.wakes_at = None

    def end(self, alive: list[_Worker]) -> None:
        """Let everybody finish; fail for one that hangs, or that ended by an error."""
        (self.directory / "stop").touch()
        for each in alive:
            self._wake(each)
        for each in alive:
            try:
                code = each.process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"a worker hangs: {each.log.read_text()[-500:]}") from None
            assert code == 0, self._said(each)

    def remove_all(self) -> None:
        for each in self.all:
            if each.process.poll() is None:
                each.process.kill()
            each.process.wait()

    def read_told(self) -> list[Told]:
        lines = [line for each in self.all if each.log.exists() for line in each.log.read_text().splitlines()]
        return [Told(**json.loads(line)) for line in lines if line.endswith("}")]

    def _said(self, worker: _Worker) -> str:
        return worker.log.with_suffix(".err").read_text()[-3000:]


# --- in a worker -------------------------------------------------------------------------------------------------


def work(order: Mapping[str, object]) -> None:
    """Write marks until the file ``stop`` is there."""
    name, stop = str(order["name"]), Path(str(order["stop"]))
    terms = Terms(**order["terms"])  # type: ignore[arg-type]
    backend = open_backend(
        str(order["url"]),
        work_dir=Path(str(order["work_dir"])),
        environment=ENVIRONMENT,
        environ=os.environ,
        make_token=lambda: uuid4().hex,
    )
    shorten(backend, terms)
    holder = LockHolder("apply", name, datetime.now(UTC), process=f"pid {os.getpid()}")
    number, pending = 1, ""
    with Path(str(order["log"])).open("a") as log:
        log.flush()
        while not stop.exists():
            mark = pending or f"{name}-{number}"
            try:
                patience = 2.0 * terms.lease
                lock = backend.lock(holder, timeout_seconds=patience, on_wait=lambda _: None)
                with lock if order["heeds_lock"] else nullcontext():
                    is_there = _add(backend, mark, log, looks=bool(pending))
            except LockHeldError:
                _tell(log, Told("waited"))
                if order["clears"]:
                    _clear(backend, log)
                continue
            except StateError as error:
                _tell(log, Told("unread", code=error.diagnostics[0].code))
                time.sleep(0.2)
                continue
            pending = "" if is_there else mark
            number += is_there


def shorten(backend: StateBackend, terms: Terms) -> None:
    """Let the lock of a backend have these times, as far as it has any."""
    lease: Any = getattr(backend, "_lease", None)
    lock: Any = getattr(backend, "_lock", None)
    if lease is not None:
        lease._terms = terms
    elif hasattr(lock, "pace"):  # a lock of a session: the server ends one that is silent for so long
        beat, held = terms.lease / 10, 0.7 * terms.lease
        lock.pace = replace(lock.pace, beat=beat, held=held, session=terms.lease, poll=terms.poll)
    elif hasattr(lock, "_poll_seconds"):
        lock._poll_seconds = terms.poll


def _add(backend: StateBackend, mark: str, log: IO[str], *, looks: bool) -> bool:
    """Add a mark, whatever became of the lock meanwhile: the version is what counts. Return whether it is there."""
    state = backend.read() or State("swarm", ENVIRONMENT)
    if looks and any(each.plan_id == mark for each in state.plans):
        _tell(log, Told("found", mark, state.serial))
        return True
    following = replace(state, serial=state.serial + 1, plans=(*state.plans, PlanMark(mark, datetime.now(UTC))))
    try:
        backend.write(following)
    except StateWriteError as error:
        _tell(log, Told("refused", mark, following.serial, error.diagnostics[0].code))
        return False
    _tell(log, Told("acknowledged", mark, following.serial))
    return True


def _clear(backend: StateBackend, log: IO[str]) -> None:
    try:
        try:
            backend.unlock()
        except LockHeldError as error:
            commands = error.diagnostics[0].commands
            if not isinstance(backend, KeptLock) or not commands:
                raise
            backend.clear_lock(shlex.split(commands[0])[-1])
    except StateError as error:
        _tell(log, Told("unread", code=error.diagnostics[0].code))


def _tell(log: IO[str], told: Told) -> None:
    log.write(json.dumps(told.__dict__) + "\n")
    log.flush()


if __name__ == "__main__":
    work(json.loads(sys.argv[1]))
