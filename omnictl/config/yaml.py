"""YAML to plain values with the place of each: strict, bounded, and with the text that the author wrote.

The C parser composes nodes; an own walk turns them into values and refuses what YAML would bend. A plain scalar stays
the text that stands in the file (``0123``, ``+385…``, ``12:30``); only true, false and whole or decimal numbers in
their usual spelling are offered as such, for the schema to take or leave.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from omnictl.model.diagnostic import Diagnostic, Severity, Source

LARGEST_BYTES = 1024 * 1024
DEEPEST = 40
MOST_NODES = 50_000

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$")
_BENT_FLAGS = frozenset(("yes", "no", "on", "off", "y", "n"))
_MERGE = "tag:yaml.org,2002:merge"
_STANDARD = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value stands: line and column from 1; ``end_column`` is exclusive, 0 where it ends on another line."""

    line: int
    column: int
    end_column: int = 0


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar: the text of the author, and whether it stood in quotes."""

    text: str
    is_plain: bool


@dataclass(slots=True)
class Document:
    """One document: plain values (mappings, lists, Scalar), the place of each path, the file, its lines."""

    path: str
    value: Any
    marks: dict[str, Mark]
    key_marks: dict[str, Mark]
    lines: list[str]

    def source(self, where: str, *, at_key: bool = False) -> Source:
        """Return the place of a path, with the lines around it; of its nearest parent if it is absent."""
        marks = self.key_marks if at_key else self.marks
        mark = marks.get(where) or self.marks.get(where)
        while mark is None and where:
            where = where.rpartition("." if where.rfind(".") > where.rfind("[") else "[")[0]
            mark = self.marks.get(where)
        return _source(self.path, self.lines, mark or Mark(1, 1))


@dataclass(slots=True)
class Reading:
    """What a file gave: documents, and what is wrong with it."""

    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


class _ProblemError(Exception):
    """Something in a file is wrong; carries the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.code)
        self.diagnostic = diagnostic


def read_file(path: Path, shown: str) -> Reading:
    """Read a file; never blocks on what is no regular file, and never raises. ``shown`` is its path for people."""
    try:
        return parse_text(_read_text(path, shown), shown)
    except _ProblemError as problem:
        return Reading(diagnostics=[problem.diagnostic])


def _read_text(path: Path, shown: str) -> str:
    try:
        kind = path.stat()
        if not stat.S_ISREG(kind.st_mode):
            what = "a directory" if stat.S_ISDIR(kind.st_mode) else "not a regular file"
            raise _problem("not-a-file", "A file was expected", f"It is {what}.", Source(shown))
        if kind.st_size > LARGEST_BYTES:
            raise _problem("file-too-large", "The file is too large", f"It has {kind.st_size} bytes.", Source(shown))
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise _problem("unreadable-file", "The file cannot be read", f"{error.strerror}.", Source(shown)) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        detail = f"The byte 0x{content[error.start]:02x} at offset {error.start} is not UTF-8."
        raise _problem("not-utf-8", "The file is not UTF-8", detail, Source(shown, line, 1)) from None


def parse_text(text: str, shown: str) -> Reading:
    """Parse YAML (or JSON, which is YAML); all documents of the text."""
    reading = Reading()
    lines = text.split("\n")
    try:
        for node in _compose(text, shown, lines):
            walk = _Walk(shown, lines, reading.diagnostics)
            value = walk.value(node, "", 0)
            reading.documents.append(Document(shown, value, walk.marks, walk.key_marks, lines))
    except _ProblemError as problem:
        reading.diagnostics.append(problem.diagnostic)
    return reading


def _compose(text: str, shown: str, lines: list[str]) -> Iterator[yaml.Node]:
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise _problem("not-yaml", "The file is not YAML", "It holds a NUL character.", Source(shown, line, 1))
    if _nests_too_deeply(text):
        raise _problem("too-deep", "The file is nested too deeply", f"More than {DEEPEST} levels.", Source(shown, 1, 1))
    try:
        yield from yaml.compose_all(text, Loader=_Loader)
    except (yaml.MarkedYAMLError, yaml.reader.ReaderError) as error:
        mark = getattr(error, "problem_mark", None)
        where = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
        detail = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed")
        hint = "indent with spaces; a tab cannot be used" if "\\t" in detail else ""
        source = _source(shown, lines, where)
        raise _problem("not-yaml", "The file is not YAML", f"{detail}.", source, hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise _problem("not-yaml", "The file is not YAML", f"{error}.", Source(shown, 1, 1)) from None


def _nests_too_deeply(text: str) -> bool:
    """Bound the nesting before the parser recurses: brackets, and the indentation of block collections."""
    depth = deepest = 0
    for each in text:
        if each in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif each in "]}":
            depth -= 1
    dashes = max((len(m) // 2 for m in re.findall(r"^(?:\s*(?:- ?)+)", text, re.MULTILINE)), default=0)
    return deepest > 4 * DEEPEST or dashes > 4 * DEEPEST


class _Walk:
    """Turns the nodes of one document into values, keeping the place of each."""

    def __init__(self, path: str, lines: list[str], diagnostics: list[Diagnostic]) -> None:
        self.marks: dict[str, Mark] = {}
        self.key_marks: dict[str, Mark] = {}
        self._path = path
        self._lines = lines
        self._diagnostics = diagnostics
        self._nodes = 0
        self._open: set[int] = set()

    def value(self, node: yaml.Node, where: str, depth: int) -> Any:
        """Return the value of a node."""
        self._nodes += 1
        mark = _mark_of(node)
        self.marks.setdefault(where, mark)
        if self._nodes > MOST_NODES:
            raise _problem("too-many-aliases", "Aliases make the file too large", "", self._at(mark))
        if depth > DEEPEST:
            raise _problem("too-deep", "The file is nested too deeply", f"More than {DEEPEST} levels.", self._at(mark))
        if id(node) in self._open:
            raise _problem("recursive-alias", "An alias holds itself", "", self._at(mark))
        if not node.tag.startswith(_STANDARD) or node.tag.removeprefix(_STANDARD).startswith("python"):
            raise _problem("custom-tag", "A tag cannot be used", f"{node.tag}.", self._at(mark), hint="remove it")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.ScalarNode):
                return Scalar(node.value, not node.style)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(each, f"{where}[{i}]", depth + 1) for i, each in enumerate(node.value)]
            return self._mapping(node.value, where, depth)
        finally:
            self._open.discard(id(node))

    def _mapping(self, pairs: list[tuple[yaml.Node, yaml.Node]], where: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in pairs:
            if key_node.tag == _MERGE:
                for each in self._merges(value_node, where, depth):
                    merged = {**each, **merged}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise _problem("bad-key", "A key is not a text", "", self._at(_mark_of(key_node)))
            key = key_node.value
            path = f"{where}.{key}" if where else key
            if key in result:
                detail = f"{key} stands here and in line {self.key_marks[path].line}."
                source = self._at(_mark_of(key_node))
                self._diagnostics.append(
                    _diagnostic("duplicate-key", "A key stands twice", detail, source, hint="keep one of them")
                )
                continue
            self.key_marks[path] = _mark_of(key_node)
            result[key] = self.value(value_node, path, depth + 1)
        return {**merged, **result}

    def _merges(self, node: yaml.Node, where: str, depth: int) -> list[dict[str, Any]]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        values = [self.value(each, where, depth + 1) for each in nodes]
        if not all(isinstance(each, dict) for each in values):
            raise _problem("bad-merge", "Only mappings can be merged", "", self._at(_mark_of(node)))
        return values

    def _at(self, mark: Mark) -> Source:
        return _source(self._path, self._lines, mark)


def to_plain(value: Any) -> Any:
    """Return plain values for the schema: a plain true or false is a flag, the rest of the scalars is text."""
    if isinstance(value, Scalar):
        if value.is_plain and value.text in ("true", "false"):
            return value.text == "true"
        if value.is_plain and value.text in ("", "~", "null"):
            return None
        return value.text
    if isinstance(value, list):
        return [to_plain(each) for each in value]
    return {key: to_plain(each) for key, each in value.items()}


def to_number(text: str) -> int | float | None:
    """Return the number that a text is in its usual spelling; None where it is none."""
    if not _NUMBER.match(text):
        return None
    return float(text) if "." in text else int(text)


def looks_bent(text: str) -> bool:
    """Tell whether a text is a flag to some YAML readers and not to others."""
    return text.lower() in _BENT_FLAGS or (text.lower() in ("true", "false") and text not in ("true", "false"))


def _mark_of(node: yaml.Node) -> Mark:
    start, end = node.start_mark, node.end_mark
    return Mark(start.line + 1, start.column + 1, end.column + 1 if end.line == start.line else 0)


def _source(path: str, lines: list[str], mark: Mark) -> Source:
    first, last = max(1, mark.line - 1), min(len(lines), mark.line + 1)
    excerpt = tuple((number, lines[number - 1][:200].rstrip("\r")) for number in range(first, last + 1))
    return Source(path, mark.line, mark.column, mark.end_column or None, excerpt)


def _diagnostic(code: str, summary: str, detail: str, source: Source, *, hint: str = "") -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, detail, source, hint=hint)


def _problem(code: str, summary: str, detail: str, source: Source, *, hint: str = "") -> _ProblemError:
    return _ProblemError(_diagnostic(code, summary, detail, source, hint=hint))


CODES = {
    "not-a-file": "A directory, a fifo or a device stands where a file was expected. Nothing is read from it.",
    "file-too-large": "The file has more than a megabyte; a scenario has a few hundred bytes.",
    "unreadable-file": "The file cannot be opened. Check that it exists and may be read.",
    "not-utf-8": "The file holds bytes that are not UTF-8. Save it as UTF-8.",
    "not-yaml": "The parser cannot read the file; line and column say where it gave up.",
    "too-deep": "Collections are nested deeper than any scenario needs.",
    "too-many-aliases": "Aliases multiply the content of the file beyond a bound.",
    "recursive-alias": "An alias refers to a collection that it is part of.",
    "custom-tag": "Tags such as !!python/object are refused; plain YAML is enough.",
    "bad-key": "A key of a mapping is a collection; keys are texts.",
    "duplicate-key": "The same key stands twice in one mapping. YAML would keep the last in silence; omnictl asks.",
    "bad-merge": "The merge key << takes a mapping or a list of mappings.",
}
