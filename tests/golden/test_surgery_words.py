"""What forbids to replace a state, word for word."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from omnictl.engine.pairing import Likeness
from omnictl.engine.rebuild import CODES as REBUILD_CODES
from omnictl.engine.rebuild import (
    Candidate,
    Claim,
    Doubt,
    Evidence,
    LeftOut,
    describe_absent,
    describe_elsewhere,
    describe_left_out,
    describe_near,
    rebuild_state,
)
from omnictl.engine.surgery import CODES, Replaced, forget_records, move_record, push_state, roll_back_state
from omnictl.errors import RefusalKind, RefusedError
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.plan import Guard
from omnictl.model.scenario import Attributes, Remote
from tests.builders import NOW, Scene
from tests.golden.golden import check_golden
from tests.golden.words import all_told
from tests.unit.codec.whole import STATE
from tests.worlds import address

OTHER = replace(STATE, lineage="0123456789", environment="test")
OPEN = replace(STATE, intents=(replace(STATE.intents[0], address=address("z")), *STATE.intents))


def refusals(call: Callable[[], object], kind: RefusalKind = RefusalKind.POLICY) -> tuple[Diagnostic, ...]:
    with pytest.raises(RefusedError) as caught:
        call()
    assert caught.value.kind is kind
    return caught.value.diagnostics


def refusal(call: Callable[[], Replaced]) -> Diagnostic:
    [told] = refusals(call)
    return told


def test_what_forbids_to_replace_a_state() -> None:
    closed = replace(STATE, intents=())
    problems = [
        refusal(lambda: push_state(STATE, OTHER, "production", NOW)),
        refusal(lambda: push_state(STATE, replace(OTHER, environment="production"), "production", NOW)),
        refusal(lambda: roll_back_state(replace(STATE, lineage="c0ffee00aaaa"), closed, NOW)),
        refusal(lambda: push_state(OPEN, closed, "production", NOW, goes_back=True)),
        refusal(lambda: roll_back_state(STATE, closed, NOW)),
        refusal(lambda: move_record(closed, address("a"), address("a"))),
    ]
    assert {each.code for each in problems} == {*CODES, "id-recorded"}
    check_golden("surgery-problems.txt", all_told(problems))


def test_what_guards_a_record() -> None:
    closed = replace(STATE, intents=())
    told = refusals(lambda: forget_records(closed, tuple(closed.records), (), NOW), RefusalKind.GUARD)
    assert {each.code for each in told} == {Guard.PROTECTED, Guard.DEFAULT_CHANGE}
    check_golden("surgery-guards.txt", all_told(told))


def test_what_a_rebuilding_leaves_out() -> None:
    a, b = Remote("KEY1", Attributes('Not "ours"', ())), Remote("KEY2", Attributes("Nor this", ()))
    claims = [Claim(address(f"id-{number}"), f"K{number}", Evidence.LOG) for number in range(12)]
    problems = [
        *(describe_left_out(LeftOut(address("x"), doubt, (Candidate(a), Candidate(b)))) for doubt in list(Doubt)[:2]),
        describe_left_out(LeftOut(address("x"), Doubt.NOT_ALONE, tuple(Candidate(a, each) for each in Likeness))),
        describe_left_out(LeftOut(address("x"), Doubt.NOT_EQUAL, (Candidate(a, Likeness.FLOW),))),
        describe_absent(claims),
        describe_near(3),
        describe_elsewhere(claims[:2], {"K0": "test", "K1": "staging"}),
        *refusals(lambda: rebuild_state(Scene().both("x").view, claims[:2], Scene().circumstances())),
    ]
    assert {each.code for each in problems} == set(REBUILD_CODES)
    check_golden("rebuild-problems.txt", all_told(problems))
