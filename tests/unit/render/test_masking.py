"""Personal data does not show: by default in no rendering, with ``unmask`` in those that are for it."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.codec.shapes import write_json
from omnictl.codec.statistics import encode_statistics
from omnictl.codec.stories import encode_stories, encode_story, write_stories
from omnictl.engine.statistics import count_stories
from omnictl.engine.stories import tell_story, tell_strays
from omnictl.model.masking import mask_address, mask_email, mask_phone, mask_push, mask_recipient, mask_text
from omnictl.model.message import Recipient
from omnictl.model.story import Story
from omnictl.render.csv_rows import render_statistics_csv, render_stories_csv
from omnictl.render.statistics import render_statistics
from omnictl.render.statistics_html import render_statistics_html
from omnictl.render.stories import render_stories, render_story, render_story_line
from omnictl.render.style import Style
from tests.reporting import at, report, sent

PHONE, EMAIL, PUSH = "41793026731", "anna.berg@acme.example", "c1f0a7d2-5b3e-4c1a-9d2e-7f3c00112233"
CALLBACK, TEXT = "customer 4711", "Your code is 123456"

STORIES = [
    tell_story(
        sent(recipient=Recipient(PHONE, EMAIL, PUSH), callback_data=CALLBACK),
        [report("SMS", "DELIVERED_TO_HANDSET", to=PHONE, text=TEXT, callback_data=CALLBACK)],
        (),
    ),
    *tell_strays(
        report("SMS", "DELIVERED_TO_HANDSET", to=to, text=TEXT, callback_data=CALLBACK, message_id=f"m{place}")
        for place, to in enumerate((PHONE, f"+{PHONE}", EMAIL, PUSH))
    ),
]
RENDERINGS: dict[str, Callable[[list[Story], bool], str]] = {
    "table": lambda stories, unmask: render_stories(stories, Style(), unmask=unmask),
    "block": lambda stories, unmask: "".join(render_story(each, Style(), unmask=unmask) for each in stories),
    "lines": lambda stories, unmask: "".join(render_story_line(each, Style(), unmask=unmask) for each in stories),
    "csv": lambda stories, unmask: "".join(render_stories_csv(stories, unmask=unmask)),
    "ndjson": lambda stories, unmask: "".join(write_stories(stories, unmask=unmask)),
    "json": lambda stories, unmask: write_json(
        encode_stories(stories, version="1", environment="e", sandbox=False, unmask=unmask)
    ),
}


@pytest.mark.parametrize("name", RENDERINGS)
def test_no_rendering_shows_personal_data_by_default(name: str) -> None:
    text = RENDERINGS[name](STORIES, False)
    for personal in (PHONE, PHONE[2:-2], "anna", "berg", "acme", PUSH, PUSH[5:], "4711", TEXT):
        assert personal not in text, personal
    assert "41*******31" in text
    assert "a***@a***.example" in RENDERINGS[name](STORIES[3:4], False)


@pytest.mark.parametrize("name", RENDERINGS)
def test_the_flag_shows_addresses_and_never_a_text(name: str) -> None:
    text = RENDERINGS[name](STORIES[1:], True)
    assert PHONE in text
    assert EMAIL in text
    assert PUSH in text
    assert TEXT not in text


def test_callback_data_is_a_text() -> None:
    assert encode_story(STORIES[0])["callback_data"] == "*** (13 characters)"
    assert encode_story(STORIES[0], unmask=True)["callback_data"] == CALLBACK


def test_statistics_hold_no_personal_data() -> None:
    counted = count_stories(STORIES)
    document = encode_statistics(counted, version="1", environment="e", sandbox=False)
    page = render_statistics_html(counted, environment="e", made_at=at(0))
    for text in (json.dumps(document), render_statistics(counted, Style()), render_statistics_csv(counted), page):
        for personal in (PHONE, "anna", PUSH, CALLBACK, TEXT):
            assert personal not in text


@pytest.mark.parametrize(
    ("mask", "given", "shown"),
    [
        (mask_phone, PHONE, "41*******31"),
        (mask_phone, "12345678", "12****78"),
        (mask_phone, "1234567", "*******"),
        (mask_phone, "", ""),
        (mask_email, "anna@example.com", "a***@e***.com"),
        (mask_email, "anna@mail.example.com", "a***@m***.com"),
        (mask_email, "x@localhost", "x***@***"),
        (mask_email, '"a@b"@example.com', '"***@e***.com'),
        (mask_email, "not an address", "***@***"),
        (mask_push, PUSH, "c1f0***"),
        (mask_push, "short", "***"),
        (mask_text, TEXT, "*** (19 characters)"),
        (mask_address, PHONE, "41*******31"),
        (mask_address, f"+{PHONE}", "+4********31"),
        (mask_address, "anna@example.com", "a***@e***.com"),
        (mask_address, PUSH, "c1f0***"),
        (mask_address, "", "***"),
    ],
)
def test_masks(mask: Callable[[str], str], given: str, shown: str) -> None:
    assert mask(given) == shown


@given(st.text())
def test_a_mask_takes_any_text_and_never_gives_a_long_one_back(text: str) -> None:
    for mask in (mask_phone, mask_email, mask_push, mask_text, mask_address):
        assert len(text) < 6 or mask(text) != text or set(text) == {"*"}


def test_a_recipient_keeps_which_addresses_it_has() -> None:
    assert mask_recipient(Recipient(phone=PHONE)) == Recipient(phone="41*******31")
    assert mask_recipient(Recipient()) == Recipient()
    assert list(mask_recipient(Recipient(PHONE, EMAIL, PUSH)).addresses) == ["phone", "email", "push"]
