"""What the sandbox answers when it is kind: the documented API and every tolerance that real clients need."""

import json
import re
from typing import Any

import pytest

from tests.unit.sandbox.caller import OTHER, PATH, SCENARIO, Caller

SEED_POST = b"""{
   "name":"My VK-SMS scenario",
   "flow":[
      {
         "channel":"VKONTAKTE"
      },
      {
         "from":"InfoSMS",
         "channel":"SMS"
      }
   ],
   "default":true
}"""


def test_the_seeds_create_is_answered_as_in_the_seed(caller: Caller) -> None:
    reply = caller.call("POST", PATH, SEED_POST)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert re.fullmatch(r"[0-9A-F]{32}", reply.key)
    assert reply.document == {"key": reply.key, **SCENARIO, "default": True}
    assert list(reply.document["flow"][0]) == ["channel"]  # a step without a sender is echoed without one


def test_created_status_can_be_that_of_2026(caller: Caller) -> None:
    assert caller.behave(created_status=201).create().status == 201


def test_list_pages_from_zero_and_ends_with_an_empty_page(caller: Caller) -> None:
    keys = [caller.create(name=f"S {i}").key for i in range(5)]
    assert caller.keys() == keys
    assert caller.keys("?limit=2&page=0") == keys[:2]
    assert caller.keys("?limit=2&page=2") == keys[4:]
    assert caller.keys("?limit=2&page=3") == []
    assert caller.keys("?limit=0") == []


def test_list_shows_a_hundred_unless_asked_otherwise(caller: Caller) -> None:
    for number in range(101):
        caller.create(name=f"S {number}")
    assert len(caller.keys()) == 100
    assert len(caller.keys("?limit=101")) == 101


@pytest.mark.parametrize("query", ["?limit=-1", "?limit=x", "?page=-1", "?page=1.5", "?limit=99999999999"])
def test_a_wrong_page_is_a_bad_request(caller: Caller, query: str) -> None:
    reply = caller.call("GET", PATH + query)
    assert reply.status == 400
    assert reply.document["requestError"]["serviceException"]["messageId"] == "BAD_REQUEST"


@pytest.mark.parametrize("name", ["isDefault", "default"])
@pytest.mark.parametrize(
    ("text", "numbers"), [("true", [0]), ("True", [0]), ("1", [0]), ("false", [1]), ("0", [1]), ("maybe", [0, 1])]
)
def test_the_filter_in_both_spellings(caller: Caller, name: str, text: str, numbers: list[int]) -> None:
    keys = [caller.create().key, caller.create().key]
    assert caller.keys(f"?{name}={text}") == [keys[number] for number in numbers]


def test_get_and_update(caller: Caller) -> None:
    key = caller.create().key
    reply = caller.update(key, OTHER)
    assert (reply.status, reply.document) == (200, {"key": key, **OTHER, "default": True})
    assert caller.get(key).document == reply.document


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_unknown_key_is_not_found(caller: Caller, method: str) -> None:
    reply = caller.call(method, f"{PATH}/{'0' * 32}", SCENARIO)
    assert (reply.status, reply.text) == (404, "Requested resource not found")


def test_what_is_not_there_and_what_is_not_allowed(caller: Caller) -> None:
    assert caller.call("GET", "/omni/1/elsewhere").text == "Requested URL not found: /omni/1/elsewhere"
    assert caller.call("GET", f"{PATH}/a/b").status == 404
    assert caller.call("DELETE", f"{PATH}/{caller.create().key}").status == 405
    assert caller.call("PATCH", PATH).status == 405


# --- The account default ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [{}, {"default": False}, {"default": True}, {"default": None}])
def test_the_first_becomes_the_default_whatever_it_says(caller: Caller, said: dict[str, Any]) -> None:
    assert caller.create(**said).document["default"] is True


def test_a_default_moves_and_is_never_taken_away(caller: Caller) -> None:
    first, second = caller.create().key, caller.create(default=True).key
    assert [row["default"] for row in caller.rows()] == [False, True]
    caller.update(first, SCENARIO, default=True)
    caller.update(first, SCENARIO, default=False)
    caller.update(second, SCENARIO)
    assert [row["default"] for row in caller.rows()] == [True, False]


def test_the_sdk_spelling_is_read(caller: Caller) -> None:
    caller.create()
    assert caller.create(defaultScenario=True).document["default"] is True
    assert caller.create(default=None, defaultScenario=True).document["default"] is True
    assert caller.create(default=False, defaultScenario=True).document["default"] is False  # the documented one counts


# --- Credentials ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["App x", "Basic dTpw", "Basic 9jpw", "IBSSO token", "Bearer token"])
def test_any_well_formed_credential_is_accepted(caller: Caller, given: str) -> None:
    assert caller.call("GET", PATH, key=given).status == 200


@pytest.mark.parametrize(
    "given",
    [None, "", "App", "App ", "Other x", "App a b", "IBSSO a b", "Bearer a b", "Basic !!!", "Basic dTp", "Basic dXA="],
)
def test_no_credential_is_unauthorized(caller: Caller, given: str | None) -> None:
    reply = caller.call("GET", PATH, key=given)
    assert (reply.status, reply.text) == (401, "Invalid login details")


def test_only_the_named_keys_are_accepted() -> None:
    caller = Caller(api_keys=("one", "two"))
    assert [caller.call("GET", PATH, key=f"App {each}").status for each in ("one", "two", "three")] == [200, 200, 401]
    caller.world.close()


def test_a_named_user_is_accepted_with_basic() -> None:
    caller = Caller(api_keys=("u:p",))
    assert [caller.call("GET", PATH, key=f"Basic {each}").status for each in ("dTpw", "dTpx")] == [200, 401]
    caller.world.close()


# --- Bad bodies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"\xff", "body"),
        (b"[" * 100_000, "body"),
        ([], "body"),
        ({}, "flow"),
        ({"flow": []}, "flow"),
        ({"flow": {}}, "flow"),
        ({"flow": ["SMS"]}, "flow[0]"),
        ({"flow": [{"channel": "SMS"}, {}]}, "flow[1].channel"),
        ({"flow": [{"channel": "PIGEON"}]}, "flow[0].channel"),
        ({"flow": [{"channel": 99}]}, "flow[0].channel"),
        ({"flow": [{"channel": True}]}, "flow[0].channel"),
        ({"flow": [{"channel": "SMS", "from": 5}]}, "flow[0].from"),
        ({"name": 5, "flow": [{"channel": "SMS"}]}, "name"),
        ({"flow": [{"channel": "SMS"}], "default": "yes"}, "default"),
    ],
)
def test_what_is_no_scenario_is_refused_by_field(caller: Caller, body: Any, field: str) -> None:
    reply = caller.call("POST", PATH, body)
    exception = reply.document["requestError"]["serviceException"]
    assert (reply.status, exception["text"], list(exception["validationErrors"])) == (400, "invalid scenario", [field])
    assert caller.keys() == []


def test_a_huge_body_is_refused(caller: Caller) -> None:
    assert caller.call("POST", PATH, b" " * 1_000_001).status == 413
    assert caller.call("POST", "/sandbox/scenarios", b" " * 1_000_001).status == 413


# --- Tolerances -------------------------------------------------------------------------------------------------


def test_nulls_unknown_fields_ordinals_and_spellings_are_tolerated(caller: Caller) -> None:
    steps: list[dict[str, Any]] = [
        {"channel": 8, "from": None},
        {"channel": "sms", "from": "InfoSMS", "unknown": {"deep": None}},
        {"channel": "VKONTANTE"},
    ]
    reply = caller.create({"key": None, "name": None, "flow": steps, "default": None, "unknown": [1]})
    assert reply.document["flow"] == [
        {"channel": "VKONTAKTE"},
        {"from": "InfoSMS", "channel": "SMS"},
        {"channel": "VKONTAKTE"},
    ]
    assert "name" not in reply.document
    assert "unknown" not in reply.document


def test_a_byte_order_mark_is_tolerated(caller: Caller) -> None:
    assert caller.call("POST", PATH, b"\xef\xbb\xbf" + json.dumps(SCENARIO).encode()).status == 200


@pytest.mark.parametrize("path", ["/omni//1/scenarios/", "/omni/1/scenarios?&&limit=5&&other=x", PATH + "?stray"])
def test_odd_targets_are_tolerated(caller: Caller, path: str) -> None:
    caller.create()
    assert len(caller.call("GET", path).document["scenarios"]) == 1


# --- The throttle -----------------------------------------------------------------------------------------------


def test_the_published_throttle_of_creates(caller: Caller) -> None:
    caller.behave(throttle="published")
    for _ in range(20):
        assert caller.create().status == 200
        caller.seconds += 1
    refused = caller.create()
    assert (refused.status, refused.text) == (429, "Too many requests")
    assert refused.headers["Retry-After"] == "581"
    caller.seconds += 581
    assert caller.create().status == 200
    assert len(caller.keys()) == 21


def test_the_published_throttle_of_updates_without_a_word_when_to_come_again(caller: Caller) -> None:
    key = caller.create().key
    caller.behave(throttle="published", retry_after="absent")
    assert [caller.update(key, OTHER).status for _ in range(41)] == [200] * 40 + [429]
    assert "Retry-After" not in caller.update(key, OTHER).headers
    assert caller.create().status == 200  # a budget of its own


def test_half_a_surrogate_pair_is_refused_so_that_the_list_stays_utf_8(caller: Caller) -> None:
    reply = caller.call("POST", PATH, b'{"name": "\\ud800", "flow": [{"channel": "SMS"}]}')
    assert reply.status == 400
    assert caller.keys() == []


def test_a_page_number_that_is_too_long_is_refused_for_its_length(caller: Caller) -> None:
    reply = caller.call("GET", f"{PATH}?page={'9' * 10}", b"")
    assert reply.status == 400
    assert b"at most 9 digits" in reply.content
