"""Charts as inline SVG that grow with the page: bars of parts, plain bars, and times on a scale of powers."""

from collections.abc import Sequence
from html import escape
from math import log

from msgspec import Struct

from omnictl.render.style import sanitize, truncate, width_of

_ROW, _BAR = 44, 16
_LINE, _LEAST_LABEL = 46, 10
"""How many characters of a chart's words stand beside each other on a phone, and the fewest of a label."""
_TICKS = (
    (0.001, "1 ms"),
    (0.01, "10 ms"),
    (0.1, "100 ms"),
    (1.0, "1 s"),
    (10.0, "10 s"),
    (60.0, "1 min"),
    (600.0, "10 min"),
    (3600.0, "1 h"),
    (36_000.0, "10 h"),
    (259_200.0, "3 days"),
    (2_592_000.0, "30 days"),
)
_MOST_TICKS = 5

CHART_LOOK = """
svg.chart { display: block; width: 100%; overflow: hidden; margin: .25rem 0 .75rem; }
svg.chart text { fill: var(--ink); font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; direction: ltr;
  unicode-bidi: isolate; }
svg.chart text.soft { fill: var(--soft); } svg.chart line { stroke: var(--line); }
.track { fill: var(--box); stroke: var(--line); } .delivered { fill: var(--create); } .open { fill: var(--update); }
.plain, .dot { fill: var(--rename); } line.span { stroke: var(--rename) !important; stroke-width: 4; }
.stripe { stroke: var(--remove); stroke-width: 5; } .ground { fill: var(--paper); }
svg.defs { position: absolute; width: 0; height: 0; } svg.swatch { width: .9em; height: .9em; vertical-align: -.1em; }
""".rstrip()

PATTERNS = (
    '<svg class="defs" aria-hidden="true"><defs><pattern id="failed" width="6" height="6" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="ground" width="6" height="6"/>'
    '<line class="stripe" x1="2" y1="0" x2="2" y2="6"/></pattern></defs></svg>'
)
"""What failed is striped, so that nobody needs the colours; once a page, before the first chart."""


class Bar(Struct, frozen=True):
    """One row of a chart: a label at the left, what is said of it at the right, and shares (0 to 1) of the width.

    ``parts`` are delivered, fell through and open; a single one is a plain bar.
    """

    label: str
    said: str
    parts: tuple[float, ...]


class Span(Struct, frozen=True):
    """One row of a chart of times: from half of the deliveries to 95 of 100, in seconds."""

    label: str
    said: str
    p50_seconds: float
    p95_seconds: float


def draw_bars(name: str, title: str, described: str, bars: Sequence[Bar]) -> str:
    """Return bars one under the other; ``name`` is unique on the page."""
    rows = []
    for place, bar in enumerate(bars):
        top = place * _ROW
        rows += [*_words(bar.label, bar.said, top), *_parts(bar.parts, top + 22, _BAR)]
    return _chart(name, title, described, _ROW * len(bars) + 2, rows)


def draw_times(name: str, title: str, described: str, spans: Sequence[Span]) -> str:
    """Return times on one scale, each mark of which is many times the one before."""
    ticks = _ticks_for(spans)
    low, high = ticks[0][0], ticks[-1][0]
    bottom = _ROW * len(spans)
    rows = []
    for place, (seconds, said) in enumerate(ticks):
        x = _place(seconds, low, high)
        anchor = "start" if place == 0 else "end" if place == len(ticks) - 1 else "middle"
        rows.append(f'<line x1="{x}" y1="20" x2="{x}" y2="{bottom}"/>')
        rows.append(f'<text class="soft" x="{x}" y="{bottom + 16}" text-anchor="{anchor}">{said}</text>')
    for place, span in enumerate(spans):
        middle = place * _ROW + 30
        start, end = _place(span.p50_seconds, low, high), _place(span.p95_seconds, low, high)
        rows += _words(span.label, span.said, place * _ROW)
        rows.append(f'<line class="span" x1="{start}" y1="{middle}" x2="{end}" y2="{middle}"/>')
        rows += [f'<circle class="dot" cx="{x}" cy="{middle}" r="5"/>' for x in (start, end)]
    return _chart(name, title, described, bottom + 22, rows)


def draw_strip(described: str, parts: Sequence[float]) -> str:
    """Return one bar to stand in a cell of a table."""
    inner = "".join(_parts(parts, 1, 12))
    return f'<svg class="chart strip" role="img" height="14" aria-label="{escape(described)}">{inner}</svg>'


def draw_swatch(part: int) -> str:
    """Return a small square that looks like a part of a bar: 0 delivered, 1 fell through, 2 open."""
    return f'<svg class="swatch" aria-hidden="true"><rect {_PARTS[part]} width="100%" height="100%"/></svg>'


_PARTS = ('class="delivered"', 'fill="url(#failed)"', 'class="open"')


def _parts(parts: Sequence[float], top: int, height: int) -> list[str]:
    shapes = [f'<rect class="track" x="0" y="{top}" width="100%" height="{height}"/>']
    looks = ('class="plain"',) if len(parts) == 1 else _PARTS
    start = 0.0
    for share, look in zip(parts, looks, strict=True):
        if share > 0:
            where = f'x="{_percent(start)}" y="{top}" width="{_percent(share)}" height="{height}"'
            shapes.append(f"<rect {look} {where}/>")
        start += share
    return shapes


def _words(label: str, said: str, top: int) -> list[str]:
    """The label gives way to what is said at its right: both fit beside each other on a phone."""
    said = truncate(sanitize(said), _LINE - _LEAST_LABEL, "…")
    short = escape(truncate(sanitize(label), max(_LEAST_LABEL, _LINE - width_of(said)), "…"))
    return [
        f'<text x="0" y="{top + 15}">{short}</text>',
        f'<text class="soft" x="100%" y="{top + 15}" text-anchor="end">{escape(said)}</text>',
    ]


def _chart(name: str, title: str, described: str, height: int, rows: Sequence[str]) -> str:
    head = f'<svg class="chart" role="img" height="{height}" aria-labelledby="{name}-t {name}-d">'
    told = escape(sanitize(title)), escape(sanitize(described))
    names = (f'<title id="{name}-t">{told[0]}</title>', f'<desc id="{name}-d">{told[1]}</desc>')
    return "\n".join([head, *names, *rows, "</svg>"])


def _ticks_for(spans: Sequence[Span]) -> list[tuple[float, str]]:
    """Return the marks around all times, few enough for a phone, the outermost always."""
    least = min(span.p50_seconds for span in spans)
    most = max(span.p95_seconds for span in spans)
    below = max((place for place, (seconds, _) in enumerate(_TICKS) if seconds <= least), default=0)
    above = min((place for place, (seconds, _) in enumerate(_TICKS) if seconds >= most), default=len(_TICKS) - 1)
    below = min(below, above, len(_TICKS) - 2)
    ticks = list(_TICKS[below : max(above, below + 1) + 1])
    every = -(-(len(ticks) - 1) // (_MOST_TICKS - 1))
    return (
        [*ticks[:-1:every], ticks[-1]] if (len(ticks) - 1) % every == 0 else [*ticks[: -every - 1 : every], ticks[-1]]
    )


def _place(seconds: float, low: float, high: float) -> str:
    """Return where a time stands, kept inside of the chart by the size of a dot."""
    share = log(min(max(seconds, low), high) / low) / log(high / low)
    return _percent(0.02 + 0.96 * share)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"
