"""The port to the ledger: what operations ask of the place where messages and reports are kept."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from omnictl.model.message import Batch, MessageFate, Receipt, Recipient, Sent, Via
from omnictl.model.report import Gap, GapState, Received, ReceivedSeen, ReportQuery, ReportSource


class RunKind(StrEnum):
    """How the recipients of a run were given: on the command line, or in a file."""

    DIRECT = "direct"
    FILE = "file"


class Run(Struct, frozen=True):
    """One sending: what equal ones have in common (scenario, message, recipients), and how far it is.

    ``recipients_digest`` is of the file's bytes, or of the recipients of the command line; ``finished_at`` is None
    while something is left that was not tried, or whose fate is unknown. A purge replaces the digests by keyed hashes
    of them, since that of one number can be guessed; ``find_runs`` knows both.
    """

    id: str
    kind: RunKind
    scenario: str
    message_digest: str
    recipients_digest: str
    started_at: datetime
    finished_at: datetime | None = None


class Tally(Struct, frozen=True):
    """How many messages of a run had which fate."""

    accepted: int = 0
    refused: int = 0
    unknown: int = 0


class MessageFilter(Struct, frozen=True):
    """Which messages are asked for; None asks for all. Times are UTC; ``since`` is included, ``until`` is not."""

    scenario: str | None = None
    run: str | None = None
    message_id: str | None = None
    to: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    fate: MessageFate | None = None


class Kept(Struct, frozen=True):
    """A report of the ledger: its place in the order of arrival, when it came (UTC), and the message it belongs to.

    ``message_id`` is the id of one of our messages, or None where it could not be joined to any.
    """

    position: int
    received_at: datetime
    row: Received
    message_id: str | None


class Purged(Struct, frozen=True):
    """What a purge took away: how many messages and reports, seen reports among them, lost their personal data.

    ``unknown`` of the messages have an unknown fate: they cannot be sent again any more, since nobody knows to whom.
    """

    messages: int
    reports: int
    unknown: int = 0


class Ledger(Protocol):
    """Messages and reports of one environment, append-only in meaning. Every method may raise LedgerError; it is a
    LedgerHeldError where another process is in the way and the same command later may do.

    What a method wrote is durable when it returns. Several processes may share it.
    """

    @property
    def location(self) -> str:
        """Where it is, for people."""
        ...

    def bind_account(self, host: str) -> None:
        """Belong to the account of this host from the first use on. Raises LedgerError where it is of another one."""
        ...

    # --- sending -------------------------------------------------------------------------------------------------

    def find_runs(self, scenario: str, message_digest: str, recipients_digest: str) -> tuple[Run, ...]:
        """Return the equal runs, the newest first."""
        ...

    def get_run(self, run: str) -> Run | None:
        """Return a run by its id."""
        ...

    def list_runs(self) -> tuple[Run, ...]:
        """Return all runs, the newest first."""
        ...

    def begin_run(self, run: Run, *, beside: Collection[str] | None = None) -> None:
        """Remember a run before its first message; one that is there already stays as it is.

        ``beside`` are the ids of the equal runs that were known when it was decided to begin this one; raises
        LedgerHeldError where another one was begun since then. None: whatever is there.
        """
        ...

    def finish_run(self, run: str, at: datetime) -> None:
        """Remember that nothing of a run is left. Raises LedgerError where there is no such run."""
        ...

    def holding_run(self, run: str) -> AbstractContextManager[None]:
        """Hold a run: two processes never send the same one. Raises LedgerHeldError where somebody else does."""
        ...

    def holding_pull(self) -> AbstractContextManager[None]:
        """Hold the taking of reports: two pulls at once would see each other's requests as gaps.

        Raises LedgerHeldError where somebody else does.
        """
        ...

    def select_new(self, run: str, recipients: Sequence[Recipient]) -> tuple[Recipient, ...]:
        """Return the recipients that have no message in this run yet but for one that was not tried, each once."""
        ...

    def open_batch(self, run: str, via: Via, batch: Batch, at: datetime) -> None:
        """Write down every message of a request before it leaves; until a receipt comes their fate is unknown.

        Raises LedgerError, and writes nothing, where a recipient has a message in this run (but for one that was not
        tried) or stands in the request twice, or where an id is taken.
        """
        ...

    def reopen_batch(self, batch: Batch, at: datetime) -> None:
        """Write down, before it leaves, that a request is sent once more with its ids, as ``unknown_batches`` gave it.

        From then on "not tried" leaves its messages unknown: they may have left the first time.
        """
        ...

    def add_receipts(self, receipts: Iterable[Receipt], at: datetime) -> None:
        """Write down what became of messages; the last receipt of a message counts, but accepted never goes back.

        "Not tried" counts only for a message that has no receipt yet. Receipts of ids that are not here are left out.
        """
        ...

    def tally(self, run: str) -> Tally:
        """Count the fates of a run; cheap, however many messages it has."""
        ...

    def unknown_batches(self, run: str) -> tuple[Batch, ...]:
        """Return the requests of a run as they were sent, each with those messages alone whose fate is unknown.

        Messages that were purged are left out.
        """
        ...

    def unknown_ids(self, run: str) -> tuple[tuple[str, str], ...]:
        """Return bulk id and message id of every message of a run whose fate is unknown, in the order of sending.

        Messages that were purged are among them: nobody can send them again, and logs may still show them.
        """
        ...

    def list_messages(self, wanted: MessageFilter) -> Iterator[Sent]:
        """Yield messages in the order in which they were sent.

        One that was not tried is left out where its recipient got another in the same run, unless it is asked for by
        its id.
        """
        ...

    # --- reports -------------------------------------------------------------------------------------------------

    def open_gap(self, query: ReportQuery, at: datetime) -> Gap:
        """Write down a pull before its request leaves."""
        ...

    def close_gap(self, gap: int, body: bytes, rows: Sequence[Received], at: datetime) -> int:
        """Keep the bytes and rows of a reply and close its gap, in one transaction; return how many rows were new."""
        ...

    def settle_gap(self, gap: int, state: GapState, at: datetime) -> None:
        """Remember that an open gap was filled, or is permanent; one that is settled already stays as it is."""
        ...

    def list_gaps(self, states: Iterable[GapState]) -> tuple[Gap, ...]:
        """Return the gaps in these states, the oldest first."""
        ...

    def add_reports(self, rows: Sequence[Received], source: ReportSource, body: bytes, at: datetime) -> int:
        """Keep pushed rows or rows of logs with the bytes they came in; return how many were new.

        A row that is there already is not new and keeps its position; the richer of its texts is the one that is shown.
        A row that joins to a message of unknown fate makes it accepted, and also a refused one, unless the row itself
        says rejected.
        """
        ...

    def add_seen(self, rows: Sequence[ReceivedSeen], body: bytes, at: datetime) -> int:
        """Keep pushed seen reports; return how many were new."""
        ...

    def last_position(self) -> int:
        """Return the position of the last report that arrived; 0 where there is none."""
        ...

    def list_reports(self, *, after: int = 0, limit: int | None = None) -> Iterator[Kept]:
        """Yield reports in the order of their arrival, those behind position ``after``."""
        ...

    def reports_of(self, message_ids: Iterable[str]) -> Iterator[Kept]:
        """Yield the reports that belong to these messages of ours."""
        ...

    def seen_of(self, message_ids: Iterable[str]) -> Iterator[ReceivedSeen]:
        """Yield the seen reports of these messages of ours, also under the ids that the API gave to their steps."""
        ...

    def list_unmatched_seen(self) -> Iterator[ReceivedSeen]:
        """Yield the seen reports that belong to no message of ours, nor to one of its steps."""
        ...

    def purge(self, before: datetime) -> Purged:
        """Take addresses, texts and raw bytes of all that is older away, for good; ids and keyed hashes stay."""
        ...

    def close(self) -> None:
        """Close it."""
        ...
