"""Over random documents: the two validators agree, formatting is stable and says the same, reading never fails."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omnictl.config import schema
from omnictl.config.documents import Document, Mark, Marks, Reading
from omnictl.config.format import format_text
from omnictl.config.messages import load_message
from omnictl.config.reading import parse_text
from omnictl.config.schema import SCHEMA_KINDS, read_schema
from omnictl.config.shapes import to_typed
from omnictl.config.variables import Variables
from omnictl.engine.deliverable import check_message
from omnictl.model.diagnostic import has_errors
from omnictl.model.message import CONTENT_NAMES
from omnictl.model.scenario import Step

_WORDS = [
    "SMS",
    "a",
    "",
    "A b",
    "vk-sms\n",
    "vk-sms",
    "2026-12-31",
    "flow[0].from",
    "name",
    "all",
    "apply",
    "off",
    "x/y",
    "ä",
    "1",
]
_SCALARS = st.one_of(
    st.sampled_from(_WORDS),
    st.booleans(),
    st.none(),
    st.integers(-2, 70),
    st.floats(-1, 3, allow_nan=False),
    st.text(max_size=4),
)


def _values(kind: str) -> st.SearchStrategy[Any]:
    """Return values that are nearly documents of a kind: its keys at its places, now and then others."""
    return _value_of(read_schema(kind), read_schema(kind))


def _value_of(node: Any, root: Any) -> st.SearchStrategy[Any]:
    if "$ref" in node:
        return _value_of(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    choices: list[st.SearchStrategy[Any]] = [_value_of(each, root) for each in node.get("anyOf", ())]
    if "enum" in node or "const" in node:
        choices.append(st.sampled_from(node.get("enum", [node.get("const")])))
    if node.get("type") == "array":
        choices.append(st.lists(_value_of(node["items"], root), max_size=2))
    if "object" in node.get("type", ()):
        own = {key: _value_of(each, root) for key, each in node.get("properties", {}).items()}
        rest = node.get("additionalProperties")
        other = _value_of(rest, root) if isinstance(rest, dict) else _SCALARS
        extra = st.dictionaries(st.sampled_from([*_WORDS, "test"]), other, max_size=1)
        required = {key: own[key] for key in node.get("required", ())}
        optional = {key: each for key, each in own.items() if key not in required}
        some = st.fixed_dictionaries(required, optional=optional)
        choices.append(st.builds(lambda one, two, use: {**one, **(two if use else {})}, some, extra, st.booleans()))
    typical = st.one_of(choices) if choices else st.sampled_from(_WORDS)
    return st.one_of(typical, typical, typical, typical, _SCALARS)


_BY_KIND = {kind: _values(kind) for kind in SCHEMA_KINDS}


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
@given(data=st.data())
def test_what_the_compiled_validator_refuses_is_worded_and_nothing_else(kind: str, data: st.DataObject) -> None:
    value = data.draw(_BY_KIND[kind])
    is_valid = schema._compiled(kind).is_valid(value)
    explained = list(schema._explaining(kind).iter_errors(value))
    assert is_valid == (not explained)
    worded = schema.check(kind, Document("x.yaml", value, "x\n", Mark(1, 1), lambda: Marks({}, {}), True), value)
    assert is_valid == (not worded)


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
@given(data=st.data())
def test_a_valid_value_written_as_json_is_read_as_it_is(kind: str, data: st.DataObject) -> None:
    value = data.draw(_BY_KIND[kind].filter(lambda each: isinstance(each, dict)))
    text = json.dumps(value)
    (document,) = parse_text(text, "x.json").documents
    read = to_typed(document.value, schema.shape_of(kind), is_json=True)
    assert json.dumps(read) == json.dumps(value)


@given(data=st.data())
def test_a_message_is_read_or_refused_and_then_checked(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    value = data.draw(_BY_KIND["message"].filter(lambda each: isinstance(each, dict)))
    path = tmp_path_factory.getbasetemp() / "a.message.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    message, diagnostics = load_message(path, variables=Variables({}, frozenset()))
    assert (message is None) == has_errors(diagnostics)
    if message is not None:
        assert message.contents == {channel: value[name] for channel, name in CONTENT_NAMES.items() if name in value}
        flow = tuple(Step(channel) for channel in CONTENT_NAMES)
        for each in check_message(message, flow, now=datetime(2026, 11, 20, tzinfo=UTC)):
            assert each.source is None or each.source.line == 1


_PLAIN = st.sampled_from(
    ["x", "0123", "+385", "12:30", "1_000", "no", "~", "", "0x1F", "1e3", ".5", "2026-01-01", "true", "'q'", '"d\\n"',
     "a b", "''", "x#y", "'# no'", "ä😀", "${var.x}", "{a: b}", "[a, b]", "*anchor"]
)  # fmt: skip
_COMMENT = st.sampled_from(["", "", "", " # why", "  # spaced"])
_ABOVE = st.sampled_from(["", "", "", "# above\n", "\n", "\n# apart\n", "# two\n# lines\n", "\n\n"])
_STEP = st.sampled_from(
    ["channel: SMS", "{channel: SMS, from: x}", "{from: x, channel: SMS}", "from: 0123\n{}  channel: SMS",
     "channel: SMS # c\n{}  from: x",
     "# inside\n{}  channel: SMS", "&s {channel: SMS}", "SMS", "from: x\n{}  # between\n{}  channel: SMS"]
)  # fmt: skip


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """Return scenario files as people write them, and a little worse."""
    parts = [draw(st.sampled_from(["", "# head\n", "# head\n\n", "---\n", "%YAML 1.1\n---\n"]))]
    for number in range(draw(st.integers(1, 2))):
        if number:
            parts.append(draw(st.sampled_from(["---\n", "---\n# second\n", "...\n---\n"])))
        keys = draw(st.permutations(["id", "name", "flow", "default", "labels", "zzz"]))
        for key in keys[: draw(st.integers(1, 6))]:
            parts.append(draw(_ABOVE))
            comment = draw(_COMMENT)
            if key == "flow":
                indent = draw(st.sampled_from(["", "  ", "    "]))
                parts.append(f"flow:{comment}\n")
                parts += (f"{indent}- {draw(_STEP).replace('{}', indent)}\n" for _ in range(draw(st.integers(1, 3))))
            elif key == "labels":
                parts.append(f"labels:{comment}\n   a: &anchor {draw(_PLAIN)}\n   b: {draw(_PLAIN)}\n")
            elif key == "zzz":
                parts.append(
                    "zzz: |\n    # text\n    more\n" if draw(st.booleans()) else "zzz: >-\n   folded\n\n   text\n"
                )
            else:
                parts.append(f"{key}: {draw(_PLAIN)}{comment}\n")
    parts.append(draw(st.sampled_from(["", "# tail\n", "\n# tail\n", "\n\n"])))
    text = "".join(parts)
    text = text.removesuffix("\n") if draw(st.booleans()) else text
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def _sayings(reading: Reading) -> list[Any]:
    return [each.value for each in reading.documents]


@given(text=_texts())
@example("name: x\n# above id\nid: a # here\n")
@example("id: a\nname: 'two\n# lines'\nflow: []\n")
@example("\ufeffname: x\nid: a\n")
def test_formatting_is_stable_and_changes_nothing_that_is_said(text: str) -> None:
    once, problems = format_text(text, "x.yaml")
    assert format_text(once, "x.yaml") == (once, problems)
    before, after = parse_text(text, "x.yaml"), parse_text(once, "x.yaml")
    assert _sayings(before) == _sayings(after)
    assert once.count("#") == text.count("#"), "no comment is lost or doubled"
    if before.diagnostics:
        assert once == text


@given(text=st.one_of(st.text(max_size=60), _texts(), st.text("[]{}-:,&*#!|>'\" \n\tab1", max_size=60)))
def test_reading_never_fails_and_names_places_that_exist(text: str) -> None:
    for name in ("x.yaml", "x.json"):
        for each in parse_text(text, name).diagnostics:
            assert each.source
            assert each.source.path == name
            assert (each.source.line or 0) >= 1
            assert (each.source.column or 0) >= 1
            assert each.source.line in [number for number, _ in each.source.excerpt]


@pytest.mark.parametrize("merge", ["*a", "[*a]"])
def test_steps_that_merge_one_another_keep_what_they_say(merge: str) -> None:
    text = f"name: A\nflow:\n- &a {{from: X, channel: SMS}}\n- {{<<: {merge}, from: B}}\n"
    after, problems = format_text(text, "a.yaml")
    assert problems == ()
    assert [step for document in parse_text(after, "a.yaml").documents for step in document.value["flow"]] == [
        step for document in parse_text(text, "a.yaml").documents for step in document.value["flow"]
    ]


@pytest.mark.parametrize("name", ["passwd", "notes.txt"])
def test_a_file_of_another_kind_is_never_brought_into_layout(name: str) -> None:
    text = "root:x:0:0:root:/root\ndaemon:x:1:1:daemon:/\n"
    after, (problem,) = format_text(text, name)
    assert (after, problem.code) == (text, "cannot-format")
