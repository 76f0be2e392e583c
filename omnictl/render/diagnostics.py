"""Diagnostics as text: where, with the lines around it; what and why; what to do, with commands to copy."""

from collections import Counter
from collections.abc import Iterable, Sequence

from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.render.style import Style, sanitize, truncate, width_of
from omnictl.render.words import count, wrap

_LEAST_CODE_COLUMNS = 20


def render_diagnostics(diagnostics: Iterable[Diagnostic], style: Style) -> str:
    """Return all diagnostics, with an empty line after each."""
    return "".join(_render(each, style) + "\n" for each in diagnostics)


def select_most_severe(diagnostics: Sequence[Diagnostic], most: int) -> tuple[tuple[Diagnostic, ...], str]:
    """Return so many diagnostics in their order, errors before warnings before notes; and in words what is left out."""
    if len(diagnostics) <= most:
        return tuple(diagnostics), ""
    order = list(Severity)
    ranked = sorted(range(len(diagnostics)), key=lambda i: (order.index(diagnostics[i].severity), i))
    told = tuple(diagnostics[i] for i in sorted(ranked[:most]))
    left = Counter(diagnostics[i].severity for i in ranked[most:])
    words = ", ".join(count(left[each], f"more {each.value}") for each in Severity if left[each])
    return told, f"{words} not shown here"


def _render(each: Diagnostic, style: Style) -> str:
    lines = [f"{style.paint(each.severity.value, f'{each.severity.value}[{each.code}]')}: {sanitize(each.summary)}"]
    if each.source is not None:
        lines += _render_source(each.source, each.label, style)
    if each.detail:
        shows_excerpt = each.source is not None and bool(each.source.excerpt)
        lines += _hang(each.detail, " " * _gutter(each.source) + " = " if shows_excerpt else "  ", style)
    if each.hint or each.commands:
        lines.append("")
        lines += _hint(each.hint, style) if each.hint else []
        told = _commands(each.commands, style)
        lines += told if each.hint or not told or told[0] else told[1:]
    return "\n".join(lines) + "\n"


def _hang(text: str, lead: str, style: Style) -> list[str]:
    """Return lines under a lead, which stands before the first; each line is wrapped, tables keep their columns."""
    indent = " " * len(lead)
    wrapped = [wrap(sanitize(line), style.width, indent) for line in text.splitlines()]
    hung = "\n".join(line or "" for line in wrapped).split("\n")
    return [lead + hung[0][len(lead) :], *hung[1:]]


def _commands(commands: Iterable[str], style: Style) -> list[str]:
    """Return commands, each on its own line; what they are for stands above them, after an empty line."""
    lines = []
    for each in commands:
        caption = each.removeprefix("# ")
        lines += (
            [f"    {sanitize(style.complete(each))}"] if caption == each else ["", wrap(sanitize(caption), style.width)]
        )
    return lines


def _hint(text: str, style: Style) -> list[str]:
    first, *more = wrap(f"hint: {sanitize(text)}", style.width).split("\n")
    return [style.paint("hint", "hint") + first[len("hint") :], *more]


def _gutter(source: Source | None) -> int:
    """How wide the column of line numbers is."""
    return 1 if source is None or not source.excerpt else 1 + len(str(source.excerpt[-1][0]))


def _render_source(source: Source, label: str, style: Style) -> list[str]:
    gutter = " " * _gutter(source)
    place = ":".join(str(part) for part in (source.path, source.line, source.column) if part is not None)
    lines = [f"{gutter}{style.paint('path', '-->')} {sanitize(place)}"]
    if not source.excerpt:
        return lines
    room = max(_LEAST_CODE_COLUMNS, style.width - len(gutter) - 3)
    cut = _columns_to_cut(source, room)
    lines.append(f"{gutter} |")
    for number, text in source.excerpt:
        shown = truncate(sanitize(text[cut:]), room, style.ellipsis)
        lines.append(f"{str(number).rjust(len(gutter))} | {shown}".rstrip())
        if number == source.line and source.column is not None:
            lines.append(f"{gutter} | {_marker(source, text, label, style, cut=cut, room=room)}".rstrip())
    lines.append(f"{gutter} |")
    return lines


def _columns_to_cut(source: Source, room: int) -> int:
    """Return how much to leave out at the left, so that the marked text of a long line is in sight."""
    text = next((text for number, text in source.excerpt if number == source.line), "")
    start = (source.column or 1) - 1
    end = (source.end_column or source.column or 1) - 1
    if width_of(sanitize(text[:end])) <= room:
        return 0
    return max(0, min(start, end - room // 2))


def _marker(source: Source, text: str, label: str, style: Style, *, cut: int, room: int) -> str:
    """Return the marks under the text, with the label beside them."""
    start = (source.column or 1) - 1
    end = (source.end_column or source.column or 1) - 1
    before = width_of(sanitize(text[cut:start]))
    marked = max(1, min(width_of(sanitize(text[start:end])), room - before))
    marks = "^" * marked + (f" {sanitize(label)}" if label else "")
    return " " * before + style.paint("error", marks)
