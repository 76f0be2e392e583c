"""How text looks: colours by role, width of wide characters, and what a terminal must never be given."""

import re
import unicodedata

from msgspec import Struct

from omnictl.model.hidden import EMOJI_STYLE, JOINER, find_hidden, is_picture, is_skin
from omnictl.model.shell import Options, complete_command

_CODES = {
    "added": "32",
    "changed": "33",
    "removed": "31",
    "moved": "36",
    "risk": "1;31",
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "bold": "1",
    "dim": "2",
    "path": "2",
    "hint": "36",
}


_SUSPECT = re.compile("[^\n\t -~]")
_OURS = re.compile(rf"(\t|\x1b\[(?:0|{'|'.join(sorted(set(_CODES.values())))})m)")
"""What stays as it is within a line: a colour can neither hide nor move anything."""


class Style(Struct, frozen=True):
    """What the place of output can do.

    ``cuts`` tables at the width: on a terminal, never for a program that reads. ``here`` is what decides where this
    run works: commands to copy work there too.
    """

    colour: bool = False
    unicode: bool = True
    width: int = 100
    cuts: bool = False
    arrow: str = "->"
    here: Options = ()

    def paint(self, role: str, text: str) -> str:
        """Return the text in the colour of its role; unchanged without colours."""
        return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if self.colour and text else text

    def complete(self, command: str) -> str:
        """Return a command to copy as it works where this run works."""
        return complete_command(command, self.here)

    @property
    def dot(self) -> str:
        """What stands between parts of a line."""
        return "·" if self.unicode else "-"

    @property
    def ellipsis(self) -> str:
        """Three dots, or one character of them."""
        return "…" if self.unicode else ".."


def sanitize(text: str) -> str:
    """Return the text with everything visible that could steer a terminal or hide: controls, bidi, zero-width."""
    hidden = frozenset(find_hidden(text))
    return "".join(_escape(each) if i in hidden else each for i, each in enumerate(text)) if hidden else text


def sanitize_lines(text: str) -> str:
    """Return text of several lines in which all but line ends, tabs and our own colours is shown by its escape.

    The last guard of what is said: a text may come from where nobody thought of it.
    """
    if not _SUSPECT.search(text):
        return text
    return "\n".join(map(_sanitize_line, text.split("\n")))


def _sanitize_line(line: str) -> str:
    parts = _OURS.split(line)
    parts[::2] = map(sanitize, parts[::2])
    return "".join(parts)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width_of(text: str) -> int:
    """Return how many columns a text takes; what is joined to one picture takes the columns of one."""
    if text.isascii():
        return len(text)
    columns, before = 0, ""
    for each in text:
        if each == EMOJI_STYLE:
            columns += is_picture(before) and _columns(before) == 1
        elif before != JOINER and not (is_skin(each) and is_picture(before)):
            columns += _columns(each)
        before = each
    return columns


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf") or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def pad(text: str, columns: int) -> str:
    """Return the text filled with spaces to so many columns."""
    return text + " " * max(0, columns - width_of(text))


def truncate(text: str, columns: int, ellipsis: str) -> str:
    """Return the text cut to so many columns."""
    if width_of(text) <= columns:
        return text
    room = max(0, columns - width_of(ellipsis))
    end = next(i for i in range(len(text)) if width_of(text[: i + 1]) > room)
    return text[:end].rstrip(JOINER) + ellipsis
