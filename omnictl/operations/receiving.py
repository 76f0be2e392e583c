"""Receiving pushes: in the ledger before they are acknowledged, told afterwards by whoever has the time."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct

from omnictl.ledger.base import Ledger
from omnictl.model.outcome import PushKept
from omnictl.model.report import ReportSource
from omnictl.model.story import Story
from omnictl.operations.stories import find_reported, iterate_reported
from omnictl.provider.messenger import Push


class Arrival(Struct, frozen=True):
    """A push that is in the ledger: when it came (UTC), what was in it, and where its new reports stand.

    They are those behind position ``after`` up to ``last``; ``seen_ids`` are the messages that somebody looked at.
    """

    at: datetime
    kept: PushKept
    after: int
    last: int
    seen_ids: tuple[str, ...] = ()


class Receiver:
    """Keeps pushes in the ledger, from any thread.

    ``read`` takes a body apart; it raises ValueError, with words that hold nothing of the body, where that is no push.
    ``on_arrival`` hears of each push when it is in the ledger; it must not wait.
    """

    def __init__(
        self,
        ledger: Ledger,
        read: Callable[[bytes], Push],
        *,
        clock: Callable[[], datetime],
        on_arrival: Callable[[Arrival], None],
    ) -> None:
        self._ledger = ledger
        self._read = read
        self._clock = clock
        self._on_arrival = on_arrival
        self._lock = threading.Lock()

    def receive(self, body: bytes) -> str:
        """Keep a push; when this returns it is durable. Returns why a body is no push, or "". Raises LedgerError."""
        try:
            push = self._read(body)
        except ValueError as error:
            return str(error)
        at = self._clock()
        with self._lock:  # what is new between two positions is of this push
            after = self._ledger.last_position()
            new = self._keep(push, body, at)
            last = self._ledger.last_position()
        kept = PushKept(len(push.reports), len(push.seen), new, push.inbound, push.unreadable)
        seen_ids = tuple(each.seen.message_id for each in push.seen) if new else ()
        self._on_arrival(Arrival(at, kept, after, last, seen_ids))
        return ""

    def _keep(self, push: Push, body: bytes, at: datetime) -> int:
        """Keep the rows of a push, and its bytes where a row cannot be read; return how many rows were new."""
        new = 0
        if push.reports:
            new += self._ledger.add_reports(push.reports, ReportSource.PUSH, body, at)
        if push.seen:
            new += self._ledger.add_seen(push.seen, body, at)
        if push.unreadable and not new:  # with a new row its bytes are kept
            self._ledger.add_reports((), ReportSource.PUSH, body, at)
        return new


def iterate_arrived(ledger: Ledger, arrival: Arrival) -> Iterator[Story]:
    """Yield the stories that a push has changed, each once, as they stand now."""
    ids = dict.fromkeys((*find_reported(ledger, arrival.after, arrival.last), *arrival.seen_ids))
    return iterate_reported(ledger, arrival.after, ids, last=arrival.last)
