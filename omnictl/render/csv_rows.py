"""Stories and statistics as CSV: a comma, quotes where needed, one header line, and no cell that a program runs."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from io import StringIO

from omnictl.codec.shapes import write_money, write_optional_time
from omnictl.model.masking import mask_address, mask_recipient
from omnictl.model.statistics import Latency, RevisionStatistics, Statistics
from omnictl.model.story import StepStory, Story
from omnictl.render.style import sanitize

_STEERING = ("=", "+", "-", "@", "\t", "\r")
_MESSAGE_HEAD = (
    "message_id,bulk_id,run,scenario,revision,phone,email,push,to,"
    "sent_at,fate,outcome,is_final,delivery_seconds,seen_at"
)
_STEP_HEAD = (
    "position,channel,from,state,status_group,status_name,error_group,error_name,permanent,began_at,ended_at,"
    "step_seconds,cost,currency"
)
_NO_STEP: list[object] = [""] * len(_STEP_HEAD.split(","))
_STATISTICS_HEAD = (
    "scenario,revision,first_at,last_at,kind,position,channel,from,attempted,delivered,failed,pending,unknown,not_tried,"
    "step_p50_seconds,step_p95_seconds,send_p50_seconds,send_p95_seconds,cost,currency,reasons"
)


def render_stories_csv(stories: Iterable[Story], *, unmask: bool = False) -> Iterator[str]:
    """Yield the header and a row for each attempted step, with its line end; a message without any has one row."""
    yield f"{_MESSAGE_HEAD},{_STEP_HEAD}\n"
    for story in stories:
        head = _story_cells(story, unmask=unmask)
        steps = [_step_cells(each) for each in story.steps if each.was_attempted]
        for cells in steps or [_NO_STEP]:
            yield _line([*head, *cells])


def render_statistics_csv(statistics: Statistics) -> str:
    """Return a row of kind ``message`` for each revision, and one of kind ``step`` for each of its steps.

    What fell through a step is ``failed`` there. Several currencies stand in one cell each, in the same order.
    """
    lines = [f"{_STATISTICS_HEAD}\n"]
    for scenario in statistics.scenarios:
        for revision in scenario.revisions:
            head = [
                scenario.scenario,
                revision.revision,
                write_optional_time(revision.first_at),
                write_optional_time(revision.last_at),
            ]
            lines += [_line([*head, *cells]) for cells in _revision_rows(revision)]
    return "".join(lines)


def defuse(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe stands before what would begin one."""
    return f"'{sanitize(cell)}" if cell.startswith(_STEERING) else sanitize(cell)


def _line(cells: Sequence[object]) -> str:
    text = StringIO()
    shown = ["" if cell is None else defuse(str(cell)) for cell in cells]
    csv.writer(text, lineterminator="\n").writerow(shown)
    return text.getvalue()


def _story_cells(story: Story, *, unmask: bool) -> list[object]:
    recipient = story.recipient if unmask or story.recipient is None else mask_recipient(story.recipient)
    addresses = {} if recipient is None else recipient.addresses
    to = story.to if unmask or story.to is None else mask_address(story.to)
    return [
        *(story.message_id, story.bulk_id, story.run, story.scenario, story.revision),
        *(addresses.get(name) for name in ("phone", "email", "push")),
        *(
            to,
            write_optional_time(story.sent_at),
            story.fate,
            story.outcome,
            _flag(story.is_final),
            story.seconds,
            write_optional_time(story.seen_at),
        ),
    ]


def _step_cells(step: StepStory) -> list[object]:
    status, error = step.status, step.error
    return [
        *(step.position, step.channel, step.sender, step.state),
        *((status.group, status.name) if status else ("", "")),
        *((error.group, error.name, _flag(error.permanent)) if error else ("", "", "")),
        *(write_optional_time(step.began_at), write_optional_time(step.ended_at), step.seconds),
        *(None if step.cost is None else write_money(step.cost), step.currency),
    ]


def _revision_rows(each: RevisionStatistics) -> Iterator[list[object]]:
    counts = (each.messages, each.delivered, each.failed, each.pending, each.unknown, each.not_tried)
    yield ["message", None, None, None, *counts, None, None, *_latency(each.from_send), *_costs(each.costs), None]
    for step in each.steps:
        reasons = ";".join(f"{name}={number}" for name, number in step.reasons.items())
        yield [
            *("step", step.position, step.channel, step.sender),
            *(step.attempted, step.delivered, step.fell_through, step.pending, step.unknown, None),
            *(*_latency(step.from_step), *_latency(step.from_send), *_costs(step.costs), reasons),
        ]


def _latency(latency: Latency | None) -> tuple[float | None, float | None]:
    return (None, None) if latency is None else (latency.p50_seconds, latency.p95_seconds)


def _costs(costs: Mapping[str, Decimal]) -> tuple[str, str]:
    return ";".join(write_money(cost) for cost in costs.values()), ";".join(costs)


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()
