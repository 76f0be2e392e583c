"""Commands that mend the state and die in it: the state is the old one or the new one, whole, and no key is lost."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.cases import every_death, is_of_disk
from tests.faults.points import Death, Way
from tests.faults.stage import Launcher, Project, Run, Service, served, tell
from tests.faults.stories import BUSY, Tale
from tests.faults.test_kills import SEED, one_of_each_name


@pytest.fixture
def service(launcher: Launcher) -> Iterator[Service]:
    """An account of its own for each test."""
    with served(launcher) as opened:
        yield opened


@pytest.mark.parametrize("command", ["push", "rollback"])
def test_a_state_command_that_dies_is_done_or_not_begun(
    launcher: Launcher, service: Service, tmp_path: Path, command: str
) -> None:
    tale = Tale(Project(tmp_path / "p", launcher, service), BUSY)
    tale.begin(workers=1)
    project, rnd, old = tale.project, random.Random(f"{SEED} {command}"), tmp_path / "old.json"
    serials = [0]

    def go_back(**more: Any) -> Run:
        """Let the state become what it was before the last apply that changed it."""
        content, serial = project.omnictl("state", "pull").out, project.state["serial"]
        tale.go_on()
        if project.state["serial"] > serial:  # else the run before died before it had done anything
            old.write_text(content)
            serials.append(serial)
        what = ("push", "--force", str(old)) if command == "push" else ("rollback", str(serials[-1]))
        before, keys = project.state["serial"], project.remembered()
        ran = project.omnictl("state", *what, **more)
        tale.deaths += ran.died
        assert ran.code in (0, -9), tell(project.runs)
        assert project.state["serial"] in (before, before + 1), tell(project.runs)
        assert project.remembered() == keys, tell(project.runs)
        return ran

    for death in one_of_each_name(every_death(go_back(watched=True).counts), rnd):
        go_back(death=Death(death.point, death.at, rnd.choice(list(Way)) if is_of_disk(death) else Way.KILL))
    assert tale.deaths > 10
    tale.go_on()
    tale.check()


def test_a_move_that_dies_is_done_or_not_begun(launcher: Launcher, service: Service, tmp_path: Path) -> None:
    tale = Tale(Project(tmp_path / "p", launcher, service), BUSY)
    tale.begin(workers=1)
    tale.go_on()
    project, rnd = tale.project, random.Random(f"{SEED} mv")

    def move(**more: Any) -> Run:
        """Move a record to another id, or back."""
        before = project.keys()
        old, new = ("newer", "newest") if "newer" in before else ("newest", "newer")
        ran = project.omnictl("state", "mv", old, new, **more)
        tale.deaths += ran.died
        moved = {new if name == old else name: key for name, key in before.items()}
        assert project.keys() in (before, moved), tell(project.runs)
        assert ran.died or project.keys() == moved, tell(project.runs)
        return ran

    for death in one_of_each_name(every_death(move(watched=True).counts), rnd):
        move(death=Death(death.point, death.at, rnd.choice(list(Way)) if is_of_disk(death) else Way.KILL))
    assert tale.deaths > 5
    if project.keys().get("newer") is None:
        move()
    tale.go_on()
    tale.check()
