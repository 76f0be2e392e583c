"""The failover: which steps are tried, when, and what becomes known of each."""

from typing import Any

import pytest

from omnictl.sandbox.delivery import count_segments
from omnictl.sandbox.personas import MAGIC_NUMBERS, OUTCOMES
from tests.unit.sandbox.caller import Caller, seconds_of, story

ANYBODY = "41790000001"
MAGIC = {outcome: number for number, outcome in MAGIC_NUMBERS.items()}


@pytest.fixture(autouse=True)
def two_steps(caller: Caller) -> None:
    """The default scenario of every test here: VKONTAKTE, then SMS."""
    caller.scenario("VKONTAKTE", "SMS")


def test_anybody_is_reached_by_the_first_step_within_a_second_and_always_in_the_same_time(caller: Caller) -> None:
    caller.sent(ANYBODY, ANYBODY)
    first, second = caller.reports()
    assert story([first]) == [("VKONTAKTE", "DELIVERED")]
    assert 0.1 <= seconds_of(first, "doneAt") - seconds_of(first, "sentAt") < 1
    assert first["doneAt"] == second["doneAt"]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("delivered", [("VKONTAKTE", "DELIVERED")]),
        ("undeliverable", [("VKONTAKTE", "UNDELIVERABLE"), ("SMS", "UNDELIVERABLE")]),
        ("falls-over", [("VKONTAKTE", "UNDELIVERABLE"), ("SMS", "DELIVERED")]),
        ("rejected", [("VKONTAKTE", "REJECTED"), ("SMS", "REJECTED")]),
        ("expired", [("VKONTAKTE", "EXPIRED"), ("SMS", "EXPIRED")]),
        ("late", [("VKONTAKTE", "EXPIRED"), ("SMS", "DELIVERED"), ("VKONTAKTE", "DELIVERED")]),
        ("seen", [("VKONTAKTE", "DELIVERED")]),
        ("pending", []),
        ("refused", []),
    ],
)
def test_every_outcome_has_a_magic_number_a_mail_address_and_a_push_id(
    caller: Caller, outcome: str, expected: list[tuple[str, str]]
) -> None:
    assert len(MAGIC) == len(OUTCOMES)
    caller.sent(MAGIC[outcome])
    assert story(caller.reports()) == expected
    caller.scenario("EMAIL", "EMAIL")
    caller.send(to={"emailAddress": f"{outcome}@example.com"})
    assert [group for _, group in story(caller.reports())] == [group for _, group in expected]
    caller.scenario("PUSH", "PUSH")
    caller.send(to={"pushRegistrationId": f"{outcome.upper()}-1"}, push={"text": "x"})
    assert [group for _, group in story(caller.reports())] == [group for _, group in expected]


def test_a_name_that_only_begins_like_an_outcome_is_anybody(caller: Caller) -> None:
    caller.scenario("EMAIL")
    caller.send(to={"emailAddress": "latex@example.com"})
    assert story(caller.reports()) == [("EMAIL", "DELIVERED")]


def test_each_validity_counts_from_the_start_of_its_step(caller: Caller) -> None:
    """The documented example: one minute, 90 seconds, two hours."""
    caller.scenario("VIBER", "SMS", "EMAIL")
    caller.recipient("41790000002", "expired").recipient("a@example.com", "expired")
    caller.send(
        to={"phoneNumber": "41790000002", "emailAddress": "a@example.com"},
        viber={"text": "x", "validityPeriod": 1},
        sms={"text": "x", "validityPeriod": 90, "validityPeriodTimeUnit": "SECONDS"},
        email={"text": "x", "validityPeriod": 2, "validityPeriodTimeUnit": "HOURS"},
    )
    rows = caller.reports()
    assert [seconds_of(row, "sentAt") - 1000 for row in rows] == [0, 60, 150]
    assert [seconds_of(row, "doneAt") - 1000 for row in rows] == [60, 150, 7350]
    assert {row["status"]["name"] for row in rows} == {"EXPIRED_EXPIRED"}


@pytest.mark.parametrize(
    ("period", "unit", "seconds"),
    [
        (120_000_000_000, "NANOSECONDS", 120),
        (90_000_000, "MICROSECONDS", 90),
        (90_000, "milliseconds", 90),
        (90, 3, 90),
        (2, None, 120),
        (2, "HOURS", 7200),
        (2, 6, 172_800),
        (49, "HOURS", 172_800),
        (10**30, "DAYS", 172_800),
    ],
)
def test_units_of_validity_and_the_cut_at_48_hours(caller: Caller, period: int, unit: Any, seconds: int) -> None:
    caller.sent(MAGIC["expired"], vKontakte={"text": "x", "validityPeriod": period, "validityPeriodTimeUnit": unit})
    row = caller.reports()[0]
    assert seconds_of(row, "doneAt") - seconds_of(row, "sentAt") == seconds


@pytest.mark.parametrize(("channel", "hours"), [("VKONTAKTE", 144), ("SMS", 48), ("KAKAO_ALIM", 72)])
def test_a_step_without_a_validity_tries_as_long_as_its_channel_does(caller: Caller, channel: str, hours: int) -> None:
    caller.scenario(channel)
    caller.sent(MAGIC["expired"], kakaoAlim={"text": "x"})
    row = caller.reports()[0]
    assert seconds_of(row, "doneAt") - seconds_of(row, "sentAt") == hours * 3600


def test_a_step_that_takes_longer_than_its_validity_expires(caller: Caller) -> None:
    caller.recipient(ANYBODY, "delivered", channel="VKONTAKTE", after="2m")
    caller.sent(ANYBODY, vKontakte={"text": "x", "validityPeriod": 1})
    assert story(caller.reports()) == [("VKONTAKTE", "EXPIRED"), ("SMS", "DELIVERED")]


def test_a_late_delivery_comes_after_the_later_step_has_gone_out(caller: Caller) -> None:
    caller.behave(clock="real").recipient(ANYBODY, "late", after="10m")
    caller.sent(ANYBODY, vKontakte={"text": "x", "validityPeriod": 1})
    caller.seconds += 59
    assert caller.reports() == []
    caller.seconds += 1.05
    assert story(caller.reports()) == [("VKONTAKTE", "EXPIRED")]
    caller.seconds += 1
    assert story(caller.reports()) == [("SMS", "DELIVERED")]
    assert story(caller.logs()) == [("SMS", "DELIVERED"), ("VKONTAKTE", "EXPIRED")]
    caller.seconds += 600
    late = caller.reports()
    assert story(late) == [("VKONTAKTE", "DELIVERED")]
    assert seconds_of(late[0], "doneAt") == 1000 + 60 + 600
    assert story(caller.logs()) == [("SMS", "DELIVERED"), ("VKONTAKTE", "DELIVERED")]


def test_a_late_last_step_is_delivered_after_its_expiry(caller: Caller) -> None:
    caller.scenario("SMS")
    caller.sent(MAGIC["late"])
    assert story(caller.reports()) == [("SMS", "EXPIRED"), ("SMS", "DELIVERED")]


def test_a_step_without_content_is_rejected_and_the_next_one_starts_at_once(caller: Caller) -> None:
    caller.scenario("PUSH", "VOICE", "VIBER", "SMS")
    caller.send(
        to={"phoneNumber": ANYBODY, "pushRegistrationId": "p"},
        viber={"validityPeriod": 5, "text": ""},
        voice=None,
    )
    rows = caller.reports()
    assert [(row["status"]["id"], row["error"]["name"]) for row in rows] == [
        (69, "EC_DATA_MISSING"),
        (55, "EC_DATA_MISSING"),
        (99, "EC_DATA_MISSING"),
        (5, "NO_ERROR"),
    ]
    assert [row["price"]["pricePerMessage"] for row in rows] == [0, 0, 0, 0.01]
    assert {row["sentAt"] for row in rows} == {rows[0]["doneAt"]}
    assert [row["to"] for row in rows] == ["p", ANYBODY, ANYBODY, ANYBODY]


def test_a_step_without_an_address_is_rejected(caller: Caller) -> None:
    caller.scenario("EMAIL", "SMS")
    caller.sent(ANYBODY)
    first, second = caller.reports()
    assert (first["status"]["name"], first["error"]["name"]) == ("MISSING_TO", "EC_INVALID_DESTINATION_ADDRESS")
    assert (first["to"], second["status"]["groupName"]) == (ANYBODY, "DELIVERED")


@pytest.mark.parametrize(
    ("channel", "to", "shown"),
    [
        ("WHATSAPP", {"whatsAppUserId": "HR.1", "phoneNumber": "+41790000001"}, "41790000001"),
        ("WHATSAPP", {"whatsAppUserId": "HR.1"}, "HR.1"),
        ("LINE", {"lineUserKey": "L", "phoneNumber": "1"}, "L"),
        ("LINE", {"phoneNumber": "1"}, "1"),
        ("FACEBOOK", {"facebookUserKey": "F"}, "F"),
        ("EMAIL", {"emailAddress": "a@b.c", "phoneNumber": "1"}, "a@b.c"),
    ],
)
def test_each_channel_has_its_address(caller: Caller, channel: str, to: Any, shown: str) -> None:
    caller.scenario(channel)
    content: dict[str, Any] = {name: {"text": "x"} for name in ("whatsApp", "line", "facebook", "email")}
    reply = caller.send(to=to, **content)
    assert reply.document["messages"][0]["to"] == to
    row = caller.reports()[0]
    assert (row["to"], row["status"]["groupName"]) == (shown, "DELIVERED")
    assert ("mccMnc" in row) == shown.isdigit()


def test_what_is_scheduled_starts_at_its_time(caller: Caller) -> None:
    caller.behave(clock="real")
    caller.sent(MAGIC["falls-over"], sendAt="1970-01-01T01:20:00.000+0100")
    caller.seconds = 1199
    assert (caller.reports(), caller.logs()) == ([], [])
    caller.seconds = 1202
    rows = caller.reports()
    assert rows[0]["sentAt"] == "1970-01-01T00:20:00.000+0000"
    assert story(rows) == [("VKONTAKTE", "UNDELIVERABLE"), ("SMS", "DELIVERED")]


def test_what_should_have_been_sent_before_is_sent_at_once(caller: Caller) -> None:
    caller.sent(ANYBODY, sendAt="1970-01-01T00:00:00.000+0000")
    assert seconds_of(caller.reports()[0], "sentAt") == 1000


def test_a_scenario_that_changes_does_not_change_what_is_under_way(caller: Caller) -> None:
    key = caller.scenario("VKONTAKTE", "SMS")
    caller.sent(MAGIC["falls-over"])
    caller.update(key, {"flow": [{"channel": "EMAIL"}]})
    assert [channel for channel, _ in story(caller.reports())] == ["VKONTAKTE", "SMS"]


@pytest.mark.parametrize(
    ("number", "network"),
    [("41790000001", "22801"), ("385910000001", "21901"), ("12025550100", "310260"), ("99912345", "00101")],
)
def test_a_number_has_the_network_of_its_country(caller: Caller, number: str, network: str) -> None:
    caller.sent(number)
    assert caller.reports()[0]["mccMnc"] == network


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        *(("a" * length, parts) for length, parts in ((160, 1), (161, 2), (306, 2), (307, 3))),
        *(("€" * length, parts) for length, parts in ((80, 1), (81, 2))),
        *(("ж" * length, parts) for length, parts in ((70, 1), (71, 2))),
        *(("😀" * length, parts) for length, parts in ((35, 1), (36, 2))),
    ],
)
def test_a_text_is_counted_in_short_messages(text: str, segments: int) -> None:
    assert count_segments(text) == segments
