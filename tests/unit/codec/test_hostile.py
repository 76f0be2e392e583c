"""Documents that are not what they should be: an error of ours with the place in the document, never anything else."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnictl.codec.envelope import decode_envelope, make_envelope
from omnictl.codec.plan import decode_plan, encode_plan
from omnictl.codec.report import decode_report, encode_report
from omnictl.codec.shapes import ShapeError, parse_json
from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import OmnictlError, StateError, UsageError
from omnictl.model.diagnostic import Diagnostic
from tests.builders import example_scene, problem
from tests.unit.codec.strategies import json_values, plans, reports, states

Decode = Callable[[Any], object]


def _state(document: Any) -> object:
    return decode_state(json.dumps(document), path="x")


def _plan(document: Any) -> object:
    return decode_plan(document, path="x")


def _report(document: Any) -> object:
    return decode_report(document, path="x")


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _places(each, (*path, key))


def _put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


@given(
    st.one_of(
        st.tuples(st.just(_state), states.map(encode_state).map(json.loads)),
        st.tuples(st.just(_plan), plans.map(encode_plan)),
        st.tuples(st.just(_report), reports.map(lambda each: encode_report(each, version="1", exit_code=0))),
    ),
    json_values,
    st.data(),
)
@settings(deadline=None, max_examples=300)
def test_any_field_may_be_anything(chosen: tuple[Decode, Any], value: Any, data: st.DataObject) -> None:
    decode, document = chosen
    _put(document, data.draw(st.sampled_from(list(_places(document)))), value)
    problem = _problem(lambda: decode(document))
    assert problem is None or (problem.detail and problem.source)


@given(json_values)
@settings(deadline=None)
def test_any_json_at_all(value: Any) -> None:
    with pytest.raises(StateError):
        _state(value)
    if isinstance(value, dict):
        for decode in (_plan, _report):
            with pytest.raises(UsageError):
                decode(value)


@given(st.binary(max_size=60))
def test_any_bytes_at_all(content: bytes) -> None:
    with pytest.raises(StateError):
        decode_state(content, path="x")


@pytest.mark.parametrize(
    ("content", "said", "line"),
    [
        (b"", "not JSON", 1),
        (b"\0\0\0\0", "not JSON", 1),
        (b'{\n  "a": 1,\n  "a": 2\n}', "a: the key stands twice", None),
        (b'{"a": NaN}', "NaN: not a JSON number", None),
        (b'{\n"a": "\xff"}', "not UTF-8", 2),
        (b'{\n"a": "\xed\xa0\x80"}', "not UTF-8", 2),
        (b"[" * 200_000, "nested too deeply", None),
        (b"9" * 10_000, "too many digits", None),
        (b"[]", "expected an object", None),
        (b'{"format_version": 1}', "records: expected an object", None),
        (b'{"kind": "plan"}', "kind: this is no state but 'plan'", None),
        (b'{"format_version": true}', "format_version: expected a whole number", None),
        (b'{"format_version": -1}', "format_version: expected a number from 0", None),
        (b'{"format_version": 1, "records": {"A b": {}}}', "records: 'A b' is no id", None),
        (b'{"format_version": 1, "records": {"a": {"applied": 1}}}', "records.a.applied: expected an object", None),
    ],
)
def test_a_broken_state_says_what_and_where(content: bytes, said: str, line: int | None) -> None:
    found = _refused(lambda: decode_state(content, path="state/test.json"))
    assert found.code == "unreadable-state"
    assert said in found.detail
    assert "Nothing was changed" in found.detail
    assert found.source is not None
    assert (found.source.path, found.source.line) == ("state/test.json", line)


def test_a_cut_state_names_its_end() -> None:
    text = encode_state(example_scene().state)
    cut = text[: text.rindex(",", 0, len(text) // 2) + 1]
    found = _refused(lambda: decode_state(cut, path="x"))
    assert found.source is not None
    assert (found.source.line, found.source.column) == (cut.count("\n") + 1, len(cut) - cut.rindex("\n"))


def test_one_key_of_two_ids_is_refused() -> None:
    document = json.loads(encode_state(example_scene().state))
    document["records"]["twin"] = document["records"]["welcome"]
    said = "records: welcome and twin have one key, "
    assert _refused(lambda: _state(document)).detail.startswith(said)


def test_an_id_of_the_default_that_is_none_is_refused() -> None:
    document = json.loads(encode_state(example_scene().state))
    document["account_default"] = {"id": "A b"}
    assert _refused(lambda: _state(document)).detail.startswith("account_default.id: 'A b' is no id")


def test_a_merge_conflict_says_its_line_and_the_cure() -> None:
    lines = encode_state(example_scene().state).splitlines()
    marked = [*lines[:5], "<<<<<<< HEAD", lines[5], "=======", lines[5], ">>>>>>> other", *lines[6:]]
    lone = "\n".join([*marked, "\ud800"])
    for text in ("\n".join(marked), "\r\n".join(marked).encode(), lone):
        found = _refused(lambda text=text: decode_state(text, path="state/test.json"))  # type: ignore[misc]
        assert found.code == "state-merge-conflict"
        assert found.source is not None
        assert found.source.line == 6
        assert "git show MERGE_HEAD:./state/test.json > theirs.json" in found.commands


def test_a_name_that_looks_like_a_conflict_is_none() -> None:
    document = json.loads(encode_state(example_scene().state))
    document["records"]["welcome"]["applied"]["name"] = "\n<<<<<<< HEAD"
    assert _state(document)


def test_unknown_fields_are_ignored_within_a_format() -> None:
    scene = example_scene()
    document = json.loads(encode_state(scene.state))
    for path in list(_places(document)):
        parent = document
        for key in path:
            parent = parent[key]
        if isinstance(parent, dict) and path[-1] != "records":
            parent["later"] = {"x": 1}
    document["later"] = 1
    assert _state(document) == scene.state


def test_a_newer_state_is_refused_with_the_cure() -> None:
    found = _refused(lambda: decode_state('{"format_version": 2, "records": "other"}', path="x"))
    assert found.code == "newer-state"
    assert "use the omnictl that wrote it" in found.hint


@pytest.mark.parametrize("version", ["2.0", "10.1", "2", "999999999.0"])
def test_a_newer_plan_or_report_is_refused_with_the_cure(version: str) -> None:
    for decode in (_plan, _report, lambda document: decode_envelope(document, path="x")):
        found = _refused(lambda decode=decode: decode({"format_version": version}))  # type: ignore[misc]
        assert found.code == "newer-document"
        assert "use the omnictl that wrote it" in found.hint


@pytest.mark.parametrize("version", ["", "x", "²", "-1", None, 1, "9999999999.0", "9" * 5000])
def test_a_version_that_is_none_is_refused(version: object) -> None:
    found = _refused(lambda: _plan({"format_version": version}))
    assert found.code == "unreadable-plan"
    assert "format_version" in found.detail


def test_a_later_minor_version_is_read() -> None:
    plan = example_scene().plan()
    document = encode_plan(plan)
    assert decode_envelope({**document, "format_version": "1.7"}, path="x").kind == "plan"


def test_the_other_kind_is_named() -> None:
    plan = encode_plan(example_scene().plan())
    assert "kind: expected a string" in _refused(lambda: decode_envelope({**plan, "kind": 1}, path="x")).detail
    assert "no report of an apply but 'plan'" in _refused(lambda: _report(plan)).detail
    assert "no plan but 'apply'" in _refused(lambda: _plan({**plan, "kind": "apply"})).detail


@pytest.mark.parametrize("code", ["", "A", "a b", "a--b", "-a", "a\n", "\x1ba", "a\u202e", "A" * 100])
def test_a_code_that_is_none_is_refused(code: str) -> None:
    document = make_envelope(
        "plan", version="1", environment=None, sandbox=False, exit_code=0, diagnostics=(problem("some-code-2"),)
    )
    assert decode_envelope(document, path="x").diagnostics == (problem("some-code-2"),)
    _put(document, ("diagnostics", 0, "code"), code)
    found = _refused(lambda: decode_envelope(document, path="x"))
    assert found.detail == f"diagnostics[0].code: {code[:80]!a} is no code."


def test_an_edited_plan_is_damaged() -> None:
    plan = encode_plan(example_scene().plan())
    assert _refused(lambda: _plan({**plan, "environment": "other"})).code == "damaged-plan"


def test_a_plan_with_a_bottomless_field_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    plan = {**encode_plan(example_scene().plan()), "later": deep}
    assert _refused(lambda: _plan(plan)).detail == "it is nested too deeply."
    while deep:  # taken apart by hand: the interpreter would do it on its own stack
        deep = deep[0]


@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20T09:12:00", "yesterday", "0001-01-01T00:00:00+23:59", ""])
def test_times_are_utc_or_refused(text: str) -> None:
    document = json.loads(encode_state(example_scene().state))
    document["records"]["welcome"]["created_at"] = text
    assert "records.welcome.created_at: expected a time" in _refused(lambda: _state(document)).detail


def test_parse_json_reads_text_with_a_byte_order_mark() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    with pytest.raises(ShapeError):
        parse_json("{")


def _problem(call: Callable[[], object]) -> Diagnostic | None:
    try:
        call()
    except OmnictlError as error:
        return error.diagnostics[0]
    return None


def _refused(call: Callable[[], object]) -> Diagnostic:
    problem = _problem(call)
    assert problem is not None
    return problem
