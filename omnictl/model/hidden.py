"""Characters that nobody sees, or that steer what is seen: one rule for screens, documents and lint."""

import re
import unicodedata
from collections.abc import Iterator

JOINER, EMOJI_STYLE = "\u200d", "\ufe0f"
"""What makes one picture of two, and what makes a picture of a sign. Elsewhere they only hide."""

INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
"""What counts as printable, and has no width or shows nothing: ranges, as a class of a regular expression has them."""

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_STYLES, _KEYCAP = ("\ufe0e", EMOJI_STYLE), "\u20e3"
_SIGNS = frozenset("\u203c\u2049\u2139\u3030\u303d")
"""Signs with a style of their own that Unicode counts as letters and punctuation."""
_KEYS = frozenset("0123456789#*")


def find_hidden(text: str) -> Iterator[int]:
    """Yield the positions of what is hidden or steers. Pictures that are joined of several hide nothing."""
    if text.isprintable() and not _INVISIBLE.search(text):
        return
    for position, each in enumerate(text):
        if not _is_seen(each) and not _is_of_a_picture(text, position):
            yield position


def is_picture(character: str) -> bool:
    """Tell whether a character is a picture or a sign that can be shown as one."""
    if not character or character.isascii():
        return False
    return unicodedata.category(character) in ("So", "Sm") or is_skin(character)


def is_skin(character: str) -> bool:
    """Tell whether a character colours the picture before it."""
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def _is_seen(character: str) -> bool:
    return character.isprintable() and not _INVISIBLE.match(character)


def _is_of_a_picture(text: str, position: int) -> bool:
    each, before, after = text[position], text[max(0, position - 1) : position], text[position + 1 : position + 2]
    if each == JOINER:
        return is_picture(text[:position].rstrip(EMOJI_STYLE)[-1:]) and is_picture(after)
    if each == EMOJI_STYLE and after == _KEYCAP:
        return before in _KEYS
    return each in _STYLES and (is_picture(before) or before in _SIGNS)
