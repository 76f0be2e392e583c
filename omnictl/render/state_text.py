"""The state as text: the list of records, one record, the kept versions."""

from collections.abc import Sequence

from omnictl.model.address import id_of
from omnictl.model.state import Record, State
from omnictl.render.style import Style, pad, sanitize, truncate, width_of
from omnictl.render.words import count, flow_text


def render_state(state: State, style: Style) -> str:
    """Return the records as a table, and what else is remembered."""
    rows = [
        (id_of(address), sanitize(record.key), sanitize(record.applied.name), flow_text(record.applied.flow))
        for address, record in sorted(state.records.items())
    ]
    lines = table((("ID", "KEY", "NAME", "FLOW"), *rows), style) if rows else []
    lines += [f"unknown  {id_of(each.address)}: a create whose outcome is not known" for each in state.intents]
    lines.append(
        f"{count(len(state.records), 'scenario')} in {sanitize(state.environment)}, serial {state.serial}, "
        f"lineage {sanitize(state.lineage)[:8]}."
    )
    return "\n".join(lines) + "\n"


def render_record(record: Record, style: Style) -> str:
    """Return all that is remembered of one scenario."""
    lines = [
        f"id        {id_of(record.address)}",
        f"key       {sanitize(record.key)}",
        f'name      "{sanitize(record.applied.name)}"',
        f"flow      {flow_text(record.applied.flow)}",
    ]
    if record.observed != record.applied:
        lines.append(f'observed  "{sanitize(record.observed.name)}", {flow_text(record.observed.flow)}')
    for word, at in (("created", record.created_at), ("updated", record.updated_at)):
        if at is not None:
            lines.append(f"{word}   {at:%Y-%m-%d %H:%M:%SZ}")
    lines.append(f"protected {record.lifecycle.protected.value}; on removal: {record.lifecycle.on_removal.value}")
    return "\n".join(truncate(line, max(style.width, 60), style.ellipsis) for line in lines) + "\n"


def table(rows: Sequence[Sequence[str]], style: Style) -> list[str]:
    """Return rows in columns; the first row is the head, the last column is cut to the width."""
    widths = [max(width_of(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [style.paint("bold", lines[0]), *lines[1:]]
