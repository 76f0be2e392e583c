""".omnictlignore, beside omnictl.yaml: the unmanaged scenarios that the project knows of and lets be."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from omnictl.config.discovery import is_inside, outside
from omnictl.config.documents import Mark, MistakeError, limit_mistakes, mistake, source_at
from omnictl.config.reading import decode, read_bytes
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.drift import IgnoreLine
from omnictl.model.hidden import find_hidden

IGNORE_FILE = ".omnictlignore"
LONGEST_LINE = 1000
MOST_LINES = 10_000
_LINE_END = re.compile("\r?\n")


def read_ignore_file(root: Path) -> tuple[tuple[IgnoreLine, ...], tuple[Diagnostic, ...]]:
    """Return the lines of the file of a project, and what is wrong with it; without a file there are none."""
    path = root / IGNORE_FILE
    if not os.path.lexists(path):
        return (), ()
    if not is_inside(str(path), os.path.realpath(root)):
        return (), (outside(IGNORE_FILE),)
    try:
        return read_ignore_lines(read_bytes(path, IGNORE_FILE))
    except MistakeError as found:
        return (), (found.diagnostic,)


def read_ignore_lines(content: bytes) -> tuple[tuple[IgnoreLine, ...], tuple[Diagnostic, ...]]:
    """Return the lines of a file, and what is wrong with them. Raises MistakeError where it is not UTF-8."""
    text = decode(content, IGNORE_FILE).removeprefix("\ufeff")
    lines = tuple(_read_lines(text))
    return lines, tuple(limit_mistakes(_check(lines), IGNORE_FILE))


def _read_lines(text: str) -> Iterator[IgnoreLine]:
    """Yield each line that says something: a comment begins with #, a name that does with a backslash before it."""
    for number, line in enumerate(_LINE_END.split(text), start=1):
        said = line.strip(" \t")
        if said and not said.startswith("#"):
            column = line.index(said[0]) + 1
            yield IgnoreLine(said, source_at(IGNORE_FILE, text, Mark(number, column, column + len(said))))


def _check(lines: tuple[IgnoreLine, ...]) -> Iterator[Diagnostic]:
    if len(lines) > MOST_LINES:
        detail = f"It has {len(lines):,} lines; {MOST_LINES:,} are read at most."
        yield mistake("wrong-ignore-line", _SUMMARY, detail, lines[-1].source, hint="use a glob over names")
        return
    first: dict[str, IgnoreLine] = {}
    for each in lines:
        other = first.setdefault(each.text, each)
        if other is not each:
            yield mistake("wrong-ignore-line", _SUMMARY, f"It stands in line {other.source.line} too.", each.source)
        why, hint = _find_mistake(each.text)
        if why:
            yield mistake("wrong-ignore-line", _SUMMARY, why, each.source, hint=hint)


def _find_mistake(line: str) -> tuple[str, str]:
    if len(line) > LONGEST_LINE:
        return f"It has {len(line):,} characters; {LONGEST_LINE:,} are read at most.", ""
    if line.startswith("!"):
        return "Nothing is taken back by a line with ! here.", r"write \! where a name begins so"
    hidden = next(find_hidden(line), None)
    if hidden is not None:
        return f"It holds U+{ord(line[hidden]):04X}, which nobody sees.", "write ? in its place"
    return "", ""


_SUMMARY = "A line of .omnictlignore cannot be used"

CODES = {
    "wrong-ignore-line": "A line of .omnictlignore is a key, or a glob over names (* and ?), or a comment after #. It "
    "stands once, takes nothing back, and holds nothing that nobody sees.",
}
