"""Ids from names: lower case letters, digits and dashes, the same in every run, none of them given twice."""

import re
import unicodedata
from collections.abc import Collection, Iterator

from omnictl.model.address import RESERVED_ID

LONGEST_SLUG = 48
"""An id may have 63 characters; the rest is for the part of a key that tells equal names apart."""
_KEY_CHARACTERS = 8
_PORTS = tuple(f"{port}{number}" for port in ("com", "lpt") for number in range(10))
_RESERVED = frozenset((RESERVED_ID, "con", "prn", "aux", "nul", *_PORTS))
"""What no file of Windows can be called, and the word of ``--allow`` for a whole plan."""


def _spell(letters: str, sounds: str) -> dict[str, str]:
    return dict(zip(letters, ("" if each == "-" else each for each in sounds.split()), strict=True))


_LATIN = _spell("æœøłđðþıħŋĸſ", "ae oe o l d d th i h n k s")
_RUSSIAN = _spell(
    "абвгдежзийклмнопрстуфхцчшщъыьэюяё", "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch - y - e yu ya e"
)
_SLAVIC = _spell("єіїґўђјљњћџѓќѕ", "ye i yi g u d j lj nj c dz g k z")
_GREEK = _spell("αβγδεζηθικλμνξοπρστυφχψως", "a v g d e z i th i k l m n x o p r s t y f ch ps o s")
_SPELLED = {**_LATIN, **_RUSSIAN, **_SLAVIC, **_GREEK}


def slug_of(name: str) -> str:
    """Return a name in the characters of an id, cut between words; "" where it has no letter that ASCII could spell."""
    composed = unicodedata.normalize("NFC", name).casefold()
    spelled = "".join(_SPELLED.get(each, each) for each in composed)
    plain = "".join(_SPELLED.get(each, each) for each in unicodedata.normalize("NFKD", spelled).casefold())
    bare = "".join(each for each in plain if not unicodedata.combining(each) and each not in "'’ʼ`")
    slug = re.sub(r"[^a-z0-9]+", "-", bare).strip("-")
    if not re.search(r"[a-z]", slug):
        return ""
    return _cut(slug)


def _cut(slug: str) -> str:
    if len(slug) <= LONGEST_SLUG:
        return slug
    whole_words = slug[: LONGEST_SLUG + 1].rpartition("-")[0]
    return (whole_words if len(whole_words) > LONGEST_SLUG // 2 else slug[:LONGEST_SLUG]).strip("-")


def choose_id(name: str, key: str, taken: Collection[str]) -> str:
    """Return the id of a scenario: its name, or its name with the beginning of its key where that is taken.

    It depends on name, key and what is taken alone, so that it is the same in the next run.
    """
    return next(each for each in _candidates(plain_id(name), key) if each not in taken)


def plain_id(name: str) -> str:
    """Return the id that a name gives by itself, whatever is taken; "" where it needs a key."""
    slug = slug_of(name)
    return f"scenario-{slug}" if slug in _RESERVED else slug


def key_parts_in(scenario_id: str) -> tuple[str, ...]:
    """Return what may be the part of a key in an id: its last word, and the one before a number."""
    *_, before, last = ("", *scenario_id.split("-"))
    return (last, before) if last.isdigit() and before else (last,)


def has_own_id(scenario_id: str, name: str, key: str) -> bool:
    """Tell whether an id says which scenario it is: it is made of the name, or has the part of the key."""
    return scenario_id == plain_id(name) or key_part(key) in key_parts_in(scenario_id)


def key_part(key: str) -> str:
    """Return the part of a key that tells equal names apart in an id."""
    return re.sub(r"[^a-z0-9]", "", key.lower())[:_KEY_CHARACTERS] or "x"


def _candidates(base: str, key: str) -> Iterator[str]:
    if base:
        yield base
    told_apart = f"{base or 'scenario'}-{key_part(key)}"
    yield told_apart
    number = 2
    while True:
        yield f"{told_apart}-{number}"
        number += 1
