"""A run that is ended in the middle: by a signal in each of its phases, as the hosts of pipelines do it, or stopped."""

import fcntl
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import ServeSandbox
from tests.e2e.processes import BOUND_SECONDS, OMNICTL, assert_whole, declare, end, read_until, start

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
NUMBER = 5


@pytest.fixture(autouse=True)
def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe absence soon."""
    monkeypatch.setenv("OMNICTL_SETTLE", "1")


# --- each phase ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["click", "omnictl.cli.globals", "omnictl.config.scenarios", "httpx"])
def test_a_signal_while_it_begins_ends_it_at_once(
    project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Wherever it is: loading itself, reading files, opening a connection. The interpreter tells what it loads."""
    world = serve_sandbox("list:slow=1")
    declare(project, NUMBER)
    monkeypatch.setenv("PYTHONVERBOSE", "1")
    process = start("apply", "--yes")
    read_until(process, f"import '{module}'")
    code, out, err = end(process, signal.SIGINT)
    assert (code, "Traceback" in out + err) == (130, False)
    monkeypatch.delenv("PYTHONVERBOSE")
    assert world.list_all() == []


@pytest.mark.parametrize(
    ("faults", "words", "settle_seconds"),
    [
        (("list:503,times=0",), " again ", "1"),
        (("create:slow=1,times=0",), " start ", "1"),
        (("create:503,times=0",), " settle ", "30"),
        (("create:429=30,times=0",), " waiting ", "1"),
    ],
    ids=["before a repeat", "in flight", "looking for what is unknown", "after a 429"],
)
@pytest.mark.parametrize(("number", "code"), SIGNALS[:2])
def test_a_signal_in_any_phase_ends_in_good_order(
    project: Path,
    serve_sandbox: ServeSandbox,
    monkeypatch: pytest.MonkeyPatch,
    faults: tuple[str, ...],
    words: str,
    settle_seconds: str,
    number: signal.Signals,
    code: int,
) -> None:
    monkeypatch.setenv("OMNICTL_SETTLE", settle_seconds)
    world = serve_sandbox(*faults)
    declare(project, NUMBER)
    process = start("apply", "--yes")
    read_until(process, words)
    found, out, err = end(process, number)
    assert (found, "Traceback" in out + err) == (code, False), out + err
    world.clear_faults()
    monkeypatch.setenv("OMNICTL_SETTLE", "1")
    assert_whole(project, world, NUMBER)


def test_the_second_signal_ends_at_once_and_loses_nothing(project: Path, serve_sandbox: ServeSandbox) -> None:
    world = serve_sandbox("create:slow=2,times=0")
    declare(project, NUMBER)
    process = start("apply", "--yes")
    read_until(process, " start ")
    process.send_signal(signal.SIGTERM)
    assert "Stopping" in read_until(process, "Stopping")
    code, out, err = end(process, signal.SIGINT)
    assert (code, out.count("done")) == (143, 0)
    assert "Ended at once. Requests in flight may have been taken" in err
    world.clear_faults()
    assert_whole(project, world, NUMBER)


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="the pipe has to be made shorter than the report")
@pytest.mark.parametrize("number", [number for number, _ in SIGNALS])
def test_a_signal_while_the_report_is_written_hides_no_report(
    project: Path, serve_sandbox: ServeSandbox, number: signal.Signals
) -> None:
    """It waits for the reader of its report: everything is done by then, and that is what it ends with."""
    world = serve_sandbox()
    declare(project, 18)
    os.mkfifo(project / "report")
    reader = os.open(project / "report", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    process = start("apply", "--yes", "--report", "html=report")
    assert select.select([reader], [], [], BOUND_SECONDS)[0], "no report came"
    process.send_signal(number)
    read_until(process, "The apply has ended")
    os.set_blocking(reader, True)
    with os.fdopen(reader, encoding="utf-8") as report:
        assert "18 done" in report.read()
    code, out, err = end(process)
    assert (code, "18 done" in out, "nothing was sent" in err) == (0, True, False)
    assert_whole(project, world, 18)


def test_quit_ends_like_a_kill_and_loses_nothing(project: Path, serve_sandbox: ServeSandbox) -> None:
    world = serve_sandbox("create:slow=0.5,times=0")
    declare(project, NUMBER)
    process = start("apply", "--yes")
    read_until(process, " start ")
    assert end(process, signal.SIGQUIT)[0] == 131
    world.clear_faults()
    assert_whole(project, world, NUMBER)


# --- the hosts of pipelines ---------------------------------------------------------------------------------------

Cancel = Callable[[subprocess.Popen[str]], None]
PATIENCE_SECONDS = 0.4
"""How long a host waits before its next signal; the big ones wait seconds."""


def kill_all(step: subprocess.Popen[str]) -> None:
    """Kill what the step has started, as hosts do at the end of a job."""
    try:
        os.killpg(step.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def interrupt_the_shell_alone(step: subprocess.Popen[str]) -> None:
    """SIGINT to the shell, SIGTERM seconds later, then all is killed: GitHub."""
    for number in (signal.SIGINT, signal.SIGTERM):
        step.send_signal(number)
        time.sleep(PATIENCE_SECONDS)
    kill_all(step)


def interrupt_the_group(step: subprocess.Popen[str]) -> None:
    """SIGINT to everything in the step, then SIGTERM, then the kill: Azure Pipelines, a terminal."""
    for number in (signal.SIGINT, signal.SIGTERM):
        os.killpg(step.pid, number)
        time.sleep(PATIENCE_SECONDS)
    kill_all(step)


def terminate_the_main_process(step: subprocess.Popen[str]) -> None:
    """SIGTERM to the main process of the container, then the kill: GitLab, Kubernetes, Docker."""
    step.send_signal(signal.SIGTERM)
    time.sleep(PATIENCE_SECONDS)
    kill_all(step)


def terminate_the_group(step: subprocess.Popen[str]) -> None:
    """SIGTERM to everything, then the kill: Jenkins, systemd."""
    os.killpg(step.pid, signal.SIGTERM)
    time.sleep(PATIENCE_SECONDS)
    kill_all(step)


SHELLS = {
    "a script of bash": ("bash", "-e", "step.sh"),
    "a line of sh": ("sh", "-c", f"{' '.join(OMNICTL)} apply --yes"),
    "in place of the shell": ("sh", "-c", f"exec {' '.join(OMNICTL)} apply --yes"),
}


@pytest.mark.parametrize(
    ("shell", "cancel", "phase"),
    [
        ("a script of bash", interrupt_the_shell_alone, "in flight"),
        ("a script of bash", interrupt_the_shell_alone, "waiting"),
        ("a line of sh", interrupt_the_shell_alone, "in flight"),
        ("a script of bash", interrupt_the_group, "in flight"),
        ("a line of sh", interrupt_the_group, "waiting"),
        ("in place of the shell", terminate_the_main_process, "in flight"),
        ("in place of the shell", terminate_the_main_process, "waiting"),
        ("a line of sh", terminate_the_main_process, "in flight"),
        ("a script of bash", terminate_the_group, "in flight"),
    ],
)
def test_a_step_that_is_cancelled_goes_on_with_the_same_command(
    project: Path, serve_sandbox: ServeSandbox, shell: str, cancel: Cancel, phase: str
) -> None:
    number = 22 if phase == "waiting" else NUMBER
    world = serve_sandbox("create:slow=0.6,times=0") if phase == "in flight" else serve_sandbox(throttle="published")
    declare(project, number)
    (project / "step.sh").write_text(f"{' '.join(OMNICTL)} apply --yes\necho not to be reached\n")
    step = start(command=SHELLS[shell], start_new_session=True)
    said = read_until(step, " start " if phase == "in flight" else " budget ")
    cancel(step)
    code, out, err = end(step)
    assert code in (130, 143, 137)
    assert "Traceback" not in said + out + err
    assert "not to be reached" not in out
    world.clear_faults()
    world.behaviour = type(world.behaviour)()
    (project / "omnictl.yaml").write_text(
        "version: 1\nenvironments: {default: {budgets: {create: {limit: 1000, window_seconds: 1}}}}\n"
    )
    assert_whole(project, world, number)


def test_a_step_that_has_the_time_says_what_it_did(project: Path, serve_sandbox: ServeSandbox) -> None:
    """Whoever is interrupted while it waits ends within the first pause of any host, with its report."""
    serve_sandbox(throttle="published")
    declare(project, 22)
    step = start(command=("bash", "-c", f"exec {' '.join(OMNICTL)} apply --yes"), start_new_session=True)
    read_until(step, " budget ")
    os.killpg(step.pid, signal.SIGINT)
    code, out, _ = end(step)
    assert (code, "20 done (20 creates), 2 not tried" in out) == (130, True)


# --- stopped, and gone on with ------------------------------------------------------------------------------------


def test_a_sleep_longer_than_the_wait_believes_nothing_too_early(
    project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The create appears while the process sleeps in the middle of looking for it; awake, it looks before it judges."""
    monkeypatch.setenv("OMNICTL_SETTLE", "1.5")
    world = serve_sandbox("create:late-commit=1.2")
    declare(project, 1)
    process = start("apply", "--yes")
    read_until(process, " settle ")
    process.send_signal(signal.SIGTSTP)
    time.sleep(1.7)
    code, out, err = end(process, signal.SIGCONT)
    assert code == 0, out + err
    assert_whole(project, world, 1)


def test_a_sleep_in_the_middle_of_a_request_loses_nothing(
    project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers come, and their time is up, while the process sleeps."""
    world = serve_sandbox("create:slow=0.5,times=0")
    monkeypatch.setenv("OMNICTL_TIMEOUT", "1")
    declare(project, NUMBER)
    process = start("apply", "--yes")
    read_until(process, f"(1/{NUMBER})")
    time.sleep(0.1)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    code, out, err = end(process, signal.SIGCONT)
    assert code in (0, 4), out + err
    world.clear_faults()
    assert_whole(project, world, NUMBER)


def test_a_served_sandbox_is_ended_by_a_signal_as_it_should_be(project: Path) -> None:
    process = start("sandbox", "serve")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://")
    assert end(process, signal.SIGTERM)[0] == 0


@pytest.mark.parametrize("pause", [0.0, 0.002, 0.01])
def test_a_second_signal_while_the_first_is_told_ends_without_a_traceback(
    project: Path, serve_sandbox: ServeSandbox, pause: float
) -> None:
    serve_sandbox("list:slow=20")
    declare(project, 1)
    # Not measured: coverage saves when a process ends at once, and waits for itself if it was saving already.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    process = start("plan", "-v", env=environ)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    time.sleep(pause)
    code, _, err = end(process, signal.SIGTERM)
    assert code in (130, 143, -signal.SIGTERM)
    assert "Traceback" not in err
