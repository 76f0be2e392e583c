"""Imports and accepts that die at every kind of point: the same command goes on, and no file is written twice."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.cases import Case, count_points, every_death, is_of_disk, select
from tests.faults.filing import ACCEPT, IMPORT, FilingStory
from tests.faults.points import Way
from tests.faults.stage import Launcher
from tests.faults.test_kills import SEED, hold, one_of_each_name

MOST_OF_FILES = 16


@pytest.mark.parametrize("story", [IMPORT, ACCEPT], ids=lambda each: each.name)
def test_a_command_that_dies_while_it_writes_files_is_finished_by_the_same_command(
    launcher: Launcher, tmp_path: Path, story: FilingStory
) -> None:
    rnd = random.Random(f"{SEED} {story.name}")
    deaths = every_death(count_points(launcher, tmp_path, story, 1))
    files = select(deaths, lambda death: death.point.startswith("project"))
    others = select(deaths, lambda death: death not in files)
    chosen = one_of_each_name(others, rnd) + rnd.sample(files, min(len(files), MOST_OF_FILES))
    ways = [rnd.choice(list(Way)) if is_of_disk(each) else Way.KILL for each in chosen]
    cases = [Case(story, 1, (replace(each, way=way),)) for each, way in zip(chosen, ways, strict=True)]
    assert hold(launcher, tmp_path, cases) > 0.8 * len(cases)
