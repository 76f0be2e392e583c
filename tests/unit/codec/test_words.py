"""What documents are made of: shapes, words that nobody knows, and the events of a run."""

import json
from collections.abc import Callable

import pytest

from omnictl.codec.changes import decode_change
from omnictl.codec.report import encode_event
from omnictl.codec.shapes import ShapeError
from omnictl.model.address import make_address
from omnictl.model.change import Action
from omnictl.model.outcome import (
    ApplyStarted,
    ApplyStopped,
    ChangeEnded,
    Event,
    Fate,
    KeyReceived,
    LookingForMessages,
    MessagesSent,
    Notice,
    Outcome,
    PushKept,
    ReadingAccount,
    ReportsTaken,
    RequestEnded,
    Retrying,
    SendingStarted,
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
    (SendingStarted("r1", "vk-sms", 3, 1), "sending"),
    (MessagesSent(1, 2, 3, 6), "sent"),
    (LookingForMessages(2), "looking"),
    (ReportsTaken(3, 2), "reports"),
    (PushKept(2, 1, 3, 1, 1), "push"),
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
