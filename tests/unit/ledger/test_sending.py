"""While messages are sent: nobody twice, and what became of each is never forgotten or guessed."""

import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.errors import LedgerError, LedgerHeldError
from omnictl.ledger.base import MessageFilter, RunKind, Tally
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.message import Batch, MessageFate, Receipt, Recipient
from omnictl.model.report import Status
from tests.builders import NOW
from tests.unit.ledger.conftest import Opening
from tests.unit.ledger.rows import MESSAGE, VIA, accepted, batch_of, fates, phone, run_of

LATER = NOW + timedelta(hours=1)


def test_a_run_is_known_by_what_it_sends_to_whom(ledger: SqliteLedger) -> None:
    second = replace(run_of("run-2"), started_at=LATER)
    other = replace(run_of("run-3"), recipients_digest="another")
    ledger.begin_run(second)
    ledger.begin_run(other)
    assert ledger.find_runs("vk-sms", "m-digest", "r-digest") == (second, run_of())
    assert ledger.find_runs("vk-sms", "another", "r-digest") == ()
    assert ledger.list_runs() == (second, other, run_of())
    assert ledger.get_run("run-3") == other
    assert ledger.get_run("run-4") is None


def test_a_run_ends_once(ledger: SqliteLedger) -> None:
    ledger.finish_run("run-1", LATER)
    ended = replace(run_of(), finished_at=LATER)
    assert ledger.get_run("run-1") == ended
    ledger.begin_run(run_of())
    assert ledger.get_run("run-1") == ended
    ledger.begin_run(replace(run_of("run-5", kind=RunKind.DIRECT), finished_at=NOW))
    assert ledger.get_run("run-5") == replace(run_of("run-5", kind=RunKind.DIRECT), finished_at=NOW)


def test_a_run_that_is_not_there_is_an_error(ledger: SqliteLedger) -> None:
    for attempt in (
        lambda: ledger.finish_run("run-9", NOW),
        lambda: ledger.open_batch("run-9", VIA, batch_of(), NOW),
        lambda: ledger.select_new("run-9", [phone(1)]),
    ):
        with pytest.raises(LedgerError, match="no-such-run"):
            attempt()
    assert ledger.tally("run-9") == Tally()
    assert ledger.unknown_batches("run-9") == ()


def test_one_process_sends_a_run(ledger: SqliteLedger, opening: Opening) -> None:
    other = opening()
    with ledger.holding_run("run-1"), other.holding_run("run/../2 "):
        with pytest.raises(LedgerHeldError, match="run-held"), other.holding_run("run-1"):
            pass
        with pytest.raises(LedgerHeldError, match="run-held"), ledger.holding_run("run/../2 "):
            pass
    with other.holding_run("run-1"):
        pass


def test_locks_of_runs_leave_no_file(ledger: SqliteLedger) -> None:
    for number in range(3):
        with ledger.holding_run(f"run-{number}"):
            pass
    locks = Path(ledger.location + ".locks")
    assert [each.name for each in locks.iterdir()] == ["open.lock"]


def test_a_lock_that_cannot_be_made_is_told(ledger: SqliteLedger, path: Path) -> None:
    locks = path.with_name(f"{path.name}.locks")
    shutil.rmtree(locks)
    locks.write_bytes(b"")
    with pytest.raises(LedgerError, match="cannot-write-ledger"), ledger.holding_run("run-1"):
        pass


def test_only_one_of_many_threads_holds_a_run_at_a_time(ledger: SqliteLedger) -> None:
    inside, most, count = 0, 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most, count
        while True:
            try:
                with ledger.holding_run("run-1"):
                    with guard:
                        inside += 1
                        most = max(most, inside)
                        count += 1
                    with guard:
                        inside -= 1
                    return
            except LedgerError:
                continue

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (most, count) == (1, 8)


def test_a_recipient_is_new_once(ledger: SqliteLedger) -> None:
    assert ledger.select_new("run-1", [phone(2), phone(1), phone(2)]) == (phone(2), phone(1))
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    assert ledger.select_new("run-1", [phone(3), phone(1), phone(2)]) == (phone(3),)
    ledger.begin_run(run_of("run-2"))
    assert ledger.select_new("run-2", [phone(1)]) == (phone(1),)
    assert ledger.select_new("run-2", []) == ()


def test_more_recipients_than_one_query_takes(ledger: SqliteLedger) -> None:
    many = [phone(number) for number in range(1201)]
    ledger.open_batch("run-1", VIA, batch_of("B-1", many[:1000]), NOW)
    assert ledger.select_new("run-1", many) == tuple(many[1000:])
    ledger.add_receipts(accepted(*(f"B-1-{i}" for i in range(1, 1001))), NOW)
    assert ledger.tally("run-1") == Tally(accepted=1000)
    assert len(list(ledger.list_messages(MessageFilter()))) == 1000


def test_spellings_of_one_address_are_one_person(ledger: SqliteLedger) -> None:
    ledger.open_batch("run-1", VIA, batch_of(recipients=[Recipient(email="Ann@Example.com"), phone(1)]), NOW)
    again = [Recipient(email="ann@example.COM"), Recipient(phone="+41793026001")]
    assert ledger.select_new("run-1", again) == ()
    assert ledger.select_new("run-1", [Recipient(push="ann@example.com")]) != ()
    both = Recipient(phone="41793026001", email="ann@example.com")
    assert ledger.select_new("run-1", [both]) == (both,)


@pytest.mark.parametrize("fate", [MessageFate.ACCEPTED, MessageFate.REFUSED, MessageFate.UNKNOWN])
def test_whoever_may_have_a_message_is_not_new(ledger: SqliteLedger, fate: MessageFate) -> None:
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    ledger.add_receipts([Receipt("B-1-1", fate)], NOW)
    assert ledger.select_new("run-1", [phone(1)]) == ()


def test_whoever_was_not_tried_is_new_again(ledger: SqliteLedger) -> None:
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    ledger.add_receipts([Receipt("B-1-1", MessageFate.NOT_TRIED, reason="stopped")], NOW)
    assert ledger.select_new("run-1", [phone(1), phone(2)]) == (phone(1),)
    ledger.open_batch("run-1", VIA, batch_of("B-2", [phone(1)]), NOW)
    assert ledger.select_new("run-1", [phone(1)]) == ()
    assert ledger.tally("run-1") == Tally(unknown=2)


def test_a_request_with_somebody_who_has_a_message_is_refused_whole(ledger: SqliteLedger) -> None:
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    for batch in (batch_of("B-2", [phone(3), phone(2)]), batch_of("B-3", [phone(3), phone(3)])):
        with pytest.raises(LedgerError, match="already-in-run"):
            ledger.open_batch("run-1", VIA, batch, NOW)
    assert ledger.tally("run-1") == Tally(unknown=2)
    assert ledger.select_new("run-1", [phone(3)]) == (phone(3),)


def test_ids_are_used_once(ledger: SqliteLedger) -> None:
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    addressed = batch_of("B-1", [phone(8)]).messages[0]
    twins = batch_of("B-4", [phone(8), phone(9)]).messages
    for batch in (
        batch_of("B-1", [phone(8)]),
        Batch("B-3", "CD26", MESSAGE, (addressed,)),
        Batch("B-4", "CD26", MESSAGE, (twins[0], replace(twins[1], message_id=twins[0].message_id))),
    ):
        with pytest.raises(LedgerError, match="message-id-taken"):
            ledger.open_batch("run-1", VIA, batch, NOW)
    assert len(fates(ledger)) == 2


def test_without_a_receipt_the_fate_is_unknown(ledger: SqliteLedger) -> None:
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    assert fates(ledger) == {"B-1-1": "unknown", "B-1-2": "unknown"}
    assert [each.message_id for each in ledger.list_messages(MessageFilter(fate=MessageFate.UNKNOWN))] == [
        "B-1-1",
        "B-1-2",
    ]


def test_the_last_receipt_counts_and_accepted_never_goes_back(ledger: SqliteLedger) -> None:
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    refused = Status("REJECTED", "REJECTED_NETWORK", 6, 5, "Network is forbidden", "Contact us")
    ledger.add_receipts([Receipt("B-1-1", MessageFate.REFUSED, refused, "the API said no")], NOW)
    ledger.add_receipts([Receipt("B-1-2", MessageFate.UNKNOWN), *accepted("B-1-2")], NOW)
    ledger.add_receipts([Receipt("B-1-2", MessageFate.REFUSED), Receipt("B-1-2", MessageFate.UNKNOWN)], LATER)
    assert fates(ledger) == {"B-1-1": "refused", "B-1-2": "accepted"}
    assert [each.status for each in ledger.list_messages(MessageFilter())] == [refused, accepted("B-1-2")[0].status]
    assert ledger.tally("run-1") == Tally(accepted=1, refused=1)
    assert [each.message_id for each in ledger.list_messages(MessageFilter(fate=MessageFate.UNKNOWN))] == []


def test_receipts_of_strange_ids_are_left_out(ledger: SqliteLedger) -> None:
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    ledger.add_receipts(accepted("B-9-9", "\ud800", "B-1-1"), NOW)
    assert fates(ledger) == {"B-1-1": "accepted", "B-1-2": "unknown"}
    ledger.add_receipts([], NOW)


def test_a_batch_of_unknown_fate_comes_back_as_it_was_sent(ledger: SqliteLedger, opening: Opening) -> None:
    content = {"SMS": {"text": "Grüße \U0001f4e6 \udce6", "validityPeriod": 90, "transliteration": False}}
    message = replace(MESSAGE, contents=content, send_at=NOW, callback_data="\u202eodd:B-1", intermediate_report=True)
    person = Recipient("41793026003", "ann@example.com", "device-1")
    batch = batch_of("B-1", [phone(1), person, phone(2)], message)
    ledger.open_batch("run-1", VIA, batch, NOW)
    ledger.open_batch("run-1", VIA, batch_of("B-2", [phone(4)], replace(MESSAGE, callback_data=None)), NOW)
    ledger.add_receipts(accepted("B-1-1"), NOW)
    second = batch_of("B-2", [phone(4)], replace(MESSAGE, callback_data=None))
    left = replace(batch, messages=batch.messages[1:])
    assert opening().unknown_batches("run-1") == (left, second)
    ledger.add_receipts(accepted("B-1-2", "B-1-3"), NOW)
    assert ledger.unknown_batches("run-1") == (second,)


def test_not_tried_leaves_a_message_unknown_that_may_have_left_before(ledger: SqliteLedger) -> None:
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    (batch,) = ledger.unknown_batches("run-1")
    ledger.reopen_batch(batch, LATER)
    ledger.add_receipts([Receipt("B-1-1", MessageFate.NOT_TRIED)], LATER)
    assert fates(ledger) == {"B-1-1": "unknown", "B-1-2": "unknown"}
    assert ledger.select_new("run-1", [phone(1)]) == ()
    ledger.add_receipts(accepted("B-1-1"), LATER)
    ledger.reopen_batch(batch, LATER)
    assert fates(ledger) == {"B-1-1": "accepted", "B-1-2": "unknown"}


def test_a_message_that_was_not_tried_may_be_told_of_again(ledger: SqliteLedger) -> None:
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    ledger.add_receipts([Receipt("B-1-1", MessageFate.NOT_TRIED)] * 2, NOW)
    assert fates(ledger)["B-1-1"] == "not tried"
    ledger.add_receipts(accepted("B-1-1"), NOW)
    assert fates(ledger)["B-1-1"] == "accepted"


def test_messages_are_found_by_all_that_they_have(ledger: SqliteLedger) -> None:
    person = Recipient("41793026003", "ann@example.com")
    ledger.begin_run(run_of("run-2"))
    ledger.open_batch("run-1", VIA, batch_of(), NOW)
    ledger.open_batch("run-2", replace(VIA, scenario="otp"), batch_of("B-2", [phone(1), person]), LATER)
    ledger.add_receipts(accepted("B-1-2"), NOW)

    def found(**wanted: object) -> list[str]:
        return [each.message_id for each in ledger.list_messages(MessageFilter(**wanted))]  # type: ignore[arg-type]

    assert found() == ["B-1-1", "B-1-2", "B-2-1", "B-2-2"]
    assert found(scenario="otp") == found(run="run-2") == found(since=LATER) == ["B-2-1", "B-2-2"]
    assert found(until=LATER) == ["B-1-1", "B-1-2"]
    assert found(message_id="B-1-2") == found(fate=MessageFate.ACCEPTED) == ["B-1-2"]
    assert found(to="+41 79 302 60 01") == ["B-1-1", "B-2-1"]
    assert found(to="41793026003") == found(to="ANN@example.com") == ["B-2-2"]
    assert found(to="nobody") == found(run="run-3") == found(message_id="B-9") == []
    assert found(run="run-1", fate=MessageFate.UNKNOWN, to="41793026001") == ["B-1-1"]


def test_a_message_says_all_that_is_known_of_it(ledger: SqliteLedger) -> None:
    ledger.open_batch("run-1", VIA, batch_of(recipients=[phone(1)]), LATER)
    (sent,) = ledger.list_messages(MessageFilter())
    assert (sent.bulk_id, sent.run, sent.via, sent.sent_at) == ("B-1", "run-1", VIA, LATER)
    assert (sent.recipient, sent.status, sent.callback_data) == (phone(1), None, "omnictl1:vk-sms:r1:B-1")
    assert len(sent.recipient_hash) == 32


def test_two_ledgers_have_different_hashes_of_one_person(ledger: SqliteLedger, opening: Opening) -> None:
    other = opening(Path(ledger.location).with_name("test.db"))
    other.begin_run(run_of())
    hashes = set()
    for each in (ledger, other):
        each.open_batch("run-1", VIA, batch_of(recipients=[phone(1)]), NOW)
        hashes |= {sent.recipient_hash for sent in each.list_messages(MessageFilter())}
    assert len(hashes) == 2


def test_a_run_is_not_begun_beside_an_equal_one_that_nobody_knew_of(ledger: SqliteLedger) -> None:
    """Two processes that both saw no equal run would send everything twice."""
    with pytest.raises(LedgerHeldError) as caught:
        ledger.begin_run(run_of("run-2"), beside=())
    assert caught.value.diagnostics[0].code == "run-begun"
    assert "run-1" in caught.value.diagnostics[0].detail
    assert ledger.get_run("run-2") is None
    ledger.begin_run(run_of("run-1"), beside=())
    ledger.begin_run(run_of("run-2"), beside=("run-1",))
    ledger.begin_run(replace(run_of("run-3"), recipients_digest="another"), beside=())
    assert len(ledger.list_runs()) == 3
