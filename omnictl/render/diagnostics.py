"""Diagnostics as text: where, with the lines around it; what and why; what to do, with commands to copy."""

from collections.abc import Iterable

from omnictl.model.diagnostic import Diagnostic, Source
from omnictl.render.style import Style, sanitize, width_of


def render_diagnostics(diagnostics: Iterable[Diagnostic], style: Style) -> str:
    """Return all diagnostics, with an empty line after each."""
    return "".join(_render(each, style) + "\n" for each in diagnostics)


def _render(each: Diagnostic, style: Style) -> str:
    lines = [f"{style.paint(each.severity.value, f'{each.severity.value}[{each.code}]')}: {sanitize(each.summary)}"]
    if each.source is not None:
        lines += _render_source(each.source, each.label, style)
    if each.detail:
        shows_excerpt = each.source is not None and bool(each.source.excerpt)
        gutter = " " * _gutter(each.source) + " = " if shows_excerpt and each.source else "  "
        lines += [f"{gutter if i == 0 else ' ' * len(gutter)}{text}" for i, text in enumerate(_lines(each.detail))]
    if each.hint or each.commands:
        lines.append("")
        lines.append(f"{style.paint('hint', 'hint')}: {sanitize(each.hint)}" if each.hint else "")
        lines += [f"    {sanitize(command)}" for command in each.commands]
    return "\n".join(lines) + "\n"


def _lines(text: str) -> list[str]:
    return [sanitize(line) for line in text.splitlines()]


def _gutter(source: Source | None) -> int:
    if source is None or not source.excerpt:
        return 1
    return len(str(source.excerpt[-1][0]))


def _render_source(source: Source, label: str, style: Style) -> list[str]:
    gutter = " " * _gutter(source)
    place = ":".join(str(part) for part in (source.path, source.line, source.column) if part is not None)
    lines = [f"{gutter}{style.paint('path', '-->')} {sanitize(place)}"]
    if not source.excerpt:
        return lines
    lines.append(f"{gutter} |")
    for number, text in source.excerpt:
        lines.append(f"{str(number).rjust(len(gutter))} | {sanitize(text)}".rstrip())
        if number == source.line and source.column is not None:
            lines.append(f"{gutter} | {_marker(source, text, label, style)}")
    lines.append(f"{gutter} |")
    return lines


def _marker(source: Source, text: str, label: str, style: Style) -> str:
    start = (source.column or 1) - 1
    end = (source.end_column or source.column or 1) - 1
    before = width_of(sanitize(text[:start]))
    marked = max(1, width_of(sanitize(text[start:end])))
    return " " * before + style.paint("error", "^" * marked + (f" {sanitize(label)}" if label else ""))
