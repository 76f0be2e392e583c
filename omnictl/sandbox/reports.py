"""Delivery reports, which are handed out once, and logs, which are not: filters in, rows out."""

from collections.abc import Callable
from typing import Any

from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.channels import find_channel, plain_address
from omnictl.sandbox.clock import RETENTION_MS, horizon, read_time, to_ms, write_time
from omnictl.sandbox.codes import STATUS_GROUPS, get_error, get_status, write_error, write_status
from omnictl.sandbox.errors import bad_request
from omnictl.sandbox.outbox import Condition, Row, list_log, one_of, take_reports
from omnictl.sandbox.queries import Query
from omnictl.sandbox.store import World

_USUAL_LIMIT, _MOST_ROWS = 50, 1000
_CURRENCY = "EUR"
_MOST_VALUES = 1000


def pull_reports(world: World, behaviour: Behaviour, query: Query, now: float) -> dict[str, Any]:
    """Hand out the reports that nobody had yet. Those that a filter hides stay unread. Raises ApiError."""
    limit, conditions = _read_limit(query, behaviour), _read_usual_filters(query, behaviour)
    rows = take_reports(
        world,
        conditions,
        since_ms=to_ms(now) - RETENTION_MS,
        until_ms=horizon(behaviour, now),
        limit=limit,
        now_ms=to_ms(now),
    )
    return {"results": [write_report(each, behaviour) for each in rows]}


def show_log(world: World, behaviour: Behaviour, query: Query, now: float) -> dict[str, Any]:
    """Show what was attempted in the last 48 hours, the newest first. Raises ApiError."""
    limit, conditions = _read_limit(query, behaviour), _read_usual_filters(query, behaviour)
    conditions += _read_log_filters(query)
    if behaviour.log_lag_seconds:
        conditions.append(Condition("messages.taken_at <= ?", (to_ms(now - behaviour.log_lag_seconds),)))
    since_ms, until_ms = to_ms(now) - RETENTION_MS, horizon(behaviour, now)
    rows = list_log(world, conditions, since_ms=since_ms, until_ms=until_ms, limit=limit)
    return {"results": [_write_log_row(each, behaviour) for each in rows]}


def _read_limit(query: Query, behaviour: Behaviour) -> int:
    limit = query.number("limit", _USUAL_LIMIT)
    if limit > _MOST_ROWS and behaviour.over_limit == "refused":
        raise bad_request({"limit": [f"must be less than or equal to {_MOST_ROWS}"]})
    return min(limit, _MOST_ROWS)


def _read_usual_filters(query: Query, behaviour: Behaviour) -> list[Condition]:
    id_column = "steps.row_id" if behaviour.message_ids == "step" else "messages.message_id"
    return [
        *_any_of(query, "bulkId", "messages.bulk_id", str),
        *_any_of(query, "messageId", id_column, str),
        *_any_of(query, "channel", "steps.channel", _channel_of),
    ]


def _read_log_filters(query: Query) -> list[Condition]:
    return [
        *_any_of(query, "from", "steps.sender", str),
        *_any_of(query, "to", "steps.recipient", plain_address),
        *_any_of(query, "mcc", "substr(steps.mcc_mnc, 1, 3)", str),
        *_any_of(query, "mnc", "substr(steps.mcc_mnc, 4)", str),
        *_any_of(query, "generalStatus", "events.status_group", _group_of),
        *_compared_with_time(query, "sentSince", "steps.sent_at >= ?"),
        *_compared_with_time(query, "sentUntil", "steps.sent_at <= ?"),
    ]


def _any_of(query: Query, name: str, column: str, read: Callable[[str], object]) -> list[Condition]:
    texts = query.texts(name)
    if len(texts) > _MOST_VALUES:
        raise bad_request({name: [f"size must be between 0 and {_MOST_VALUES}"]})
    return [one_of(column, [read(each) for each in texts])] if texts else []


def _compared_with_time(query: Query, name: str, sql: str) -> list[Condition]:
    text = query.text(name)
    if text is None:
        return []
    at = read_time(text)
    if at is None:
        raise bad_request({name: ["must be yyyy-MM-dd'T'HH:mm:ss.SSSZ"]})
    return [Condition(sql, (at,))]


def _channel_of(text: str) -> str:
    channel = find_channel(text)
    if channel is None:
        raise bad_request({"channel": ["must be a known channel"]})
    return channel


def _group_of(text: str) -> int:
    name = text.upper()
    if name not in STATUS_GROUPS:
        raise bad_request({"generalStatus": [f"must be one of {', '.join(STATUS_GROUPS)}"]})
    return STATUS_GROUPS.index(name)


def write_report(row: Row, behaviour: Behaviour) -> dict[str, Any]:
    """Return a report as the API shows it; absent fields stay absent."""
    return _write_row(row, behaviour, {"error": write_error(get_error(row.error))})


def _write_log_row(row: Row, behaviour: Behaviour) -> dict[str, Any]:
    """Return a row of the log: a report without its error, but with sender and text."""
    document = _write_row(row, behaviour, {"from": row.sender, "text": row.text})
    if behaviour.pending_done_at == "absent" and get_status(row.status).group_name == "PENDING":
        del document["doneAt"]
    return document


def _write_row(row: Row, behaviour: Behaviour, more: dict[str, Any]) -> dict[str, Any]:
    document = {
        "bulkId": row.bulk_id if behaviour.row_bulk_id == "given" else None,
        "messageId": shown_id(row, behaviour),
        "to": row.recipient,
        "sentAt": write_time(row.sent_at),
        "doneAt": write_time(row.at),
        "messageCount": row.segments,
        "mccMnc": row.mcc_mnc,
        "price": {"pricePerMessage": row.price, "currency": _CURRENCY},
        "status": write_status(get_status(row.status)),
        "channel": behaviour.vk_spelling if row.channel == "VKONTAKTE" else row.channel,
        "callbackData": row.callback,
        **more,
    }
    return {name: value for name, value in document.items() if value is not None}


def shown_id(row: Row, behaviour: Behaviour) -> str:
    """Return the id that a row carries: that of the message, or one that the client never saw."""
    return row.row_id if behaviour.message_ids == "step" else row.message_id
