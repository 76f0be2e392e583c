"""The state as git sees it, and states of older formats."""

import difflib
import json

import pytest
from msgspec.structs import replace

from omnictl.codec.shapes import ShapeError
from omnictl.codec.state import FORMAT_VERSION, decode_state, encode_state
from omnictl.codec.upgrades import UPGRADES
from omnictl.model.address import make_address
from omnictl.model.scenario import Attributes, Json
from omnictl.model.state import State
from tests.builders import example_scene, flow


def _changed_lines(one: State, other: State) -> list[str]:
    lines = difflib.unified_diff(encode_state(one).splitlines(), encode_state(other).splitlines(), n=0)
    return [each for each in lines if each[0] in "+-" and not each.startswith(("+++", "---"))]


def test_one_changed_record_is_few_changed_lines() -> None:
    state = example_scene().state
    address = make_address("welcome")
    record = replace(state.records[address], applied=Attributes("Hello", flow("SMS")))
    record = replace(record, observed=record.applied)
    changed = replace(state, serial=state.serial + 1, records={**state.records, address: record})
    assert len(_changed_lines(state, changed)) == 4  # the serial and what was applied, before and after


def test_records_are_sorted_whatever_their_order() -> None:
    state = example_scene().state
    backwards = replace(state, records=dict(reversed(list(state.records.items()))))
    assert encode_state(backwards) == encode_state(state)
    assert list(json.loads(encode_state(state))["records"]) == sorted(json.loads(encode_state(state))["records"])


def test_an_empty_state_is_small() -> None:
    text = encode_state(State("c0ffee", "test"))
    assert text.splitlines()[-3:] == ['  "serial": 0,', '  "records": {}', "}"]


def test_every_older_format_has_its_way_up() -> None:
    assert len(UPGRADES) == FORMAT_VERSION


def test_a_state_from_before_the_first_release_is_read_and_written_anew() -> None:
    state = example_scene().state
    document = json.loads(encode_state(state))
    del document["kind"]
    old = {
        **document,
        "format_version": 0,
        "records": {
            scenario_id: {"name": record["applied"]["name"], "flow": record["applied"]["flow"]}
            | {name: value for name, value in record.items() if name != "applied"}
            for scenario_id, record in document["records"].items()
        },
    }
    read = decode_state(json.dumps(old), path="x")
    assert read == state
    assert json.loads(encode_state(read))["format_version"] == FORMAT_VERSION


def test_the_oldest_format_becomes_the_next_one() -> None:
    old: dict[str, Json] = {
        "format_version": 0,
        "lineage": "l",
        "records": {"a": {"name": "A", "flow": [], "key": "K"}, "b": {"name": "B", "key": "L"}},
    }
    assert UPGRADES[0](old) == {
        "format_version": 1,
        "kind": "state",
        "lineage": "l",
        "records": {
            "a": {"applied": {"name": "A", "flow": []}, "key": "K"},
            "b": {"applied": {"name": "B", "flow": None}, "key": "L"},
        },
    }


@pytest.mark.parametrize(("records", "path"), [(7, "records"), ({"a": 7}, "records.a")])
def test_a_wrong_field_of_the_oldest_format_is_named(records: Json, path: str) -> None:
    with pytest.raises(ShapeError) as caught:
        UPGRADES[0]({"records": records})
    assert caught.value.path == path
