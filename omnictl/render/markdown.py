"""Plans and reports in Markdown: for the comment on a pull request. Words, not signs, which are markup there."""

import re

from omnictl.model.address import id_of
from omnictl.model.change import Action
from omnictl.model.outcome import ApplyReport
from omnictl.model.plan import Plan
from omnictl.render.human import render_plan
from omnictl.render.style import Style, sanitize

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~@&:])")
_PLAIN = Style(colour=False, unicode=True, width=100)


def render_plan_markdown(plan: Plan, *, most_characters: int = 60_000) -> str:
    """Return the plan: guards first, then the whole text in a block; cut with a note where it is too long."""
    head = [f"### omnictl plan: {escape(plan.environment)}{' (sandbox)' if plan.sandbox else ''}", ""]
    for finding in plan.guards:
        said = "allowed" if finding.allowed else "**not allowed yet**"
        head.append(f"- **{finding.guard.value}** ({said}): {escape(finding.message)}")
    text = render_plan(plan, _PLAIN)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    room = most_characters - sum(map(len, head)) - 200
    if len(text) > room:
        text = text[:room] + "\n(cut; the whole plan is in the saved file)\n"
    return "\n".join([*head, "", f"{fence}text", text.rstrip(), fence, ""])


def render_report_markdown(report: ApplyReport) -> str:
    """Return the outcomes as a table."""
    rows = [
        f"| {escape(id_of(each.address))} | {each.action.value} | {each.fate.value} | {escape(each.key or '')} |"
        for each in report.outcomes
        if each.action is not Action.NO_OP
    ]
    head = [f"### omnictl apply: {escape(report.environment)}, {report.ending.value}", ""]
    return "\n".join([*head, "| scenario | action | outcome | key |", "|---|---|---|---|", *rows, ""])


def escape(text: str) -> str:
    """Return a text that Markdown and HTML show as it is, and that mentions nobody."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match[1])};", sanitize(text))
