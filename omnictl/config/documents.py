"""What reading a file gives: values with the place of each, the text of the author kept; and what is wrong with it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from msgspec import Struct, field

from omnictl.model.diagnostic import Diagnostic, Severity, Source

LARGEST_BYTES = 1024 * 1024
DEEPEST = 40
LONGEST_PATH = 300
"""How many characters the keys to a value may have together: every value below them is known by that path."""
MOST_DOCUMENTS = 10_000
MOST_MISTAKES = 100
"""How many mistakes of a file are told; looking for more would cost more than it helps."""

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
LONGEST_EXCERPT = 200
_LONGEST_QUOTED = 80
_LONGEST_SENTENCE = 1000
LONGEST_MASKED = 16_384
"""How much of a line is searched for credentials, so that no half of one is shown where the excerpt ends."""
_API_KEY = r"\b[0-9a-fA-F]{32}-[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
_IN_URL = (
    r"(?<=://)[^/\s@:]*:[^/\s@]+(?=@)|(?<!(?i:ssh)://)(?<!(?i:postgres)://)(?<!(?i:postgresql)://)(?<=://)[^/\s@]+(?=@)"
)
"""Of ssh and PostgreSQL a user alone is no secret; elsewhere it may be a token."""
_CREDENTIAL = rf"\b(?:App|Basic|Bearer|IBSSO) +(?=[^\s\"']*[0-9=])[^\s\"']{{12,}}|{_IN_URL}"
_NAMED = (
    r"(?i:api_?key|password|token|secret|authorization)"
    r"(?:[\"']? *[:=] *|_env[\"']? *[:=] *(?![A-Z_][A-Z0-9_]*(?:[\s,}]|$)))(?P<value>[^\s#].*)"
)
_IS_CREDENTIAL = re.compile(_CREDENTIAL)
_IS_API_KEY = re.compile(_API_KEY)
_MASKED = re.compile(f"{_API_KEY}|{_CREDENTIAL}|{_NAMED}")


class Mark(NamedTuple):
    """Where a value stands: line and column from 1; ``end_column`` is exclusive, 0 where it ends on another line."""

    line: int
    column: int
    end_column: int = 0


class Scalar(NamedTuple):
    """A scalar without quotes that may be a flag, a number or nothing: the schema decides. All others are texts."""

    text: str


class Marks(NamedTuple):
    """Where the values of a document stand, and the keys before them, by path."""

    values: dict[str, Mark]
    keys: dict[str, Mark]


class Document(Struct):
    """One document: plain values (mappings, lists, texts, Scalar), the file, its text, and where the document starts.

    The place of each path is found when somebody asks for the first one: hardly any document has a mistake.
    ``in_braces``: its keys stand in ``{…}``, as in JSON.
    """

    path: str
    value: Any
    text: str
    start: Mark
    locate: Callable[[], Marks]
    has_scalars: bool
    in_braces: bool = False
    _marks: Marks | None = None

    @property
    def marks(self) -> Mapping[str, Mark]:
        """The place of each value."""
        return self._located.values

    @property
    def key_marks(self) -> Mapping[str, Mark]:
        """The place of each key."""
        return self._located.keys

    @property
    def _located(self) -> Marks:
        if self._marks is None:
            self._marks = self.locate()
        return self._marks

    def source(self, where: str, *, at_key: bool = False) -> Source:
        """Return the place of a path, with the lines around it; of its nearest parent if it is absent."""
        if not where and not at_key:
            return source_at(self.path, self.text, self.start)
        mark = self.key_marks.get(where) if at_key else self.marks.get(where)
        while mark is None and where:
            where = where[: max(where.rfind("."), where.rfind("["), 0)]
            mark = self.marks.get(where)
        return source_at(self.path, self.text, mark or Mark(1, 1))


class Places(Mapping[str, Source]):
    """The places of a document by path. An excerpt is cut when somebody asks for it, since hardly anybody does."""

    __slots__ = ("_document",)

    def __init__(self, document: Document) -> None:
        self._document = document

    @property
    def document(self) -> Document:
        """The document whose places these are."""
        return self._document

    def __getitem__(self, where: str) -> Source:
        if where and where not in self._document.marks:
            raise KeyError(where)
        return self._document.source(where)

    def __iter__(self) -> Iterator[str]:
        return iter(self._document.marks)

    def __len__(self) -> int:
        return len(self._document.marks)


class Reading(Struct):
    """What a file gave: documents, and what is wrong with it. ``is_whole`` is false where the reading broke off."""

    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    is_whole: bool = True


class MistakeError(Exception):
    """The reading of a file cannot go on; carries the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.code)
        self.diagnostic = diagnostic


def mistake(code: str, summary: str, detail: str, source: Source, *, hint: str = "", label: str = "") -> Diagnostic:
    """Return the diagnostic of a mistake in a file."""
    return Diagnostic(code, Severity.ERROR, summary, detail, source, label=label, hint=hint)


@lru_cache(maxsize=4)  # a file with thousands of mistakes is split once, not once a mistake
def split_lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text."""
    return tuple(_LINE_BREAK.split(text))


def source_at(path: str, text: str, mark: Mark) -> Source:
    """Return a place with the lines around it."""
    lines = split_lines(text)
    if mark.line > len(lines):
        mark = Mark(len(lines), len(lines[-1]) + 1)  # the parser counts the end of the file as a line
    end = len(lines)
    if not lines[-1] and mark.line < end:
        end -= 1  # the end of the last line is no line
    first, last = max(1, mark.line - 1), min(end, mark.line + 1)
    shown = ((number, lines[number - 1][:LONGEST_MASKED]) for number in range(first, last + 1))
    excerpt = tuple((number, mask(line)[:LONGEST_EXCERPT]) for number, line in shown)
    return Source(path, mark.line, mark.column, mark.end_column or None, excerpt)


def limit_mistakes(found: Iterable[Diagnostic], path: str) -> list[Diagnostic]:
    """Return what is wrong with a file, as far as it is told, and that there is more; the rest is not looked for."""
    told = [_shorten(each) for each in islice(found, MOST_MISTAKES + 1)]
    if len(told) <= MOST_MISTAKES:
        return told
    detail = f"The first {MOST_MISTAKES} of this file are told."
    hint = "mend these, then run the same command again"
    summary = "There are more mistakes than are told"
    more = Diagnostic("more-mistakes", Severity.NOTE, summary, detail, Source(path), hint=hint)
    return [*told[:MOST_MISTAKES], more]


def _shorten(found: Diagnostic) -> Diagnostic:
    """Return a mistake that does not say again the whole of an endless text."""
    texts = (found.detail, found.label, found.hint, *found.commands)
    if all(len(each) <= _LONGEST_SENTENCE for each in texts):
        return found
    detail, label, hint, *commands = (
        each if len(each) <= _LONGEST_SENTENCE else f"{each[:_LONGEST_SENTENCE]}..." for each in texts
    )
    return replace(found, detail=detail, label=label, hint=hint, commands=tuple(commands))


@lru_cache(maxsize=4)  # asked of each document, and a file may have thousands
def has_reference(text: str) -> bool:
    """Tell whether a text may hold a reference to a variable."""
    return "${" in text


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics by place, each once."""

    def place(each: Diagnostic) -> tuple[str, int, int]:
        source = each.source
        return (source.path, source.line or 0, source.column or 0) if source else ("", 0, 0)

    return tuple(sorted(dict.fromkeys(diagnostics), key=place))


def looks_like_credential(text: str, *, or_api_key: bool = True) -> bool:
    """Tell whether a text holds what looks like a credential; the application code of PUSH looks like an API key."""
    return bool(_IS_CREDENTIAL.search(text) or (or_api_key and _IS_API_KEY.search(text)))


@lru_cache(maxsize=4)
def holds_api_key(text: str) -> bool:
    """Tell whether a text holds what has the form of an API key; each document of a file asks for the whole file."""
    return _IS_API_KEY.search(text) is not None


def texts_of(value: Any, where: str = "") -> list[tuple[str, str]]:
    """Return the text of every scalar of a value with its path."""
    if isinstance(value, str):
        return [(where, value)]
    if isinstance(value, Scalar):
        return [(where, value.text)]
    pairs = enumerate(value) if isinstance(value, list) else value.items()
    return [
        each
        for key, inner in pairs
        for each in texts_of(inner, f"{where}[{key}]" if isinstance(key, int) else f"{where}.{key}".strip("."))
    ]


def mask_api_keys(text: str) -> str:
    """Return a text with stars for what has the form of an API key."""
    return _IS_API_KEY.sub(lambda found: re.sub(r"\S", "*", found[0]), text)


def mask(text: str) -> str:
    """Return a text with stars for what may be a credential, as long as before, so that columns stay."""

    def stars(match: re.Match[str]) -> str:
        start = match.start("value") - match.start() if match["value"] else 0
        return match[0][:start] + re.sub(r"\S", "*", match[0][start:])

    return _MASKED.sub(stars, text)


def shorten(text: str) -> str:
    """Return a text of a file as it is quoted in a sentence: not too long."""
    return text if len(text) <= _LONGEST_QUOTED else f"{text[: _LONGEST_QUOTED - 3]}..."


def mark_at(text: str, position: int) -> Mark:
    """Return the line and column of a position in a text."""
    breaks = [each for each in _LINE_BREAK.finditer(text, 0, position) if each.end() <= position]
    return Mark(len(breaks) + 1, position - (breaks[-1].end() if breaks else 0) + 1)


CODES = {
    "more-mistakes": "Only so many mistakes of a file are told, and only so many of a project: a file that is wrong "
    "as a whole would bury all others. Mend those, and the rest is told.",
}
