"""From stories to statistics, one by one: of a story only its counts and times are kept."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct, field

from omnictl.model.report import Gap, GapState
from omnictl.model.scenario import Step
from omnictl.model.statistics import Latency, RevisionStatistics, ScenarioStatistics, Statistics, StepStatistics
from omnictl.model.story import FAILURES, StepState, StepStory, Story, StoryOutcome, seconds_between

_LATEST = datetime.max.replace(tzinfo=UTC)

_Costs: TypeAlias = dict[str, Decimal]
_StepKey: TypeAlias = tuple[int | None, str | None, str | None]


def _seconds() -> "array[float]":
    return array("d")


class _StepCount(Struct):
    states: Counter[StepState] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    from_step: "array[float]" = field(default_factory=_seconds)
    from_send: "array[float]" = field(default_factory=_seconds)
    costs: _Costs = field(default_factory=dict)


class _RevisionCount(Struct):
    first_at: datetime | None = None
    last_at: datetime | None = None
    outcomes: Counter[StoryOutcome] = field(default_factory=Counter)
    seen: int = 0
    delivered_twice: int = 0
    steps: dict[_StepKey, _StepCount] = field(default_factory=dict)
    from_send: "array[float]" = field(default_factory=_seconds)
    costs: _Costs = field(default_factory=dict)


def count_stories(stories: Iterable[Story], gaps: Iterable[Gap] = ()) -> Statistics:
    """Return the statistics of stories in any order; of the gaps, those that are open or permanent.

    Memory grows by 24 bytes a delivered message, for exact quantiles, and else with scenarios, revisions and steps.
    """
    counts: dict[str | None, dict[str | None, _RevisionCount]] = {}
    for story in stories:
        revisions = counts.setdefault(story.scenario, {})
        _add_story(revisions.setdefault(story.revision, _RevisionCount()), story)
    scenarios = [ScenarioStatistics(name, _finish_revisions(revisions)) for name, revisions in counts.items()]
    ordered = sorted(scenarios, key=lambda each: (each.scenario is None, each.scenario or ""))
    gaps = tuple(gaps)
    lost, still_open = (
        tuple(each for each in gaps if each.state is state) for state in (GapState.PERMANENT, GapState.OPEN)
    )
    return Statistics(tuple(ordered), lost, still_open)


def _add_story(count: _RevisionCount, story: Story) -> None:
    count.outcomes[story.outcome] += 1
    count.seen += story.seen
    count.delivered_twice += sum(step.state is StepState.DELIVERED for step in story.steps) > 1
    if story.sent_at is not None:
        count.first_at = min(count.first_at or story.sent_at, story.sent_at)
        count.last_at = max(count.last_at or story.sent_at, story.sent_at)
    if story.seconds is not None:
        count.from_send.append(story.seconds)
    for step in story.steps:
        # A stray has no flow: what its senders were is told by logs alone, and must not part its steps.
        sender = step.sender if step.position is not None else None
        _add_step(count.steps.setdefault((step.position, step.channel, sender), _StepCount()), step, story)
        _add_cost(count.costs, step)


def _add_step(count: _StepCount, step: StepStory, story: Story) -> None:
    count.states[step.state] += 1
    _add_cost(count.costs, step)
    if step.reason is not None:
        count.reasons[step.reason] += 1
    if step.state is not StepState.DELIVERED:
        return
    for seconds, kept in (
        (step.seconds, count.from_step),
        (seconds_between(story.starts_at, step.ended_at), count.from_send),
    ):
        if seconds is not None:
            kept.append(seconds)


def _add_cost(costs: _Costs, step: StepStory) -> None:
    if step.cost is not None and step.currency is not None:
        costs[step.currency] = costs.get(step.currency, Decimal()) + step.cost


def _finish_revisions(counts: Mapping[str | None, _RevisionCount]) -> tuple[RevisionStatistics, ...]:
    """Return the revisions in the order of their first use; one that was never sent comes last."""
    revisions = [_finish_revision(revision, count) for revision, count in counts.items()]
    return tuple(sorted(revisions, key=lambda each: (each.first_at or _LATEST, each.revision or "")))


def _finish_revision(revision: str | None, count: _RevisionCount) -> RevisionStatistics:
    ordered = sorted(count.steps, key=lambda key: (key[0] is None, key[0] or 0, key[1] or "", key[2] or ""))
    flow = tuple(Step(channel or "", sender) for position, channel, sender in ordered if position is not None)
    return RevisionStatistics(
        revision=revision,
        flow=flow,
        first_at=count.first_at,
        last_at=count.last_at,
        outcomes={outcome: count.outcomes[outcome] for outcome in StoryOutcome if count.outcomes[outcome]},
        seen=count.seen,
        delivered_twice=count.delivered_twice,
        steps=tuple(_finish_step(key, count.steps[key]) for key in ordered),
        from_send=_measure(count.from_send),
        costs=dict(sorted(count.costs.items())),
    )


def _finish_step(key: _StepKey, count: _StepCount) -> StepStatistics:
    position, channel, sender = key
    states = count.states
    return StepStatistics(
        position,
        channel,
        sender,
        attempted=states.total() - states[StepState.NOT_ATTEMPTED],
        delivered=states[StepState.DELIVERED],
        fell_through=sum(states[each] for each in FAILURES) + states[StepState.NO_REPORT],
        pending=states[StepState.PENDING],
        unknown=states[StepState.OTHER],
        reasons=dict(sorted(count.reasons.items(), key=lambda each: (-each[1], each[0]))),
        from_step=_measure(count.from_step),
        from_send=_measure(count.from_send),
        costs=dict(sorted(count.costs.items())),
    )


def _measure(seconds: "array[float]") -> Latency | None:
    """Return the quantiles by nearest rank: each is a time that was measured."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return Latency(len(ordered), _rank(ordered, 50), _rank(ordered, 95))


def _rank(ordered: list[float], percent: int) -> float:
    return ordered[-(-len(ordered) * percent // 100) - 1]
