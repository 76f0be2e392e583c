"""The page of statistics as markup: well formed, nothing that runs or loads, and readable without its charts."""

import re
from collections.abc import Iterable
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.engine.statistics import count_stories
from omnictl.engine.stories import tell_story
from omnictl.model.message import Via
from omnictl.model.report import DeliveryError
from omnictl.model.scenario import Step
from omnictl.model.story import Story
from omnictl.render.charts import Bar, Span, draw_bars, draw_times
from omnictl.render.statistics_html import render_statistics_html
from tests.reporting import (
    HOSTILE,
    at,
    example_statistics,
    gap,
    hostile_stories,
    many_stories,
    report,
    seed_story,
    sent,
)

_VOID = {"meta", "br"}
_EMPTY_SHAPES = {"rect", "line", "circle"}


class _Reader(HTMLParser):
    """Collects elements, attributes and ids, and holds that every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(stories: Iterable[Story]) -> str:
    return render_statistics_html(count_stories(stories, [gap(1)]), environment="production", made_at=at(0))


def read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    ids = [value for name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    named = {each for name, value in reader.attributes if name == "aria-labelledby" for each in (value or "").split()}
    assert named <= set(ids)
    links = {(value or "").removeprefix("#") for name, value in reader.attributes if name == "href"}
    assert links <= set(ids)
    return reader


@pytest.mark.parametrize(
    "page",
    [
        page_of(()),
        page_of([seed_story()]),
        page_of(many_stories()),
        page_of(hostile_stories()),
        render_statistics_html(example_statistics(), environment="test", sandbox=True),
    ],
    ids=["none", "one", "many", "hostile", "example"],
)
def test_the_page_is_well_formed_and_needs_nothing(page: str) -> None:
    reader = read(page)
    known = "html head meta title style body h1 h2 h3 h4 p section strong code bdi a span div table tr th td svg defs"
    drawn = "pattern rect line circle text desc"
    assert set(reader.tags) <= {*known.split(), *drawn.split()}
    names = {name for name, _ in reader.attributes}
    assert not any(
        name.startswith("on") or name in ("src", "srcset", "action", "style", "xlink:href") for name in names
    )
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert "@import" not in page
    assert set(re.findall(r"url\([^)]*\)", page)) <= {"url(#failed)"}


@given(st.text(max_size=30))
def test_no_name_becomes_markup(name: str) -> None:
    harmless = read(page_of([story_named("plain")])).tags
    assert read(page_of([story_named(name)])).tags == harmless


def story_named(name: str) -> Story:
    via = Via(f"s{name}", "KEY", f"r{name}", (Step("VKONTAKTE", f"f{name}"), Step("SMS")))
    error = DeliveryError("G", f"e{name}")
    rows = [
        report("VKONTAKTE", "EXPIRED_EXPIRED", error=error),
        report("SMS", "DELIVERED_TO_HANDSET", currency=f"X{name}"),
    ]
    return tell_story(sent(via=via), rows, ())


def test_every_name_stands_on_the_page() -> None:
    text = unescape(re.sub(r"<[^>]*>", "", page_of(hostile_stories())))
    for name in HOSTILE:
        visible = name.replace("\u202e", "\\u202e").replace("\u202c", "\\u202c").replace("\u200b", "\\u200b")
        visible = visible.replace("\x1b", "\\x1b").replace("\a", "\\x07").replace("\r", "\\x0d").replace("\n", "\\x0a")
        assert visible in text


def test_every_chart_has_words_and_a_table_beside_it() -> None:
    page = page_of(many_stories())
    charts = re.findall(r'<svg class="chart" role="img".*?</svg>', page, re.DOTALL)
    assert len(charts) == 3
    for chart in charts:
        assert re.search(r"<title id=\"[^\"]+\">vk-sms: [^<]+</title>", chart)
        assert "VKONTAKTE" in re.findall(r"<desc[^>]*>([^<]+)</desc>", chart)[0]
    for told in ("70.0 %", "66.7 %", "EC_ABSENT_SUBSCRIBER_SM", "3.5 s", "13 s", "1.04 EUR"):
        assert told in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL).replace("&nbsp;", " ")


def test_a_single_scenario_needs_no_overview_and_a_single_revision_no_comparison() -> None:
    assert "All scenarios" not in page_of([seed_story()])
    assert "Before and after" not in page_of([seed_story()])
    page = render_statistics_html(example_statistics(), environment="test")
    assert "All scenarios" in page
    assert page.count("<h3>Before and after</h3>") == 2


@given(st.lists(st.tuples(st.floats(0, 1e7), st.floats(0, 1e7)), min_size=1, max_size=4))
def test_times_stand_in_order_inside_of_their_chart(times: list[tuple[float, float]]) -> None:
    spans = [Span("1 SMS", "said", min(pair), max(pair)) for pair in times]
    chart = draw_times("c", "title", "described", spans)
    assert all(0 <= float(x) <= 100 for x in re.findall(r'c?x\d?="([\d.]+)%"', chart))
    marks = [float(x) for x in re.findall(r'<line x1="([\d.]+)%"', chart)]
    assert marks == sorted(set(marks))
    assert 2 <= len(marks) <= 6
    for start, end in re.findall(r'class="span" x1="([\d.]+)%" y1="\d+" x2="([\d.]+)%"', chart):
        assert float(start) <= float(end)


def test_a_part_without_size_is_not_drawn() -> None:
    chart = draw_bars("c", "t", "d", [Bar("l", "s", (0.25, 0.0, 0.75))])
    drawn = re.findall(r'<rect (\S+) x="([\d.]+)%?"', chart)
    assert drawn == [('class="track"', "0"), ('class="delivered"', "0.00"), ('class="open"', "25.00")]


def test_what_cost_nothing_has_an_empty_bar() -> None:
    free = tell_story(sent("SMS"), [report("SMS", "DELIVERED_TO_HANDSET", None, None, price="0")], ())
    page = page_of([free])
    assert "0.00 EUR" in page
    assert "Time to delivery" not in page
    assert "Cost by step" not in page_of([tell_story(sent("SMS"), [report("SMS", "LOST", price=None)], ())])


def test_a_message_without_steps_is_counted_all_the_same() -> None:
    page = page_of([tell_story(sent(via=Via("a", "KEY", "r", ())), (), ())])
    read(page)
    assert "1 message: 0 delivered (0.0 %), 1 pending" in page
    assert "<table>" not in page
