"""What is written is read back as it was, and fits its schema."""

import json

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from omnictl.codec import plan as plan_codec
from omnictl.codec.plan import decode_plan, encode_plan
from omnictl.codec.report import decode_report, encode_report
from omnictl.codec.shapes import parse_json
from omnictl.codec.state import decode_state, encode_state, state_digest
from omnictl.model.change import Change, Forget, Refresh, Rename, Retire, Update
from omnictl.model.outcome import ApplyReport
from omnictl.model.plan import Plan
from omnictl.model.state import Record, State
from tests.builders import example_scene
from tests.unit.codec.schemas import mistakes
from tests.unit.codec.strategies import plans, reports, states
from tests.unit.codec.whole import PLAN, STATE


@given(states)
@settings(deadline=None)
def test_state(state: State) -> None:
    text = encode_state(state)
    assert decode_state(text.encode(), path="x") == state
    assert encode_state(decode_state(text, path="x")) == text
    assert not mistakes(json.loads(text))


@given(plans)
@settings(deadline=None)
def test_plan(plan: Plan) -> None:
    document = parse_json(json.dumps(encode_plan(plan, exit_code=2)))
    assert isinstance(document, dict)
    assert decode_plan(document, path="x") == plan
    assert not mistakes(document)


@given(reports)
@settings(deadline=None)
def test_report(report: ApplyReport) -> None:
    document = parse_json(json.dumps(encode_report(report, version="1.0.0", exit_code=4)))
    assert isinstance(document, dict)
    assert decode_report(document, path="x") == report
    assert not mistakes(document)


def test_a_plan_of_the_engine_survives() -> None:
    plan = example_scene().plan()
    document = parse_json(json.dumps(encode_plan(plan)))
    assert isinstance(document, dict)
    assert decode_plan(document, path="x") == plan
    assert not mistakes(document)


def test_half_a_surrogate_pair_survives_as_utf_8() -> None:
    state = State("l", "\ud800\U0001f600é")
    text = encode_state(state)
    assert "\\ud800\U0001f600é" in text
    assert decode_state(text.encode(), path="x") == state


def test_the_digest_does_not_depend_on_the_serial() -> None:
    state = example_scene().state
    assert state_digest(state) == state_digest(replace(state, serial=999))
    assert state_digest(state) != state_digest(replace(state, listed=999))


def test_a_digest_stays_what_it_was() -> None:
    """A saved plan names the digests of an omnictl that may be older than the one that applies it."""
    state = replace(STATE, records={address: _as_before(each) for address, each in STATE.records.items()})
    assert state_digest(state) == "sha256:64470da4b4cd99eca989e6075b3d0cd1bc839a578c37ae3fb98cc4d868891345"
    older = replace(PLAN, risk=None, retire=(), changes=tuple(map(_change_as_before, PLAN.changes)))
    assert encode_plan(older)["digest"] == "sha256:87e1b2273e8e566d0542a069f276b64fd497f57b4f8aab2a46256e79bb6b56f9"


def _as_before(record: Record) -> Record:
    return replace(record, declared=None)


def _change_as_before(change: Change) -> Change:
    if isinstance(change, Rename):
        change = replace(change, cause=None)
    if isinstance(change, Update | Rename | Forget | Retire | Refresh):
        change = replace(change, recorded=_as_before(change.recorded))
    return change


def test_the_digest_of_a_state_does_not_depend_on_the_order_of_its_records() -> None:
    backwards = replace(STATE, records=dict(reversed(list(STATE.records.items()))))
    assert state_digest(backwards) == state_digest(STATE)


@pytest.mark.parametrize("less", ["exit_code", "refusal", "digest"])
def test_how_a_plan_ended_is_not_part_of_its_digest(less: str) -> None:
    document = encode_plan(PLAN, exit_code=3)
    assert plan_codec._digest({**document, less: "other"}) == document["digest"]


def test_a_name_with_half_a_surrogate_pair_has_a_digest() -> None:
    state = replace(STATE, environment="\ud800")
    assert state_digest(state) != state_digest(STATE)
