"""A plan as text for people: risks first, one line a change with its details under it, unchanged only counted."""

from collections.abc import Sequence

from omnictl.model.address import id_of
from omnictl.model.change import SIGNS, Action, Change
from omnictl.model.plan import Plan, RiskKind
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.plan_words import (
    allowing_command,
    describe,
    header_parts,
    say_counts,
    say_first_default,
    say_no_changes,
    say_refusal,
    say_time,
    say_unmanaged,
    shown_changes,
)
from omnictl.render.risk_words import say_left_behind, say_risk
from omnictl.render.style import Style, pad, sanitize, width_of
from omnictl.render.words import command, quote, short_key, wrap

_SIGN_COLUMNS = 11
_INDENT = " " * 13
_NAME_COLUMNS = 10
_LEAST_ID_COLUMNS, _MOST_ID_COLUMNS = 12, 28
_LEAST_GAP = 2
_LEAST_RISK_COLUMNS = 16
_ROLES = {
    Action.CREATE: "added",
    Action.ADOPT: "added",
    Action.UPDATE: "changed",
    Action.RENAME: "moved",
    Action.DEFAULT: "risk",
    Action.RETIRE: "removed",
    Action.FORGET: "removed",
    Action.NO_OP: "dim",
}


def render_plan(plan: Plan, style: Style, *, verbose: bool = False) -> str:
    """Return the plan as text; ``verbose`` also names the scenarios that nobody here manages."""
    banner = ["SANDBOX: nothing leaves this machine", ""] if plan.sandbox else []
    told = render_diagnostics(plan.diagnostics, style).splitlines()
    shown = shown_changes(plan)
    if not shown and not plan.guards and not plan.settled:
        return "\n".join([*banner, *told, wrap(say_no_changes(plan), style.width)]) + "\n"
    lines = [*banner, style.paint("bold", wrap(_header(plan, style), style.width, "", "    ")), "", *told]
    lines += _render_risks(plan, style)
    id_columns = _id_columns(plan, shown)
    lines += _render_settled(plan, style, id_columns)
    for change in shown:
        lines += render_change(change, style, id_columns)
    lines += [""] if shown else []
    lines += _summary(plan, style, verbose=verbose)
    lines += _how_to_allow(plan, style)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _id_columns(plan: Plan, shown: Sequence[Change]) -> int:
    """Return how wide the column of ids is: the widest one, within reason."""
    ids = [id_of(each.address) for each in (*shown, *plan.settled)]
    return min(_MOST_ID_COLUMNS, max([_LEAST_ID_COLUMNS, *map(len, ids)]))


def _header(plan: Plan, style: Style) -> str:
    return f" {style.dot} ".join(header_parts(plan))


def _render_risks(plan: Plan, style: Style) -> list[str]:
    """Return what a reader must not miss: the guards that fired, and the first default of an account."""
    columns = max([_LEAST_RISK_COLUMNS, *(len(each.guard.value) for each in plan.guards)])
    lines = []
    for finding in plan.guards:
        said = "Allowed." if finding.allowed else "Not allowed yet, see below."
        lines += _risk(finding.guard.value, f"{finding.message}  {said}", columns, style)
        lines += [f"{' ' * (columns + 7)}{sanitize(style.complete(each))}" for each in finding.commands]
        lines.append("")
    first = say_first_default(plan, style)
    if first is not None:
        lines += [*_risk("default", first, columns, style), ""]
    return lines


def _risk(name: str, text: str, columns: int, style: Style) -> list[str]:
    indent = " " * (columns + 3)
    wrapped = wrap(sanitize(text), style.width, indent)
    return [f"{style.paint('risk', f'! {pad(name, columns)}')} {wrapped.lstrip(' ')}"]


def _render_settled(plan: Plan, style: Style, id_columns: int) -> list[str]:
    lines = []
    for each in plan.settled:
        found = f"found on the account, key {short_key(each.key, style)}" if each.key else "not found (yet)"
        lines.append(f"? unknown  {pad(id_of(each.address), id_columns)} an earlier create, {found}")
    return [*lines, ""] if lines else []


def render_change(change: Change, style: Style, id_columns: int) -> list[str]:
    """Return the lines of one change; ids take so many columns."""
    told = describe(change, style)
    sign = style.paint(_ROLES[told.action], f"{SIGNS[told.action]} {pad(told.action.value, 8)}")
    indent = " " * (_SIGN_COLUMNS + id_columns + 1)
    text = wrap(f"{pad(told.scenario_id, id_columns)} {told.head}", style.width, " " * _SIGN_COLUMNS, indent)
    first, *more = text[_SIGN_COLUMNS:].split("\n")
    lines = [f"{sign} {first}", *more]
    if told.source is not None:
        place = sanitize(f"{told.source.path}:{told.source.line}")
        room = style.width - _SIGN_COLUMNS - width_of(first) - width_of(place)
        if room >= _LEAST_GAP:
            lines[0] += " " * room + style.paint("path", place)
        else:
            lines.append(f"{_INDENT}{pad('file', _NAME_COLUMNS)} {style.paint('path', place)}")
    for name, detail in told.details:
        lines += _detail(name, detail, style).split("\n")
    return lines


def _detail(name: str, text: str, style: Style) -> str:
    hanging = " " * (len(_INDENT) + _NAME_COLUMNS + 1)
    return wrap(f"{pad(name, _NAME_COLUMNS)} {text}", style.width, _INDENT, hanging)


def _summary(plan: Plan, style: Style, *, verbose: bool) -> list[str]:
    them = "it" if len(plan.unmanaged) == 1 else "them"
    unmanaged = say_unmanaged(plan, ":" if verbose else f" (list {them}: omnictl drift).")
    names = plan.unmanaged.items() if verbose else ()
    listed = [f"    {sanitize(key)}  {quote(name)}" for key, name in names]
    left, risk = say_left_behind(plan), _say_unseen_risk(plan)
    lines = [say_counts(plan), *([left] if left else []), *([unmanaged] if unmanaged else []), *listed]
    lines += [say_time(plan), *([risk] if risk else [])]
    return [wrap(line, style.width, "", "    ") for line in lines]


def _say_unseen_risk(plan: Plan) -> str | None:
    """Return the risk where it is more than the guards, which stand at the top of the plan."""
    reasons = plan.risk.reasons if plan.risk is not None else ()
    return say_risk(plan) if any(each.kind is not RiskKind.GUARD for each in reasons) else None


def _how_to_allow(plan: Plan, style: Style) -> list[str]:
    if not plan.open_guards:
        return []
    refusal = wrap(f"{say_refusal(plan)} To allow it:", style.width)
    return ["", *refusal.split("\n"), command(allowing_command(plan), style)]
