"""A run dies and its disk goes with it: log, account and files make the state again, and nothing is made twice."""

import json
import random
import shutil
import time
from pathlib import Path

import pytest

from tests.faults.cases import count_points, every_death
from tests.faults.points import Death
from tests.faults.stage import SETTLE_SECONDS, Launcher, Project, Run, served, tell
from tests.faults.stories import MANY, Tale
from tests.faults.test_kills import SEED

TALKING = ("POST", "state")
DEATHS = 6


def lose_the_disk(project: Project) -> None:
    shutil.rmtree(project.root / "state", ignore_errors=True)
    shutil.rmtree(project.root / ".omnictl", ignore_errors=True)


def rebuild(project: Project, log: str) -> Run:
    (project.root / "apply.log").write_text(log)
    ran = project.omnictl("state", "rebuild", "--from-log", "apply.log", "--format", "json")
    assert ran.code == 0, tell(project.runs)
    return ran


def choose(project: Project, rebuilt: Run) -> None:
    """Choose as a person does, by the commands that were printed: a key for each id as long as there are keys."""
    taken: set[str] = set()
    for each in json.loads(rebuilt.out)["diagnostics"]:
        if each["code"] == "rebuild-in-doubt":
            ids, keys = zip(*(command.split()[2:] for command in each["commands"]), strict=True)
            key = next((key for key in keys if key not in taken), None)
            if key is not None:
                taken.add(key)
                path = project.root / "scenarios" / f"{ids[0]}.json"
                path.write_text(json.dumps({**json.loads(path.read_text()), "import": key}))


def hold(project: Project, death: Death, workers: int) -> int:
    """Die, lose the disk, rebuild, go on: each scenario is there once, each told key has its id. Returns the deaths."""
    tale = Tale(project, MANY)
    tale.begin(workers=workers)
    ran = tale.run(death)
    time.sleep(SETTLE_SECONDS)  # what was on its way is there now
    before = {row["key"]: row["name"] for row in project.service.scenarios()}
    lose_the_disk(project)
    rebuilt = rebuild(project, ran.err)
    keys = project.keys()
    said = dict(ran.said)
    assert {name: keys.get(name) for name in said} == said, tell(project.runs)
    assert {name: before[key] for name, key in keys.items()} == {name: MANY.names[name] for name in keys}
    assert len(set(keys.values())) == len(keys)
    choose(project, rebuilt)
    done = project.omnictl(*MANY.command)
    assert done.code == 0, tell(project.runs)
    rows = [row["name"] for row in project.service.scenarios()]
    assert sorted(rows) == sorted(MANY.names.values()), tell(project.runs)
    assert set(before) <= set(project.keys().values())
    assert {name: project.keys()[name] for name in said} == said
    assert project.omnictl("plan", "--detailed-exitcode").code == 0, tell(project.runs)
    return int(ran.died)


@pytest.mark.parametrize("workers", [1, 10])
def test_a_log_and_the_account_make_a_lost_state_again(launcher: Launcher, tmp_path: Path, workers: int) -> None:
    rnd = random.Random(f"{SEED} lost {workers}")
    deaths = [
        each for each in every_death(count_points(launcher, tmp_path, MANY, workers)) if each.point.startswith(TALKING)
    ]
    died = 0
    for number, death in enumerate(rnd.sample(deaths, DEATHS)):
        with served(launcher) as service:
            died += hold(Project(tmp_path / f"p{number}", launcher, service), death, workers)
    assert died > DEATHS / 2
