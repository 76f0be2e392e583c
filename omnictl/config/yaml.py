"""YAML to values with the place of each: strict, bounded, and with the text that the author wrote.

The C parser composes nodes; an own walk turns them into values. No scalar is resolved here: ``0123``, ``+385…``,
``12:30`` and ``no`` stay the text that stands in the file, for the schema to take or leave.
"""

import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import yaml

from omnictl.config.documents import (
    DEEPEST,
    LONGEST_PATH,
    MOST_DOCUMENTS,
    MOST_MISTAKES,
    Document,
    Mark,
    Marks,
    MistakeError,
    Reading,
    Scalar,
    mark_at,
    mistake,
    source_at,
)
from omnictl.config.shapes import may_be_typed
from omnictl.model.diagnostic import Source

_SPARE = 50_000
_PLAIN, _TEXT, _MERGE = "plain", "text", "merge"
_COLLECTIONS = {"list": "tag:yaml.org,2002:seq", "mapping": "tag:yaml.org,2002:map"}
_WITHOUT_QUOTES = (_PLAIN, _MERGE)
_TEXTS = (_TEXT, "tag:yaml.org,2002:str")
_DEEP_BLOCK = re.compile(rf"^[ \t\-?:]{{{DEEPEST}}}", re.MULTILINE)
_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """Tags scalars by how they are written, not by what they might mean."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        if kind is yaml.ScalarNode:
            if not implicit[0]:
                return _TEXT
            return _PLAIN if may_be_typed(value) else _MERGE if value == "<<" else _TEXT
        return _COLLECTIONS["list" if kind is yaml.SequenceNode else "mapping"]


def parse_yaml(text: str, shown: str) -> Reading:
    """Parse all documents of a text; what was read before a mistake in the syntax is kept."""
    reading = Reading()
    walk, locator = _Walk(shown, text, reading), _Locator(shown, text)
    try:
        for number, node in enumerate(_compose(text, shown)):
            value = walk.whole(node)
            locator.documents = number + 1
            if not (node.start_mark.index == node.end_mark.index and node.tag == _PLAIN):
                locate = partial(locator.marks_of, number)
                in_braces = bool(getattr(node, "flow_style", False))
                reading.documents.append(
                    Document(shown, value, text, _mark_of(node), locate, walk.has_scalars, in_braces)
                )
    except MistakeError as found:
        reading.diagnostics.append(found.diagnostic)
        reading.is_whole = False
    reading.diagnostics = list(dict.fromkeys(reading.diagnostics))
    return reading


def parse_events(text: str) -> Iterator[yaml.Event]:
    """Yield the events of a text that was read without a mistake; they know where everything is written."""
    return iter(yaml.parse(text, Loader=_Loader))


def scan_tokens(text: str) -> Iterator[yaml.Token]:
    """Yield the tokens of a text that was read without a mistake."""
    return iter(yaml.scan(text, Loader=_Loader))


def _compose(text: str, shown: str) -> Iterator[yaml.Node]:
    _refuse_control_characters(text, shown)
    _refuse_deep_nesting(text, shown)
    loader = _Loader(text)
    try:
        while loader.check_node():
            yield loader.get_node()
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text, shown) from None
    finally:
        loader.dispose()


def _refuse_control_characters(text: str, shown: str) -> None:
    if text.isascii() and text.isprintable():
        return
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is not None:
        what = "a NUL character" if found[0] == "\0" else f"the control character U+{ord(found[0]):04X}"
        source = source_at(shown, text, mark_at(text, found.start()))
        raise MistakeError(mistake("not-yaml", "The file is not YAML", f"It holds {what}.", source, hint="remove it"))


def _refuse_deep_nesting(text: str, shown: str) -> None:
    """Bound the nesting before the parser, which recurses, sees it; only what looks deep is counted."""
    if text.count("[") + text.count("{") <= DEEPEST and not _DEEP_BLOCK.search(text):
        return
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEEPEST + 1:
                    start: Any = event.start_mark
                    mark = Mark(start.line + 1, start.column + 1)
                    raise _too_deep(source_at(shown, text, mark))
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.MarkedYAMLError:
        return  # composing fails at the same place, no deeper, and words it


def _too_deep(source: Source) -> MistakeError:
    detail = f"More than {DEEPEST} levels; a scenario has four."
    return MistakeError(mistake("too-deep", "The file is nested too deeply", detail, source))


def _syntax(error: yaml.MarkedYAMLError, text: str, shown: str) -> MistakeError:
    place = error.problem_mark
    mark = Mark(place.line + 1, place.column + 1) if place else Mark(1, 1)
    source = source_at(shown, text, mark)
    line = next((each for number, each in source.excerpt if number == mark.line), "")
    hint = "indent with spaces; YAML takes no tab there" if "\t" in line[: mark.column] else ""
    if not hint and ": " in line and "not allowed" in str(error.problem):
        hint = "put a text that holds a colon into quotes"
    context = f" {error.context}" if error.context else ""
    detail = f"The parser gave up{context}: {error.problem}."
    return MistakeError(mistake("not-yaml", "The file is not YAML", detail, source, hint=hint))


class _Locator:
    """Finds the places in a file, whose text is composed again when somebody asks for the first one.

    ``documents`` is how many of its documents were read without an error.
    """

    __slots__ = ("_found", "_shown", "_text", "documents")

    def __init__(self, shown: str, text: str) -> None:
        self.documents = 0
        self._shown = shown
        self._text = text
        self._found: list[Marks] = []

    def marks_of(self, number: int) -> Marks:
        """Return the places of a document, counted from 0."""
        if not self._found:
            self._found = [_find_marks(node) for node in islice(_compose(self._text, self._shown), self.documents)]
        return self._found[number]


def _find_marks(node: yaml.Node) -> Marks:
    marks = Marks({}, {})
    _add_marks(node, "", marks)
    return marks


def _add_marks(node: yaml.Node, where: str, marks: Marks) -> None:
    """Add the places of a node and all that is in it; what has a place keeps it, so own keys come before merged."""
    marks.values.setdefault(where, _mark_of(node))
    if isinstance(node, yaml.SequenceNode):
        for index, each in enumerate(node.value):
            _add_marks(each, f"{where}[{index}]", marks)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.tag != _MERGE:
                path = f"{where}.{key.value}" if where else key.value
                marks.keys.setdefault(path, _mark_of(key))
                _add_marks(value, path, marks)
        for key, value in node.value:
            if key.tag == _MERGE:
                for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    _add_marks(each, where, marks)


class _Walk:
    """Turns nodes into values. ``_spare`` bounds how many, and of how many characters, all aliases of a file make.

    ``has_scalars`` tells whether one so far needs the schema to be typed.
    """

    __slots__ = ("_open", "_reading", "_shown", "_spare", "_text", "has_scalars")

    def __init__(self, shown: str, text: str, reading: Reading) -> None:
        self._shown = shown
        self._text = text
        self._reading = reading
        self._spare = _SPARE + 2 * len(text)  # without aliases there are no more values and characters than these
        self._open: set[int] = set()
        self.has_scalars = False

    def whole(self, node: yaml.Node) -> Any:
        """Return the value of a document."""
        value = self._value(node, 0, 0)
        if self._spare < 0:  # the last scalars were too many: texts are not looked at one by one
            raise self._too_large(node)
        if len(self._reading.documents) == MOST_DOCUMENTS:
            raise self._too_many_documents(node)
        return value

    def _value(self, node: yaml.Node, depth: int, width: int) -> Any:
        """Return the value of a node; ``depth`` and ``width`` are the length of its path in steps and characters."""
        return self._scalar(node) if type(node) is yaml.ScalarNode else self._collection(node, depth, width)

    def _scalar(self, node: yaml.ScalarNode) -> str | Scalar:
        self._spare -= 1 + len(node.value)
        if node.tag in _TEXTS:
            return str(node.value)
        if node.tag in _WITHOUT_QUOTES:
            self.has_scalars = True
            return Scalar(node.value)
        raise self._tag(node)

    def _collection(self, node: yaml.Node, depth: int, width: int) -> Any:
        self._spare -= 1
        if self._spare < 0:
            raise self._too_large(node)
        if depth > DEEPEST:
            raise _too_deep(self._at(node))
        if id(node) in self._open:
            detail = "The collection would have no end."
            raise self._mistake("recursive-alias", "An alias holds itself", detail, node)
        self._open.add(id(node))
        try:
            if type(node) is yaml.SequenceNode:
                if node.tag != _COLLECTIONS["list"]:
                    raise self._tag(node)
                return [self._value(each, depth + 1, width) for each in node.value]
            if node.tag != _COLLECTIONS["mapping"]:
                raise self._tag(node)
            return self._mapping(node, depth, width)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, depth: int, width: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merges: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                if merges:
                    self._twice(key_node, node)
                merges.append(value_node)
                continue
            key = key_node.value if key_node.tag is _TEXT else self._key(key_node)
            inner = width + len(key) + 1
            if inner > LONGEST_PATH:
                detail = f"With the keys above it, it has more than {LONGEST_PATH} characters."
                raise self._mistake("key-too-long", "A key is too long", detail, key_node, "shorten it")
            if key in result:
                self._twice(key_node, node)
            elif type(value_node) is yaml.ScalarNode and value_node.tag is _TEXT:  # nearly all; _value has the rest
                self._spare -= 1 + len(value_node.value)
                result[key] = value_node.value
            else:
                result[key] = self._value(value_node, depth + 1, inner)
        return self._merged(result, merges, depth, width) if merges else result

    def _key(self, node: yaml.Node) -> str:
        if type(node) is not yaml.ScalarNode:
            raise self._mistake("bad-key", "A key is not a text", "A collection stands where a key belongs.", node)
        if node.tag != _PLAIN and node.tag not in _TEXTS:
            raise self._tag(node)
        return str(node.value)

    def _merged(self, own: dict[str, Any], merges: list[yaml.Node], depth: int, width: int) -> dict[str, Any]:
        """Return a mapping with what ``<<`` brings; own keys win, and then the first of a list."""
        merged: dict[str, Any] = {}
        for node in merges:
            for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
                if not isinstance(each, yaml.MappingNode):
                    raise self._mistake("bad-merge", "Only mappings can be merged", "<< takes mappings.", each)
                merged = {**self._collection(each, depth + 1, width), **merged}
        return {**merged, **own}

    def _too_large(self, node: yaml.Node) -> MistakeError:
        detail = "Followed, the aliases of this file make many times the text that it has."
        return self._mistake("too-many-aliases", "Aliases make the file too large", detail, node)

    def _too_many_documents(self, node: yaml.Node) -> MistakeError:
        detail = f"Up to {MOST_DOCUMENTS:,} documents of a file are read."
        return self._mistake("too-many-documents", "The file has too many documents", detail, node, "split it")

    def _twice(self, node: yaml.Node, mapping: yaml.Node) -> None:
        """Tell of a key that stands twice, with the line where it stands first."""
        if len(self._reading.diagnostics) > MOST_MISTAKES:
            return
        key, is_merge = node.value, node.tag == _MERGE
        first = next(
            each.start_mark.line + 1
            for each, _ in mapping.value
            if each.value == key and (each.tag == _MERGE) == is_merge
        )
        detail = f"{key} stands here and in line {first}."
        found = mistake("duplicate-key", "A key stands twice", detail, self._at(node), hint="keep one of them")
        self._reading.diagnostics.append(found)

    def _tag(self, node: yaml.Node) -> MistakeError:
        shown = str(node.tag).replace("tag:yaml.org,2002:", "!!")
        return self._mistake("custom-tag", "A tag cannot be used", f"{shown} is not known here.", node, "remove it")

    def _mistake(self, code: str, summary: str, detail: str, node: yaml.Node, hint: str = "") -> MistakeError:
        return MistakeError(mistake(code, summary, detail, self._at(node), hint=hint))

    def _at(self, node: yaml.Node) -> Source:
        return source_at(self._shown, self._text, _mark_of(node))


def _mark_of(node: yaml.Node) -> Mark:
    start, end = node.start_mark, node.end_mark
    line = start.line
    return Mark(line + 1, start.column + 1, end.column + 1 if end.line == line else 0)


CODES = {
    "not-yaml": "The parser cannot read the file; line and column say where it gave up.",
    "too-deep": "Collections are nested deeper than any scenario needs.",
    "too-many-aliases": "Aliases multiply the content of the file beyond a bound.",
    "recursive-alias": "An alias refers to a collection that it is part of.",
    "too-many-documents": "A file holds more documents than are read of one. Split it; one file a scenario is usual.",
    "key-too-long": "A key is absurdly long. Every value is known by the keys that lead to it.",
    "custom-tag": "Tags such as !!python/object are refused; plain YAML is enough. Only !!str, !!map and !!seq say "
    "nothing new.",
    "bad-key": "A key of a mapping is a collection; keys are texts.",
    "duplicate-key": "The same key stands twice in one mapping. YAML would keep the last in silence; omnictl asks.",
    "bad-merge": "The merge key << takes a mapping or a list of mappings.",
}
