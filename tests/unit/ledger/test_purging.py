"""A purge takes personal data out of every byte of the files, and nothing that never-twice or the counts need."""

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.errors import LedgerError
from omnictl.ledger.base import MessageFilter, Purged, RunKind, Tally
from omnictl.ledger.book import Book
from omnictl.ledger.opening import backup_of
from omnictl.ledger.problems import cannot_write
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.message import Message, MessageFate, Receipt, Recipient
from omnictl.model.report import GapState, ReportQuery, ReportSource, Status
from tests.builders import NOW
from tests.unit.ledger.conftest import Opening
from tests.unit.ledger.rows import (
    FAILED,
    NO_ANSWER,
    VIA,
    accepted,
    batch_of,
    bytes_beside,
    fates,
    joined,
    phone,
    pull,
    received,
    row,
    run_of,
    seen,
)

LATER = NOW + timedelta(days=2)
BETWEEN = NOW + timedelta(days=1)
PERSON = Recipient("41793026001", "ann.private@example.com", "device-private")
MESSAGE = Message({"SMS": {"text": "Secret words"}}, callback_data="for Ann Private:B-1", notify_url="https://private")
PERSONAL = (b"41793026001", b"private", b"Private", b"Secret words", b"m-digest", b"r-digest")


def fill(ledger: SqliteLedger) -> None:
    """Let everything that is kept of a message say something personal."""
    ledger.open_batch("run-1", VIA, batch_of("B-1", [PERSON, phone(2)], MESSAGE), NOW)
    refused = Status("REJECTED", "REJECTED_X", 6, 5, "41793026001 is private", "call 41793026001")
    ledger.add_receipts([Receipt("B-1-1", MessageFate.REFUSED, refused, "41793026001: private")], NOW)
    error = replace(NO_ANSWER, description="41793026001 was private")
    status = replace(FAILED, description="of 41793026001", action="tell Ann Private")
    for source in (ReportSource.LOG, ReportSource.PULL):
        each = row(source=source, status=status, error=error, callback_data="for Ann Private", bulk_id="B-1")
        report = replace(each.report, sender="private", text="Secret words")
        ledger.add_reports([replace(received(report), raw="Secret words 41793026001")], source, b"Private", NOW)
    pull(ledger, row("X-1", "41793026001", callback_data="Ann Private"))
    ledger.add_seen([replace(seen(), raw="41793026001")], b"41793026001", NOW)


def test_no_byte_of_it_is_left(ledger: SqliteLedger, path: Path) -> None:
    fill(ledger)
    before = bytes_beside(path)
    assert [each for each in PERSONAL if each not in before] == []
    assert ledger.purge(BETWEEN) == Purged(messages=2, reports=3, unknown=1)
    after = bytes_beside(path)
    assert [each for each in PERSONAL if each in after] == []
    assert ledger.purge(BETWEEN) == Purged(0, 0, 0)


def test_what_counts_is_left(ledger: SqliteLedger) -> None:
    fill(ledger)
    ledger.purge(BETWEEN)
    assert fates(ledger) == {"B-1-1": "accepted", "B-1-2": "unknown"}
    sent = next(ledger.list_messages(MessageFilter()))
    assert (sent.recipient, sent.callback_data, sent.via, sent.sent_at) == (None, None, VIA, NOW)
    assert sent.status is None
    kept, strange = ledger.list_reports()
    report = kept.row.report
    assert (kept.message_id, strange.message_id) == ("B-1-1", None)
    assert (report.to, report.sender, report.text, report.callback_data, kept.row.raw) == ("", None, None, None, "")
    assert report.status == Status("UNDELIVERABLE", "UNDELIVERABLE_NOT_DELIVERED", 9, 2)
    assert report.error == replace(NO_ANSWER, description="")
    assert (report.channel, report.sent_at, report.bulk_id) == ("SMS", NOW, "B-1")
    (notice,) = ledger.seen_of(["B-1-1"])
    assert (notice.seen.to, notice.seen.sender, notice.raw) == ("", None, "")
    assert notice.seen.seen_at == NOW + timedelta(minutes=1)


def test_never_twice_outlives_it(ledger: SqliteLedger) -> None:
    fill(ledger)
    ledger.purge(BETWEEN)
    assert ledger.select_new("run-1", [PERSON, phone(2), phone(3)]) == (phone(3),)
    assert ledger.tally("run-1") == Tally(accepted=1, unknown=1)
    assert [each.id for each in ledger.find_runs("vk-sms", "m-digest", "r-digest")] == ["run-1"]
    assert [each.message_id for each in ledger.list_messages(MessageFilter(to="ann.private@example.com"))] == ["B-1-1"]


def test_what_is_unknown_cannot_be_sent_again_but_can_still_be_found(ledger: SqliteLedger) -> None:
    fill(ledger)
    ledger.purge(BETWEEN)
    assert ledger.unknown_batches("run-1") == ()
    assert [each.message_id for each in ledger.list_messages(MessageFilter(fate=MessageFate.UNKNOWN))] == ["B-1-2"]
    pull(ledger, row("X-9", "41793026002", bulk_id="B-1"), at=LATER)
    assert joined(ledger)["X-9"] == "B-1-2"
    assert fates(ledger)["B-1-2"] == "accepted"


def test_what_a_message_was_scheduled_for_is_left(ledger: SqliteLedger) -> None:
    later = NOW + timedelta(hours=3)
    scheduled = batch_of("B-7", [Recipient(phone="41793026007")])
    ledger.open_batch("run-1", VIA, replace(scheduled, message=replace(scheduled.message, send_at=later)), NOW)
    ledger.purge(NOW + timedelta(days=1))
    (found,) = ledger.list_messages(MessageFilter(message_id="B-7-1"))
    assert (found.recipient, found.send_at) == (None, later)


def test_a_row_that_comes_again_brings_nothing_back(ledger: SqliteLedger, path: Path) -> None:
    fill(ledger)
    ledger.purge(BETWEEN)
    again = row(status=replace(FAILED, description="of 41793026001"), error=NO_ANSWER, callback_data="Ann Private")
    assert ledger.add_reports([again], ReportSource.PUSH, b"Private", LATER) == 0
    assert ledger.add_seen([seen()], b"Private", LATER) == 0
    assert [each for each in PERSONAL if each in bytes_beside(path)] == []


def test_what_is_younger_stays_as_it_is(ledger: SqliteLedger) -> None:
    fill(ledger)
    young = batch_of("B-2", [phone(3)], MESSAGE)
    ledger.begin_run(replace(run_of("run-2"), started_at=LATER))
    ledger.open_batch("run-2", VIA, young, LATER)
    pull(ledger, row("X-5", "41793026005"), at=LATER)
    assert ledger.purge(BETWEEN).messages == 2
    assert ledger.unknown_batches("run-2") == (young,)
    assert [each.row for each in ledger.list_reports()][-1] == row("X-5", "41793026005")
    assert ledger.get_run("run-2") == replace(run_of("run-2"), started_at=LATER)
    ledger.begin_run(run_of("run-3", kind=RunKind.DIRECT))
    again = batch_of("B-3", [phone(3)], MESSAGE)
    ledger.open_batch("run-3", VIA, again, LATER)
    assert ledger.unknown_batches("run-3") == (again,)
    assert ledger.purge(LATER + timedelta(seconds=1)) == Purged(2, 1, 2)


def test_more_than_one_part(ledger: SqliteLedger) -> None:
    for number in range(3):
        people = [phone(1000 * number + i) for i in range(1000)]
        ledger.open_batch("run-1", VIA, batch_of(f"B-{number}", people), NOW)
    pull(ledger, *(row(f"X-{number}") for number in range(2500)))
    ledger.add_receipts(accepted(*(f"B-0-{i}" for i in range(1, 1001))), NOW)
    assert ledger.purge(BETWEEN) == Purged(3000, 2500, 2000)


def test_gaps_and_their_queries_stay(ledger: SqliteLedger) -> None:
    gap = ledger.open_gap(ReportQuery(bulk_id="B-1"), NOW)
    ledger.purge(BETWEEN)
    assert ledger.list_gaps([GapState.OPEN]) == (gap,)


def test_backups_of_older_formats_go_with_it(ledger: SqliteLedger, path: Path) -> None:
    backup_of(path, 1).write_bytes(b"41793026001")
    ledger.purge(BETWEEN)
    assert not backup_of(path, 1).exists()


def test_while_somebody_reads_old_bytes_it_says_so(ledger: SqliteLedger, path: Path) -> None:
    fill(ledger)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM messages").fetchall()
        with pytest.raises(LedgerError, match="purge-unfinished"):
            ledger.purge(BETWEEN)
        reader.execute("ROLLBACK")
    assert ledger.purge(BETWEEN) == Purged(0, 0, 0)
    assert [each for each in PERSONAL if each in bytes_beside(path)] == []


def test_without_room_to_write_the_file_anew_it_says_so(ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(ledger)
    original = Book.change

    def change(book: Book, statement: str, *values: object) -> int:
        if statement == "VACUUM":
            raise LedgerError(cannot_write("production.db", "database or disk is full"))
        return original(book, statement, *values)

    with monkeypatch.context() as patched:
        patched.setattr(Book, "change", change)
        with pytest.raises(LedgerError, match="purge-unfinished") as error:
            ledger.purge(BETWEEN)
    assert "database or disk is full" in error.value.diagnostics[0].detail
    assert ledger.purge(BETWEEN) == Purged(0, 0, 0)


def test_it_is_safe_while_another_one_sends(ledger: SqliteLedger, opening: Opening) -> None:
    other = opening(busy_seconds=30)
    ending = threading.Event()
    failures: list[BaseException] = []
    sent: list[int] = []

    def send() -> None:
        try:
            while not ending.is_set():
                number = len(sent)
                other.open_batch("run-1", VIA, batch_of(f"B-{number}", [phone(number)]), LATER)
                other.add_receipts(accepted(f"B-{number}-1"), LATER)
                sent.append(number)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=send)
    thread.start()
    purging = opening(busy_seconds=30)
    for _ in range(5):
        purging.purge(BETWEEN)
    ending.set()
    thread.join()
    assert failures == []
    assert ledger.tally("run-1") == Tally(accepted=len(sent))
