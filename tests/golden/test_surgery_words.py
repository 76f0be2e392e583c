"""What forbids to replace a state, word for word."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from omnictl.engine.surgery import CODES, Replaced, push_state, roll_back_state
from omnictl.errors import RefusalKind, RefusedError
from omnictl.model.diagnostic import Diagnostic
from tests.builders import NOW
from tests.golden.golden import check_golden
from tests.golden.words import all_told
from tests.unit.codec.whole import STATE
from tests.worlds import address

OTHER = replace(STATE, lineage="0123456789", environment="test")
OPEN = replace(STATE, intents=(replace(STATE.intents[0], address=address("z")), *STATE.intents))


def refusal(call: Callable[[], Replaced]) -> Diagnostic:
    with pytest.raises(RefusedError) as caught:
        call()
    assert caught.value.kind is RefusalKind.POLICY
    [told] = caught.value.diagnostics
    return told


def test_what_forbids_to_replace_a_state() -> None:
    closed = replace(STATE, intents=())
    problems = [
        refusal(lambda: push_state(STATE, OTHER, "production", NOW)),
        refusal(lambda: push_state(STATE, replace(OTHER, environment="production"), "production", NOW)),
        refusal(lambda: roll_back_state(replace(STATE, lineage="c0ffee00aaaa"), closed, NOW)),
        refusal(lambda: push_state(OPEN, closed, "production", NOW)),
        refusal(lambda: roll_back_state(STATE, closed, NOW)),
    ]
    assert {each.code for each in problems} == set(CODES)
    check_golden("surgery-problems.txt", all_told(problems))
