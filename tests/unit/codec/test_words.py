"""What documents are made of: shapes, words that nobody knows, and the events of a run."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from omnictl.codec.changes import decode_change
from omnictl.codec.report import encode_event
from omnictl.codec.shapes import (
    ShapeError,
    as_flag,
    as_list,
    as_member,
    as_number,
    as_text,
    compact,
    parse_json,
    write_time,
)
from omnictl.model.address import make_address
from omnictl.model.change import Action
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
    Retrying,
    Settling,
    Waiting,
    WaitingForLock,
)
from omnictl.model.scenario import Json
from tests.builders import NOW, problem

ADDRESS = make_address("vk-sms")
EVENTS: list[tuple[Event, str]] = [
    (ReadingAccount(100), "reading"),
    (WaitingForLock("apply since 9"), "lock"),
    (ApplyStarted("p", "test", 1, 2, 3, 4.5, NOW, 60.0, 1), "start"),
    (ApplyStopped("--stop-after", 1, 2, 3, 4), "stopped"),
    (ChangeEnded(Outcome(ADDRESS, Action.CREATE, Fate.DONE, "K"), 1, 3), "change"),
    (ChangeEnded(Outcome(ADDRESS, Action.UPDATE, Fate.FAILED, None, problem()), 1, 3), "change"),
    (KeyReceived(ADDRESS, "K"), "key"),
    (Waiting("create", "budget", 3.0, NOW), "waiting"),
    (RequestEnded("GET", "/omni/1/scenarios", "200", 0.1, "id"), "request"),
    (Retrying("update", 2, 1.0, "429"), "retry"),
    (Settling((ADDRESS,)), "settling"),
    (RequestEnded("GET", "/omni/1/scenarios", "200", 0.1, "r1"), "request"),
    (Notice(problem()), "diagnostic"),
]


@pytest.mark.parametrize(("event", "word"), EVENTS)
def test_every_event_is_one_line_with_its_word_and_time(event: Event, word: str) -> None:
    line = json.dumps(encode_event(event, NOW))
    fields = json.loads(line)
    assert "\n" not in line
    assert (fields["event"], fields["at"]) == (word, "2026-11-20T14:12:03Z")


def test_every_event_is_tried() -> None:
    assert {type(event) for event, _ in EVENTS} == set(Event.__args__)


_EDIT = "items[0].fields[0].edits[0].edit"


def _update(field: Json) -> Json:
    attributes: Json = {"name": "a", "flow": []}
    record: Json = {"key": "K", "applied": attributes}
    return {
        "id": "a",
        "action": "update",
        "key": "K",
        "cause": "drift",
        "desired": attributes,
        "actual": attributes,
        "recorded": record,
        "fields": [field],
    }


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda: as_list({}, "items"), "items"),
        (lambda: as_text(1, "name"), "name"),
        (lambda: as_flag("true", "sandbox"), "sandbox"),
        (lambda: as_number(True, "cost"), "cost"),
        (lambda: as_member(Action, "destroy", "action"), "action"),
        (lambda: as_number(float("inf"), "cost"), "cost"),
        (lambda: as_number(float("nan"), "cost"), "cost"),
        (lambda: as_number(10**400, "cost"), "cost"),
        (lambda: decode_change({"id": "a", "action": "destroy"}, "items[0]"), "items[0].action"),
        (lambda: decode_change({"id": "a"}, "items[0]"), "items[0].action"),
        (lambda: decode_change(_update({"field": "flow", "edits": [{"edit": "x"}]}), "items[0]"), _EDIT),
        (lambda: decode_change(_update({"field": "colour", "before": 1}), "items[0]"), "items[0].fields[0].field"),
    ],
)
def test_what_is_wrong_has_its_path(call: Callable[[], object], path: str) -> None:
    with pytest.raises(ShapeError) as caught:
        call()
    assert caught.value.path == path


def test_times_are_written_in_utc() -> None:
    there = timezone(timedelta(hours=2))
    assert write_time(datetime(2026, 11, 20, 16, 12, 3, tzinfo=there)) == "2026-11-20T14:12:03Z"
    assert write_time(datetime(2026, 11, 20, 14, 12, 3, 5, tzinfo=UTC)) == "2026-11-20T14:12:03.000005Z"


def test_nothing_is_left_out_but_what_says_nothing() -> None:
    assert compact({"a": None, "b": False, "c": [], "d": 0, "e": "", "f": {}}) == {"d": 0, "e": "", "f": {}}


def test_a_key_that_stands_twice_is_named() -> None:
    with pytest.raises(ShapeError, match="b: the key stands twice"):
        parse_json('{"a": 1, "b": 1, "b": 2}')
