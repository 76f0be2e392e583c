"""A service that asks to be left alone: what waits, for how long, and with which exit code it is told."""

from pathlib import Path

import pytest

from omnictl.cli.commands.apply import _Timer
from omnictl.cli.plan_approval import Flags, PlanApproval
from omnictl.errors import StoppedError
from omnictl.provider.base import StopSignal
from tests.builders import Scene
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import omnictl


@pytest.fixture(autouse=True)
def begun(project: Path) -> Path:
    """A project as init writes it."""
    assert omnictl("init").code == 0
    return project


@pytest.mark.timeout(60)
def test_the_time_of_an_apply_bounds_its_reading(project: Path, serve_sandbox: ServeSandbox) -> None:
    serve_sandbox("list:429=300,times=0")
    ran = omnictl("apply", "--yes", "--stop-after", "1s", "--format", "json")
    assert ran.code == 6, ran.err
    [told] = ran.document["diagnostics"]
    assert told["code"] == "stopped-waiting"
    assert told["detail"].startswith("--stop-after 1s; ")
    assert not (project / "state" / "default.json").exists()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("words", [["plan"], ["apply", "--yes"]])
def test_a_long_pause_is_told_and_not_waited_for(words: list[str], serve_sandbox: ServeSandbox) -> None:
    serve_sandbox("list:429=999999,times=0")
    ran = omnictl(*words)
    assert ran.code == 6, ran.err
    assert "error[throttled]" in ran.err
    assert "60 minutes or more" in ran.err
    assert "hint: run the same command again after 20" in ran.err


@pytest.mark.timeout(60)
def test_doctor_reports_the_throttle(serve_sandbox: ServeSandbox) -> None:
    serve_sandbox("list:429=999999,times=0")
    ran = omnictl("doctor")
    assert ran.code == 6
    assert "error[throttled]" in ran.err
    assert "wrong  account      The API asks to be left alone for a while" in ran.out


@pytest.mark.timeout(60)
def test_doctor_says_that_it_waits(serve_sandbox: ServeSandbox) -> None:
    serve_sandbox("list:429=1")
    ran = omnictl("doctor")
    assert ran.code == 0
    assert " waiting " in ran.err


def test_time_does_not_pass_while_a_person_is_asked() -> None:
    stop = StopSignal()
    timer = _Timer(stop, 0.5)
    timer.start()
    with timer.paused():
        assert not stop.wait(1.0)
    assert stop.wait(30.0)
    assert stop.reason == "--stop-after 0.5s"


def test_without_a_limit_no_time_is_counted() -> None:
    stop = StopSignal()
    timer = _Timer(stop, None)
    timer.start()
    with timer.paused():
        pass
    timer.cancel()
    assert not stop.is_set


def test_nobody_is_asked_when_the_time_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from omnictl.cli.context import Session
    from omnictl.cli.globals import GlobalOptions
    from omnictl.cli.output import Output

    monkeypatch.setattr(Output, "is_interactive", True)
    stop = StopSignal()
    stop.request("--stop-after 1s")
    plan = Scene().declare("a").plan()
    session = Session(GlobalOptions(), {})
    with pytest.raises(StoppedError) as caught:
        PlanApproval(session, Flags(), "text", (), "", "").ask_for(plan, stop)
    assert caught.value.diagnostics[0].code == "stopped-before-asking"
    PlanApproval(session, Flags(yes=True), "text", (), "", "").ask_for(plan, stop)
