"""Diagnostics word for word: severity, code, place, summary, detail, hint and commands."""

from collections.abc import Iterable

from omnictl.model.diagnostic import Diagnostic
from omnictl.model.plan import GuardFinding


def told(each: Diagnostic) -> str:
    """Return all that a diagnostic says."""
    place = f"{each.source.path}:{each.source.line}" if each.source else "nowhere"
    lines = (each.summary, each.detail, f"hint: {each.hint}", *each.commands)
    return "\n  ".join((f"{each.severity.value}[{each.code}] {place}", *lines)) + "\n"


def found(each: GuardFinding) -> str:
    """Return all that a guard says."""
    place = f"{each.source.path}:{each.source.line}" if each.source else "nowhere"
    allowed = ", allowed" if each.allowed else ""
    return "\n  ".join((f"{each.guard.value}={each.subject} {place}{allowed}", each.message, *each.commands)) + "\n"


def all_told(diagnostics: Iterable[Diagnostic]) -> str:
    """Return what several diagnostics say, one after the other."""
    return "\n".join(map(told, diagnostics))
