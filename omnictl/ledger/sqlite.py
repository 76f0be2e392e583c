"""The ledger as a local SQLite file, one for an environment; what each method promises stands in ``base``."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from omnictl.errors import LedgerError
from omnictl.ledger import collecting, problems, reading, runs, sending
from omnictl.ledger.base import Kept, MessageFilter, Purged, Run, Tally
from omnictl.ledger.opening import open_book
from omnictl.model.message import Batch, Receipt, Recipient, Sent, Via
from omnictl.model.report import Gap, GapState, Received, ReceivedSeen, ReportQuery, ReportSource

BUSY_SECONDS = 30.0
"""How long one waits for another process that writes the file."""


class SqliteLedger:
    """Messages and reports of one environment in one file, made where there is none.

    Threads and processes may share it. ``must_exist`` is for commands that only read. Raises LedgerError.
    """

    def __init__(
        self, path: Path, *, environment: str, busy_seconds: float = BUSY_SECONDS, must_exist: bool = False
    ) -> None:
        self._path = path
        self._book = open_book(path, environment=environment, busy_seconds=busy_seconds, must_exist=must_exist)

    @property
    def location(self) -> str:
        """The path of the file."""
        return str(self._path)

    def bind_account(self, host: str) -> None:
        """Belong to the account of this host from the first use on; LedgerError where it is of another one."""
        with self._book.writing():
            self._book.change("INSERT INTO meta VALUES ('host', ?) ON CONFLICT DO NOTHING", host)
            found = str(self._book.meta("host"))
            if found != host:
                raise LedgerError(problems.other_account(self._book.shown, found, host))

    def close(self) -> None:
        """Close the file."""
        self._book.close()

    # --- sending -------------------------------------------------------------------------------------------------

    def find_runs(self, scenario: str, message_digest: str, recipients_digest: str) -> tuple[Run, ...]:
        """Return the equal runs, the newest first."""
        return runs.find_runs(self._book, scenario, message_digest, recipients_digest)

    def get_run(self, run: str) -> Run | None:
        """Return a run by its id."""
        return runs.get_run(self._book, run)

    def list_runs(self) -> tuple[Run, ...]:
        """Return all runs, the newest first."""
        return runs.list_runs(self._book)

    def begin_run(self, run: Run, *, beside: Collection[str] | None = None) -> None:
        """Remember a run before its first message."""
        runs.begin_run(self._book, run, beside)

    def finish_run(self, run: str, at: datetime) -> None:
        """Remember that nothing of a run is left."""
        runs.finish_run(self._book, run, at)

    def holding_run(self, run: str) -> AbstractContextManager[None]:
        """Hold a run: two processes never send the same one."""
        return runs.holding_run(self._book, run)

    def holding_pull(self) -> AbstractContextManager[None]:
        """Hold the taking of reports. Raises LedgerHeldError where somebody else does."""
        return runs.holding_pull(self._book)

    def select_new(self, run: str, recipients: Sequence[Recipient]) -> tuple[Recipient, ...]:
        """Return the recipients that have no message in this run yet but for one that was not tried, each once."""
        return sending.select_new(self._book, run, recipients)

    def open_batch(self, run: str, via: Via, batch: Batch, at: datetime) -> None:
        """Write down every message of a request before it leaves."""
        sending.open_batch(self._book, run, via, batch, at)

    def reopen_batch(self, batch: Batch, at: datetime) -> None:
        """Write down that a request leaves once more."""
        sending.reopen_batch(self._book, batch, at)

    def add_receipts(self, receipts: Iterable[Receipt], at: datetime) -> None:
        """Write down what became of messages."""
        sending.add_receipts(self._book, receipts, at)

    def tally(self, run: str) -> Tally:
        """Count the fates of a run."""
        return runs.tally(self._book, run)

    def unknown_batches(self, run: str) -> tuple[Batch, ...]:
        """Return the requests of a run as they were sent, each with those messages alone whose fate is unknown."""
        return sending.unknown_batches(self._book, run)

    def unknown_ids(self, run: str) -> tuple[tuple[str, str], ...]:
        """Return bulk id and message id of every message of a run whose fate is unknown."""
        return sending.unknown_ids(self._book, run)

    def list_messages(self, wanted: MessageFilter) -> Iterator[Sent]:
        """Yield messages in the order in which they were sent."""
        return reading.list_messages(self._book, wanted)

    # --- reports -------------------------------------------------------------------------------------------------

    def open_gap(self, query: ReportQuery, at: datetime) -> Gap:
        """Write down a pull before its request leaves."""
        return collecting.open_gap(self._book, query, at)

    def close_gap(self, gap: int, body: bytes, rows: Sequence[Received], at: datetime) -> int:
        """Keep the bytes and rows of a reply and close its gap; return how many rows were new."""
        return collecting.close_gap(self._book, gap, body, rows, at)

    def settle_gap(self, gap: int, state: GapState, at: datetime) -> None:
        """Remember that a gap was filled, or is permanent."""
        collecting.settle_gap(self._book, gap, state, at)

    def list_gaps(self, states: Iterable[GapState]) -> tuple[Gap, ...]:
        """Return the gaps in these states, the oldest first."""
        return collecting.list_gaps(self._book, states)

    def add_reports(self, rows: Sequence[Received], source: ReportSource, body: bytes, at: datetime) -> int:
        """Keep pushed rows or rows of logs with the bytes they came in; return how many were new."""
        return collecting.add_reports(self._book, rows, source, body, at)

    def add_seen(self, rows: Sequence[ReceivedSeen], body: bytes, at: datetime) -> int:
        """Keep pushed seen reports; return how many were new."""
        return collecting.add_seen(self._book, rows, body, at)

    def last_position(self) -> int:
        """Return the position of the last report that arrived; 0 where there is none."""
        return reading.last_position(self._book)

    def list_reports(self, *, after: int = 0, limit: int | None = None) -> Iterator[Kept]:
        """Yield reports in the order of their arrival, those behind position ``after``."""
        return reading.list_reports(self._book, after=after, limit=limit)

    def reports_of(self, message_ids: Iterable[str]) -> Iterator[Kept]:
        """Yield the reports that belong to these messages of ours."""
        return reading.reports_of(self._book, message_ids)

    def list_unmatched_seen(self) -> Iterator[ReceivedSeen]:
        """Yield the seen reports that belong to no message of ours."""
        return reading.list_unmatched_seen(self._book)

    def seen_of(self, message_ids: Iterable[str]) -> Iterator[ReceivedSeen]:
        """Yield the seen reports that belong to these messages of ours."""
        return reading.seen_of(self._book, message_ids)

    def purge(self, before: datetime) -> Purged:
        """Take addresses, texts and raw bytes of all that is older away, for good; ids and keyed hashes stay."""
        from omnictl.ledger.purging import purge  # late: hardly a run purges

        return purge(self._book, before)
