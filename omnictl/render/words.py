"""Small words: counts, durations, keys, flows, wrapped paragraphs."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from omnictl.model.scenario import Step
from omnictl.render.style import Style, sanitize, width_of

_PLURALS = {"scenario": "scenarios", "request": "requests", "error": "errors", "warning": "warnings", "file": "files"}

_LEAST_ROOM = 16
_TWO_DAYS = 172_800
_SMALL_MONEY = Decimal("0.01")


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun if number == 1 else _PLURALS.get(noun, noun + 's')}"


def duration(seconds: float) -> str:
    """Return a duration for people: ``3 s``, ``6 min 12 s``, ``50 min``, ``2 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10 and rest:
        return f"{minutes} min {rest} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if left else f"{hours} h"


def latency(seconds: float) -> str:
    """Return how long something took, short or long: ``14 ms``, ``2.4 s``, ``6 min 12 s``, ``3.5 days``."""
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds >= _TWO_DAYS:
        return f"{seconds / 86400:.1f} days"
    return f"{seconds:.1f} s" if seconds < 9.95 else duration(seconds)


def money(amount: Decimal, currency: str) -> str:
    """Return an amount with two to four places, more only where it would else be nothing: ``12.90 EUR``."""
    places = 4 if abs(amount) >= _SMALL_MONEY or not amount else 6
    whole, _, cents = f"{amount:.{places}f}".partition(".")
    return f"{whole}.{cents.rstrip('0').ljust(2, '0')} {sanitize(currency)}"


def written_duration(seconds: float) -> str:
    """Return a duration as it is written on a command line: ``90s``, ``45m``, ``2h``."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def short_key(key: str, style: Style) -> str:
    """Return the ends of a key."""
    key = sanitize(key)
    return key if len(key) <= 12 else f"{key[:4]}{style.ellipsis}{key[-4:]}"


def quote(text: str) -> str:
    """Return a name in quotes, with its own quotes marked."""
    return f'"{sanitize(text)}"' if '"' not in text else '"' + sanitize(text).replace('"', '\\"') + '"'


def step_text(step: Step) -> str:
    """Return a step in words."""
    return sanitize(f"{step.channel} {step.sender}" if step.sender else step.channel)


def flow_text(flow: Iterable[Step], arrow: str = "->") -> str:
    """Return a flow in one line."""
    return f" {arrow} ".join(step_text(step) for step in flow)


def wrap(text: str, width: int, indent: str = "", hanging: str | None = None) -> str:
    """Return paragraphs wrapped to a width in columns, each line indented; ``hanging`` is for all but the first."""
    hanging = indent if hanging is None else hanging
    return "\n".join(
        _wrap_line(line, max(width, len(hanging) + _LEAST_ROOM), indent, hanging) for line in text.splitlines()
    )


def command(parts: Sequence[str], style: Style) -> str:
    """Return a command to copy: on a line of its own, or continued where it is too long."""
    whole = " ".join(parts)
    completed = style.complete(whole)
    shown = [sanitize(each) for each in (*parts, completed.removeprefix(whole).strip()) if each]
    line = "    " + " ".join(shown)
    return line if width_of(line) <= style.width else "    " + " \\\n        ".join(shown)


def _wrap_line(text: str, width: int, indent: str, hanging: str) -> str:
    """Break one line where spaces are; runs of spaces inside a line stay as they are."""
    lines, line = [], indent
    for part in re.split(r"(?<=[^ ])(?= )", text):
        if width_of(line + part) > width and line.strip():
            lines.append(line)
            line = hanging + part.lstrip()
        else:
            line += part
    return "\n".join([*lines, line])
