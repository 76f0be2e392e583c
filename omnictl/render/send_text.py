"""A sending as text: what is about to go out to how many, and what became of it."""

from collections.abc import Mapping, Sequence

from omnictl.model.masking import mask_recipient, mask_text
from omnictl.model.message import Message, MessageFate, Sent, Via
from omnictl.model.outcome import Ending
from omnictl.model.sending import SendReport
from omnictl.render.state_text import table
from omnictl.render.style import Style, sanitize
from omnictl.render.words import count, flow_text

_LONGEST_TEXT = 300
_MOST_RECEIPTS = 20
_HEADS = ("to", "fate", "status", "message id")


def render_summary(
    message: Message,
    via: Via,
    *,
    total: int,
    by_kind: str,
    duplicates: int,
    bad: int,
    requests: int,
    style: Style,
    show_texts: bool = True,
) -> str:
    """Return what is about to be sent, for whoever approves it."""
    lines = [f"{style.paint('bold', sanitize(via.scenario))} {style.dot} {flow_text(via.flow, style.arrow)}", ""]
    for step in via.flow:
        content = message.contents.get(step.channel, {})
        lines.append(f"  {step.channel:<12} {_say_content(content, show_texts=show_texts)}")
    lines += ["", f"To {by_kind}, in {count(requests, 'request')}."] if total else []
    if message.send_at is not None:
        lines.append(f"The first step starts at {message.send_at:%Y-%m-%d %H:%M:%SZ}.")
    if duplicates:
        lines.append(f"Left out: {count(duplicates, 'row')} for somebody who was named before.")
    if bad:
        lines.append(f"Left out: {count(bad, 'row')} that cannot be used.")
    return "\n".join(lines)


def _say_content(content: Mapping[str, object], *, show_texts: bool) -> str:
    """Return the text of a channel, masked where nobody reviews it, or what it has in its place."""
    text = content.get("text")
    rest = [name for name in content if name != "text"]
    said = [f'"{sanitize(_shorten(text))}"' if show_texts else mask_text(text)] if isinstance(text, str) else []
    said += [", ".join(map(sanitize, rest))] if rest else []
    return " + ".join(said) or "nothing"


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}… ({len(text)} characters)"


def render_send_report(
    report: SendReport, via: Via, receipts: Sequence[Sent], style: Style, *, unmask: bool = False
) -> str:
    """Return what became of a sending; each message where they are few, those that did not go where they are many."""
    shown = [each for each in receipts if len(receipts) <= _MOST_RECEIPTS or each.fate is not MessageFate.ACCEPTED]
    rows = [_row(each, unmask=unmask) for each in shown[:_MOST_RECEIPTS]]
    lines = [*table([_HEADS, *rows], style), ""] if rows else []
    if len(shown) > _MOST_RECEIPTS:
        others = max(len(shown), report.refused + report.unknown) - _MOST_RECEIPTS
        lines.insert(-1, f"and {others} more: omnictl reports list --run {sanitize(report.run)}")
    counts = [(fate.value, report.count(fate)) for fate in MessageFate]
    said = ", ".join(f"{number} {word}" for word, number in counts if number) or "nothing sent"
    lines.append(f"Sent through {sanitize(via.scenario)}, run {sanitize(report.run)}: {said}.")
    if report.ending is not Ending.FINISHED:
        lines.append(f"Stopped: {sanitize(report.stop_reason)}.")
    return "\n".join(lines)


def _row(sent: Sent, *, unmask: bool) -> tuple[str, ...]:
    recipient = sent.recipient if unmask or sent.recipient is None else mask_recipient(sent.recipient)
    to = ", ".join(recipient.addresses.values()) if recipient is not None else "-"
    status = sent.status.name if sent.status is not None else ""
    return (sanitize(to), sent.fate.value, sanitize(status), sent.message_id)
