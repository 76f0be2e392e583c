"""Sending over a fake account: each fate, what ends a sending, and that nobody has two messages."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.errors import ConfigurationError, LedgerError, LedgerHeldError, StoppedError
from omnictl.ledger.base import MessageFilter, Run, RunKind
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.diagnostic import Severity
from omnictl.model.message import Message, MessageFate, Recipient, Via
from omnictl.model.outcome import Ending, LookingForMessages, MessagesSent, SendingStarted
from omnictl.model.report import ReportQuery, ReportSource
from omnictl.model.scenario import Step
from omnictl.model.sending import SendReport
from omnictl.operations.sending import MOST_DOUBTS, Errand, send
from tests.builders import NOW
from tests.fake_messenger import Clock, FakeMessenger, make_post, people, problem

VIA = Via("s", "KEY", "r1", (Step("SMS"),))
RUN = Run("run-1", RunKind.FILE, "s", "m", "r", NOW)
TEXT = Message({"SMS": {"text": "Hello"}})


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(tmp_path / "l.db", environment="test")) as opened:
        yield opened


@pytest.fixture
def messenger() -> FakeMessenger:
    return FakeMessenger()


def errand(number: int = 10, **more: object) -> Errand:
    """Return an errand to so many, three a request."""
    given = {"recipients": people(number), "total": number, "batch_size": 3, **more}
    return Errand(RUN, VIA, TEXT, **given)  # type: ignore[arg-type]


def run(ledger: SqliteLedger, messenger: FakeMessenger, **more: object) -> SendReport:
    """Send it once, or go on where it was begun."""
    begun = ledger.get_run(RUN.id)
    wanted = errand(**{"is_new": begun is None, **more})  # type: ignore[arg-type]
    return send(make_post(ledger, messenger)[0], replace(wanted, run=begun or RUN))


def counts(report: SendReport) -> tuple[int, int, int, int]:
    return report.accepted, report.refused, report.unknown, report.not_tried


def messenger_ids(ledger: SqliteLedger) -> list[str]:
    """Return the ids of all messages that were ever written down."""
    return [message_id for (message_id,) in ledger._book.query("SELECT message_id FROM messages")]


def fates(ledger: SqliteLedger) -> dict[str, MessageFate]:
    """Return the fate of each phone, that of its last message."""
    return {each.recipient.phone or "": each.fate for each in ledger.list_messages(MessageFilter()) if each.recipient}


def assert_once(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    """Nobody has two messages, and what was taken is accepted in the ledger."""
    phones = [each.recipient.phone for _, each in messenger.taken]
    assert len(phones) == len(set(phones))
    sent = ledger.list_messages(MessageFilter(fate=MessageFate.ACCEPTED))
    assert {each.message_id for each in sent} == {each.message_id for _, each in messenger.taken}


def test_everybody_gets_one_message_in_requests_of_the_size_that_was_asked_for(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    post, events = make_post(ledger, messenger)
    report = send(post, errand())
    assert counts(report) == (10, 0, 0, 0)
    assert (report.requests_sent, report.ending, report.is_finished) == (4, Ending.FINISHED, True)
    assert events == [SendingStarted("run-1", "s", 10), MessagesSent(3, 0, 0, 10), MessagesSent(10, 0, 0, 10)]
    finished = ledger.get_run("run-1")
    assert finished is not None
    assert finished.finished_at == NOW
    bulk, _ = messenger.taken[0]
    assert bulk.message.callback_data == f"omnictl1:s:r1:{bulk.bulk_id}"
    assert {batch.scenario_key for batch, _ in messenger.taken} == {"KEY"}
    assert_once(ledger, messenger)


def test_callback_data_of_the_user_is_left_alone(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    send(make_post(ledger, messenger)[0], replace(errand(), message=replace(TEXT, callback_data="mine")))
    assert {batch.message.callback_data for batch, _ in messenger.taken} == {"mine"}


def test_each_message_is_in_the_ledger_before_its_request_leaves(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    def look(what: str) -> None:
        if what == "send":
            seen.append(ledger.tally(RUN.id).unknown)

    seen: list[int] = []
    messenger.before_each = look
    run(ledger, messenger)
    assert seen == [3, 3, 3, 1]


def test_a_lost_answer_is_looked_for_and_what_was_taken_is_accepted(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    messenger.fates.extend(["cut after", "cut before"])
    post, events = make_post(ledger, messenger)
    report = send(post, errand())
    assert counts(report) == (7, 0, 3, 0)
    assert [each.code for each in report.diagnostics] == ["fate-unknown"]
    assert LookingForMessages(6) in events
    assert not report.is_finished
    assert counts(run(ledger, messenger)) == (7, 0, 3, 0)
    assert messenger.sends == 4
    assert_once(ledger, messenger)


def test_messages_whose_rows_have_ids_of_their_own_are_found_by_their_request(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    messenger.foreign_ids = True
    messenger.fates.append("cut after")
    report = run(ledger, messenger)
    assert counts(report) == (10, 0, 0, 0)
    assert [(each.code, each.severity) for each in report.diagnostics] == [("answer-lost", Severity.WARNING)]
    assert_once(ledger, messenger)


def test_what_comes_late_is_found_when_the_run_is_resumed_and_never_sent_again(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    messenger.fates.append("late")
    assert counts(run(ledger, messenger)) == (7, 0, 3, 0)
    messenger.commit_late()
    report = run(ledger, messenger)
    assert (counts(report), report.is_finished, report.requests_sent) == ((10, 0, 0, 0), True, 0)
    assert_once(ledger, messenger)


def test_what_was_purged_is_looked_for_by_its_ids_and_not_offered_to_be_repeated(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    messenger.fates.extend(["late", "cut before"])
    assert counts(run(ledger, messenger)) == (4, 0, 6, 0)
    ledger.purge(NOW + timedelta(days=1))
    messenger.commit_late()
    report = run(ledger, messenger, resend_unknown=True)
    assert (counts(report), report.unrepeatable, report.requests_sent) == ((7, 0, 3, 0), 3, 0)
    (told,) = report.diagnostics
    assert "The recipients of 3 were purged, so they cannot be sent again" in told.detail
    assert_once(ledger, messenger)


def test_logs_that_cannot_be_read_are_told_and_the_rest_is_sent(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    messenger.fates.append("cut after")
    messenger.troubles.append("unreadable")
    report = run(ledger, messenger)
    assert counts(report) == (7, 0, 3, 0)
    assert [each.code for each in report.diagnostics] == ["unreadable", "fate-unknown"]
    assert counts(run(ledger, messenger)) == (10, 0, 0, 0)


def test_after_three_lost_answers_in_a_row_nothing_more_is_sent(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    messenger.fates.extend(["cut before"] * MOST_DOUBTS)
    report = run(ledger, messenger, number=20)
    assert counts(report) == (0, 0, 9, 11)
    assert messenger.sends == MOST_DOUBTS
    messenger.fates.extend(["cut before", "cut before", "ok", "cut before", "cut before"])
    assert counts(run(ledger, messenger, number=20)) == (3, 0, 17, 0)


def test_an_id_that_the_answer_leaves_out_is_unknown_until_the_logs_show_it(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    messenger.fates.append("omit")
    messenger.troubles.append("unreadable")
    assert counts(run(ledger, messenger)) == (9, 0, 1, 0)
    assert counts(run(ledger, messenger)) == (10, 0, 0, 0)


@pytest.mark.parametrize(
    ("fate", "first", "denied", "requests"),
    [
        ("refused", (3, 3, 0, 4), False, 2),
        ("denied", (3, 0, 0, 7), True, 1),
        ("unsent", (3, 0, 0, 7), False, 1),
    ],
)
def test_what_the_api_refuses_as_a_whole_ends_the_sending_and_the_rest_is_sent_later(
    ledger: SqliteLedger,
    messenger: FakeMessenger,
    fate: str,
    first: tuple[int, int, int, int],
    denied: bool,
    requests: int,
) -> None:
    messenger.fates.extend(["ok", fate])
    report = run(ledger, messenger)
    assert (counts(report), report.denied, report.requests_sent) == (first, denied, requests)
    assert not report.is_finished
    refused = first[1]
    assert counts(run(ledger, messenger)) == (10 - refused, refused, 0, 0)
    assert_once(ledger, messenger)


def test_what_is_refused_in_the_last_request_leaves_nobody_who_was_not_tried(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    messenger.fates.extend(["ok", "ok", "ok", "refused"])
    report = run(ledger, messenger)
    assert (counts(report), report.is_finished) == ((9, 1, 0, 0), True)
    found = ledger.get_run(RUN.id)
    assert found is not None
    assert found.finished_at is not None


def test_what_was_not_sent_in_the_last_request_is_not_tried(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    messenger.fates.extend(["ok", "ok", "ok", "unsent"])
    report = run(ledger, messenger)
    assert (counts(report), report.is_finished) == ((9, 0, 0, 1), False)
    assert len(list(ledger.list_messages(MessageFilter(run=RUN.id)))) == 10
    assert counts(run(ledger, messenger)) == (10, 0, 0, 0)
    listed = list(ledger.list_messages(MessageFilter(run=RUN.id)))
    assert [each.fate for each in listed] == [MessageFate.ACCEPTED] * 10
    (untried,) = (each for each in messenger_ids(ledger) if each not in {sent.message_id for sent in listed})
    (asked,) = ledger.list_messages(MessageFilter(message_id=untried))
    assert asked.fate is MessageFate.NOT_TRIED


def test_one_who_is_refused_stays_refused_and_the_others_get_it(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    messenger.no = frozenset({"41790000004"})
    report = run(ledger, messenger)
    assert (counts(report), report.is_finished) == ((9, 1, 0, 0), True)
    [refused] = ledger.list_messages(MessageFilter(fate=MessageFate.REFUSED))
    assert refused.recipient == Recipient(phone="41790000004")


# --- once more -------------------------------------------------------------------------------------------------


def test_unknown_ones_are_repeated_with_their_ids_only_when_one_says_so(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    messenger.fates.extend(["cut before", "ok"])
    messenger.no = frozenset({"41790000001"})
    run(ledger, messenger)
    before = {each.message_id for each in ledger.list_messages(MessageFilter())}
    report = run(ledger, messenger, resend_unknown=True)
    assert (counts(report), report.is_finished) == ((9, 1, 0, 0), True)
    assert {each.message_id for each in ledger.list_messages(MessageFilter())} == before
    assert_once(ledger, messenger)


def test_a_repeat_that_is_refused_because_its_id_is_known_was_taken_the_first_time(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    messenger.repeats = False
    messenger.fates.append("cut after")
    messenger.troubles.extend(["unreadable"] * 2)
    assert counts(run(ledger, messenger)) == (7, 0, 3, 0)
    assert counts(run(ledger, messenger, resend_unknown=True)) == (10, 0, 0, 0)
    assert_once(ledger, messenger)


@pytest.mark.parametrize("fate", ["unsent", "denied", "refused", "cut before"])
def test_a_repeat_that_did_not_leave_says_nothing_of_the_first(
    ledger: SqliteLedger, messenger: FakeMessenger, fate: str
) -> None:
    messenger.fates.extend(["cut before", "cut before", "ok", "ok", fate])
    run(ledger, messenger)
    halts = fate != "cut before"
    report = run(ledger, messenger, resend_unknown=True)
    assert counts(report) == ((4, 0, 6, 0) if halts else (7, 0, 3, 0))
    assert counts(run(ledger, messenger, resend_unknown=True)) == (10, 0, 0, 0)


# --- stopping --------------------------------------------------------------------------------------------------


def test_a_stop_ends_it_after_the_request_in_flight(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    post, _ = make_post(ledger, messenger)
    messenger.before_each = lambda what: post.stop.request("SIGTERM") if what == "sent" else None
    report = send(post, errand())
    assert (counts(report), report.ending, report.stop_reason) == ((3, 0, 0, 7), Ending.STOPPED, "SIGTERM")
    assert counts(run(ledger, messenger)) == (10, 0, 0, 0)


def test_a_stop_in_the_last_request_finishes_the_run(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    post, _ = make_post(ledger, messenger)
    messenger.before_each = lambda what: post.stop.request("SIGTERM") if messenger.sends == 4 else None
    report = send(post, errand())
    assert (counts(report), report.is_finished) == ((10, 0, 0, 0), True)
    found = ledger.get_run(RUN.id)
    assert found is not None
    assert found.finished_at == NOW


@pytest.mark.parametrize("asked", [True, False])
def test_a_stop_before_a_request_leaves_it_not_tried_and_is_told_where_nobody_asked_for_it(
    ledger: SqliteLedger,
    messenger: FakeMessenger,
    asked: bool,
) -> None:
    def stop(what: str) -> None:
        if what == "send":
            if asked:
                post.stop.request("SIGINT")
            raise StoppedError(problem("stopped"))

    post, _ = make_post(ledger, messenger)
    messenger.before_each = stop
    report = send(post, errand())
    assert (counts(report), report.requests_sent, report.ending) == ((0, 0, 0, 10), 0, Ending.STOPPED)
    assert [each.code for each in report.diagnostics] == ([] if asked else ["stopped"])


def test_a_stop_ends_the_repeats_as_well(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    messenger.fates.extend(["cut before", "cut before"])
    run(ledger, messenger)
    post, _ = make_post(ledger, messenger)
    messenger.before_each = lambda what: post.stop.request("SIGTERM") if what == "sent" else None
    begun = ledger.get_run(RUN.id)
    assert begun is not None
    report = send(post, replace(errand(is_new=False, resend_unknown=True), run=begun))
    assert counts(report) == (7, 0, 3, 0)


# --- the ledger and the recipients -----------------------------------------------------------------------------


def test_who_is_named_twice_gets_one_message_wherever_the_rows_stand(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    twice = [*people(3), *people(1), *people(3), *people(2, 3)]
    report = send(make_post(ledger, messenger)[0], replace(errand(), recipients=twice, total=5))
    assert counts(report) == (5, 0, 0, 0)
    assert_once(ledger, messenger)


def test_recipients_that_cannot_be_read_any_more_end_it_and_what_was_sent_is_said(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    def changing() -> Iterator[Recipient]:
        yield from people(4)
        raise ConfigurationError(problem("recipients-changed"))

    report = send(make_post(ledger, messenger)[0], replace(errand(), recipients=changing()))
    assert counts(report) == (3, 0, 0, 7)
    assert [each.code for each in report.diagnostics] == ["recipients-changed"]
    assert counts(run(ledger, messenger)) == (10, 0, 0, 0)


def test_two_never_send_the_same_run_and_none_begins_beside_one_that_it_does_not_know(
    ledger: SqliteLedger, messenger: FakeMessenger
) -> None:
    post, _ = make_post(ledger, messenger)
    with ledger.holding_run(RUN.id), pytest.raises(LedgerHeldError):
        send(post, errand())
    assert ledger.list_runs() == ()
    send(post, errand())
    with pytest.raises(LedgerHeldError):
        send(post, replace(errand(), run=replace(RUN, id="run-2")))
    assert messenger.sends == 4
    send(post, replace(errand(), run=replace(RUN, id="run-2"), beside={"run-1"}))
    assert messenger.sends == 8


@pytest.mark.parametrize("method", ["open_batch", "add_receipts", "select_new", "add_reports"])
def test_a_ledger_that_fails_ends_it_at_once_and_nothing_is_sent_twice(
    ledger: SqliteLedger, messenger: FakeMessenger, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LedgerError(problem("full"))

    messenger.fates.extend(["cut after", "ok"])
    with monkeypatch.context() as patched:
        patched.setattr(ledger, method, fail)
        report = run(ledger, messenger)
    assert "full" in [each.code for each in report.diagnostics]
    assert messenger.sends <= 4
    assert counts(run(ledger, messenger)) == (10, 0, 0, 0)
    assert_once(ledger, messenger)


def test_a_ledger_that_fails_at_the_very_end_is_told(
    ledger: SqliteLedger, messenger: FakeMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LedgerError(problem("full"))

    monkeypatch.setattr(ledger, "finish_run", fail)
    report = run(ledger, messenger)
    assert ([each.code for each in report.diagnostics], report.accepted) == (["full"], 10)


def test_a_ledger_that_cannot_be_asked_vouches_for_no_lost_answer(
    ledger: SqliteLedger, messenger: FakeMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LedgerError(problem("full"))

    messenger.fates.append("cut after")
    messenger.before_each = lambda what: monkeypatch.setattr(ledger, "tally", fail) if what == "send" else None
    report = run(ledger, messenger)
    assert [each.code for each in report.diagnostics] == ["full"]


def test_progress_is_told_now_and_then_and_at_the_end(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    clock = Clock()
    post, events = make_post(ledger, messenger, clock)
    messenger.before_each = lambda _: clock.move(seconds=1)
    send(post, errand(30))
    told = [each.accepted for each in events if isinstance(each, MessagesSent)]
    assert told == [3, 12, 21, 30]


def test_a_report_that_comes_first_is_enough_to_know(ledger: SqliteLedger, messenger: FakeMessenger) -> None:
    """Pulled or pushed by somebody else while the sending had died."""
    messenger.fates.append("cut after")
    messenger.troubles.append("unreadable")
    run(ledger, messenger)
    page = messenger.take_reports(ReportQuery())
    ledger.add_reports(page.rows, ReportSource.PUSH, page.body, NOW + timedelta(hours=1))
    report = run(ledger, messenger)
    assert (counts(report), messenger.queries) == ((10, 0, 0, 0), [])
