"""A saved plan whose apply dies: the same command resumes it, then it is already applied; and it may become stale."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.cases import Case, count_points, every_death, is_of_disk, tell_all
from tests.faults.points import Death, Way
from tests.faults.stage import Launcher, Project, Service, served, tell
from tests.faults.stories import SAVED, Tale
from tests.faults.test_kills import SEED, one_of_each_name

TAKEN = Death("POST: answered, not read", 1)


@pytest.fixture
def service(launcher: Launcher) -> Iterator[Service]:
    """An account of its own for each test."""
    with served(launcher) as opened:
        yield opened


@pytest.fixture
def tale(launcher: Launcher, service: Service, tmp_path: Path) -> Tale:
    """A plan that is saved and not yet applied."""
    begun = Tale(Project(tmp_path / "p", launcher, service), SAVED)
    begun.begin(workers=1)
    return begun


def test_an_apply_of_a_saved_plan_that_dies_anywhere_is_resumed_by_the_same_command(
    launcher: Launcher, tmp_path: Path
) -> None:
    rnd = random.Random(f"{SEED} saved")
    deaths = one_of_each_name(every_death(count_points(launcher, tmp_path, SAVED, 1)), rnd)
    chosen = [
        replace(each, way=rnd.choice(list(Way)) if is_of_disk(each) else Way.KILL) for each in rnd.sample(deaths, 12)
    ]
    told = list(tell_all(launcher, tmp_path, [Case(SAVED, rnd.choice([1, 10]), (each,)) for each in chosen]))
    assert not [f"{each.case}\n{each.wrong}" for each in told if each.wrong]


def test_what_the_files_say_meanwhile_does_not_matter_to_a_plan_that_is_resumed(tale: Tale) -> None:
    tale.run(TAKEN)
    files = {path: path.read_bytes() for path in (tale.project.root / "scenarios").iterdir()}
    tale.project.write("new", "Another name")
    tale.project.remove("newer")
    tale.project.write("later", "Not of the plan")
    tale.go_on()
    for path in (tale.project.root / "scenarios").iterdir():
        path.unlink()
    for path, content in files.items():
        path.write_bytes(content)
    tale.check()


def test_a_plan_that_is_half_done_is_stale_where_somebody_changed_what_it_is_still_to_change(
    tale: Tale, service: Service
) -> None:
    tale.run(TAKEN)
    key = tale.project.keys()["edited"]
    flow = [{"channel": "SMS", "from": "Hand"}]
    service.ask("PUT", f"omni/1/scenarios/{key}", {"name": "Edited by hand", "flow": flow})
    writes = service.writes
    refused = tale.run()
    assert refused.code == 3, tell(tale.project.runs)
    assert "stale-plan" in refused.err
    assert service.writes == writes
    assert key in tale.project.remembered()
    made = {intent["id"] for intent in tale.project.state.get("intents", ())} | set(tale.project.keys())
    assert "new" in made, "what the killed run made is settled, or still to be"
    _plan_anew(tale)


def test_a_change_of_somebody_else_that_the_plan_does_not_touch_does_not_matter(tale: Tale, service: Service) -> None:
    tale.run(TAKEN)
    service.ask("PUT", f"omni/1/scenarios/{tale.theirs}", {"name": "Theirs alone", "flow": [{"channel": "PUSH"}]})
    tale.go_on()
    tale.check()


def test_a_twin_of_somebody_else_makes_a_plan_stale_that_never_began(tale: Tale, service: Service) -> None:
    flow = [{"channel": "VIBER", "from": "Acme"}, {"channel": "SMS", "from": "InfoSMS"}, {"channel": "EMAIL"}]
    service.ask("POST", "sandbox/scenarios", {"name": "Orders of the Day", "flow": flow})
    writes = service.writes
    refused = tale.run()
    assert refused.code == 3
    assert "stale-plan" in refused.err
    assert service.writes == writes


def test_a_plan_of_before_is_stale_when_another_was_applied(tale: Tale) -> None:
    project = tale.project
    project.omnictl("plan", "--out", "other.json", "--allow", "default-change=chosen")
    tale.run(TAKEN)
    tale.go_on()
    refused = project.omnictl("apply", "other.json")
    assert refused.code == 3, tell(project.runs)
    assert "stale-plan" in refused.err
    tale.check()


@pytest.mark.parametrize(
    "point", ["plan: opened", "plan: before flushed", "plan: before replace", "plan: after replace"]
)
@pytest.mark.parametrize("way", Way)
def test_a_plan_whose_save_dies_is_whole_or_the_one_before(tale: Tale, point: str, way: Way) -> None:
    project = tale.project
    before = (project.root / "plan.json").read_bytes()
    arguments = ("plan", "--out", "plan.json", "--allow", "default-change=chosen")
    assert project.omnictl(*arguments, death=Death(point, 1, way)).died
    saved = (project.root / "plan.json").read_bytes()
    assert (saved == before) or json.loads(saved)["kind"] == json.loads(before)["kind"] == "plan"
    assert project.omnictl("show", "plan.json").code == 0
    tale.deaths += 1
    tale.go_on()
    tale.check()


def _plan_anew(tale: Tale) -> None:
    """Plan again, as the refusal says, and apply that."""
    ran = tale.project.omnictl("plan", "--out", "plan.json", "--allow", "default-change=chosen")
    assert ran.code == 0, tell(tale.project.runs)
    tale.go_on()
    tale.check()
