"""From rows to stories: one a message, each row in exactly one step, in whatever order and however often it came."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from msgspec.json import encode
from msgspec.structs import asdict, replace

from omnictl.model.message import MessageFate, Sent
from omnictl.model.report import Report, ReportSource, SeenReport, Status, StatusGroup
from omnictl.model.scenario import Step
from omnictl.model.story import FAILURES, StepState, StepStory, Story, StoryOutcome

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_MOST_DIGITS = 9
_LATEST = datetime.max.replace(tzinfo=UTC)
_MISSPELLED = {"VKONTANTE": "VKONTAKTE"}
"""How the published example of the reports spells a channel."""

_STATES: Mapping[str, StepState] = {
    StatusGroup.ACCEPTED: StepState.PENDING,
    "OK": StepState.PENDING,
    StatusGroup.PENDING: StepState.PENDING,
    StatusGroup.UNDELIVERABLE: StepState.UNDELIVERABLE,
    StatusGroup.DELIVERED: StepState.DELIVERED,
    StatusGroup.EXPIRED: StepState.EXPIRED,
    StatusGroup.REJECTED: StepState.REJECTED,
}
_OUTCOMES: Mapping[StepState, StoryOutcome] = {
    StepState.UNDELIVERABLE: StoryOutcome.UNDELIVERED,
    StepState.EXPIRED: StoryOutcome.EXPIRED,
    StepState.REJECTED: StoryOutcome.REJECTED,
    StepState.PENDING: StoryOutcome.PENDING,
    StepState.OTHER: StoryOutcome.UNKNOWN,
}
_FATES: Mapping[MessageFate, StoryOutcome] = {
    MessageFate.ACCEPTED: StoryOutcome.PENDING,
    MessageFate.REFUSED: StoryOutcome.REFUSED,
    MessageFate.UNKNOWN: StoryOutcome.UNKNOWN,
    MessageFate.NOT_TRIED: StoryOutcome.NOT_TRIED,
}
_SOURCES = (ReportSource.PULL, ReportSource.PUSH, ReportSource.LOG)
"""Which row of several equal ones is asked first: the logs tell no error."""


def tell_story(sent: Sent | None, reports: Sequence[Report], seen: Sequence[SeenReport] = ()) -> Story:
    """Return the story of one message from the rows that were joined to it; without ``sent`` from the rows alone.

    A row's channel picks the step of the flow that was recorded when it was sent. A DELIVERED row is never undone.
    """
    rows = _merge(reports)
    flow = () if sent is None else sent.via.flow
    steps = (*_tell_flow(flow, rows), *_tell_outside(flow, rows))
    outcome, is_final = _conclude(sent, steps)
    told = Story("", outcome, is_final, steps, _find_delivering(steps), seen=bool(seen), seen_at=_first_seen(seen))
    if sent is None:
        return _identify_stray(told, rows, seen)
    return replace(
        told,
        message_id=sent.message_id,
        bulk_id=sent.bulk_id,
        run=sent.run,
        scenario=sent.via.scenario,
        revision=sent.via.revision,
        sent_at=sent.sent_at,
        send_at=sent.send_at,
        recipient=sent.recipient,
        fate=sent.fate,
        send_status=sent.status,
        callback_data=sent.callback_data,
    )


def tell_strays(reports: Iterable[Report], seen: Iterable[SeenReport] = (), *, alone: bool = True) -> Iterator[Story]:
    """Yield the stories of rows that belong to no message of ours, ordered by the time of their first step.

    Rows are of one message where they share a messageId, or the bulkId and the recipient. Seen reports of which there
    is no row make stories of their own, unless ``alone`` is False.
    """
    looked: dict[str, list[SeenReport]] = defaultdict(list)
    for each in seen:
        looked[each.message_id].append(each)
    groups = [(rows, _take_seen(looked, rows)) for rows in _gather(reports)]
    groups += [([], own) for own in looked.values() if own] if alone else []
    stories = (tell_story(None, *group) for group in groups)
    yield from sorted(
        stories,
        key=lambda story: (story.sent_at or _EARLIEST, story.message_id, story.bulk_id or "", story.to or ""),
    )


def _take_seen(looked: Mapping[str, list[SeenReport]], rows: Iterable[Report]) -> list[SeenReport]:
    """Return the seen reports of a message with these rows, each once."""
    own: list[SeenReport] = []
    for message_id in {row.message_id for row in rows}:
        own += looked.get(message_id, [])
        looked.get(message_id, []).clear()
    return own


def _merge(reports: Iterable[Report]) -> list[Report]:
    """Return each identity once, in the order of time; what one row of it leaves out another may say."""
    alike: dict[tuple[str, ...], list[Report]] = defaultdict(list)
    for row in reports:
        channel = _MISSPELLED.get(row.channel or "", row.channel)
        kept = row if channel == row.channel else replace(row, channel=channel)
        alike[kept.identity].append(kept)
    return sorted((_merge_alike(rows) for rows in alike.values()), key=_order)


def _merge_alike(rows: list[Report]) -> Report:
    first, *others = sorted(rows, key=lambda row: (_SOURCES.index(row.source), encode(row)))
    for other in others:
        missing = {name: value for name, value in asdict(other).items() if getattr(first, name) is None}
        first = replace(first, **missing)
    return first


def _order(row: Report) -> tuple[bool, datetime, bool, bytes]:
    """The last row of a step counts: one that says DELIVERED, else the latest, else one that ends the step."""
    state = _state_of(row)
    ends = state is not StepState.PENDING
    at = row.done_at or (_LATEST if ends else row.sent_at) or _EARLIEST
    return (state is StepState.DELIVERED, at, ends, encode(row))


def _state_of(row: Report) -> StepState:
    return _STATES.get(row.status.group, StepState.OTHER)


def _tell_flow(flow: Sequence[Step], rows: Sequence[Report]) -> list[StepStory]:
    found = [_rows_of(position, flow, rows) for position in range(len(flow))]
    last = max((position for position, own in enumerate(found) if own), default=-1)
    steps = []
    for position, (step, own) in enumerate(zip(flow, found, strict=True)):
        empty = StepState.NO_REPORT if position < last else StepState.NOT_ATTEMPTED
        steps.append(_tell_step(StepStory(position + 1, step.channel, step.sender, empty), own))
    return steps


def _rows_of(position: int, flow: Sequence[Step], rows: Sequence[Report]) -> list[Report]:
    """Return the rows of one step; where its channel is repeated, the attempts are dealt out."""
    places = [i for i, step in enumerate(flow) if step.channel == flow[position].channel]
    own = [row for row in rows if row.channel == flow[position].channel]
    if len(places) == 1:
        return own
    dealt = _deal(own, {place: flow[place].sender for place in places})
    return [row for row in own if dealt[row.identity] == position]


def _deal(rows: Sequence[Report], senders: Mapping[int, str | None]) -> Mapping[tuple[str, ...], int]:
    """Say which of several steps of one channel each row is of: by its sender, where one row of an attempt tells it,
    else by the time at which the attempt began. What is left over is of the last step.
    """
    attempts: dict[tuple[datetime, str], list[Report]] = defaultdict(list)
    for row in rows:
        attempts[row.sent_at or _EARLIEST, row.message_id].append(row)
    places: dict[tuple[datetime, str], int] = {}
    for attempt, own in attempts.items():
        told = {place for place, sender in senders.items() for row in own if sender and row.sender == sender}
        if len(told) == 1:
            places[attempt] = told.pop()
    free = [place for place in senders if place not in places.values()]
    for attempt in sorted(attempts.keys() - places.keys()):
        places[attempt] = free.pop(0) if free else max(senders)
    return {row.identity: places[attempt] for attempt, own in attempts.items() for row in own}


def _tell_outside(flow: Sequence[Step], rows: Sequence[Report]) -> list[StepStory]:
    """Return steps for the rows whose channel is not in the flow, or missing, in the order in which they began."""
    known = {step.channel for step in flow}
    strange: dict[tuple[str | None, str], list[Report]] = defaultdict(list)
    for row in rows:
        if row.channel not in known:
            strange[row.channel, row.message_id].append(row)
    steps = [
        (message_id, _tell_step(StepStory(None, channel, _sender_of(own), StepState.OTHER), own))
        for (channel, message_id), own in strange.items()
    ]
    return [step for _, step in sorted(steps, key=lambda each: (each[1].began_at or _LATEST, each[0], str(each[1])))]


def _sender_of(rows: Sequence[Report]) -> str | None:
    return next((row.sender for row in rows if row.sender), None)


def _tell_step(step: StepStory, rows: Sequence[Report]) -> StepStory:
    """Return a step with what its rows say; they are in order, and the last one counts."""
    if not rows:
        return step
    last = rows[-1]
    state = _state_of(last)
    cost, currency = _price(rows)
    return replace(
        step,
        state=state,
        rows=tuple(rows),
        status=last.status,
        # Logs tell no error: where one tells the end a moment later than the report does, the report is still right.
        error=next((row.error for row in reversed(rows) if row.error and _alike(row, last)), None),
        began_at=min((row.sent_at for row in rows if row.sent_at), default=None),
        ended_at=None if state is StepState.PENDING else last.done_at,
        cost=cost,
        currency=currency,
    )


def _alike(row: Report, other: Report) -> bool:
    return (row.status.group, row.status.name) == (other.status.group, other.status.name)


def _price(rows: Sequence[Report]) -> tuple[Decimal | None, str | None]:
    """All rows of a step tell the price of the same segments, so it counts once: as the last one tells it."""
    for row in reversed(rows):
        if row.price is not None and _can_be_true(row.price.per_message):
            segments = 1 if row.message_count is None else row.message_count
            return row.price.per_message * segments, row.price.currency
    return None, None


def _can_be_true(price: Decimal) -> bool:
    """Not a number, or one that no sum could hold beside others, is no price."""
    return price.is_finite() and (not price or abs(price.adjusted()) <= _MOST_DIGITS)


def _conclude(sent: Sent | None, steps: Sequence[StepStory]) -> tuple[StoryOutcome, bool]:
    """Return how the message ended, and whether it has ended."""
    told = [step for step in steps if step.rows]
    if any(step.state is StepState.DELIVERED for step in told):
        return StoryOutcome.DELIVERED, True
    if not told:
        return _conclude_unreported(sent)
    if any(step.state is StepState.PENDING for step in told):
        return StoryOutcome.PENDING, False
    if sent is None or not sent.via.flow:
        return _OUTCOMES[told[-1].state], False
    last = steps[len(sent.via.flow) - 1]
    return _OUTCOMES.get(last.state, StoryOutcome.PENDING), last.state in FAILURES


def _conclude_unreported(sent: Sent | None) -> tuple[StoryOutcome, bool]:
    if sent is None:
        return StoryOutcome.UNKNOWN, False
    if sent.fate is MessageFate.ACCEPTED and _is_refusal(sent.status):
        return StoryOutcome.REFUSED, True
    return _FATES[sent.fate], sent.fate in (MessageFate.REFUSED, MessageFate.NOT_TRIED)


def _is_refusal(status: Status | None) -> bool:
    return status is not None and _STATES.get(status.group) in FAILURES


def _find_delivering(steps: Sequence[StepStory]) -> int | None:
    delivered = [place for place, step in enumerate(steps) if step.state is StepState.DELIVERED]
    return min(delivered, key=lambda place: (steps[place].ended_at or _LATEST, place), default=None)


def _first_seen(seen: Sequence[SeenReport]) -> datetime | None:
    return min((each.seen_at for each in seen if each.seen_at), default=None)


def _identify_stray(story: Story, rows: Sequence[Report], seen: Sequence[SeenReport]) -> Story:
    """Name a story after its rows: the least of each, so that their order does not matter."""
    named = [row.message_id for row in rows] or [each.message_id for each in seen]
    addresses = [row.to for row in rows] or [each.to for each in seen]
    return replace(
        story,
        message_id=min(filter(None, named), default=""),
        to=min(filter(None, addresses), default=None),
        bulk_id=min((row.bulk_id for row in rows if row.bulk_id), default=None),
        callback_data=min((row.callback_data for row in rows if row.callback_data), default=None),
        sent_at=min(
            (at for at in (*(step.began_at for step in story.steps), *(each.sent_at for each in seen)) if at),
            default=None,
        ),
    )


def _gather(reports: Iterable[Report]) -> Iterable[list[Report]]:
    """Return the rows that share a name, directly or through others."""
    above: dict[tuple[str, ...], tuple[str, ...]] = {}

    def top(name: tuple[str, ...]) -> tuple[str, ...]:
        while (upper := above.setdefault(name, name)) != name:
            above[name] = name = above[upper]
        return name

    rows = [(row, _names_of(row)) for row in reports]
    for _, names in rows:
        for name in names[1:]:
            above[top(name)] = top(names[0])
    groups: dict[tuple[str, ...], list[Report]] = defaultdict(list)
    for row, names in rows:
        groups[top(names[0])].append(row)
    return groups.values()


def _names_of(row: Report) -> list[tuple[str, ...]]:
    names: list[tuple[str, ...]] = [(row.message_id,)] if row.message_id else []
    names += [(row.bulk_id, row.to)] if row.bulk_id else []
    return names or [("", "", row.to)]
