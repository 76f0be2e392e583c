"""The report of an apply, and events as lines."""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from msgspec.structs import asdict

from omnictl.codec.diagnostics import decode_diagnostic, encode_diagnostic
from omnictl.codec.envelope import Answer, make_envelope, read_envelope, unreadable_report
from omnictl.codec.parts import decode_address
from omnictl.codec.shapes import (
    ShapeError,
    as_count,
    as_list,
    as_member,
    as_number,
    as_object,
    as_optional_text,
    as_optional_time,
    as_text,
    compact,
    write_time,
)
from omnictl.errors import UsageError
from omnictl.model.address import id_of
from omnictl.model.change import Action
from omnictl.model.outcome import (
    ApplyReport,
    ApplyStarted,
    ApplyStopped,
    ChangeEnded,
    Ending,
    Event,
    Fate,
    KeyReceived,
    LookingForMessages,
    MessagesSent,
    Notice,
    Outcome,
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
from omnictl.model.scenario import Json


def encode_report(report: ApplyReport, *, version: str, exit_code: int) -> dict[str, Json]:
    """Return the report of an apply."""
    shown = [each for each in report.outcomes if each.action is not Action.NO_OP]
    items: list[Json] = [_encode_outcome(each) for each in shown]
    counts: dict[str, Json] = {fate.name.lower(): sum(1 for each in shown if each.fate is fate) for fate in Fate}
    return make_envelope(
        "apply",
        version=version,
        environment=report.environment,
        sandbox=report.sandbox,
        exit_code=exit_code,
        diagnostics=report.diagnostics,
        plan_id=report.plan_id,
        ending=report.ending.value,
        stop_reason=report.stop_reason or None,
        signal=report.signal,
        started_at=write_time(report.started_at) if report.started_at else None,
        finished_at=write_time(report.finished_at) if report.finished_at else None,
        requests_sent=report.requests_sent,
        writes_sent=report.writes_sent,
        next_command=report.again or None,
        next_request_seconds=report.next_seconds,
        summary=counts,
        items=items,
    )


def _encode_outcome(each: Outcome) -> dict[str, Json]:
    return compact(
        {
            "id": id_of(each.address),
            "action": each.action.value,
            "fate": each.fate.value,
            "key": each.key,
            "diagnostic": encode_diagnostic(each.diagnostic) if each.diagnostic else None,
        }
    )


def decode_report(document: Mapping[str, Json], *, path: str) -> ApplyReport:
    """Return the report of an apply. Raises UsageError where the document is none, or of a newer omnictl."""
    try:
        return _decode_report(document, read_envelope(document, path))
    except ShapeError as error:
        raise UsageError(unreadable_report(path, str(error))) from None


def _decode_report(document: Mapping[str, Json], answer: Answer) -> ApplyReport:
    if answer.kind != "apply":
        raise ShapeError("kind", f"this is no report of an apply but {answer.kind!a}")
    rows = as_list(document.get("items"), "items")
    signal, next_seconds = document.get("signal"), document.get("next_request_seconds")
    return ApplyReport(
        plan_id=as_text(document.get("plan_id"), "plan_id"),
        environment=as_text(document.get("environment"), "environment"),
        ending=as_member(Ending, document.get("ending"), "ending"),
        outcomes=tuple(_decode_outcome(each, f"items[{i}]") for i, each in enumerate(rows)),
        diagnostics=answer.diagnostics,
        requests_sent=as_count(document.get("requests_sent"), "requests_sent"),
        writes_sent=as_count(document.get("writes_sent"), "writes_sent"),
        started_at=as_optional_time(document.get("started_at"), "started_at"),
        finished_at=as_optional_time(document.get("finished_at"), "finished_at"),
        stop_reason=as_optional_text(document.get("stop_reason"), "stop_reason") or "",
        signal=None if signal is None else as_count(signal, "signal"),
        sandbox=answer.sandbox,
        again=as_optional_text(document.get("next_command"), "next_command") or "",
        next_seconds=None if next_seconds is None else as_number(next_seconds, "next_request_seconds"),
    )


def _decode_outcome(value: Json, path: str) -> Outcome:
    fields = as_object(value, path)
    problem = fields.get("diagnostic")
    return Outcome(
        decode_address(fields.get("id"), f"{path}.id"),
        as_member(Action, fields.get("action"), f"{path}.action"),
        as_member(Fate, fields.get("fate"), f"{path}.fate"),
        as_optional_text(fields.get("key"), f"{path}.key"),
        None if problem is None else decode_diagnostic(problem, f"{path}.diagnostic"),
    )


def encode_event(event: Event, at: datetime) -> dict[str, Json]:
    """Return one event as one object."""
    return {"at": write_time(at), **_encode_event(event)}


def _encode_event(event: Event) -> dict[str, Json]:
    match event:
        case ApplyStarted() | ApplyStopped():
            return _encode_bounds(event)
        case Waiting() | RequestEnded() | Retrying():
            return _encode_request(event)
        case ChangeEnded():
            outcome = _encode_outcome(event.outcome)
            return {"event": "change", **outcome, "position": event.position, "total": event.total}
        case KeyReceived():
            return {"event": "key", "id": id_of(event.address), "key": event.key}
        case Settling(addresses=addresses):
            return {"event": "settling", "ids": [id_of(each) for each in addresses]}
        case ReadingAccount():
            return {"event": "reading", "scenarios_read": event.scenarios_read}
        case WaitingForLock():
            return {"event": "lock", "holder": event.holder}
        case SendingStarted() | MessagesSent() | LookingForMessages() | ReportsTaken() | PushKept():
            return {"event": _MESSAGE_EVENTS[type(event)], **asdict(event)}
        case Notice(diagnostic=diagnostic):
            return {"event": "diagnostic", **encode_diagnostic(diagnostic)}
        case _:
            assert_never(event)


_MESSAGE_EVENTS: Mapping[type[Event], str] = {
    SendingStarted: "sending",
    MessagesSent: "sent",
    LookingForMessages: "looking",
    ReportsTaken: "reports",
    PushKept: "push",
}


def _encode_bounds(event: ApplyStarted | ApplyStopped) -> dict[str, Json]:
    """Return the beginning or the early end of an apply."""
    if isinstance(event, ApplyStopped):
        return {
            "event": "stopped",
            "reason": event.reason,
            "done": event.done,
            "failed": event.failed,
            "unknown": event.unknown,
            "not_tried": event.left,
            "is_saved": event.is_saved,
        }
    return {
        "event": "start",
        "plan_id": event.plan_id,
        "environment": event.environment,
        "creates": event.creates,
        "updates": event.updates,
        "total": event.total,
        "expected_seconds": event.seconds,
        "ends_at": write_time(event.ends_at),
        "not_tried_at_stop": event.left_at_stop,
    }


def _encode_request(event: Waiting | RequestEnded | Retrying) -> dict[str, Json]:
    """Return what happened to a request, or to one that has to wait."""
    match event:
        case Waiting():
            return {
                "event": "waiting",
                "operation": event.operation,
                "reason": event.reason,
                "wait_seconds": event.seconds,
                "until": write_time(event.until),
            }
        case RequestEnded():
            return {
                "event": "request",
                "method": event.method,
                "path": event.path,
                "result": event.result,
                "seconds": round(event.seconds, 3),
                "request_id": event.request_id or None,
            }
        case Retrying():
            return {
                "event": "retry",
                "operation": event.operation,
                "attempt": event.attempt,
                "wait_seconds": event.seconds,
                "why": event.why,
            }
