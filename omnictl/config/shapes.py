"""Reading by the schema: which scalars are flags and numbers, and which stay the text that the author wrote."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from omnictl.config.documents import Scalar

_NUMBER = re.compile(r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$")
_BENT_FLAG = re.compile(r"^(yes|no|on|off|y|n|true|false)$", re.IGNORECASE)
_BENT_NUMBER = re.compile(r"^[-+]?(0[xob])?[0-9a-f_.:]*[0-9][0-9a-f_.:]*(e[-+]?[0-9]+)?$", re.IGNORECASE)
_LONGEST_NUMBER = 300
_NOTHING = frozenset(("", "~", "null", "Null", "NULL"))
_FLAGS = {"true": True, "false": False}
_WORDS = _NOTHING.union(_FLAGS)
_NUMBERS_BEGIN = frozenset("-0123456789")


class Shape(Struct, frozen=True):
    """What a schema expects at one place, as far as the reading of scalars needs it."""

    types: frozenset[str] = frozenset()
    properties: Mapping[str, "Shape"] = field(default_factory=dict)
    rest: "Shape | None" = None
    items: "Shape | None" = None

    @property
    def inner(self) -> "Shape":
        """What is in a list or a mapping that the schema leaves open: anything, again."""
        return self if {"array", "object"} <= self.types else _ANYTHING


_ANYTHING = Shape()


def make_shape(schema: Any, root: Mapping[str, Any]) -> Shape:
    """Return the shape of a schema; alternatives are taken together."""
    if not isinstance(schema, Mapping):
        return _ANYTHING
    if "$ref" in schema:
        return make_shape(root["$defs"][str(schema["$ref"]).rpartition("/")[2]], root)
    parts = [make_shape(each, root) for each in schema.get("anyOf", ())]
    named = schema.get("type", ())
    types = {named} if isinstance(named, str) else set(named)
    types |= {_type_of(each) for each in (*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ()))}
    properties = {key: make_shape(each, root) for key, each in schema.get("properties", {}).items()}
    rest = make_shape(schema["additionalProperties"], root) if "additionalProperties" in schema else None
    items = make_shape(schema["items"], root) if "items" in schema else None
    for part in parts:
        types |= part.types
        properties |= part.properties
        rest, items = rest or part.rest, items or part.items
    return Shape(frozenset(types), properties, rest, items)


def _type_of(value: Any) -> str:
    return "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "integer"


def to_typed(value: Any, shape: Shape, *, is_json: bool = False) -> Any:
    """Return plain values: a scalar becomes a flag, a number or nothing where the schema has a place for it.

    In JSON a number is a number and a flag is a flag, wherever they stand.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Scalar):
        return _to_scalar(value.text, shape.types, is_json)
    if isinstance(value, list):
        items = shape.items or shape.inner
        return [to_typed(each, items, is_json=is_json) for each in value]
    rest = shape.rest or shape.inner
    properties = shape.properties
    return {key: to_typed(each, properties.get(key, rest), is_json=is_json) for key, each in value.items()}


def _to_scalar(text: str, types: frozenset[str], is_json: bool) -> Any:
    if text in _NOTHING:
        return None
    if text in _FLAGS and ("boolean" in types or "string" not in types or is_json):
        return _FLAGS[text]
    if is_json:
        return _to_json_number(text)
    number = to_number(text) if "integer" in types or "number" in types else None
    return text if number is None else number


def _to_json_number(text: str) -> int | float | str:
    """Return the number that JSON writes so; one that is absurdly long stays a text."""
    if len(text) > _LONGEST_NUMBER:
        return text
    return int(text) if text.lstrip("-").isdecimal() else float(text)


def may_be_typed(text: str) -> bool:
    """Tell whether a text without quotes may be a flag, a number or nothing."""
    return text in _WORDS or text[0] in _NUMBERS_BEGIN


def to_number(text: str) -> int | float | None:
    """Return the number that a text is in its usual spelling; None where it is none."""
    if not _NUMBER.match(text) or len(text) > 18:
        return None
    return float(text) if "." in text else int(text)


def is_bent_flag(text: str) -> bool:
    """Tell whether a text is a flag to some YAML readers and not to others."""
    return bool(_BENT_FLAG.match(text)) and text not in _FLAGS


def is_bent_number(text: str) -> bool:
    """Tell whether a text is a number to some YAML readers and not to others."""
    return len(text) <= _LONGEST_NUMBER and bool(_BENT_NUMBER.match(text)) and to_number(text) is None
