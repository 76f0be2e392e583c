"""Statistics as one HTML page: a funnel, times and costs for each revision of each scenario, charts beside tables."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from omnictl.model.statistics import RevisionStatistics, ScenarioStatistics, Statistics, StepStatistics
from omnictl.render.charts import CHART_LOOK, PATTERNS, Bar, Span, draw_bars, draw_strip, draw_swatch, draw_times
from omnictl.render.page import isolated, make_page, page_text
from omnictl.render.statistics import (
    between,
    compare_revisions,
    number,
    say_costs,
    say_counts,
    say_facts,
    say_gaps,
    scenario_title,
    share,
    step_title,
    sum_counts,
)
from omnictl.render.words import flow_text, latency, money

_LOOK = (
    CHART_LOOK
    + """
h2 { font-size: 1.2rem; margin: 2.5rem 0 0; } h3 { font-size: 1rem; margin: 1.25rem 0 0; }
h4 { font-size: .9rem; font-weight: 600; margin: 1rem 0 .25rem; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 2rem; }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid var(--rename); }
.wide table { margin: .5rem 0; overflow-wrap: normal; } td.n, th.n { text-align: right; white-space: nowrap; }
th[scope=row] { color: var(--ink); } .wide th, .wide td { padding-right: .6rem; }
.wide th[scope=row] { overflow-wrap: anywhere; min-width: 9rem; max-width: 16rem; }
.wide th[scope=col] { white-space: normal; overflow-wrap: normal; }
.wide td { white-space: nowrap; } .wide td.n:last-child { white-space: normal; }
.wide tr.why td { white-space: normal; border-top: 0; padding-top: 0; color: var(--soft); }
td.strip { width: 40%; min-width: 6rem; } td.strip svg { margin: .2rem 0; }
.legend span { white-space: nowrap; margin-right: 1rem; }
section.gap { border-left-color: var(--remove); } p { margin: .4rem 0; }
a { color: var(--rename); } caption { text-align: left; color: var(--soft); }
body { max-width: 84rem; }
@media (min-width: 72rem) { .pair { grid-template-columns: minmax(0, 4fr) minmax(0, 9fr); } }
""".rstrip()
)
_LEGEND = (
    f'<p class="legend"><span>{draw_swatch(0)} delivered</span> <span>{draw_swatch(1)} fell through or failed</span> '
    f"<span>{draw_swatch(2)} open: pending or unknown</span></p>"
)


def render_statistics_html(
    statistics: Statistics, *, environment: str, sandbox: bool = False, made_at: datetime | None = None
) -> str:
    """Return statistics as a page; ``made_at`` (UTC) says of when they are."""
    title = f"omnictl statistics: {environment}"
    parts = [f"<h1>{page_text(title)}</h1>"]
    parts += ['<p class="where">SANDBOX: nothing leaves this machine</p>'] if sandbox else []
    parts += [f'<p class="where">as of {made_at:%Y-%m-%d %H:%M:%SZ}, all times in UTC</p>'] if made_at else []
    parts += [f'<section class="gap"><p>{page_text(each)}</p></section>' for each in say_gaps(statistics)]
    if not statistics.scenarios:
        return make_page(title, [*parts, "<p>No messages.</p>"], look=_LOOK)
    parts += [PATTERNS, _LEGEND]
    if len(statistics.scenarios) > 1:
        parts += _overview(statistics.scenarios)
    for place, scenario in enumerate(statistics.scenarios, start=1):
        parts += _scenario(f"s{place}", scenario)
    return make_page(title, parts, look=_LOOK)


def _overview(scenarios: Sequence[ScenarioStatistics]) -> list[str]:
    rows = []
    for place, scenario in enumerate(scenarios, start=1):
        messages, delivered, failed, pending, unknown = sum_counts(scenario.revisions)
        name = scenario_title(scenario.scenario)
        told = f"{name}: {number(delivered)} of {number(messages)} delivered"
        strip = draw_strip(told, [each / max(messages, 1) for each in (delivered, failed, pending + unknown)])
        counts = (number(messages), number(delivered), share(delivered, messages), number(failed))
        cells = "".join(_cell(each) for each in (*counts, number(pending), number(unknown)))
        link = f'<th scope="row"><a href="#s{place}">{isolated(name)}</a></th>'
        rows.append(f'<tr>{link}<td class="strip">{strip}</td>{cells}</tr>')
    heads = ("Scenario", "", "Messages", "Delivered", "", "Failed", "Pending", "Unknown")
    return ["<h2>All scenarios</h2>", _table("All scenarios", heads, rows, texts=2)]


def _scenario(name: str, scenario: ScenarioStatistics) -> list[str]:
    title = scenario_title(scenario.scenario)
    parts = [f'<h2 id="{name}">{isolated(title)}</h2>']
    if len(scenario.revisions) > 1:
        parts += _changes(name, title, scenario.revisions)
    for place, revision in enumerate(scenario.revisions, start=1):
        parts += _revision(f"{name}r{place}", title, revision)
    return parts


def _changes(name: str, title: str, revisions: Sequence[RevisionStatistics]) -> list[str]:
    """The revisions against each other, before and after."""
    rows = ["<tr>" + _row_cells(cells) + "</tr>" for cells in compare_revisions(revisions)]
    bars = [
        Bar(each.revision or "-", share(each.delivered, each.messages), (each.delivered_share or 0.0,))
        for each in revisions
    ]
    told = "; ".join(f"{bar.label}: {bar.said} delivered" for bar in bars)
    chart = draw_bars(f"{name}c", f"{title}: delivered before and after", told, bars)
    heads = ("Since", "Revision", "Messages", "Delivered (points)", "P50", "P95", "Cost each")
    return [
        "<h3>Before and after</h3>",
        *_pair(
            [_figure("Share of the messages that arrived", chart)], _table("Before and after", heads, rows, texts=2)
        ),
    ]


def _row_cells(cells: Sequence[str]) -> str:
    first, second, *rest = cells
    return f'<th scope="row">{page_text(first)}</th><td>{isolated(second)}</td>' + "".join(map(_cell, rest))


def _revision(name: str, title: str, each: RevisionStatistics) -> list[str]:
    flow = flow_text(each.flow) if each.flow else ""
    revision = f"revision {each.revision}" if each.revision else ""
    heading = " · ".join(isolated(text) for text in (revision, flow) if text)
    parts = [f"<h3>{heading}</h3>"] if heading else []
    parts.append(f"<p><strong>{page_text(say_counts(each))}</strong>, sent {between(each)}</p>")
    facts = [page_text(fact) for fact in say_facts(each)]
    parts += [f"<p>{' · '.join(facts)}</p>"] if facts else []
    if not each.steps:
        return parts
    charts = [_funnel(name, title, each), *_times(name, title, each.steps), *_costs(name, title, each.steps)]
    rows = [_step_row(step) for step in each.steps]
    heads = ("Step", "Attempted", "Delivered", "", "Fell through", "Open", "P50", "P95", "Cost")
    return [*parts, *_pair(charts, _table("Steps", heads, rows, texts=1))]


def _funnel(name: str, title: str, each: RevisionStatistics) -> str:
    whole = max(each.messages, 1)
    bars = [
        Bar(
            step_title(step),
            f"{number(step.delivered)} of {number(step.attempted)}",
            (step.delivered / whole, step.fell_through / whole, (step.pending + step.unknown) / whole),
        )
        for step in each.steps
    ]
    told = "; ".join(f"{bar.label}: {bar.said} delivered" for bar in bars)
    return _figure("Delivered by step", draw_bars(f"{name}f", f"{title}: delivered by step", told, bars))


def _times(name: str, title: str, steps: Iterable[StepStatistics]) -> list[str]:
    spans = [
        Span(step_title(step), _range(step), step.from_step.p50_seconds, step.from_step.p95_seconds)
        for step in steps
        if step.from_step is not None
    ]
    if not spans:
        return []
    told = "; ".join(f"{span.label}: half and 95 percent within {span.said}" for span in spans)
    chart = draw_times(f"{name}t", f"{title}: time to delivery", told, spans)
    return [_figure("Time to delivery from the start of the step, P50 to P95", chart)]


def _range(step: StepStatistics) -> str:
    measured = step.from_step
    return "" if measured is None else f"{latency(measured.p50_seconds)} – {latency(measured.p95_seconds)}"


def _costs(name: str, title: str, steps: Sequence[StepStatistics]) -> list[str]:
    """Bars of one currency are compared with each other, never with those of another."""
    currencies = sorted({currency for step in steps for currency in step.costs})
    bars = []
    for currency in currencies:
        most = max(step.costs.get(currency, 0) for step in steps)
        for step in steps:
            if (cost := step.costs.get(currency)) is not None:
                part = float(cost / most) if most > 0 else 0.0
                bars.append(Bar(step_title(step), money(cost, currency), (max(0.0, part),)))
    if not bars:
        return []
    told = "; ".join(f"{bar.label}: {bar.said}" for bar in bars)
    return [_figure("Cost by step", draw_bars(f"{name}m", f"{title}: cost by step", told, bars))]


def _step_row(step: StepStatistics) -> str:
    counts = (number(step.attempted), number(step.delivered), share(step.delivered, step.attempted))
    more = (number(step.fell_through), number(step.pending + step.unknown))
    measured = step.from_step
    times = (latency(measured.p50_seconds), latency(measured.p95_seconds)) if measured else ("", "")
    cells = "".join(_cell(each) for each in (*counts, *more, *times, say_costs(step.costs)))
    row = f'<tr><th scope="row">{isolated(step_title(step))}</th>{cells}</tr>'
    if not step.reasons:
        return row
    why = ", ".join(f"<code>{page_text(name)}</code> {number(value)}" for name, value in step.reasons.items())
    return f'{row}\n<tr class="why"><td colspan="9">fell through: {why}</td></tr>'


def _pair(charts: Iterable[str], table: str) -> list[str]:
    return ['<div class="pair">', "<div>", *charts, "</div>", table, "</div>"]


def _figure(title: str, chart: str) -> str:
    return f"<h4>{page_text(title)}</h4>\n{chart}"


def _table(name: str, heads: Sequence[str], rows: Iterable[str], *, texts: int) -> str:
    """A table that scrolls by itself where the page is narrow; the first ``texts`` columns are no numbers."""
    cells = "".join(
        f'<th scope="col">{each}</th>' if place < texts else f'<th scope="col" class="n">{each}</th>'
        for place, each in enumerate(heads)
    )
    table = "\n".join(["<table>", f"<tr>{cells}</tr>", *rows, "</table>"])
    return f'<div class="wide" tabindex="0" role="region" aria-label="{name}">{table}</div>'


def _cell(text: str) -> str:
    kept = (
        page_text(text).replace(" ", "&nbsp;").replace("&nbsp;+&nbsp;", " + ")
    )  # costs break between currencies alone
    return f'<td class="n">{kept}</td>'
