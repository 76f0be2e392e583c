"""How many parts an SMS has: GSM 7-bit where every character is in its alphabet, and UCS-2 everywhere else.

Source: 3GPP TS 23.038 (the alphabet) and TS 23.040 (the header that joins parts).
"""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_LIMITS = {"GSM 7-bit": (160, 153), "UCS-2": (70, 67)}


class Coding(StrEnum):
    """How the characters of an SMS are written."""

    GSM = "GSM 7-bit"
    UCS2 = "UCS-2"


class Segments(Struct, frozen=True):
    """What an SMS takes: its coding, its units (septets or 16-bit words), and its parts."""

    coding: Coding
    units: int
    parts: int


def count_segments(text: str) -> Segments:
    """Return what a text takes as an SMS; an empty one has no part. No character is split over two parts."""
    is_gsm = all(each in _BASIC or each in _EXTENDED for each in text)
    coding = Coding.GSM if is_gsm else Coding.UCS2
    widths = [(2 if each in _EXTENDED else 1) if is_gsm else (2 if each > "\uffff" else 1) for each in text]
    units = sum(widths)
    single, joined = _LIMITS[coding]
    return Segments(coding, units, min(units, 1) if units <= single else _count_parts(widths, joined))


def _count_parts(widths: Iterable[int], room: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
