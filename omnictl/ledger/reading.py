"""What the ledger shows: messages and reports, page by page, so that a million of them need no memory."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from omnictl.codec.deliveries import decode_report, decode_seen, decode_status
from omnictl.codec.messages import decode_recipient, decode_via
from omnictl.codec.shapes import parse_json
from omnictl.ledger.base import Kept, MessageFilter
from omnictl.ledger.book import PAGE, Book, Row, marks, plain
from omnictl.ledger.collecting import read_raw
from omnictl.ledger.sending import read_callback
from omnictl.ledger.times import to_number, to_optional_time, to_time
from omnictl.model.message import MessageFate, Sent, Via
from omnictl.model.report import Received, ReceivedSeen, Status

# --- messages ------------------------------------------------------------------------------------------------------

_MESSAGES = """
SELECT b.number, m.number, m.message_id, b.bulk_id, r.id, v.via, b.sent_at, m.recipient, m.recipient_hash, m.fate,
    (SELECT status FROM receipts WHERE message = m.number AND number = m.receipt), b.callback_data, b.send_at
FROM batches b CROSS JOIN messages m ON m.batch = b.number
JOIN runs r ON r.number = b.run JOIN vias v ON v.number = b.via
WHERE b.number >= ? AND m.number > ?
"""


_NOT_SUPERSEDED = (
    "NOT (m.fate = 'not tried' AND EXISTS (SELECT 1 FROM messages other WHERE other.run = m.run "
    "AND other.recipient_hash = m.recipient_hash AND other.fate <> 'not tried'))"
)
"""What was not tried, and then was under another id, is no news of its recipient any more."""


def list_messages(book: Book, wanted: MessageFilter) -> Iterator[Sent]:
    """Yield messages in the order in which they were sent."""
    conditions, values = _select(book, wanted)
    statement = " AND ".join((_MESSAGES, *conditions)) + " ORDER BY b.number, m.number LIMIT ?"
    batch, number = 0, 0
    while rows := book.query(statement, batch, number, *values, PAGE):
        with book.decoding():
            page = [_read_message(row[2:]) for row in rows]
        yield from page
        batch, number = rows[-1][0], rows[-1][1]


def _select(book: Book, wanted: MessageFilter) -> tuple[list[str], list[object]]:
    """Return the conditions of a filter, and their values."""
    given: list[tuple[str, object]] = [
        ("v.scenario = ?", wanted.scenario),
        ("b.run = (SELECT number FROM runs WHERE id = ?)", wanted.run),
        (
            "(b.number, m.number) = (SELECT batch, number FROM messages WHERE message_id = ?)",
            wanted.message_id and plain(wanted.message_id),
        ),
        ("b.sent_at >= ?", wanted.since and to_number(wanted.since)),
        ("b.sent_at < ?", wanted.until and to_number(wanted.until)),
        ("m.fate = ?", wanted.fate and wanted.fate.value),
    ]
    conditions = [condition for condition, value in given if value is not None]
    conditions += [_NOT_SUPERSEDED] if wanted.message_id is None else []
    values = [value for _, value in given if value is not None]
    if wanted.to is not None:
        targets = book.hasher.hash_target(wanted.to)
        inside = " OR ".join("instr(m.address_hashes, ?)" for _ in targets)
        conditions.append(f"(m.recipient_hash IN ({marks(len(targets))}) OR {inside})")
        values.extend((*targets, *targets))
    return conditions, values


def _read_message(row: Row) -> Sent:
    message_id, bulk_id, run, via, sent_at, recipient, recipient_hash, fate, status, callback, send_at = row
    return Sent(
        message_id,
        bulk_id,
        run,
        _read_via(via),
        to_time(sent_at),
        None if recipient is None else decode_recipient(parse_json(recipient), "to"),
        recipient_hash.hex(),
        MessageFate(fate),
        None if status is None else _read_status(status),
        read_callback(callback),
        to_optional_time(send_at),
    )


@lru_cache(maxsize=256)
def _read_status(text: str) -> Status:
    return decode_status(parse_json(text), "status")


@lru_cache(maxsize=256)
def _read_via(text: str) -> Via:
    return decode_via(parse_json(text), "via")


# --- reports -------------------------------------------------------------------------------------------------------

_REPORTS = """
SELECT r.position, r.received_at, r.report, r.raw, m.message_id
FROM reports r LEFT JOIN messages m ON m.number = r.message
"""


def last_position(book: Book) -> int:
    """Return the position of the last report that arrived; 0 where there is none."""
    return int(book.query("SELECT COALESCE(MAX(position), 0) FROM reports")[0][0])


def list_reports(book: Book, *, after: int = 0, limit: int | None = None) -> Iterator[Kept]:
    """Yield reports in the order of their arrival, those behind position ``after``."""
    return islice(_list_reports(book, after), limit)


def _list_reports(book: Book, after: int) -> Iterator[Kept]:
    statement = f"{_REPORTS} WHERE r.position > ? ORDER BY r.position LIMIT ?"
    while page := _read_reports(book, book.query(statement, after, PAGE)):
        yield from page
        after = page[-1].position


def reports_of(book: Book, message_ids: Iterable[str]) -> Iterator[Kept]:
    """Yield the reports that belong to these messages of ours, those of some hundred messages in order of arrival."""
    for some in _in_parts(message_ids):
        statement = (
            f"{_REPORTS} WHERE r.message IN (SELECT number FROM messages WHERE message_id IN ({marks(len(some))})) "
            "ORDER BY r.position"
        )
        yield from _read_reports(book, book.query(statement, *some))


def _read_reports(book: Book, rows: Sequence[Row]) -> list[Kept]:
    with book.decoding():
        return [
            Kept(
                position,
                to_time(received_at),
                Received(decode_report(parse_json(report), "report"), read_raw(raw)),
                message_id,
            )
            for position, received_at, report, raw, message_id in rows
        ]


def seen_of(book: Book, message_ids: Iterable[str]) -> Iterator[ReceivedSeen]:
    """Yield the seen reports of these messages of ours, also of an id that the API gave to one of their steps."""
    for some in _in_parts(message_ids):
        inside = marks(len(some))
        rows = book.query(
            f"SELECT seen, raw FROM seen WHERE message_id IN ({inside}) OR message_id IN ("
            "SELECT r.message_id FROM reports r JOIN messages m ON m.number = r.message "
            f"WHERE m.message_id IN ({inside})) ORDER BY number",
            *some,
            *some,
        )
        with book.decoding():
            page = [_read_seen(*row) for row in rows]
        yield from page


def list_unmatched_seen(book: Book) -> Iterator[ReceivedSeen]:
    """Yield the seen reports that belong to no message of ours, nor to one of its steps, in order of arrival."""
    rows = book.query(
        "SELECT seen, raw FROM seen WHERE message_id NOT IN (SELECT message_id FROM messages) "
        "AND message_id NOT IN (SELECT message_id FROM reports WHERE message IS NOT NULL) ORDER BY number"
    )
    with book.decoding():
        found = [_read_seen(*row) for row in rows]
    yield from found


def _read_seen(text: str, raw: bytes | None) -> ReceivedSeen:
    return ReceivedSeen(decode_seen(parse_json(text), "seen"), read_raw(raw))


def _in_parts(message_ids: Iterable[str]) -> Iterator[list[str]]:
    ids = iter(message_ids)
    while some := [plain(each) for each in islice(ids, PAGE)]:
        yield some
