"""Progress: a line an event in a pipeline, a display on a terminal, never silent for long, never in the way."""

import io
import json
import re
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from omnictl.cli.output import Output
from omnictl.cli.progress import Progress
from omnictl.model.address import make_address
from omnictl.model.change import Action
from omnictl.model.diagnostic import Severity
from omnictl.model.outcome import (
    ApplyStarted,
    ApplyStopped,
    ChangeEnded,
    Event,
    Fate,
    KeyReceived,
    Notice,
    Outcome,
    ReadingAccount,
    RequestEnded,
    Settling,
    Waiting,
    WaitingForLock,
)
from omnictl.render.style import Style
from tests.builders import NOW, PLAN_ID, key_of, problem

START = ApplyStarted(PLAN_ID, "production", 2, 0, 2, 600.0, NOW + timedelta(minutes=10))
OTP = make_address("otp-br")
KEY = KeyReceived(OTP, key_of("otp-br"))
DONE = ChangeEnded(Outcome(OTP, Action.CREATE, Fate.DONE, key_of("otp-br")), 1, 2)
FAILED = ChangeEnded(Outcome(make_address("b"), Action.CREATE, Fate.FAILED, None, problem()), 2, 2)
BUDGET = Waiting("create", "budget", 590.0, NOW + timedelta(seconds=590), 20, 600.0)
STOPPED = ApplyStopped("--stop-after 45m", 1, 0, 0, 1)


@dataclass
class Clock:
    """A clock that is moved by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Terminal(io.TextIOWrapper):
    """A stderr in memory, which may be a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        self.content = io.BytesIO()
        super().__init__(self.content, encoding="utf-8", write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    @property
    def text(self) -> str:
        return self.content.getvalue().decode()


@dataclass
class Watched:
    """A progress, its clock, and what it said."""

    stderr: Terminal
    clock: Clock = field(default_factory=Clock)
    progress: Progress = field(init=False)

    def tell(self, *events: Event) -> "Watched":
        for each in events:
            self.progress.observe(each)
        return self

    @property
    def lines(self) -> list[str]:
        return self.stderr.text.splitlines()


def watch(monkeypatch: pytest.MonkeyPatch, *, terminal: bool = False, **output: Any) -> Watched:
    """Begin to watch; not a fixture, for pytest sets its own streams between set-up and call."""
    stderr = Terminal(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", "xterm")
    watched = Watched(stderr)
    style = Style(width=80)
    watched.progress = Progress(Output(style, style, is_live=terminal, **output), now=watched.clock)
    return watched


def test_a_pipeline_gets_a_line_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch).tell(ReadingAccount(3), START, KEY, DONE, FAILED, STOPPED)
    words = [line.split()[1] for line in seen.lines]
    assert words == ["start", "key", "create", "create", "stopped"]


def test_a_wait_is_told_again_but_not_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch).tell(START, DONE, BUDGET)
    for _ in range(6):
        seen.clock.pass_seconds(10)
        seen.tell(BUDGET)
    assert [line.split()[1] for line in seen.lines] == ["start", "create", "budget", "waiting", "waiting"]
    seen.tell(FAILED, BUDGET)
    assert seen.lines[-1].split()[1] == "budget"


def test_a_long_silence_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch).tell(ReadingAccount(300))
    seen.clock.pass_seconds(44)
    seen.progress.break_silence()
    assert seen.lines == []
    seen.clock.pass_seconds(1)
    seen.progress.break_silence()
    seen.progress.break_silence()
    assert seen.lines == ["14:12:48Z alive    reading the account, 300 scenarios so far"]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (WaitingForLock("apply (pid 12)"), "waiting for the lock, held by apply (pid 12)"),
        (Settling((OTP,)), "looking for 1 create with unknown outcome"),
        (START, "0/2 done, waiting for answers"),
    ],
)
def test_what_is_said_in_a_silence(monkeypatch: pytest.MonkeyPatch, event: Event, said: str) -> None:
    seen = watch(monkeypatch).tell(event)
    seen.clock.pass_seconds(50)
    seen.progress.break_silence()
    assert seen.lines[-1].endswith(said)


def test_a_person_hears_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch, terminal=True).tell(ReadingAccount(300))
    seen.clock.pass_seconds(10)
    seen.progress.break_silence()
    assert seen.lines == ["14:12:13Z alive    reading the account, 300 scenarios so far"]


def test_silences_are_watched_while_a_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch)
    progress = Progress(Output(Style(), Style()), now=seen.clock, look_every_seconds=0.01)
    with progress:
        seen.clock.pass_seconds(60)
        until = time.monotonic() + 20
        while not seen.lines and time.monotonic() < until:
            time.sleep(0.01)
        assert seen.lines == ["14:13:03Z alive    waiting for answers"]
    seen.clock.pass_seconds(60)
    progress.break_silence()
    assert len(seen.lines) == 1


def test_requests_are_told_where_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    request = RequestEnded("GET", "/omni/1/scenarios", "200", 0.1)
    assert watch(monkeypatch).tell(request).lines == []
    seen = watch(monkeypatch, verbose=1).tell(ReadingAccount(3), request)
    assert seen.lines == ["14:12:03Z request  GET /omni/1/scenarios: 200 in 0.10 s"]
    seen.clock.pass_seconds(50)
    seen.progress.break_silence()
    assert seen.lines[-1].endswith("reading the account, 3 scenarios so far")
    live = watch(monkeypatch, terminal=True, verbose=1)
    with live.progress:
        live.tell(START, request)
    assert "GET /omni/1/scenarios: 200 in 0.10 s" in live.stderr.text


def test_quiet_says_keys_and_warnings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch, quiet=True)
    before = threading.active_count()
    with seen.progress:
        assert threading.active_count() == before
        seen.tell(START, KEY, DONE, FAILED, BUDGET, Notice(problem("a", Severity.NOTE)))
        seen.tell(Notice(problem("late-twin", Severity.WARNING)))
    assert [line.split()[1] for line in seen.lines] == ["key", "warning"]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_json_log_holds_nothing_else(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    seen = watch(monkeypatch, terminal=terminal, json_log=True).tell(ReadingAccount(3), START, KEY, DONE, BUDGET)
    seen.clock.pass_seconds(50)
    seen.progress.break_silence()
    seen.progress.say("Stopping.")
    events = [json.loads(line)["event"] for line in seen.lines]
    assert events == ["reading", "start", "key", "change", "waiting", "alive", "message"]


def test_a_terminal_gets_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch, terminal=True)
    with seen.progress:
        seen.tell(WaitingForLock("another"), START, KEY, DONE, BUDGET)
        seen.progress.say("Stopping.\n")
        seen.tell(FAILED, Notice(problem("late-twin", Severity.NOTE)))
        seen.clock.pass_seconds(60)
        seen.progress.break_silence()
    text = seen.stderr.text
    assert "lock     held by another; waiting" in text
    assert "Applying plan 7d1f to production" in text
    assert "key      otp-br has key" in text
    assert "Stopping." in text
    assert "b FAILED: Something is wrong" in text
    assert "note     Something is wrong" in text
    assert "otp-br done" not in text
    assert "alive" not in text


def test_the_display_goes_when_a_run_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch, terminal=True)
    with seen.progress:
        seen.tell(ApplyStarted(PLAN_ID, "production", 2, 0, 2, 600.0, NOW, 300.0, 1), STOPPED)
        assert seen.lines[-1].endswith("state saved")
        assert "will stop at" in seen.stderr.text


def test_the_display_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch, terminal=True)
    monkeypatch.setenv("COLUMNS", "45")
    with seen.progress:
        seen.tell(START, BUDGET)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.stderr.text))
    assert any("Applying plan" in line for line in lines)
    assert max(map(len, lines)) < 45
