"""Two applies at once, as real processes: on one state one waits or is refused; two states are outside."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.points import Death
from tests.faults.stage import Launcher, Project, Service, served, tell
from tests.faults.stories import BUSY, FRESH, Story, Tale

WAITING = ("--lock-timeout", "60s")
AT_LEISURE = 0.15
"""The latency at which two runs surely overlap, in seconds."""


@pytest.fixture
def service(launcher: Launcher) -> Iterator[Service]:
    """An account of its own for each test."""
    with served(launcher) as opened:
        yield opened


def begin(launcher: Launcher, service: Service, root: Path, story: Story = FRESH, *, sabotage: str = "") -> Tale:
    """Bring a story to where its command is to be run, with a service that takes its time."""
    tale = Tale(Project(root, launcher, service, sabotage), story)
    tale.begin(workers=2)
    service.behave(latency_seconds=AT_LEISURE)
    return tale


def run_at_once(tale: Tale, *more: tuple[str, ...]) -> list[int]:
    """Run the command of the story several times at once, each with more arguments; returns the exit codes."""
    with ThreadPoolExecutor(len(more)) as pool:
        runs = pool.map(lambda each: tale.project.omnictl(*tale.story.command, *each), more)
        return [each.code for each in runs]


@pytest.mark.parametrize("story", [FRESH, BUSY], ids=lambda each: each.name)
def test_of_runs_that_wait_each_ends_well_and_nothing_is_made_twice(
    launcher: Launcher, service: Service, tmp_path: Path, story: Story
) -> None:
    tale = begin(launcher, service, tmp_path / "p", story)
    assert run_at_once(tale, WAITING, WAITING, WAITING) == [0, 0, 0], tell(tale.project.runs)
    tale.check()


def test_who_does_not_wait_is_refused_with_6_and_the_first_ends_well(
    launcher: Launcher, service: Service, tmp_path: Path
) -> None:
    tale = begin(launcher, service, tmp_path / "p", BUSY)
    assert sorted(run_at_once(tale, (), (), ())) == [0, 6, 6], tell(tale.project.runs)
    refused = [each for each in tale.project.runs if each.code == 6]
    assert all("error[lock-held]" in each.err for each in refused)
    tale.check()


def test_who_waits_too_short_is_refused_with_6(launcher: Launcher, service: Service, tmp_path: Path) -> None:
    tale = begin(launcher, service, tmp_path / "p", BUSY)
    service.behave(latency_seconds=0.5)
    assert sorted(run_at_once(tale, ("--lock-timeout", "1s"), ("--lock-timeout", "1s"))) == [0, 6]
    service.behave(latency_seconds=0.0)
    tale.check()


@pytest.mark.parametrize(
    "death",
    [
        Death("lock: taken", 1),
        Death("holder: after replace", 1),
        Death("POST: answered, not read", 1),
        Death("POST: sent", 2),
        Death("state: before replace", 3),
        Death("holder: after unlink", 1),
    ],
    ids=str,
)
def test_who_waits_for_a_run_that_dies_goes_on_and_finishes_its_work(
    launcher: Launcher, service: Service, tmp_path: Path, death: Death
) -> None:
    tale = begin(launcher, service, tmp_path / "p")
    with ThreadPoolExecutor(3) as pool:
        dying = pool.submit(tale.project.omnictl, *tale.story.command, death=death)
        others = [pool.submit(tale.project.omnictl, *tale.story.command, *WAITING) for _ in range(2)]
        codes = sorted(each.result().code for each in others)
    # The one that dies may have had to stand behind the others; then it found the lock held.
    assert codes == [0, 0], tell(tale.project.runs)
    assert dying.result().code in (-9, 0, 6), tell(tale.project.runs)
    tale.deaths = 1
    tale.check()


def test_without_the_lock_these_tests_fail(launcher: Launcher, service: Service, tmp_path: Path) -> None:
    tale = begin(launcher, service, tmp_path / "p", sabotage="no lock")
    codes = run_at_once(tale, WAITING, WAITING, WAITING)
    if codes == [0, 0, 0]:
        with pytest.raises(AssertionError):
            tale.check()


def test_an_apply_and_a_change_of_its_state_by_hand_wait_for_each_other(
    launcher: Launcher, service: Service, tmp_path: Path
) -> None:
    """An old state is pushed in the middle of an apply: it comes before or after it, and no key is lost either way."""
    tale = begin(launcher, service, tmp_path / "p", BUSY)
    old = tmp_path / "old.json"
    old.write_text(tale.project.omnictl("state", "pull").out)
    with ThreadPoolExecutor(2) as pool:
        applied = pool.submit(tale.project.omnictl, *tale.story.command, *WAITING)
        pushed = pool.submit(tale.project.omnictl, "state", "push", str(old), *WAITING)
    assert (applied.result().code, pushed.result().code) == (0, 0), tell(tale.project.runs)
    assert {key for run in tale.project.runs for _, key in run.said} <= tale.project.remembered()
    tale.go_on()
    tale.check()


def test_two_states_on_one_account_are_outside_of_the_promise_and_lose_no_key(
    launcher: Launcher, service: Service, tmp_path: Path
) -> None:
    """What docs/planning.md says: the lock does not lock the account. Each state is true all the same."""
    tales = [begin(launcher, service, tmp_path / name) for name in ("one", "other")]
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda tale: tale.project.omnictl(*tale.story.command), tales))
    said = tell(runs)
    assert {each.code for each in runs} <= {0, 3, 4}, said
    rows = {row["key"] for row in service.scenarios()}
    keys = [tale.project.remembered() for tale in tales]
    assert keys[0] | keys[1] == rows, said
    assert not keys[0] & keys[1], said
    for tale, run in zip(tales, runs, strict=True):
        assert {key for _, key in run.said} <= tale.project.remembered()
        assert not tale.project.state.get("intents")


def test_the_second_of_two_states_is_stopped_by_a_guard(launcher: Launcher, service: Service, tmp_path: Path) -> None:
    one, other = (begin(launcher, service, tmp_path / name) for name in ("one", "other"))
    assert one.project.omnictl(*FRESH.command).code == 0
    refused = other.project.omnictl(*FRESH.command)
    assert refused.code == 3
    assert "unmanaged-twin" in refused.out
    one.check()
