"""When a reading of the account is complete."""

import pytest

from omnictl.engine.listing import Complete, Moved, ReadMore, Verdict, guess_pages, judge
from omnictl.model.scenario import Attributes, Remote


def page(*keys: str) -> tuple[Remote, ...]:
    return tuple(Remote(key, Attributes(key, ())) for key in keys)


@pytest.mark.parametrize(
    ("pages", "recorded", "listed", "kind"),
    [
        ([page()], (), 0, Complete),
        ([page("a")], (), 0, ReadMore),
        ([page("a"), page()], (), 0, Complete),
        ([page("a")], ("a",), 1, Complete),
        ([page("a")], (), 1, Complete),
        ([page("a")], ("a",), 0, Complete),
        ([page("a")], ("a", "b"), 1, ReadMore),
        ([page("a")], ("a",), 2, ReadMore),
        ([page("a", "b")], ("a", "b"), 2, ReadMore),
        ([page("a", "b"), page()], ("a", "b"), 2, Complete),
        ([page("a", "b"), page("c")], ("a",), 3, Complete),
        ([page("a"), page("b")], ("a",), 1, ReadMore),
        ([page("a"), page("b"), page()], ("a",), 1, Complete),
        ([page("a", "b"), page("b", "c")], ("a",), 1, Moved),
        ([page("a"), page(), page("b")], ("a",), 1, Moved),
    ],
)
def test_judge(pages: list[tuple[Remote, ...]], recorded: tuple[str, ...], listed: int, kind: type[Verdict]) -> None:
    assert isinstance(judge(pages, page_size=2, recorded=recorded, listed_before=listed), kind)


@pytest.mark.parametrize(("listed", "pages"), [(0, 1), (99, 1), (100, 2), (250, 3)])
def test_guess(listed: int, pages: int) -> None:
    assert guess_pages(listed, 100) == pages
