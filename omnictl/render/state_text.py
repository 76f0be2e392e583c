"""The state as text: the list of records, one record, the kept versions."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from omnictl.model.address import id_of
from omnictl.model.scenario import Manage, Protection
from omnictl.model.state import Record, State
from omnictl.render.style import Style, pad, sanitize, truncate, width_of
from omnictl.render.words import count, flow_text, quote, wrap


class Version(Struct, frozen=True):
    """One row of the history: lineage, serial, when it was written (UTC), and where it is kept."""

    lineage: str
    serial: int
    written_at: datetime
    location: str


def render_state(state: State, style: Style) -> str:
    """Return the records as a table, and what else is remembered."""
    rows = [
        (id_of(address), sanitize(record.key), sanitize(record.applied.name), flow_text(record.applied.flow))
        for address, record in sorted(state.records.items())
    ]
    lines = [*table((("ID", "KEY", "NAME", "FLOW"), *rows), style), ""] if rows else []
    lines += [f"unknown  {id_of(each.address)}: a create whose outcome is not known" for each in state.intents]
    left = count(len(state.tombstones), "tombstone")
    lines.append(
        f"{count(len(state.records), 'scenario')}{f', {left}' if state.tombstones else ''} in "
        f"{sanitize(state.environment)}, serial {state.serial}, lineage {sanitize(state.lineage)[:8]}."
    )
    return "\n".join(lines) + "\n"


def render_record(record: Record, style: Style) -> str:
    """Return all that is remembered of one scenario."""
    rows = [
        ("id", id_of(record.address)),
        ("key", sanitize(record.key)),
        ("name", quote(record.applied.name)),
        ("flow", flow_text(record.applied.flow)),
    ]
    if record.observed != record.applied:
        rows.append(("observed", f"{quote(record.observed.name)}, {flow_text(record.observed.flow)}"))
    for word, at in (("created", record.created_at), ("updated", record.updated_at)):
        if at is not None:
            rows.append((word, f"{at:%Y-%m-%d %H:%M:%SZ}"))
    lifecycle = record.lifecycle
    if lifecycle.protected is not Protection.NONE:
        rows.append(("protected", "every write" if lifecycle.protected is Protection.ALL else "removal"))
    if lifecycle.manage is not Manage.APPLY:
        rows.append(("managed", lifecycle.manage.value))
    rows.append(("removal", lifecycle.on_removal.value))
    # A key stays on its line, to be copied; so does all that is short.
    widths = {word: style.width if word in ("name", "flow", "observed") else width_of(text) + 20 for word, text in rows}
    lines = [wrap(f"{pad(word, 10)}{text}", widths[word], hanging=" " * 10) for word, text in rows]
    return "\n".join(lines) + "\n"


def render_history(versions: Sequence[Version], style: Style) -> str:
    """Return the kept versions as a table."""
    rows = [
        (str(each.serial), f"{each.written_at:%Y-%m-%d %H:%M:%SZ}", sanitize(each.lineage)[:8], sanitize(each.location))
        for each in versions
    ]
    return "\n".join(table((("SERIAL", "WRITTEN", "LINEAGE", "WHERE"), *rows), style)) + "\n"


def table(rows: Sequence[Sequence[str]], style: Style) -> list[str]:
    """Return rows in columns; the first row is the head."""
    widths = [max(width_of(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if style.cuts:
        lines = [truncate(line, style.width, style.ellipsis) for line in lines]
    return [style.paint("bold", lines[0]), *lines[1:]]
