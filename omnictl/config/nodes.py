"""The nodes of a file with their spans in its text, for edits; anchors and aliases as they stand.

Reading makes values of a file, this keeps how they are written. It is asked of files that were read without a mistake.
"""

import re
from collections.abc import Iterator
from enum import Enum
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

import yaml
from msgspec import Struct, field

from omnictl.config.documents import Mark, mark_at
from omnictl.config.endings import is_json_name
from omnictl.config.yaml import parse_events, scan_tokens

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_SPACE = re.compile(r"[ \t\r\n]*")
_JSON_WORD = re.compile(r"[^\s,\]}]+")


class Kind(Enum):
    """What a node is; an alias stands for a node that is written elsewhere."""

    SCALAR = "scalar"
    LIST = "list"
    MAPPING = "mapping"
    ALIAS = "alias"


class Node(Struct):
    """One node. ``start`` and ``end`` span it in the text, ``content`` is where it starts after anchor and tag.

    ``style`` is the sign that a scalar starts with: a quotation mark, | or >, "" for none. In block style the ``end``
    of a collection is that of its last value. ``is_shared``: an alias elsewhere in the document names it.
    """

    kind: Kind
    start: int
    end: int
    content: int
    style: str = ""
    is_flow: bool = False
    text: str = ""
    anchor: str | None = None
    is_shared: bool = False
    items: list["Node"] = field(default_factory=list)
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)

    def get(self, key: str) -> "Node | None":
        """Return the value of an own key of a mapping."""
        return next((value for name, value in self.pairs if name.text == key and name.kind is Kind.SCALAR), None)

    @property
    def has_merge(self) -> bool:
        """Whether a mapping takes keys from another one."""
        return any(key.text == "<<" and not key.style for key, _ in self.pairs)


def find_roots(text: str, shown: str) -> list[tuple[Mark, Node]]:
    """Return the root of each document of a text without a byte order mark, and where it starts."""
    if is_json_name(shown):
        start = _skip(text, 0)
        return [(mark_at(text, start), _read_json(text, start))]
    return list(_read_yaml(text))


def find_dashes(text: str, node: Node) -> list[int]:
    """Return where the dash of each item of a list in block style stands; fewer where that cannot be told."""
    tokens = [each.start_mark for each in scan_tokens(text) if isinstance(each, yaml.BlockEntryToken)]
    inside = [each for each in tokens if node.content <= each.index]
    column = inside[0].column if inside else 0
    own = [each.index for each in inside if each.column == column]
    found = [max((dash for dash in own if dash < each.start), default=-1) for each in node.items]
    return sorted({each for each in found if each >= 0})


def _read_yaml(text: str) -> Iterator[tuple[Mark, Node]]:
    events = iter(parse_events(text))
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            first = next(events)
            named: set[str] = set()
            root = _build(first, events, text, named)
            _share(root, named)
            mark: Any = first.start_mark
            yield Mark(mark.line + 1, mark.column + 1), root


def _build(event: Any, events: Iterator[Any], text: str, named: set[str]) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.AliasEvent):
        named.add(str(event.anchor))
        return Node(Kind.ALIAS, start, end, start, anchor=event.anchor)
    has_properties = event.anchor is not None or event.tag is not None
    bound = end if isinstance(event, yaml.ScalarEvent) else len(text)
    found = _PROPERTIES.match(text, start, bound) if has_properties else None
    content = start if found is None else found.end()
    if isinstance(event, yaml.ScalarEvent):
        end = content + len(text[content:end].rstrip())
        style = event.style if event.style in ("'", '"', "|", ">") else ""
        return Node(Kind.SCALAR, start, end, content, style, text=event.value, anchor=event.anchor)
    kind = Kind.MAPPING if isinstance(event, yaml.MappingStartEvent) else Kind.LIST
    node = Node(kind, start, end, content, is_flow=bool(event.flow_style), anchor=event.anchor)
    if node.is_flow:
        node.content = end - 1  # behind whatever stands between an anchor and the bracket
    children: list[Node] = []
    while not isinstance(inner := next(events), (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
        children.append(_build(inner, events, text, named))
    last: Any = inner.end_mark
    node.end = last.index if node.is_flow else children[-1].end if children else end
    if kind is Kind.LIST:
        node.items = children
    else:
        node.pairs = list(zip(children[::2], children[1::2], strict=True))
    return node


def _share(node: Node, named: set[str]) -> None:
    node.is_shared = node.kind is not Kind.ALIAS and node.anchor in named
    for each in (*node.items, *(part for pair in node.pairs for part in pair)):
        _share(each, named)


def _read_json(text: str, start: int) -> Node:
    if text[start] == "{":
        return _read_json_mapping(text, start)
    if text[start] == "[":
        return _read_json_list(text, start)
    if text[start] == '"':
        value, end = scanstring(text, start + 1, True)
        return Node(Kind.SCALAR, start, end, start, '"', text=value)
    found = _JSON_WORD.match(text, start)
    end = found.end() if found else start
    return Node(Kind.SCALAR, start, end, start, text=text[start:end])


def _read_json_mapping(text: str, start: int) -> Node:
    node = Node(Kind.MAPPING, start, start, start, is_flow=True)
    at = _skip(text, start + 1)
    while text[at] != "}":
        key = _read_json(text, at)
        value = _read_json(text, _skip(text, _skip(text, key.end) + 1))
        node.pairs.append((key, value))
        at = _after_comma(text, value.end)
    node.end = at + 1
    return node


def _read_json_list(text: str, start: int) -> Node:
    node = Node(Kind.LIST, start, start, start, is_flow=True)
    at = _skip(text, start + 1)
    while text[at] != "]":
        node.items.append(_read_json(text, at))
        at = _after_comma(text, node.items[-1].end)
    node.end = at + 1
    return node


def _after_comma(text: str, position: int) -> int:
    at = _skip(text, position)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
