"""The risk of a plan in words, and what becomes of the scenarios that leave: for all renderings alike."""

from collections.abc import Iterator

from omnictl.model.change import Forget, Retire
from omnictl.model.plan import Plan, Risk, RiskKind, RiskReason
from omnictl.render.style import sanitize

_NAMED_REASONS, _TOLD_REASONS = 3, 20


def say_risk(plan: Plan) -> str | None:
    """Return in one line why a plan should be looked at, or that nothing speaks against it; None where not known."""
    if plan.risk is None:
        return None
    if plan.risk.is_safe:
        return "Risk: none; no guard fired, and nothing was warned of."
    named = list(dict.fromkeys(map(_name_reason, plan.risk.reasons)))
    more = f", and {len(named) - _NAMED_REASONS} more" if len(named) > _NAMED_REASONS else ""
    return f"Risk: {', '.join(named[:_NAMED_REASONS])}{more}."


def say_reasons(risk: Risk) -> Iterator[str]:
    """Yield why a plan is not safe, a line each; what is the same is said once, and of many only the first."""
    named = list(dict.fromkeys(f"{_name_reason(each)}: {sanitize(each.message)}" for each in risk.reasons))
    yield from named[:_TOLD_REASONS]
    if len(named) > _TOLD_REASONS:
        yield f"and {len(named) - _TOLD_REASONS} more"


def _name_reason(reason: RiskReason) -> str:
    if reason.kind is RiskKind.GUARD:
        return f"guard {sanitize(reason.code)} ({sanitize(reason.subject or '')})"
    source = reason.source
    where = f" ({sanitize(f'{source.path}:{source.line}' if source.line else source.path)})" if source else ""
    return f"{reason.kind.value} {sanitize(reason.code)}{where}"


def say_left_behind(plan: Plan) -> str | None:
    """Return what becomes of the scenarios that leave: they cannot be deleted, and a key goes on working."""
    left = [
        each for each in plan.changes if isinstance(each, Retire) or (isinstance(each, Forget) and not each.vanished)
    ]
    return say_stays(len(left))


def say_stays(number: int) -> str | None:
    """Return that so many forgotten or retired scenarios stay on the account; None for none."""
    if not number:
        return None
    if number == 1:
        return "Left behind: 1 scenario stays on the account; whoever holds its key can still send through it."
    return f"Left behind: {number} scenarios stay on the account; whoever holds a key can still send through it."
