"""Writing a text as a scalar that reads back as exactly this text, as it was written before where that can be."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from omnictl.config.shapes import is_bent_flag, is_bent_number, may_be_typed
from omnictl.model.hidden import find_hidden

_PLAIN = re.compile(r"[^\W_][^\t\n\r]*")
_PLAIN_UNSAFE = re.compile(r":(?:\s|$)|\s#|\s$")
_FLOW_UNSAFE = re.compile(r"[,\[\]{}]")
_STR = "tag:yaml.org,2002:str"
_RESOLVER: Any = yaml.SafeLoader("")


def escape_references(text: str) -> str:
    """Return a text of a scenario so that no variable is seen in it: ``${`` is written ``$${``."""
    parts, at = [], 0
    while (start := text.find("${", at)) >= 0:
        end = text.find("}", start) + 1 or len(text)  # a reference is read to its end, whatever is in it
        parts += [text[at:start], "$", text[start:end]]
        at = end
    return "".join((*parts, text[at:]))


def write_scalar(text: str, *, style: str = "", in_flow: bool = False, is_json: bool = False) -> str:
    """Return a scalar; ``style`` is that of the one before: a quotation mark, or "" for none.

    Quotes are taken where YAML would else bend the text, or another reader of YAML would.
    """
    if is_json:
        return _in_double_quotes(text, is_json=True)
    if style == '"' or any(True for _ in find_hidden(text)):
        return _in_double_quotes(text, is_json=False)
    if style != "'" and _is_safe_plain(text, in_flow=in_flow):
        return text
    if style == "'" or '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def _is_safe_plain(text: str, *, in_flow: bool) -> bool:
    if not _PLAIN.fullmatch(text) or _PLAIN_UNSAFE.search(text) or (in_flow and _FLOW_UNSAFE.search(text)):
        return False
    if may_be_typed(text) or is_bent_flag(text) or is_bent_number(text):
        return False
    return str(_RESOLVER.resolve(yaml.ScalarNode, text, (True, False))) == _STR


def _in_double_quotes(text: str, *, is_json: bool) -> str:
    hidden = frozenset(find_hidden(text))
    parts = (_escape(each, is_json=is_json) if i in hidden else _quoted(each) for i, each in enumerate(text))
    return '"' + "".join(parts) + '"'


def _quoted(character: str) -> str:
    return json.dumps(character, ensure_ascii=False)[1:-1]


def _escape(character: str, *, is_json: bool) -> str:
    if character < " ":
        return _quoted(character)
    if is_json or ord(character) < 0x10000:
        return "".join(f"\\u{each:04x}" for each in _units(character))
    return f"\\U{ord(character):08x}"


def _units(character: str) -> Iterator[int]:
    """Yield the units of a character in UTF-16, which is what JSON escapes."""
    encoded = character.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(encoded[i : i + 2]) for i in range(0, len(encoded), 2))
