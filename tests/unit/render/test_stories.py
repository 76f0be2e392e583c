"""Stories and statistics, shown: nothing steers a terminal or a spreadsheet, and every number is there."""

import csv
import io
import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnictl.codec.shapes import write_json, write_money
from omnictl.codec.statistics import encode_statistics
from omnictl.codec.stories import encode_stories, encode_story, write_stories
from omnictl.engine.statistics import count_stories
from omnictl.engine.stories import tell_story
from omnictl.model.message import MessageFate, Recipient
from omnictl.model.statistics import Statistics
from omnictl.model.story import StepState, StepStory, Story, StoryOutcome
from omnictl.render.csv_rows import defuse, render_statistics_csv, render_stories_csv
from omnictl.render.statistics import compare_revisions, render_statistics, say_gaps
from omnictl.render.stories import render_stories, render_story
from omnictl.render.style import Style, width_of
from omnictl.render.words import latency, money
from tests.reporting import (
    ABSENT,
    at,
    example_statistics,
    example_stories,
    gap,
    hostile_stories,
    many_stories,
    report,
    seed_story,
    sent,
)
from tests.unit.codec.schemas import mistakes
from tests.unit.engine.test_stories import MESSAGES, ROWS

STYLES = [Style(), Style(width=80, cuts=True), Style(width=50, unicode=False, cuts=True), Style(width=20, cuts=True)]


@pytest.mark.parametrize("style", STYLES)
def test_nothing_that_steers_reaches_a_terminal(style: Style) -> None:
    stories = hostile_stories()
    blocks = [render_story(each, style, now=at(5), unmask=True) for each in stories]
    for text in (
        render_stories(stories, style, unmask=True),
        *blocks,
        render_statistics(count_stories(stories), style),
    ):
        assert text.endswith("\n")
        assert all(line.isprintable() for line in text.split("\n"))
        assert "\u202e" not in text


@given(st.text(max_size=40), st.integers(30, 120))
def test_a_block_fits_the_terminal(name: str, width: int) -> None:
    story = tell_story(sent(f"VKONTAKTE:{name} > SMS", scenario=name), [report("SMS", "EXPIRED_EXPIRED")], ())
    for style in (Style(width=width, cuts=True), Style(width=width, cuts=True, unicode=False)):
        text = render_story(story, style)
        assert all(width_of(line) <= width for line in text.split("\n"))


def test_a_block_says_what_is_known_of_the_end() -> None:
    def last(story: Story, now: datetime | None = None) -> str:
        return render_story(story, Style(), now=now).splitlines()[-1].strip()

    assert last(seed_story()) == "delivered by SMS InfoSMS after 24 ms · 0.0204 EUR"
    assert last(tell_story(sent(), (), ()), at(5)) == "pending, 5.0 s after it was sent"
    assert last(tell_story(sent(), (), ())) == "pending"
    assert last(tell_story(sent(fate=MessageFate.REFUSED), (), ())) == "refused when it was sent"
    timeless = tell_story(sent("SMS"), [report("SMS", "DELIVERED_TO_HANDSET", None, None, price=None)], ())
    assert last(timeless) == "delivered by SMS"
    lost = tell_story(sent("SMS"), [report("SMS", "LOST", price=None)], ())
    assert last(lost, at(9)) == "unknown, 9.0 s after it was sent"


def test_a_story_without_anything_is_shown() -> None:
    story = Story("", StoryOutcome.UNKNOWN, is_final=False)
    assert render_story(story, Style()) == "- · -\n  unknown: nothing tells whether it was sent\n"
    assert "-        -" in render_stories([story], Style())
    assert render_stories([], Style()) == "No messages.\n"
    assert render_story(tell_story(sent(recipient=Recipient()), (), ()), Style()).startswith("- · vk-sms")


def test_the_other_states_have_words_too() -> None:
    step = StepStory(1, "SMS", None, StepState.OTHER)
    assert "1 SMS  ? OTHER" in render_story(Story("m", StoryOutcome.UNKNOWN, is_final=False, steps=(step,)), Style())


@pytest.mark.parametrize("cell", ["=1+1", "+41", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_is_no_formula(cell: str) -> None:
    assert defuse(cell).startswith("'")
    assert defuse(cell[1:] if cell[0] in "+-@" else "a") == (cell[1:] if cell[0] in "+-@" else "a")


def test_rows_are_read_back_by_any_reader() -> None:
    for stories in (example_stories(), hostile_stories()):
        lines = list(render_stories_csv(stories, unmask=True))
        assert all(line.count("\n") == 1 for line in lines)
        rows = list(csv.DictReader(io.StringIO("".join(lines))))
        attempted = [sum(step.was_attempted for step in story.steps) or 1 for story in stories]
        assert len(rows) == sum(attempted)
        for row in rows:
            assert None not in row
            assert None not in row.values()
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


def test_rows_of_statistics_say_what_the_document_says() -> None:
    counted = example_statistics()
    rows = list(csv.DictReader(io.StringIO(render_statistics_csv(counted))))
    revisions = [each for scenario in counted.scenarios for each in scenario.revisions]
    told = [row for row in rows if row["kind"] == "message"]
    assert [int(row["attempted"]) for row in told] == [each.messages for each in revisions]
    assert len(rows) - len(told) == sum(len(each.steps) for each in revisions)
    assert {row["currency"] for row in told} == {"EUR", "EUR;USD"}


def test_documents_say_the_same_for_every_reader() -> None:
    for story, line in zip(hostile_stories(), write_stories(hostile_stories(), unmask=True), strict=True):
        assert line.isprintable() or line[:-1].isprintable()
        assert json.loads(line) == encode_story(story, unmask=True)
    document = encode_statistics(count_stories(hostile_stories()), version="1", environment="e", sandbox=True)
    assert json.loads(write_json(document)) == document
    assert document["permanent_gaps"] == []


@given(st.lists(st.builds(tell_story, MESSAGES, ROWS, st.just(())), max_size=4))
@settings(max_examples=30)
def test_documents_have_their_shape(stories: list[Story]) -> None:
    counted = count_stories(stories, [gap(1)])
    for document in (
        encode_stories(stories, version="1.0.0", environment="e", sandbox=False),
        encode_statistics(counted, version="1.0.0", environment="e", sandbox=False),
    ):
        assert mistakes(document) == []


@pytest.mark.parametrize("stories", [example_stories(), hostile_stories()], ids=["example", "hostile"])
def test_documents_of_examples_have_their_shape(stories: list[Story]) -> None:
    assert mistakes(encode_stories(stories, version="1.0.0", environment="e", sandbox=False)) == []
    counted = encode_statistics(count_stories(stories, [gap(1)]), version="1.0.0", environment="e", sandbox=False)
    assert mistakes(counted) == []
    items = counted["items"]
    assert isinstance(items, list)
    assert mistakes({**counted, "items": [*items, {"scenario": 1}]}) != []


def test_a_stray_without_an_address_has_no_recipient() -> None:
    assert encode_story(Story("m", StoryOutcome.UNKNOWN, is_final=False))["recipient"] is None


def test_an_error_may_not_say_whether_it_is_permanent() -> None:
    bare = report("SMS", "EXPIRED_EXPIRED", error=type(ABSENT)("", "EC_X"))
    (step,) = tell_story(sent("SMS"), [bare], ()).steps
    document = encode_story(tell_story(sent("SMS"), [bare], ()))
    assert step.error is not None
    assert "permanent" not in json.dumps(document)
    assert ",EC_X,," in "".join(render_stories_csv([tell_story(sent("SMS"), [bare], ())]))


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0"), ("1E+3", "1000"), ("0.0104", "0.0104"), ("0.12345678", "0.123457"), ("12.90", "12.90")],
)
def test_money_in_documents_has_no_exponent(amount: str, text: str) -> None:
    assert write_money(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00 EUR"),
        ("12.9", "12.90 EUR"),
        ("0.0104", "0.0104 EUR"),
        ("1.23456", "1.2346 EUR"),
        ("0.000012", "0.000012 EUR"),
        ("1E+3", "1000.00 EUR"),
    ],
)
def test_money_for_people(amount: str, text: str) -> None:
    assert money(Decimal(amount), "EUR") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0104, "10 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (172_799, "47 h 59 min"),
        (172_800, "2.0 days"),
    ],
)
def test_latency_for_people(seconds: float, text: str) -> None:
    assert latency(seconds) == text


def test_a_revision_without_deliveries_is_compared_too() -> None:
    nothing = [tell_story(sent(fate=MessageFate.NOT_TRIED, revision="new"), (), ())]
    (scenario,) = count_stories([*many_stories(of=1), *nothing]).scenarios
    assert [row[1:] for row in compare_revisions(scenario.revisions)] == [
        ("3f2a91", "1", "100.0 %", "500 ms", "500 ms", "0.0104 EUR"),
        ("new", "0", "-", "-", "-", "-"),
    ]


def test_many_gaps_are_told_in_one_sentence() -> None:
    (said,) = say_gaps(Statistics(gaps=(gap(1),)))
    assert said == "1 pull lost for good (2026-11-20 15:12Z): up to 200 reports may be missing here."
    (said,) = say_gaps(Statistics(gaps=tuple(gap(number) for number in range(7))))
    assert "and 2 more): up to 1 400 reports" in said
    (said,) = say_gaps(Statistics(open_gaps=(gap(1),)))
    assert said.endswith("up to 200 reports may be missing here; omnictl reports pull fills them in.")
    assert "lost for good" in render_statistics(count_stories((), [gap(1)]), Style())


def test_what_two_steps_delivered_is_said() -> None:
    rows = [report("VKONTAKTE", "DELIVERED_TO_HANDSET", 0, 90), report("SMS", "DELIVERED_TO_HANDSET", 60, 61)]
    told = render_statistics(count_stories([tell_story(sent(), rows, ())]), Style(width=200))
    assert "0.02 EUR a delivered message · 1 delivered by two steps" in told
