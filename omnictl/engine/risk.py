"""The risk of a plan as data: why somebody should look at it before it is applied. Nothing here refuses anything."""

from collections.abc import Iterable, Iterator

from omnictl.engine.view import Circumstances
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import GuardFinding, Risk, RiskKind, RiskReason


def assess(guards: Iterable[GuardFinding], diagnostics: Iterable[Diagnostic], circumstances: Circumstances) -> Risk:
    """Return every reason to look: each guard that fired, allowed or not, each rule of lint, each warning."""
    found = (
        *(RiskReason(RiskKind.GUARD, each.guard.value, each.message, each.source, each.subject) for each in guards),
        *_reasons(RiskKind.LINT, circumstances.lint),
        *_reasons(RiskKind.WARNING, (*circumstances.warnings, *diagnostics)),
    )
    return Risk(tuple(dict.fromkeys(found)))


def _reasons(kind: RiskKind, diagnostics: Iterable[Diagnostic]) -> Iterator[RiskReason]:
    """Yield what is worse than a note: a project that knows better makes a rule a note, or turns it off."""
    for each in diagnostics:
        if each.severity is not Severity.NOTE:
            yield RiskReason(kind, each.code, each.detail or each.summary, each.source)
