"""JSON to values with the place of each, by JSON's own rules: no comment, no trailing comma, no NaN, no second key."""

import re
from bisect import bisect_right
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any

from omnictl.config.documents import (
    DEEPEST,
    LONGEST_PATH,
    MOST_MISTAKES,
    Document,
    Mark,
    Marks,
    MistakeError,
    Reading,
    Scalar,
    mistake,
    source_at,
)
from omnictl.model.diagnostic import Diagnostic, Source

_LINE_END = re.compile("\n")
_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def parse_strict_json(text: str, shown: str) -> Reading:
    """Parse the one value of a text; nothing but spaces gives no document."""
    walk = _Walk(text, shown)
    reading = Reading(diagnostics=walk.diagnostics)
    try:
        start = walk.skip(0)
        if start == len(text):
            return reading
        value, end = walk.value(start, "", 0)
        if walk.skip(end) != len(text):
            raise walk.fail(walk.skip(end), "something follows the value")
        marks = walk.marks
        reading.documents.append(
            Document(shown, value, text, marks.values[""], lambda: marks, has_scalars=True, in_braces=True)
        )
    except MistakeError as found:
        reading.diagnostics.append(found.diagnostic)
        reading.is_whole = False
    return reading


class _Walk:
    """Reads values from a position on, and remembers where each stood."""

    def __init__(self, text: str, shown: str) -> None:
        self.marks = Marks({}, {})
        self.diagnostics: list[Diagnostic] = []
        self._text = text
        self._shown = shown
        self._starts = [0, *(each.end() for each in _LINE_END.finditer(text))]

    def skip(self, position: int) -> int:
        """Return the position after spaces."""
        found = _SPACE.match(self._text, position)
        return found.end() if found else position

    def fail(self, position: int, what: str) -> MistakeError:
        """Return the error that ends the reading."""
        at = self._text[position : position + 1]
        hint = "JSON has no comments; a .yaml file has" if at in ("/", "#") else ""
        detail = f"The parser gave up: {what}."
        return MistakeError(mistake("not-json", "The file is not JSON", detail, self._at(position), hint=hint))

    def value(self, start: int, where: str, depth: int) -> tuple[Any, int]:
        """Return the value that starts at a position, and where it ends."""
        if depth > DEEPEST:
            detail = f"More than {DEEPEST} levels; a scenario has four."
            raise MistakeError(mistake("too-deep", "The file is nested too deeply", detail, self._at(start)))
        value: Any
        match self._text[start : start + 1]:
            case "{":
                value, end = self._mapping(start, where, depth)
            case "[":
                value, end = self._list(start, where, depth)
            case '"':
                value, end = self._string(start)
            case _:
                found = _WORD.match(self._text, start)
                if found is None:
                    raise self.fail(start, "a value is expected")
                value, end = Scalar(found[0]), found.end()
        self.marks.values.setdefault(where, self._mark(start, end))
        return value, end

    def _mapping(self, start: int, where: str, depth: int) -> tuple[dict[str, Any], int]:
        result: dict[str, Any] = {}
        position = self.skip(start + 1)
        if self._text[position : position + 1] == "}":
            return result, position + 1
        while True:
            if self._text[position : position + 1] != '"':
                raise self.fail(position, "a key in double quotes is expected")
            key, end = self._string(position)
            path = f"{where}.{key}" if where else key
            if len(path) > LONGEST_PATH:
                detail = f"With the keys above it, it has more than {LONGEST_PATH} characters."
                raise MistakeError(mistake("key-too-long", "A key is too long", detail, self._at(position)))
            if key in result:
                if len(self.diagnostics) <= MOST_MISTAKES:
                    self.diagnostics.append(self._twice(key, path, self._mark(position, end)))
                path = f"{path}\0"  # so that the places of the first stay
            self.marks.keys[path] = self._mark(position, end)
            colon = self.skip(end)
            if self._text[colon : colon + 1] != ":":
                raise self.fail(colon, "a colon is expected")
            value, end = self.value(self.skip(colon + 1), path, depth + 1)
            result.setdefault(key, value)
            position, is_last = self._after(end, "}")
            if is_last:
                return result, position

    def _list(self, start: int, where: str, depth: int) -> tuple[list[Any], int]:
        result: list[Any] = []
        position = self.skip(start + 1)
        if self._text[position : position + 1] == "]":
            return result, position + 1
        while True:
            value, end = self.value(position, f"{where}[{len(result)}]", depth + 1)
            result.append(value)
            position, is_last = self._after(end, "]")
            if is_last:
                return result, position

    def _after(self, end: int, closing: str) -> tuple[int, bool]:
        """Return where the next element starts, or where the collection ends."""
        position = self.skip(end)
        at = self._text[position : position + 1]
        if at not in (",", closing) or not at:
            raise self.fail(position, f"a comma or {closing} is expected")
        return (position + 1, True) if at == closing else (self.skip(position + 1), False)

    def _string(self, start: int) -> tuple[str, int]:
        try:
            text, end = scanstring(self._text, start + 1, True)
        except JSONDecodeError as error:
            raise self.fail(error.pos, (error.msg[:1].lower() + error.msg[1:]).removesuffix(" at")) from None
        if has_half_character(text):
            detail = "A \\uD800 to \\uDFFF escape has no other half."
            raise MistakeError(
                mistake("half-character", "An escape stands for half a character", detail, self._at(start))
            )
        return text, end

    def _twice(self, key: str, path: str, mark: Mark) -> Diagnostic:
        detail = f"{key} stands here and in line {self.marks.keys[path].line}."
        source = source_at(self._shown, self._text, mark)
        return mistake("duplicate-key", "A key stands twice", detail, source, hint="keep one of them")

    def _mark(self, start: int, end: int) -> Mark:
        line = bisect_right(self._starts, start)
        first = self._starts[line - 1]
        is_one_line = line == len(self._starts) or end < self._starts[line]
        return Mark(line, start - first + 1, end - first + 1 if is_one_line else 0)

    def _at(self, position: int) -> Source:
        return source_at(self._shown, self._text, self._mark(position, position + 1))


def has_half_character(text: str) -> bool:
    """Tell whether a text holds a surrogate, which no UTF-8 can carry."""
    return not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text)


CODES = {
    "half-character": "A \\uD800 to \\uDFFF escape without its other half is no character, and cannot be sent.",
    "not-json": "A file that ends in .json is read by the rules of JSON: no comments, no trailing commas, keys in "
    "double quotes.",
}
