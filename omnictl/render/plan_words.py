"""What a plan says, in words: for the text, Markdown and HTML alike. How it is laid out is theirs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from msgspec import Struct

from omnictl.model.address import id_of
from omnictl.model.change import (
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
from omnictl.model.diagnostic import Source
from omnictl.model.plan import Plan
from omnictl.model.scenario import Attributes
from omnictl.model.shell import quote_word
from omnictl.render.risk_words import say_left_behind
from omnictl.render.style import Style, pad, sanitize
from omnictl.render.words import count, duration, flow_text, quote, short_key, step_text

SHOWN_ORDER = (SetDefault, Create, Adopt, Update, Rename, Retire, Forget)
_COUNTED = (Action.CREATE, Action.ADOPT, Action.UPDATE, Action.RENAME, Action.DEFAULT, Action.RETIRE, Action.FORGET)
_NOUNS = {Action.DEFAULT: "default change"}


class Described(Struct, frozen=True):
    """A change in words: what stands beside its id, and named details for under it."""

    action: Action
    scenario_id: str
    head: str
    details: tuple[tuple[str, str], ...] = ()
    source: Source | None = None


def shown_changes(plan: Plan) -> tuple[Change, ...]:
    """Return the changes that people are shown, in the order in which they are shown."""
    order: dict[type, int] = {kind: place for place, kind in enumerate(SHOWN_ORDER)}
    shown = (each for each in plan.changes if not isinstance(each, Refresh))
    return tuple(sorted(shown, key=lambda each: order[type(each)]))


def noun_of(action: Action) -> str:
    """Return the word under which changes of a kind are counted."""
    return _NOUNS.get(action, action.value)


def describe(change: Change, style: Style) -> Described:
    """Return a change in words."""
    action, head, details = _describe(change, style)
    source = getattr(change, "source", None)
    place = source if source is not None and source.line else None
    return Described(action, id_of(change.address), head, tuple(details), place)


_STAYS = "stays on the account and can still be sent through"

_Words = tuple[Action, str, Iterator[tuple[str, str]]]


def _describe(change: Change, style: Style) -> _Words:
    match change:
        case Create():
            return Action.CREATE, _name(change.desired), _created(change, style)
        case Update():
            head = f"key {short_key(change.key, style)}{_said(change.cause)}"
            return Action.UPDATE, head, describe_fields(change.fields, style)
        case Adopt():
            source = "again, from its tombstone" if change.from_tombstone else "from the account"
            head = f"{_name(change.actual)}, key {short_key(change.key, style)}, {source}"
            return Action.ADOPT, head, describe_fields(change.fields, style)
        case Rename():
            key = f"{short_key(change.key, style)}{_said(change.cause)}"
            head = f"was {id_of(change.previous)}; same key {key}; its name in output files changes"
            return Action.RENAME, head, describe_fields(change.fields, style)
        case Forget(vanished=True):
            return Action.FORGET, "neither declared nor on the account any more", iter(())
        case Forget():
            return Action.FORGET, f"no longer declared; {_STAYS}", iter(())
        case Retire():
            named = (
                "has the marker already" if change.desired == change.actual else f"renamed to {_name(change.desired)}"
            )
            return Action.RETIRE, f"no longer declared; {named}; {_STAYS}", iter(())
        case SetDefault():
            return Action.DEFAULT, "becomes the account default", _flip(change, style)
        case Refresh():
            return Action.NO_OP, "brought up to date", iter(())
        case _:
            assert_never(change)


def _name(attributes: Attributes) -> str:
    return quote(attributes.name)


def _said(cause: Cause | None) -> str:
    told = {Cause.DRIFT: ", changed on the account", Cause.CONFLICT: ", changed on both sides"}
    return told.get(cause, "") if cause else ""


def _created(change: Create, style: Style) -> Iterator[tuple[str, str]]:
    yield "flow", flow_text(change.desired.flow, style.arrow)
    if change.becomes_default:
        yield "default", "becomes the account default: the first scenario of an account does"
    if change.replaces is not None:
        yield "key", f"a new one; {sanitize(change.replaces)} is gone, and what sends with it has to change"


def _flip(change: SetDefault, style: Style) -> Iterator[tuple[str, str]]:
    loser = id_of(change.previous) if change.previous else None
    if loser is None and change.previous_attributes is not None:
        loser = _name(change.previous_attributes)
    turn = f"no {style.arrow} yes"
    yield "default", f"{turn}   ({loser} loses it, no request of its own)" if loser else turn


def describe_fields(changes: tuple[FieldChange, ...], style: Style) -> Iterator[tuple[str, str]]:
    """Yield what changes as named details: the name, the edits of the flow, and the flow before and after."""
    for change in changes:
        match change:
            case NameChanged():
                yield "name", f"{quote(change.before)} {style.arrow} {quote(change.after)}"
            case FlowChanged():
                yield from _flow_edits(change, style.arrow)
                yield "before", flow_text(change.before, style.arrow)
                yield "after", flow_text(change.after, style.arrow)
            case _:
                assert_never(change)


def _flow_edits(change: FlowChanged, arrow: str) -> Iterator[tuple[str, str]]:
    for edit in change.edits:
        match edit:
            case StepInserted(position, step):
                yield "inserted", f"{step_text(step)}  as step {position}"
            case StepRemoved(position, step):
                yield "removed", f"{step_text(step)}  (was step {position})"
            case StepMoved(step, before, after):
                yield "moved", f"{sanitize(step.channel)}  step {before} {arrow} {after}"
            case SenderChanged():
                now = f"   (now step {edit.position_after})" if edit.position_before != edit.position_after else ""
                senders = f"{sanitize(edit.before or '-')} {arrow} {sanitize(edit.after or '-')}"
                yield "sender", f"{pad(sanitize(edit.channel), 6)} {senders}{now}"
            case _:
                assert_never(edit)


def header_parts(plan: Plan) -> tuple[str, ...]:
    """Return where the plan is for, what it looked at, and the version of the state."""
    where = f"{sanitize(plan.environment)} ({sanitize(plan.account.host)})"
    if plan.selection.only or plan.selection.exclude:
        words = [f"only {each}" for each in plan.selection.only] + [f"not {each}" for each in plan.selection.exclude]
        chosen = f"{plan.selection.selected} of {plan.selection.total} selected ({sanitize(', '.join(words))})"
    else:
        chosen = f"{count(plan.total, 'scenario')} in files"
    return where, chosen, f"state serial {plan.serial}"


def say_no_changes(plan: Plan) -> str:
    """Return the one sentence of a plan without changes."""
    sentence = f"No changes: {count(plan.total, 'scenario')} in {sanitize(plan.environment)}"
    verb = "is" if plan.total == 1 else "are"
    if plan.selection.only or plan.selection.exclude:
        words = ", ".join((*plan.selection.only, *(f"not {each}" for each in plan.selection.exclude)))
        sentence = f"No changes: {plan.selection.selected} of {sentence[12:]} ({sanitize(words)})"
    watched = sum(each.code == "observed-differs" for each in plan.diagnostics)
    text = f"{sentence} {verb} as declared{f', but for {watched} only observed' if watched else ''}."
    if plan.refreshed:
        text += f" {count(plan.refreshed, 'record')} will be brought up to date."
    if plan.default.released:
        holder = id_of(plan.default.after) if plan.default.after else "nobody here"
        text += f" The account default is no longer managed; it stays with {holder}."
    return text


def say_plan(plan: Plan) -> str:
    """Return a plan in one line."""
    if not shown_changes(plan) and not plan.guards and not plan.settled:
        return say_no_changes(plan)
    refusal = f" {say_refusal(plan)}" if plan.open_guards else ""
    left = say_left_behind(plan)
    return f"{say_counts(plan)} {say_time(plan)}{f' {left}' if left else ''}{refusal}"


def say_first_default(plan: Plan, style: Style) -> str | None:
    """Return the sentence for the first scenario of an empty account, which becomes its default."""
    for change in plan.changes:
        if isinstance(change, Create) and change.becomes_default:
            first = id_of(change.address)
            return f"Account default: none {style.arrow} {first}. The first scenario of an account becomes it."
    return None


def say_counts(plan: Plan) -> str:
    """Return the summary: how many changes of each kind, and how many scenarios stay as they are."""
    refreshed = f", {count(plan.refreshed, 'record')} brought up to date" if plan.refreshed else ""
    return f"Plan: {count_changes(plan.changes) or 'nothing to send'}; {plan.unchanged} unchanged{refreshed}."


def count_changes(changes: Iterable[Change]) -> str:
    """Return how many changes of each kind there are; "" where there is nothing to send."""
    kinds = Counter(describe(each, Style()).action for each in changes)
    return ", ".join(count(kinds[action], noun_of(action)) for action in _COUNTED if kinds[action])


def say_unmanaged(plan: Plan, how: str) -> str | None:
    """Return how many scenarios of the account nobody here manages; ``how`` says where their names are."""
    if not plan.unmanaged:
        return None
    are = "is" if len(plan.unmanaged) == 1 else "are"
    return f"Account: {count(len(plan.unmanaged), 'more scenario')} {are} not managed here{how}"


def say_time(plan: Plan) -> str:
    """Return how long an apply takes under the budgets."""
    cost = plan.cost
    requests = cost.creates + cost.updates
    if not requests:
        return "Time: no request needs to be sent."
    budgets = (
        (cost.creates, cost.create_limit, "creates", cost.create_window_seconds),
        (cost.updates, cost.update_limit, "updates", cost.update_window_seconds),
    )
    used: dict[str, list[str]] = {}
    for number, limit, noun, window_seconds in budgets:
        if number and limit is not None:
            used.setdefault(duration(window_seconds), []).append(f"{number} of {limit} {noun}")
    windows = ", ".join(f"{', '.join(each)} per {window}" for window, each in used.items())
    budget = f" ({windows})" if windows else ""
    return f"Time: about {duration(max(1.0, cost.seconds))}; {count(requests, 'request')}{budget}."


def say_refusal(plan: Plan) -> str:
    """Return which guards refuse the plan."""
    names = ", ".join(dict.fromkeys(each.guard.value for each in plan.open_guards))
    return f"Apply will refuse this plan ({names})."


def allowing_command(plan: Plan) -> Sequence[str]:
    """Return the parts of the command that makes the same plan with its open guards allowed."""
    options = [f"--only {quote_word(each)}" for each in plan.selection.only]
    options += [f"--exclude {quote_word(each)}" for each in plan.selection.exclude]
    options += [f"--retire {quote_word(each)}" for each in plan.retire]
    options += [f"--allow {each.guard.value}={each.subject}" for each in plan.guards if each.allowed]
    options += [f"--allow {each.guard.value}={each.subject}" for each in plan.open_guards]
    return [f"omnictl plan --env {plan.environment}{' --sandbox' * plan.sandbox}", *options, "--out plan.json"]


def applying_command(plan: Plan, saved_as: str | None) -> str:
    """Return the command that applies the plan: exactly it where it is saved to a file, else what it was made from."""
    words = ["omnictl apply", f"--env {plan.environment}", *(["--sandbox"] if plan.sandbox else [])]
    confirm = [f"--confirm {plan.environment}"] if plan.production else []
    if saved_as is not None:
        return " ".join([*words, quote_word(saved_as), *confirm])
    words += [f"--only {quote_word(each)}" for each in plan.selection.only]
    words += [f"--exclude {quote_word(each)}" for each in plan.selection.exclude]
    words += [f"--retire {quote_word(each)}" for each in plan.retire]
    words += [f"--allow {each.guard.value}={each.subject}" for each in plan.guards if each.allowed]
    return " ".join([*words, *confirm])
