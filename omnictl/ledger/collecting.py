"""The ledger while reports come in: the very bytes, the rows joined to messages and each kept once, the gaps."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from omnictl.codec.deliveries import (
    decode_query,
    decode_report,
    encode_query,
    encode_report,
    encode_seen,
)
from omnictl.codec.shapes import parse_json, write_json
from omnictl.ledger.book import Book, Row, marks, plain
from omnictl.ledger.hashing import Hasher
from omnictl.ledger.joining import accept, callback_bulk, find_message
from omnictl.ledger.schema import hash_to
from omnictl.ledger.times import to_number, to_optional_time, to_time
from omnictl.model.report import Gap, GapState, Received, ReceivedSeen, Report, ReportQuery, ReportSource, StatusGroup

# --- gaps ----------------------------------------------------------------------------------------------------------


def open_gap(book: Book, query: ReportQuery, at: datetime) -> Gap:
    """Write down a pull before its request leaves."""
    text = write_json(encode_query(query), indent=None)
    with book.writing():
        number = book.add(
            "INSERT INTO gaps (opened_at, query, state) VALUES (?, ?, ?)", to_number(at), text, GapState.OPEN.value
        )
    return Gap(number, at, query)


def close_gap(book: Book, gap: int, body: bytes, rows: Sequence[Received], at: datetime) -> int:
    """Keep the bytes and rows of a reply and close its gap, in one transaction; return how many rows were new."""
    with book.writing():
        reply = _Reply(book, ReportSource.PULL.value, body, at, gap)
        reply.keep()
        count = _add_rows(book, rows, reply)
        closed = GapState.CLOSED.value
        book.change("UPDATE gaps SET state = ?, closed_at = ? WHERE id = ?", closed, to_number(at), gap)
    return count


def settle_gap(book: Book, gap: int, state: GapState, at: datetime) -> None:
    """Remember that an open gap was filled, or is permanent; one that is settled already stays as it is."""
    with book.writing():
        book.change(
            "UPDATE gaps SET state = ?, closed_at = ? WHERE id = ? AND state = 'open'", state.value, to_number(at), gap
        )


def list_gaps(book: Book, states: Iterable[GapState]) -> tuple[Gap, ...]:
    """Return the gaps in these states, the oldest first."""
    wanted = [each.value for each in states]
    rows = book.query(
        f"SELECT id, opened_at, query, state, closed_at FROM gaps WHERE state IN ({marks(len(wanted))}) ORDER BY id",
        *wanted,
    )
    with book.decoding():
        return tuple(map(_read_gap, rows))


def _read_gap(row: Row) -> Gap:
    number, opened_at, query, state, closed_at = row
    return Gap(
        number,
        to_time(opened_at),
        decode_query(parse_json(query), "query"),
        GapState(state),
        to_optional_time(closed_at),
    )


# --- rows ----------------------------------------------------------------------------------------------------------


class _Reply:
    """The bytes that rows came in; kept with the first row that brings something new."""

    def __init__(self, book: Book, source: str, body: bytes, at: datetime, gap: int | None = None) -> None:
        self.at = to_number(at)
        self._book = book
        self._values = (source, self.at, gap, body)
        self._number: int | None = None

    def keep(self) -> int:
        """Keep the bytes, once, and return their number."""
        if self._number is None:
            statement = "INSERT INTO replies (source, at, gap, body) VALUES (?, ?, ?, ?)"
            self._number = self._book.add(statement, *self._values)
        return self._number


def add_reports(book: Book, rows: Sequence[Received], source: ReportSource, body: bytes, at: datetime) -> int:
    """Keep pushed rows or rows of logs with the bytes they came in; return how many were new.

    The bytes are not kept again where all their rows, word for word, are there already: logs are read over and over,
    and a push may be repeated. A push without a row that omnictl understands is kept for what it may say.
    """
    with book.writing():
        reply = _Reply(book, source.value, body, at)
        if not rows and source is not ReportSource.LOG:
            reply.keep()
        return _add_rows(book, rows, reply)


def _add_rows(book: Book, rows: Sequence[Received], reply: _Reply) -> int:
    """Return how many rows were new."""
    hasher = book.hasher
    return sum(_is_new_row(book, hasher, row, reply) for row in rows)


def _is_new_row(book: Book, hasher: Hasher, row: Received, reply: _Reply) -> bool:
    """Keep a row, and return whether it was not there."""
    identity = hasher.hash_report(row.report)
    known = book.query("SELECT position, message, report, raw, reply FROM reports WHERE identity = ?", identity)
    if known:
        _add_again(book, hasher, known[0], row, reply)
        return False
    message = find_message(book, hasher, row.report)
    book.change(
        "INSERT INTO reports (identity, received_at, reply, message_id, bulk_id, callback_bulk, to_hash, message, "
        "report, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        identity,
        reply.at,
        reply.keep(),
        plain(row.report.message_id),
        _bulk_of(row.report),
        callback_bulk(row.report),
        hash_to(hasher, row.report.to),
        message,
        write_json(encode_report(row.report), indent=None),
        _write_raw(row.raw),
    )
    _accept(book, message, row.report, reply.at)
    return True


def _bulk_of(report: Report) -> str | None:
    return None if report.bulk_id is None else plain(report.bulk_id)


def _accept(book: Book, message: int | None, report: Report, at: int) -> None:
    """A row shows that its message was taken; that of a refused one may be about the refusal, unless it got further."""
    if message is not None:
        got_further = report.status.group != StatusGroup.REJECTED
        accept(book, message, at, f"seen in a {report.source.value} row", refused_too=got_further)


def _add_again(book: Book, hasher: Hasher, known: Row, row: Received, reply: _Reply) -> None:
    """Keep what a row says that is there already, once; the richer of its texts counts."""
    position, message, report_text, raw, first_reply = known
    if raw is None:  # purged: what was taken away does not come back
        return
    if message is None:
        _accept(book, _join_again(book, hasher, position, row.report), row.report, reply.at)
    with book.decoding():
        before = Received(decode_report(parse_json(report_text), "report"), read_raw(raw))
    if _is_kept(book, position, before, row):
        return
    if _richness(row) > _richness(before):
        book.change(
            "UPDATE reports SET report = ?, raw = ?, reply = ? WHERE position = ?",
            write_json(encode_report(row.report), indent=None),
            _write_raw(row.raw),
            reply.keep(),
            position,
        )
        _add_other_text(book, position, before, first_reply)
    else:
        _add_other_text(book, position, row, reply.keep())


def _join_again(book: Book, hasher: Hasher, position: int, report: Report) -> int | None:
    """Join a row that could not be joined before by what it says this time, now or when its message comes."""
    message = find_message(book, hasher, report)
    book.change(
        "UPDATE reports SET message = ?, bulk_id = COALESCE(bulk_id, ?), callback_bulk = COALESCE(callback_bulk, ?) "
        "WHERE position = ?",
        message,
        _bulk_of(report),
        callback_bulk(report),
        position,
    )
    return message


def _is_kept(book: Book, position: int, before: Received, row: Received) -> bool:
    if (before.report.source, before.raw) == (row.report.source, row.raw):
        return True
    statement = "SELECT 1 FROM other_texts WHERE report = ? AND source = ? AND raw = ?"
    return bool(book.query(statement, position, row.report.source.value, _write_raw(row.raw)))


def _add_other_text(book: Book, position: int, row: Received, reply: int) -> None:
    statement = "INSERT INTO other_texts (report, source, reply, raw) VALUES (?, ?, ?, ?)"
    book.change(statement, position, row.report.source.value, reply, _write_raw(row.raw))


def _richness(row: Received) -> tuple[bool, bool, int, str, str]:
    """Return what decides between two texts of one row, in whatever order they came: the error, then the rest."""
    report = row.report
    fields = len(encode_report(report))
    return (report.error is not None, report.source is not ReportSource.LOG, fields, report.source.value, row.raw)


# --- seen reports --------------------------------------------------------------------------------------------------


def add_seen(book: Book, rows: Sequence[ReceivedSeen], body: bytes, at: datetime) -> int:
    """Keep pushed seen reports; return how many were new."""
    hasher = book.hasher
    with book.writing():
        reply = _Reply(book, "seen", body, at)
        if not rows:
            reply.keep()
        return sum(_is_new_seen(book, hasher, row, reply) for row in rows)


def _is_new_seen(book: Book, hasher: Hasher, row: ReceivedSeen, reply: _Reply) -> bool:
    """Keep a seen report, and return whether it was not there."""
    seen = row.seen
    identity = hasher.hash_seen(seen)
    if book.query("SELECT 1 FROM seen WHERE identity = ?", identity):
        return False
    book.change(
        "INSERT INTO seen (identity, received_at, reply, message_id, to_hash, seen, raw) VALUES (?, ?, ?, ?, ?, ?, ?)",
        identity,
        reply.at,
        reply.keep(),
        plain(seen.message_id),
        hash_to(hasher, seen.to),
        write_json(encode_seen(seen), indent=None),
        _write_raw(row.raw),
    )
    for (message,) in book.query("SELECT number FROM messages WHERE message_id = ?", plain(seen.message_id)):
        accept(book, message, reply.at, "seen by its recipient")
    return True


def _write_raw(raw: str) -> bytes:
    return raw.encode("utf-8", "surrogatepass")


def read_raw(raw: bytes | None) -> str:
    """Return the very text of a row; "" once it was purged."""
    return "" if raw is None else raw.decode("utf-8", "surrogatepass")
