"""Pulls: a gap before each request, closed by its reply or filled from logs, however full these are."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.errors import AccessError, LedgerError, LedgerHeldError, RemoteError
from omnictl.ledger.base import Run, RunKind
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.diagnostic import Severity
from omnictl.model.message import Addressed, Batch, Message, Via
from omnictl.model.outcome import ReportsTaken
from omnictl.model.report import KEPT_BY_API, GapState, ReportQuery, ReportSource
from omnictl.model.scenario import Step
from omnictl.operations.looking import Post
from omnictl.operations.pulling import pull
from tests.builders import NOW
from tests.fake_messenger import Clock, FakeMessenger, make_post, make_row, people, problem

QUERY = ReportQuery(limit=4)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(tmp_path / "l.db", environment="test")) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def messenger() -> FakeMessenger:
    """An account with ten reports that nobody has taken, of somebody else's messages."""
    made = FakeMessenger()
    fill(made, 10)
    return made


def fill(messenger: FakeMessenger, number: int, *, first: int = 0, apart: timedelta = timedelta(minutes=1)) -> None:
    """Let so many messages be delivered, the last of them long ago."""
    for each in range(first, first + number):
        row = make_row(f"m-{each}", "41790000001", NOW - timedelta(hours=1) - each * apart)
        messenger.unread.append(row)
        messenger.log.append(replace(row, source=ReportSource.LOG, error=None))


@pytest.fixture
def post(ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock) -> Post:
    return make_post(ledger, messenger, clock)[0]


def kept(ledger: SqliteLedger) -> dict[str, ReportSource]:
    return {each.row.report.message_id: each.row.report.source for each in ledger.list_reports()}


def states(ledger: SqliteLedger) -> list[GapState]:
    return [each.state for each in ledger.list_gaps(GapState)]


def test_pages_are_taken_until_one_is_not_full(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    post, events = make_post(ledger, messenger)
    report = pull(post, QUERY)
    assert (report.rows, report.new, report.requests, report.may_have_lost) == (10, 10, 3, False)
    assert events == [ReportsTaken(4, 4), ReportsTaken(8, 8), ReportsTaken(10, 10)]
    assert states(ledger) == [GapState.CLOSED] * 3
    assert set(kept(ledger).values()) == {ReportSource.PULL}


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_reply_that_is_lost_is_filled_from_the_logs_at_once(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post, at: int
) -> None:
    messenger.troubles.extend([""] * at + ["cut after"])
    report = pull(post, QUERY)
    assert [(each.code, each.severity) for each in report.diagnostics] == [("report-reply-lost", Severity.WARNING)]
    assert (len(report.filled), report.still_open, report.may_have_lost) == (1, (), False)
    assert states(ledger) == [GapState.CLOSED] * at + [GapState.FILLED]
    assert len(kept(ledger)) == 10
    again = pull(post, QUERY)
    assert (again.rows, again.filled, again.diagnostics) == (len(messenger.log) - 4 * (at + 1) if at < 2 else 0, (), ())


def test_a_gap_that_cannot_be_filled_now_is_open_and_filled_by_the_next_pull(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post
) -> None:
    messenger.troubles.extend(["cut after", "unreadable"])
    report = pull(post, QUERY)
    assert [each.code for each in report.diagnostics] == ["unreadable", "report-reply-lost"]
    assert report.diagnostics[1].severity is Severity.ERROR
    assert (len(report.still_open), report.may_have_lost) == (1, True)
    assert kept(ledger) == {}
    report = pull(post, QUERY)
    assert (len(report.filled), report.filled_rows, report.may_have_lost) == (1, 10, False)
    assert len(kept(ledger)) == 10


def test_what_was_surely_not_handed_out_leaves_no_gap(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post
) -> None:
    for trouble, error in (("denied", AccessError), ("refused", RemoteError), ("unsent", RemoteError)):
        messenger.troubles.append(trouble)
        with pytest.raises(error):
            pull(post, QUERY)
    messenger.troubles.extend(["", "denied"])
    report = pull(post, QUERY)
    assert ([each.code for each in report.diagnostics], report.rows) == (["denied"], 4)
    assert set(states(ledger)) == {GapState.CLOSED}


def test_a_gap_that_is_too_old_is_permanent_and_said_once(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post, clock: Clock
) -> None:
    messenger.troubles.extend(["cut after", "unreadable"])
    pull(post, QUERY)
    clock.move(hours=48)
    report = pull(post, QUERY)
    assert ([each.id for each in report.permanent], report.filled, report.may_have_lost) == ([1], (), True)
    assert states(ledger)[0] is GapState.PERMANENT
    assert pull(post, QUERY).permanent == ()


def test_a_young_gap_is_filled_beside_one_that_is_too_old(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post, clock: Clock
) -> None:
    ledger.open_gap(QUERY, NOW - timedelta(hours=50))
    ledger.open_gap(QUERY, NOW - timedelta(hours=47))
    report = pull(post, QUERY)
    assert ([each.id for each in report.permanent], [each.id for each in report.filled]) == ([1], [2])


@pytest.mark.parametrize(("hours", "codes"), [(0.9, []), (1, ["gap-filled-late"]), (40, ["gap-filled-late"])])
def test_what_a_late_filling_cannot_reach_is_said(
    ledger: SqliteLedger, post: Post, hours: float, codes: list[str]
) -> None:
    ledger.open_gap(QUERY, NOW - timedelta(hours=hours))
    report = pull(post, QUERY)
    assert [each.code for each in report.diagnostics] == codes
    assert (len(report.filled), report.may_have_lost) == (1, False)


def test_two_never_take_reports_at_once(ledger: SqliteLedger, messenger: FakeMessenger, post: Post) -> None:
    with ledger.holding_pull(), pytest.raises(LedgerHeldError, match="pull-held"):
        pull(post, ReportQuery())
    assert pull(post, ReportQuery()).requests == 1


def test_when_a_pull_can_fill_a_gap_is_said(ledger: SqliteLedger, messenger: FakeMessenger, post: Post) -> None:
    messenger.settle_seconds, messenger.request_timeout_seconds = 30.0, 60.0
    ledger.open_gap(ReportQuery(), NOW)
    report = pull(post, ReportQuery())
    assert [each.opened_at for each in report.still_open] == [NOW]
    assert report.fillable_at == NOW + timedelta(seconds=90)


def test_a_stop_ends_it_in_good_order(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    post, _ = make_post(ledger, messenger)
    messenger.before_each = lambda what: post.stop.request("SIGTERM") if what == "reported" else None
    report = pull(post, QUERY)
    assert (report.rows, report.stop_reason) == (4, "SIGTERM")
    ledger.open_gap(QUERY, NOW)
    report = pull(post, QUERY)
    assert (report.rows, len(report.still_open), report.may_have_lost) == (0, 1, True)


def test_a_ledger_that_cannot_be_written_leaves_the_gap_open(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ledger.close_gap

    def close_gap(gap: int, body: bytes, rows: object, at: object) -> int:
        raise LedgerError(problem("full"))

    monkeypatch.setattr(ledger, "close_gap", close_gap)
    report = pull(post, QUERY)
    assert [each.code for each in report.diagnostics] == ["full"]
    assert (report.requests, report.may_have_lost) == (1, True)
    monkeypatch.setattr(ledger, "close_gap", real)
    assert pull(post, QUERY).filled_rows == 10


def test_a_ledger_that_cannot_be_written_while_a_gap_is_filled_ends_it(
    ledger: SqliteLedger, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_reports(*_: object) -> int:
        raise LedgerError(problem("full"))

    ledger.open_gap(QUERY, NOW)
    monkeypatch.setattr(ledger, "add_reports", add_reports)
    with pytest.raises(LedgerError):
        pull(post, QUERY)


def test_a_gap_stays_open_while_the_service_may_still_work_on_its_request(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post, clock: Clock
) -> None:
    messenger.settle_seconds, messenger.request_timeout_seconds = 30.0, 60.0
    messenger.troubles.append("cut after")
    report = pull(post, QUERY)
    assert ([each.code for each in report.diagnostics], report.may_have_lost) == (["report-reply-lost"], True)
    assert (len(report.still_open), report.filled_rows) == (1, 10)
    clock.move(seconds=89)
    assert pull(post, QUERY).may_have_lost
    clock.move(seconds=1)
    report = pull(post, QUERY)
    assert ([each.id for each in report.filled], report.may_have_lost) == ([1], False)


# --- logs that are full ----------------------------------------------------------------------------------------


def test_windows_are_halved_until_each_reply_holds_them(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post
) -> None:
    fill(messenger, 4000, first=10, apart=timedelta(seconds=30))
    messenger.unread.clear()
    ledger.open_gap(QUERY, NOW)
    report = pull(post, QUERY)
    assert (report.filled_rows, report.diagnostics, report.may_have_lost) == (4010, (), False)
    assert len(messenger.queries) < 40
    assert messenger.queries[0].sent_since == NOW - KEPT_BY_API
    assert messenger.queries[0].sent_until is None


def test_a_second_with_more_rows_than_a_reply_holds_is_halved_too(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post
) -> None:
    fill(messenger, 2500, first=10, apart=timedelta(microseconds=390))
    messenger.unread.clear()
    ledger.open_gap(QUERY, NOW)
    report = pull(post, QUERY)
    assert (report.filled_rows, report.may_have_lost) == (2510, False)


def test_rows_that_lie_ahead_are_found_as_well(ledger: SqliteLedger, messenger: FakeMessenger, post: Post) -> None:
    """Those of scheduled messages: more than one reply holds, months ahead."""
    fill(messenger, 3000, first=10, apart=-timedelta(hours=1))
    messenger.unread.clear()
    ledger.open_gap(QUERY, NOW)
    assert pull(post, QUERY).filled_rows == 3010


def send_ours(ledger: SqliteLedger, messenger: FakeMessenger, number: int) -> None:
    """Send so many messages of our own in one moment."""
    ledger.begin_run(Run("run-1", RunKind.FILE, "s", "m", "r", NOW))
    via = Via("s", "KEY", "r1", (Step("SMS"),))
    batch = Batch("b", "KEY", Message(), tuple(Addressed(f"o-{n}", each) for n, each in enumerate(people(number))))
    ledger.open_batch("run-1", via, batch, NOW)
    messenger.send(batch)
    messenger.unread.clear()


def test_of_a_moment_that_is_too_full_ours_are_asked_for_by_their_ids_and_the_gap_stays(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post, clock: Clock
) -> None:
    send_ours(ledger, messenger, 120)
    theirs = [replace(make_row(f"t-{n}", "41790000002", NOW), source=ReportSource.LOG) for n in range(1200)]
    messenger.log = theirs + messenger.log
    clock.move(hours=1)
    ledger.open_gap(QUERY, clock())
    report = pull(post, QUERY)
    assert [each.code for each in report.diagnostics] == ["logs-too-full"]
    assert report.may_have_lost
    assert {f"o-{number}" for number in range(120)} <= set(kept(ledger))
    assert {f"m-{number}" for number in range(10)} <= set(kept(ledger))
    assert [each.message_ids for each in messenger.queries].count(()) < 60
    assert sum(bool(each.message_ids) for each in messenger.queries) == 3
    clock.move(hours=49)
    assert [each.id for each in pull(post, QUERY).permanent] == [1]


def test_a_service_that_looks_at_seconds_alone_is_not_asked_for_ever_narrower_windows(
    ledger: SqliteLedger, messenger: FakeMessenger, post: Post
) -> None:
    """It shows the same rows for each part of a second, and so the second is too full."""
    at = NOW.replace(microsecond=0) - timedelta(hours=1)
    spread = [make_row(f"t-{n}", "41790000002", at + timedelta(microseconds=800 * n)) for n in range(1200)]
    messenger.log = [replace(each, source=ReportSource.LOG, error=None) for each in spread]
    messenger.unread.clear()
    real, asked = messenger.read_logs, []

    def read_logs(query: object) -> object:
        asked.append(query)
        since, until = query.sent_since, query.sent_until  # type: ignore[attr-defined]
        wider = replace(
            query,  # type: ignore[type-var]
            sent_since=since and since.replace(microsecond=0),
            sent_until=until and until.replace(microsecond=999_999),
        )
        return real(wider)  # type: ignore[arg-type]

    messenger.read_logs = read_logs  # type: ignore[assignment, method-assign]
    ledger.open_gap(QUERY, NOW)
    report = pull(post, QUERY)
    assert [each.code for each in report.diagnostics] == ["logs-too-full"]
    assert len(asked) < 80
