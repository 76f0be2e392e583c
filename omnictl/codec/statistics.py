"""Statistics as JSON: scenarios, their revisions, and the steps of each."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from omnictl.codec.deliveries import encode_gaps
from omnictl.codec.envelope import make_envelope
from omnictl.codec.parts import encode_flow
from omnictl.codec.shapes import write_money, write_optional_time
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.scenario import Json
from omnictl.model.statistics import Latency, RevisionStatistics, Statistics, StepStatistics


def encode_statistics(
    statistics: Statistics,
    *,
    version: str,
    environment: str | None,
    sandbox: bool,
    exit_code: int = 0,
    diagnostics: Iterable[Diagnostic] = (),
) -> dict[str, Json]:
    """Return statistics as the one document of a run; they hold no personal data."""
    items: list[Json] = [
        {"scenario": each.scenario, "revisions": [_encode_revision(revision) for revision in each.revisions]}
        for each in statistics.scenarios
    ]
    return make_envelope(
        "reports-stats",
        version=version,
        environment=environment,
        sandbox=sandbox,
        exit_code=exit_code,
        diagnostics=diagnostics,
        items=items,
        permanent_gaps=encode_gaps(statistics.gaps),
        open_gaps=encode_gaps(statistics.open_gaps),
    )


def _encode_revision(each: RevisionStatistics) -> Json:
    return {
        "revision": each.revision,
        "flow": encode_flow(each.flow),
        "first_at": write_optional_time(each.first_at),
        "last_at": write_optional_time(each.last_at),
        "messages": each.messages,
        "delivered": each.delivered,
        "failed": each.failed,
        "pending": each.pending,
        "unknown": each.unknown,
        "not_tried": each.not_tried,
        "seen": each.seen,
        "delivered_twice": each.delivered_twice,
        "outcomes": {outcome.value: number for outcome, number in each.outcomes.items()},
        "from_send": _encode_latency(each.from_send),
        "costs": _encode_costs(each.costs),
        "cost_per_delivered": _encode_costs(each.cost_per_delivered),
        "steps": [_encode_step(step) for step in each.steps],
    }


def _encode_step(step: StepStatistics) -> Json:
    return {
        "position": step.position,
        "channel": step.channel,
        "from": step.sender,
        "attempted": step.attempted,
        "delivered": step.delivered,
        "fell_through": step.fell_through,
        "pending": step.pending,
        "unknown": step.unknown,
        "reasons": dict(step.reasons),
        "from_step": _encode_latency(step.from_step),
        "from_send": _encode_latency(step.from_send),
        "costs": _encode_costs(step.costs),
    }


def _encode_latency(latency: Latency | None) -> Json:
    if latency is None:
        return None
    return {"deliveries": latency.count, "p50_seconds": latency.p50_seconds, "p95_seconds": latency.p95_seconds}


def _encode_costs(costs: Mapping[str, Decimal]) -> Json:
    return {currency: write_money(cost) for currency, cost in costs.items()}
