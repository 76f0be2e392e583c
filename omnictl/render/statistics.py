"""Statistics as text: a funnel of bars for each revision of each scenario, and what a change of the flow changed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from omnictl.model.report import Gap
from omnictl.model.scenario import Step
from omnictl.model.statistics import Latency, RevisionStatistics, ScenarioStatistics, Statistics, StepStatistics
from omnictl.render.style import Style, pad, sanitize, truncate, width_of
from omnictl.render.words import count, flow_text, latency, money, step_text, wrap

_MOST_BAR, _LEAST_BAR, _LEAST_NAME = 30, 6, 16
_STRAYS = "not ours"
_FUNNEL = ("STEP", "ATTEMPTED", "DELIVERED", "FELL THROUGH", "OPEN")


def render_statistics(statistics: Statistics, style: Style) -> str:
    """Return statistics as text; where there are several scenarios, a table of all comes first."""
    if not statistics.scenarios:
        return "\n".join(["No messages.", *_gaps(statistics, style)]) + "\n"
    blocks = [_overview(statistics.scenarios, style)] if len(statistics.scenarios) > 1 else []
    for scenario in statistics.scenarios:
        blocks += [_revision(scenario, each, style) for each in scenario.revisions]
        blocks += [_changes(scenario, style)] if len(scenario.revisions) > 1 else []
    blocks += [lines] if (lines := _gaps(statistics, style)) else []
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def scenario_title(scenario: str | None) -> str:
    """Return the name of a scenario, or what stands for rows that belong to none."""
    return _STRAYS if scenario is None else sanitize(scenario)


def step_title(step: StepStatistics) -> str:
    """Return a step with its number, ``-`` outside of the flow."""
    number = "-" if step.position is None else str(step.position)
    name = "(no channel)" if step.channel is None else step_text(Step(step.channel, step.sender))
    return f"{number} {name}"


def share(part: int, whole: int) -> str:
    """Return a share in percent with one place; nothing where there is nothing to share."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def number(value: int) -> str:
    """Return a count with its thousands apart."""
    return f"{value:,}".replace(",", " ")


def say_counts(each: RevisionStatistics) -> str:
    """Return how the messages of a revision did, in one sentence."""
    parts = [
        f"{number(each.delivered)} delivered{f' ({told})' if (told := share(each.delivered, each.messages)) else ''}"
    ]
    counts = ((each.failed, "failed"), (each.pending, "pending"), (each.unknown, "unknown"))
    parts += [f"{number(value)} {word}" for value, word in counts if value]
    not_tried = f"; {number(each.not_tried)} never left" if each.not_tried else ""
    noun = "message" if each.messages == 1 else "messages"
    return f"{number(each.messages)} {noun}: {', '.join(parts)}{not_tried}"


def say_latency(measured: Latency) -> str:
    """Return how fast deliveries were."""
    return f"half within {latency(measured.p50_seconds)}, 95 % within {latency(measured.p95_seconds)}"


def say_costs(costs: Mapping[str, Decimal]) -> str:
    """Return costs, each currency for itself."""
    return " + ".join(money(cost, currency) for currency, cost in costs.items())


def say_facts(each: RevisionStatistics) -> list[str]:
    """Return what else is worth knowing of a revision: latency, costs, messages seen or delivered twice."""
    facts = [f"{say_latency(each.from_send)} of the start"] if each.from_send else []
    if each.costs:
        per_delivery = say_costs(each.cost_per_delivered)
        facts.append(f"{say_costs(each.costs)}{f', {per_delivery} a delivered message' if per_delivery else ''}")
    facts += [f"{number(each.seen)} seen"] if each.seen else []
    return [*facts, f"{number(each.delivered_twice)} delivered by two steps"] if each.delivered_twice else facts


def say_step(step: StepStatistics) -> list[str]:
    """Return why messages fell through a step, how fast it delivered, and what it cost."""
    told = ", ".join(f"{sanitize(name)} {number(value)}" for name, value in step.reasons.items())
    facts = [told] if told else []
    facts += [f"{say_latency(step.from_step)} of its start"] if step.from_step else []
    return [*facts, say_costs(step.costs)] if step.costs else facts


def say_gaps(statistics: Statistics) -> list[str]:
    """Return what may be missing in all numbers: for good, and until a pull fills it."""
    said = [f"{_say_gaps(statistics.gaps, 'lost for good')}."] if statistics.gaps else []
    if statistics.open_gaps:
        said.append(f"{_say_gaps(statistics.open_gaps, 'not answered yet')}; omnictl reports pull fills them in.")
    return said


def _say_gaps(gaps: Sequence[Gap], what: str) -> str:
    times = ", ".join(minute(gap.opened_at) for gap in gaps[:5])
    more = f" and {len(gaps) - 5} more" if len(gaps) > 5 else ""
    rows = sum(gap.query.limit for gap in gaps)
    return f"{count(len(gaps), 'pull')} {what} ({times}{more}): up to {number(rows)} reports may be missing here"


def minute(at: datetime | None) -> str:
    """Return a time to the minute, in UTC."""
    return f"{at:%Y-%m-%d %H:%MZ}" if at else "-"


def between(each: RevisionStatistics) -> str:
    """Return when the messages of a revision were sent."""
    first, last = minute(each.first_at), minute(each.last_at)
    return first if first == last else f"{first} to {last}"


def _overview(scenarios: Sequence[ScenarioStatistics], style: Style) -> list[str]:
    rows: list[tuple[str, ...]] = [("SCENARIO", "MESSAGES", "DELIVERED", "FAILED", "PENDING", "UNKNOWN")]
    shares: list[tuple[int, ...]] = []
    for scenario in scenarios:
        totals = sum_counts(scenario.revisions)
        messages, delivered, failed, pending, unknown = totals
        told = f"{number(delivered)} {share(delivered, messages):>7}"
        rows.append((scenario_title(scenario.scenario), number(messages), told, *map(number, totals[2:])))
        shares.append((delivered, failed, pending + unknown, messages))
    return _barred(rows, shares, style)


def sum_counts(revisions: Iterable[RevisionStatistics]) -> tuple[int, int, int, int, int]:
    """Return messages, delivered, failed, pending and unknown over several revisions."""
    counts = [(each.messages, each.delivered, each.failed, each.pending, each.unknown) for each in revisions]
    messages, delivered, failed, pending, unknown = (sum(column) for column in zip(*counts, strict=True))
    return messages, delivered, failed, pending, unknown


def _revision(scenario: ScenarioStatistics, each: RevisionStatistics, style: Style) -> list[str]:
    revision = f"revision {sanitize(each.revision)}" if each.revision else ""
    flow = flow_text(each.flow, style.arrow) if each.flow else ""
    title = f" {style.dot} ".join(filter(None, (scenario_title(scenario.scenario), revision, flow)))
    lines = [style.paint("bold", wrap(title, style.width, hanging="  "))]
    facts = f" {style.dot} ".join(say_facts(each))
    lines += [wrap(text, style.width, "  ") for text in (f"{say_counts(each)}, sent {between(each)}", facts) if text]
    rows: list[tuple[str, ...]] = [_FUNNEL]
    shares: list[tuple[int, ...]] = []
    for step in each.steps:
        told = f"{number(step.delivered)} {share(step.delivered, step.attempted):>7}".rstrip()
        waiting = step.pending + step.unknown
        rows.append((step_title(step), number(step.attempted), told, number(step.fell_through), number(waiting)))
        shares.append((step.delivered, step.fell_through, waiting, max(each.messages, 1)))
    table = _barred(rows, shares, style)
    lines += ["", f"  {table[0]}"] if each.steps else []
    for step, row in zip(each.steps, table[1:], strict=True):
        facts = f" {style.dot} ".join(say_step(step))
        lines += [f"  {row}", *([style.paint("dim", wrap(facts, style.width, "      "))] if facts else [])]
    return lines


def _barred(rows: Sequence[Sequence[str]], shares: Sequence[Sequence[int]], style: Style) -> list[str]:
    """Return a table with a bar behind the first column, as long as the width leaves room for."""
    if style.cuts:
        most = max(_LEAST_NAME, style.width // 3)
        rows = [(truncate(row[0], most, style.ellipsis), *row[1:]) for row in rows]
    widths = [max(width_of(row[i]) for row in rows) for i in range(len(rows[0]))]
    room = style.width - 2 - sum(widths) - 2 * len(widths)
    columns = min(_MOST_BAR, room)
    bars = [" " * columns, *(_bar(each, columns, style) for each in shares)] if columns >= _LEAST_BAR else None
    lines = []
    for place, row in enumerate(rows):
        cells = [each.rjust(width - width_of(each) + len(each)) for each, width in zip(row, widths, strict=True)]
        first = pad(row[0], widths[0])
        line = "  ".join([first, *([bars[place]] if bars else []), *cells[1:]])
        line = line if bars or not style.cuts else truncate(line, style.width - 2, style.ellipsis)
        lines.append(line if place else style.paint("bold", line))
    return lines


def _bar(parts: Sequence[int], columns: int, style: Style) -> str:
    """A bar of what was delivered, what fell through and what is open, out of the last number."""
    *shown, whole = parts
    signs = "█▒░" if style.unicode else "#=."
    ends = [round(columns * sum(shown[: i + 1]) / whole) if whole else 0 for i in range(len(shown))]
    sizes = [end - start for start, end in pairwise((0, *ends))]
    roles = ("added", "removed", "changed")
    painted = "".join(style.paint(role, sign * size) for role, sign, size in zip(roles, signs, sizes, strict=True))
    return painted + " " * (columns - sum(sizes))


def _changes(scenario: ScenarioStatistics, style: Style) -> list[str]:
    """Each revision against the one before it."""
    heads = ("SINCE", "REVISION", "MESSAGES", "DELIVERED", "P50", "P95", "COST EACH")
    rows = [heads, *compare_revisions(scenario.revisions)]
    widths = [max(width_of(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines = [truncate(line, style.width - 2, style.ellipsis) if style.cuts else line for line in lines]
    title = style.paint("bold", f"{scenario_title(scenario.scenario)}, before and after")
    return [title, style.paint("bold", f"  {lines[0]}"), *(f"  {line}" for line in lines[1:])]


def compare_revisions(revisions: Sequence[RevisionStatistics]) -> list[tuple[str, ...]]:
    """Return a row for each revision: since, name, messages, delivered with its change in points, p50, p95, cost."""
    rows: list[tuple[str, ...]] = []
    for before, each in zip((None, *revisions), revisions, strict=False):
        p50 = latency(each.from_send.p50_seconds) if each.from_send else "-"
        p95 = latency(each.from_send.p95_seconds) if each.from_send else "-"
        told = f"{share(each.delivered, each.messages) or '-'}{_points(before, each)}"
        name = sanitize(each.revision) if each.revision else "-"
        cost = say_costs(each.cost_per_delivered) or "-"
        rows.append((minute(each.first_at), name, number(each.messages), told, p50, p95, cost))
    return rows


def _points(before: RevisionStatistics | None, each: RevisionStatistics) -> str:
    if before is None or before.delivered_share is None or each.delivered_share is None:
        return ""
    return f" ({100 * (each.delivered_share - before.delivered_share):+.1f})"


def _gaps(statistics: Statistics, style: Style) -> list[str]:
    return [style.paint("warning", wrap(each, style.width)) for each in say_gaps(statistics)]
