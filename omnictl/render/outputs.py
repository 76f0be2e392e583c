"""The keys for applications: a table, shell variables, a dotenv file."""

import shlex
from collections.abc import Sequence

from msgspec import Struct

from omnictl.render.state_text import table
from omnictl.render.style import Style, sanitize


class Row(Struct, frozen=True):
    """One managed scenario."""

    scenario_id: str
    key: str
    name: str


def render_output(kind: str, rows: Sequence[Row], *, command: str, style: Style) -> str:
    """Return the keys as ``text``, ``shell`` or ``dotenv``; a file carries the command that makes it."""
    if kind == "text":
        lines = [(row.scenario_id, sanitize(row.key), sanitize(row.name)) for row in rows]
        return "\n".join(table((("ID", "KEY", "NAME"), *lines), style)) + "\n"
    head = f"# made by: {command}; do not edit\n"
    prefix = "export " if kind == "shell" else ""
    return head + "".join(f"{prefix}{variable_name(row.scenario_id)}={shlex.quote(row.key)}\n" for row in rows)


def variable_name(scenario_id: str) -> str:
    """Return the variable of an id; ids hold no underscore, so no two share one."""
    return f"OMNI_SCENARIO_{scenario_id.replace('-', '_').upper()}"
