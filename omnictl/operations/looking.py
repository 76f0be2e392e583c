"""Looking in the logs for messages whose fate is unknown: what is there was taken, what is not stays unknown."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TypeVar

from msgspec import Struct

from omnictl.ledger.base import Ledger
from omnictl.model.outcome import Event, LookingForMessages
from omnictl.model.report import LogQuery, ReportSource
from omnictl.provider.base import StopSignal
from omnictl.provider.messenger import Messenger, Page

IDS_IN_QUERY = 50
"""How many ids one query has: the address of a request has a length that every server takes."""

T = TypeVar("T")


class Post(Struct, frozen=True):
    """What a sending works with. ``make_id`` gives a new id, a UUID as text; ``clock`` is UTC."""

    ledger: Ledger
    messenger: Messenger
    stop: StopSignal
    observe: Callable[[Event], None]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    make_id: Callable[[], str]
    environment: str
    sandbox: bool = False


def look_for_unknown(post: Post, run: str) -> None:
    """Look for the unknown messages of a run, by our ids first, then by their batch: rows may have ids of their own.

    The ledger makes what is found accepted. Raises ReadingError where the logs cannot be read.
    """
    if not (unknown := post.ledger.tally(run).unknown):
        return
    post.observe(LookingForMessages(unknown))
    for ids in chunks((message_id for _, message_id in post.ledger.unknown_ids(run)), IDS_IN_QUERY):
        keep_rows(post, post.messenger.read_logs(LogQuery(message_ids=ids)))
    for bulk_id in dict.fromkeys(bulk_id for bulk_id, _ in post.ledger.unknown_ids(run)):
        keep_rows(post, post.messenger.read_logs(LogQuery(bulk_ids=(bulk_id,))))


def keep_rows(post: Post, page: Page) -> int:
    """Keep a page of the logs in the ledger; return how many of its rows were new."""
    return post.ledger.add_reports(page.rows, ReportSource.LOG, page.body, post.clock()) if page.rows else 0


def chunks(values: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Yield the values, so many at once."""
    source = iter(values)
    while chunk := tuple(islice(source, size)):
        yield chunk
