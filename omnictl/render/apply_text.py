"""The report of an apply as text: what went wrong first and whole, what is left, what is done, and how to go on."""

from collections.abc import Iterator
from itertools import groupby

from omnictl.model.address import id_of
from omnictl.model.change import SIGNS, Action
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.outcome import ApplyReport, Fate, Outcome
from omnictl.render.apply_words import (
    command_that_goes_on,
    say_apply_counts,
    say_left_behind,
    say_what_next,
    shown_outcomes,
)
from omnictl.render.plan_words import noun_of
from omnictl.render.style import Style, pad, sanitize
from omnictl.render.words import count, short_key, wrap

_ROLES = {Fate.DONE: "added", Fate.FAILED: "error", Fate.UNKNOWN: "warning", Fate.NOT_TRIED: "dim"}
_LEAST_ID_COLUMNS, _MOST_ID_COLUMNS = 12, 28
_INDENT = " " * 13
_LISTED_AT_MOST = 20


def render_apply_report(report: ApplyReport, style: Style, *, verbose: bool = False, follows_plan: bool = False) -> str:
    """Return the report as text. Long runs of the same good end are counted; ``verbose`` lists them all.

    Where it ``follows_plan`` in one output, the plan has said already that it is the sandbox.
    """
    lines = ["SANDBOX: nothing leaves this machine", ""] if report.sandbox and not follows_plan else []
    shown = shown_outcomes(report)
    columns = min(_MOST_ID_COLUMNS, max([_LEAST_ID_COLUMNS, *(len(id_of(each.address)) for each in shown)]))
    for (fate, action), group in groupby(shown, key=lambda each: (each.fate, each.action)):
        alike = list(group)
        if len(alike) > _LISTED_AT_MOST and not verbose and fate in (Fate.DONE, Fate.NOT_TRIED):
            lines.append(_folded(fate, action, len(alike), columns, style))
        else:
            lines += (line for each in alike for line in _lines(each, columns, style))
    lines += ["", say_apply_counts(report)] if shown else [say_apply_counts(report)]
    if left := say_left_behind(report):
        lines += wrap(left, style.width).split("\n")
    told = say_what_next(report)
    if told:
        lines += ["", *(line for each in told for line in wrap(each, style.width).split("\n"))]
        lines += [f"    {command_that_goes_on(report)}"]
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def _lines(each: Outcome, columns: int, style: Style) -> Iterator[str]:
    key = f"key {short_key(each.key, style)}" if each.key and each.fate is Fate.DONE else ""
    text = f"{pad(id_of(each.address), columns)} {_fate(each.fate, style)} {key}"
    yield f"{SIGNS[each.action]} {pad(each.action.value, 8)} {text}"
    if each.diagnostic is not None:
        yield from _why(each.diagnostic, style)


def _folded(fate: Fate, action: Action, number: int, columns: int, style: Style) -> str:
    where = "(their keys: omnictl output)" if action is Action.CREATE and fate is Fate.DONE else ""
    text = f"{pad(count(number, noun_of(action)), columns)} {_fate(fate, style)} {where}"
    return f"{SIGNS[action]} {pad(action.value, 8)} {text}"


def _fate(fate: Fate, style: Style) -> str:
    return style.paint(_ROLES[fate], pad(fate.value, 9))


def _why(diagnostic: Diagnostic, style: Style) -> Iterator[str]:
    """What went wrong, whole: the API's own words are in the detail."""
    for text in (f"{diagnostic.summary} [{diagnostic.code}]", diagnostic.detail, diagnostic.hint):
        for line in text.splitlines():
            yield wrap(sanitize(line), style.width, _INDENT)
    yield from (f"{_INDENT}    {sanitize(style.complete(each))}" for each in diagnostic.commands)
