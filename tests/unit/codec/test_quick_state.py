"""The good path of reading a state: taken for what omnictl wrote, never for what reads in two ways."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omnictl.codec import quick_state
from omnictl.codec import state as careful
from omnictl.codec.quick_state import read_quickly
from omnictl.codec.state import FORMAT_VERSION, decode_state, encode_state
from omnictl.model.state import State
from tests.builders import example_scene
from tests.unit.codec.strategies import states

WHOLE = Path(__file__).parents[2] / "golden" / "expected" / "state-whole.json"
"""A state with everything that a state can hold."""


def quickly(text: str) -> Any:
    return read_quickly(text.encode("utf-8", "surrogatepass"), FORMAT_VERSION)


@given(states)
def test_both_readers_give_the_same_state(state: State) -> None:
    text = encode_state(state)
    document = json.loads(text)
    slowly = careful._make_state(careful._decode_records(document), document)
    assert decode_state(text, path="x") == slowly == state


def test_what_omnictl_wrote_takes_the_good_path(monkeypatch: pytest.MonkeyPatch) -> None:
    state = example_scene().state
    assert len(state.records) > 1
    whole = WHOLE.read_text(encoding="utf-8")
    read = decode_state(whole, path="x")
    assert None not in {read.records[each].updated_at for each in read.records}
    monkeypatch.setattr(careful, "_decode_records", None)
    assert decode_state(encode_state(state), path="x") == state
    assert decode_state(whole, path="x") == read


TEXT = encode_state(example_scene().state)
RECORD = '    "welcome": {'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (RECORD, f'{RECORD}\n      "key": "1",'),
        ('"applied": {"name"', '"applied": {"name": "x", "name"'),
        ('"channel"', '"channel": "SMS", "channel"'),
        ('  "records": {', '  "records": {},\n  "records": {'),
        ('"serial": ', '"serial": 1, "serial": '),
        (f'"format_version": {FORMAT_VERSION}', f'"format_version": {FORMAT_VERSION + 1}'),
        ('"kind": "state"', '"kind": "plan"'),
        ('"welcome"', '"Not An Id"'),
        ('"created_at": "2', '"created_at": "x2'),
        ('      "key": "', '      "unknown": 1, "key": "'),
        ('"serial": ', '"serial": 1.5, "x": '),
        ('"lineage"', '"\\ud800": 1, "lineage"'),
    ],
)
def test_what_reads_in_two_ways_is_for_the_careful_reader(old: str, new: str) -> None:
    assert quickly(TEXT) is not None
    assert old in TEXT
    assert quickly(TEXT.replace(old, new, 1)) is None


def test_a_part_with_a_key_that_stands_twice_is_for_the_careful_reader() -> None:
    assert quickly(TEXT.replace('"account": {', '"account": {"host": "x", ', 1)) is None


def test_it_never_raises_for_depth() -> None:
    assert quick_state.read_quickly(b"[" * 100_000, FORMAT_VERSION) is None


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


@example("half \ud800 a character")
@given(values)
def test_values_are_spelled_as_the_standard_library_spells_them(value: Any) -> None:
    assert careful._dump(value) == json.dumps(value, ensure_ascii=False)
