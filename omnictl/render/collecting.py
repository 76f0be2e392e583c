"""What a pull brought, and rows of the logs, as text."""

from collections.abc import Sequence

from omnictl.model.masking import mask_address
from omnictl.model.pulling import PullReport
from omnictl.model.report import Gap, Report
from omnictl.model.story import Story
from omnictl.render.state_text import table
from omnictl.render.stories import render_stories
from omnictl.render.style import Style, sanitize
from omnictl.render.words import count

_HEADS = ("sent", "to", "channel", "from", "status", "message id")


def render_pull(report: PullReport, stories: Sequence[Story], style: Style, *, more: int, unmask: bool = False) -> str:
    """Return stories that a pull changed, of which there are ``more``, then what it brought and what is missing."""
    lines = [render_stories(stories, style, unmask=unmask).rstrip("\n"), ""] if stories else []
    if more:
        lines.append(f"and {count(more, 'more message')}: omnictl reports list")
    lines.append(f"{count(report.rows, 'report')} taken, {report.new} new.")
    if report.unreadable:
        lines.append(f"{count(report.unreadable, 'row')} could not be read; the ledger has the very text.")
    if report.filled:
        new = count(report.filled_rows, "row")
        lines.append(f"{_gaps(report.filled)} filled from the logs: {new} new, without their errors.")
    elif report.filled_rows:
        lines.append(f"{count(report.filled_rows, 'row')} came from the logs.")
    if report.still_open:
        them = "it" if len(report.still_open) == 1 else "them"
        after = "The next pull" if report.fillable_at is None else f"A pull after {report.fillable_at:%H:%M:%SZ}"
        lines.append(f"{_gaps(report.still_open)} open: reports may be missing. {after} fills {them} from the logs.")
    if report.permanent:
        lines.append(f"{_gaps(report.permanent)} older than the logs go back: what was handed out then is lost.")
    return "\n".join(lines)


def _gaps(gaps: Sequence[Gap]) -> str:
    times = ", ".join(f"{each.opened_at:%Y-%m-%d %H:%M:%SZ}" for each in gaps[:3])
    return f"{count(len(gaps), 'gap')} ({times}{', …' if len(gaps) > 3 else ''})"


def render_log_rows(rows: Sequence[Report], style: Style, *, unmask: bool = False) -> str:
    """Return rows of the logs as a table, the newest first; with ``unmask`` the text of each stands under it."""
    if not rows:
        return "No rows."
    lines = table([_HEADS, *(_cells(each, unmask=unmask) for each in rows)], style)
    if unmask:
        texts = [[f"    {sanitize(each.text)}"] if each.text else [] for each in rows]
        lines = [lines[0], *(line for row, text in zip(lines[1:], texts, strict=True) for line in (row, *text))]
    return "\n".join(lines)


def _cells(row: Report, *, unmask: bool) -> tuple[str, ...]:
    return (
        "" if row.sent_at is None else f"{row.sent_at:%Y-%m-%d %H:%M:%SZ}",
        sanitize(row.to if unmask else mask_address(row.to)),
        sanitize(row.channel or ""),
        sanitize(row.sender or ""),
        sanitize(row.status.name or row.status.group),
        sanitize(row.message_id),
    )
