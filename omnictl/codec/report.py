"""What commands answer in JSON: one envelope for all, the report of an apply, and events as lines."""

from collections.abc import Iterable
from datetime import datetime

from omnictl.codec.parts import encode_diagnostic
from omnictl.codec.shapes import compact, write_time
from omnictl.model.address import id_of
from omnictl.model.change import Action
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.outcome import (
    ApplyReport,
    ApplyStarted,
    ApplyStopped,
    ChangeEnded,
    Event,
    Fate,
    KeyReceived,
    Notice,
    Outcome,
    ReadingAccount,
    RequestEnded,
    Retrying,
    Settling,
    Waiting,
    WaitingForLock,
)
from omnictl.model.scenario import Json

FORMAT_VERSION = "1.0"


def make_envelope(
    kind: str,
    *,
    version: str,
    environment: str | None,
    sandbox: bool,
    exit_code: int,
    diagnostics: Iterable[Diagnostic],
    **fields: Json,
) -> dict[str, Json]:
    """Return the one JSON document of a run."""
    return {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "omnictl": version,
        "environment": environment,
        "sandbox": sandbox,
        "exit_code": int(exit_code),
        "diagnostics": [encode_diagnostic(each) for each in diagnostics],
        **fields,
    }


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
        started_at=write_time(report.started_at) if report.started_at else None,
        finished_at=write_time(report.finished_at) if report.finished_at else None,
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


def encode_event(event: Event, at: datetime) -> dict[str, Json]:
    """Return one event as one object."""
    return {"at": write_time(at), **_encode_event(event)}


def _encode_event(event: Event) -> dict[str, Json]:
    match event:
        case ApplyStarted():
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
        case ApplyStopped():
            return {
                "event": "stopped",
                "reason": event.reason,
                "done": event.done,
                "failed": event.failed,
                "unknown": event.unknown,
                "not_tried": event.left,
            }
        case ChangeEnded():
            return {
                "event": "change",
                **_encode_outcome(event.outcome),
                "position": event.position,
                "total": event.total,
            }
        case KeyReceived():
            return {"event": "key", "id": id_of(event.address), "key": event.key}
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
        case Settling(addresses=addresses):
            return {"event": "settling", "ids": [id_of(each) for each in addresses]}
        case ReadingAccount():
            return {"event": "reading", "scenarios_read": event.scenarios_read}
        case WaitingForLock():
            return {"event": "lock", "holder": event.holder}
        case Notice(diagnostic=diagnostic):
            return {"event": "diagnostic", "diagnostic": encode_diagnostic(diagnostic)}
