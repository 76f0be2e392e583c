"""What tools read: diagnostics and guards as one kind of finding, for SARIF, JUnit, GitHub and GitLab."""

from collections.abc import Iterable

from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import ApplyReport
from omnictl.model.plan import Plan, describe_guard
from omnictl.render.style import sanitize


def plan_findings(plan: Plan) -> tuple[Diagnostic, ...]:
    """Return the guards of a plan, open ones as errors and allowed ones as notes, and its diagnostics."""
    return (*map(describe_guard, plan.guards), *plan.diagnostics)


def report_findings(report: ApplyReport) -> tuple[Diagnostic, ...]:
    """Return what went wrong in an apply; the detail begins with the scenario."""
    outcomes = ((each, each.diagnostic) for each in report.outcomes if each.diagnostic)
    own = (
        Diagnostic(
            why.code,
            why.severity,
            why.summary,
            f"{each.action.value} {id_of(each.address)} {each.fate.value}. {why.detail}".rstrip(),
            why.source,
            why.label,
            why.hint,
            why.commands,
        )
        for each, why in outcomes
    )
    return (*own, *report.diagnostics)


def message_lines(each: Diagnostic) -> tuple[str, ...]:
    """Return detail, label, hint and commands, a line each, safe to show anywhere."""
    hint = f"hint: {each.hint}" if each.hint else ""
    parts = [each.detail, each.label, hint, *(f"    {command}" for command in each.commands)]
    return tuple(sanitize(line) for part in parts if part for line in part.splitlines())


def failures(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the errors."""
    return tuple(each for each in findings if each.severity is Severity.ERROR)
