"""The recipients table, and the tables of statuses and errors that it draws from."""

from typing import Any

import pytest

from omnictl.sandbox.codes import ERRORS, STATUSES, CodeError, find_error, find_status, get_error, get_status
from omnictl.sandbox.personas import PersonaError, read_entry, write_entry
from tests.unit.sandbox.caller import Caller, seconds_of, story

SOMEBODY = "41793026711"


@pytest.fixture(autouse=True)
def two_steps(caller: Caller) -> None:
    """The default scenario of every test here: VKONTAKTE, then SMS."""
    caller.scenario("VKONTAKTE", "SMS")


def test_a_recipient_is_set_for_all_channels_or_for_one(caller: Caller) -> None:
    caller.recipient(SOMEBODY, "rejected").recipient(f"+{SOMEBODY}", "undeliverable", channel="vkontakte")
    caller.sent(SOMEBODY)
    assert story(caller.reports()) == [("VKONTAKTE", "UNDELIVERABLE"), ("SMS", "REJECTED")]
    caller.recipient(SOMEBODY, "delivered", channel="VKONTAKTE")
    caller.sent(SOMEBODY)
    assert story(caller.reports()) == [("VKONTAKTE", "DELIVERED")]


def test_the_table_counts_before_the_magic_numbers(caller: Caller) -> None:
    caller.recipient("41793026731", "delivered").recipient("41793026701", "delivered")
    caller.sent("41793026731", "41793026701")
    assert story(caller.reports()) == [("VKONTAKTE", "DELIVERED")] * 2


def test_status_error_time_and_price_are_as_set(caller: Caller) -> None:
    caller.recipient(
        SOMEBODY, "undeliverable", channel="VKONTAKTE", status="NO_ANSWER", error="2/4102", after="1.5s", price=0.25
    )
    caller.sent(SOMEBODY)
    row = caller.reports("?channel=VKONTAKTE")[0]
    assert (row["status"]["groupId"], row["status"]["id"], row["status"]["description"]) == (2, 96, "No answer")
    assert (row["error"]["groupName"], row["error"]["id"], row["error"]["permanent"]) == ("USER_ERRORS", 4102, True)
    assert row["price"]["pricePerMessage"] == 0.25
    assert seconds_of(row, "doneAt") - seconds_of(row, "sentAt") == 1.5


@pytest.mark.parametrize("outcome", ["expired", "pending", "seen", "late", "falls-over", "delivered", "rejected"])
def test_every_outcome_takes_a_status_of_its_group(caller: Caller, outcome: str) -> None:
    status = {"expired": "29", "pending": "3", "falls-over": "98", "rejected": "5/10"}.get(outcome, "2")
    caller.recipient(SOMEBODY, outcome, status=status)
    caller.sent(SOMEBODY)
    found = {row["status"]["id"] for row in caller.logs()}
    assert int(status.split("/")[-1]) in found


def test_recipients_are_listed_and_dropped(caller: Caller) -> None:
    caller.recipient(SOMEBODY, "late", after="90m", error="6", price=0.0104).recipient("a@b.c", "seen", channel="EMAIL")
    caller.recipient(SOMEBODY, "seen", channel="SMS")
    listed = caller.control("GET", "recipients")["recipients"]
    assert listed == [
        {"recipient": SOMEBODY, "outcome": "late", "error": "General/1/6", "after": "1h30m", "price": "0.0104"},
        {"recipient": SOMEBODY, "channel": "SMS", "outcome": "seen"},
        {"recipient": "a@b.c", "channel": "EMAIL", "outcome": "seen"},
    ]
    assert caller.control("GET", "status")["recipients"] == 3
    assert len(caller.control("DELETE", f"recipients/{SOMEBODY}/sms")["recipients"]) == 2
    assert len(caller.control("DELETE", f"recipients/+{SOMEBODY}")["recipients"]) == 1
    assert caller.call("DELETE", "/sandbox/recipients/nobody").status == 404
    assert caller.call("DELETE", "/sandbox/recipients/a@b.c/PIGEON").status == 404
    assert caller.control("POST", "recipients", listed)["recipients"] == listed
    assert caller.control("DELETE", "recipients") == {"recipients": []}
    assert caller.control("DELETE", "recipients") == {"recipients": []}


def test_of_several_recipients_all_or_none_are_set(caller: Caller) -> None:
    good = {"recipient": SOMEBODY, "outcome": "seen"}
    assert caller.call("POST", "/sandbox/recipients", [good, {**good, "outcome": "x"}]).status == 400
    assert caller.control("GET", "recipients") == {"recipients": []}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([], "A recipient is an object"),
        ({"outcome": "seen"}, "recipient is a number, an e-mail address or a push id, not None"),
        ({"recipient": " + ", "outcome": "seen"}, "recipient is a number"),
        ({"recipient": 41, "outcome": "seen"}, "recipient is a number"),
        ({"recipient": "\ud800", "outcome": "seen"}, "recipient is a number"),
        ({"recipient": "41"}, "outcome is delivered, undeliverable"),
        ({"recipient": "41", "outcome": "lost"}, "outcome is delivered, undeliverable"),
        ({"recipient": "41", "outcome": ["seen"]}, "outcome is delivered, undeliverable"),
        ({"recipient": "41", "outcome": "seen", "statuss": 5}, "A recipient has no 'statuss'; it has recipient"),
        ({"recipient": "41", "outcome": "seen", "channel": "PIGEON"}, "channel is SMS, EMAIL"),
        ({"recipient": "41", "outcome": "seen", "channel": []}, "channel is SMS, EMAIL"),
        ({"recipient": "41", "outcome": "refused", "channel": "SMS"}, "A recipient is refused before any channel"),
        ({"recipient": "41", "outcome": "seen", "status": 9}, "The status 2/9 UNDELIVERABLE_NOT_DELIVERED is of the"),
        ({"recipient": "41", "outcome": "seen", "status": "DELIVERED_TO_HANDSETS"}, "There is no status 'DELIVERED_TO"),
        ({"recipient": "41", "outcome": "seen", "error": "777"}, "There is no error '777'; the ids and names"),
        ({"recipient": "41", "outcome": "seen", "after": "2x"}, "A duration is a number and ms, s, m, h or d"),
        ({"recipient": "41", "outcome": "seen", "after": 5}, "A duration is a number and"),
        ({"recipient": "41", "outcome": "seen", "after": "3651d"}, "A duration is at most 3650d"),
        ({"recipient": "41", "outcome": "expired", "after": "5s"}, "The outcome expired takes no after"),
        ({"recipient": "41", "outcome": "seen", "price": "1e3"}, "price is a number of at least 0, not '1e3'"),
        ({"recipient": "41", "outcome": "seen", "price": True}, "price is a number of at least 0"),
        ({"recipient": "41", "outcome": "seen", "price": -1}, "price is a number of at least 0"),
        ({"recipient": "41", "outcome": "seen", "price": float("nan")}, "price is a number of at least 0"),
    ],
)
def test_what_is_no_recipient_is_told(caller: Caller, given: Any, text: str) -> None:
    with pytest.raises(PersonaError) as caught:
        read_entry(given)
    assert str(caught.value).startswith(text)
    assert caller.call("POST", "/sandbox/recipients", [given]).status == 400


def test_a_recipient_is_written_as_it_can_be_read() -> None:
    given = {"recipient": "41", "channel": "PUSH", "outcome": "rejected", "status": "65", "error": "8001", "price": 0}
    entry = read_entry(given)
    assert read_entry(write_entry(entry)) == entry
    assert write_entry(entry)["status"] == "Push notifications/5/65"


# --- The tables -------------------------------------------------------------------------------------------------


def test_every_documented_status_and_error_is_there_and_found_by_family_group_and_id() -> None:
    assert (len(STATUSES), len(ERRORS)) == (63, 311)
    assert all(get_status(code.key) is code for code in STATUSES)
    assert all(get_error(code.key) is code for code in ERRORS)
    assert all(find_status(code.key, "SMS", (code.group,)) is code for code in STATUSES)
    assert all(find_error(code.key, "SMS") is code for code in ERRORS)


@pytest.mark.parametrize(
    ("text", "channel", "groups", "key"),
    [
        ("9", "", (2,), "General/2/9"),
        ("2/9", "SMS", (2,), "General/2/9"),
        (" UNDELIVERABLE_NOT_DELIVERED ", "SMS", (2,), "General/2/9"),
        ("87", "SMS", (4,), "General/4/87"),
        ("87", "SMS", (5,), "General/5/87"),
        ("87", "VOICE", (5,), "Voice/5/87"),
        ("87", "VOICE", (4,), "General/4/87"),
        ("56", "SMS", (5,), "Voice/5/56"),
        ("66", "PUSH", (2,), "Push notifications/2/66"),
        ("90", "EMAIL", (5,), "Email/5/90"),
    ],
)
def test_a_status_is_looked_up_by_group_and_channel(text: str, channel: str, groups: tuple[int, ...], key: str) -> None:
    assert find_status(text, channel, groups).key == key


@pytest.mark.parametrize(
    ("text", "channel", "key"),
    [
        ("4102", "", "General/2/4102"),
        ("3/4102", "", "General/3/4102"),
        ("7003", "VIBER", "Chat/1/7003"),
        ("EC_NO_SESSION", "", "Chat/1/7010"),
        ("5003", "VOICE", "Voice (DEPRECATED)/3/5003"),
    ],
)
def test_an_error_is_looked_up_by_id_group_or_name(text: str, channel: str, key: str) -> None:
    assert find_error(text, channel).key == key


def test_a_name_that_is_nearly_one_is_told() -> None:
    with pytest.raises(CodeError, match="did you mean EC_ABSENT_SUBSCRIBER"):
        find_error("EC_ABSENT_SUBSCRIBR", "")


@pytest.mark.parametrize(
    ("key", "words"),
    [("General/1/6", "Absent Subscriber"), ("General/1/27", "Absent subscriber"), ("General/0/0", "No Error")],
)
def test_descriptions_are_the_documented_ones_or_the_name_in_words(key: str, words: str) -> None:
    assert get_error(key).description == words
