"""Waiting for the end of messages from logs alone, and the stories that are told of them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.errors import ReadingError
from omnictl.ledger.base import MessageFilter, Run, RunKind
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.message import Message, Via
from omnictl.model.report import LogQuery, Received, ReceivedSeen, ReportSource, SeenReport
from omnictl.model.scenario import Step
from omnictl.model.story import Story, StoryOutcome
from omnictl.operations.looking import IDS_IN_QUERY, Post
from omnictl.operations.sending import Errand, send
from omnictl.operations.stories import iterate_reported, iterate_stories, iterate_strays
from omnictl.operations.waiting import wait_for_stories
from tests.builders import NOW
from tests.fake_messenger import ENROUTE, Clock, FakeMessenger, make_post, make_row, people

RUN = Run("run-1", RunKind.DIRECT, "s", "m", "r", NOW)
VIA = Via("s", "KEY", "r1", (Step("SMS"),))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(tmp_path / "l.db", environment="test")) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def messenger() -> FakeMessenger:
    return FakeMessenger()


def begin(ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock, number: int = 2) -> tuple[Post, list[object]]:
    """Send to so many, and return what they are waited for with."""
    post, events = make_post(ledger, messenger, clock)
    send(post, Errand(RUN, VIA, Message(), people(number), number, 100))
    events.clear()
    messenger.queries.clear()
    return post, events  # type: ignore[return-value]


def wait(post: Post, seconds: float = 60.0) -> tuple[tuple[Story, ...], list[tuple[StoryOutcome, ...]]]:
    told: list[tuple[StoryOutcome, ...]] = []

    def tell(stories: Sequence[Story]) -> None:
        told.append(tuple(each.outcome for each in stories))

    return wait_for_stories(post, RUN.id, timeout_seconds=seconds, tell=tell), told


def test_what_has_ended_already_is_told_at_once(ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock) -> None:
    post, events = begin(ledger, messenger, clock)
    stories, told = wait(post)
    assert [each.outcome for each in stories] == [StoryOutcome.DELIVERED] * 2
    assert told == [(StoryOutcome.DELIVERED,) * 2]
    assert (events, len(messenger.queries)) == ([], 1)
    assert len(messenger.unread) == 2  # reports are left to whoever pulls them
    assert {each.row.report.source for each in ledger.list_reports()} == {ReportSource.LOG}


def test_what_ends_later_is_waited_for_at_growing_intervals_and_final_ones_are_not_asked_for_again(
    ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock
) -> None:
    post, _ = begin(ledger, messenger, clock)
    last, messenger.log = messenger.log[1], messenger.log[:1]

    def arrive(_: str) -> None:
        if clock() - NOW > timedelta(seconds=4) and last not in messenger.log:
            messenger.log.append(last)

    messenger.before_each = arrive
    stories, told = wait(post)
    assert all(each.is_final for each in stories)
    assert [len(each) for each in told] == [2, 2]
    assert clock() - NOW == timedelta(seconds=1.0 + 1.5 + 2.25)
    asked = [each.message_ids for each in messenger.queries if each.message_ids]
    assert [len(each) for each in asked] == [2, 1, 1, 1]


def test_it_ends_when_the_time_is_up(ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock) -> None:
    post, _ = begin(ledger, messenger, clock)
    messenger.log = [replace(each, status=ENROUTE) for each in messenger.log]
    stories, told = wait(post, 30.0)
    assert not any(each.is_final for each in stories)
    assert clock() == NOW + timedelta(seconds=30)
    assert len(told) == 1
    assert wait(post, 0.0)[0] == stories


def test_it_ends_when_it_is_to_stop(ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock) -> None:
    post, _ = begin(ledger, messenger, clock)
    messenger.log = []
    messenger.before_each = lambda _: post.stop.request("SIGINT")
    assert len(wait(post)[0]) == 2
    assert clock() == NOW


def test_rows_with_ids_of_their_own_are_found_by_the_request(
    ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock
) -> None:
    messenger.foreign_ids = True
    post, _ = begin(ledger, messenger, clock, IDS_IN_QUERY + 1)
    stories, _ = wait(post)
    assert {each.outcome for each in stories} == {StoryOutcome.DELIVERED}
    assert [bool(each.bulk_ids) for each in messenger.queries] == [False, True, False, True]


def test_logs_that_cannot_be_read_are_an_error(ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock) -> None:
    post, _ = begin(ledger, messenger, clock)
    messenger.troubles.append("unreadable")
    with pytest.raises(ReadingError):
        wait(post)


# --- stories -------------------------------------------------------------------------------------------------------


def test_stories_come_in_the_order_of_sending_however_many_there_are(
    ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock
) -> None:
    begin(ledger, messenger, clock, 450)
    keep(ledger, messenger, messenger.read_logs(LogQuery()).rows)
    stories = list(iterate_stories(ledger, MessageFilter()))
    assert [each.recipient for each in stories] == people(450)
    assert {each.outcome for each in stories} == {StoryOutcome.DELIVERED}


def keep(ledger: SqliteLedger, messenger: FakeMessenger, rows: Sequence[Received]) -> None:
    ledger.add_reports(rows, ReportSource.LOG, b"{}", NOW)


def test_who_looked_is_part_of_the_story(ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock) -> None:
    begin(ledger, messenger, clock)
    keep(ledger, messenger, messenger.read_logs(LogQuery()).rows)
    first = next(iterate_stories(ledger, MessageFilter()))
    assert not first.seen
    ledger.add_seen([ReceivedSeen(SeenReport(first.message_id, "41790000000", seen_at=NOW), "{}")], b"{}", NOW)
    first, second = iterate_stories(ledger, MessageFilter())
    assert (first.seen, first.seen_at, second.seen) == (True, NOW, False)


def test_reports_of_others_are_stories_of_their_own_within_the_times_that_are_asked_for(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    hours = [NOW - timedelta(hours=each) for each in range(4)]
    rows = [make_row(f"their-{n}", "41790000007", at) for n, at in enumerate(hours)]
    timeless = replace(rows[0], message_id="their-4", sent_at=None)
    keep(ledger, messenger, [Received(each, "{}") for each in (*rows, timeless)])
    assert len(list(iterate_strays(ledger))) == 5
    asked = iterate_strays(ledger, since=hours[2], until=hours[0])
    assert [each.sent_at for each in asked] == [hours[2], hours[1]]
    assert [each.message_id for each in iterate_strays(ledger, after=4)] == ["their-4"]


def test_what_arrived_is_told_as_it_stands_now_each_once(
    ledger: SqliteLedger, messenger: FakeMessenger, clock: Clock
) -> None:
    begin(ledger, messenger, clock)
    rows = messenger.read_logs(LogQuery()).rows
    keep(ledger, messenger, [Received(replace(each.report, status=ENROUTE), "[]") for each in rows])
    position = ledger.last_position()
    keep(ledger, messenger, [rows[0], Received(make_row("their-1", "41790000007", NOW), "{}")])
    ours = [each.report.message_id for each in rows]
    told = list(iterate_reported(ledger, position, ours[:1]))
    assert [each.outcome for each in told] == [StoryOutcome.DELIVERED] * 2
    assert [each.message_id for each in told] == [rows[0].report.message_id, "their-1"]
    assert len(list(iterate_reported(ledger, 0, ours))) == 3
    assert list(iterate_reported(ledger, ledger.last_position(), ())) == []
