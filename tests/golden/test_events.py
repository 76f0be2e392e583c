"""The events of a run: the lines of a pipeline, the same as JSON, and the live display of a terminal."""

import json
from datetime import UTC, timedelta

import pytest
from msgspec.structs import replace

from omnictl.codec.report import encode_event
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
    PushKept,
    ReadingAccount,
    RequestEnded,
    Retrying,
    Settling,
    Waiting,
    WaitingForLock,
)
from omnictl.render.events import Standing, describe_work, render_event
from omnictl.render.live import LiveView, render_live
from omnictl.render.style import Style, width_of
from tests.builders import NOW, PLAN_ID, key_of, problem
from tests.golden.golden import check_golden

ENDS = NOW + timedelta(minutes=50)
START = ApplyStarted(PLAN_ID, "production", 120, 3, 123, 3000.0, ENDS, 2700.0, 20)
BUDGET = Waiting("create", "budget", 600.0, NOW + timedelta(minutes=10), 20, 600.0)
OTP = make_address("otp-br")


def ended(scenario_id: str, action: Action, fate: Fate, position: int) -> ChangeEnded:
    why = None if fate is Fate.DONE else problem("refused-by-api", summary="The API refuses the scenario")
    key = key_of(scenario_id) if fate is Fate.DONE and action is Action.CREATE else None
    return ChangeEnded(Outcome(make_address(scenario_id), action, fate, key, why), position, 123)


EVENTS: list[Event] = [
    ReadingAccount(300),
    WaitingForLock("apply since 2026-11-20 14:00:00Z (pid 12)"),
    Settling((OTP,)),
    Settling(tuple(make_address(f"s-{number}") for number in range(8))),
    Waiting("settle", "settle", 58.0, NOW + timedelta(seconds=58)),
    START,
    replace(START, creates=0, updates=1, total=1, seconds=0.2, stop_after_seconds=None),
    replace(START, left_at_stop=0),
    ended("welcome", Action.UPDATE, Fate.DONE, 1),
    KeyReceived(OTP, key_of("otp-br")),
    ended("otp-br", Action.CREATE, Fate.DONE, 2),
    ended("otp-us", Action.CREATE, Fate.FAILED, 3),
    ended("otp-fr", Action.CREATE, Fate.UNKNOWN, 4),
    BUDGET,
    Waiting("update", "retry-after", 30.0, NOW + timedelta(seconds=30)),
    Waiting("update", "unheard-of", 30.0, NOW + timedelta(seconds=30)),
    Retrying("list", 2, 1.5, "503 Service Unavailable \x1b[31m"),
    RequestEnded("POST", "/omni/1/scenarios", "200", 0.1234, "a1b2c3"),
    RequestEnded("GET", "/omni/1/scenarios", "no answer \x1b[31m", 30.0),
    PushKept(reports=2, new=1),
    PushKept(reports=1, seen=1, new=2, unreadable=3),
    PushKept(inbound=1),
    PushKept(),
    Notice(problem("late-twin", Severity.WARNING, summary="A late twin", detail="otp-br exists twice.")),
    ApplyStopped("--stop-after 2700s", 103, 0, 0, 20),
    ApplyStopped("the lock of the state was lost", 1, 0, 0, 40, is_saved=False),
]


def test_events_as_lines() -> None:
    lines = [render_event(each, NOW) for each in EVENTS]
    standing = Standing(23, 123, ENDS)
    lines.append(render_event(BUDGET, NOW, standing))
    later = NOW + timedelta(minutes=1)
    lines.append(render_event(replace(BUDGET, seconds=536.0), later, replace(standing, waits_on=True)))
    lines.append(render_event(replace(BUDGET, seconds=536.0), later, Standing(23, 123, waits_on=True)))
    check_golden("events.txt", "\n".join(lines) + "\n")


def test_events_as_json() -> None:
    lines = [json.dumps(encode_event(each, NOW)) for each in EVENTS]
    check_golden("events.ndjson", "\n".join(lines) + "\n")


def test_what_breaks_a_silence() -> None:
    lines = [describe_work(each) for each in EVENTS if not isinstance(each, ChangeEnded | ApplyStarted)]
    lines += [describe_work(None), describe_work(START, Standing(23, 123))]
    check_golden("events-silence.txt", "\n".join(dict.fromkeys(lines)) + "\n")


def view_of(*events: Event) -> LiveView:
    view = LiveView(START)
    for each in events:
        view.follow(each)
    return view


def busy() -> LiveView:
    creates = [ended(f"s-{number}", Action.CREATE, Fate.DONE, number) for number in range(40)]
    others = [ended(f"u-{number}", Action.UPDATE, Fate.DONE, number) for number in range(3)]
    return view_of(*creates, *others, replace(BUDGET, until=NOW + timedelta(seconds=372)))


@pytest.mark.parametrize(("width", "unicode"), [(140, True), (100, True), (80, True), (60, False), (40, True)])
def test_live_display(width: int, unicode: bool) -> None:
    text = render_live(busy(), Style(width=width, unicode=unicode), now=NOW, zone=UTC, height=24)
    check_golden(f"live-{width}{'' if unicode else '-ascii'}.txt", text + "\n")
    assert max(map(width_of, text.splitlines())) < width
    assert unicode or text.isascii()


def test_live_display_in_colour() -> None:
    text = render_live(busy(), Style(colour=True), now=NOW, zone=UTC, height=24)
    check_golden("live-colour.txt", text + "\n")


@pytest.mark.parametrize(("height", "lines"), [(24, 4), (4, 3), (2, 1), (1, 1)])
def test_live_display_is_never_higher_than_the_terminal(height: int, lines: int) -> None:
    assert len(render_live(busy(), Style(), now=NOW, zone=UTC, height=height).splitlines()) == lines


def test_live_display_between_waits() -> None:
    for event, said in (
        (Retrying("update", 2, 1.0, "503"), "update again, try 2: 503"),
        (ReadingAccount(7), "reading the account, 7 scenarios so far"),
        (Settling((OTP,)), "looking for 1 create with unknown outcome"),
    ):
        text = render_live(view_of(BUDGET, event), Style(), now=NOW, zone=UTC, height=24)
        assert text.splitlines()[2] == f"  {said}"
    over = render_live(view_of(BUDGET), Style(), now=NOW + timedelta(hours=1), zone=UTC, height=24)
    assert len(over.splitlines()) == 3
    failed = view_of(BUDGET, ended("a", Action.CREATE, Fate.FAILED, 1))
    assert len(render_live(failed, Style(), now=NOW, zone=UTC, height=9).splitlines()) == 3


def test_live_display_at_its_end() -> None:
    done = [ended(f"s-{number}", Action.CREATE, Fate.DONE, number) for number in range(123)]
    head = render_live(view_of(*done), Style(), now=NOW, zone=UTC, height=24).splitlines()[0]
    assert head == "Applying plan 7d1f to production  " + "━" * 40 + "  123 of 123"
    view = LiveView(replace(START, total=0))
    assert render_live(view, Style(), now=NOW, zone=UTC, height=1).endswith("━  0 of 0")


def test_live_display_before_the_first_answer() -> None:
    view = view_of(KeyReceived(OTP, key_of("otp-br")))
    assert len(render_live(view, Style(), now=NOW, zone=UTC, height=24).splitlines()) == 3
