"""Streams that are closed, full or gone: nothing is lost by it, nothing is written where it does not belong."""

import os
import subprocess
import time
from pathlib import Path

import pexpect
import pytest

from omnictl.sandbox.store import World
from tests.e2e.conftest import ServeSandbox
from tests.e2e.processes import BOUND_SECONDS, OMNICTL, assert_whole, declare, end, start
from tests.e2e.running import omnictl

NUMBER = 5


@pytest.fixture
def world(project: Path, serve_sandbox: ServeSandbox) -> World:
    """An account, and scenarios to create on it."""
    declare(project, NUMBER)
    return serve_sandbox()


def run_in_shell(line: str) -> tuple[int, str, str]:
    """Run a line as a step of a pipeline does."""
    command = ("bash", "-e", "-o", "pipefail", "-c", line.replace("omnictl", " ".join(OMNICTL)))
    return end(start(command=command))


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("omnictl apply --yes | head -1", (141, 0)),
        ("omnictl apply --yes 2>&1 | head -1", (141, 0)),
        ("omnictl apply --yes --format json | true", (141, 0)),
        ("omnictl apply --yes 2> >(true)", (0,)),
        ("omnictl apply --yes >&-", (0,)),
        ("omnictl apply --yes >&- 2>&- <&-", (0,)),
        ("omnictl apply --yes > /dev/full", (1,)),
        ("omnictl apply --yes 2> /dev/full", (0,)),
        ("omnictl apply --yes --format json > /dev/full", (4,)),
        ("omnictl apply --yes --report json=/dev/full", (4,)),
    ],
)
def test_an_apply_ends_whole_whatever_its_streams_are(
    project: Path, world: World, line: str, codes: tuple[int, ...]
) -> None:
    """Either nothing was sent, or everything was done: a reader that goes away stops nothing half-way."""
    code, out, err = run_in_shell(line)
    assert code in codes, (out, err)
    assert "Traceback" not in out + err
    assert len(world.list_all()) in (0, NUMBER)
    if world.list_all():
        assert (
            f"{NUMBER} unchanged" in omnictl("plan", "--format", "markdown").out or "No changes" in omnictl("plan").out
        )
    assert_whole(project, world, NUMBER)
    assert sorted(each.name for each in project.iterdir()) == [".omnictl", "scenarios", "state"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("omnictl plan >&-", 0),
        ("omnictl plan > /dev/full", 1),
        ("omnictl plan 2> /dev/full", 0),
        ("omnictl plan --out /dev/full", 1),
        ("omnictl plan --report html=/dev/full", 1),
        ("omnictl --help > /dev/full", 1),
        ("omnictl nonsense 2>&-", 64),
    ],
)
def test_what_reads_says_when_nobody_could_read_it(project: Path, world: World, line: str, code: int) -> None:
    found, out, err = run_in_shell(line)
    assert (found, "Traceback" in out + err) == (code, False)
    assert world.list_all() == []


def test_a_file_never_takes_the_place_of_a_closed_stream(project: Path, world: World) -> None:
    """Without stdout and stderr the state would be the first file to be opened, and get what is said to people."""
    for _ in range(2):
        run_in_shell("omnictl apply --yes -vv 0<&- 1>&- 2>&-")
    assert (project / "state" / "default.json").read_text().startswith("{")
    assert_whole(project, world, NUMBER)


@pytest.mark.parametrize("when", ["at the question", "at work"])
def test_a_terminal_that_goes_away_ends_in_good_order(project: Path, serve_sandbox: ServeSandbox, when: str) -> None:
    """Its programs get a SIGHUP, and can neither read nor write it any more."""
    world = serve_sandbox(throttle="published")
    declare(project, 22)
    environ = {**os.environ, "TERM": "xterm"}
    child = pexpect.spawn(OMNICTL[0], [*OMNICTL[1:], "apply"], env=environ, timeout=BOUND_SECONDS, encoding="utf-8")
    child.expect("Only the word yes goes on")
    if when == "at work":
        child.sendline("yes")
        child.expect("waiting")
    os.close(child.child_fd)
    child.closed = True
    until = time.monotonic() + BOUND_SECONDS
    while child.isalive():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert child.exitstatus == 129
    assert len(world.list_all()) == (20 if when == "at work" else 0)
    assert not list(project.glob(".omnictl/logs/*"))
    if when == "at work":
        assert "20 unchanged" in omnictl("plan").out


def test_a_program_that_nohup_protects_outlives_its_terminal(project: Path, world: World) -> None:
    process = subprocess.Popen(
        ["nohup", *OMNICTL, "plan"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    code, out, _ = end(process)
    assert (code, "5 creates" in out) == (0, True)
