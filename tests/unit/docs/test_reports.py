"""What the page about reports shows is what omnictl prints."""

from omnictl.engine.statistics import count_stories
from omnictl.model.story import StepState, StoryOutcome
from omnictl.render.statistics import render_statistics
from omnictl.render.stories import render_story
from omnictl.render.style import Style
from tests.reporting import many_stories, seed_story
from tests.unit.docs.pages import read, section


def test_the_story_on_the_page_is_what_is_printed() -> None:
    assert f"```\n{render_story(seed_story(), Style())}```" in read("reports.md")


def test_the_statistics_on_the_page_are_what_is_printed() -> None:
    assert f"```\n{render_statistics(count_stories(many_stories()), Style())}```" in read("reports.md")


def test_every_outcome_and_every_state_of_a_step_is_explained() -> None:
    text = section(read("reports.md"), "One story per message")
    named = {word for row in text.splitlines() if row.startswith("| `") for word in row.split("|")[1].split("`")[1::2]}
    assert named == {each.value for each in StoryOutcome}
    assert f"`{StepState.NO_REPORT.value}`" in text
