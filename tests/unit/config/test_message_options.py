"""``--text`` in its two forms, what stands before ``=``, and the options over a message file."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.config.message_options import MessageOptions, apply_options, find_channel, make_text_message, split_text
from omnictl.model.diagnostic import Severity, Source
from omnictl.model.message import CONTENT_NAMES, Message
from omnictl.model.scenario import OLD_CHANNELS

FLOW = ("VKONTAKTE", "SMS", "PUSH")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Hi"], {"VKONTAKTE": "Hi", "SMS": "Hi", "PUSH": "Hi"}),
        (["SMS=Hi"], {"SMS": "Hi"}),
        (["sms=a", "vk=b"], {"SMS": "a", "VKONTAKTE": "b"}),
        (["VKontante=b"], {"VKONTAKTE": "b"}),
        (["vKontakte=b"], {"VKONTAKTE": "b"}),
        (["all", "SMS=a=b"], {"VKONTAKTE": "all", "SMS": "a=b", "PUSH": "all"}),
        (["E=mc2"], {"VKONTAKTE": "E=mc2", "SMS": "E=mc2", "PUSH": "E=mc2"}),
        (["https://x.y/?sms=1"], dict.fromkeys(FLOW, "https://x.y/?sms=1")),
        (["Total=5"], dict.fromkeys(FLOW, "Total=5")),
        (["SMS=VIBR=x"], {"SMS": "VIBR=x"}),
        ([], {}),
    ],
)  # fmt: skip
def test_texts_are_for_all_steps_or_for_one(texts: list[str], expected: dict[str, str]) -> None:
    message, diagnostics = make_text_message(texts, FLOW)
    assert diagnostics == ()
    assert {channel: content["text"] for channel, content in message.contents.items()} == expected


@pytest.mark.parametrize(
    ("texts", "code", "words"),
    [
        (["VIBER=x"], "not-in-flow", "it has VKONTAKTE, SMS, PUSH"),
        (["VIBR=x"], "unknown-channel", '--text VIBER=TEXT --text VKONTAKTE="VIBR=x"'),
        (["SMSS=x"], "unknown-channel", "nearly SMS"),
        (["VKONTAKE=x"], "unknown-channel", "nearly VKONTAKTE"),
        (["SMS="], "empty-text", "--text SMS="),
        (["SMS= \n"], "empty-text", "--text SMS="),
        ([""], "empty-text", "--text needs"),
        (["a", "b"], "text-twice", "all steps"),
        (["SMS=a", "sms=b"], "text-twice", "--text SMS="),
        (["SMS=\udcff"], "wrong-form", "not UTF-8"),
        ([f"PUSH={'x' * 2001}"], "text-too-long", "--text PUSH: it has 2,001 characters; 2,000"),
    ],
)
def test_every_mistake_of_a_text_is_told(texts: list[str], code: str, words: str) -> None:
    _, (found,) = make_text_message(texts, FLOW)
    assert found.code == code
    assert found.source is None
    assert words in " ".join([found.detail, found.hint, *found.commands])


def test_a_channel_whose_content_is_not_known_gets_no_text() -> None:
    message, diagnostics = make_text_message(["x"], ("TELEGRAM", "SMS"))
    assert (list(message.contents), diagnostics) == (["SMS"], ())


@given(st.text(max_size=12), st.text(max_size=12))
def test_only_the_name_of_a_channel_before_the_sign_splits_a_text(name: str, text: str) -> None:
    channel, rest = split_text(f"{name}={text}")
    if find_channel(name.partition("=")[0]) is None:
        assert (channel, rest) == (None, f"{name}={text}")
    else:
        assert channel in CONTENT_NAMES
        assert rest == f"{name}={text}".partition("=")[2]


def test_every_channel_is_known_in_any_case_and_as_messages_name_it() -> None:
    for channel, name in CONTENT_NAMES.items():
        for each in (channel, channel.lower(), name, name.upper(), channel.replace("_", "-")):
            assert find_channel(each) == channel
    assert set(OLD_CHANNELS) < set(CONTENT_NAMES)
    assert find_channel("") is None


def file_message() -> Message:
    names = ("", "sms", "sms.text", "sms.validityPeriod", "callbackData", "sendAt", "intermediateReport", "notifyUrl")
    return Message(
        contents={"SMS": {"text": "from file", "validityPeriod": 90}, "EMAIL": {"text": "mail"}},
        send_at=datetime(2026, 1, 1, tzinfo=UTC),
        callback_data="file",
        notify=True,
        notify_url="https://file",
        notify_content_type="application/xml",
        intermediate_report=True,
        sources={each: Source("a.message.yaml", line) for line, each in enumerate(names, start=1)},
    )


def test_without_options_the_file_stands() -> None:
    message, diagnostics = apply_options(file_message(), MessageOptions(), FLOW)
    assert diagnostics == ()
    assert dict(message.sources) == dict(file_message().sources)
    assert message == file_message()
    assert hash(message) == hash(file_message())


def test_where_it_stands_is_no_part_of_what_a_message_says() -> None:
    message = file_message()
    assert replace(message, sources={}) == message
    assert replace(message, callback_data="other") != message
    assert message != message.contents


def test_options_win_over_the_file_and_keep_the_rest_of_a_content() -> None:
    options = MessageOptions(("SMS=new",), "2026-12-24T09:00+01:00", "mine", "https://mine", intermediate_report=False)
    message, diagnostics = apply_options(file_message(), options, FLOW)
    assert diagnostics == ()
    assert message.contents == {"SMS": {"text": "new", "validityPeriod": 90}, "EMAIL": {"text": "mail"}}
    assert message.send_at == datetime(2026, 12, 24, 8, tzinfo=UTC)
    assert (message.callback_data, message.notify_url, message.intermediate_report) == ("mine", "https://mine", False)
    assert (message.notify, message.notify_content_type) == (True, "application/xml")
    assert set(message.sources) == {"", "sms", "sms.validityPeriod"}
    assert len(message.sources) == 3
    assert message.sources.get("sms.text") is None


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"send_at": "2026-12-24T09:00"}, "wrong-form", "--send-at: "),
        ({"send_at": "2026-02-30T09:00Z"}, "wrong-time", "--send-at: "),
        ({"callback_data": "x" * 4001}, "text-too-long", "--callback-data: it has 4,001"),
        ({"callback_data": ""}, "empty-text", "--callback-data: "),
        ({"callback_data": "\udcff"}, "wrong-form", "--callback-data holds bytes"),
        ({"notify_url": "ftp://x"}, "wrong-form", "--notify-url: "),
        ({"texts": ("VIBER=x",)}, "not-in-flow", "VIBER"),
    ],
)
def test_every_mistake_names_its_option(options: dict[str, Any], code: str, words: str) -> None:
    _, (found,) = apply_options(None, MessageOptions(**options), FLOW)
    assert found.code == code
    assert words in found.detail


def test_a_text_that_begins_like_a_channel_is_sent_with_a_word_about_it() -> None:
    message, found = make_text_message(["TOTAL=5"], FLOW)
    assert [(each.code, each.severity) for each in found] == [("odd-text", Severity.WARNING)]
    assert {content["text"] for content in message.contents.values()} == {"TOTAL=5"}
