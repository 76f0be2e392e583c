"""Events of a run, one line each: for pipelines and for what is said above a live display."""

from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct

from omnictl.model.address import id_of
from omnictl.model.outcome import (
    ApplyStarted,
    ApplyStopped,
    ChangeEnded,
    Event,
    Fate,
    KeyReceived,
    LookingForMessages,
    MessagesSent,
    Notice,
    PushKept,
    ReadingAccount,
    ReportsTaken,
    RequestEnded,
    Retrying,
    SendingStarted,
    Settling,
    Waiting,
    WaitingForLock,
)
from omnictl.render.style import Style, sanitize
from omnictl.render.words import count, duration, short_key, written_duration

_REASONS = {
    "budget": "the API takes no more for now",
    "retry-after": "the API asked to come again later",
    "backoff": "a pause before the next try",
    "settle": "what was sent may still appear",
}
_PLAIN = Style()


class Standing(Struct, frozen=True):
    """How far a run is: changes ended of the total, when it ends, and whether its present wait was told before."""

    ended: int = 0
    total: int = 0
    ends_at: datetime | None = None
    waits_on: bool = False


_NOWHERE = Standing()


def render_event(event: Event, at: datetime, standing: Standing = _NOWHERE) -> str:
    """Return a line, or two: the time in UTC, a word, and what happened."""
    return "\n".join(f"{at:%H:%M:%S}Z {word:<8} {text}" for word, text in _say(event, at, standing))


def _say(event: Event, at: datetime, standing: Standing) -> list[tuple[str, str]]:
    match event:
        case ApplyStarted():
            return _say_start(event, at)
        case ApplyStopped():
            return [("stopped", _say_stop(event))]
        case ChangeEnded():
            return [(event.outcome.action.value, _say_end(event))]
        case KeyReceived():
            return [("key", f"{id_of(event.address)} has key {sanitize(event.key)}")]
        case Waiting():
            return [_say_wait(event, standing)]
        case RequestEnded():
            told = f" (request id {sanitize(event.request_id)})" if event.request_id else ""
            sent = f"{event.method} {sanitize(event.path)}"
            return [("request", f"{sent}: {sanitize(event.result)} in {event.seconds:.2f} s{told}")]
        case Retrying():
            again = f"try {event.attempt} in {duration(event.seconds)}"
            return [("again", f"{event.operation}, {again}: {sanitize(event.why)}")]
        case Settling(addresses=addresses):
            names = ", ".join(id_of(each) for each in addresses[:5])
            more = f" and {len(addresses) - 5} more" if len(addresses) > 5 else ""
            return [("settle", f"looking for creates with unknown outcome: {names}{more}")]
        case ReadingAccount():
            return [("read", f"{count(event.scenarios_read, 'scenario')} read")]
        case WaitingForLock():
            return [("lock", f"held by {sanitize(event.holder)}; waiting")]
        case SendingStarted() | MessagesSent() | LookingForMessages() | ReportsTaken():
            return [_say_messages(event)]
        case PushKept():
            return [("push", _say_push(event))]
        case Notice(diagnostic=diagnostic):
            return [(diagnostic.severity.value, sanitize(f"{diagnostic.summary}: {diagnostic.detail}"))]
        case _:
            assert_never(event)


def _say_messages(event: SendingStarted | MessagesSent | LookingForMessages | ReportsTaken) -> tuple[str, str]:
    match event:
        case SendingStarted():
            before = f", {event.sent_before} of them sent before" if event.sent_before else ""
            return "start", f"run {sanitize(event.run)}, {count(event.total, 'message')}{before}"
        case MessagesSent():
            done = event.accepted + event.refused + event.unknown
            parts = [f"{event.accepted} accepted"]
            parts += [f"{event.refused} refused"] * bool(event.refused)
            parts += [f"{event.unknown} unknown"] * bool(event.unknown)
            return "sent", f"{done}/{event.total}: {', '.join(parts)}"
        case LookingForMessages():
            return "look", f"looking in the logs for {count(event.messages, 'message')} with unknown fate"
        case ReportsTaken():
            return "reports", f"{count(event.rows, 'report')} taken, {event.new} new"
        case _:
            assert_never(event)


def _say_push(event: PushKept) -> str:
    kept = [(event.reports, "report"), (event.seen, "seen report")]
    parts = [count(number, noun) for number, noun in kept if number]
    parts += [f"{event.new} new"] if parts else []
    parts += [f"{count(event.unreadable, 'row')} that cannot be read"] * bool(event.unreadable)
    parts += [f"{count(event.inbound, 'inbound message')} not kept"] * bool(event.inbound)
    return ", ".join(parts) or "nothing in it"


def _say_start(event: ApplyStarted, at: datetime) -> list[tuple[str, str]]:
    parts = [f"plan {sanitize(event.plan_id)[:4]} of {sanitize(event.environment)}"]
    parts += [count(number, noun) for number, noun in ((event.creates, "create"), (event.updates, "update")) if number]
    parts += [f"about {duration(max(1.0, event.seconds))}", f"ends about {event.ends_at:%H:%MZ}"]
    lines = [("start", ", ".join(parts))]
    stop_after = event.stop_after_seconds
    if stop_after is not None and event.seconds > stop_after:
        ends = at + timedelta(seconds=stop_after)
        left = f"{event.left_at_stop} to do" if event.left_at_stop else "the rest to do"
        text = (
            f"longer than --stop-after {written_duration(stop_after)}: will stop at {ends:%H:%MZ} with {left}, exit 6"
        )
        lines.append(("warning", text))
    return lines


def _say_stop(event: ApplyStopped) -> str:
    counts = f"{event.done} done, {event.failed} failed, {event.unknown} unknown, {event.left} to do"
    return f"{sanitize(event.reason)}: {counts}; {'state saved' if event.is_saved else 'the state could not be stored'}"


def _say_end(event: ChangeEnded) -> str:
    outcome = event.outcome
    fate = outcome.fate.value if outcome.fate is Fate.DONE else outcome.fate.value.upper()
    key = f", key {short_key(outcome.key, _PLAIN)}" if outcome.key and outcome.fate is Fate.DONE else ""
    why = f": {sanitize(outcome.diagnostic.summary)}" if outcome.diagnostic else ""
    return f"{id_of(outcome.address)} {fate}{key}{why} ({event.position}/{event.total})"


def _say_wait(event: Waiting, standing: Standing) -> tuple[str, str]:
    """A wait for the throttle is first told as a used budget, then as time that is left."""
    if event.reason != "budget" or not standing.total:
        why = f"{describe_wait(event)}, next at {event.until:%H:%M:%SZ}"
        return "waiting", f"{duration(event.seconds)}: {why}"
    place = f"{standing.ended}/{standing.total} done"
    if not standing.waits_on and event.limit:
        used = f"{event.limit} of {event.limit} {event.operation}s used"
        return "budget", f"{used}, {place}, next {event.operation} {event.until:%H:%M:%SZ}"
    ends = f", ends about {standing.ends_at:%H:%MZ}" if standing.ends_at else ""
    return "waiting", f"{place}, next {event.operation} in {duration(event.seconds)}{ends}"


def describe_wait(event: Waiting) -> str:
    """Return why nothing can be sent for now."""
    if event.reason == "budget" and event.limit and event.window_seconds:
        return f"the API takes {event.limit} {event.operation}s per {duration(event.window_seconds)}"
    return _REASONS.get(event.reason, event.reason)


def describe_work(event: Event | None, standing: Standing = _NOWHERE) -> str:
    """Return what the run is doing since an event, for a display and for breaking a long silence."""
    match event:
        case ReadingAccount():
            return f"reading the account, {count(event.scenarios_read, 'scenario')} so far"
        case WaitingForLock():
            return f"waiting for the lock, held by {sanitize(event.holder)}"
        case Settling():
            return f"looking for {count(len(event.addresses), 'create')} with unknown outcome"
        case LookingForMessages():
            return f"looking for {count(event.messages, 'message')} with unknown fate"
        case MessagesSent():
            return f"{event.accepted + event.refused + event.unknown}/{event.total} messages sent"
        case Retrying():
            return f"{event.operation} again, try {event.attempt}: {sanitize(event.why)}"
        case _ if standing.total:
            return f"{standing.ended}/{standing.total} done, waiting for answers"
        case _:
            return "waiting for answers"
