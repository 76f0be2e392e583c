"""The live display of an apply: what it shows now, as lines that fit the terminal. Redrawing is the terminal's part."""

from collections import Counter
from datetime import datetime, tzinfo

from msgspec import Struct, field

from omnictl.model.change import Action
from omnictl.model.outcome import (
    ApplyStarted,
    ChangeEnded,
    Event,
    Fate,
    ReadingAccount,
    Retrying,
    Settling,
    Waiting,
)
from omnictl.render.events import describe_wait, describe_work
from omnictl.render.plan_words import noun_of
from omnictl.render.style import Style, sanitize, truncate, width_of
from omnictl.render.words import count, duration

_BAR_COLUMNS, _LEAST_BAR_COLUMNS = 40, 8


class LiveView(Struct):
    """How far a run is, as its events tell it."""

    started: ApplyStarted
    fates: Counter[Fate] = field(default_factory=Counter)
    done: Counter[Action] = field(default_factory=Counter)
    waiting: Waiting | None = None
    doing: str = ""

    def follow(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, ChangeEnded):
            self.fates[event.outcome.fate] += 1
            if event.outcome.fate is Fate.DONE:
                self.done[event.outcome.action] += 1
            self.waiting, self.doing = None, ""
        elif isinstance(event, Waiting):
            self.waiting, self.doing = event, ""
        elif isinstance(event, Retrying | Settling | ReadingAccount):
            self.waiting, self.doing = None, describe_work(event)


def render_live(view: LiveView, style: Style, *, now: datetime, zone: tzinfo | None, height: int) -> str:
    """Return the lines of the display, each within the width, fewer than the terminal is high.

    ``zone`` is the time zone of the person in front of it.
    """
    under = (_counts(view, style), _present(view, style, now, zone), _ends(view, style, zone))
    lines = [_head(view, style), *(f"  {each}" for each in under if each)]
    return "\n".join(lines[: max(1, height - 1)])


def _fitting(style: Style, *texts: str) -> str:
    """Return the first text that fits into a line, or what there is room for of the last."""
    room = style.width - 3
    return next((each for each in texts if width_of(each) <= room), truncate(texts[-1], room, style.ellipsis))


def _counts(view: LiveView, style: Style) -> str:
    counts = [f"{fate.value} {view.fates[fate]}" for fate in (Fate.DONE, Fate.FAILED, Fate.UNKNOWN)]
    counts.append(f"to do {max(0, view.started.total - view.fates.total())}")
    short = f" {style.dot} ".join(counts)
    kinds = ", ".join(count(number, noun_of(action)) for action, number in view.done.items())
    counts[0] += f" ({kinds})" if kinds else ""
    return _fitting(style, f" {style.dot} ".join(counts), short, f"{counts[-1]} {style.dot} {short}")


def _ends(view: LiveView, style: Style, zone: tzinfo | None) -> str:
    ends = f"ends about {view.started.ends_at.astimezone(zone):%H:%M} {style.dot}"
    return _fitting(
        style,
        f"{ends} Ctrl-C stops safely, the same command goes on",
        f"{ends} Ctrl-C stops safely",
        f"{ends} Ctrl-C stops",
    )


def _head(view: LiveView, style: Style) -> str:
    ended = view.fates.total()
    text = f"Applying plan {view.started.plan_id[:4]} to {sanitize(view.started.environment)}"
    place = f"{ended} of {view.started.total}"
    room = style.width - 1 - width_of(text) - width_of(place) - 4
    if room < _LEAST_BAR_COLUMNS:
        return truncate(f"{place}  {text}", style.width - 1, style.ellipsis)
    return f"{text}  {_bar(ended, view.started.total, min(room, _BAR_COLUMNS), style)}  {place}"


def _bar(ended: int, total: int, columns: int, style: Style) -> str:
    """A bar with a break where the run is; without Unicode of equals signs and dashes."""
    line, tip, rest = ("━", "╺", "━") if style.unicode else ("=", ">", "-")
    full = columns if total == 0 else min(columns, columns * ended // total)
    if full == columns:
        return style.paint("added", line * columns)
    return style.paint("added", line * full) + style.paint("dim", tip + rest * (columns - full - 1))


def _present(view: LiveView, style: Style, now: datetime, zone: tzinfo | None) -> str:
    """What it waits for, and the time that is left of it now."""
    waiting = view.waiting
    if waiting is None or waiting.until <= now:
        return _fitting(style, view.doing)
    left = duration(max(1.0, (waiting.until - now).total_seconds()))
    at = f"next at {waiting.until.astimezone(zone):%H:%M:%S}"
    return _fitting(
        style, f"waiting {left}: {describe_wait(waiting)}, {at}", f"waiting {left}, {at}", f"waiting {left}"
    )
