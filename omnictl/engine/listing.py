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


def guess_pages(listed: int, page_size: int) -> int:
    """Return how many pages to ask for at once, when the last reading showed so many scenarios."""
    return listed // page_size + 1


def judge(
    pages: Sequence[Sequence[Remote]],
    *,
    page_size: int,
    recorded: Collection[str],
    listed_before: int,
    must_end: bool = False,
) -> Verdict:
    """Say whether these pages (contiguous, from page 0) are the whole account.

    ``recorded`` are the keys of the state, ``listed_before`` the count of the last complete reading. With
    ``must_end`` nothing but an empty page is the end.
    """
    rows: dict[str, Remote] = {}
    ended: bool = False
    for page in pages:
        for remote in page:
            if ended or remote.key in rows:
                return Moved(remote.key)
            rows[remote.key] = remote
        ended = ended or not page
    if ended or (not must_end and _is_vouched(pages, rows, page_size, recorded, listed_before)):
        return Complete(tuple(rows.values()))
    return ReadMore()


def _is_vouched(
    pages: Sequence[Sequence[Remote]],
    rows: Collection[str],
    page_size: int,
    recorded: Collection[str],
    listed_before: int,
) -> bool:
    """Tell whether a short last page is surely the end: every page before it full, and nothing known is missing."""
    if not pages or len(pages[-1]) >= page_size or any(len(page) < page_size for page in pages[:-1]):
        return False
    knows_something = bool(recorded) or listed_before > 0
    return knows_something and len(rows) >= listed_before and all(key in rows for key in recorded)
