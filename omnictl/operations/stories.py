"""The stories that the ledger can tell: one for each message, from everything that is known of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import takewhile

from msgspec.structs import replace

from omnictl.engine.stories import tell_story, tell_strays
from omnictl.ledger.base import Kept, Ledger, MessageFilter
from omnictl.model.message import Sent
from omnictl.model.report import Report, SeenReport
from omnictl.model.story import Story
from omnictl.operations.looking import chunks

_AT_ONCE = 200
_ALL = MessageFilter()


def iterate_stories(ledger: Ledger, wanted: MessageFilter) -> Iterator[Story]:
    """Yield the story of each message that is asked for, in the order of sending; a million need no memory."""
    for some in chunks(ledger.list_messages(wanted), _AT_ONCE):
        yield from _tell(ledger, some)


def _tell(ledger: Ledger, messages: Iterable[Sent]) -> Iterator[Story]:
    messages = tuple(messages)
    ids = [each.message_id for each in messages]
    reports: defaultdict[str, list[Report]] = defaultdict(list)
    for kept in ledger.reports_of(ids):
        if kept.message_id is not None:
            reports[kept.message_id].append(kept.row.report)
    for each in messages:
        yield tell_story(each, reports[each.message_id], _seen_of(ledger, each, reports[each.message_id]))


def _seen_of(ledger: Ledger, sent: Sent, reports: list[Report]) -> list[SeenReport]:
    """Return who looked; only who got something can have."""
    return [each.seen for each in ledger.seen_of([sent.message_id])] if reports else []


def iterate_strays(
    ledger: Ledger,
    *,
    after: int = 0,
    last: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    seen_alone: bool = True,
) -> Iterator[Story]:
    """Yield the stories of reports that belong to no message of this ledger, those behind a position of arrival.

    With ``last`` those up to this position. Seen reports without any other report make stories too, unless
    ``seen_alone`` is False.
    """
    strays = (kept.row.report for kept in _arrived(ledger, after, last) if kept.message_id is None)
    seen = (each.seen for each in ledger.list_unmatched_seen())
    for story in tell_strays(strays, seen, alone=seen_alone):
        at = story.sent_at
        if (since is None or (at is not None and at >= since)) and (until is None or (at is not None and at < until)):
            yield story


def find_reported(ledger: Ledger, after: int, last: int | None = None) -> tuple[str, ...]:
    """Return the ids of the messages that reports behind a position of arrival belong to, each once.

    With ``last`` those of reports up to this position.
    """
    kept = (each.message_id for each in _arrived(ledger, after, last))
    return tuple(dict.fromkeys(each for each in kept if each is not None))


def iterate_reported(
    ledger: Ledger,
    after: int,
    message_ids: Iterable[str],
    *,
    last: int | None = None,
    wanted: MessageFilter = _ALL,
    strays: bool = True,
) -> Iterator[Story]:
    """Yield the stories of these messages as they stand now, and those of strays behind a position of arrival.

    Of both those that ``wanted`` asks for; ``strays`` False leaves the second out.
    """
    for each in message_ids:
        if wanted.message_id in (None, each):
            yield from iterate_stories(ledger, replace(wanted, message_id=each))
    if strays:
        since, until = wanted.since, wanted.until
        yield from iterate_strays(ledger, after=after, last=last, since=since, until=until, seen_alone=False)


def _arrived(ledger: Ledger, after: int, last: int | None) -> Iterator[Kept]:
    reports = ledger.list_reports(after=after)
    return reports if last is None else takewhile(lambda kept: kept.position <= last, reports)
