"""Taking personal data away for good: out of the rows, and out of the bytes of the files."""

from datetime import datetime

from omnictl.errors import LedgerError
from omnictl.ledger import problems
from omnictl.ledger.base import Purged
from omnictl.ledger.book import Book
from omnictl.ledger.opening import list_backups
from omnictl.ledger.times import to_number

_PART = 2000
"""How many rows one transaction purges: who sends meanwhile waits for no more."""

_REPORT = (
    "json_remove(json_set(report, '$.to', ''), '$.sender', '$.text', '$.callback_data', '$.status.description', "
    "'$.status.action', '$.error.description')"
)
_SEEN = "json_remove(json_set(seen, '$.to', ''), '$.sender')"


def purge(book: Book, before: datetime) -> Purged:
    """Take addresses, texts and raw bytes of all that is older away, for good; ids and keyed hashes stay."""
    limit = to_number(before)
    messages, unknown = _purge_messages(book, limit)
    reports = _purge_rows(book, "reports", f"callback_bulk = NULL, raw = NULL, report = {_REPORT}", "position", limit)
    reports += _purge_rows(book, "seen", f"raw = NULL, seen = {_SEEN}", "number", limit)
    _purge_bytes(book, limit)
    _purge_runs(book, limit)
    for backup in list_backups(book.path):
        backup.unlink(missing_ok=True)
    _write_anew(book)
    return Purged(messages, reports, unknown)


def _purge_messages(book: Book, limit: int) -> tuple[int, int]:
    """Return how many messages lost their recipient, and of how many of them the fate is unknown."""
    purged, unknown, last = 0, 0, 0
    while True:
        with book.writing():
            rows = book.query(
                "SELECT m.number, m.fate FROM messages m JOIN batches b ON b.number = m.batch "
                "WHERE m.number > ? AND m.recipient IS NOT NULL AND b.sent_at < ? ORDER BY m.number LIMIT ?",
                last,
                limit,
                _PART,
            )
            numbers = [(number,) for number, _ in rows]
            book.change_many("UPDATE messages SET recipient = NULL WHERE number = ?", numbers)
            book.change_many(
                "UPDATE receipts SET reason = '', status = json_remove(status, '$.description', '$.action') "
                "WHERE message = ?",
                numbers,
            )
        if not rows:
            break
        purged += len(rows)
        unknown += sum(fate == "unknown" for _, fate in rows)
        last = rows[-1][0]
    with book.writing():
        book.change("UPDATE batches SET callback_data = NULL WHERE sent_at < ? AND callback_data IS NOT NULL", limit)
        book.change(
            "UPDATE contents SET digest = NULL, message = NULL WHERE message IS NOT NULL AND NOT EXISTS "
            "(SELECT 1 FROM batches WHERE content = contents.number AND sent_at >= ?)",
            limit,
        )
    return purged, unknown


def _purge_rows(book: Book, table: str, changes: str, key: str, limit: int) -> int:
    """Purge the rows of a table part by part, and return how many had something to lose."""
    count, last = 0, 0
    while True:
        with book.writing():
            numbers = book.query(
                f"SELECT {key} FROM {table} WHERE {key} > ? AND raw IS NOT NULL AND received_at < ? "
                f"ORDER BY {key} LIMIT ?",
                last,
                limit,
                _PART,
            )
            book.change_many(f"UPDATE {table} SET {changes} WHERE {key} = ?", numbers)
            if table == "reports":
                book.change_many("UPDATE other_texts SET raw = NULL WHERE report = ?", numbers)
        if not numbers:
            return count
        count += len(numbers)
        last = numbers[-1][0]


def _purge_bytes(book: Book, limit: int) -> None:
    """Drop the bytes of old replies; a row that came in one of them and is younger keeps its own text."""
    last = 0
    while True:
        with book.writing():
            numbers = book.query(
                "SELECT number FROM replies WHERE number > ? AND body IS NOT NULL AND at < ? ORDER BY number LIMIT ?",
                last,
                limit,
                _PART,
            )
            book.change_many("UPDATE replies SET body = NULL WHERE number = ?", numbers)
        if not numbers:
            return
        last = numbers[-1][0]


def _purge_runs(book: Book, limit: int) -> None:
    """Replace the digests of old runs by their keyed hashes: that of one number, or of a short text, can be guessed."""
    hasher = book.hasher
    with book.writing():
        rows = book.query(
            "SELECT message_digest, recipients_digest, number FROM runs WHERE started_at < ? AND NOT is_keyed", limit
        )
        keyed = [(hasher.hash_text(one).hex(), hasher.hash_text(two).hex(), number) for one, two, number in rows]
        book.change_many(
            "UPDATE runs SET message_digest = ?, recipients_digest = ?, is_keyed = 1 WHERE number = ?", keyed
        )


def _write_anew(book: Book) -> None:
    """Let no old byte be left in the file or in its log; SQLite alone would leave some until it needs the room."""
    try:
        book.change("VACUUM")
    except LedgerError as error:
        raise LedgerError(problems.purge_unfinished(book.shown, error.diagnostics[0].detail)) from None
    _truncate_log(book)


def _truncate_log(book: Book) -> None:
    """Empty the log; SQLite waits as long as it does for any lock until nobody reads from it any more."""
    if book.query("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]:
        raise LedgerError(problems.purge_unfinished(book.shown, "Another process still reads from it."))
