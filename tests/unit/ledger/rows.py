"""Short ways to say what goes into a ledger, and what is in it."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from omnictl.ledger.base import MessageFilter, Run, RunKind
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.message import Addressed, Batch, Message, MessageFate, Receipt, Recipient, Via
from omnictl.model.report import DeliveryError, Received, ReceivedSeen, Report, ReportSource, SeenReport, Status
from omnictl.model.scenario import Step
from tests.builders import NOW

VIA = Via("vk-sms", "CD26", "r1", (Step("VKONTAKTE"), Step("SMS", "InfoSMS")))
MESSAGE = Message({"SMS": {"text": "Hello from the shop"}}, callback_data="omnictl1:vk-sms:r1:B-1", notify=False)
DELIVERED = Status("DELIVERED", "DELIVERED_TO_HANDSET", 5, 3, "Message delivered to handset")
FAILED = Status("UNDELIVERABLE", "UNDELIVERABLE_NOT_DELIVERED", 9, 2, "Message sent not delivered")
NO_ANSWER = DeliveryError("HANDSET_ERRORS", "EC_ABSENT_SUBSCRIBER", 27, 1, "Absent Subscriber", permanent=False)


def phone(number: int) -> Recipient:
    """Return a recipient with one phone."""
    return Recipient(phone=str(41793026000 + number))


def run_of(name: str = "run-1", *, kind: RunKind = RunKind.FILE) -> Run:
    """Return a run."""
    return Run(name, kind, "vk-sms", "m-digest", "r-digest", NOW)


def batch_of(
    bulk_id: str = "B-1", recipients: Sequence[Recipient] = (phone(1), phone(2)), message: Message = MESSAGE
) -> Batch:
    """Return a request; the message of its Nth recipient has the id BULK-N."""
    messages = tuple(Addressed(f"{bulk_id}-{i}", each) for i, each in enumerate(recipients, 1))
    return Batch(bulk_id, "CD26", message, messages)


def accepted(*message_ids: str) -> list[Receipt]:
    """Return receipts that say accepted."""
    status = Status("PENDING", "PENDING_ENROUTE", 7, 1)
    return [Receipt(each, MessageFate.ACCEPTED, status) for each in message_ids]


def received(report: Report) -> Received:
    """Return a row with a text that says where it came from."""
    return Received(report, json.dumps({"from": report.source.value, "error": report.error is not None}))


def row(
    message_id: str = "B-1-1",
    to: str = "41793026001",
    source: ReportSource = ReportSource.PULL,
    *,
    channel: str = "SMS",
    status: Status = DELIVERED,
    error: DeliveryError | None = None,
    bulk_id: str | None = None,
    callback_data: str | None = None,
    done_at: datetime | None = NOW + timedelta(seconds=3),
) -> Received:
    """Return a row of a report; logs have sender and text, and never an error."""
    is_log = source is ReportSource.LOG
    return received(
        Report(
            source,
            message_id,
            to,
            status,
            channel=channel,
            sent_at=NOW,
            done_at=done_at,
            error=None if is_log else error,
            bulk_id=bulk_id,
            callback_data=callback_data,
            sender="InfoSMS" if is_log else None,
            text="Hello from the shop" if is_log else None,
        )
    )


def seen(message_id: str = "B-1-1", to: str = "41793026001") -> ReceivedSeen:
    """Return a seen report."""
    report = SeenReport(message_id, to, "InfoSMS", NOW, NOW + timedelta(minutes=1))
    return ReceivedSeen(report, json.dumps({"messageId": message_id, "to": to}))


def pull(ledger: SqliteLedger, *rows: Received, at: datetime = NOW) -> int:
    """Pull these rows, as operations do, and return how many were new."""
    from omnictl.model.report import ReportQuery

    gap = ledger.open_gap(ReportQuery(), at)
    return ledger.close_gap(gap.id, b"{}", rows, at)


def fates(ledger: SqliteLedger) -> dict[str, str]:
    """Return the fate of each message."""
    return {each.message_id: each.fate.value for each in ledger.list_messages(MessageFilter())}


def joined(ledger: SqliteLedger) -> dict[str, str | None]:
    """Return which message each report belongs to, by the id in the report."""
    return {each.row.report.message_id: each.message_id for each in ledger.list_reports()}


def bytes_beside(path: Path) -> bytes:
    """Return all that lies in the folder of a ledger, the ledger and its logs included."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.rglob("*")) if each.is_file())
