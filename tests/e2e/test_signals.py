"""Signals, pipes and terminals: real processes, ended the way people and pipelines end them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import omnictl

OMNICTL = [sys.executable, "-m", "omnictl"]


@pytest.fixture
def waiting(project: Path, serve_sandbox: ServeSandbox) -> Iterator[subprocess.Popen[str]]:
    """An apply that has used its budget and waits for more."""
    (project / "scenarios").mkdir()
    for number in range(22):
        (project / "scenarios" / f"s-{number}.yaml").write_text(f"name: S {number}\nflow: [{{channel: SMS}}]\n")
    serve_sandbox(throttle="published")
    process = subprocess.Popen(
        [*OMNICTL, "apply", "--yes"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if " budget " in line:
            break
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_in_good_order(waiting: subprocess.Popen[str], number: signal.Signals, code: int) -> None:
    waiting.send_signal(number)
    out, err = waiting.communicate(timeout=20)
    assert waiting.returncode == code
    assert "20 done (20 creates), 2 not tried" in out
    assert "Stopping" in err
    assert "20 unchanged" in omnictl("plan").out


def test_a_killed_apply_goes_on(waiting: subprocess.Popen[str]) -> None:
    waiting.kill()
    waiting.communicate(timeout=20)
    ran = omnictl("apply", "--yes", "--stop-after", "1s")
    assert ran.code == 6
    assert "Plan: 2 creates; 20 unchanged." in ran.out


def test_a_second_apply_is_told_who_holds_the_lock(waiting: subprocess.Popen[str]) -> None:
    ran = omnictl("apply", "--yes")
    assert ran.code == 6
    assert "lock-held" in ran.err
    assert f"pid {waiting.pid}" in ran.err
    limited = omnictl("apply", "--yes", "--stop-after", "1s", "--lock-timeout", "10m")
    assert (limited.code, "lock-held" in limited.err) == (6, True)
    assert omnictl("state", "unlock").code == 6
    assert omnictl("plan").code == 0


def test_a_closed_pipe_ends_with_141(project: Path) -> None:
    (project / "scenarios").mkdir()
    for number in range(800):
        text = f"name: {'A long name ' * 10} {number}\nflow: [{{channel: SMS}}]\n"
        (project / "scenarios" / f"s-{number}.yaml").write_text(text)
    process = subprocess.Popen([*OMNICTL, "plan", "--sandbox"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 141
    assert err == b""


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("y", 3), ("", 3)])
def test_only_the_word_yes_goes_on(project: Path, answer: str, code: int) -> None:
    omnictl("init")
    environ = {**os.environ, "TERM": "xterm"}
    child = pexpect.spawn(OMNICTL[0], [*OMNICTL[1:], "apply", "--sandbox"], env=environ, timeout=20, encoding="utf-8")
    child.expect("Only the word yes goes on")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == code


def test_ctrl_c_at_the_question_ends_at_once(project: Path) -> None:
    omnictl("init")
    environ = {**os.environ, "TERM": "xterm"}
    child = pexpect.spawn(OMNICTL[0], [*OMNICTL[1:], "apply", "--sandbox"], env=environ, timeout=20, encoding="utf-8")
    child.expect("Only the word yes goes on")
    child.sendintr()
    child.expect("nothing was sent")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "1 create" in omnictl("plan", "--sandbox").out


def test_ctrl_c_ends_the_wait_for_the_lock(waiting: subprocess.Popen[str]) -> None:
    second = subprocess.Popen(
        [*OMNICTL, "apply", "--yes", "--lock-timeout", "10m"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert second.stderr is not None
    assert "lock" in second.stderr.readline()
    second.send_signal(signal.SIGINT)
    assert "nothing was sent" in second.communicate(timeout=20)[1]
    assert second.returncode == 130


def test_a_saved_plan_goes_on_after_a_kill(project: Path, serve_sandbox: ServeSandbox) -> None:
    """The very first plan of an environment: there is no state yet when it is made."""
    (project / "scenarios").mkdir()
    for number in range(22):
        (project / "scenarios" / f"s-{number}.yaml").write_text(f"name: S {number}\nflow: [{{channel: SMS}}]\n")
    serve_sandbox(throttle="published")
    assert omnictl("plan", "--out", "plan.json").code == 0
    assert omnictl("apply", "plan.json", "--stop-after", "1s").code == 6
    ran = omnictl("apply", "plan.json", "--stop-after", "1s")
    assert ran.code == 6
    assert "20 done (20 creates), 2 not tried" in ran.out
