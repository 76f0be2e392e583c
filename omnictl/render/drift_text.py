"""Drift as text for people: what differs with its fields, then counts, what nobody manages, and what can be done."""

from collections.abc import Iterator, Sequence

from omnictl.model.address import id_of
from omnictl.model.diagnostic import Source
from omnictl.model.drift import Drift, Item, Kind, Row, Unmanaged
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.drift_words import (
    NOBODY_KNOWS,
    Cells,
    say_default,
    say_details,
    say_edited,
    say_elsewhere,
    say_header,
    say_item,
    say_let_be,
    say_result,
    say_row,
    say_unlike,
    say_unmanaged,
)
from omnictl.render.style import Style, pad, sanitize, width_of
from omnictl.render.ways_out import command_here, ways_out
from omnictl.render.words import command, quote, short_key, wrap

_WORD_COLUMNS = 9
_LEAST_ID_COLUMNS, _MOST_ID_COLUMNS = 9, 28
_INDENT = " " * 12
_LABEL_COLUMNS = 8
_LEAST_CELL_COLUMNS = 14
_GAP = 2
_ROLES = {Kind.CONFLICT: "risk", Kind.VANISHED: "removed", Kind.DRIFT: "changed", Kind.IGNORED: "dim"}
_HEADS = ("recorded", "account", "files")


def render_drift(drift: Drift, style: Style, *, exit_code: int, show_all: bool = False, verbose: bool = False) -> str:
    """Return drift as text; ``show_all`` names every unmanaged scenario with its key, those of .omnictlignore too."""
    lines = ["SANDBOX: nothing leaves this machine", ""] if drift.sandbox else []
    lines += [style.paint("bold", wrap(say_header(drift, style.dot), style.width, "", "    ")), ""]
    lines += render_diagnostics(drift.diagnostics, style).splitlines()
    lines += _settled(drift, style)
    ids = [id_of(each.address) for each in drift.items] + ([id_of(drift.default.address)] if drift.default else [])
    columns = min(_MOST_ID_COLUMNS, max([_LEAST_ID_COLUMNS, *map(len, ids)]))
    shown = _default(drift, style, columns)
    for item in drift.items:
        shown += _item(item, style, columns)
    lines += [*shown, ""] if shown else []
    lines += _summary(drift, style, exit_code=exit_code, show_all=show_all, verbose=verbose)
    ways = ways_out(drift)
    lines += [""] if ways else []
    for way in ways:
        lines += wrap(way.caption, style.width).split("\n")
        lines += [command(way.command, style)] if way.command else []
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _settled(drift: Drift, style: Style) -> list[str]:
    lines = []
    for each in drift.settled:
        found = f"found on the account, key {short_key(each.key, style)}" if each.key else "not found (yet)"
        lines.append(f"? unknown  {id_of(each.address)} an earlier create, {found}")
    return [*lines, ""] if lines else []


def _default(drift: Drift, style: Style, columns: int) -> list[str]:
    moved = drift.default
    if moved is None:
        return []
    return _head("DEFAULT", "risk", id_of(moved.address), say_default(moved, style), moved.source, style, columns)


def _item(item: Item, style: Style, columns: int) -> list[str]:
    word = item.kind.value.upper()
    scenario_id, source = id_of(item.address), item.source if item.kind is not Kind.IGNORED else None
    lines = _head(word, _ROLES[item.kind], scenario_id, say_item(item), source, style, columns)
    if item.kind is Kind.CONFLICT:
        lines += _table(item.rows, style)
    details = say_details(item, style)
    labels = max([_LABEL_COLUMNS - 1, *(len(name) for name, _ in details)])
    for name, text in details:
        hanging = " " * (len(_INDENT) + labels + 1)
        lines += wrap(f"{pad(name, labels)} {text}", style.width, _INDENT, hanging).split("\n")
    return lines


def _head(
    word: str, role: str, scenario_id: str, said: str, source: Source | None, style: Style, columns: int
) -> list[str]:
    """Return the line of a scenario, wrapped, with the place in its file at the right where there is room for it."""
    start = _WORD_COLUMNS + 1
    text = wrap(f"{pad(scenario_id, columns)} {said}", style.width, " " * start, " " * (start + columns + 1))
    first, *more = text[start:].split("\n")
    lines = [f"{style.paint(role, pad(word, _WORD_COLUMNS))} {first}", *more]
    if source is None or source.line is None:
        return lines
    place = sanitize(f"{source.path}:{source.line}")
    room = style.width - start - width_of(first) - width_of(place)
    if room >= _GAP:
        lines[0] += " " * room + style.paint("path", place)
    else:
        lines.append(f"{_INDENT}{pad('file', _LABEL_COLUMNS)}{style.paint('path', place)}")
    return lines


def _table(rows: Sequence[Row], style: Style) -> list[str]:
    """Return recorded, account and files side by side, or one under the other where that is too wide."""
    cells = [say_row(each) for each in rows]
    values = [_HEADS, *((each.recorded, each.account, each.files) for each in cells)]
    widths = [max(_LEAST_CELL_COLUMNS, *(width_of(row[i]) for row in values)) + _GAP for i in range(len(_HEADS))]
    labels = max([_LABEL_COLUMNS, *(len(each.label) + _GAP for each in cells)])
    verdicts = max(len(each.verdict) for each in cells)
    if len(_INDENT) + labels + sum(widths) + verdicts > style.width:
        return [line for each in cells for line in _stacked(each, style)]
    header = "".join(pad(head, width) for head, width in zip(_HEADS, widths, strict=True))
    lines = [f"{_INDENT}{' ' * labels}{style.paint('dim', header.rstrip())}"]
    for each in cells:
        columns = zip((each.recorded, each.account, each.files), widths, strict=True)
        line = "".join(pad(text, width) for text, width in columns)
        lines.append(f"{_INDENT}{pad(each.label, labels)}{line}{each.verdict}")
    return lines


def _stacked(cells: Cells, style: Style) -> Iterator[str]:
    yield f"{_INDENT}{cells.label}: {cells.verdict}"
    for head, text in zip(_HEADS, (cells.recorded, cells.account, cells.files), strict=True):
        yield from wrap(f"{pad(head, 9)} {text}", style.width, _INDENT + "  ", _INDENT + " " * 12).split("\n")


def _summary(drift: Drift, style: Style, *, exit_code: int, show_all: bool, verbose: bool) -> list[str]:
    told = [say_result(drift, exit_code), say_edited(drift), say_unlike(drift)]
    told += [NOBODY_KNOWS] if verbose and drift.differing else []
    told.append(say_elsewhere(drift))
    lines = [line for each in told if each for line in _wrapped(each, style)]
    lines += _unmanaged(drift, style, show_all=show_all)
    return [*lines, *_let_be(drift, style, show_all=show_all)]


def _unmanaged(drift: Drift, style: Style, *, show_all: bool) -> list[str]:
    """Return what nobody manages: its names, or the first ones and the command that imports it all."""
    if not drift.not_managed or show_all:
        said = say_unmanaged(drift, how=":", names=False)
        return [*(_wrapped(said, style) if said else []), *_listed(drift.not_managed)]
    said = say_unmanaged(drift, how="; to import all of it" if len(drift.not_managed) > 1 else "; to import it")
    return [*_wrapped(said, style), command(command_here(drift, "omnictl import --all"), style)]


def _let_be(drift: Drift, style: Style, *, show_all: bool) -> list[str]:
    ignored = [each for each in drift.unmanaged if each.ignored]
    said = say_let_be(drift, ":" if show_all else "; to list them")
    if said is None:
        return []
    listed = _listed(ignored) if show_all else [command(command_here(drift, "omnictl drift --all"), style)]
    return [*_wrapped(said, style), *listed]


def _wrapped(text: str, style: Style) -> list[str]:
    return wrap(text, style.width, "", "    ").split("\n")


def _listed(unmanaged: Sequence[Unmanaged]) -> list[str]:
    return [f"    {sanitize(each.key)}  {quote(each.name)}" for each in unmanaged]
