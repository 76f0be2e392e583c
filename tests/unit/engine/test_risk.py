"""The risk of a plan: every reason to look at it, and none where there is none."""

from typing import Any

import pytest
from msgspec.structs import replace

from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.plan import Guard, Risk, RiskKind, RiskReason
from omnictl.render.risk_words import say_reasons, say_risk
from tests.builders import Scene, problem

PLACE = Source("scenarios/b.yaml", 4)


def found(severity: Severity) -> tuple[Diagnostic, ...]:
    return (problem("last-resort", severity, summary="No last resort", detail="It ends with VIBER.", source=PLACE),)


def test_a_plan_with_nothing_to_say_is_safe() -> None:
    plan = Scene().both("a").declare("b").plan()
    assert plan.risk == Risk()
    assert plan.risk is not None
    assert plan.risk.is_safe
    assert say_risk(plan) == "Risk: none; no guard fired, and nothing was warned of."


@pytest.mark.parametrize("allowed", [False, True])
def test_a_guard_is_a_reason_whether_it_is_allowed_or_not(allowed: bool) -> None:
    scene = Scene().both("a").remember("b", vanished=True).declare("b")
    plan = scene.plan(allowed=frozenset({(Guard.VANISHED, "b")}) if allowed else frozenset())
    assert plan.risk is not None
    assert [(each.kind, each.code, each.subject) for each in plan.risk.reasons] == [(RiskKind.GUARD, "vanished", "b")]
    assert say_risk(plan) == "Risk: guard vanished (b)."


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("kind", list(RiskKind)[1:])
def test_what_is_worse_than_a_note_is_a_reason(kind: RiskKind, severity: Severity) -> None:
    safe = severity is Severity.NOTE
    given: dict[str, Any] = {"lint" if kind is RiskKind.LINT else "warnings": found(severity)}
    plan = Scene().both("a").declare("b").plan(**given)
    reason = RiskReason(kind, "last-resort", "It ends with VIBER.", PLACE)
    assert plan.risk == Risk(() if safe else (reason,))
    if not safe:
        assert say_risk(plan) == f"Risk: {kind.value} last-resort (scenarios/b.yaml:4)."


def test_a_warning_of_the_plan_itself_is_a_reason() -> None:
    plan = Scene().both("a").declare("b").plan(allowed=frozenset({(Guard.PROTECTED, "b")}))
    assert say_risk(plan) == "Risk: warning unused-allowance."


def test_of_many_reasons_the_first_are_named_and_the_rest_is_counted() -> None:
    reasons = tuple(RiskReason(RiskKind.LINT, f"rule-{number}", "It is odd.") for number in range(30))
    plan = replace(Scene().declare("b").plan(), risk=Risk(reasons))
    assert say_risk(plan) == "Risk: lint rule-0, lint rule-1, lint rule-2, and 27 more."
    told = list(say_reasons(Risk(reasons)))
    assert told[0] == "lint rule-0: It is odd."
    assert (len(told), told[-1]) == (21, "and 10 more")


def test_a_plan_that_is_older_than_the_risk_says_nothing_of_it() -> None:
    assert say_risk(replace(Scene().declare("b").plan(), risk=None)) is None
