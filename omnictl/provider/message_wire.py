"""The API's field names for messages, reports and logs, which nothing else knows: JSON to values and back.

Reading is tolerant; a row keeps the very text that it was read from, since nobody hands it out again.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from omnictl.model.message import CONTENT_NAMES, Batch, Message, MessageFate, Receipt, Recipient
from omnictl.model.report import (
    DeliveryError,
    LogQuery,
    Price,
    Received,
    ReceivedSeen,
    Report,
    ReportQuery,
    ReportSource,
    SeenReport,
    Status,
    StatusGroup,
)
from omnictl.model.scenario import Json
from omnictl.provider.messenger import Push
from omnictl.provider.wire import UnreadableError, dump_json, load_json, read_channel, read_text

Query = dict[str, str | tuple[str, ...]]
Row = TypeVar("Row")

_ADDRESS_NAMES = {"phone": "phoneNumber", "email": "emailAddress", "push": "pushRegistrationId"}
_MOST_DIGITS_OF_PRICE = 12
_NO_STATUS = Status("", "")


# --- what is sent ----------------------------------------------------------------------------------------------


def write_batch(batch: Batch) -> bytes:
    """Return the body of a request that sends a batch."""
    document: dict[str, Json] = {
        "bulkId": batch.bulk_id,
        "scenarioKey": batch.scenario_key,
        "destinations": [
            {"messageId": each.message_id, "to": _write_recipient(each.recipient)} for each in batch.messages
        ],
    }
    return dump_json({**document, **write_message(batch.message)})


def write_message(message: Message) -> dict[str, Json]:
    """Return what a message says, as the API and message files spell it."""
    rest: dict[str, Json | None] = {
        "sendAt": None if message.send_at is None else write_time(message.send_at),
        "callbackData": message.callback_data,
        "notify": message.notify,
        "notifyUrl": message.notify_url,
        "notifyContentType": message.notify_content_type,
        "intermediateReport": message.intermediate_report,
    }
    contents: dict[str, Json] = {
        CONTENT_NAMES.get(channel, channel): dict(content) for channel, content in message.contents.items()
    }
    return {**contents, **{name: value for name, value in rest.items() if value is not None}}


def _write_recipient(recipient: Recipient) -> Json:
    return {_ADDRESS_NAMES[name]: value for name, value in recipient.addresses.items()}


def write_time(at: datetime) -> str:
    """Return a time as the API documents it, to the millisecond, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def reports_query(query: ReportQuery) -> Query:
    """Return the query of a pull."""
    return _leave_out({
        "bulkId": query.bulk_id, "messageId": query.message_id, "channel": query.channel, "limit": str(query.limit)
    })  # fmt: skip


def logs_query(query: LogQuery) -> Query:
    """Return the query of a reading of the logs."""
    return _leave_out({
        "from": query.sender,
        "to": query.to,
        "bulkId": query.bulk_ids or None,
        "messageId": query.message_ids or None,
        "generalStatus": query.general_status,
        "channel": query.channel,
        "sentSince": None if query.sent_since is None else write_time(query.sent_since),
        "sentUntil": None if query.sent_until is None else write_time(query.sent_until),
        "mcc": query.mcc,
        "mnc": query.mnc,
        "limit": str(query.limit),
    })  # fmt: skip


def _leave_out(query: Mapping[str, str | tuple[str, ...] | None]) -> Query:
    return {name: value for name, value in query.items() if value is not None}


# --- what is read ----------------------------------------------------------------------------------------------


def read_receipts(body: bytes, batch: Batch, hide: Callable[[str], str] = str) -> tuple[Receipt, ...]:
    """Return a receipt for each message of a batch; an id that the reply leaves out is unknown.

    ``hide`` takes credentials out of every text. Raises UnreadableError where the body has no list of messages.
    """
    document = _hide_in(load_json(body), hide)
    rows = document.get("messages") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise UnreadableError("it has no list of messages")
    said = dict(_read_statuses(rows))
    return tuple(_make_receipt(each.message_id, said.get(each.message_id)) for each in batch.messages)


def _read_statuses(rows: list[Any]) -> Iterator[tuple[str, Status]]:
    for row in rows:
        try:
            if isinstance(row, dict):
                yield read_text(row.get("messageId")), _read_status(row.get("status"))
        except UnreadableError:
            continue  # a row about nobody knows whom says nothing about any of ours


def _make_receipt(message_id: str, status: Status | None) -> Receipt:
    if status is None:
        return Receipt(message_id, MessageFate.UNKNOWN, reason="the reply does not name it")
    refused = status.group == StatusGroup.REJECTED
    return Receipt(message_id, MessageFate.REFUSED if refused else MessageFate.ACCEPTED, status)


def read_reports(
    body: bytes, source: ReportSource, hide: Callable[[str], str] = str
) -> tuple[tuple[Received, ...], int]:
    """Return the reports of a body, and how many of its rows could not be read.

    ``hide`` takes credentials out of every text, whoever echoes them. Raises UnreadableError where there is no list.
    """
    return _read_rows(body, lambda row, raw: Received(_read_report(row, source), raw), hide)


def write_rows(rows: Iterable[Received]) -> bytes:
    """Return a body with these rows, for where the one that came may not be kept."""
    return f'{{"results": [{", ".join(each.raw for each in rows)}]}}'.encode("utf-8", "surrogatepass")


def read_push(body: bytes) -> Push:
    """Return what a pushed body holds: reports, seen reports, or messages to us, which all come to one URL.

    Raises UnreadableError where it has no list of rows.
    """
    reports: list[Received] = []
    seen: list[ReceivedSeen] = []
    inbound = 0

    def read(row: dict[str, Any], raw: str) -> None:
        nonlocal inbound
        said = {name for name, value in row.items() if value is not None}
        if "status" in said or not said & {"seenAt", "integrationType", "message"}:
            reports.append(Received(_read_pushed_report(row), raw))
        elif "seenAt" in said:
            seen.append(ReceivedSeen(_read_seen(row), raw))
        else:
            inbound += 1

    _, unreadable = _read_rows(body, read)
    return Push(tuple(reports), tuple(seen), inbound, unreadable)


def _read_pushed_report(row: Mapping[str, Any]) -> Report:
    """Return a report. One that says nothing of any message is none: anybody may have made it up."""
    report = _read_report(row, ReportSource.PUSH)
    if not (report.message_id or report.status.group or report.status.name):
        raise UnreadableError("a row says nothing of any message")
    return report


class _Rows(msgspec.Struct):
    results: list[msgspec.Raw] | None = None


def _read_rows(
    body: bytes, read: Callable[[dict[str, Any], str], Row], hide: Callable[[str], str] = str
) -> tuple[tuple[Row, ...], int]:
    rows: list[Row] = []
    unreadable = 0
    for raw in _split_rows(body):
        try:
            said = json.loads(raw, parse_float=Decimal)
            row = _hide_in(said, hide)
            if row != said:
                raw = json.dumps(row, default=str)
            if not isinstance(row, dict):
                raise UnreadableError("a row is not an object")
            rows.append(read(row, raw))
        except (ValueError, RecursionError, InvalidOperation):  # UnreadableError is a ValueError
            unreadable += 1
    return tuple(rows), unreadable


def _hide_in(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [_hide_in(each, hide) for each in value]
    if isinstance(value, dict):
        return {hide(name): _hide_in(each, hide) for name, each in value.items()}
    return value


def _split_rows(body: bytes) -> list[str]:
    """Return the text of each row."""
    try:
        found = msgspec.json.decode(body, type=_Rows).results
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        found = None
    if found is None:
        raise UnreadableError("it has no list of results" if body.strip() else "it is empty")
    return [bytes(each).decode("utf-8", "replace") for each in found]


def _read_report(row: Mapping[str, Any], source: ReportSource) -> Report:
    return Report(
        source=source,
        message_id=read_text(row.get("messageId")),
        to=_read_to(row.get("to")),
        status=_read_status(row.get("status")),
        channel=read_channel(row.get("channel")) or None,
        sent_at=_read_time(row.get("sentAt")),
        done_at=_read_time(row.get("doneAt")),
        error=_read_error(row.get("error")),
        price=_read_price(row.get("price")),
        message_count=_read_count(row.get("messageCount")),
        bulk_id=read_text(row.get("bulkId")) or None,
        mcc_mnc=_read_mcc_mnc(row.get("mccMnc")),
        callback_data=read_text(row.get("callbackData")) or None,
        sender=read_text(row.get("from")) or None,
        text=read_text(row.get("text")) or None,
    )


def _read_seen(row: Mapping[str, Any]) -> SeenReport:
    return SeenReport(
        message_id=read_text(row.get("messageId")),
        to=_read_to(row.get("to")),
        sender=read_text(row.get("from")) or None,
        sent_at=_read_time(row.get("sendAt") or row.get("sentAt")),
        seen_at=_read_time(row.get("seenAt")),
    )


def _read_to(value: Any) -> str:
    """Return the address of a row; an object, as in receipts, names the first that it has."""
    if isinstance(value, dict):
        value = next((value[name] for name in _ADDRESS_NAMES.values() if value.get(name)), None)
    return read_text(value)


_GROUPS: Mapping[int | None, str] = {
    1: StatusGroup.PENDING,
    2: StatusGroup.UNDELIVERABLE,
    3: StatusGroup.DELIVERED,
    4: StatusGroup.EXPIRED,
    5: StatusGroup.REJECTED,
}
"""The ids of the groups, for a status that names none (source: the published table of statuses)."""


def _read_status(value: Any) -> Status:
    if value is None:
        return _NO_STATUS
    if not isinstance(value, dict):
        raise UnreadableError("a status is not an object")
    group_id = _read_count(value.get("groupId"))
    return Status(
        group=read_text(value.get("groupName")).upper() or _GROUPS.get(group_id, ""),
        name=read_text(value.get("name")),
        id=_read_count(value.get("id")),
        group_id=group_id,
        description=read_text(value.get("description")),
        action=read_text(value.get("action")),
    )


def _read_error(value: Any) -> DeliveryError | None:
    if not isinstance(value, dict):
        return None
    permanent = value.get("permanent")
    return DeliveryError(
        group=read_text(value.get("groupName")).upper(),
        name=read_text(value.get("name")),
        id=_read_count(value.get("id")),
        group_id=_read_count(value.get("groupId")),
        description=read_text(value.get("description")),
        permanent=permanent if isinstance(permanent, bool) else None,
    )


def _read_price(value: Any) -> Price | None:
    amount = value.get("pricePerMessage") if isinstance(value, dict) else None
    if amount is None or isinstance(amount, bool) or not isinstance(amount, int | Decimal | str):
        return None
    price = Decimal(amount)
    if not price.is_finite() or (price and abs(price.adjusted()) > _MOST_DIGITS_OF_PRICE):
        return None
    return Price(price or Decimal(0), read_text(value.get("currency")).upper())


def _read_mcc_mnc(value: Any) -> str | None:
    text = read_text(value)
    return None if text in ("", "null") else text


def _read_count(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9 else None


def _read_time(value: Any) -> datetime | None:
    """Return a time in UTC; one without an offset is taken as UTC, one that is none is left out: the raw row has it."""
    if not isinstance(value, str) or not value:
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
