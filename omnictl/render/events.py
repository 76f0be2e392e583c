"""Events of a run, one line each: for pipelines and for what is said above a live display."""

from datetime import datetime
from typing import assert_never

from omnictl.model.address import id_of
from omnictl.model.outcome import (
    ApplyStarted,
    ChangeEnded,
    Event,
    Fate,
    KeyReceived,
    Notice,
    ReadingAccount,
    Retrying,
    Settling,
    Waiting,
    WaitingForLock,
)
from omnictl.render.style import sanitize
from omnictl.render.words import count, duration


def render_event(event: Event, at: datetime) -> str:
    """Return one line: the time in UTC, a word, and what happened."""
    word, text = _say(event)
    return f"{at:%H:%M:%S}Z {word:<8} {text}"


def _say(event: Event) -> tuple[str, str]:
    match event:
        case ApplyStarted():
            return "start", _say_start(event)
        case ChangeEnded(outcome=outcome):
            place = f"({event.position}/{event.total})"
            why = f": {sanitize(outcome.diagnostic.summary)}" if outcome.diagnostic else ""
            fate = outcome.fate.value if outcome.fate is Fate.DONE else outcome.fate.value.upper()
            return outcome.action.value, f"{id_of(outcome.address)} {fate}{why} {place}"
        case KeyReceived():
            return "key", f"{id_of(event.address)} has key {sanitize(event.key)}"
        case Waiting():
            return "waiting", describe_wait(event)
        case Retrying():
            return (
                "again",
                f"{event.operation}, try {event.attempt} in {duration(event.seconds)}: {sanitize(event.why)}",
            )
        case Settling(addresses=addresses):
            names = ", ".join(id_of(each) for each in addresses[:5])
            more = f" and {len(addresses) - 5} more" if len(addresses) > 5 else ""
            return "settle", f"looking for creates with unknown outcome: {names}{more}"
        case ReadingAccount():
            return "read", f"{count(event.scenarios_read, 'scenario')} read"
        case WaitingForLock():
            return "lock", f"held by {sanitize(event.holder)}; waiting"
        case Notice(diagnostic=diagnostic):
            return diagnostic.severity.value, sanitize(f"{diagnostic.summary}: {diagnostic.detail}")
        case _:
            assert_never(event)


def _say_start(event: ApplyStarted) -> str:
    text = (
        f"plan {event.plan_id[:4]}, {event.creates} creates, {event.updates} updates, "
        f"about {duration(event.seconds)}, ends about {event.ends_at:%H:%MZ}"
    )
    if event.stop_after_seconds is not None and event.seconds > event.stop_after_seconds:
        text += (
            f"; longer than --stop-after {duration(event.stop_after_seconds)}: will stop with the rest to do, exit 6"
        )
    return text


def describe_wait(event: Waiting) -> str:
    """Return how long a wait is, why, and when it ends."""
    reasons = {"budget": "the API takes no more for now", "settle": "a create may still appear"}
    why = reasons.get(event.reason, event.reason)
    if event.reason == "budget" and event.limit and event.window_seconds:
        why = f"the API takes {event.limit} {event.operation}s per {duration(event.window_seconds)}"
    return f"{duration(event.seconds)}: {why}, next at {event.until:%H:%M:%SZ}"
