"""Runs: what was sent to whom, how far it is, and the locks that let one process send it, and one take reports."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from filelock import FileLock, Timeout

from omnictl.durable import make_private_directory
from omnictl.errors import LedgerError, LedgerHeldError
from omnictl.ledger import problems
from omnictl.ledger.base import Run, RunKind, Tally
from omnictl.ledger.book import Book, Row
from omnictl.ledger.opening import locks_of
from omnictl.ledger.times import to_number, to_optional_time, to_time
from omnictl.model.diagnostic import Diagnostic

_COLUMNS = "id, kind, scenario, message_digest, recipients_digest, started_at, finished_at"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def begin_run(book: Book, run: Run, beside: Collection[str] | None = None) -> None:
    """Remember a run before its first message, unless an equal one that is not of ``beside`` was begun meanwhile."""
    with book.writing():
        if beside is not None:
            equal = find_runs(book, run.scenario, run.message_digest, run.recipients_digest)
            new = [each.id for each in equal if each.id not in beside and each.id != run.id]
            if new:
                raise LedgerHeldError(problems.run_begun(book.shown, new[0]))
        book.change(
            f"INSERT INTO runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            run.id,
            run.kind.value,
            run.scenario,
            run.message_digest,
            run.recipients_digest,
            to_number(run.started_at),
            None if run.finished_at is None else to_number(run.finished_at),
        )


def finish_run(book: Book, run: str, at: datetime) -> None:
    """Remember that nothing of a run is left."""
    with book.writing():
        if not book.change("UPDATE runs SET finished_at = ? WHERE id = ?", to_number(at), run):
            raise LedgerError(problems.no_such_run(book.shown, run))


def find_runs(book: Book, scenario: str, message_digest: str, recipients_digest: str) -> tuple[Run, ...]:
    """Return the equal runs, the newest first; after a purge only the keyed hashes of the digests are compared."""
    hasher = book.hasher
    rows = book.query(
        f"SELECT {_COLUMNS} FROM runs WHERE scenario = ? AND message_digest IN (?, ?) "
        "AND recipients_digest IN (?, ?) ORDER BY started_at DESC, number DESC",
        scenario,
        message_digest,
        hasher.hash_text(message_digest).hex(),
        recipients_digest,
        hasher.hash_text(recipients_digest).hex(),
    )
    return _read_all(book, rows)


def get_run(book: Book, run: str) -> Run | None:
    """Return a run by its id."""
    rows = book.query(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", run)
    return next(iter(_read_all(book, rows)), None)


def list_runs(book: Book) -> tuple[Run, ...]:
    """Return all runs, the newest first."""
    return _read_all(book, book.query(f"SELECT {_COLUMNS} FROM runs ORDER BY started_at DESC, number DESC"))


def number_of(book: Book, run: str) -> int:
    """Return the number of a run in the file. Raises LedgerError where there is none."""
    rows = book.query("SELECT number FROM runs WHERE id = ?", run)
    if not rows:
        raise LedgerError(problems.no_such_run(book.shown, run))
    return int(rows[0][0])


def tally(book: Book, run: str) -> Tally:
    """Count the fates of a run; what was not tried does not count."""
    rows = book.query("SELECT fate, count FROM tallies WHERE run = (SELECT number FROM runs WHERE id = ?)", run)
    counts = {fate: int(count) for fate, count in rows}
    return Tally(counts.get("accepted", 0), counts.get("refused", 0), counts.get("unknown", 0))


@contextmanager
def holding_run(book: Book, run: str) -> Iterator[None]:
    """Hold a run: two processes never send the same one."""
    name = run if _PLAIN_NAME.fullmatch(run) else book.hasher.hash_text(run).hex()
    with _holding(book, f"run-{name}.lock", problems.run_held(book.shown, run)):
        yield


@contextmanager
def holding_pull(book: Book) -> Iterator[None]:
    """Hold the taking of reports: what another pull has just asked for is no gap yet."""
    with _holding(book, "pull.lock", problems.pull_held(book.shown)):
        yield


@contextmanager
def _holding(book: Book, name: str, held: Diagnostic) -> Iterator[None]:
    """Hold a lock of the operating system, which goes with its process, however that ends."""
    folder = locks_of(book.path)
    path = folder / name
    lock = FileLock(str(path), mode=0o600, fallback_to_soft=False, preserve_lock_file=True)
    try:
        make_private_directory(folder)
        lock.acquire(timeout=0)
    except Timeout:
        raise LedgerHeldError(held) from None
    except OSError as error:
        raise LedgerError(problems.cannot_write(str(path), error.strerror or str(error))) from None
    try:
        yield
    finally:
        with suppress(OSError):  # who waits at the old file sees that it has no name any more, and begins anew
            path.unlink()
        lock.release()


def _read_all(book: Book, rows: list[Row]) -> tuple[Run, ...]:
    with book.decoding():
        return tuple(map(_read, rows))


def _read(row: Row) -> Run:
    run_id, kind, scenario, message_digest, recipients_digest, started_at, finished_at = row
    return Run(
        run_id,
        RunKind(kind),
        scenario,
        message_digest,
        recipients_digest,
        to_time(started_at),
        to_optional_time(finished_at),
    )
