"""Delivery reports as values: one row for one step of one message, wherever it came from."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

KEPT_BY_API = timedelta(hours=48)
"""How long the API keeps reports and logs (source: its published description)."""


class ReportSource(StrEnum):
    """How a row came: pulled (handed out once), pushed to us, or read from the repeatable logs (no error in it)."""

    PULL = "pull"
    PUSH = "push"
    LOG = "log"


class StatusGroup(StrEnum):
    """The groups that the API sorts every status into (source: its published table)."""

    ACCEPTED = "ACCEPTED"
    PENDING = "PENDING"
    UNDELIVERABLE = "UNDELIVERABLE"
    DELIVERED = "DELIVERED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


class Status(Struct, frozen=True):
    """A status of the API; ``group`` and ``name`` in its spelling, ids None where it gave none."""

    group: str
    name: str
    id: int | None = None
    group_id: int | None = None
    description: str = ""
    action: str = ""


class DeliveryError(Struct, frozen=True):
    """Why a step was not delivered, in the API's words."""

    group: str
    name: str
    id: int | None = None
    group_id: int | None = None
    description: str = ""
    permanent: bool | None = None


class Price(Struct, frozen=True):
    """What one segment cost; never added up over currencies."""

    per_message: Decimal
    currency: str


class Report(Struct, frozen=True):
    """One row: what became of one step. Times are UTC; ``sender`` and ``text`` are only in logs, ``error`` never is."""

    source: ReportSource
    message_id: str
    to: str
    status: Status
    channel: str | None = None
    sent_at: datetime | None = None
    done_at: datetime | None = None
    error: DeliveryError | None = None
    price: Price | None = None
    message_count: int | None = None
    bulk_id: str | None = None
    mcc_mnc: str | None = None
    callback_data: str | None = None
    sender: str | None = None
    text: str | None = None

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What makes two rows the same one over pull, push and log: message, channel, to, status, time it was done."""
        done = "" if self.done_at is None else self.done_at.isoformat()
        status = self.status.name if self.status.id is None else str(self.status.id)
        return (self.message_id, self.channel or "", self.to, status, done)


class SeenReport(Struct, frozen=True):
    """A pushed notice that somebody looked at a message. Times are UTC."""

    message_id: str
    to: str
    sender: str | None = None
    sent_at: datetime | None = None
    seen_at: datetime | None = None


class Received(Struct, frozen=True):
    """A row with the very text (JSON) that it was read from: what omnictl does not know is not lost."""

    report: Report
    raw: str


class ReceivedSeen(Struct, frozen=True):
    """A seen report with the very text (JSON) that it was read from."""

    seen: SeenReport
    raw: str


class ReportQuery(Struct, frozen=True):
    """What a pull asks for; None asks for all. ``limit`` is the most rows that one lost reply costs."""

    message_id: str | None = None
    bulk_id: str | None = None
    channel: str | None = None
    limit: int = 200


class LogQuery(Struct, frozen=True):
    """What a reading of the logs asks for, as the API documents it; None or () asks for all. Times are UTC."""

    sender: str | None = None
    to: str | None = None
    bulk_ids: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    general_status: str | None = None
    channel: str | None = None
    sent_since: datetime | None = None
    sent_until: datetime | None = None
    mcc: str | None = None
    mnc: str | None = None
    limit: int = 1000


class GapState(StrEnum):
    """What became of a pull whose reply may be lost: open, closed by its reply, filled from logs, or lost for good."""

    OPEN = "open"
    CLOSED = "closed"
    FILLED = "filled"
    PERMANENT = "permanent"


class Gap(Struct, frozen=True):
    """A pull, written down before its request left; ``opened_at`` is UTC."""

    id: int
    opened_at: datetime
    query: ReportQuery
    state: GapState = GapState.OPEN
    closed_at: datetime | None = None

    def as_of(self, now: datetime) -> "Gap":
        """Return it as it stands at a time: an open one that is older than the logs go back is permanent."""
        is_late = self.state is GapState.OPEN and now - self.opened_at >= KEPT_BY_API
        return replace(self, state=GapState.PERMANENT) if is_late else self
