"""Small words: counts, durations, keys, flows, wrapped paragraphs."""

import textwrap
from collections.abc import Iterable

from omnictl.model.scenario import Step
from omnictl.render.style import Style, sanitize

_PLURALS = {"scenario": "scenarios", "request": "requests", "error": "errors", "warning": "warnings", "file": "files"}


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


def short_key(key: str, style: Style) -> str:
    """Return the ends of a key."""
    key = sanitize(key)
    return key if len(key) <= 12 else f"{key[:4]}{style.ellipsis}{key[-4:]}"


def step_text(step: Step) -> str:
    """Return a step in words."""
    return sanitize(f"{step.channel} {step.sender}" if step.sender else step.channel)


def flow_text(flow: Iterable[Step]) -> str:
    """Return a flow in one line."""
    return " -> ".join(step_text(step) for step in flow)


def wrap(text: str, width: int, indent: str = "") -> str:
    """Return paragraphs wrapped to a width."""
    return "\n".join(
        textwrap.fill(line, max(20, width), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
        for line in text.splitlines()
    )
