"""Every rendering of plans, reports and failures by its kind. Imported late: it loads all formats."""

from collections.abc import Mapping, Sequence

from omnictl import __version__
from omnictl.cli.context import SANDBOX_BANNER
from omnictl.cli.exit_codes import code_of
from omnictl.cli.hiding import hide_in
from omnictl.cli.reports import Rendering, to_text
from omnictl.codec.drift import encode_drift
from omnictl.codec.envelope import make_envelope
from omnictl.codec.plan import encode_plan
from omnictl.codec.report import encode_report
from omnictl.errors import OmnictlError, RefusedError
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.drift import Drift
from omnictl.model.outcome import ApplyReport
from omnictl.model.plan import Plan
from omnictl.model.scenario import Json
from omnictl.render.apply_text import render_apply_report
from omnictl.render.apply_words import say_report
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.drift_markdown import render_drift_markdown
from omnictl.render.drift_text import render_drift
from omnictl.render.findings import plan_findings, report_findings
from omnictl.render.github import render_github
from omnictl.render.gitlab import render_gitlab, render_gitlab_codequality, render_gitlab_failure
from omnictl.render.html import render_diagnostics_html, render_plan_html, render_report_html
from omnictl.render.human import render_plan
from omnictl.render.junit import render_failure_junit, render_plan_junit, render_report_junit
from omnictl.render.markdown import render_diagnostics_markdown, render_plan_markdown, render_report_markdown
from omnictl.render.plan_words import say_plan
from omnictl.render.prometheus import render_prometheus, render_prometheus_failure
from omnictl.render.style import Style

PLAIN = Style(colour=False, unicode=True, width=100)
"""How text is written to a file."""


def plan_renderings(plan: Plan, exit_code: int, *, saved_as: str | None = None) -> Mapping[str, Rendering]:
    """Return every rendering of a plan, made when it is asked for; ``saved_as`` is the file it is saved to."""
    title = f"omnictl plan: {plan.environment}{' (SANDBOX)' * plan.sandbox}"
    return {
        "text": lambda: render_plan(plan, PLAIN),
        "json": lambda: to_text(encode_plan(plan, exit_code=exit_code)),
        "markdown": lambda: render_plan_markdown(plan, saved_as=saved_as),
        "html": lambda: render_plan_html(plan),
        "sarif": lambda: sarif_of(plan_findings(plan), f"plan/{plan.environment}", exit_code),
        "junit": lambda: render_plan_junit(plan),
        "github": lambda: render_github(plan_findings(plan), title=title, summary=say_plan(plan)),
        "gitlab": lambda: render_gitlab(plan),
        "gitlab-codequality": lambda: render_gitlab_codequality(plan_findings(plan)),
    }


def apply_renderings(report: ApplyReport, code: int) -> Mapping[str, Rendering]:
    """Return every rendering of a report, made when it is asked for."""
    title = f"omnictl apply: {report.environment}{' (SANDBOX)' * report.sandbox}"
    return {
        "text": lambda: render_apply_report(report, PLAIN, verbose=True),
        "json": lambda: to_text(encode_report(report, version=__version__, exit_code=code)),
        "markdown": lambda: render_report_markdown(report),
        "html": lambda: render_report_html(report),
        "junit": lambda: render_report_junit(report),
        "github": lambda: render_github(report_findings(report), title=title, summary=say_report(report)),
    }


def drift_renderings(drift: Drift, exit_code: int) -> Mapping[str, Rendering]:
    """Return every rendering of drift, made when it is asked for."""
    return {
        "text": lambda: render_drift(drift, PLAIN, exit_code=exit_code, show_all=True, verbose=True),
        "json": lambda: to_text(encode_drift(drift, version=__version__, exit_code=exit_code)),
        "markdown": lambda: render_drift_markdown(drift, exit_code=exit_code),
        "prometheus": lambda: render_prometheus(drift),
    }


def failure_renderings(error: OmnictlError, *, sandbox: bool, environment: str = "") -> Mapping[str, Rendering]:
    """Return every rendering of an error that ended a run, made when it is asked for.

    ``environment`` is for metrics alone, where two files must not say the same of two environments.
    """
    code, told = code_of(error), hide_in(error.diagnostics)
    summary = f"Failed (exit {int(code)})."

    def make_text() -> str:
        return f"{SANDBOX_BANNER}\n\n" * sandbox + render_diagnostics(told, PLAIN)

    def make_json() -> str:
        fields: dict[str, Json] = {"refusal": {"kind": error.kind.value}} if isinstance(error, RefusedError) else {}
        envelope = make_envelope(
            "error",
            version=__version__,
            environment=None,
            sandbox=sandbox,
            exit_code=code,
            diagnostics=told,
            **fields,
        )
        return to_text(envelope)

    title = f"omnictl{' (SANDBOX)' * sandbox}"
    return {
        "text": make_text,
        "json": make_json,
        "markdown": lambda: render_diagnostics_markdown(told, title=title, summary=summary),
        "html": lambda: render_diagnostics_html(told, title=title, summary=summary),
        "sarif": lambda: sarif_of(told, "error", code),
        "junit": lambda: render_failure_junit(told),
        "github": lambda: render_github(told, title=title, summary=summary),
        "gitlab": lambda: render_gitlab_failure(told),
        "gitlab-codequality": lambda: render_gitlab_codequality(told),
        "prometheus": lambda: render_prometheus_failure(told, environment, sandbox=sandbox),
    }


def sarif_of(findings: Sequence[Diagnostic], category: str, exit_code: int) -> str:
    """Return findings as SARIF, with the explanations of their codes."""
    from omnictl.cli.explanations import all_codes
    from omnictl.render.sarif import render_sarif

    return render_sarif(findings, version=__version__, category=category, explanations=all_codes(), exit_code=exit_code)
