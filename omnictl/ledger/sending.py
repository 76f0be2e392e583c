"""The ledger while messages are sent: each is written down before it leaves, and what became of it after."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from msgspec.structs import replace

from omnictl.codec.deliveries import encode_status
from omnictl.codec.messages import decode_message, decode_recipient, encode_message, encode_recipient, encode_via
from omnictl.codec.shapes import parse_json, write_json
from omnictl.errors import LedgerError
from omnictl.ledger import problems
from omnictl.ledger.book import PAGE, Book, Row, marks, plain
from omnictl.ledger.hashing import Hasher
from omnictl.ledger.joining import ACCEPTED, NOT_TRIED, add_receipt, join_late
from omnictl.ledger.runs import number_of
from omnictl.ledger.times import to_number
from omnictl.model.message import Addressed, Batch, Message, MessageFate, Receipt, Recipient, Via


def select_new(book: Book, run: str, recipients: Sequence[Recipient]) -> tuple[Recipient, ...]:
    """Return the recipients that have no message in this run yet but for one that was not tried, each once."""
    hasher = book.hasher
    hashed: dict[bytes, Recipient] = {}
    for each in recipients:
        hashed.setdefault(hasher.hash_recipient(each), each)
    taken = _taken(book, number_of(book, run), list(hashed))
    return tuple(each for key, each in hashed.items() if key not in taken)


def _taken(book: Book, run: int, hashes: Sequence[bytes]) -> set[bytes]:
    taken: set[bytes] = set()
    for start in range(0, len(hashes), PAGE):
        some = hashes[start : start + PAGE]
        statement = (
            "SELECT recipient_hash FROM messages WHERE run = ? AND fate <> 'not tried' "
            f"AND recipient_hash IN ({marks(len(some))})"
        )
        taken.update(row[0] for row in book.query(statement, run, *some))
    return taken


def open_batch(book: Book, run: str, via: Via, batch: Batch, at: datetime) -> None:
    """Write down every message of a request before it leaves; refuse it where a recipient has one in this run."""
    hasher = book.hasher
    hashes = [hasher.hash_recipient(each.recipient) for each in batch.messages]
    with book.writing():
        number = number_of(book, run)
        taken = len(hashes) - len(set(hashes)) + len(_taken(book, number, hashes))
        if taken:
            raise LedgerError(problems.already_sent(book.shown, run, taken))
        if _has_ids(book, batch):
            raise LedgerError(problems.id_taken(book.shown, batch.bulk_id))
        batch_number = _add_batch(book, hasher, number, via, batch, at)
        rows = [
            (each.message_id, number, batch_number, *_write_recipient(hasher, each.recipient), key)
            for each, key in zip(batch.messages, hashes, strict=True)
        ]
        book.change_many(
            "INSERT INTO messages (message_id, run, batch, recipient, address_hashes, recipient_hash) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )
        join_late(book, batch.bulk_id, [each.message_id for each in batch.messages], to_number(at))


def _has_ids(book: Book, batch: Batch) -> bool:
    ids = [each.message_id for each in batch.messages]
    if len(set(ids)) < len(ids) or book.query("SELECT 1 FROM batches WHERE bulk_id = ?", batch.bulk_id):
        return True
    return bool(_numbers_of(book, ids))


def _add_batch(book: Book, hasher: Hasher, run: int, via: Via, batch: Batch, at: datetime) -> int:
    callback = batch.message.callback_data
    return book.add(
        "INSERT INTO batches (bulk_id, run, via, content, scenario_key, callback_data, sent_at, send_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        batch.bulk_id,
        run,
        _intern_via(book, via),
        _intern_content(book, hasher, batch.message),
        batch.scenario_key,
        None if callback is None else write_json(callback, indent=None),
        to_number(at),
        None if batch.message.send_at is None else to_number(batch.message.send_at),
    )


def _intern_via(book: Book, via: Via) -> int:
    text = write_json(encode_via(via), indent=None)
    book.change("INSERT INTO vias (scenario, via) VALUES (?, ?) ON CONFLICT DO NOTHING", via.scenario, text)
    return int(book.query("SELECT number FROM vias WHERE via = ?", text)[0][0])


def _intern_content(book: Book, hasher: Hasher, message: Message) -> int:
    """Keep what many requests say once; what each of them has for itself is callbackData."""
    text = write_json(encode_message(replace(message, callback_data=None)), indent=None)
    digest = hasher.hash_text(text)
    book.change("INSERT INTO contents (digest, message) VALUES (?, ?) ON CONFLICT DO NOTHING", digest, text)
    return int(book.query("SELECT number FROM contents WHERE digest = ?", digest)[0][0])


def _write_recipient(hasher: Hasher, recipient: Recipient) -> tuple[str, bytes | None]:
    return write_json(encode_recipient(recipient), indent=None), hasher.hash_addresses(recipient)


def add_receipts(book: Book, receipts: Iterable[Receipt], at: datetime) -> None:
    """Write down what became of messages; receipts of ids that are not here are left out."""
    given = tuple(receipts)
    with book.writing():
        numbers = _numbers_of(book, [each.message_id for each in given])
        for receipt in given:
            if receipt.message_id in numbers:
                _add_receipt(book, numbers[receipt.message_id], receipt, to_number(at))


def _add_receipt(book: Book, message: int, receipt: Receipt, at: int) -> None:
    """Add a receipt and let it count, unless the message was accepted, or may have left before it was not tried."""
    status = None if receipt.status is None else write_json(encode_status(receipt.status), indent=None)
    fate = receipt.fate.value
    number = add_receipt(book, message, at, fate, status, plain(receipt.reason))
    before = book.query("SELECT fate, receipt FROM messages WHERE number = ?", message)[0]
    if before[0] == ACCEPTED and fate != ACCEPTED:
        return
    if fate == NOT_TRIED and before[1] is not None and before[0] != NOT_TRIED:
        return
    book.change("UPDATE messages SET fate = ?, receipt = ? WHERE number = ?", fate, number, message)


def reopen_batch(book: Book, batch: Batch, at: datetime) -> None:
    """Write down that a request leaves once more: from now on its messages were tried, whatever comes."""
    with book.writing():
        numbers = _numbers_of(book, [each.message_id for each in batch.messages])
        for message_id, message in numbers.items():
            _add_receipt(book, message, Receipt(message_id, MessageFate.UNKNOWN, reason="sent again"), to_number(at))


def _numbers_of(book: Book, message_ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(message_ids), PAGE):
        some = [plain(each) for each in message_ids[start : start + PAGE]]
        rows = book.query(f"SELECT message_id, number FROM messages WHERE message_id IN ({marks(len(some))})", *some)
        found.update((message_id, int(number)) for message_id, number in rows)
    return found


def unknown_batches(book: Book, run: str) -> tuple[Batch, ...]:
    """Return the requests of a run as they were sent, each with the messages alone whose fate is unknown.

    What was purged cannot be sent again, and is left out.
    """
    rows = book.query(
        "SELECT b.number, b.bulk_id, b.scenario_key, b.callback_data, c.message, m.message_id, m.recipient "
        "FROM batches b CROSS JOIN messages m ON m.batch = b.number AND m.fate = 'unknown' "
        "JOIN contents c ON c.number = b.content "
        "WHERE b.run = (SELECT number FROM runs WHERE id = ?) AND m.recipient IS NOT NULL AND c.message IS NOT NULL "
        "ORDER BY b.number, m.number",
        run,
    )
    with book.decoding():
        return tuple(_read_batch(list(some)) for _, some in groupby(rows, key=lambda row: row[0]))


def unknown_ids(book: Book, run: str) -> tuple[tuple[str, str], ...]:
    """Return bulk id and message id of every message of a run whose fate is unknown, purged ones too."""
    rows = book.query(
        "SELECT b.bulk_id, m.message_id FROM batches b CROSS JOIN messages m ON m.batch = b.number "
        "AND m.fate = 'unknown' WHERE b.run = (SELECT number FROM runs WHERE id = ?) ORDER BY b.number, m.number",
        run,
    )
    return tuple((bulk_id, message_id) for bulk_id, message_id in rows)


def _read_batch(rows: list[Row]) -> Batch:
    _, bulk_id, scenario_key, callback, content, _, _ = rows[0]
    message = decode_message(parse_json(content), "message")
    return Batch(
        bulk_id,
        scenario_key,
        replace(message, callback_data=read_callback(callback)),
        tuple(Addressed(row[5], decode_recipient(parse_json(row[6]), "to")) for row in rows),
    )


def read_callback(text: str | None) -> str | None:
    """Return callbackData as it was sent; None where there was none, or it was purged."""
    return None if text is None else str(parse_json(text))
