"""Rows of pull, push and log, in whatever order and however often: the same reports of the same messages."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.ledger.base import MessageFilter, Run, RunKind, Tally
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.message import Addressed, Batch, Message, MessageFate, Receipt, Recipient, Via
from omnictl.model.report import DeliveryError, Received, Report, ReportQuery, ReportSource, Status
from omnictl.model.scenario import Step
from tests.builders import NOW

VIA = Via("vk-sms", "CD26", "r1", (Step("SMS"),))
RUN = Run("run-1", RunKind.FILE, "vk-sms", "m", "r", NOW)
PEOPLE = [Recipient(phone=str(41790000000 + number)) for number in range(6)]
BATCHES = [
    Batch(f"B-{n}", "CD26", Message({}), tuple(Addressed(f"M-{n}-{i}", PEOPLE[2 * n + i]) for i in range(2)))
    for n in range(3)
]
STATUSES = (Status("DELIVERED", "DELIVERED_TO_HANDSET", 5, 3), Status("EXPIRED", "EXPIRED_EXPIRED", 15, 4))


@contextmanager
def new_ledger() -> Iterator[SqliteLedger]:
    """Return a ledger with one run; a folder of its own for each example."""
    with TemporaryDirectory() as folder, closing(SqliteLedger(Path(folder) / "x.db", environment="test")) as ledger:
        ledger.begin_run(RUN)
        yield ledger


@st.composite
def facts(draw: st.DrawFn) -> Report:
    """Return what the service knows of one step: under our id, or under its own with a way to find ours."""
    batch = draw(st.sampled_from(BATCHES))
    which = draw(st.integers(0, 1))
    to = batch.messages[which].recipient.phone or ""
    way = draw(st.sampled_from(["id", "callback", "bulk", "none"]))
    ours = batch.messages[which].message_id
    channel = draw(st.sampled_from(["SMS", "VIBER"]))
    return Report(
        ReportSource.PULL,
        ours if way == "id" else f"X-{way}-{ours}-{channel}",
        to,
        draw(st.sampled_from(STATUSES)),
        channel=channel,
        done_at=NOW + timedelta(seconds=draw(st.integers(0, 2))),
        error=DeliveryError("OK", "NO_ERROR", 0),
        bulk_id=batch.bulk_id if way == "bulk" else None,
        callback_data=f"omnictl1:vk-sms:r1:{batch.bulk_id}" if way == "callback" else None,
    )


def told_by(fact: Report, source: ReportSource) -> Received:
    """Return how a source tells a fact: logs know no error, but the sender."""
    if source is ReportSource.LOG:
        fact = replace(fact, error=None, sender="InfoSMS", text="Hello")
    fact = replace(fact, source=source)
    return Received(fact, json.dumps([fact.message_id, source.value, fact.status.name]))


tellings = st.lists(st.tuples(facts(), st.sampled_from(ReportSource)), max_size=12)


def tell(ledger: SqliteLedger, row: Received) -> int:
    """Let one row come in the way of its source."""
    if row.report.source is ReportSource.PULL:
        return ledger.close_gap(ledger.open_gap(ReportQuery(), NOW).id, b"{}", [row], NOW)
    return ledger.add_reports([row], row.report.source, b"{}", NOW)


def outcome(ledger: SqliteLedger) -> tuple[object, ...]:
    """Return what is known in the end: the reports with their messages, and the fates."""
    kept = {(each.row.report.identity, each.row, each.message_id) for each in ledger.list_reports()}
    return kept, {each.message_id: each.fate for each in ledger.list_messages(MessageFilter())}


@settings(max_examples=40)
@given(tellings, st.data())
def test_the_order_of_rows_and_messages_does_not_matter(
    told: list[tuple[Report, ReportSource]], data: st.DataObject
) -> None:
    rows = [told_by(fact, source) for fact, source in told]
    steps: list[Callable[[SqliteLedger], object]] = [
        *(lambda ledger, row=row: tell(ledger, row) for row in rows),
        *(lambda ledger, batch=batch: ledger.open_batch("run-1", VIA, batch, NOW) for batch in BATCHES),
    ]
    more = data.draw(st.lists(st.sampled_from(rows), max_size=4)) if rows else []
    again = [*steps, *(lambda ledger, row=row: tell(ledger, row) for row in more)]
    with new_ledger() as one, new_ledger() as two:
        for step in data.draw(st.permutations(steps)):
            step(one)
        for step in data.draw(st.permutations(again)):
            step(two)
        assert outcome(one) == outcome(two)
        kept = list(one.list_reports())
        assert len(kept) == len({row.report.identity for row in rows})
        assert [each.position for each in kept] == sorted({each.position for each in kept})
        for each in kept:
            ours = each.row.report.message_id.split("-")
            assert each.message_id == (
                None
                if ours[1] == "none"
                else f"M-{ours[-3]}-{ours[-2]}"
                if ours[0] == "X"
                else each.row.report.message_id
            )
        assert {each for each in one.list_reports() if each.row.report.source is not ReportSource.LOG} == {
            each for each in kept if each.row.report.error is not None
        }


events = st.tuples(st.integers(0, 5), st.sampled_from([*MessageFate, "report", "repeat"]))


@settings(max_examples=40)
@given(st.lists(events, max_size=15))
def test_fates_never_go_back_and_nobody_is_new_who_may_have_one(told: list[tuple[int, str]]) -> None:
    with new_ledger() as ledger:
        for batch in BATCHES:
            ledger.open_batch("run-1", VIA, batch, NOW)
        ids = [each.message_id for batch in BATCHES for each in batch.messages]
        expected = dict.fromkeys(ids, MessageFate.UNKNOWN)
        tried: set[str] = set()
        for number, event in told:
            message_id = ids[number]
            if isinstance(event, MessageFate):
                ledger.add_receipts([Receipt(message_id, event)], NOW)
                before = expected[message_id]
                is_moot = event is MessageFate.NOT_TRIED and message_id in tried and before is not event
                if before is not MessageFate.ACCEPTED and not is_moot:
                    expected[message_id] = event
            elif event == "repeat":
                ledger.reopen_batch(BATCHES[number // 2], NOW)
                for each in BATCHES[number // 2].messages:
                    if expected[each.message_id] is not MessageFate.ACCEPTED:
                        expected[each.message_id] = MessageFate.UNKNOWN
                    tried.add(each.message_id)
            else:
                tell(ledger, Received(Report(ReportSource.PULL, message_id, "1", STATUSES[0]), "{}"))
                expected[message_id] = MessageFate.ACCEPTED
            tried.add(message_id)
        assert outcome(ledger)[1] == expected
        fates = list(expected.values())
        assert ledger.tally("run-1") == Tally(*(fates.count(each) for each in list(MessageFate)[:3]))
        new = {person for person, fate in zip(PEOPLE, fates, strict=True) if fate is MessageFate.NOT_TRIED}
        assert set(ledger.select_new("run-1", PEOPLE)) == new
        assert [each.message_id for each in ledger.list_messages(MessageFilter(fate=MessageFate.UNKNOWN))] == [
            each for each in ids if expected[each] is MessageFate.UNKNOWN
        ]
