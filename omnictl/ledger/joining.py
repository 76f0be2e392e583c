"""Which message of ours a report belongs to: by its id, else by our request in callbackData, else by bulkId."""

from collections.abc import Sequence

from omnictl.ledger.book import PAGE, Book, marks, plain
from omnictl.ledger.hashing import HASH_BYTES, Hasher
from omnictl.model.message import MessageFate
from omnictl.model.report import Report

UNKNOWN = MessageFate.UNKNOWN.value
ACCEPTED = MessageFate.ACCEPTED.value
NOT_TRIED = MessageFate.NOT_TRIED.value
REFUSED = MessageFate.REFUSED.value


def callback_bulk(report: Report) -> str | None:
    """Return what may be the id of one of our requests: the last part of callbackData."""
    return plain(report.callback_data.rpartition(":")[2]) or None if report.callback_data else None


def find_message(book: Book, hasher: Hasher, report: Report) -> int | None:
    """Return the number of the message that a row belongs to; None where it is none of ours, or of several."""
    rows = book.query("SELECT number FROM messages WHERE message_id = ?", plain(report.message_id))
    if rows:
        return int(rows[0][0])
    targets = frozenset(hasher.hash_target(report.to))
    for bulk_id in (callback_bulk(report), report.bulk_id):
        found = None if bulk_id is None else _find_in_batch(book, plain(bulk_id), targets)
        if found is not None:
            return found
    return None


def _find_in_batch(book: Book, bulk_id: str, targets: frozenset[bytes]) -> int | None:
    rows = book.query(
        "SELECT m.number, m.recipient_hash, m.address_hashes FROM batches b JOIN messages m ON m.batch = b.number "
        "WHERE b.bulk_id = ?",
        bulk_id,
    )
    found = [number for number, whole, parts in rows if targets & {whole, *_split(parts)}]
    return int(found[0]) if len(found) == 1 else None


def _split(hashes: bytes | None) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)] if hashes else []


def accept(book: Book, message: int, at: int, reason: str, *, refused_too: bool = False) -> None:
    """Write down that a message of unknown fate was accepted, since something shows it.

    ``refused_too`` where it shows even that a refused one was taken all the same.
    """
    rows = book.query("SELECT fate FROM messages WHERE number = ?", message)
    if rows[0][0] in (UNKNOWN, NOT_TRIED) or (refused_too and rows[0][0] == REFUSED):
        number = add_receipt(book, message, at, ACCEPTED, None, reason)
        book.change("UPDATE messages SET fate = ?, receipt = ? WHERE number = ?", ACCEPTED, number, message)


def add_receipt(book: Book, message: int, at: int, fate: str, status: str | None, reason: str) -> int:
    """Write a receipt down and return its number among those of the message."""
    rows = book.query("SELECT COALESCE(MAX(number), 0) + 1 FROM receipts WHERE message = ?", message)
    number = int(rows[0][0])
    book.change("INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?)", message, number, at, fate, status, reason)
    return number


def join_late(book: Book, bulk_id: str, message_ids: Sequence[str], at: int) -> None:
    """Join rows that came before the messages that they belong to, as those of a ledger from elsewhere do."""
    if not book.query("SELECT 1 FROM reports WHERE message IS NULL LIMIT 1"):
        return
    for position, message in (*_by_id(book, message_ids), *_by_batch(book, bulk_id)):
        if book.change("UPDATE reports SET message = ? WHERE position = ? AND message IS NULL", message, position):
            accept(book, message, at, "a report was there before it")


def _by_id(book: Book, message_ids: Sequence[str]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start in range(0, len(message_ids), PAGE):
        some = message_ids[start : start + PAGE]
        rows = book.query(
            "SELECT r.position, m.number FROM reports r JOIN messages m ON m.message_id = r.message_id "
            f"WHERE r.message IS NULL AND r.message_id IN ({marks(len(some))})",
            *some,
        )
        found.extend((int(position), int(message)) for position, message in rows)
    return found


def _by_batch(book: Book, bulk_id: str) -> list[tuple[int, int]]:
    rows = book.query(
        "SELECT position, to_hash FROM reports WHERE message IS NULL AND callback_bulk = ? UNION ALL "
        "SELECT position, to_hash FROM reports WHERE message IS NULL AND bulk_id = ?",
        bulk_id,
        bulk_id,
    )
    joined = ((position, _find_in_batch(book, bulk_id, frozenset((to_hash,)))) for position, to_hash in rows)
    return [(int(position), message) for position, message in joined if message is not None]
