"""How text looks: colours by role, width of wide characters, and what a terminal must never be given."""

import re
import unicodedata

from msgspec import Struct

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


class Style(Struct, frozen=True):
    """What the place of output can do. ``cuts`` tables at the width: on a terminal, never for a program that reads."""

    colour: bool = False
    unicode: bool = True
    width: int = 100
    cuts: bool = False
    arrow: str = "->"

    def paint(self, role: str, text: str) -> str:
        """Return the text in the colour of its role; unchanged without colours."""
        return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if self.colour and text else text

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
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each if _is_harmless(each) or (each in _OF_PICTURES and _joins(text, i)) else _escape(each)
        for i, each in enumerate(text)
    )


_JOINER, _EMOJI_STYLE, _KEYCAP = "\u200d", "\ufe0f", "\u20e3"
_OF_PICTURES = (_JOINER, _EMOJI_STYLE)


_LOOKS_LIKE_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""What counts as printable, and has no width or shows nothing."""


def _is_harmless(character: str) -> bool:
    if _LOOKS_LIKE_NOTHING.match(character):
        return False
    return character.isprintable() or unicodedata.category(character) in ("Mn", "Mc", "Me")


def _joins(text: str, position: int) -> bool:
    """Tell whether a joiner makes one picture of two, or a style belongs to one; anywhere else they only hide."""
    before = text[:position].rstrip(_EMOJI_STYLE)[-1:]
    if text[position] == _EMOJI_STYLE:
        return _is_picture(before) or text[position + 1 : position + 2] == _KEYCAP
    return _is_picture(before) and _is_picture(text[position + 1 : position + 2])


def _is_picture(character: str) -> bool:
    return bool(character) and (unicodedata.category(character) == "So" or _is_skin(character))


def _is_skin(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width_of(text: str) -> int:
    """Return how many columns a text takes; what is joined to one picture takes the columns of one."""
    if text.isascii():
        return len(text)
    columns, before = 0, ""
    for each in text:
        if each == _EMOJI_STYLE:
            columns += _is_picture(before) and _columns(before) == 1
        elif before != _JOINER and not (_is_skin(each) and _is_picture(before)):
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
    return text[:end].rstrip(_JOINER) + ellipsis
