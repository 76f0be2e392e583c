"""The difference between two texts of a file, as patch has it; nothing in its lines hides or steers."""

import difflib
import re

from omnictl.render.style import Style, sanitize, sanitize_lines

_LINE_END = re.compile(r"\r\n|\r|\n")
_ROLES = {"+": "added", "-": "removed", "@": "moved"}
_PLAIN = Style()


def render_difference(before: str, after: str, path: str, style: Style = _PLAIN) -> str:
    """Return a diff; what hides or steers in its lines is shown by its escape, for that may be what changes."""
    shown = sanitize(path)
    lines = [*difflib.unified_diff(_lines(before), _lines(after), shown, shown, lineterm="")]
    painted = (_paint(each, style, is_head=number < 2) for number, each in enumerate(lines))
    return "\n".join(painted) or f"{shown}: only the ends of lines"


def _paint(line: str, style: Style, *, is_head: bool) -> str:
    role = "bold" if is_head else _ROLES.get(line[:1])
    return style.paint(role, line) if role else line


def _lines(text: str) -> list[str]:
    *lines, rest = map(sanitize_lines, _LINE_END.split(text))
    return [*lines, rest] if rest else lines
