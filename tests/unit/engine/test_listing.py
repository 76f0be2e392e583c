"""When a reading of the account is complete."""

import pytest

from omnictl.engine.listing import Complete, Listing, Moved, ReadMore, Verdict, guess_pages
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
        ([page("a"), page("b", "c")], ("b",), 2, ReadMore),
        ([page("a"), page("b"), page()], ("a",), 1, Complete),
        ([page("a", "b"), page("b", "c")], ("a",), 1, Moved),
        ([page("a"), page(), page("b")], ("a",), 1, Moved),
    ],
)
def test_verdicts(pages: list[tuple[Remote, ...]], recorded: tuple[str, ...], listed: int, kind: type[Verdict]) -> None:
    listing = Listing(page_size=2, recorded=recorded, listed_before=listed)
    verdict: Verdict = ReadMore()
    for each in pages:
        verdict = listing.add(each)
    assert isinstance(verdict, kind)
    if isinstance(verdict, Complete):
        assert [each.key for each in verdict.remotes] == [row.key for each in pages for row in each]
        assert len(listing) == len(verdict.remotes)


@pytest.mark.parametrize("rows", [(), ("a",), ("a", "b")])
def test_nothing_vouches_where_the_list_must_end(rows: tuple[str, ...]) -> None:
    listing = Listing(page_size=2, recorded=("a",), listed_before=1, must_end=True)
    assert isinstance(listing.add(page(*rows)), ReadMore if rows else Complete)
    assert isinstance(listing.add(page()), Complete)


@pytest.mark.parametrize(("listed", "pages"), [(0, 1), (99, 1), (100, 2), (250, 3)])
def test_guess(listed: int, pages: int) -> None:
    assert guess_pages(listed, 100) == pages
