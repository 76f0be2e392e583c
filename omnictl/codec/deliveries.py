"""Delivery reports, seen reports and pulls ↔ JSON: snake_case, times in UTC, money as strings."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from omnictl.codec.shapes import (
    ShapeError,
    as_count,
    as_flag,
    as_integer,
    as_member,
    as_object,
    as_optional_text,
    as_optional_time,
    as_text,
    write_time,
)
from omnictl.model.report import DeliveryError, Gap, Price, Report, ReportQuery, ReportSource, SeenReport, Status
from omnictl.model.scenario import Json


def present(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Return the fields that are there; unlike ``compact`` it keeps false, which here is not the same as absent."""
    return {key: value for key, value in fields.items() if value is not None}


def encode_status(status: Status) -> dict[str, Json]:
    """Return a status in the words of the API."""
    return present(
        {
            "group": status.group,
            "group_id": status.group_id,
            "name": status.name,
            "id": status.id,
            "description": status.description or None,
            "action": status.action or None,
        }
    )


def decode_status(value: Json, path: str) -> Status:
    """Return a status."""
    fields = as_object(value, path)
    return Status(
        as_text(fields.get("group"), f"{path}.group"),
        as_text(fields.get("name"), f"{path}.name"),
        _as_optional_integer(fields.get("id"), f"{path}.id"),
        _as_optional_integer(fields.get("group_id"), f"{path}.group_id"),
        as_optional_text(fields.get("description"), f"{path}.description") or "",
        as_optional_text(fields.get("action"), f"{path}.action") or "",
    )


def encode_optional_status(status: Status | None) -> dict[str, Json] | None:
    """Return a status, or None where there is none."""
    return None if status is None else encode_status(status)


def decode_optional_status(value: Json, path: str) -> Status | None:
    """Return a status, or None where there is none."""
    return None if value is None else decode_status(value, path)


def encode_error(error: DeliveryError) -> dict[str, Json]:
    """Return why a step was not delivered, in the words of the API."""
    return present(
        {
            "group": error.group,
            "group_id": error.group_id,
            "name": error.name,
            "id": error.id,
            "description": error.description or None,
            "permanent": error.permanent,
        }
    )


def decode_error(value: Json, path: str) -> DeliveryError:
    """Return why a step was not delivered."""
    fields = as_object(value, path)
    permanent = fields.get("permanent")
    return DeliveryError(
        as_text(fields.get("group"), f"{path}.group"),
        as_text(fields.get("name"), f"{path}.name"),
        _as_optional_integer(fields.get("id"), f"{path}.id"),
        _as_optional_integer(fields.get("group_id"), f"{path}.group_id"),
        as_optional_text(fields.get("description"), f"{path}.description") or "",
        None if permanent is None else as_flag(permanent, f"{path}.permanent"),
    )


def encode_price(price: Price) -> dict[str, Json]:
    """Return a price; the amount is text, as all money is."""
    return {"per_message": format(price.per_message, "f"), "currency": price.currency}


def decode_price(value: Json, path: str) -> Price:
    """Return a price."""
    fields = as_object(value, path)
    text = as_text(fields.get("per_message"), f"{path}.per_message")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ShapeError(f"{path}.per_message", "expected an amount such as 0.0125")
    return Price(amount, as_text(fields.get("currency"), f"{path}.currency"))


def encode_report(report: Report) -> dict[str, Json]:
    """Return a delivery report; what the API did not say is absent."""
    return present(
        {
            "source": report.source.value,
            "message_id": report.message_id,
            "bulk_id": report.bulk_id,
            "to": report.to,
            "channel": report.channel,
            "sent_at": write_time(report.sent_at) if report.sent_at else None,
            "done_at": write_time(report.done_at) if report.done_at else None,
            "status": encode_status(report.status),
            "error": encode_error(report.error) if report.error else None,
            "price": encode_price(report.price) if report.price else None,
            "message_count": report.message_count,
            "mcc_mnc": report.mcc_mnc,
            "callback_data": report.callback_data,
            "sender": report.sender,
            "text": report.text,
        }
    )


def decode_report(value: Json, path: str) -> Report:
    """Return a delivery report."""
    fields = as_object(value, path)
    error, price = fields.get("error"), fields.get("price")
    return Report(
        source=as_member(ReportSource, fields.get("source"), f"{path}.source"),
        message_id=as_text(fields.get("message_id"), f"{path}.message_id"),
        to=as_text(fields.get("to"), f"{path}.to"),
        status=decode_status(fields.get("status"), f"{path}.status"),
        channel=as_optional_text(fields.get("channel"), f"{path}.channel"),
        sent_at=as_optional_time(fields.get("sent_at"), f"{path}.sent_at"),
        done_at=as_optional_time(fields.get("done_at"), f"{path}.done_at"),
        error=None if error is None else decode_error(error, f"{path}.error"),
        price=None if price is None else decode_price(price, f"{path}.price"),
        message_count=_as_optional_integer(fields.get("message_count"), f"{path}.message_count"),
        bulk_id=as_optional_text(fields.get("bulk_id"), f"{path}.bulk_id"),
        mcc_mnc=as_optional_text(fields.get("mcc_mnc"), f"{path}.mcc_mnc"),
        callback_data=as_optional_text(fields.get("callback_data"), f"{path}.callback_data"),
        sender=as_optional_text(fields.get("sender"), f"{path}.sender"),
        text=as_optional_text(fields.get("text"), f"{path}.text"),
    )


def encode_seen(seen: SeenReport) -> dict[str, Json]:
    """Return a seen report."""
    return present(
        {
            "message_id": seen.message_id,
            "to": seen.to,
            "sender": seen.sender,
            "sent_at": write_time(seen.sent_at) if seen.sent_at else None,
            "seen_at": write_time(seen.seen_at) if seen.seen_at else None,
        }
    )


def decode_seen(value: Json, path: str) -> SeenReport:
    """Return a seen report."""
    fields = as_object(value, path)
    return SeenReport(
        as_text(fields.get("message_id"), f"{path}.message_id"),
        as_text(fields.get("to"), f"{path}.to"),
        as_optional_text(fields.get("sender"), f"{path}.sender"),
        as_optional_time(fields.get("sent_at"), f"{path}.sent_at"),
        as_optional_time(fields.get("seen_at"), f"{path}.seen_at"),
    )


def encode_query(query: ReportQuery) -> dict[str, Json]:
    """Return what a pull asks for."""
    return present(
        {
            "message_id": query.message_id,
            "bulk_id": query.bulk_id,
            "channel": query.channel,
            "limit": query.limit,
        }
    )


def encode_gaps(gaps: Iterable[Gap]) -> list[Json]:
    """Return gaps as documents show them."""
    return [{"opened_at": write_time(each.opened_at), "limit": each.query.limit} for each in gaps]


def decode_query(value: Json, path: str) -> ReportQuery:
    """Return what a pull asks for."""
    fields = as_object(value, path)
    message_id, bulk_id, channel = (
        as_optional_text(fields.get(name), f"{path}.{name}") for name in ("message_id", "bulk_id", "channel")
    )
    return ReportQuery(message_id, bulk_id, channel, as_count(fields.get("limit"), f"{path}.limit"))


def _as_optional_integer(value: Json, path: str) -> int | None:
    return None if value is None else as_integer(value, path)
