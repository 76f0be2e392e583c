"""While reports come in: each row once, joined to its message, with the bytes it came in, and no gap forgotten."""

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.errors import LedgerError
from omnictl.ledger.book import Book, Row
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.message import MessageFate, Receipt, Recipient
from omnictl.model.report import GapState, ReportQuery, ReportSource, Status
from tests.builders import NOW
from tests.unit.ledger.rows import (
    FAILED,
    MESSAGE,
    NO_ANSWER,
    VIA,
    accepted,
    batch_of,
    fates,
    joined,
    phone,
    pull,
    row,
    run_of,
    seen,
)

LATER = NOW + timedelta(hours=1)
LOG, PULL, PUSH = ReportSource.LOG, ReportSource.PULL, ReportSource.PUSH


@pytest.fixture
def sent(ledger: SqliteLedger) -> SqliteLedger:
    """Return a ledger with two messages of unknown fate."""
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    return ledger


def read(path: Path, statement: str) -> list[tuple[object, ...]]:
    """Look into the file as another program would."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


class TestGaps:
    def test_a_pull_is_open_until_its_reply_is_kept(self, sent: SqliteLedger) -> None:
        query = ReportQuery(bulk_id="B-1", channel="SMS", limit=50)
        gap = sent.open_gap(query, NOW)
        assert sent.list_gaps([GapState.OPEN]) == (gap,)
        assert (gap.query, gap.opened_at, gap.state, gap.closed_at) == (query, NOW, GapState.OPEN, None)
        assert sent.close_gap(gap.id, b'{"results":[]}', [row()], LATER) == 1
        assert sent.list_gaps([GapState.OPEN]) == ()
        assert sent.list_gaps(GapState) == (replace(gap, state=GapState.CLOSED, closed_at=LATER),)

    def test_an_open_one_is_filled_or_permanent_once(self, sent: SqliteLedger) -> None:
        first, second = (sent.open_gap(ReportQuery(), NOW) for _ in range(2))
        sent.settle_gap(first.id, GapState.FILLED, LATER)
        sent.settle_gap(second.id, GapState.PERMANENT, LATER)
        sent.settle_gap(first.id, GapState.PERMANENT, LATER)
        assert [each.state for each in sent.list_gaps(GapState)] == [GapState.FILLED, GapState.PERMANENT]
        assert sent.list_gaps([]) == ()

    def test_a_late_reply_closes_whatever_was_said_before(self, sent: SqliteLedger) -> None:
        gap = sent.open_gap(ReportQuery(), NOW)
        sent.settle_gap(gap.id, GapState.PERMANENT, NOW)
        sent.close_gap(gap.id, b"{}", [], LATER)
        assert [each.state for each in sent.list_gaps(GapState)] == [GapState.CLOSED]

    def test_a_reply_is_kept_whole_or_not_at_all(self, sent: SqliteLedger) -> None:
        gap = sent.open_gap(ReportQuery(), NOW)
        with pytest.raises(LedgerError, match="cannot-write-ledger"):
            sent.close_gap(gap.id + 1, b"{}", [row()], LATER)
        assert list(sent.list_reports()) == []
        assert sent.list_gaps([GapState.OPEN]) == (gap,)


class TestRows:
    def test_they_come_back_in_the_order_of_their_arrival(self, sent: SqliteLedger) -> None:
        rows = [row(), row("B-1-2", "41793026002"), row("strange", "1")]
        pull(sent, *rows[:2])
        sent.add_reports(rows[2:], PUSH, b"{}", LATER)
        kept = list(sent.list_reports())
        assert [each.row for each in kept] == rows
        assert [each.received_at for each in kept] == [NOW, NOW, LATER]
        assert [each.position for each in kept] == sorted(each.position for each in kept)
        assert list(sent.list_reports(after=kept[0].position, limit=1)) == kept[1:2]
        assert list(sent.list_reports(after=kept[-1].position)) == []

    def test_more_of_them_than_one_query_takes(self, sent: SqliteLedger) -> None:
        rows = [row(f"M-{number}") for number in range(1201)]
        assert pull(sent, *rows) == 1201
        assert [each.row for each in sent.list_reports()] == rows
        assert len(list(sent.list_reports(limit=700))) == 700

    def test_one_that_comes_again_is_not_new(self, sent: SqliteLedger) -> None:
        assert pull(sent, row(), row()) == 1
        assert pull(sent, row()) == 0
        assert sent.add_reports([row(source=PUSH)], PUSH, b"{}", LATER) == 0
        assert sent.add_reports([row(source=LOG)], LOG, b"{}", LATER) == 0
        (kept,) = sent.list_reports()
        assert kept.received_at == NOW

    def test_another_step_status_or_time_is_another_row(self, sent: SqliteLedger) -> None:
        others = [
            row(),
            row(channel="VKONTAKTE"),
            row(status=FAILED),
            row(done_at=LATER),
            row(done_at=None),
            row(to="2"),
        ]
        assert pull(sent, *others) == len(others)

    @pytest.mark.parametrize("sources", [(LOG, PULL, PUSH), (PUSH, LOG, PULL), (PULL, PUSH, LOG)])
    def test_the_text_with_the_error_is_shown_and_the_others_are_kept(
        self, sent: SqliteLedger, path: Path, sources: tuple[ReportSource, ...]
    ) -> None:
        rows = {
            each: row(source=each, status=FAILED, error=NO_ANSWER if each is PULL else None) for each in ReportSource
        }
        for source in sources:
            sent.add_reports([rows[source]], source, source.value.encode(), NOW)
            sent.add_reports([rows[source]], source, source.value.encode(), NOW)
        (kept,) = sent.list_reports()
        assert kept.row == rows[PULL]
        assert {each[0] for each in read(path, "SELECT source FROM other_texts")} == {"log", "push"}
        assert len(read(path, "SELECT 1 FROM other_texts")) == 2

    def test_the_bytes_are_kept_as_they_came(self, sent: SqliteLedger, path: Path) -> None:
        gap = sent.open_gap(ReportQuery(), NOW)
        sent.close_gap(gap.id, b'{"results":[\xff]}', [], NOW)
        sent.add_reports([], PUSH, b"no JSON \x00", NOW)
        sent.add_seen([], b"nor this", NOW)
        bodies = read(path, "SELECT body, gap FROM replies ORDER BY number")
        assert bodies == [(b'{"results":[\xff]}', gap.id), (b"no JSON \x00", None), (b"nor this", None)]

    def test_logs_that_say_nothing_new_leave_no_bytes(self, sent: SqliteLedger, path: Path) -> None:
        for _ in range(3):
            sent.add_reports([row(source=LOG)], LOG, b"log", NOW)
            sent.add_reports([], LOG, b"empty log", NOW)
            sent.add_reports([row(source=PUSH)], PUSH, b"push", NOW)
        assert read(path, "SELECT body FROM replies ORDER BY number") == [(b"log",), (b"push",)]

    def test_half_a_character_stops_nothing(self, sent: SqliteLedger) -> None:
        odd = row("\ud800", "\ud800", bulk_id="\udfff", callback_data="a:\udcff")
        odd = replace(odd, raw='{"text": "\ud800"}')
        assert pull(sent, odd) == 1
        assert pull(sent, odd) == 0
        assert [each.row for each in sent.list_reports()] == [odd]
        assert sent.add_seen([seen("\ud800")], b"{}", NOW) == 1
        assert list(sent.seen_of(["\ud800"])) == [seen("\ud800")]


class TestJoining:
    def test_by_the_id_of_the_message(self, sent: SqliteLedger) -> None:
        pull(sent, row("B-1-2", to="somebody else"))
        assert joined(sent) == {"B-1-2": "B-1-2"}

    def test_by_our_request_in_callback_data_before_the_bulk_id(self, sent: SqliteLedger) -> None:
        sent.open_batch("run-1", VIA, batch_of("B-2", [phone(3)]), NOW)
        pull(
            sent,
            row("X-1", "+41793026001", callback_data="omnictl1:vk-sms:r1:B-1", bulk_id="B-2"),
            row("X-2", "41793026003", callback_data="mine", bulk_id="B-2"),
            row("X-3", "41793026002", callback_data="B-1"),
            row("X-4", "41793026003", callback_data="omnictl1:vk-sms:r1:B-1", bulk_id="B-2"),
        )
        assert joined(sent) == {"X-1": "B-1-1", "X-2": "B-2-1", "X-3": "B-1-2", "X-4": "B-2-1"}

    @pytest.mark.parametrize("to", ["+41793026004", "41793026004", "+41 79 302-60-04", "ANN@example.com", "device-1"])
    def test_by_any_address_of_the_recipient(self, sent: SqliteLedger, to: str) -> None:
        person = Recipient("41793026004", "ann@Example.com", "device-1")
        sent.open_batch("run-1", VIA, batch_of("B-2", [person, phone(5)]), NOW)
        pull(sent, row("X-1", to, bulk_id="B-2"))
        assert joined(sent) == {"X-1": "B-2-1"}

    def test_not_where_it_is_nobodys_or_could_be_two(self, sent: SqliteLedger) -> None:
        twins = [Recipient("41793026006", push="one"), Recipient("41793026006", push="two")]
        sent.open_batch("run-1", VIA, batch_of("B-2", twins), NOW)
        pull(
            sent,
            row("X-1", "41793026009", bulk_id="B-1"),
            row("X-2", "41793026006", bulk_id="B-2"),
            row("X-3", "41793026001", bulk_id="theirs", callback_data="theirs:"),
            row("X-4", "41793026001"),
        )
        assert set(joined(sent).values()) == {None}

    def test_a_row_that_says_more_when_it_comes_again_is_joined_then(self, sent: SqliteLedger) -> None:
        pull(sent, row("X-1"))
        assert joined(sent) == {"X-1": None}
        sent.add_reports([row("X-1", source=PUSH, bulk_id="B-1")], PUSH, b"{}", NOW)
        assert joined(sent) == {"X-1": "B-1-1"}
        assert fates(sent)["B-1-1"] == "accepted"

    def test_rows_are_joined_when_their_message_comes_later(self, ledger: SqliteLedger) -> None:
        pull(
            ledger,
            row("B-1-1", "41793026001", bulk_id="B-1"),
            row("X-1", "+41793026002", callback_data="o:B-1"),
            row("X-2", "41793026003", bulk_id="B-1"),
            row("X-3", "41793026009", bulk_id="B-1"),
            row("X-4", "41793026001", bulk_id="B-2"),
        )
        pull(ledger, row("X-5", "41793026003"))
        ledger.add_reports([row("X-5", "41793026003", PUSH, bulk_id="B-1")], PUSH, b"{}", NOW)
        ledger.open_batch("run-1", VIA, batch_of("B-1", [phone(1), phone(2), phone(3), phone(4)]), NOW)
        assert joined(ledger) == {
            "B-1-1": "B-1-1",
            "X-1": "B-1-2",
            "X-2": "B-1-3",
            "X-3": None,
            "X-4": None,
            "X-5": "B-1-3",
        }
        assert fates(ledger) == {"B-1-1": "accepted", "B-1-2": "accepted", "B-1-3": "accepted", "B-1-4": "unknown"}

    def test_the_reports_of_some_messages(self, sent: SqliteLedger) -> None:
        rows = [row(), row("X-1", "41793026001", channel="VKONTAKTE", bulk_id="B-1"), row("B-1-2"), row("X-2", "1")]
        pull(sent, *rows)
        assert [each.row for each in sent.reports_of(["B-1-1"])] == rows[:2]
        assert [each.row for each in sent.reports_of(f"B-1-{i}" for i in range(700))] == rows[:3]
        assert list(sent.reports_of([])) == list(sent.reports_of(["X-2"])) == []


class TestFates:
    @pytest.mark.parametrize("source", ReportSource)
    def test_a_row_shows_that_a_message_of_unknown_fate_was_taken(
        self, sent: SqliteLedger, source: ReportSource
    ) -> None:
        sent.add_receipts([Receipt("B-1-2", MessageFate.UNKNOWN, reason="the connection was cut")], NOW)
        sent.add_reports([row(source=source), row("X-1", "41793026002", source, bulk_id="B-1")], source, b"{}", NOW)
        assert fates(sent) == {"B-1-1": "accepted", "B-1-2": "accepted"}
        assert sent.tally("run-1").accepted == 2
        sent.add_receipts([Receipt("B-1-1", MessageFate.NOT_TRIED)], LATER)
        assert fates(sent)["B-1-1"] == "accepted"

    def test_a_refused_message_stays_refused_unless_a_row_shows_that_it_got_further(self, sent: SqliteLedger) -> None:
        sent.add_receipts([Receipt(f"B-1-{number}", MessageFate.REFUSED) for number in (1, 2)], NOW)
        pull(sent, row("B-1-1", status=Status("REJECTED", "REJECTED_DESTINATION", 51, 5)), row("B-1-2"))
        assert fates(sent) == {"B-1-1": "refused", "B-1-2": "accepted"}

    def test_what_was_thought_not_tried_was(self, sent: SqliteLedger) -> None:
        sent.add_receipts([Receipt("B-1-1", MessageFate.NOT_TRIED)], NOW)
        pull(sent, row())
        assert fates(sent)["B-1-1"] == "accepted"
        assert sent.select_new("run-1", [phone(1)]) == ()


class TestSeen:
    def test_it_is_kept_once_and_shows_that_the_message_was_taken(self, sent: SqliteLedger, path: Path) -> None:
        assert sent.add_seen([seen(), seen("B-1-2"), seen()], b"{}", NOW) == 2
        assert sent.add_seen([seen()], b"again", NOW) == 0
        assert list(sent.seen_of(["B-1-1"])) == [seen()]
        assert list(sent.seen_of(["nobody", "B-1-1", "B-1-2"])) == [seen(), seen("B-1-2")]
        assert set(fates(sent).values()) == {"accepted"}
        assert read(path, "SELECT body FROM replies") == [(b"{}",)]

    def test_it_belongs_to_a_message_whose_step_has_an_id_of_the_api(self, sent: SqliteLedger) -> None:
        sent.add_seen([seen("X-1")], b"{}", NOW)
        assert list(sent.seen_of(["B-1-1"])) == []
        pull(sent, row("X-1", bulk_id="B-1"))
        assert list(sent.seen_of(["B-1-1"])) == [seen("X-1")]


def test_a_thousand_accepted_messages_have_their_reports(ledger: SqliteLedger) -> None:
    for number in range(3):
        people = [phone(1000 * number + i) for i in range(1000)]
        ledger.open_batch("run-1", VIA, batch_of(f"B-{number}", people, MESSAGE), NOW)
        ledger.add_receipts(accepted(*(f"B-{number}-{i}" for i in range(1, 1001))), NOW)
    pull(ledger, *(row(f"B-2-{i}", "x") for i in range(1, 1001)))
    assert len(list(ledger.reports_of(f"B-2-{i}" for i in range(1, 1001)))) == 1000
    ledger.begin_run(run_of("run-2"))
    assert ledger.tally("run-2").accepted == 0


def test_threads_that_share_a_ledger_keep_every_row_once(sent: SqliteLedger) -> None:
    rows = [row(f"M-{number}") for number in range(60)]
    counts: list[int] = []

    def work(start: int) -> None:
        for at in range(60):
            each = rows[(start + at) % 60]
            counts.append(sent.add_reports([each], PUSH, b"{}", NOW))

    threads = [threading.Thread(target=work, args=(15 * number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(counts), sum(counts)) == (240, 60)
    assert {each.row.report.message_id for each in sent.list_reports()} == {each.report.message_id for each in rows}


def test_what_is_interrupted_is_not_there_by_half(sent: SqliteLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Book.query

    def query(book: Book, statement: str, *values: object) -> list[Row]:
        if "FROM reports WHERE identity" in statement and original(book, "SELECT 1 FROM reports"):
            raise KeyboardInterrupt
        return original(book, statement, *values)

    gap = sent.open_gap(ReportQuery(), NOW)
    with monkeypatch.context() as patched:
        patched.setattr(Book, "query", query)
        with pytest.raises(KeyboardInterrupt):
            sent.close_gap(gap.id, b"{}", [row(), row("B-1-2")], NOW)
    assert list(sent.list_reports()) == []
    assert sent.list_gaps([GapState.OPEN]) == (gap,)
    assert set(fates(sent).values()) == {"unknown"}
    assert sent.close_gap(gap.id, b"{}", [row(), row("B-1-2")], NOW) == 2
