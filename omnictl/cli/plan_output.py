"""A plan in all its renderings: for --format, --report and show alike."""

from collections.abc import Mapping

from omnictl.cli.context import Session
from omnictl.cli.reports import Rendering, show_rendering
from omnictl.model.plan import Plan
from omnictl.render.human import render_plan

PLAN_FORMATS = ("text", "json", "markdown", "html", "sarif", "junit", "github", "gitlab", "gitlab-codequality")
PLAN_REPORTS = PLAN_FORMATS


def plan_renderings(plan: Plan, exit_code: int, *, saved_as: str | None = None) -> Mapping[str, Rendering]:
    """Return every rendering of a plan; loaded late, for most runs show text alone."""
    from omnictl.cli import renderings

    return renderings.plan_renderings(plan, exit_code, saved_as=saved_as)


def show_plan(session: Session, plan: Plan, output_format: str, exit_code: int, *, saved_as: str | None = None) -> None:
    """Write a plan to stdout in the chosen format."""
    if output_format == "text":
        session.output.result(render_plan(plan, session.output.out_style, verbose=session.output.verbose > 0))
    else:
        show_rendering(session.output, output_format, plan_renderings(plan, exit_code, saved_as=saved_as))
