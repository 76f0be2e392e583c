"""Reading the account page by page: whether what was read is all there is. Pure; the asking is done elsewhere.

A short page is believed to be the end only if something vouches for it; a repeated key means that the list moved
while it was read. An incomplete reading is never taken for a complete one.
"""

from collections.abc import Collection, Sequence
from typing import TypeAlias

from msgspec import Struct

from omnictl.model.scenario import Remote


class Complete(Struct, frozen=True):
    """All scenarios of the account."""

    remotes: tuple[Remote, ...]


class ReadMore(Struct, frozen=True):
    """The next page is needed."""


class Moved(Struct, frozen=True):
    """The list changed while it was read: begin anew."""

    key: str


Verdict: TypeAlias = Complete | ReadMore | Moved


MOST_PAGES = 2_500
"""After so many pages a list has no end: a quarter of a million scenarios, which the published throttle takes three
months to create. As many fit into some 200 MB of memory."""


def guess_pages(listed: int, page_size: int) -> int:
    """Return how many pages to ask for at once, when the last reading showed so many scenarios."""
    return listed // page_size + 1


class Listing:
    """What was read of the list so far, page by page from page 0, and whether that is the whole account.

    ``recorded`` are the keys of the state, ``listed_before`` the count of the last complete reading. With
    ``must_end`` nothing but an empty page is the end.
    """

    def __init__(
        self, *, page_size: int, recorded: Collection[str], listed_before: int, must_end: bool = False
    ) -> None:
        self._page_size = page_size
        self._recorded = recorded
        self._listed_before = listed_before
        self._must_end = must_end
        self._rows: dict[str, Remote] = {}
        self._short_pages = 0
        self.has_ended = False

    def __len__(self) -> int:
        """How many scenarios were read."""
        return len(self._rows)

    def add(self, page: Sequence[Remote]) -> Verdict:
        """Take the next page and say whether these are all; a page costs what it holds, however many came before."""
        for remote in page:
            if self.has_ended or remote.key in self._rows:
                return Moved(remote.key)
            self._rows[remote.key] = remote
        self.has_ended = self.has_ended or not page
        self._short_pages += len(page) < self._page_size
        if self.has_ended or (not self._must_end and len(page) < self._page_size and self._is_vouched()):
            return Complete(tuple(self._rows.values()))
        return ReadMore()

    def _is_vouched(self) -> bool:
        """Tell whether a short page is surely the end: every page before it full, and nothing known is missing."""
        rows, recorded = self._rows, self._recorded
        knows_something = bool(recorded) or self._listed_before > 0
        return (
            self._short_pages == 1
            and knows_something
            and len(rows) >= self._listed_before
            and all(key in rows for key in recorded)
        )
