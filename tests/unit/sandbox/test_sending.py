"""Taking messages: the answer, ids, refusals, and everything that real clients send."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnictl.sandbox.errors import ConnectionCutError
from tests.unit.sandbox.caller import Caller, story

ANYBODY, OTHER_ONE = "41790000001", "41790000002"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(autouse=True)
def key(caller: Caller) -> str:
    """The key of the default scenario of every test here: VKONTAKTE, then SMS."""
    return caller.scenario("VKONTAKTE", "SMS")


def statuses(document: Any) -> list[str]:
    return [each["status"]["name"] for each in document["messages"]]


def taken(caller: Caller) -> dict[str, int]:
    """Return how often each message was taken."""
    return {each["messageId"]: each["times"] for each in caller.control("GET", "messages")["messages"]}


# --- The answer -------------------------------------------------------------------------------------------------


def test_one_message_is_answered_without_a_bulk_id_and_with_an_id_of_the_servers(caller: Caller) -> None:
    document = caller.send(ANYBODY).document
    assert list(document) == ["messages"]
    assert UUID.fullmatch(document["messages"][0]["messageId"])
    assert statuses(document) == ["PENDING_ENROUTE"]


def test_several_messages_have_a_bulk_id_and_the_clients_own_ids(caller: Caller) -> None:
    to = [{"messageId": "M-1", "to": {"phoneNumber": ANYBODY}}, {"to": {"phoneNumber": OTHER_ONE}, "messageId": None}]
    document = caller.send(destinations=to, bulkId="B-1", callbackData="mine").document
    assert document["bulkId"] == "B-1"
    ids = [each["messageId"] for each in document["messages"]]
    assert ids[0] == "M-1"
    assert UUID.fullmatch(ids[1])
    rows = caller.reports()
    assert {(row["bulkId"], row["callbackData"]) for row in rows} == {("B-1", "mine")}
    assert [row["messageId"] for row in rows] == ids or [row["messageId"] for row in rows] == ids[::-1]


def test_a_bulk_id_is_made_where_none_is_given(caller: Caller) -> None:
    made = caller.send(ANYBODY, OTHER_ONE).document["bulkId"]
    assert {row["bulkId"] for row in caller.reports()} == {made}


def test_a_bulk_id_that_was_given_can_come_back_with_one_message(caller: Caller) -> None:
    assert "bulkId" not in caller.send(ANYBODY, bulkId="B").document
    caller.behave(reply_bulk_id="supplied")
    assert caller.send(ANYBODY, bulkId="B").document["bulkId"] == "B"
    assert "bulkId" not in caller.send(ANYBODY).document


def test_the_simple_send_has_one_text_for_all_channels(caller: Caller) -> None:
    caller.scenario("EMAIL", "VIBER")
    destinations = {"to": {"phoneNumber": ANYBODY, "emailAddress": "undeliverable@example.com"}}
    body = {"destinations": destinations, "text": "One text", "mailSubject": "Subject"}
    assert statuses(caller.call("POST", "/omni/1/text", body).document) == ["PENDING_ENROUTE"]
    assert [(row["channel"], row["text"]) for row in caller.logs()] == [("VIBER", "One text"), ("EMAIL", "One text")]
    refused = caller.call("POST", "/omni/1/text", {"destinations": destinations})
    assert errors(refused) == {"text": ["must not be empty"]}


# --- Which scenario ---------------------------------------------------------------------------------------------


def errors(reply: Any) -> dict[str, list[str]]:
    """Return what a 400 says, by field."""
    exception = reply.document["requestError"]["serviceException"]
    assert (reply.status, exception["messageId"], exception["text"]) == (400, "BAD_REQUEST", "Bad Request")
    return dict(exception["validationErrors"])


def test_the_named_scenario_is_used_else_the_default(caller: Caller, key: str) -> None:
    other = caller.create({"flow": [{"channel": "EMAIL"}]}).key
    caller.sent(ANYBODY)
    caller.sent(ANYBODY, scenarioKey=None)
    caller.send(to={"emailAddress": "a@example.com"}, scenarioKey=other)
    assert [each["scenarioKey"] for each in caller.control("GET", "messages")["messages"]] == [key, key, other]


def test_an_unknown_scenario_and_no_default_are_bad_requests(caller: Caller, key: str) -> None:
    assert list(errors(caller.send(ANYBODY, scenarioKey="nothing"))) == ["scenarioKey"]
    caller.control("DELETE", f"scenarios/{key}")
    assert list(errors(caller.send(ANYBODY))) == ["scenarioKey"]
    assert taken(caller) == {}


# --- What is refused, in the reply ------------------------------------------------------------------------------


def test_a_repeated_id_is_sent_once_more(caller: Caller) -> None:
    twice = [{"messageId": "M", "to": {"phoneNumber": ANYBODY}}] * 2
    caller.send(destinations=twice)
    assert statuses(caller.send(destinations=twice[:1]).document) == ["PENDING_ENROUTE"]
    assert taken(caller) == {"M": 3}
    assert len(caller.reports()) == 3


def test_a_repeated_id_can_be_rejected_in_the_reply(caller: Caller) -> None:
    caller.behave(repeated_message_ids="rejected")
    twice = [{"messageId": "M", "to": {"phoneNumber": ANYBODY}}] * 2
    document = caller.send(destinations=twice).document
    assert statuses(document) == ["PENDING_ENROUTE", "REJECTED_DUPLICATE_MESSAGE_ID"]
    again = caller.send(destinations=twice[:1]).document["messages"][0]
    assert (again["messageId"], again["status"]["groupId"], again["status"]["id"]) == ("M", 5, 23)
    assert taken(caller) == {"M": 1}
    assert len(caller.reports()) == len(caller.logs()) == 1


def test_who_is_refused_and_who_has_no_address_is_told_in_the_reply_and_not_sent(caller: Caller) -> None:
    caller.recipient(OTHER_ONE, "refused", status="REJECTED_DND")
    to = [{"phoneNumber": OTHER_ONE}, {"phoneNumber": "41793026708"}, {}, {"phoneNumber": ANYBODY}, {"other": "x"}]
    document = caller.send(destinations=[{"to": each} for each in to]).document
    assert statuses(document) == [
        "REJECTED_DND",
        "REJECTED_NOT_ENOUGH_CREDITS",
        "MISSING_TO",
        "PENDING_ENROUTE",
        "MISSING_TO",
    ]
    assert [each["to"] for each in document["messages"]] == to
    assert list(taken(caller)) == [document["messages"][3]["messageId"]]
    assert len(caller.logs()) == 1


# --- Tolerances -------------------------------------------------------------------------------------------------


def test_what_real_clients_send_is_taken(caller: Caller) -> None:
    body = {
        "destinations": {"to": {"phoneNumber": f"+{ANYBODY}", "emailAddress": None, "placeholders": {"a": None}}},
        "bulkId": None,
        "scenarioKey": None,
        "notifyUrl": None,
        "sendAt": None,
        "validityPeriod": 5,
        "vKontakte": {"text": "x", "validityPeriod": None, "validityPeriodTimeUnit": None, "unknown": [None]},
        "line": {"text": "x"},
        "whatsApp": {"contacts": {"name": "one"}, "templateData": []},
        "sms": None,
        "unknown": {"deep": [None]},
    }
    content = b"\xef\xbb\xbf" + json.dumps(body).encode()
    reply = caller.call("POST", "http://elsewhere//omni//1/advanced/?&&x=1&stray", content)
    assert statuses(reply.document) == ["PENDING_ENROUTE"]
    assert reply.headers["Content-Type"].startswith("application/json")
    assert caller.reports()[0]["to"] == ANYBODY


# --- Hostile bodies ---------------------------------------------------------------------------------------------


def body_with(**fields: Any) -> dict[str, Any]:
    return {"destinations": [{"to": {"phoneNumber": ANYBODY}}], "sms": {"text": "x"}, **fields}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"\xff", "body"),
        (b"[" * 100_000, "body"),
        (b'{"a":' * 90 + b"1" + b"}" * 90, "destinations"),
        (b'{"a": ' + b"9" * 5000 + b"}", "body"),
        (b'{"bulkId": "\\ud800"}', "body"),
        ([], "body"),
        ({}, "destinations"),
        ({"destinations": []}, "destinations"),
        ({"destinations": "41"}, "destinations"),
        ({"destinations": ["41"]}, "destinations[0]"),
        ({"destinations": [{}]}, "destinations[0].to"),
        ({"destinations": [{"to": "41"}]}, "destinations[0].to"),
        ({"destinations": [{"to": {"phoneNumber": 41}}]}, "destinations[0].to.phoneNumber"),
        ({"destinations": [{"to": {"pushRegistrationId": []}}]}, "destinations[0].to.pushRegistrationId"),
        ({"destinations": [{"to": {}, "messageId": 5}]}, "destinations[0].messageId"),
        (body_with(scenarioKey=5), "scenarioKey"),
        (body_with(bulkId={}), "bulkId"),
        (body_with(sms="text"), "sms"),
        (body_with(sms={"text": 5}), "sms.text"),
        (body_with(email={"subject": 5}), "email.subject"),
        (body_with(vKontakte={"templateName": []}), "vKontakte.templateName"),
        (body_with(push={"text": "x" * 2001}), "push.text"),
        (body_with(viber={"buttonText": "x" * 31}), "viber.buttonText"),
        (body_with(kakaoAlim={"templateCode": 5}), "kakaoAlim.templateCode"),
        (body_with(sms={"validityPeriod": "5"}), "sms.validityPeriod"),
        (body_with(sms={"validityPeriod": 1.5}), "sms.validityPeriod"),
        (body_with(sms={"validityPeriod": True}), "sms.validityPeriod"),
        (body_with(sms={"validityPeriod": 0}), "sms.validityPeriod"),
        (body_with(sms={"validityPeriod": -5}), "sms.validityPeriod"),
        (body_with(sms={"validityPeriod": float("inf")}), "sms.validityPeriod"),
        (body_with(sms={"validityPeriodTimeUnit": "WEEKS"}), "sms.validityPeriodTimeUnit"),
        (body_with(sms={"validityPeriodTimeUnit": 7}), "sms.validityPeriodTimeUnit"),
        (body_with(sms={"validityPeriodTimeUnit": True}), "sms.validityPeriodTimeUnit"),
        (body_with(callbackData=5), "callbackData"),
        (body_with(callbackData="x" * 4001), "callbackData"),
        (body_with(notify="yes"), "notify"),
        (body_with(intermediateReport=1), "intermediateReport"),
        (body_with(notifyUrl=5), "notifyUrl"),
        (body_with(notifyUrl="ftp://x"), "notifyUrl"),
        (body_with(notifyUrl="http://"), "notifyUrl"),
        (body_with(notifyContentType="text/plain"), "notifyContentType"),
        (body_with(sendAt=5), "sendAt"),
        (body_with(sendAt="soon"), "sendAt"),
        (body_with(sendAt="2016-13-01T00:00:00.000+0000"), "sendAt"),
        (body_with(sendAt="9999-12-31T23:59:59.999-2300"), "sendAt"),
        (body_with(sendAt="1970-06-30T00:16:40.000+0000"), "sendAt"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_field(caller: Caller, body: Any, field: str) -> None:
    assert list(errors(caller.call("POST", "/omni/1/advanced", body))) == [field]
    assert taken(caller) == {}


def test_a_day_less_than_180_is_not_too_far(caller: Caller) -> None:
    assert caller.send(ANYBODY, sendAt="1970-06-30T00:16:39.000Z").status == 200


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
ANY_JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
FIELDS = (
    *("scenarioKey", "bulkId", "sms", "vKontakte", "callbackData", "notify", "notifyUrl", "sendAt", "text"),
    *("intermediateReport", "notifyContentType", "viber", "push", "whatsApp"),
)
NEARLY = st.fixed_dictionaries(
    {"destinations": ANY_JSON | st.lists(st.fixed_dictionaries({"to": ANY_JSON, "messageId": ANY_JSON}), max_size=3)},
    optional=dict.fromkeys(FIELDS, ANY_JSON),
)


@settings(max_examples=60)
@given(body=NEARLY | ANY_JSON, path=st.sampled_from(["advanced", "text"]))
def test_whatever_comes_is_taken_or_a_bad_request(body: Any, path: str) -> None:
    caller = Caller()
    caller.scenario("VKONTAKTE", "SMS", "PUSH")
    reply = caller.call("POST", f"/omni/1/{path}", json.dumps(body).encode())
    assert reply.status in (200, 400)
    assert len(caller.reports("?limit=1000")) >= len(taken(caller))
    assert caller.logs("?limit=1000") is not None
    caller.world.close()


# --- Faults -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "times"),
    [("cut-before", 0), ("cut-after", 1), ("500", 0), ("500-after", 1), ("html", 0), ("redirect", 0)],
)
def test_whether_it_was_taken_before_it_went_wrong(caller: Caller, fault: str, times: int) -> None:
    caller.fail(f"send:{fault}")
    destinations = [{"messageId": "M", "to": {"phoneNumber": ANYBODY}}]
    if fault.startswith("cut"):
        with pytest.raises(ConnectionCutError):
            caller.send(destinations=destinations)
    else:
        assert caller.send(destinations=destinations).status in (302, 500, 502)
    assert taken(caller) == ({"M": 1} if times else {})
    assert len(caller.logs()) == times


@pytest.mark.parametrize("path", ["advanced", "text"])
def test_a_late_commit_is_taken_later_as_of_its_time(caller: Caller, path: str) -> None:
    caller.fail("send:late-commit=5")
    with pytest.raises(ConnectionCutError):
        caller.send(destinations=[{"messageId": "M", "to": {"phoneNumber": ANYBODY}}], path=path, text="x")
    assert caller.logs() == []
    caller.seconds += 6
    assert caller.logs()[0]["sentAt"] == "1970-01-01T00:16:45.000+0000"
    assert taken(caller) == {"M": 1}


def test_a_late_commit_is_there_though_nobody_asked_in_the_meantime(caller: Caller) -> None:
    caller.fail("send:late-commit=5")
    with pytest.raises(ConnectionCutError):
        caller.send(destinations=[{"messageId": "M", "to": {"phoneNumber": ANYBODY}}], notifyUrl="http://localhost/x")
    assert taken(caller) == {}
    caller.seconds += 6
    assert taken(caller) == {"M": 1}
    assert len(caller.pushed) == 1


def test_a_late_commit_that_cannot_be_read_is_refused_at_once_and_one_whose_scenario_is_gone_is_lost(
    caller: Caller, key: str
) -> None:
    caller.fail("send:late-commit=5,times=3")
    assert caller.send(ANYBODY, scenarioKey="x").status == 400
    assert caller.send(ANYBODY, sms="x").status == 400
    with pytest.raises(ConnectionCutError):
        caller.send(ANYBODY)
    caller.control("DELETE", f"scenarios/{key}")
    caller.seconds += 6
    assert caller.logs() == []


def test_a_reply_can_omit_a_message_that_was_taken(caller: Caller) -> None:
    caller.fail("send:omit-id")
    document = caller.send(ANYBODY, OTHER_ONE).document
    assert len(document["messages"]) == 1
    assert len(taken(caller)) == 2


def test_a_big_batch_into_a_big_world_stays_quick(caller: Caller) -> None:
    """Ten thousand messages; no time is asserted, the time-out of the suite bounds a hang."""
    for number in range(100):
        assert len(caller.sent(*(str(41_790_000_000 + number * 100 + each) for each in range(100)))) == 100
    assert len(caller.control("GET", "messages")["messages"]) == 10_000
    assert len(caller.reports("?limit=1000")) == 1000
    assert len(caller.logs("?limit=1000&generalStatus=DELIVERED")) == 1000
    assert caller.logs("?to=41790000005")[0]["to"] == "41790000005"
    assert story(caller.logs("?to=41790000005")) == [("VKONTAKTE", "DELIVERED")]
