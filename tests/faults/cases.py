"""Cases: one story under one unkindness, with the deaths of its runs; told one by one or many at once."""

import re
import shutil
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.faults.points import Death, Way, list_deaths
from tests.faults.stage import Launcher, Project, Run, served
from tests.faults.unkind import KIND, Unkindness

AT_ONCE = 6
"""How many cases are told at once: most of their time they wait."""


class Telling(Protocol):
    """A story told in one project: it begins, runs die, it goes on to its end, and the end is held to the promise."""

    deaths: int

    def begin(self, *, workers: int) -> None:
        """Bring the project to where the command is to be run."""
        ...

    def run(self, death: Death | None = None, *, watched: bool = False) -> Run:
        """Run the command."""
        ...

    def go_on(self) -> None:
        """Go on until nothing is left."""
        ...

    def check(self) -> None:
        """Hold the end to the promise."""
        ...


class Story(Protocol):
    """What runs that die are about."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def make_tale(self, project: Project, unkind: Unkindness) -> Telling:
        """Return it told in one project."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """A story, the unkindness of its service, and where its first runs die."""

    story: Story
    workers: int
    deaths: tuple[Death, ...]
    unkind: Unkindness = KIND
    sabotage: str = ""

    def __str__(self) -> str:
        ends = ", then ".join(map(str, self.deaths)) or "no death"
        return f"{self.story.name}, {self.workers} in flight, {self.unkind.name}: {ends}"


@dataclass(frozen=True, slots=True)
class Told:
    """How a case ended: how many runs died, and what was wrong; empty where nothing was."""

    case: Case
    kills: int
    wrong: str = ""


def tell_case(launcher: Launcher, folder: Path, case: Case) -> Told:
    """Tell a case to its end. What it left on disk is deleted."""
    root = folder / re.sub(r"\W+", "-", str(case))[-150:]
    tale = None
    try:
        with served(launcher) as service:
            tale = case.story.make_tale(Project(root, launcher, service, case.sabotage), case.unkind)
            tale.begin(workers=case.workers)
            for death in case.deaths:
                tale.run(death)
            tale.go_on()
            tale.check()
    except (AssertionError, OSError, ValueError, LookupError) as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        wrong = f"{error}\n{type(error).__name__} in {where.name}, line {where.lineno}: {where.line}"
        return Told(case, tale.deaths if tale else 0, wrong)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return Told(case, tale.deaths)


def tell_all(launcher: Launcher, folder: Path, cases: Iterable[Case]) -> Iterator[Told]:
    """Tell cases, several at once, and yield how each ended, in their order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda case: tell_case(launcher, folder, case), cases)


def count_points(launcher: Launcher, folder: Path, story: Story, workers: int) -> Mapping[str, int]:
    """Return the points of a run that nothing disturbs, by name."""
    with served(launcher) as service:
        tale = story.make_tale(Project(folder / f"count-{story.name}-{workers}", launcher, service), KIND)
        tale.begin(workers=workers)
        return tale.run(watched=True).counts


def every_death(counts: Mapping[str, int], ways: Iterable[Way] = (Way.KILL,)) -> list[Death]:
    """Return every death that a run can die."""
    return [death for way in ways for death in list_deaths(counts, way)]


def is_of_disk(death: Death) -> bool:
    """Tell whether a power cut there may leave another disk than a kill."""
    return death.point.startswith(("state", "version", "plan", "project", "POST", "PUT"))


def select(deaths: list[Death], wanted: Callable[[Death], bool]) -> list[Death]:
    """Return the deaths that are wanted."""
    return [each for each in deaths if wanted(each)]
