"""A plan as text for people: risks first, one line a change with its details under it, unchanged only counted."""

from collections import Counter
from collections.abc import Iterator, Sequence

from omnictl.model.address import id_of
from omnictl.model.change import (
    SIGNS,
    Action,
    Adopt,
    Cause,
    Change,
    Create,
    FieldChange,
    FlowChanged,
    Forget,
    NameChanged,
    Refresh,
    Rename,
    Retire,
    SenderChanged,
    SetDefault,
    StepInserted,
    StepMoved,
    StepRemoved,
    Update,
)
from omnictl.model.plan import Plan
from omnictl.model.scenario import Attributes
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.style import Style, pad, sanitize, width_of
from omnictl.render.words import command, count, duration, flow_text, quote, short_key, step_text, wrap

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
_ORDER = (SetDefault, Create, Adopt, Update, Rename, Retire, Forget)
_WORDS = ("create", "adopt", "update", "rename", "default", "retire", "forget")


def render_plan(plan: Plan, style: Style, *, verbose: bool = False) -> str:
    """Return the plan as text; ``verbose`` also names the scenarios that nobody here manages."""
    banner = ["SANDBOX: nothing leaves this machine", ""] if plan.sandbox else []
    told = render_diagnostics(plan.diagnostics, style).splitlines()
    shown = [each for each in plan.changes if not isinstance(each, Refresh)]
    if not shown and not plan.guards and not plan.settled:
        return "\n".join([*banner, *told, wrap(_no_changes(plan), style.width)]) + "\n"
    lines = [*banner, style.paint("bold", wrap(_header(plan, style), style.width, "", "    ")), "", *told]
    lines += _render_risks(plan, style)
    id_columns = _id_columns(plan, shown)
    lines += _render_settled(plan, style, id_columns)
    for kind in _ORDER:
        for change in shown:
            if isinstance(change, kind):
                lines += _render_change(change, style, id_columns)
    lines += [""] if shown else []
    lines += _summary(plan, style, verbose=verbose)
    lines += _how_to_allow(plan, style)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _id_columns(plan: Plan, shown: Sequence[Change]) -> int:
    """Return how wide the column of ids is: the widest one, within reason."""
    ids = [id_of(each.address) for each in (*shown, *plan.settled)]
    return min(_MOST_ID_COLUMNS, max([_LEAST_ID_COLUMNS, *map(len, ids)]))


def _header(plan: Plan, style: Style) -> str:
    where = f"{sanitize(plan.environment)} ({sanitize(plan.account.host)})"
    if plan.selection.only or plan.selection.exclude:
        words = [f"only {each}" for each in plan.selection.only] + [f"not {each}" for each in plan.selection.exclude]
        chosen = f"{plan.selection.selected} of {plan.selection.total} selected ({sanitize(', '.join(words))})"
    else:
        chosen = f"{count(plan.total, 'scenario')} in files"
    return f" {style.dot} ".join((where, chosen, f"state serial {plan.serial}"))


def _no_changes(plan: Plan) -> str:
    sentence = f"No changes: {count(plan.total, 'scenario')} in {sanitize(plan.environment)}"
    verb = "is" if plan.total == 1 else "are"
    if plan.selection.only or plan.selection.exclude:
        words = ", ".join((*plan.selection.only, *(f"not {each}" for each in plan.selection.exclude)))
        sentence = f"No changes: {plan.selection.selected} of {sentence[12:]} ({sanitize(words)})"
    text = f"{sentence} {verb} as declared."
    if plan.refreshed:
        text += f" {count(plan.refreshed, 'record')} will be brought up to date."
    if plan.default.released:
        holder = id_of(plan.default.after) if plan.default.after else "nobody here"
        text += f" The account default is no longer managed; it stays with {holder}."
    return text


def _render_risks(plan: Plan, style: Style) -> list[str]:
    """Return what a reader must not miss: the guards that fired, and the first default of an account."""
    columns = max([_LEAST_RISK_COLUMNS, *(len(each.guard.value) for each in plan.guards)])
    lines = []
    for finding in plan.guards:
        said = "Allowed." if finding.allowed else "Not allowed yet, see below."
        lines += _risk(finding.guard.value, f"{finding.message}  {said}", columns, style)
        lines += [f"{' ' * (columns + 7)}{sanitize(each)}" for each in finding.commands]
        lines.append("")
    for change in plan.changes:
        if isinstance(change, Create) and change.becomes_default:
            text = f"Account default: none -> {id_of(change.address)}. The first scenario of an account becomes it."
            lines += [*_risk("default", text, columns, style), ""]
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


def _render_change(change: Change, style: Style, id_columns: int) -> list[str]:
    action, head, details = _describe(change, style)
    sign = style.paint(_ROLES[action], f"{SIGNS[action]} {pad(action.value, 8)}")
    indent = " " * (_SIGN_COLUMNS + id_columns + 1)
    text = wrap(f"{pad(id_of(change.address), id_columns)} {head}", style.width, " " * _SIGN_COLUMNS, indent)
    first, *more = text[_SIGN_COLUMNS:].split("\n")
    lines = [f"{sign} {first}", *more]
    source = getattr(change, "source", None)
    if source is not None and source.line:
        place = sanitize(f"{source.path}:{source.line}")
        room = style.width - _SIGN_COLUMNS - width_of(first) - width_of(place)
        if room >= _LEAST_GAP:
            lines[0] += " " * room + style.paint("path", place)
        else:
            lines.append(f"{_INDENT}{pad('file', _NAME_COLUMNS)} {style.paint('path', place)}")
    for name, detail in details:
        lines += _detail(name, detail, style).split("\n")
    return lines


def _detail(name: str, text: str, style: Style) -> str:
    hanging = " " * (len(_INDENT) + _NAME_COLUMNS + 1)
    return wrap(f"{pad(name, _NAME_COLUMNS)} {text}", style.width, _INDENT, hanging)


_Described = tuple[Action, str, Iterator[tuple[str, str]]]


def _describe(change: Change, style: Style) -> _Described:
    """Return the action, the text beside the id, and the details under it."""
    match change:
        case Create():
            return Action.CREATE, _name(change.desired), _created(change)
        case Update():
            return Action.UPDATE, f"key {short_key(change.key, style)}{_said(change.cause)}", _fields(change.fields)
        case Adopt():
            source = "again, from its tombstone" if change.from_tombstone else "from the account"
            return Action.ADOPT, f"key {short_key(change.key, style)}, {source}", _fields(change.fields)
        case Rename():
            key = short_key(change.key, style)
            head = f"was {id_of(change.previous)}; same key {key}; its name in output files changes"
            return Action.RENAME, head, _fields(change.fields)
        case Forget(vanished=True):
            return Action.FORGET, "file deleted, and no longer on the account", iter(())
        case Forget():
            return Action.FORGET, "file deleted; stays on the account and can still be sent through", iter(())
        case Retire():
            head = f"file deleted; renamed to {_name(change.desired)}, can still be sent through"
            return Action.RETIRE, head, iter(())
        case SetDefault():
            return Action.DEFAULT, "becomes the account default", _flip(change)
        case Refresh():
            return Action.NO_OP, "brought up to date", iter(())


def _name(attributes: Attributes) -> str:
    return quote(attributes.name)


def _said(cause: Cause) -> str:
    return {Cause.EDITED: "", Cause.DRIFT: ", changed on the account", Cause.CONFLICT: ", changed on both sides"}[cause]


def _created(change: Create) -> Iterator[tuple[str, str]]:
    yield "flow", flow_text(change.desired.flow)
    if change.becomes_default:
        yield "default", "becomes the account default, whatever its file says"
    if change.replaces is not None:
        yield "key", f"a new one; {sanitize(change.replaces)} is gone, and what sends with it has to change"


def _flip(change: SetDefault) -> Iterator[tuple[str, str]]:
    loser = id_of(change.previous) if change.previous else None
    if loser is None and change.previous_attributes is not None:
        loser = _name(change.previous_attributes)
    yield "default", f"no -> yes   ({loser} loses it, no request of its own)" if loser else "no -> yes"


def _fields(changes: tuple[FieldChange, ...]) -> Iterator[tuple[str, str]]:
    for change in changes:
        match change:
            case NameChanged():
                yield "name", f"{quote(change.before)} -> {quote(change.after)}"
            case FlowChanged():
                yield from _flow_edits(change)
                yield "before", flow_text(change.before)
                yield "after", flow_text(change.after)


def _flow_edits(change: FlowChanged) -> Iterator[tuple[str, str]]:
    for edit in change.edits:
        match edit:
            case StepInserted(position, step):
                yield "inserted", f"{step_text(step)}  as step {position}"
            case StepRemoved(position, step):
                yield "removed", f"{step_text(step)}  (was step {position})"
            case StepMoved(step, before, after):
                yield "moved", f"{step.channel}  step {before} -> {after}"
            case SenderChanged():
                now = f"   (now step {edit.position_after})" if edit.position_before != edit.position_after else ""
                senders = f"{sanitize(edit.before or '-')} -> {sanitize(edit.after or '-')}"
                yield "sender", f"{pad(edit.channel, 6)} {senders}{now}"


def _summary(plan: Plan, style: Style, *, verbose: bool) -> list[str]:
    kinds = Counter(_word(each) for each in plan.changes)
    nouns = ((kinds[word], "default change" if word == "default" else word) for word in _WORDS)
    parts = [count(number, noun) for number, noun in nouns if number]
    refreshed = f", {count(plan.refreshed, 'record')} brought up to date" if plan.refreshed else ""
    lines = [f"Plan: {', '.join(parts) or 'nothing to send'}; {plan.unchanged} unchanged{refreshed}."]
    if plan.unmanaged:
        are = "is" if len(plan.unmanaged) == 1 else "are"
        how = ":" if verbose else " (list them: omnictl plan -v)."
        lines.append(f"Account: {count(len(plan.unmanaged), 'more scenario')} {are} not managed here{how}")
        names = plan.unmanaged.items() if verbose else ()
        lines += [f"    {sanitize(key)}  {quote(name)}" for key, name in names]
    lines.append(_time(plan))
    return [wrap(line, style.width, "", "    ") for line in lines]


def _word(change: Change) -> str:
    return {
        Create: "create",
        Adopt: "adopt",
        Update: "update",
        Rename: "rename",
        SetDefault: "default",
        Retire: "retire",
        Forget: "forget",
        Refresh: "refresh",
    }[type(change)]


def _time(plan: Plan) -> str:
    cost = plan.cost
    requests = cost.creates + cost.updates
    if not requests:
        return "Time: no request needs to be sent."
    used = []
    budgets = ((cost.creates, cost.create_limit, "creates"), (cost.updates, cost.update_limit, "updates"))
    for number, limit, noun in budgets:
        if number and limit is not None:
            used.append(f"{number} of {limit} {noun}")
    window = f" ({', '.join(used)} per {duration(cost.window_seconds)})" if used else ""
    return f"Time: about {duration(max(1.0, cost.seconds))}; {count(requests, 'request')}{window}."


def _how_to_allow(plan: Plan, style: Style) -> list[str]:
    if not plan.open_guards:
        return []
    names = ", ".join(dict.fromkeys(each.guard.value for each in plan.open_guards))
    head = f"omnictl plan --env {plan.environment}{' --sandbox' * plan.sandbox}"
    options = [f"--only {each}" for each in plan.selection.only]
    options += [f"--exclude {each}" for each in plan.selection.exclude]
    options += [f"--allow {each.guard.value}={each.subject}" for each in plan.open_guards]
    return [
        "",
        *wrap(f"Apply will refuse this plan ({names}). To allow it:", style.width).split("\n"),
        command([head, *options, "--out plan.json"], style.width),
    ]
