"""Drift in Markdown, for the body of an issue: what differs first, what nobody manages folded. Words, not signs."""

from omnictl.model.address import id_of
from omnictl.model.drift import DefaultMoved, Drift, Item, Row
from omnictl.render.drift_words import (
    NOBODY_KNOWS,
    say_default,
    say_details,
    say_edited,
    say_elsewhere,
    say_item,
    say_let_be,
    say_recorded,
    say_result,
    say_row,
    say_unlike,
    say_unmanaged,
)
from omnictl.render.markdown import left_out, told_diagnostics
from omnictl.render.markup import COMMENT_UNITS, block, code, fitting, fold, prose, units
from omnictl.render.style import Style
from omnictl.render.ways_out import Way, ways_out
from omnictl.render.words import quote, short_key

_STYLE = Style(arrow="→")
_ROOM_FOR_NOTES = 600
_LONGEST_COMMAND = 100


def render_drift_markdown(drift: Drift, *, exit_code: int, most_units: int = COMMENT_UNITS) -> str:
    """Return drift: counts, the scenarios that differ, what can be done, and what nobody manages, on a click."""
    head = [f"### omnictl drift: {prose(drift.environment)}{' (SANDBOX)' * drift.sandbox}"]
    head += [f"**{prose(say_result(drift, exit_code))}**", f"{prose(drift.environment)} · {say_recorded(drift)}"]
    head += told_diagnostics(drift.diagnostics, most_units // 6)
    elsewhere = say_elsewhere(drift)
    edited = (say_edited(drift), say_unlike(drift))
    told = (*edited, elsewhere and prose(elsewhere), say_unmanaged(drift, how=".", names=False))
    foot = [NOBODY_KNOWS] if drift.differing else []
    foot += [each for each in (*told, say_let_be(drift, ".")) if each]
    ways = fitting([_way(each) + "\n" for each in ways_out(drift)], most_units // 4)
    foot += [each.rstrip("\n") for each in ways]
    room = most_units - units("\n\n".join([*head, *foot])) - _ROOM_FOR_NOTES
    lines = [_default(drift.default)] if drift.default is not None else []
    lines += [_item(each) for each in drift.items] + [_settled(id_of(each.address), each.key) for each in drift.settled]
    taken = fitting(lines, room)
    body = ["\n".join(taken)] if taken else []
    body += left_out(len(lines) - len(taken), "scenario")
    folded = _unmanaged(drift, room - sum(units(each) + 1 for each in taken))
    return "\n\n".join([*head, *body, *foot, *folded]) + "\n"


def _item(item: Item) -> str:
    """One point: the word, the id, what differs; a point under it for each field."""
    source = item.source
    place = f" ({code(f'{source.path}:{source.line}')})" if source is not None and source.line else ""
    lines = [f"- **{item.kind.value}** {code(id_of(item.address))} {prose(say_item(item))}{place}"]
    details = say_details(item, _STYLE)
    if not any(name != "ignored" for name, _ in details):
        lines += [_row(each) for each in item.rows]
    lines += [f"  - {name} {code(' '.join(text.split()))}" for name, text in details]
    return "\n".join(lines)


def _row(row: Row) -> str:
    cells = say_row(row)
    sides = (f"recorded {code(cells.recorded)}", f"account {code(cells.account)}", f"files {code(cells.files)}")
    return f"  - {cells.label}: {', '.join(sides)}: **{cells.verdict}**"


def _default(moved: DefaultMoved) -> str:
    return f"- **default** {code(id_of(moved.address))} {prose(say_default(moved, _STYLE))}"


def _settled(scenario_id: str, key: str | None) -> str:
    found = f"found on the account, key {code(short_key(key, _STYLE))}" if key else "not found (yet)"
    return f"- **unknown** {code(scenario_id)} an earlier create, {found}"


def _way(way: Way) -> str:
    if not way.command:
        return prose(way.caption)
    line = " ".join(way.command)
    command = line if len(line) <= _LONGEST_COMMAND else " \\\n    ".join(way.command)
    return f"{prose(way.caption)}\n\n{block([command], 'sh')}"


def _unmanaged(drift: Drift, room: int) -> list[str]:
    rows = [f"- {code(quote(each.name))} {code(each.key)}" for each in drift.not_managed]
    taken = fitting(rows, room)
    if not taken:
        return []
    more = left_out(len(rows) - len(taken), "scenario")
    return [fold("Not managed", "\n".join(taken) + "".join(f"\n\n{each}" for each in more))]
