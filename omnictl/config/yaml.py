"""YAML to values with the place of each: strict, bounded, and with the text that the author wrote.

The C parser composes nodes; an own walk turns them into values. No scalar is resolved here: ``0123``, ``+385…``,
``12:30`` and ``no`` stay the text that stands in the file, for the schema to take or leave.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from omnictl.config.documents import (
    DEEPEST,
    LONGEST_PATH,
    MOST_DOCUMENTS,
    MOST_MISTAKES,
    Document,
    Mark,
    MistakeError,
    Reading,
    Scalar,
    mark_at,
    mistake,
    source_at,
)
from omnictl.model.diagnostic import Source

_SPARE = 50_000
_PLAIN, _TEXT, _MERGE = "plain", "text", "merge"
_COLLECTIONS = {"list": "tag:yaml.org,2002:seq", "mapping": "tag:yaml.org,2002:map"}
_TEXTS = (_TEXT, "tag:yaml.org,2002:str")
_DEEP_BLOCK = re.compile(rf"^[ \t\-?:]{{{DEEPEST}}}", re.MULTILINE)
_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """Tags scalars by how they are written, not by what they might mean."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        if kind is yaml.ScalarNode:
            return _TEXT if not implicit[0] else _MERGE if value == "<<" else _PLAIN
        return _COLLECTIONS["list" if kind is yaml.SequenceNode else "mapping"]


def parse_yaml(text: str, shown: str) -> Reading:
    """Parse all documents of a text; what was read before a mistake in the syntax is kept."""
    reading = Reading()
    spare = _SPARE + 2 * len(text)  # values and their characters: without aliases there are no more than these
    try:
        for node in _compose(text, shown):
            walk = _Walk(shown, text, reading, spare)
            value = walk.value(node, "", 0)
            spare = walk.spare
            if spare < 0:  # the last scalars were too many: texts are not looked at one by one
                raise walk.too_large(node)
            if len(reading.documents) == MOST_DOCUMENTS:
                raise walk.too_many_documents(node)
            if not (node.start_mark.index == node.end_mark.index and node.tag == _PLAIN):
                reading.documents.append(Document(shown, value, walk.marks, walk.key_marks, text))
    except MistakeError as found:
        reading.diagnostics.append(found.diagnostic)
        reading.is_whole = False
    reading.diagnostics = list(dict.fromkeys(reading.diagnostics))
    return reading


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


class _Walk:
    """Turns the nodes of one document into values, keeping the place of each."""

    __slots__ = ("_open", "_reading", "_shown", "_text", "key_marks", "marks", "spare")

    def __init__(self, shown: str, text: str, reading: Reading, spare: int) -> None:
        self.marks: dict[str, Mark] = {}
        self.key_marks: dict[str, Mark] = {}
        self.spare = spare
        self._shown = shown
        self._text = text
        self._reading = reading
        self._open: set[int] = set()

    def value(self, node: yaml.Node, where: str, depth: int) -> Any:
        """Return the value of a node."""
        self.spare -= 1
        if where not in self.marks:
            self.marks[where] = _mark_of(node)
        if type(node) is yaml.ScalarNode:
            self.spare -= len(node.value)
            if node.tag == _PLAIN or node.tag == _MERGE:
                return Scalar(node.value, True)
            if node.tag in _TEXTS:
                return Scalar(node.value, False)
            raise self._tag(node)
        return self._collection(node, where, depth)

    def _collection(self, node: yaml.Node, where: str, depth: int) -> Any:
        if self.spare < 0:
            raise self.too_large(node)
        if depth > DEEPEST:
            raise _too_deep(self._at(node))
        if id(node) in self._open:
            detail = "The collection would have no end."
            raise self._mistake("recursive-alias", "An alias holds itself", detail, node)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                if node.tag != _COLLECTIONS["list"]:
                    raise self._tag(node)
                return [self.value(each, f"{where}[{i}]", depth + 1) for i, each in enumerate(node.value)]
            if node.tag != _COLLECTIONS["mapping"]:
                raise self._tag(node)
            return self._mapping(node, where, depth)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, where: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merges: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                if merges:
                    self._twice("<<", key_node, merges[0].start_mark.line + 1)
                merges.append(value_node)
                continue
            key = self._key(key_node)
            path = f"{where}.{key}" if where else key
            if len(path) > LONGEST_PATH:
                detail = f"With the keys above it, it has more than {LONGEST_PATH} characters."
                raise self._mistake("key-too-long", "A key is too long", detail, key_node, "shorten it")
            if key in result:
                self._twice(key, key_node, self.key_marks[path].line)
                continue
            self.key_marks[path] = _mark_of(key_node)
            result[key] = self.value(value_node, path, depth + 1)
        return self._merged(result, merges, where, depth) if merges else result

    def _key(self, node: yaml.Node) -> str:
        if type(node) is not yaml.ScalarNode:
            raise self._mistake("bad-key", "A key is not a text", "A collection stands where a key belongs.", node)
        if node.tag != _PLAIN and node.tag not in _TEXTS:
            raise self._tag(node)
        return str(node.value)

    def _merged(self, own: dict[str, Any], merges: list[yaml.Node], where: str, depth: int) -> dict[str, Any]:
        """Return a mapping with what ``<<`` brings; own keys come before it, and the first of a list before the rest.

        The places of own keys are known already, and stay.
        """
        merged: dict[str, Any] = {}
        for node in merges:
            for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
                if not isinstance(each, yaml.MappingNode):
                    raise self._mistake("bad-merge", "Only mappings can be merged", "<< takes mappings.", each)
                kept, self.key_marks = self.key_marks, {}
                merged = {**self._collection(each, where, depth + 1), **merged}
                for path, mark in self.key_marks.items():
                    kept.setdefault(path, mark)
                self.key_marks = kept
        return {**merged, **own}

    def too_large(self, node: yaml.Node) -> MistakeError:
        """Return the error of a document that its aliases multiply."""
        detail = "Followed, the aliases of this file make many times the text that it has."
        return self._mistake("too-many-aliases", "Aliases make the file too large", detail, node)

    def too_many_documents(self, node: yaml.Node) -> MistakeError:
        """Return the error of the first document that is one too many."""
        detail = f"Up to {MOST_DOCUMENTS:,} documents of a file are read."
        return self._mistake("too-many-documents", "The file has too many documents", detail, node, "split it")

    def _twice(self, key: str, node: yaml.Node, first: int) -> None:
        if len(self._reading.diagnostics) <= MOST_MISTAKES:
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
