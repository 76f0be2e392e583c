"""Messages and delivery reports as JSON: nothing is lost on the way there and back, and the shape is strict."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.codec import deliveries, messages
from omnictl.codec.shapes import ShapeError, parse_json, write_json
from omnictl.model.message import Message, Recipient, Via
from omnictl.model.report import DeliveryError, Price, Report, ReportQuery, ReportSource, SeenReport, Status
from tests.unit.codec.strategies import flows, names, texts, times

maybe_texts = st.none() | texts
integers = st.none() | st.integers(-(2**31), 2**31)
flags = st.none() | st.booleans()
statuses = st.builds(Status, texts, texts, integers, integers, texts, texts)
errors = st.builds(DeliveryError, texts, texts, integers, integers, texts, flags)
prices = st.builds(Price, st.decimals(-(10**9), 10**9, allow_nan=False, places=4) | st.just(Decimal("1E-7")), texts)
contents = st.dictionaries(st.sampled_from(["SMS", "VIBER"]), st.dictionaries(names, texts | flags, max_size=2))
message_values = st.builds(
    Message, contents, st.none() | times, maybe_texts, flags, maybe_texts, maybe_texts, flags, sources=st.just({})
)
recipients = st.builds(Recipient, maybe_texts, maybe_texts, maybe_texts)
vias = st.builds(Via, texts, texts, texts, flows)
reports = st.builds(
    Report,
    st.sampled_from(ReportSource),
    texts,
    texts,
    statuses,
    maybe_texts,
    st.none() | times,
    st.none() | times,
    st.none() | errors,
    st.none() | prices,
    integers,
    maybe_texts,
    maybe_texts,
    maybe_texts,
    maybe_texts,
    maybe_texts,
)
seen_reports = st.builds(SeenReport, texts, texts, maybe_texts, st.none() | times, st.none() | times)
queries = st.builds(ReportQuery, maybe_texts, maybe_texts, maybe_texts, st.integers(0, 1000))

KINDS: tuple[tuple[str, Any, Callable[[Any], Any], Callable[[Any, str], Any]], ...] = (
    ("message", message_values, messages.encode_message, messages.decode_message),
    ("recipient", recipients, messages.encode_recipient, messages.decode_recipient),
    ("via", vias, messages.encode_via, messages.decode_via),
    ("status", st.none() | statuses, deliveries.encode_optional_status, deliveries.decode_optional_status),
    ("report", reports, deliveries.encode_report, deliveries.decode_report),
    ("seen", seen_reports, deliveries.encode_seen, deliveries.decode_seen),
    ("query", queries, deliveries.encode_query, deliveries.decode_query),
)


@pytest.mark.parametrize(("kind", "values", "encode", "decode"), KINDS, ids=[each[0] for each in KINDS])
@given(st.data())
def test_nothing_is_lost_on_the_way_there_and_back(kind: str, values: Any, encode: Any, decode: Any, data: Any) -> None:
    value = data.draw(values)
    assert decode(parse_json(write_json(encode(value), indent=None)), kind) == value


def test_false_is_not_the_same_as_left_to_the_api() -> None:
    assert messages.encode_message(Message({}, notify=False)) == {"contents": {}, "notify": False}
    assert messages.encode_message(Message({})) == {"contents": {}}


def test_what_a_report_looks_like() -> None:
    report = Report(
        ReportSource.PULL,
        "M-1",
        "41793026731",
        Status("DELIVERED", "DELIVERED_TO_HANDSET", 5, 3),
        channel="SMS",
        error=DeliveryError("OK", "NO_ERROR", 0, 0, permanent=False),
        price=Price(Decimal("1E-2"), "EUR"),
        message_count=1,
    )
    assert deliveries.encode_report(report) == {
        "source": "pull",
        "message_id": "M-1",
        "to": "41793026731",
        "channel": "SMS",
        "status": {"group": "DELIVERED", "name": "DELIVERED_TO_HANDSET", "id": 5, "group_id": 3},
        "error": {"group": "OK", "name": "NO_ERROR", "id": 0, "group_id": 0, "permanent": False},
        "price": {"per_message": "0.01", "currency": "EUR"},
        "message_count": 1,
    }


def test_times_are_in_utc() -> None:
    seen = SeenReport("M-1", "1", seen_at=datetime(2026, 11, 25, 12, tzinfo=UTC))
    assert deliveries.encode_seen(seen)["seen_at"] == "2026-11-25T12:00:00Z"


@pytest.mark.parametrize(
    ("decode", "value", "place"),
    [
        (messages.decode_message, {"contents": {"SMS": []}}, "x.contents.SMS"),
        (messages.decode_message, {"contents": {}, "notify": "yes"}, "x.notify"),
        (messages.decode_via, {"scenario": "a", "key": "k", "revision": 1}, "x.revision"),
        (deliveries.decode_price, {"per_message": "dear", "currency": "EUR"}, "x.per_message"),
        (deliveries.decode_price, {"per_message": "Infinity", "currency": "EUR"}, "x.per_message"),
        (deliveries.decode_price, {"per_message": 1, "currency": "EUR"}, "x.per_message"),
        (deliveries.decode_status, {"group": "A", "name": "B", "id": "7"}, "x.id"),
        (deliveries.decode_report, {"source": "guess"}, "x.source"),
        (deliveries.decode_query, {"limit": -1}, "x.limit"),
    ],
)
def test_another_shape_is_refused_with_its_place(decode: Any, value: Any, place: str) -> None:
    with pytest.raises(ShapeError) as told:
        decode(value, "x")
    assert told.value.path == place
