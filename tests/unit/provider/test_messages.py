"""Messages over the wire: the seed's payloads, every outcome of a send and of a pull, and what a row may look like."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from omnictl.errors import AccessError, OutcomeUnknownError, ReadingError, RemoteError, StoppedError, UnsentError
from omnictl.model.message import Addressed, Batch, Message, MessageFate, Recipient
from omnictl.model.report import DeliveryError, LogQuery, Price, ReportQuery, ReportSource, Status
from omnictl.provider.exchange import MOST_TRIES
from omnictl.provider.message_wire import read_push, read_reports, write_batch, write_message
from omnictl.provider.wire import UnreadableError
from tests.unit.provider.service import Answer, Service, api_error, reply, service
from tests.unit.provider.test_outcomes import EVERYTHING_ELSE, REFUSALS, UNSENT

KEY = "CC9F01A5DC7BEE2C2B829D203482A654"
SEED = Message({"VKONTAKTE": {"text": "This is VK message."}, "SMS": {"text": "This is the SMS failover message"}})
PENDING = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 7,
    "name": "PENDING_ENROUTE",
    "description": "Message sent to next instance",
}
ROW: dict[str, Any] = {
    "messageId": "1215f543ab19-345f-adbd-12ad31451ed25f35",
    "to": "41793026731",
    "messageCount": 1,
    "sentAt": "2016-02-23T17:41:11.833+0100",
    "doneAt": "2016-02-23T17:41:11.843+0100",
    "mccMnc": "22801",
    "price": {"pricePerMessage": 0.0104, "currency": "EUR"},
    "status": {
        "groupId": 2,
        "groupName": "UNDELIVERABLE",
        "id": 9,
        "name": "UNDELIVERABLE_NOT_DELIVERED",
        "description": "Message sent not delivered",
    },
    "error": {
        "groupId": 1,
        "groupName": "HANDSET_ERRORS",
        "id": 6,
        "name": "EC_ABSENT_SUBSCRIBER_SM",
        "description": "Absent Subscriber",
        "permanent": False,
    },
    "channel": "VKONTANTE",
}
ROWS = reply(200, {"results": [ROW]})


def batch(*ids: str, message: Message = SEED) -> Batch:
    return Batch("B-1", KEY, message, tuple(Addressed(each, Recipient(phone="41793026727")) for each in ids))


def taken(*ids: str, status: dict[str, Any] = PENDING) -> Answer:
    return reply(200, {"messages": [{"to": {"phoneNumber": "1"}, "status": status, "messageId": each} for each in ids]})


def fates(it: Service, *ids: str) -> list[MessageFate]:
    return [each.fate for each in it.messenger().send(batch(*ids))]


def pull(it: Service) -> object:
    return it.messenger().take_reports(ReportQuery())


def read(it: Service) -> object:
    return it.messenger().read_logs(LogQuery())


# --- what is sent ----------------------------------------------------------------------------------------------


def test_a_batch_is_spelled_as_the_seed_spells_it() -> None:
    document = json.loads(write_batch(batch("M-1")))
    assert document == {
        "bulkId": "B-1",
        "scenarioKey": KEY,
        "destinations": [{"messageId": "M-1", "to": {"phoneNumber": "41793026727"}}],
        "vKontakte": {"text": "This is VK message."},
        "sms": {"text": "This is the SMS failover message"},
    }


def test_every_address_and_option_has_its_name() -> None:
    at = datetime(2026, 12, 1, 9, 30, 0, 123999, tzinfo=timezone(timedelta(hours=1)))
    message = Message({}, at, "x", False, "https://a.example", "application/json", True)
    everybody = Recipient("1", "a@example.com", "p-1")
    document = json.loads(write_batch(Batch("B", KEY, message, (Addressed("M", everybody),))))
    assert document["destinations"][0]["to"] == {
        "phoneNumber": "1",
        "emailAddress": "a@example.com",
        "pushRegistrationId": "p-1",
    }
    assert write_message(message) == {
        "sendAt": "2026-12-01T08:30:00.123+0000",
        "callbackData": "x",
        "notify": False,
        "notifyUrl": "https://a.example",
        "notifyContentType": "application/json",
        "intermediateReport": True,
    }


# --- receipts --------------------------------------------------------------------------------------------------


def test_each_message_has_a_receipt_in_the_order_of_the_batch() -> None:
    it = service(taken("M-2", "M-1"))
    receipts = it.messenger().send(batch("M-1", "M-2"))
    assert [each.message_id for each in receipts] == ["M-1", "M-2"]
    assert receipts[0].status == Status("PENDING", "PENDING_ENROUTE", 7, 1, "Message sent to next instance")
    assert len(it.requests) == 1
    assert it.requests[0].content == write_batch(batch("M-1", "M-2"))


def test_a_message_may_be_refused_inside_of_a_200() -> None:
    rejected = {"groupId": 5, "groupName": "REJECTED", "id": 52, "name": "REJECTED_DESTINATION"}
    assert fates(service(taken("M-1", status=rejected)), "M-1") == [MessageFate.REFUSED]


@pytest.mark.parametrize("rows", [[], [{"status": PENDING}], [3, {"messageId": ["M-2"]}], [{"messageId": "other"}]])
def test_an_id_that_the_reply_leaves_out_is_unknown(rows: list[Any]) -> None:
    reply_rows = [{"messageId": "M-1", "status": PENDING}, *rows]
    it = service(reply(200, {"messages": reply_rows}))
    assert fates(it, "M-1", "M-2") == [MessageFate.ACCEPTED, MessageFate.UNKNOWN]


@pytest.mark.parametrize("answer", EVERYTHING_ELSE)
def test_a_send_that_is_not_believably_answered_is_unknown_and_never_repeated(answer: Answer) -> None:
    it = service(answer, taken("M-1"))
    with pytest.raises(OutcomeUnknownError):
        it.messenger().send(batch("M-1"))
    assert len(it.requests) == 1


@pytest.mark.parametrize("answer", UNSENT)
def test_what_surely_was_not_sent_goes_again(answer: Answer) -> None:
    it = service(answer, answer, taken("M-1"))
    assert fates(it, "M-1") == [MessageFate.ACCEPTED]
    assert len({each.content for each in it.requests}) == 1
    with pytest.raises(UnsentError):
        service(answer).messenger().send(batch("M-1"))


@pytest.mark.parametrize("status", REFUSALS)
def test_what_the_api_refuses_was_not_taken(status: int) -> None:
    with pytest.raises(RemoteError) as caught:
        service(api_error(status)).messenger().send(batch("M-1"))
    assert not isinstance(caught.value, OutcomeUnknownError)


def test_a_throttled_send_goes_again_when_it_may() -> None:
    it = service(api_error(429, "TOO_MANY_REQUESTS"), taken("M-1"))
    assert fates(it, "M-1") == [MessageFate.ACCEPTED]


def test_a_stopped_messenger_sends_nothing() -> None:
    it = service(taken("M-1"))
    it.stop.request("enough")
    with pytest.raises(StoppedError):
        it.messenger().send(batch("M-1"))
    with pytest.raises(StoppedError):
        pull(it)
    assert not it.requests


@pytest.mark.parametrize(
    ("deed", "scope"), [(pull, "message:send"), (read, "omni-failover:logs:read")], ids=["pull", "logs"]
)
def test_a_missing_scope_is_named(deed: Any, scope: str) -> None:
    with pytest.raises(AccessError) as caught:
        deed(service(api_error(403, "FORBIDDEN")))
    assert scope in str(caught.value.diagnostics)


# --- pulls and logs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", EVERYTHING_ELSE)
def test_a_pull_that_may_have_handed_out_reports_is_never_repeated(answer: Answer) -> None:
    it = service(answer, ROWS)
    with pytest.raises(OutcomeUnknownError):
        pull(it)
    assert len(it.requests) == 1


@pytest.mark.parametrize("answer", UNSENT)
def test_a_pull_that_surely_was_not_sent_goes_again(answer: Answer) -> None:
    it = service(answer, ROWS)
    assert it.messenger().take_reports(ReportQuery()).rows


def test_a_page_says_whether_there_may_be_more() -> None:
    page = service(ROWS).messenger().take_reports(ReportQuery(limit=1))
    assert page.is_full
    assert json.loads(page.body) == {"results": [ROW]}
    assert not service(ROWS).messenger().take_reports(ReportQuery(limit=2)).is_full


def test_filters_are_spelled_as_documented() -> None:
    it = service(ROWS)
    it.messenger().take_reports(ReportQuery("M-1", "B-1", "SMS", 7))
    assert it.requests[0].url.query == b"bulkId=B-1&messageId=M-1&channel=SMS&limit=7"
    at = datetime(2026, 8, 1, tzinfo=UTC)
    it.messenger().read_logs(
        LogQuery("InfoSMS", "41", ("B-1", "B-2"), ("M-1",), "REJECTED", "SMS", at, at, "228", "01", 5)
    )
    assert dict(it.requests[1].url.params.multi_items()) == {
        "from": "InfoSMS",
        "to": "41",
        "bulkId": "B-2",
        "messageId": "M-1",
        "generalStatus": "REJECTED",
        "channel": "SMS",
        "sentSince": "2026-08-01T00:00:00.000+0000",
        "sentUntil": "2026-08-01T00:00:00.000+0000",
        "mcc": "228",
        "mnc": "01",
        "limit": "5",
    }
    assert it.requests[1].url.params.get_list("bulkId") == ["B-1", "B-2"]


def test_logs_are_read_until_they_come() -> None:
    answers = [each.values[0] for each in EVERYTHING_ELSE]
    for answer in answers:
        it = service(answer, ROWS)  # type: ignore[arg-type]
        assert it.messenger().read_logs(LogQuery()).rows
    it = service(api_error(500))
    with pytest.raises(ReadingError) as caught:
        read(it)
    assert [each.code for each in caught.value.diagnostics] == ["logs-unreadable"]
    assert len(it.requests) == MOST_TRIES


# --- rows ------------------------------------------------------------------------------------------------------


def test_the_row_of_the_seed_is_read_to_the_field() -> None:
    body = json.dumps({"results": [ROW]}).encode()
    (received,), unreadable = read_reports(body, ReportSource.PULL)
    report = received.report
    assert unreadable == 0
    assert json.loads(received.raw) == ROW
    assert report.message_id == ROW["messageId"]
    assert (report.to, report.channel, report.message_count, report.mcc_mnc) == ("41793026731", "VKONTAKTE", 1, "22801")
    assert report.sent_at == datetime(2016, 2, 23, 16, 41, 11, 833000, tzinfo=UTC)
    assert report.done_at == datetime(2016, 2, 23, 16, 41, 11, 843000, tzinfo=UTC)
    assert report.price == Price(Decimal("0.0104"), "EUR")
    assert report.status == Status("UNDELIVERABLE", "UNDELIVERABLE_NOT_DELIVERED", 9, 2, "Message sent not delivered")
    assert report.error == DeliveryError(
        "HANDSET_ERRORS", "EC_ABSENT_SUBSCRIBER_SM", 6, 1, "Absent Subscriber", permanent=False
    )


def one(**fields: Any) -> Any:
    (received,), _ = read_reports(json.dumps({"results": [{**ROW, **fields}]}).encode(), ReportSource.LOG)
    return received.report


def test_what_is_not_as_documented_is_read_as_well_as_can_be() -> None:
    assert one(mccMnc="null").mcc_mnc is None
    assert one(to={"phoneNumber": "41"}).to == "41"
    assert one(to={}).to == ""
    assert one(messageId=12345).message_id == "12345"
    assert one(status=None).status.group == ""
    assert one(error="none").error is None
    assert one(price={"currency": "EUR"}).price is None
    assert one(price={"pricePerMessage": "0.5", "currency": "eur"}).price == Price(Decimal("0.5"), "EUR")
    assert one(price={"pricePerMessage": 0, "currency": "EUR"}).price == Price(Decimal(0), "EUR")
    assert one(messageCount="2").message_count == 2
    assert one(messageCount=10**12).message_count is None
    assert one(sentAt="2016-02-23T17:41:11.833").sent_at == datetime(2016, 2, 23, 17, 41, 11, 833000, tzinfo=UTC)
    assert one(sentAt="yesterday").sent_at is None
    assert one(sentAt="0001-01-01T00:00:00.000+2359").sent_at is None
    assert one(channel=None).channel is None
    assert (one(**{"from": "InfoSMS"}).sender, one(text="Hi").text) == ("InfoSMS", "Hi")


def test_a_price_with_a_giant_exponent_is_left_out() -> None:
    body = json.dumps({"results": [ROW]}).replace("0.0104", "1e999999999").encode()
    (received,), _ = read_reports(body, ReportSource.PULL)
    assert received.report.price is None
    assert "1e999999999" in received.raw


@pytest.mark.parametrize("row", ["3", "null", '{"messageId": []}', '{"status": "ok"}', "[" * 400 + "]" * 400])
def test_a_row_that_cannot_be_read_is_counted_and_costs_no_other(row: str) -> None:
    body = f'{{"results": [{row}, {json.dumps(ROW)}]}}'.encode()
    rows, unreadable = read_reports(body, ReportSource.PULL)
    assert (len(rows), unreadable) == (1, 1)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"results": null}', b'{"results": {}}', b"<html>", b"\xff"])
def test_a_body_without_rows_is_not_believed(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_reports(body, ReportSource.PULL)


SEEN = {"messageId": "M-1", "from": "B", "to": "41", "sendAt": ROW["sentAt"], "seenAt": ROW["doneAt"]}
INBOUND = {"messageId": "M-2", "from": "41", "integrationType": "WHATSAPP", "message": {"type": "TEXT", "text": "hi"}}


def test_a_push_is_told_apart_row_by_row() -> None:
    rows = [ROW, SEEN, {**SEEN, "sendAt": None, "sentAt": ROW["sentAt"], "status": None}, INBOUND, {"messageId": "M-3"}]
    push = read_push(json.dumps({"results": rows}).encode())
    assert [each.report.message_id for each in push.reports] == [ROW["messageId"], "M-3"]
    assert {each.report.source for each in push.reports} == {ReportSource.PUSH}
    assert [each.seen.sent_at for each in push.seen] == [datetime(2016, 2, 23, 16, 41, 11, 833000, tzinfo=UTC)] * 2
    assert push.seen[0].seen.seen_at == datetime(2016, 2, 23, 16, 41, 11, 843000, tzinfo=UTC)
    assert (push.inbound, push.unreadable) == (1, 0)


@pytest.mark.parametrize(
    "row",
    [{}, [], 7, None, {"to": "41"}, {"messageId": True}, {"messageId": "", "status": {}}, {"status": "DELIVERED"}],
)
def test_a_pushed_row_that_says_nothing_of_any_message_is_unreadable(row: object) -> None:
    push = read_push(json.dumps({"results": [row, ROW]}).encode())
    assert (len(push.reports), push.seen, push.inbound, push.unreadable) == (1, (), 0, 1)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"results": 1}', b"<xml/>", b"\xff", b"[" * 100_000])
def test_what_has_no_rows_is_no_push(body: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"it has no list of results|it is empty"):
        read_push(body)


# --- personal data -----------------------------------------------------------------------------------------------

PHONE, EMAIL = "41793026727", "anna.secret@example.com"
PERSONAL = (
    f'{{"messages": [{{"to": {{"phoneNumber": "{PHONE}", "emailAddress": "{EMAIL}"}}, "text": "Code 1234"'.encode()
)


@pytest.mark.parametrize(
    "deed", [pull, read, lambda it: it.messenger().send(batch("M-1"))], ids=["pull", "logs", "send"]
)
@pytest.mark.parametrize(
    "answer",
    [
        reply(200, PERSONAL),
        reply(500, PERSONAL),
        api_error(400, text=f"bad destination {PHONE}, {EMAIL}", validationErrors={PHONE: [EMAIL]}),
    ],
)
def test_no_error_and_no_trace_tells_of_a_person(deed: Any, answer: Answer) -> None:
    it = service(answer)
    with pytest.raises(RemoteError) as caught:
        deed(it)
    said = f"{caught.value.diagnostics} {it.traces} {it.events}"
    for each in (PHONE, EMAIL, "Code 1234"):
        assert each not in said
    it = service(ROWS)
    it.messenger().read_logs(LogQuery(to=EMAIL))
    it.messenger().read_logs(LogQuery(to=PHONE, message_ids=("50c24400-124f-4678-9f4b-309e994a4deb",)))
    assert PHONE not in str(it.traces)
    assert "anna" not in str(it.traces)
    assert "50c24400-124f-4678-9f4b-309e994a4deb" in str(it.traces)
