"""An account's messages in memory: takes them, reports them once, logs them, and fails as it is told to."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from msgspec.structs import replace

from omnictl.errors import AccessError, OmnictlError, OutcomeUnknownError, ReadingError, RemoteError, UnsentError
from omnictl.ledger.base import Ledger
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.message import Addressed, Batch, MessageFate, Receipt, Recipient
from omnictl.model.outcome import Event
from omnictl.model.report import DeliveryError, LogQuery, Received, Report, ReportQuery, ReportSource, Status
from omnictl.operations.looking import Post
from omnictl.provider.base import StopSignal
from omnictl.provider.messenger import Page
from tests.builders import NOW

ENROUTE = Status("PENDING", "PENDING_ENROUTE", 7, 1)
DELIVERED = Status("DELIVERED", "DELIVERED_TO_HANDSET", 5, 3)
NO = Status("REJECTED", "REJECTED_DESTINATION", 51, 5)
REPEATED = Status("REJECTED", "REJECTED_DUPLICATE_MESSAGE_ID", 23, 5)


def problem(code: str) -> Diagnostic:
    """Return a diagnostic with this code."""
    return Diagnostic(code, Severity.ERROR, f"It is {code}")


FAILURES: dict[str, OmnictlError] = {
    "cut before": OutcomeUnknownError(problem("cut")),
    "cut after": OutcomeUnknownError(problem("cut")),
    "late": OutcomeUnknownError(problem("cut")),
    "refused": RemoteError(problem("refused")),
    "denied": AccessError(problem("denied")),
    "unsent": UnsentError(problem("unsent")),
    "unreadable": ReadingError(problem("unreadable")),
}
_NUMBERS = count()
_TAKES = ("ok", "cut after", "omit")


@dataclass
class FakeMessenger:
    """``fates`` are those of the next requests to send, one each: ``ok``, ``omit`` or a name of FAILURES.

    ``troubles`` are those of the next other requests: "" or a name of FAILURES. ``no`` refuses phones, ``repeats`` says
    whether an id is taken twice, ``foreign_ids`` whether rows have ids of their own.
    """

    clock: Callable[[], datetime] = lambda: NOW
    host: str = "api.example.com"
    settle_seconds: float = 0.0
    request_timeout_seconds: float = 0.0
    fates: deque[str] = field(default_factory=deque)
    troubles: deque[str] = field(default_factory=deque)
    no: frozenset[str] = frozenset()
    repeats: bool = True
    foreign_ids: bool = False
    most_rows: int = 1000
    taken: list[tuple[Batch, Addressed]] = field(default_factory=list)
    late: list[tuple[Batch, Addressed]] = field(default_factory=list)
    sends: int = 0
    unread: list[Report] = field(default_factory=list)
    log: list[Report] = field(default_factory=list)
    queries: list[LogQuery] = field(default_factory=list)
    before_each: Callable[[str], None] = lambda _: None

    def send(self, batch: Batch) -> tuple[Receipt, ...]:
        """Take a batch, or fail."""
        self.before_each("send")
        fate = self.fates.popleft() if self.fates else "ok"
        self.sends += 1
        receipts = [self._judge(each) for each in batch.messages]
        if fate in _TAKES or fate == "late":
            accepted = {each.message_id for each in receipts if each.fate is MessageFate.ACCEPTED}
            took = [(batch, each) for each in batch.messages if each.message_id in accepted]
            if fate == "late":
                self.late += took
            else:
                self._take(took)
        if fate in FAILURES:
            raise FAILURES[fate]
        if fate == "omit":
            receipts[-1] = Receipt(receipts[-1].message_id, MessageFate.UNKNOWN, reason="it was left out")
        self.before_each("sent")
        return tuple(receipts)

    def _judge(self, each: Addressed) -> Receipt:
        known = {addressed.message_id for _, addressed in self.taken}
        if not self.repeats and each.message_id in known:
            return Receipt(each.message_id, MessageFate.REFUSED, REPEATED, "REJECTED_DUPLICATE_MESSAGE_ID")
        if each.recipient.phone in self.no:
            return Receipt(each.message_id, MessageFate.REFUSED, NO, "REJECTED_DESTINATION")
        return Receipt(each.message_id, MessageFate.ACCEPTED, ENROUTE)

    def _take(self, took: Sequence[tuple[Batch, Addressed]]) -> None:
        self.taken += took
        for batch, each in took:
            row = make_row(each.message_id, each.recipient.phone or "", self.clock())
            row = replace(row, bulk_id=batch.bulk_id, callback_data=batch.message.callback_data)
            if self.foreign_ids:
                row = replace(row, message_id=f"X-{each.message_id}", bulk_id=None)
            self.unread.append(row)
            self.log.append(replace(row, source=ReportSource.LOG, error=None))

    def commit_late(self) -> None:
        """Let what was late be taken now."""
        self._take(self.late)
        self.late = []

    def take_reports(self, query: ReportQuery) -> Page:
        """Hand reports out, once."""
        self.before_each("reports")
        trouble = self.troubles.popleft() if self.troubles else ""
        some, rest = self.unread[: query.limit], self.unread[query.limit :]
        if trouble in ("", "cut after"):
            self.unread = rest
        if trouble:
            raise FAILURES[trouble]
        self.before_each("reported")
        return _page(some, query.limit)

    def read_logs(self, query: LogQuery) -> Page:
        """Show what is known, the newest first."""
        self.before_each("logs")
        trouble = self.troubles.popleft() if self.troubles else ""
        if trouble:
            raise FAILURES[trouble]
        self.queries.append(query)
        rows = sorted(filter(lambda row: _fits(row, query), self.log), key=lambda row: row.sent_at or NOW, reverse=True)
        return _page(rows[: min(query.limit, self.most_rows)], min(query.limit, self.most_rows))


def make_row(message_id: str, to: str, sent_at: datetime) -> Report:
    """Return the report of a message that was delivered at once."""
    return Report(
        ReportSource.PULL,
        message_id,
        to,
        DELIVERED,
        channel="SMS",
        sent_at=sent_at,
        done_at=sent_at + timedelta(seconds=1),
        error=DeliveryError("OK", "NO_ERROR", 0),
    )


def _fits(row: Report, query: LogQuery) -> bool:
    at = row.sent_at or NOW
    return (
        (not query.message_ids or row.message_id in query.message_ids)
        and (not query.bulk_ids or _bulk_of(row) in query.bulk_ids)
        and (query.sent_since is None or at >= query.sent_since)
        and (query.sent_until is None or at <= query.sent_until)
    )


def _bulk_of(row: Report) -> str | None:
    return row.bulk_id or (row.callback_data or "").rpartition(":")[2]


def _page(rows: Sequence[Report], limit: int) -> Page:
    received = tuple(Received(each, json.dumps([each.message_id, each.source.value])) for each in rows)
    return Page(received, json.dumps([each.message_id for each in rows]).encode(), is_full=len(rows) >= limit)


@dataclass
class Clock:
    """A clock that moves when somebody waits, or when it is told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Move ahead by so many hours, minutes, seconds."""
        self.now += timedelta(**by)


class WaitingStop(StopSignal):
    """A stop whose waiting moves a clock, and costs no time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, seconds: float) -> bool:
        self._clock.move(seconds=seconds)
        return self.is_set


def make_post(ledger: Ledger, messenger: FakeMessenger, clock: Clock | None = None) -> tuple[Post, list[Event]]:
    """Return what messages are sent with, and the events that are told."""
    clock = clock or Clock()
    messenger.clock = clock
    events: list[Event] = []
    post = Post(
        ledger,
        messenger,
        WaitingStop(clock),
        events.append,
        clock,
        lambda: (clock.now - datetime(2020, 1, 1, tzinfo=UTC)).total_seconds(),
        lambda: f"id-{next(_NUMBERS)}",
        "test",
    )
    return post, events


def people(number: int, first: int = 0) -> list[Recipient]:
    """Return so many recipients."""
    return [Recipient(phone=str(41790000000 + first + each)) for each in range(number)]
