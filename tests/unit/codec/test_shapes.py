"""Each shape of a value: what it takes, what it gives, and what it says of all else."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from omnictl.codec.shapes import (
    ShapeError,
    as_count,
    as_flag,
    as_integer,
    as_list,
    as_member,
    as_number,
    as_object,
    as_optional_text,
    as_optional_time,
    as_text,
    as_time,
    compact,
    escape_hidden,
    parse_json,
    write_json,
    write_time,
)
from omnictl.model.change import Cause

AT = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)


def cause(value: Any, path: str) -> Cause:
    return as_member(Cause, value, path)


OBJECT, LIST, TEXT = "expected an object", "expected a list", "expected a string"
WHOLE, COUNT, NUMBER = "expected a whole number", "expected a number from 0 to 2^53", "expected a number"
FLAG, ZONE = "expected true or false", "expected a time in UTC, with Z"
TIME = "expected a time such as 2026-11-20T09:12:00Z"


@pytest.mark.parametrize(
    ("read", "value", "result"),
    [
        (as_object, {"a": 1}, {"a": 1}),
        (as_object, {}, {}),
        (as_list, [1], [1]),
        (as_list, None, ()),
        (as_text, "", ""),
        (as_optional_text, "a", "a"),
        (as_optional_text, None, None),
        (as_integer, -7, -7),
        (as_count, 0, 0),
        (as_count, 2**53, 2**53),
        (as_number, 1, 1.0),
        (as_number, -2.5, -2.5),
        (as_number, 1e300, 1e300),
        (as_flag, True, True),
        (as_flag, False, False),
        (as_flag, None, False),
        (as_time, "2026-11-20T09:12:00Z", AT),
        (as_time, "2026-11-20T11:12:00+02:00", AT),
        (as_time, "2026-11-20T09:12:00.000007Z", AT.replace(microsecond=7)),
        (as_optional_time, "2026-11-20T09:12:00Z", AT),
        (as_optional_time, None, None),
        (cause, "drift", Cause.DRIFT),
    ],
)
def test_what_a_shape_takes(read: Callable[[Any, str], Any], value: Any, result: Any) -> None:
    found = read(value, "path")
    assert found == result
    assert type(found) is type(result)
    if isinstance(found, datetime):
        assert found.tzinfo is UTC


REFUSED: list[tuple[Callable[[Any, str], Any], tuple[Any, ...], str]] = [
    (as_object, (None, [], "a", 1), OBJECT),
    (as_list, ({}, "a", 0, False), LIST),
    (as_text, (None, 1, []), TEXT),
    (as_optional_text, (0, []), TEXT),
    (as_integer, (True, 1.0, "1", None), WHOLE),
    (as_count, (-1, 2**53 + 1), COUNT),
    (as_count, (True, "1"), WHOLE),
    (as_number, (False, "1", None, 1.1e300, -1.1e300, float("nan"), 10**400), NUMBER),
    (as_flag, (0, 1, "true", []), FLAG),
    (as_time, ("", "yesterday", "0001-01-01T00:00:00+23:59"), TIME),
    (as_time, ("2026-11-20T09:12:00", "2026-11-20"), ZONE),
    (as_time, (None, 7), TEXT),
    (as_optional_time, ("",), TIME),
    (as_optional_time, (7,), TEXT),
    (cause, ("destroy",), "'destroy' is not known here"),
    (cause, (None,), TEXT),
]


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [(read, value, expected) for read, values, expected in REFUSED for value in values],
)
def test_what_a_shape_refuses(read: Callable[[Any, str], Any], value: Any, expected: str) -> None:
    for path, shown in (("a.b[0]", "a.b[0]"), ("", "the document")):
        with pytest.raises(ShapeError) as caught:
            read(value, path)
        error = caught.value
        assert (error.path, error.expected, error.line, error.column) == (path, expected, None, None)
        assert str(error) == f"{shown}: {expected}"


@pytest.mark.parametrize(
    ("text", "path", "expected", "line", "column"),
    [
        ("{\n  x", "line 2, column 3", "not JSON (Expecting property name enclosed in double quotes)", 2, 3),
        (b'{\n"a": "\xff"}', "byte 8", "not UTF-8", 2, None),
        (b"\xff", "byte 0", "not UTF-8", 1, None),
        (b"\n\n\xff\n", "byte 2", "not UTF-8", 3, None),
        ("[" * 200_000, "", "nested too deeply", None, None),
        ("9" * 10_000, "", "a number has too many digits", None, None),
        ('{"a": {"b": 1, "c": 2, "c": 3}}', "c", "the key stands twice", None, None),
        ('{"a": NaN}', "NaN", "not a JSON number", None, None),
        ("[-Infinity]", "-Infinity", "not a JSON number", None, None),
    ],
)
def test_what_is_no_json(text: str | bytes, path: str, expected: str, line: int | None, column: int | None) -> None:
    with pytest.raises(ShapeError) as caught:
        parse_json(text)
    error = caught.value
    assert (error.path, error.expected, error.line, error.column) == (path, expected, line, column)


@pytest.mark.parametrize("text", ['{"a": [1, "é"]}', '{"a": [1, "é"]}'.encode(), '\ufeff{"a": [1, "é"]}'.encode()])
def test_json_is_read_from_text_and_bytes(text: str | bytes) -> None:
    assert parse_json(text) == {"a": [1, "é"]}


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("é \U0001f600", "é \U0001f600"),
        ("\ud800x\udfff", "\\ud800x\\udfff"),
        ("é\udabc", "é\\udabc"),
        ("a\x7f", "a\\u007f"),
        ("é\x7f\u200b\U000e0041", "é\\u007f\\u200b\\udb40\\udc41"),
    ],
)
def test_what_is_hidden_is_escaped_and_nothing_else(text: str, escaped: str) -> None:
    assert escape_hidden(text) == escaped


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (AT, "2026-11-20T09:12:00Z"),
        (AT.replace(microsecond=5), "2026-11-20T09:12:00.000005Z"),
        (AT.astimezone(timezone(timedelta(hours=-3))), "2026-11-20T09:12:00Z"),
        (AT.replace(tzinfo=timezone(timedelta(0), "GMT")), "2026-11-20T09:12:00Z"),
    ],
)
def test_times_are_written_in_utc(at: datetime, written: str) -> None:
    assert write_time(at) == written


def test_where_the_machine_stands_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "JST-9")
        time.tzset()
        assert write_time(AT.astimezone(timezone(timedelta(hours=2)))) == "2026-11-20T09:12:00Z"
        assert write_time(as_time("2026-11-20T11:12:00+02:00", "at")) == "2026-11-20T09:12:00Z"
    time.tzset()


def test_nothing_is_left_out_but_what_says_nothing() -> None:
    assert compact({"a": None, "b": False, "c": [], "d": 0, "e": "", "f": {}}) == {"d": 0, "e": "", "f": {}}


def test_a_document_is_written_readably() -> None:
    assert write_json({"a": ["é", "\u200b"]}) == '{\n  "a": [\n    "é",\n    "\\u200b"\n  ]\n}'
    assert write_json({"a": "é"}, indent=None) == '{"a": "é"}'
