"""Stories and statistics as text, JSON, NDJSON and CSV, as people and programs see them."""

import json

import pytest

from omnictl.codec.shapes import write_json
from omnictl.codec.statistics import encode_statistics
from omnictl.codec.stories import encode_stories, write_stories
from omnictl.engine.statistics import count_stories
from omnictl.render.csv_rows import render_statistics_csv, render_stories_csv
from omnictl.render.statistics import render_statistics
from omnictl.render.stories import render_stories, render_story, render_story_line
from omnictl.render.style import Style, width_of
from tests.golden.golden import check_golden
from tests.reporting import at, example_statistics, example_stories, hostile_stories, many_stories


def test_stories() -> None:
    check_golden("stories.txt", render_stories(example_stories(), Style(width=100)))


def test_stories_without_masks() -> None:
    check_golden("stories-unmasked.txt", render_stories(example_stories(), Style(), unmask=True))


@pytest.mark.parametrize("width", [40, 80, 140])
def test_stories_on_a_terminal(width: int) -> None:
    text = render_stories(example_stories(), Style(width=width, cuts=True))
    check_golden(f"stories-{width}.txt", text)
    assert max(map(width_of, text.splitlines())) <= width


def test_stories_in_colour() -> None:
    style = Style(width=100, cuts=True, colour=True)
    blocks = [render_story(each, style, now=at(65)) for each in example_stories()]
    check_golden("stories-colour.txt", "\n".join([render_stories(example_stories(), style), *blocks]))


def test_stories_without_unicode() -> None:
    style = Style(width=80, cuts=True, unicode=False)
    blocks = [render_story(each, style) for each in example_stories()]
    text = "\n".join([render_stories(example_stories(), style), *blocks])
    check_golden("stories-ascii.txt", text)
    assert text.isascii()


def test_stories_one_by_one() -> None:
    blocks = [render_story(each, Style(), now=at(65)) for each in example_stories()]
    check_golden("stories-one-by-one.txt", "\n".join(blocks))


def test_stories_that_go_on() -> None:
    lines = [render_story_line(each, Style(colour=True)) for each in example_stories()]
    check_golden("stories-lines.txt", "\n".join(lines) + "\n")


def test_hostile_stories() -> None:
    stories = hostile_stories()
    blocks = [render_story(each, Style(), unmask=True) for each in stories]
    text = "\n".join([render_stories(stories, Style(), unmask=True), *blocks])
    check_golden("stories-hostile.txt", text)


def test_story_documents() -> None:
    document = encode_stories(example_stories(), version="1.0.0", environment="production", sandbox=False)
    check_golden("stories.json", write_json(document) + "\n")
    lines = list(write_stories(example_stories()))
    check_golden("stories.ndjson", "".join(lines))
    assert [json.loads(line) for line in lines] == document["items"]


def test_rows_of_stories() -> None:
    check_golden("stories.csv", "".join(render_stories_csv(example_stories())))
    check_golden("stories-hostile.csv", "".join(render_stories_csv(hostile_stories(), unmask=True)))


def test_statistics() -> None:
    check_golden("statistics.txt", render_statistics(example_statistics(), Style()))


@pytest.mark.parametrize("width", [60, 80, 140])
def test_statistics_on_a_terminal(width: int) -> None:
    text = render_statistics(example_statistics(), Style(width=width, cuts=True))
    check_golden(f"statistics-{width}.txt", text)
    assert max(map(width_of, text.splitlines())) <= width


def test_statistics_in_colour() -> None:
    check_golden("statistics-colour.txt", render_statistics(example_statistics(), Style(colour=True)))


def test_statistics_without_unicode() -> None:
    text = render_statistics(example_statistics(), Style(unicode=False))
    check_golden("statistics-ascii.txt", text)
    assert text.isascii()


def test_statistics_of_one_scenario_and_of_none() -> None:
    check_golden("statistics-one.txt", render_statistics(count_stories(many_stories(of=1200)), Style()))
    assert render_statistics(count_stories(()), Style()) == "No messages.\n"


def test_hostile_statistics() -> None:
    counted = count_stories(hostile_stories())
    check_golden("statistics-hostile.txt", render_statistics(counted, Style(width=80, cuts=True)))


def test_statistics_documents() -> None:
    document = encode_statistics(example_statistics(), version="1.0.0", environment="production", sandbox=False)
    check_golden("statistics.json", write_json(document) + "\n")
    check_golden("statistics.csv", render_statistics_csv(example_statistics()))
