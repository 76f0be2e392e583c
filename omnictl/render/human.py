"""A plan as text for people: risks first, one line a change with its details under it, unchanged only counted."""

from collections import Counter
from collections.abc import Iterator

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
from omnictl.model.plan import GuardFinding, Plan
from omnictl.model.scenario import Attributes
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.style import Style, pad, sanitize, width_of
from omnictl.render.words import count, duration, flow_text, short_key, step_text, wrap

_INDENT = " " * 13
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


def render_plan(plan: Plan, style: Style) -> str:
    """Return the plan as text."""
    banner = ["SANDBOX: nothing leaves this machine", ""] if plan.sandbox else []
    told = render_diagnostics(plan.diagnostics, style).splitlines()
    shown = [each for each in plan.changes if not isinstance(each, Refresh)]
    if not shown and not plan.guards and not plan.settled:
        return "\n".join([*banner, *told, _no_changes(plan)]) + "\n"
    lines = [*banner, style.paint("bold", _header(plan)), "", *told]
    for finding in plan.guards:
        lines += [*_render_guard(finding, style), ""]
    lines += _render_settled(plan, style)
    for kind in _ORDER:
        for change in shown:
            if isinstance(change, kind):
                lines += _render_change(change, style)
    lines += ["", *_summary(plan)]
    lines += _how_to_allow(plan)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _header(plan: Plan) -> str:
    where = f"{sanitize(plan.environment)} ({sanitize(plan.account.host)})"
    if plan.selection.only or plan.selection.exclude:
        words = [f"only {each}" for each in plan.selection.only] + [f"not {each}" for each in plan.selection.exclude]
        chosen = f"{plan.selection.selected} of {plan.selection.total} selected ({sanitize(', '.join(words))})"
        return f"{where} · {chosen} · state serial {plan.serial}"
    return f"{where} · {count(plan.total, 'scenario')} in files · state serial {plan.serial}"


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


def _render_guard(finding: GuardFinding, style: Style) -> list[str]:
    name = pad(finding.guard.value, 16)
    said = "Allowed." if finding.allowed else "Not allowed yet, see below."
    text = wrap(sanitize(f"{finding.message}  {said}"), style.width - 19, " " * 19).lstrip()
    commands = [f"{' ' * 23}{sanitize(each)}" for each in finding.commands]
    return [f"{style.paint('risk', f'! {name}')} {text}", *commands]


def _render_settled(plan: Plan, style: Style) -> list[str]:
    lines = []
    for each in plan.settled:
        found = f"found on the account, key {short_key(each.key, style)}" if each.key else "not found (yet)"
        lines.append(f"? unknown  {pad(id_of(each.address), 12)} an earlier create, {found}")
    return [*lines, ""] if lines else []


def _render_change(change: Change, style: Style) -> list[str]:
    match change:
        case Create():
            return _change(change, Action.CREATE, _name(change.desired), _created(change), style)
        case Update():
            head = f"key {short_key(change.key, style)}{_said(change.cause)}"
            return _change(change, Action.UPDATE, head, _fields(change.fields), style)
        case Adopt():
            source = "again, from its tombstone" if change.from_tombstone else "from the account"
            head = f"key {short_key(change.key, style)}, {source}"
            return _change(change, Action.ADOPT, head, _fields(change.fields), style)
        case Rename():
            key = short_key(change.key, style)
            head = f"was {id_of(change.previous)}; same key {key}; its name in output files changes"
            return _change(change, Action.RENAME, head, _fields(change.fields), style)
        case Forget(vanished=True):
            return _change(change, Action.FORGET, "file deleted, and no longer on the account", iter(()), style)
        case Forget():
            head = "file deleted; stays on the account and can still be sent through"
            return _change(change, Action.FORGET, head, iter(()), style)
        case Retire():
            head = f"file deleted; renamed to {_name(change.desired)}, can still be sent through"
            return _change(change, Action.RETIRE, head, iter(()), style)
        case SetDefault():
            return _change(change, Action.DEFAULT, "becomes the account default", _flip(change), style)
        case Refresh():
            return []


def _change(change: Change, action: Action, head: str, details: Iterator[tuple[str, str]], style: Style) -> list[str]:
    sign = style.paint(_ROLES[action], f"{SIGNS[action]} {pad(action.value, 8)}")
    text = f"{pad(id_of(change.address), 12)} {head}"
    source = getattr(change, "source", None)
    place = f"{source.path}:{source.line}" if source is not None and source.line else ""
    room = style.width - 11 - width_of(text) - width_of(place)
    line = f"{sign} {text}"
    if place and room >= 2:
        line += " " * room + style.paint("path", sanitize(place))
    return [line, *(f"{_INDENT}{pad(name, 10)} {text}" for name, text in details)]


def _name(attributes: Attributes) -> str:
    return f'"{sanitize(attributes.name)}"'


def _said(cause: Cause) -> str:
    return {Cause.EDITED: "", Cause.DRIFT: ", changed on the account", Cause.CONFLICT: ", changed on both sides"}[cause]


def _created(change: Create) -> Iterator[tuple[str, str]]:
    yield "flow", flow_text(change.desired.flow)
    if change.becomes_default:
        yield "default", "becomes the account default: the first scenario of an account does, whatever it says"
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
                yield "name", f'"{sanitize(change.before)}" -> "{sanitize(change.after)}"'
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


def _summary(plan: Plan) -> list[str]:
    kinds = Counter(_word(each) for each in plan.changes)
    parts = [f"{kinds[word]} {'default change' if word == 'default' else word}" for word in _WORDS if kinds[word]]
    refreshed = f", {count(plan.refreshed, 'record')} brought up to date" if plan.refreshed else ""
    lines = [f"Plan: {', '.join(parts) or 'nothing to send'}; {plan.unchanged} unchanged{refreshed}."]
    if plan.unmanaged:
        are = "is" if len(plan.unmanaged) == 1 else "are"
        lines.append(f"Account: {count(len(plan.unmanaged), 'more scenario')} {are} not managed here.")
    lines.append(_time(plan))
    return lines


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


def _how_to_allow(plan: Plan) -> list[str]:
    if not plan.open_guards:
        return []
    names = ", ".join(dict.fromkeys(each.guard.value for each in plan.open_guards))
    allow = " ".join(f"--allow {each.guard.value}={each.subject}" for each in plan.open_guards)
    where = "--sandbox " if plan.sandbox else ""
    return [
        "",
        f"Apply will refuse this plan ({names}). To allow it:",
        f"    omnictl plan --env {plan.environment} {where}{allow} --out plan.json",
    ]
