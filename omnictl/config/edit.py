"""Edits of the text of a file by the spans of its nodes: what is not edited stays as it is, to the character.

Only a node that is written where it is used is edited: what comes through an anchor or a merge key is others' too.
"""

import re
from collections.abc import Sequence

import yaml
from msgspec import Struct

from omnictl.config.endings import is_json_name
from omnictl.config.nodes import Kind, Node, find_roots
from omnictl.config.scalars import write_scalar

_HEADER = re.compile(r"[|>]\S*([ \t]+#.*)")

_LONE_CR = re.compile(r"\r(?!\n)")


class EditRefusedError(Exception):
    """A text cannot be edited safely; says why, as a sentence without its end."""


class Place(Struct, frozen=True):
    """A document of a file: its path for people, and its number, from 0."""

    shown: str
    number: int

    @property
    def is_json(self) -> bool:
        """Whether the file is JSON."""
        return is_json_name(self.shown)


def root_of(text: str, place: Place) -> Node:
    """Return the root of a document. Raises EditRefusedError for what is no mapping, or has no lines to be edited."""
    if _LONE_CR.search(text):
        raise EditRefusedError("the file has line ends that are neither LF nor CRLF")
    try:
        root = find_roots(text, place.shown)[place.number][1]
    except (yaml.YAMLError, ValueError, IndexError):  # every file was read before: an edit made this of it
        raise EditRefusedError("with the edits before this one, the file could not be read") from None
    if root.kind is not Kind.MAPPING:
        raise EditRefusedError("the document is no mapping")
    return root


def descend(node: Node, path: Sequence[str | int]) -> Node:
    """Return the node at a path that belongs to this place alone. Raises EditRefusedError."""
    for each in path:
        found = node.get(each) if isinstance(each, str) else node.items[each]
        if found is None and node.has_merge:
            raise EditRefusedError(f"{each} comes through a merge key (<<), which others may share")
        if found is None:
            raise EditRefusedError(f"{each} is not written there")
        node = own(found)
    return node


def own(node: Node) -> Node:
    """Return a node that is written here and named nowhere else. Raises EditRefusedError."""
    if node.kind is Kind.ALIAS:
        raise EditRefusedError(f"the value comes from an anchor (*{node.anchor}), which others share")
    if node.is_shared:
        raise EditRefusedError(f"the value is an anchor (&{node.anchor}) that is used elsewhere too")
    return node


def replace_scalar(text: str, place: Place, path: Sequence[str | int], value: str) -> str:
    """Return the text with another value in a scalar, in the quotes that it had where they can hold it."""
    root = root_of(text, place)
    node = descend(root, path)
    if node.kind is not Kind.SCALAR:
        raise EditRefusedError("the value is no text")
    in_flow = any(descend(root, path[:depth]).is_flow for depth in range(len(path)))
    written = write_scalar(value, style=node.style, in_flow=in_flow, is_json=place.is_json)
    comment = _header_comment(text, node)
    space = "" if node.content > 0 and text[node.content - 1] in " \t" else " "
    return _splice(text, node.content, node.end, f"{space if not place.is_json else ''}{written}{comment}")


def _header_comment(text: str, node: Node) -> str:
    """Return the comment behind the sign of a block scalar, which stays."""
    found = _HEADER.match(text, node.content, node.end) if node.style in ("|", ">") else None
    return found[1].rstrip("\r") if found else ""


def add_key(text: str, node: Node, key: str, value: str, place: Place, *, after: str | None = None) -> str:
    """Return the text with a new key in a mapping, behind one that it has or the last one; ``value`` is a text."""
    name = f'"{key}"' if place.is_json else key
    written = write_scalar(value, in_flow=node.is_flow, is_json=place.is_json)
    return _add(text, node, key, [f"{name}: {written}"], after)


def add_mapping(text: str, node: Node, key: str, inner: str, value: str, place: Place) -> str:
    """Return the text with a new key in a mapping, whose value is a mapping of one key to a text."""
    written = write_scalar(value, in_flow=node.is_flow, is_json=place.is_json)
    lines = [f"{key}: {{{inner}: {written}}}"] if node.is_flow else [f"{key}:", f"  {inner}: {written}"]
    return _add(text, node, key, lines, None)


def _refuse_explicit(text: str, node: Node) -> None:
    """Refuse a mapping that writes a key behind a question mark: its value stands on a line of its own."""
    if any(text[line_start(text, key.start) : key.start].rstrip(" ").endswith("?") for key, _ in node.pairs):
        raise EditRefusedError("a key is written with a question mark (? key)")


def _add(text: str, node: Node, key: str, lines: Sequence[str], after: str | None) -> str:
    _refuse_explicit(text, node)
    if node.has_merge:
        raise EditRefusedError(f"{key} may come through a merge key (<<), which others may share")
    pair = next((each for each in node.pairs if each[0].text == after), node.pairs[-1] if node.pairs else None)
    if node.is_flow:
        return _add_in_braces(text, node, pair, lines[0])
    if pair is None:
        raise EditRefusedError(f"there is no place for {key}")
    first = node.pairs[0][0].start
    indent = " " * (first - line_start(text, first))
    return insert_line(text, pair[1].end, f"{ending_of(text)}{indent}".join([f"{indent}{lines[0]}", *lines[1:]]))


def _add_in_braces(text: str, node: Node, pair: tuple[Node, Node] | None, written: str) -> str:
    if pair is None:
        return _splice(text, node.content + 1, node.content + 1, written)
    lead = text[node.content + 1 : node.pairs[0][0].start]
    space = lead if "\n" in lead and not lead.strip() else " "
    return _splice(text, pair[1].end, pair[1].end, f",{space}{written}")


def remove_key(text: str, node: Node, key: str) -> str:
    """Return the text without a key of a mapping; comments on its line and below it stay."""
    number = next((i for i, each in enumerate(node.pairs) if each[0].text == key), None)
    if number is None or len(node.pairs) == 1:
        raise EditRefusedError(f"{key} is not written there alone")
    own(node.pairs[number][1])
    _refuse_explicit(text, node)
    start, end = node.pairs[number][0].start, node.pairs[number][1].end
    is_last = number + 1 == len(node.pairs)
    following = len(text) if is_last else node.pairs[number + 1][0].start
    if node.is_flow:
        return _remove_in_braces(text, node.pairs[number - 1][1].end, (start, end), None if is_last else following)
    behind = text[end : line_end(text, end)]
    if "#" in behind:
        return _splice(text, start, end + behind.index("#"), "")
    if text[line_start(text, start) : start].strip(" "):  # behind the dash of its step
        remark = text.find("#", end, following)
        return _splice(text, start, following if remark < 0 else remark, "")
    return _without_lines(text, line_start(text, start), line_end(text, end))


def _remove_in_braces(text: str, before: int, pair: tuple[int, int], following: int | None) -> str:
    start, end = (before, pair[1]) if following is None else (pair[0], following)
    if "#" in text[start : pair[0]] + text[pair[1] : end]:
        raise EditRefusedError("a comment stands beside it in the braces")
    return _splice(text, start, end, "")


def _without_lines(text: str, start: int, end: int) -> str:
    """Return the text without whole lines; where it did not end with a line end, it still does not."""
    left = text[:start] + text[end:]
    return left if end < len(text) or text.endswith("\n") else left.removesuffix(ending_of(text))


def line_start(text: str, position: int) -> int:
    """Return where the line of a position starts."""
    return text.rfind("\n", 0, position) + 1


def line_end(text: str, position: int) -> int:
    """Return where the line after that of a position starts."""
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1


def ending_of(text: str) -> str:
    """Return how lines end: as the first one does."""
    return "\r\n" if text.partition("\n")[0].endswith("\r") and "\n" in text else "\n"


def insert_line(text: str, position: int, line: str) -> str:
    """Return the text with a line after that of a position; whether the text ends with a line end stays."""
    at = line_end(text, position)
    ending = ending_of(text)
    return _splice(text, at, at, f"{line}{ending}" if text[at - 1 : at] == "\n" else f"{ending}{line}")


def _splice(text: str, start: int, end: int, written: str) -> str:
    return text[:start] + written + text[end:]
