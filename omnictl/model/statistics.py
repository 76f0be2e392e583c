"""Statistics as values: how the steps of each scenario did, one count a revision of its flow."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from msgspec import Struct, field

from omnictl.model.report import Gap
from omnictl.model.scenario import Step
from omnictl.model.story import StoryOutcome


class Latency(Struct, frozen=True):
    """How long deliveries took: half of them at most ``p50_seconds``, 95 of 100 at most ``p95_seconds``."""

    count: int
    p50_seconds: float
    p95_seconds: float


class StepStatistics(Struct, frozen=True):
    """One step over many messages; attempted = delivered + fell through + pending + unknown.

    ``position`` counts from 1, None outside of the flow. ``reasons`` counts, the most frequent first, why it fell
    through. ``from_step`` is measured from the start of the step, ``from_send`` from the sending of the message.
    """

    position: int | None
    channel: str | None
    sender: str | None = None
    attempted: int = 0
    delivered: int = 0
    fell_through: int = 0
    pending: int = 0
    unknown: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    from_step: Latency | None = None
    from_send: Latency | None = None
    costs: Mapping[str, Decimal] = field(default_factory=dict)


class RevisionStatistics(Struct, frozen=True):
    """One flow of a scenario, and its messages between two times (UTC).

    ``outcomes`` has every outcome of at least one message. ``delivered_twice`` counts those that two steps delivered.
    """

    revision: str | None
    flow: tuple[Step, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    outcomes: Mapping[StoryOutcome, int] = field(default_factory=dict)
    seen: int = 0
    delivered_twice: int = 0
    steps: tuple[StepStatistics, ...] = ()
    from_send: Latency | None = None
    costs: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        """All but those that surely never left: delivered + failed + pending + unknown."""
        return sum(self.outcomes.values()) - self.not_tried

    @property
    def delivered(self) -> int:
        """Those that arrived."""
        return self.outcomes.get(StoryOutcome.DELIVERED, 0)

    @property
    def failed(self) -> int:
        """Those that ended without arriving, or were refused when they were sent."""
        failures = (StoryOutcome.UNDELIVERED, StoryOutcome.EXPIRED, StoryOutcome.REJECTED, StoryOutcome.REFUSED)
        return sum(self.outcomes.get(each, 0) for each in failures)

    @property
    def pending(self) -> int:
        """Those on their way."""
        return self.outcomes.get(StoryOutcome.PENDING, 0)

    @property
    def unknown(self) -> int:
        """Those of which nobody knows."""
        return self.outcomes.get(StoryOutcome.UNKNOWN, 0)

    @property
    def not_tried(self) -> int:
        """Those that never left; they count nowhere else."""
        return self.outcomes.get(StoryOutcome.NOT_TRIED, 0)

    @property
    def delivered_share(self) -> float | None:
        """The share of the messages that arrived, 0 to 1; None without messages."""
        return self.delivered / self.messages if self.messages else None

    @property
    def cost_per_delivered(self) -> Mapping[str, Decimal]:
        """What one arrived message cost, by currency, all failed attempts included; empty where none arrived."""
        return {each: cost / self.delivered for each, cost in self.costs.items()} if self.delivered else {}


class ScenarioStatistics(Struct, frozen=True):
    """One scenario, its revisions in the order of their first use; ``scenario`` None: not sent from this ledger."""

    scenario: str | None
    revisions: tuple[RevisionStatistics, ...]


class Statistics(Struct, frozen=True):
    """All scenarios in the order of their ids, strays last.

    ``gaps`` are the pulls whose rows are lost for good, ``open_gaps`` those whose rows the logs may still fill.
    """

    scenarios: tuple[ScenarioStatistics, ...] = ()
    gaps: tuple[Gap, ...] = ()
    open_gaps: tuple[Gap, ...] = ()
