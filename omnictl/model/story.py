"""Stories as values: what became of one message, step by step, as its delivery reports tell it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from omnictl.model.message import MessageFate, Recipient
from omnictl.model.report import DeliveryError, Report, Status


class StepState(StrEnum):
    """Where a step stands.

    ``no report``: a later step of the flow was attempted, so this one was too, and nothing tells how it ended.
    ``other``: its status is of a group that omnictl does not know.
    """

    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"
    EXPIRED = "expired"
    REJECTED = "rejected"
    PENDING = "pending"
    OTHER = "other"
    NO_REPORT = "no report"
    NOT_ATTEMPTED = "not attempted"


FAILURES = frozenset({StepState.UNDELIVERABLE, StepState.EXPIRED, StepState.REJECTED})
"""How a step ends that was not delivered."""


class StoryOutcome(StrEnum):
    """What became of a message; ``refused`` when it was sent, ``not tried`` where it surely never left."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REFUSED = "refused"
    PENDING = "pending"
    UNKNOWN = "unknown"
    NOT_TRIED = "not tried"


class StepStory(Struct, frozen=True):
    """One step of one message; ``position`` counts the flow's steps from 1, None for a step outside of the flow.

    ``rows`` are its reports in order of time, each identity once. ``cost`` is the price of a segment times the
    segments, in ``currency``. Times are UTC.
    """

    position: int | None
    channel: str | None
    sender: str | None
    state: StepState
    rows: tuple[Report, ...] = ()
    status: Status | None = None
    error: DeliveryError | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    cost: Decimal | None = None
    currency: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it lasts, and where its times cannot be true."""
        return seconds_between(self.began_at, self.ended_at)

    @property
    def was_attempted(self) -> bool:
        """Whether the service tried it, by its own reports or by those of a later step."""
        return self.state is not StepState.NOT_ATTEMPTED

    @property
    def reason(self) -> str | None:
        """Why it was not delivered: the name of its error, else of its status; None where it did not fail."""
        if self.state is StepState.NO_REPORT:
            return self.state.value
        if self.state not in FAILURES:
            return None
        if self.error is not None and self.error.name and self.error.name != "NO_ERROR":
            return self.error.name
        return self.status.name if self.status and self.status.name else self.state.value


class Story(Struct, frozen=True):
    """One message: its steps in the order of the flow, and how it ended. Times are UTC.

    ``is_final``: nothing more is expected. ``delivered_step`` is the place in ``steps`` of the one that delivered
    first. Without ``scenario`` it was not sent from this ledger: ``to`` is then all that is known of the recipient,
    and ``sent_at`` the time of its first step. ``send_at`` is the time that it was scheduled for, None for at once.
    """

    message_id: str
    outcome: StoryOutcome
    is_final: bool
    steps: tuple[StepStory, ...] = ()
    delivered_step: int | None = None
    bulk_id: str | None = None
    run: str | None = None
    scenario: str | None = None
    revision: str | None = None
    sent_at: datetime | None = None
    send_at: datetime | None = None
    recipient: Recipient | None = None
    to: str | None = None
    fate: MessageFate | None = None
    send_status: Status | None = None
    seen: bool = False
    seen_at: datetime | None = None
    callback_data: str | None = None

    @property
    def delivering(self) -> StepStory | None:
        """The step that delivered it first."""
        return None if self.delivered_step is None else self.steps[self.delivered_step]

    @property
    def starts_at(self) -> datetime | None:
        """When it went on its way: when it was sent, or at the later time that it was scheduled for."""
        return max(filter(None, (self.sent_at, self.send_at)), default=None)

    @property
    def seconds(self) -> float | None:
        """How long it took from its start to the delivery."""
        step = self.delivering
        return None if step is None else seconds_between(self.starts_at, step.ended_at)

    @property
    def costs(self) -> Mapping[str, Decimal]:
        """What all steps cost, by currency, in the order of the alphabet."""
        costs: dict[str, Decimal] = {}
        for step in self.steps:
            if step.cost is not None and step.currency is not None:
                costs[step.currency] = costs.get(step.currency, Decimal()) + step.cost
        return dict(sorted(costs.items()))


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds from one time to a later one; None where one is missing, or they are the wrong way round."""
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds()
