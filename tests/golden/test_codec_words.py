"""What is said of documents that cannot be read, word for word, and the state as it lies in git."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from omnictl.codec import envelope, plan, state
from omnictl.codec.envelope import decode_envelope
from omnictl.codec.plan import decode_plan, encode_plan
from omnictl.codec.report import decode_report, encode_report
from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import OmnictlError
from omnictl.model.diagnostic import Diagnostic
from tests.golden.golden import check_golden
from tests.golden.words import all_told
from tests.unit.codec.whole import PLAN, REPORT, STATE

CONFLICT = '{\n<<<<<<< HEAD\n"serial": 7\n=======\n"serial": 8\n>>>>>>> other\n}'


def refusal(call: Callable[[], Any]) -> Diagnostic:
    with pytest.raises(OmnictlError) as caught:
        call()
    [told] = caught.value.diagnostics
    return told


def test_documents_that_cannot_be_read() -> None:
    saved, done = encode_plan(PLAN), encode_report(REPORT, version="1.0.0", exit_code=4)
    problems = [
        refusal(lambda: decode_state("{\n  x", path="state/test.json")),
        refusal(lambda: decode_state(b'{"kind": "plan"}', path="state/test.json", environment="test")),
        refusal(lambda: decode_state("[]", path="state/test.json")),
        refusal(lambda: decode_state(CONFLICT, path="state/test.json")),
        refusal(lambda: decode_state(CONFLICT.encode(), path="state/test.json", environment="test")),
        refusal(lambda: decode_state('{"format_version": 2}', path="state/test.json")),
        refusal(lambda: encode_state(replace(STATE, serial=2**53 + 1))),
        refusal(lambda: decode_plan({**saved, "environment": "other"}, path="plan.json")),
        refusal(lambda: decode_plan(done, path="plan.json")),
        refusal(lambda: decode_plan({**saved, "format_version": "2.0"}, path="plan.json")),
        refusal(lambda: decode_plan({**saved, "format_version": "two"}, path="plan.json")),
        refusal(lambda: decode_report(saved, path="report.json")),
        refusal(lambda: decode_report({**done, "format_version": "12." + "3" * 40}, path="report.json")),
        refusal(lambda: decode_envelope({}, path="report.json")),
    ]
    assert {each.code for each in problems} == {*plan.CODES, *envelope.CODES, *state.CODES}
    check_golden("codec-problems.txt", all_told(problems))


def test_a_state_as_it_lies_in_git() -> None:
    check_golden("state-whole.json", encode_state(STATE))
