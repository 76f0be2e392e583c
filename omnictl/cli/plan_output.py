"""A plan in all its renderings: for --format, --report and show alike."""

from collections.abc import Mapping

from omnictl.cli.context import Session
from omnictl.cli.reports import Rendering, sarif_of, to_text
from omnictl.codec.plan import encode_plan
from omnictl.model.plan import Plan
from omnictl.render.findings import plan_findings
from omnictl.render.github import render_github
from omnictl.render.gitlab import render_gitlab, render_gitlab_codequality
from omnictl.render.html import render_plan_html
from omnictl.render.human import render_plan
from omnictl.render.junit import render_plan_junit
from omnictl.render.markdown import render_plan_markdown
from omnictl.render.plan_words import say_plan
from omnictl.render.style import Style

PLAN_FORMATS = ("text", "json", "markdown", "html", "sarif", "junit", "github", "gitlab", "gitlab-codequality")
PLAN_REPORTS = PLAN_FORMATS

_PLAIN = Style(colour=False, unicode=True, width=100)


def plan_renderings(plan: Plan, exit_code: int, *, saved_as: str | None = None) -> Mapping[str, Rendering]:
    """Return every rendering of a plan, made when it is asked for; ``saved_as`` is the file it is saved to."""
    title = f"omnictl plan: {plan.environment}{' (SANDBOX)' * plan.sandbox}"
    return {
        "text": lambda: render_plan(plan, _PLAIN),
        "json": lambda: to_text(encode_plan(plan, exit_code=exit_code)),
        "markdown": lambda: render_plan_markdown(plan, saved_as=saved_as),
        "html": lambda: render_plan_html(plan),
        "sarif": lambda: sarif_of(plan_findings(plan), f"plan/{plan.environment}", exit_code),
        "junit": lambda: render_plan_junit(plan),
        "github": lambda: render_github(plan_findings(plan), title=title, summary=say_plan(plan)),
        "gitlab": lambda: render_gitlab(plan),
        "gitlab-codequality": lambda: render_gitlab_codequality(plan_findings(plan)),
    }


def show_plan(session: Session, plan: Plan, output_format: str, exit_code: int, *, saved_as: str | None = None) -> None:
    """Write a plan to stdout in the chosen format."""
    if output_format == "text":
        session.output.result(render_plan(plan, session.output.out_style, verbose=session.output.verbose > 0))
    else:
        session.output.document(plan_renderings(plan, exit_code, saved_as=saved_as)[output_format]())
