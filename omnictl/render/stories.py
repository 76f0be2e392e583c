"""Stories as text: a table of many, or one told step by step while it goes on."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from omnictl.model.masking import mask_address, mask_recipient
from omnictl.model.scenario import Step
from omnictl.model.story import FAILURES, StepState, StepStory, Story, StoryOutcome, seconds_between
from omnictl.render.style import Style, pad, sanitize, truncate, width_of
from omnictl.render.words import count, latency, money, short_key, step_text, wrap

_HEADS = ("TIME", "MESSAGE", "TO", "SCENARIO", "OUTCOME", "STEPS")
_ROLES = {
    StoryOutcome.DELIVERED: "added",
    StoryOutcome.PENDING: "changed",
    StoryOutcome.UNKNOWN: "warning",
    StoryOutcome.NOT_TRIED: "dim",
}
_STEP_ROLES = {StepState.DELIVERED: "added", StepState.PENDING: "changed", StepState.NOT_ATTEMPTED: "dim"}


class _Row(Struct, frozen=True):
    cells: tuple[str, ...]
    outcome: str
    role: str
    steps: tuple[str, ...]

    @property
    def line(self) -> str:
        return " ".join(self.steps)


def render_stories(stories: Sequence[Story], style: Style, *, unmask: bool = False) -> str:
    """Return stories as a table with a sum; on a terminal too narrow for it, the steps stand under each message."""
    if not stories:
        return "No messages.\n"
    rows = [_row(each, style, unmask=unmask) for each in stories]
    widths = [max(width_of(row.cells[i]) for row in rows) for i in range(4)]
    widths = [max(width, len(head)) for width, head in zip(widths, _HEADS[:4], strict=True)]
    widest = max(len(_HEADS[4]), *(width_of(row.outcome) for row in rows))
    needed = sum(widths) + widest + 10 + max(width_of(row.line) for row in rows)
    lines = _under(rows, widths, style) if style.cuts and needed > style.width else _beside(rows, widths, widest, style)
    counts = Counter(story.outcome for story in stories)
    told = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in StoryOutcome if counts[outcome])
    total = f"{count(len(stories), 'message')}: {told}."
    return "\n".join([*lines, "", wrap(total, style.width) if style.cuts else total]) + "\n"


def render_story_line(story: Story, style: Style, *, unmask: bool = False) -> str:
    """Return a story in one line without a line end, for a list that goes on."""
    row = _row(story, style, unmask=unmask)
    return "  ".join([*row.cells, style.paint(row.role, row.outcome), row.line])


def render_story(story: Story, style: Style, *, now: datetime | None = None, unmask: bool = False) -> str:
    """Return one message as a block, one line a step; with ``now`` it says how long it is on its way."""
    sent = f"sent {story.sent_at:%Y-%m-%d %H:%M:%SZ}" if story.sent_at else ""
    sent += f" for {story.send_at:%Y-%m-%d %H:%M:%SZ}" if story.send_at else ""
    name = f"message {short_key(story.message_id, style)}" if story.message_id else ""
    head = [", ".join(_addresses(story, unmask=unmask)), _scenario(story), sent, name]
    rows = [_step_row(step, story, style) for step in story.steps]
    widths = [max(width_of(row[i]) for row in rows) for i in range(3)] if rows else []
    lines = [style.paint("bold", _fit(f" {style.dot} ".join(filter(None, head)), style))]
    for step, row in zip(story.steps, rows, strict=True):
        text = "  ".join([*(pad(cell, width) for cell, width in zip(row[:3], widths, strict=True)), *row[3:]])
        lines.append(style.paint(_step_role(step), _fit(f"  {text}".rstrip(), style)))
    lines.append(style.paint(_role(story), _fit(f"  {_say_end(story, style, now)}", style)))
    return "\n".join(lines) + "\n"


def _beside(rows: Sequence[_Row], widths: Sequence[int], widest: int, style: Style) -> list[str]:
    def join(cells: Sequence[str]) -> str:
        return "  ".join(pad(cell, width) for cell, width in zip(cells, widths, strict=True))

    head = "  ".join([join(_HEADS[:4]), pad(_HEADS[4], widest), _HEADS[5]])
    lines = [style.paint("bold", head)]
    for row in rows:
        gap = " " * (widest - width_of(row.outcome))
        lines.append(f"{join(row.cells)}  {style.paint(row.role, row.outcome)}{gap}  {row.line}".rstrip())
    return lines


def _under(rows: Sequence[_Row], widths: Sequence[int], style: Style) -> list[str]:
    lines = []
    for row in rows:
        room = style.width - width_of(row.outcome) - 2
        cells = "  ".join(pad(cell, width) for cell, width in zip(row.cells, widths, strict=True))
        cells = cells if width_of(cells) <= room else "  ".join(row.cells)
        lines.append(f"{truncate(cells, max(8, room), style.ellipsis)}  {style.paint(row.role, row.outcome)}")
        lines += _pack(row.steps, style)
    return lines


def _pack(steps: Sequence[str], style: Style) -> list[str]:
    """Return the steps in as few lines as hold them; a step too long for a line is wrapped."""
    lines: list[str] = []
    for step in steps:
        if lines and width_of(f"{lines[-1]} {step}") <= style.width:
            lines[-1] += f" {step}"
        else:
            lines.append(wrap(step, style.width, "    " if lines else "  ", "      "))
    return lines


def _row(story: Story, style: Style, *, unmask: bool) -> _Row:
    at = f"{story.sent_at:%Y-%m-%d %H:%M:%SZ}" if story.sent_at else "-"
    name = short_key(story.message_id, style) if story.message_id else "-"
    words = [_step_words(step, story, style) for step in story.steps]
    steps = tuple(f"{style.arrow} {each}" if i else each for i, each in enumerate(words))
    first, *others = _addresses(story, unmask=unmask)
    to = f"{first} +{len(others)}" if others else first
    return _Row((at, name, to, _scenario(story)), _outcome(story), _role(story), steps)


def _addresses(story: Story, *, unmask: bool) -> list[str]:
    """Return the addresses as they are shown, or one word in their place."""
    if story.recipient is not None:
        shown = story.recipient if unmask else mask_recipient(story.recipient)
        return [sanitize(each) for each in shown.addresses.values()] or ["-"]
    if story.to is not None:
        return [sanitize(story.to if unmask else mask_address(story.to))]
    return ["purged" if story.scenario is not None else "-"]


def _scenario(story: Story) -> str:
    return "-" if story.scenario is None else sanitize(story.scenario)


def _outcome(story: Story) -> str:
    failed = story.outcome in (StoryOutcome.UNDELIVERED, StoryOutcome.EXPIRED, StoryOutcome.REJECTED)
    so_far = " so far" if failed and not story.is_final else ""
    return f"{story.outcome.value}{so_far}{', seen' if story.seen else ''}"


def _role(story: Story) -> str:
    return _ROLES.get(story.outcome, "error")


def _step_role(step: StepStory) -> str:
    return _STEP_ROLES.get(step.state, "error" if step.state in FAILURES else "warning")


def _step_name(step: StepStory) -> str:
    if step.channel is None:
        return "(no channel)"
    return step_text(Step(step.channel, step.sender))


def _step_words(step: StepStory, story: Story, style: Style) -> str:
    """A step within a line: ``VKONTAKTE x UNDELIVERABLE EC_ABSENT_SUBSCRIBER_SM 10 ms``."""
    channel = sanitize(step.channel) if step.channel is not None else _step_name(step)
    took = latency(step.seconds) if step.seconds is not None else ""
    return " ".join(filter(None, (channel, _sign(step, style), _state(step, story), _why(step), took)))


def _step_row(step: StepStory, story: Story, style: Style) -> tuple[str, ...]:
    """Name, state, time; then what has no column: why, and the price."""
    number = "-" if step.position is None else str(step.position)
    named = step.error or step.status
    described = f" ({sanitize(named.description)})" if named and named.description and step.reason else ""
    took = latency(step.seconds) if step.seconds is not None else ""
    cost = money(step.cost, step.currency) if step.cost is not None and step.currency else ""
    rest = (f"{_why(step)}{described}" if step.reason else "", cost)
    sign = " ".join(filter(None, (_sign(step, style), _state(step, story))))
    return (f"{number} {_step_name(step)}", sign, took, *filter(None, rest))


def _sign(step: StepStory, style: Style) -> str:
    if step.state in FAILURES:
        return "x"
    signs = {StepState.DELIVERED: "+", StepState.PENDING: style.ellipsis, StepState.NOT_ATTEMPTED: ""}
    return signs.get(step.state, "?")


def _state(step: StepStory, story: Story) -> str:
    if step.state is StepState.NOT_ATTEMPTED:
        if story.outcome is StoryOutcome.DELIVERED:
            return "not needed"
        if story.outcome is StoryOutcome.UNKNOWN:
            return "no report"
        return "not attempted" if story.is_final else "not yet"
    if step.state is StepState.OTHER and step.status is not None:
        return sanitize(step.status.group)
    return step.state.value if step.state is StepState.NO_REPORT else step.state.name


def _why(step: StepStory) -> str:
    return sanitize(step.reason) if step.reason and step.state in FAILURES else ""


def _say_end(story: Story, style: Style, now: datetime | None) -> str:
    parts = [_say_outcome(story, now)]
    parts += [money(cost, currency) for currency, cost in story.costs.items()]
    parts += [f"seen {story.seen_at:%Y-%m-%d %H:%M:%SZ}" if story.seen_at else "seen"] if story.seen else []
    return f" {style.dot} ".join(parts)


def _say_outcome(story: Story, now: datetime | None) -> str:
    step = story.delivering
    if step is not None:
        after = f" after {latency(story.seconds)}" if story.seconds is not None else ""
        return f"delivered by {_step_name(step)}{after}"
    if story.outcome is StoryOutcome.REFUSED:
        status = story.send_status
        return f"refused when it was sent: {sanitize(status.name)}" if status else "refused when it was sent"
    if story.outcome is StoryOutcome.UNKNOWN and not any(each.rows for each in story.steps):
        return "unknown: nothing tells whether it was sent"
    if story.outcome is StoryOutcome.NOT_TRIED:
        return "not tried: it never left"
    waited = None if story.is_final else seconds_between(story.sent_at, now)
    return f"{story.outcome.value}{' so far' if _is_open_failure(story) else ''}" + (
        f", {latency(waited)} after it was sent" if waited is not None else ""
    )


def _is_open_failure(story: Story) -> bool:
    return _outcome(story).endswith(("so far", "so far, seen"))


def _fit(text: str, style: Style) -> str:
    return truncate(text, style.width, style.ellipsis) if style.cuts else text
