"""Waiting for the end of messages, from logs alone: reports are handed out once, and logs are not."""

from collections.abc import Callable, Sequence

from omnictl.ledger.base import MessageFilter
from omnictl.model.message import Sent
from omnictl.model.report import LogQuery
from omnictl.model.story import Story
from omnictl.operations.looking import IDS_IN_QUERY, Post, chunks, keep_rows
from omnictl.operations.stories import iterate_stories

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 10.0


def wait_for_stories(
    post: Post, run: str, *, timeout_seconds: float, tell: Callable[[Sequence[Story]], None]
) -> tuple[Story, ...]:
    """Read the logs again and again until every message of a run has ended, the time is up, or it is to stop.

    ``tell`` gets the stories each time that one of them has changed. Raises ReadingError where logs cannot be read.
    """
    deadline = post.monotonic() + timeout_seconds
    told: tuple[Story, ...] = ()
    pause = _FIRST_PAUSE_SECONDS
    while True:
        final = {each.message_id for each in told if each.is_final}
        _read_logs(post, [each for each in _sent(post, run) if each.message_id not in final])
        stories = tuple(iterate_stories(post.ledger, MessageFilter(run=run)))
        if stories != told:
            told = stories
            tell(stories)
        left = deadline - post.monotonic()
        if all(each.is_final for each in stories) or left <= 0.0 or post.stop.is_set:
            return stories
        seconds = min(pause, left)
        post.stop.wait(seconds)
        pause = min(_LONGEST_PAUSE_SECONDS, 1.5 * pause)


def _sent(post: Post, run: str) -> list[Sent]:
    return list(post.ledger.list_messages(MessageFilter(run=run)))


def _read_logs(post: Post, messages: Sequence[Sent]) -> None:
    """Keep the rows of some messages; where our ids find none, the rows have ids of their own, and one bulk."""
    for part in chunks(messages, IDS_IN_QUERY):
        page = post.messenger.read_logs(LogQuery(message_ids=tuple(each.message_id for each in part)))
        keep_rows(post, page)
        if not page.rows:
            for bulk_id in dict.fromkeys(each.bulk_id for each in part):
                keep_rows(post, post.messenger.read_logs(LogQuery(bulk_ids=(bulk_id,))))
