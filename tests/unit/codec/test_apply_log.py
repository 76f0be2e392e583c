"""What a log of an apply says of keys: as it was written, and after all that happens to logs."""

from collections.abc import Callable

import pytest

from omnictl.codec.apply_log import read_told_keys
from omnictl.codec.report import encode_event, encode_report
from omnictl.codec.shapes import write_json
from omnictl.model.address import id_of, make_address
from omnictl.model.change import Action
from omnictl.model.diagnostic import Severity
from omnictl.model.key import Ends
from omnictl.model.outcome import (
    ApplyReport,
    ApplyStarted,
    ChangeEnded,
    Ending,
    Event,
    Fate,
    KeyReceived,
    Notice,
    Outcome,
)
from omnictl.render.events import render_event
from tests.builders import NOW, key_of, problem

A, B = key_of("otp-br"), key_of("welcome")


def ended(scenario_id: str, action: Action, key: str | None = None, fate: Fate = Fate.DONE) -> ChangeEnded:
    return ChangeEnded(Outcome(make_address(scenario_id), action, fate, key, None), 1, 3)


def received(scenario_id: str, key: str) -> KeyReceived:
    return KeyReceived(make_address(scenario_id), key)


def started(environment: str = "production") -> ApplyStarted:
    return ApplyStarted("7d1f", environment, 2, 0, 2, 3.0, NOW)


EVENTS: tuple[Event, ...] = (
    started(),
    received("otp-br", A),
    ended("otp-br", Action.CREATE, A),
    received("welcome", B),
    ended("welcome", Action.CREATE, B),
)


def lines(*events: Event) -> str:
    return "".join(f"{render_event(each, NOW)}\n" for each in events)


def json_lines(*events: Event) -> str:
    return "".join(f"{write_json(encode_event(each, NOW), indent=None)}\n" for each in events)


def told(content: str | bytes, environment: str = "production") -> dict[str, str]:
    """Return the ids by key."""
    log = content.encode() if isinstance(content, str) else content
    return {each.key: id_of(each.address) for each in read_told_keys(log, environment)}


BOTH = {A: "otp-br", B: "welcome"}
HAPPENED: dict[str, Callable[[str], str | bytes]] = {
    "nothing": lambda text: text,
    "line ends of Windows": lambda text: text.replace("\n", "\r\n"),
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "times of a runner": lambda text: "".join(f"2026-11-20T14:12:04.1234567Z {each}\n" for each in text.splitlines()),
    "whole times of a runner": lambda text: "".join(f"2026-11-20T14:12:04Z {each}\n" for each in text.splitlines()),
    "a name before each line": lambda text: "".join(f"apply-1  | {each}\n" for each in text.splitlines()),
    "a container's prefix": lambda text: "".join(f"2026-11-20T14:12:04Z stderr F {x}\n" for x in text.splitlines()),
    "colours": lambda text: "".join(f"\x1b[36m{each}\x1b[0m\x1b[K\n" for each in text.splitlines()),
    "a section of a runner": lambda text: f"section_start:1700000000:apply\r\x1b[0K{text}",
    "a display above it": lambda text: f"\r\x1b[2K\x1b[1A{text}",
    "spaces at the ends": lambda text: text.replace("\n", "  \n"),
    "other words around it": lambda text: f"$ omnictl apply\n{{ not json\n{text}Done.\n\x00\x01",
    "bytes that are no text": lambda text: b"\xff\xfe\xfa\n"[2:] + text.encode(),
    "it stands there twice": lambda text: text + text,
    "its last line has no end": lambda text: text.rstrip("\n"),
}


@pytest.mark.parametrize("write", [lines, json_lines])
@pytest.mark.parametrize("happened", HAPPENED)
def test_a_log_is_read_whatever_happened_to_it(happened: str, write: Callable[..., str]) -> None:
    assert told(HAPPENED[happened](write(*EVENTS))) == BOTH


@pytest.mark.parametrize("write", [lines, json_lines])
def test_a_line_that_was_cut_names_no_other_key(write: Callable[..., str]) -> None:
    text = write(received("welcome", B), received("otp-br", A))
    whole = text.index(A)
    for end in range(whole - 20, whole + len(A)):
        read = read_told_keys(text[:end].encode(), "production")
        assert B in {each.key for each in read}
        assert all(each.may_be_cut for each in read if each.key != B)
    assert told(text[: whole + len(A)]).get(A) == ("otp-br" if write is lines else None)


def test_only_the_last_line_may_be_cut() -> None:
    text = lines(received("welcome", B), received("otp-br", A))
    assert [each.may_be_cut for each in read_told_keys(text.encode(), "production")] == [False, False]
    assert [each.may_be_cut for each in read_told_keys(text.rstrip().encode(), "production")] == [True, False]


@pytest.mark.parametrize("write", [lines, json_lines])
def test_the_last_word_counts(write: Callable[..., str]) -> None:
    renamed = ended("otp-world", Action.RENAME, A)
    assert told(write(*EVENTS, renamed)) == {A: "otp-world", B: "welcome"}
    for action in (Action.FORGET, Action.RETIRE):
        assert told(write(*EVENTS, ended("welcome", action))) == {A: "otp-br"}
        assert told(write(*EVENTS, ended("welcome", action, fate=Fate.FAILED))) == BOTH
    assert told(write(*EVENTS, ended("otp-world", Action.RENAME, A, Fate.FAILED))) == BOTH


def test_a_short_key_is_taken_only_for_one_that_was_told_whole() -> None:
    alike = A[:4] + "0" * 24 + A[-4:]
    renamed = ended("otp-world", Action.RENAME, A)
    assert told(lines(received("otp-br", A), received("other", alike), renamed)) == {A: "otp-br", alike: "other"}
    escaped = lines(received("otp-br", A), renamed).replace("\u2026", "\\u2026")
    assert told(escaped) == {A: "otp-world"}


def test_short_keys_of_another_service_are_whole() -> None:
    assert told(lines(received("a", "K1"), ended("b", Action.RENAME, "K1"))) == {"K1": "b"}


@pytest.mark.parametrize("action", [each for each in Action if each not in (Action.FORGET, Action.RETIRE)])
def test_every_change_that_was_done_names_its_key(action: Action) -> None:
    done = ended("otp-world", action, A)
    for write in (lines, json_lines):
        assert told(write(*EVENTS, done)) == {A: "otp-world", B: "welcome"}
        assert told(write(*EVENTS, ended("otp-world", action, A, Fate.FAILED))) == BOTH
    assert told(json_lines(done)) == {A: "otp-world"}
    [short] = read_told_keys(lines(done).encode(), "production")
    assert (id_of(short.address), short.key, short.ends) == ("otp-world", f"{A[:4]}\u2026{A[-4:]}", Ends(A[:4], A[-4:]))


def test_a_short_key_gives_way_to_a_later_word() -> None:
    updated = ended("otp-br", Action.UPDATE, A)
    assert told(lines(updated, received("otp-world", A))) == {A: "otp-world"}
    assert told(lines(updated, received("welcome", B))) == {f"{A[:4]}\u2026{A[-4:]}": "otp-br", B: "welcome"}
    assert told(lines(updated, ended("otp-world", Action.RENAME, A))) == {f"{A[:4]}\u2026{A[-4:]}": "otp-world"}
    assert told(lines(updated, ended("otp-br", Action.FORGET))) == {}


@pytest.mark.parametrize("write", [lines, json_lines])
def test_what_was_said_of_another_environment_is_left_out(write: Callable[..., str]) -> None:
    text = write(started("test"), received("welcome", B), started(), received("otp-br", A))
    assert told(text) == {A: "otp-br"}
    assert told(text, "test") == {B: "welcome"}


def test_what_a_name_says_is_no_line() -> None:
    inner = f"x 14:12:03Z key      otp-br has key {A}"
    assert told(lines(Notice(problem("late-twin", Severity.WARNING, detail=inner)))) == {}
    event = json_lines(received("otp-br", A)).strip()
    assert told(lines(Notice(problem("late-twin", Severity.WARNING, detail=event)))) == {}
    assert told(json_lines(Notice(problem("late-twin", Severity.WARNING, detail=event)))) == {}
    assert told(json_lines(Notice(problem("late-twin", Severity.WARNING, detail=inner)))) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"at": 1}',
        '{"at": "x", "event": "key", "id": 3, "key": "K"}\n',
        '{"at": "x", "event": "key", "id": "No Id", "key": "K"}\n',
        '{"at": "x", "event": "key", "id": "a"}\n',
        '{"at": ' + "[" * 100_000 + "\n",
        "14:12:03Z key      No_Id has key K\n",
        "14:12:03Z key      a has no key\n",
        "14:12:03 key      a has key K\n",
        '{"kind": "apply", "items": 3}',
        '{"kind": "apply"',
    ],
)
def test_what_is_no_log_tells_nothing(text: str) -> None:
    assert told(text) == {}


def test_a_report_is_as_good_as_a_log() -> None:
    outcomes = (
        Outcome(make_address("otp-br"), Action.CREATE, Fate.DONE, A, None),
        Outcome(make_address("welcome"), Action.UPDATE, Fate.DONE, B, None),
        Outcome(make_address("gone"), Action.FORGET, Fate.DONE, None, None),
        Outcome(make_address("lost"), Action.CREATE, Fate.UNKNOWN, None, None),
    )
    report = ApplyReport("7d1f", "production", Ending.FINISHED, outcomes, ())
    text = write_json(encode_report(report, version="1", exit_code=0))
    assert told(text) == BOTH
    assert told("\n" + text.replace('"kind": "apply"', '"kind":"apply"')) == BOTH
    assert told(text, "test") == {}
    assert told(text[:-20]) == {}
