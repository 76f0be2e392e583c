"""Reports, which are handed out once, and logs, which are not: filters, limits, 48 hours, faults."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnictl.sandbox.errors import ConnectionCutError
from tests.unit.sandbox.caller import Caller, story

ANYBODY, OTHER_ONE = "41790000001", "385910000002"
FALLS_OVER, PENDING, LATE = "41793026702", "41793026707", "41793026705"


@pytest.fixture(autouse=True)
def two_steps(caller: Caller) -> None:
    """The default scenario of every test here: VKONTAKTE, then SMS."""
    caller.scenario("VKONTAKTE", "SMS")


# --- Reports ----------------------------------------------------------------------------------------------------


def test_a_report_is_handed_out_once(caller: Caller) -> None:
    (sent,) = caller.sent(FALLS_OVER)
    assert [row["messageId"] for row in caller.reports()] == [sent, sent]
    assert caller.reports() == []
    assert len(caller.logs()) == len(caller.logs()) == 2


def test_a_report_has_the_documented_fields_and_a_log_row_has_sender_and_text_for_its_error(caller: Caller) -> None:
    caller.sent(FALLS_OVER, callbackData="mine")
    first, second = caller.reports()
    newest, oldest = caller.logs()
    assert set(first) == {
        *("bulkId", "messageId", "to", "sentAt", "doneAt", "messageCount", "mccMnc", "price", "status", "error"),
        *("channel", "callbackData"),
    }
    assert {**{name: value for name, value in first.items() if name != "error"}, **extra(oldest)} == oldest
    assert {**{name: value for name, value in second.items() if name != "error"}, **extra(newest)} == newest
    assert extra(newest) == {"from": "from SMS", "text": "by sms"}
    assert first["price"] == {"pricePerMessage": 0.0104, "currency": "EUR"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", first["doneAt"])


def extra(row: dict[str, Any]) -> dict[str, str]:
    """Return what a log row has more than a report."""
    return {name: row[name] for name in ("from", "text")}


def test_what_a_filter_hides_stays_unread(caller: Caller) -> None:
    (first,) = caller.sent(FALLS_OVER, bulkId="B 1")
    (second,) = caller.sent(ANYBODY, bulkId="B2")
    assert caller.reports("?messageId=nothing") == []
    assert story(caller.reports("?channel=SMS")) == [("SMS", "DELIVERED")]
    assert [row["messageId"] for row in caller.reports("?bulkId=B2&bulkId=other")] == [second]
    assert [row["messageId"] for row in caller.reports(f"?MESSAGEID={first},x&channel=vkontante")] == [first]
    assert caller.reports() == []


@pytest.mark.parametrize("given", ["VKONTAKTE", "vkontakte", "VKONTANTE", "8", "SMS,8"])
def test_a_channel_is_found_in_each_spelling(caller: Caller, given: str) -> None:
    caller.sent(ANYBODY)
    assert len(caller.logs(f"?channel={given}")) == len(caller.reports(f"?channel={given}")) == 1


@pytest.mark.parametrize("place", ["reports", "logs"])
def test_fifty_are_shown_unless_asked_otherwise(caller: Caller, place: str) -> None:
    caller.sent(*(str(41_790_000_000 + number) for number in range(120)))
    show = caller.reports if place == "reports" else caller.logs
    assert show("?limit=0") == []
    assert len(show()) == 50
    assert len(show("?limit=10")) == 10
    assert len(show("?limit=5000")) == (60 if place == "reports" else 120)


@pytest.mark.parametrize("place", ["reports", "logs"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        (f"limit={'9' * 10}", "limit"),
        ("channel=PIGEON", "channel"),
        ("channel=99", "channel"),
        ("channel=²", "channel"),
        (f"messageId={'x,' * 1001}", "messageId"),
    ],
)
def test_a_wrong_parameter_is_a_bad_request_and_takes_nothing(
    caller: Caller, place: str, query: str, field: str
) -> None:
    caller.sent(ANYBODY)
    reply = caller.call("GET", f"/omni/1/{place}?{query}")
    exception = reply.document["requestError"]["serviceException"]
    assert (reply.status, exception["messageId"], list(exception["validationErrors"])) == (400, "BAD_REQUEST", [field])
    assert len(caller.reports()) == 1


def test_a_limit_over_a_thousand_can_be_refused(caller: Caller) -> None:
    caller.behave(over_limit="refused")
    assert caller.call("GET", "/omni/1/reports?limit=1001").status == 400
    assert caller.call("GET", "/omni/1/logs?limit=1000").status == 200


def test_reports_and_logs_forget_after_48_hours_of_the_clock(caller: Caller) -> None:
    caller.sent(ANYBODY)
    caller.advance("47h59m")
    assert len(caller.logs()) == 1
    assert caller.control("GET", "status")["unread_reports"] == 1
    caller.advance("1m1s")
    assert (caller.logs(), caller.reports()) == ([], [])
    assert caller.control("GET", "status")["unread_reports"] == 0


def test_without_notify_there_is_no_report_but_a_log(caller: Caller) -> None:
    caller.sent(ANYBODY, notify=False, notifyUrl="http://localhost/x")
    assert caller.reports() == []
    assert story(caller.logs()) == [("VKONTAKTE", "DELIVERED")]
    assert caller.pushed == []


# --- Logs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("to=41790000001", [1]),
        ("to=%2B41790000001,385910000002", [2, 1]),
        ("from=from+VKONTAKTE", [2, 1]),
        ("from=nobody", []),
        ("mcc=219", [2]),
        ("mnc=01", [2, 1]),
        ("mcc=228&mnc=01", [1]),
        ("generalStatus=delivered", [2, 1]),
        ("generalStatus=PENDING,EXPIRED", []),
        ("bulkid=B1", [1]),
        ("bulkId=B1&bulkId=B2", [2, 1]),
        ("messageId=M1,M2", [2, 1]),
        ("limit=1", [2]),
        ("sentSince=1970-01-01T00:16:41.000%2B0000", [2]),
        ("sentSince=1970-01-01T00:16:42.000%2B00:00", [2]),
        ("sentSince=1970-01-01T01:16:42.000+0100", [2]),
        ("sentSince=1970-01-01T00:16:42.001Z", []),
        ("sentUntil=1970-01-01T00:16:40", [1]),
        ("sentUntil=1969-12-31T23:16:40.000-0100", [1]),
        ("sentSince=&unknown=x&&", [2, 1]),
    ],
)
def test_logs_are_filtered(caller: Caller, query: str, numbers: list[int]) -> None:
    caller.send(destinations={"to": {"phoneNumber": ANYBODY}, "messageId": "M1"}, bulkId="B1")
    caller.seconds += 2
    caller.send(destinations={"to": {"phoneNumber": OTHER_ONE}, "messageId": "M2"}, bulkId="B2")
    assert [row["messageId"] for row in caller.logs(f"?{query}")] == [f"M{number}" for number in numbers]


@pytest.mark.parametrize("query", ["sentSince=soon", "sentUntil=2016-02-30T00:00:00.000+0000", "generalStatus=LOST"])
def test_a_wrong_filter_of_the_log_is_a_bad_request(caller: Caller, query: str) -> None:
    reply = caller.call("GET", f"/omni/1/logs?{query}")
    errors = reply.document["requestError"]["serviceException"]["validationErrors"]
    assert (reply.status, list(errors)) == (400, [query.partition("=")[0]])


def test_a_pending_message_is_in_the_log_alone(caller: Caller) -> None:
    caller.sent(PENDING)
    caller.advance("2d").sent(PENDING)
    (row,) = caller.logs("?generalStatus=PENDING")
    assert (row["status"]["name"], row["doneAt"]) == ("PENDING_ENROUTE", row["sentAt"])
    assert caller.reports() == []
    caller.behave(pending_done_at="absent")
    assert "doneAt" not in caller.logs()[0]


def test_a_log_row_has_the_latest_status(caller: Caller) -> None:
    caller.behave(clock="real").sent(FALLS_OVER)
    assert story(caller.logs()) == [("VKONTAKTE", "PENDING")]
    caller.seconds += 1
    assert story(caller.logs())[-1] == ("VKONTAKTE", "UNDELIVERABLE")
    caller.seconds += 1
    assert story(caller.logs()) == [("SMS", "DELIVERED"), ("VKONTAKTE", "UNDELIVERABLE")]


def test_a_log_that_lags_shows_a_message_later(caller: Caller) -> None:
    caller.behave(log_lag_seconds=5).sent(ANYBODY)
    caller.seconds += 4.9
    assert caller.logs() == []
    assert len(caller.reports()) == 1
    caller.seconds += 0.1
    assert len(caller.logs()) == 1


# --- How rows are written ---------------------------------------------------------------------------------------


def test_rows_can_have_foreign_ids_and_then_filters_know_those_alone(caller: Caller) -> None:
    (sent,) = caller.sent(FALLS_OVER)
    caller.behave(message_ids="step")
    rows = caller.logs()
    assert len({sent, *(row["messageId"] for row in rows)}) == 3
    assert caller.logs(f"?messageId={sent}") == []
    assert caller.logs(f"?messageId={rows[0]['messageId']}") == rows[:1]
    assert [row["messageId"] for row in caller.reports()] == [row["messageId"] for row in reversed(rows)]


def test_rows_can_be_without_bulk_id_and_with_the_misspelling(caller: Caller) -> None:
    caller.behave(row_bulk_id="absent", vk_spelling="VKONTANTE").sent(FALLS_OVER)
    assert [row["channel"] for row in caller.reports()] == ["VKONTANTE", "SMS"]
    assert not any("bulkId" in row for row in caller.logs())


NAMES = ("bulkId", "messageId", "channel", "limit", "from", "to", "mcc", "mnc", "generalStatus", "sentSince", "other")
PARAMETERS = st.lists(st.tuples(st.sampled_from((*NAMES, "SENTUNTIL")), st.text(max_size=30)), max_size=6)


@settings(max_examples=60)
@given(parameters=PARAMETERS, place=st.sampled_from(["reports", "logs"]))
def test_whatever_is_asked_is_answered_or_a_bad_request(parameters: list[tuple[str, str]], place: str) -> None:
    caller = Caller()
    caller.scenario("SMS")
    caller.sent(ANYBODY)
    query = urlencode(parameters, errors="surrogatepass")
    assert caller.call("GET", f"/omni/1/{place}?{query}").status in (200, 400)
    caller.world.close()


# --- Faults -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "is_taken"),
    [
        *((each, True) for each in ("cut-after", "cut-body", "truncated", "not-json", "wrong-type", "503-after")),
        *((each, False) for each in ("cut-before", "503", "html", "redirect", "429=5")),
    ],
)
def test_whether_the_reports_are_gone_when_it_went_wrong(caller: Caller, fault: str, is_taken: bool) -> None:
    caller.sent(FALLS_OVER)
    caller.fail(f"reports:{fault}")
    if fault.startswith("cut"):
        with pytest.raises(ConnectionCutError):
            caller.reports()
    else:
        caller.call("GET", "/omni/1/reports")
    assert len(caller.reports()) == (0 if is_taken else 2)
    assert len(caller.logs()) == 2


def test_slow_reports(caller: Caller) -> None:
    caller.fail("reports:slow=3", "logs:slow=2")
    caller.reports()
    caller.logs()
    assert caller.slept == [3.0, 2.0]


def test_the_published_throttle_of_logs(caller: Caller) -> None:
    caller.behave(throttle="published")
    assert [caller.call("GET", "/omni/1/logs").status for _ in range(121)] == [200] * 120 + [429]
    assert caller.call("GET", "/omni/1/logs").headers["Retry-After"] == "61"
    assert caller.call("GET", "/omni/1/reports").status == 200
    caller.seconds += 61
    assert caller.logs() == []


@pytest.mark.parametrize(("path", "method"), [("reports", "POST"), ("logs", "DELETE"), ("advanced", "GET")])
def test_another_method_is_not_allowed(caller: Caller, path: str, method: str) -> None:
    assert caller.call(method, f"/omni/1/{path}").status == 405
