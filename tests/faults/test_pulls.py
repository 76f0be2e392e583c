"""Pulls that really die: what was handed out is in the ledger, or a gap says so and is filled from the logs."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cases import Case, count_points, every_death
from tests.faults.points import Death
from tests.faults.pulls import PULL, age_gaps
from tests.faults.stage import Launcher, Project, Service, served, tell
from tests.faults.test_kills import SEED, hold, one_of_each_name
from tests.faults.unkind import UNKIND_OF_MESSAGES, Unkindness

TAKEN = Death("GET: answered, not read", 2)
ABOUT_REPORTS = tuple(
    each
    for each in UNKIND_OF_MESSAGES
    if each.name.partition(":")[2] not in ("401", "404", "409", "422", "429", "500", "html=404", "wrong-type")
    and (not each.faults or any(fault.startswith("reports:") for fault in each.faults))
)


@pytest.fixture
def service(launcher: Launcher) -> Iterator[Service]:
    """An account of its own for each test."""
    with served(launcher) as opened:
        yield opened


def test_a_pull_that_dies_at_any_kind_of_point_loses_no_report(launcher: Launcher, tmp_path: Path) -> None:
    deaths = one_of_each_name(every_death(count_points(launcher, tmp_path, PULL, 1)), random.Random(f"{SEED} pull"))
    assert hold(launcher, tmp_path, [Case(PULL, 1, (each,)) for each in deaths]) == len(deaths)


@pytest.mark.parametrize("part", range(2))
def test_under_each_unkindness_a_pull_that_dies_loses_no_report(launcher: Launcher, tmp_path: Path, part: int) -> None:
    rnd = random.Random(f"{SEED} pull {part}")
    deaths = every_death(count_points(launcher, tmp_path, PULL, 1))
    hold(launcher, tmp_path, [Case(PULL, 1, (rnd.choice(deaths),), each) for each in ABOUT_REPORTS[part::4]])


def test_a_gap_is_said_aloud_and_filled_by_the_next_pull(launcher: Launcher, service: Service, tmp_path: Path) -> None:
    unkind = Unkindness("cut and unread", {}, ("reports:cut-after", "logs:400"))
    tale = PULL.make_tale(Project(tmp_path / "p", launcher, service), unkind)
    tale.begin(workers=1)
    said = tale.project.omnictl(*PULL.words)
    assert said.code == 4, tell(tale.project.runs)
    assert "1 gap (" in said.out
    assert "open: reports may be missing" in said.out
    still = tale.project.omnictl(*PULL.words)
    assert (still.code, "open: reports may be missing" in still.out) == (4, True)  # too early to be sure
    age_gaps(tale.project, minutes=5)
    told = tale.project.omnictl(*PULL.words)
    assert told.code == 0, tell(tale.project.runs)
    assert "filled from the logs" in told.out
    tale.gaps.add(1)
    tale.check()


def test_a_gap_that_logs_cannot_fill_any_more_is_permanent_and_shown(
    launcher: Launcher, service: Service, tmp_path: Path
) -> None:
    tale = PULL.make_tale(Project(tmp_path / "p", launcher, service), Unkindness("kind"))
    tale.begin(workers=1)
    assert tale.run(TAKEN).died
    age_gaps(tale.project, minutes=49 * 60)
    said = tale.project.omnictl(*PULL.words)
    assert said.code == 4, tell(tale.project.runs)
    assert "older than the logs go back: what was handed out then is lost" in said.out
    shown = tale.project.omnictl("reports", "stats", "--format", "json")
    assert shown.code in (0, 4), tell(tale.project.runs)
    assert "permanent" in shown.out
    again = json.loads(tale.project.omnictl(*PULL.words, "--format", "json").out)
    assert again["gaps"] == {"filled": [], "open": [], "permanent": []}  # said when it became so, shown by stats since
