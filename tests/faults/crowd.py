"""Whole applies of many processes on one state at once, killed and stopped at random, whoever has the lock before all.

Each process has a checkout of its own, with scenarios that all of them have and one that it has alone, so that each
creates something, and forgets what the others created. Who was killed, or ended by an error, is begun again, as a
pipeline is; what the error says is done first. ``run_crowd`` returns what was seen, and ``Outcome.check`` holds it to
the promise: nothing is doubled, nothing is lost, the serial rises.
"""

import os
import random
import re
import shlex
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread, Timer

from msgspec.structs import asdict

from omnictl.state.base import StateBackend
from omnictl.state.lease import Terms
from tests.faults.joining import Version, read_written, version_of
from tests.faults.stage import SETTLE_SECONDS, Launcher, Project, Run, Running, Service, tell

COMMON = tuple(f"common-{number:02}" for number in range(12))
"""The scenarios that all checkouts have."""
TIMEOUT_SECONDS = 2.0
"""How long a request to the account may take."""
LONGEST_STOP_SECONDS = TIMEOUT_SECONDS + SETTLE_SECONDS - 0.2
"""A run may be stopped between its look at the clock and its request: one that sleeps for longer then sends what others
believe to be absent, and no program can help that."""
PATIENCE_SECONDS = 60.0
EXITS = (0, 1, 4, 6, -signal.SIGKILL)
"""How a run may end: well, by an error of its backend, half done or without its lock, refused by a lock, killed."""
REFUSED = 3
"""How putting a state back may end as well: creates of another run are open, and an apply settles them first."""
_CODE = re.compile(r"^(?:error|warning)\[([a-z-]+)\]", re.MULTILINE)
_COMMAND = re.compile(r"^ +omnictl (state (?:unlock --force|push) .+)$", re.MULTILINE)


@dataclass(frozen=True)
class Where:
    """The state that a crowd works on: its URL or path, what reaches it, and who reads it past the crowd.

    ``clears``: its lock never ends by itself, so that somebody has to clear that of the dead.
    """

    url: str
    backend: StateBackend
    environ: Mapping[str, str]
    terms: Terms
    clears: bool = False


@dataclass(frozen=True)
class Ended:
    """What a crowd leaves behind, and what was seen of it.

    ``last`` is the version that the state ended with, and ``intents`` how many are open in it; ``rows`` are the names
    on the account by key. ``seen`` are the versions that were read, in their order; ``written`` those that processes
    were told are stored, ``said`` all keys that they told.
    """

    last: Version
    intents: int
    rows: Mapping[str, str]
    names: frozenset[str]
    seen: tuple[Version, ...]
    written: tuple[Version, ...]
    said: frozenset[str]

    def check(self) -> None:
        """Fail where something was doubled or lost, or where a serial did not rise."""
        names = sorted(self.rows.values())
        assert names == sorted(self.names), f"doubled or lost on the account: {names}"
        assert not self.intents, "an intent is open"
        assert self.last.keys >= set(self.rows), f"nobody remembers {set(self.rows) - self.last.keys}"
        assert self.last.keys >= self.said, f"told, and not remembered: {self.said - self.last.keys}"
        serials = [each.serial for each in self.seen]
        assert serials == sorted(serials), f"a serial fell: {serials}"
        acknowledged = [each.serial for each in self.written]
        assert len(set(acknowledged)) == len(acknowledged), f"a serial was given twice: {sorted(acknowledged)}"
        self._check_versions({*self.seen, *self.written, self.last})

    def _check_versions(self, versions: set[Version]) -> None:
        assert len({each.lineage for each in versions}) == 1, "there is more than one lineage"
        ordered = sorted(versions, key=lambda each: each.serial)
        for before, after in pairwise(ordered):
            assert before.serial < after.serial, f"serial {after.serial} has two contents"
            assert before.keys <= after.keys, f"serial {after.serial} forgot {before.keys - after.keys}"


@dataclass(frozen=True)
class Outcome(Ended):
    """An end, and how it was come to: all runs, in the order of their processes."""

    runs: tuple[Run, ...] = ()
    killed: int = 0
    stopped: int = 0

    @property
    def codes(self) -> set[str]:
        """The codes of all diagnostics that runs gave."""
        return {code for each in self.runs for code in _CODE.findall(each.err)}


def run_crowd(
    where: Where,
    launcher: Launcher,
    service: Service,
    directory: Path,
    *,
    processes: int,
    torments: int,
    seed: int = 0,
    sabotage: str = "",
) -> Outcome:
    """Let so many processes apply at once, hurt them so often, and let all of them finish. The state is empty at first.

    Fails where one hangs, and where one does not come to a good end once nobody hurts it any more.
    """
    crowd = _Crowd(where, launcher, service, directory, random.Random(seed), sabotage)
    crowd.gather(processes)
    service.behave(latency_seconds=0.05)
    with crowd.watched() as seen, ThreadPoolExecutor(processes) as pool:
        works = [pool.submit(crowd.work, each) for each in crowd.members]
        try:
            crowd.torment(torments)
        finally:
            crowd.begin_rest()
            for each in works:
                each.result()
    last = crowd.finish()
    state = where.backend.read()
    assert state is not None
    projects = [each.project for each in crowd.members] + [last]
    runs = tuple(run for each in projects for run in each.runs)
    return Outcome(
        version_of(state),
        len(state.intents),
        {row["key"]: row["name"] for row in service.scenarios()},
        frozenset(map(_name, crowd.scenarios)),
        tuple(seen),
        tuple(version for each in projects for version in read_written(_wrote_of(each))),
        frozenset(key for each in runs for _, key in each.said),
        runs,
        crowd.killed,
        crowd.stopped,
    )


@dataclass
class _Member:
    """A process of the crowd, which is begun anew in its checkout until it ends well."""

    project: Project
    running: Running | None = None
    is_stopped: bool = False
    has_ended: bool = False

    @property
    def holds(self) -> bool:
        """Whether it has the lock."""
        return self.running is not None and _holds_of(self.project).exists()


@dataclass
class _Crowd:
    where: Where
    launcher: Launcher
    service: Service
    directory: Path
    chance: random.Random
    sabotage: str
    members: list[_Member] = field(default_factory=list)
    rests_at: float | None = None
    killed: int = 0
    stopped: int = 0

    # --- checkouts -----------------------------------------------------------------------------------------

    def gather(self, processes: int) -> None:
        """Make a checkout for each process."""
        for number in range(processes):
            self.members.append(_Member(self._check_out(f"p{number:02}", _alone(number))))

    @property
    def scenarios(self) -> list[str]:
        """The ids of all checkouts together."""
        return [*COMMON, *map(_alone, range(len(self.members)))]

    def _check_out(self, name: str, *alone: str) -> Project:
        project = Project(self.directory / name, self.launcher, self.service, self.sabotage)
        project.environ = {
            **self.where.environ,
            "OMNICTL_TIMEOUT": f"{TIMEOUT_SECONDS:g}",
            "OMNICTL_STATE": self.where.url,
        }
        project.environ.setdefault("PATH", os.environ["PATH"])
        project.set_up(workers=4)
        project.crowd = {
            "holds": str(_holds_of(project)),
            "wrote": str(_wrote_of(project)),
            **asdict(self.where.terms),
        }
        for each in (*COMMON, *alone):
            project.write(each, _name(each), default=each == COMMON[3])
        return project

    # --- processes -----------------------------------------------------------------------------------------

    def work(self, member: _Member) -> None:
        """Apply in a checkout until that ends well."""
        try:
            self._work(member)
        finally:
            member.has_ended = True

    def _work(self, member: _Member) -> None:
        while True:
            _holds_of(member.project).unlink(missing_ok=True)
            running = member.running = member.project.start("apply", "--yes", *self._patience)
            run = running.end()
            member.running, member.is_stopped = None, False
            if run.code == 0:
                return
            assert run.code in EXITS, tell([run])
            late = self.rests_at is not None and time.monotonic() > self.rests_at + PATIENCE_SECONDS
            assert not late, f"it comes to no good end: {tell(member.project.runs[-3:])}"
            if not run.died:
                self._obey(member, run)

    @property
    def _patience(self) -> tuple[str, str]:
        return "--lock-timeout", "2s" if self.where.clears else f"{PATIENCE_SECONDS:g}s"

    def _obey(self, member: _Member, run: Run) -> None:
        """Run the commands that an error gives; the lock of who works is cleared by mistake only."""
        for command in _COMMAND.findall(run.err):
            words = shlex.split(command)
            if "push" in words:
                pushed = member.project.omnictl(*words, *self._patience)
                assert pushed.code in (*EXITS, REFUSED), tell([run, pushed])
            elif not self._is_anybody_at_work() or self.chance.random() < 0.1:
                member.project.omnictl(*words)

    def _is_anybody_at_work(self) -> bool:
        return any(each.holds and not each.is_stopped for each in self.members)

    def finish(self) -> Project:
        """Apply once more, undisturbed, in a checkout with everything; nothing is left to do then."""
        project = self._check_out("last", *self.scenarios)
        for command in (
            ("apply", "--yes", "--lock-timeout", f"{PATIENCE_SECONDS:g}s"),
            ("plan", "--detailed-exitcode"),
        ):
            ended = project.omnictl(*command)
            assert ended.code == 0, tell(project.runs)
        return project

    # --- torments ------------------------------------------------------------------------------------------

    def torment(self, number: int) -> None:
        """Kill and stop so many times in all, as long as anybody is there."""
        whats = [self._kill, self._stop] * ((number + 1) // 2)
        self.chance.shuffle(whats)
        for hurt in whats[:number]:
            victim = self._find_victim()
            if victim is None:
                return
            print(f"{time.monotonic():.2f} {hurt.__name__} {victim.project.root.name}, holds: {victim.holds}")
            hurt(victim)
            time.sleep(self.chance.uniform(0.05, 0.3))

    def _find_victim(self) -> _Member | None:
        """Return who has the lock, some moment after it took it, or sometimes anybody; None where all have ended."""
        is_first = not self.killed + self.stopped
        wants_holder, until = is_first or self.chance.random() < 0.8, time.monotonic() + 3.0
        while not all(each.has_ended for each in self.members):
            alive = [each for each in self.members if each.running is not None and not each.is_stopped]
            holder = next((each for each in alive if each.holds), None)
            if alive and (not wants_holder or time.monotonic() > until):
                return self.chance.choice(alive)
            if holder is not None:
                running = holder.running
                time.sleep(self.chance.uniform(0.0, self.chance.choice([0.1, 0.5])))
                if holder.running is running and holder.holds:
                    return holder
            time.sleep(0.002)
        return None

    def _kill(self, victim: _Member) -> None:
        running = victim.running
        if running is not None:
            _signal(running, signal.SIGKILL)
            self.killed += 1

    def _stop(self, victim: _Member) -> None:
        running = victim.running
        if running is None:
            return
        victim.is_stopped = True
        _signal(running, signal.SIGSTOP)
        self.stopped += 1

        def wake() -> None:
            if victim.running is running:
                _signal(running, signal.SIGCONT)
                victim.is_stopped = False

        timer = Timer(self.chance.uniform(0.2, LONGEST_STOP_SECONDS), wake)
        timer.daemon = True
        timer.start()

    def begin_rest(self) -> None:
        """Nobody is hurt any more."""
        self.rests_at = time.monotonic()

    # --- watching ------------------------------------------------------------------------------------------

    @contextmanager
    def watched(self) -> Iterator[list[Version]]:
        """Read the state all the time; what is new is added to the list."""
        seen: list[Version] = []
        done = Event()
        wrong: list[Exception] = []

        def look() -> None:
            try:
                while not done.wait(self.where.terms.poll / 2):
                    self._look(seen)
            except Exception as error:
                wrong.append(error)

        thread = Thread(target=look)
        thread.start()
        try:
            yield seen
        finally:
            done.set()
            thread.join()
        if wrong:
            raise wrong[0]

    def _look(self, seen: list[Version]) -> None:
        state = self.where.backend.read()
        version = None if state is None else version_of(state)
        if version is None:
            assert not seen, "the state is gone"
        elif version not in seen[-1:]:
            seen.append(version)


def _alone(number: int) -> str:
    """Return the id of the scenario that one process has alone."""
    return f"alone-{number:02}"


def _name(scenario_id: str) -> str:
    """Return a name that is like no other one: else it could be a rename."""
    return sha256(scenario_id.encode()).hexdigest()[:20]


def _signal(running: Running, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(running.pid, number)


def _holds_of(project: Project) -> Path:
    return project.root.with_suffix(".holds")


def _wrote_of(project: Project) -> Path:
    return project.root.with_suffix(".wrote")
