"""Whether a message can go through a flow: contents, steps, addresses, senders and times."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.engine.contents import SPEAKING, check_contents
from omnictl.engine.deliverable import (
    check_fit,
    check_message,
    check_recipient,
    find_missing_addresses,
    needed_addresses,
)
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.message import CONTENT_NAMES, Message, Recipient
from tests.builders import flow

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
VK_SMS = flow("VKONTAKTE > SMS:InfoSMS")
SEED = Message({"VKONTAKTE": {"text": "This is VK message."}, "SMS": {"text": "This is the SMS failover message"}})


def codes(found: tuple[Diagnostic, ...]) -> list[str]:
    return [each.code for each in found]


def one(channel: str, **content: Any) -> Message:
    return Message({channel: content}, sources={CONTENT_NAMES[channel]: Source("a.message.yaml", 3)})


def test_the_message_of_the_documentation_goes_through_its_scenario() -> None:
    assert check_message(SEED, VK_SMS, now=NOW) == ()
    assert check_recipient(Recipient("41793026731"), VK_SMS, label="--to 1") == ()


class TestContents:
    @pytest.mark.parametrize(
        ("content", "is_fine"),
        [
            ({"text": "a"}, True),
            ({"imageURL": "i"}, True),
            ({"fileUrl": "f", "fileName": "n"}, True),
            ({"text": "a", "buttonText": "b", "buttonURL": "u"}, True),
            ({"text": "a", "imageURL": "i", "buttonText": "b", "buttonURL": "u"}, True),
            ({"text": "a", "imageURL": "i"}, False),
            ({"text": "a", "fileUrl": "f"}, False),
            ({"imageURL": "i", "fileUrl": "f"}, False),
            ({"imageURL": "i", "buttonText": "b", "buttonURL": "u"}, False),
            ({"buttonText": "b", "buttonURL": "u"}, False),
            ({"text": "a", "imageURL": "i", "fileUrl": "f", "buttonText": "b", "buttonURL": "u"}, False),
            ({}, True),  # that it says nothing is told where a step needs it
        ],
    )
    def test_viber_takes_five_forms(self, content: dict[str, Any], is_fine: bool) -> None:
        assert codes(check_contents(one("VIBER", **content))) == ([] if is_fine else ["wrong-combination"])

    def test_vk_takes_a_text_or_a_template(self) -> None:
        assert codes(check_contents(one("VKONTAKTE", templateName="n", templateData={}))) == []
        (found,) = check_contents(one("VKONTAKTE", text="a", templateName="n"))
        assert (found.code, found.severity) == ("wrong-combination", Severity.ERROR)

    @pytest.mark.parametrize(
        ("channel", "period", "unit", "expected"),
        [
            ("SMS", 30, "SECONDS", "wrong-validity"),
            ("SMS", 31, "SECONDS", ""),
            ("SMS", 30_000, "MILLISECONDS", "wrong-validity"),
            ("SMS", 30_001, "MILLISECONDS", ""),
            ("SMS", 30_000_001, "MICROSECONDS", ""),
            ("SMS", 2**31 - 1, "NANOSECONDS", "wrong-validity"),
            ("SMS", 1, None, ""),
            ("SMS", 2880, None, ""),
            ("SMS", 2881, None, "cut-validity"),
            ("SMS", 48, "HOURS", ""),
            ("SMS", 2**31 - 1, "DAYS", "cut-validity"),
            ("VIBER", 35, "SECONDS", "wrong-validity"),
            ("VIBER", 36, "SECONDS", ""),
            ("VIBER", 14, "DAYS", "cut-validity"),
            ("VIBER", 14 * 24 * 60 + 1, "MINUTES", "wrong-validity"),
        ],
    )
    def test_validity_periods_have_bounds(self, channel: str, period: int, unit: str | None, expected: str) -> None:
        content = {"text": "a", "validityPeriod": period, **({"validityPeriodTimeUnit": unit} if unit else {})}
        found = check_contents(one(channel, **content))
        assert codes(found) == ([expected] if expected else [])
        for each in found:
            assert (each.severity is Severity.WARNING) == (expected == "cut-validity")

    @pytest.mark.parametrize(
        ("channel", "content", "words"),
        [
            ("EMAIL", {"text": "a"}, "no subject"),
            ("KAKAO_ALIM", {"text": "a"}, "no templateCode"),
            ("LINE", {"type": "IMAGE", "text": "a"}, "line of type IMAGE: it has no url"),
            ("LINE", {"type": "STICKER", "stickerId": "1"}, "no packageId"),
            ("LINE", {"type": "FLEX", "contents": {}}, "no altText"),
            ("FACEBOOK", {"type": "FILE", "text": "a"}, "no url"),
        ],
    )
    def test_what_is_usually_there_is_missed(self, channel: str, content: dict[str, Any], words: str) -> None:
        (found,) = check_contents(one(channel, **content))
        assert (found.code, found.severity) == ("missing-part", Severity.WARNING)
        assert words in found.detail
        assert found.source == Source("a.message.yaml", 3)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ({"text": "a" * 161}, "161 characters make 2 parts in GSM 7-bit; each part"),
            ({"text": "Ж" * 71}, "71 characters make 2 parts in UCS-2; it has characters that the GSM alphabet lacks"),
            ({"text": "Ж" * 71, "transliteration": "CYRILLIC"}, "in UCS-2, before transliteration;"),
            ({"text": "a" * 161, "transliteration": "NONE"}, "in GSM 7-bit; each"),
        ],
    )
    def test_parts_of_an_sms_are_noted(self, content: dict[str, Any], words: str) -> None:
        (found,) = check_contents(one("SMS", **content))
        assert (found.code, found.severity) == ("several-parts", Severity.NOTE)
        assert words in found.detail

    def test_reports_that_nobody_sends_are_told(self) -> None:
        message = Message(notify=False, notify_url="https://x", intermediate_report=True)
        found = check_contents(message)
        assert codes(found) == ["no-reports", "no-reports"]
        assert check_contents(Message(notify=False, intermediate_report=False)) == ()
        assert check_contents(Message(notify=True, notify_url="https://x")) == ()


class TestFit:
    def test_a_step_without_content_is_told_with_the_option_that_gives_it(self) -> None:
        (found,) = check_fit(Message({"VKONTAKTE": {"text": "a"}}), VK_SMS, scenario="vk-sms")
        assert (found.code, found.severity) == ("no-content", Severity.ERROR)
        assert found.detail == "Step 2 of vk-sms is SMS, and the message has no sms."
        assert found.commands == ("--text SMS=TEXT",)

    def test_a_content_that_says_nothing_is_none(self) -> None:
        (found,) = check_fit(one("SMS", validityPeriod=5), flow("SMS:x"))
        assert found.code == "no-content"
        assert found.detail == "Step 1 is SMS, and sms has no text."

    def test_a_channel_twice_is_told_once(self) -> None:
        assert codes(check_fit(Message(), flow("SMS:a > SMS:b"))) == ["no-content"]

    def test_a_channel_of_another_version_cannot_be_written(self) -> None:
        (found,) = check_fit(SEED, flow("VKONTAKTE > SMS:x > TELEGRAM"))
        assert found.code == "no-content"
        assert "TELEGRAM" in found.detail

    def test_content_for_no_step_is_a_warning(self) -> None:
        (found,) = check_fit(SEED, flow("SMS:x"))
        assert (found.code, found.severity) == ("unused-content", Severity.WARNING)

    @pytest.mark.parametrize("channel", CONTENT_NAMES)
    def test_each_field_that_says_something_is_enough(self, channel: str) -> None:
        for field in SPEAKING[channel]:
            assert check_fit(one(channel, **{field: "x"}), flow(channel)) == ()


class TestSending:
    @pytest.mark.parametrize(
        ("ahead", "expected"),
        [
            (timedelta(), ["wrong-send-at"]),
            (timedelta(seconds=-1), ["wrong-send-at"]),
            (timedelta(seconds=1), []),
            (timedelta(days=180), ["wrong-send-at"]),
            (timedelta(days=180) - timedelta(seconds=1), []),
        ],
    )
    def test_the_time_is_to_come_and_not_too_far(self, ahead: timedelta, expected: list[str]) -> None:
        message = Message(SEED.contents, send_at=NOW + ahead)
        assert codes(check_message(message, VK_SMS, now=NOW)) == expected

    def test_a_step_that_needs_a_sender_is_a_warning(self) -> None:
        (found,) = check_message(SEED, flow("VKONTAKTE > SMS"), now=NOW)
        assert (found.code, found.severity) == ("no-sender", Severity.WARNING)
        assert "step 2" in found.detail


class TestAddresses:
    def test_each_step_needs_its_kind(self) -> None:
        needed = needed_addresses(flow("PUSH:x > VIBER:x > EMAIL:x > SMS:x > SMS:y"))
        assert needed == {"push": ("PUSH",), "phone": ("VIBER", "SMS"), "email": ("EMAIL",)}
        assert find_missing_addresses(Recipient("41793026731"), needed) == (
            "it has no push id, which PUSH needs, and it has no e-mail address, which EMAIL needs"
        )
        assert find_missing_addresses(Recipient("41793026731", "a@b.test", "p"), needed) == ""

    def test_a_step_that_could_never_be_tried_is_an_error(self) -> None:
        recipient = Recipient(email="a@b.test")
        missing, unused = check_recipient(recipient, flow("PUSH:x > SMS:x"), label="--to 2")
        assert (missing.code, missing.severity) == ("no-address", Severity.ERROR)
        assert missing.detail.startswith("--to 2: it has no push id, which PUSH needs")
        assert missing.commands == ("--to push=…,phone=…",)
        assert (unused.code, unused.severity) == ("unused-address", Severity.WARNING)
        assert "a@b.test" not in f"{missing}{unused}"

    @given(st.lists(st.sampled_from([*CONTENT_NAMES]), min_size=1, max_size=5))
    def test_who_has_all_that_is_needed_lacks_nothing(self, channels: list[str]) -> None:
        steps = flow(" > ".join(channels))
        kinds = needed_addresses(steps)
        assert check_recipient(Recipient(**dict.fromkeys(kinds, "x")), steps, label="x") == ()
        assert sorted(each for found in kinds.values() for each in found) == sorted(set(channels))


def test_people_are_the_same_whatever_the_case_of_their_e_mail() -> None:
    assert Recipient("1", "A@b.test").identity == Recipient("1", "a@b.test").identity
    assert Recipient(push="A").identity != Recipient(push="a").identity
    assert Recipient("1").identity != Recipient(push="1").identity
