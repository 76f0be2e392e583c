"""A plan in all its renderings: for --format, --report and show alike."""

from collections.abc import Mapping

from omnictl.cli.context import Session
from omnictl.cli.reports import Rendering, to_text
from omnictl.codec.plan import encode_plan
from omnictl.model.plan import Plan
from omnictl.render.human import render_plan
from omnictl.render.markdown import render_plan_markdown
from omnictl.render.style import Style

PLAN_FORMATS = ("text", "json", "markdown")
PLAN_REPORTS = PLAN_FORMATS

_PLAIN = Style(colour=False, unicode=True, width=100)


def plan_renderings(plan: Plan, exit_code: int) -> Mapping[str, Rendering]:
    """Return every rendering of a plan, made when it is asked for."""
    return {
        "text": lambda: render_plan(plan, _PLAIN),
        "json": lambda: to_text(encode_plan(plan, exit_code=exit_code)),
        "markdown": lambda: render_plan_markdown(plan),
    }


def show_plan(session: Session, plan: Plan, output_format: str, exit_code: int) -> None:
    """Write a plan to stdout in the chosen format."""
    if output_format == "text":
        session.output.result(render_plan(plan, session.output.out_style, verbose=session.output.verbose > 0))
    else:
        session.output.result(plan_renderings(plan, exit_code)[output_format]())
