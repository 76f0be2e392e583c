"""Files of recipients, row by row: a row that cannot be used is told, and never stops the others.

A file of any length takes a bounded memory: lines, and rows of several lines, have a longest length.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TextIO

from msgspec import Struct

from omnictl.config.addresses import PARSERS
from omnictl.config.recipient_columns import find_columns, refused, say_who_needs, without_marks
from omnictl.model.message import Recipient

LONGEST_LINE = 64 * 1024
"""How many bytes a line may have; of a longer one the start is shown, and the rest is passed over."""
MOST_LINES = 50
"""How many lines one row may have, where a cell in quotes holds line breaks."""
_DELIMITERS = (",", ";", "\t")
_OPEN = "a quote is opened and not closed"
_CHUNK = 1024 * 1024
_SHOWN = 200
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'", "|", "%")
_SEPARATOR = re.compile(rb'"?sep=([,;\t])"?\r?\n?')


class Lines(Protocol):
    """A binary file, as far as it is read here."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line, or as many bytes of it; b"" at the end."""
        ...


class Row(Struct, frozen=True):
    """One person of a file; ``line`` counts from 1, ``doubt`` says in words what may be wrong ("" for nothing)."""

    line: int
    recipient: Recipient
    doubt: str = ""


class BadRow(Struct, frozen=True):
    """A row that cannot be used: its line, why, the column (None: the whole row), and its cells as far as known.

    The reason repeats nothing of the row; the cells are as they stood there, and private.
    """

    line: int
    reason: str
    column: str | None = None
    cells: tuple[str, ...] = ()


class _Line(NamedTuple):
    number: int
    content: bytes
    is_cut: bool


class _Reader:
    """Lines of a file with their numbers; lines that were looked at can be given back."""

    def __init__(self, stream: Lines) -> None:
        self._stream = stream
        self._number = 0
        self._given_back: list[_Line] = []

    def next(self) -> _Line | None:
        """Return the next line; None at the end."""
        if self._given_back:
            return self._given_back.pop()
        content = self._stream.readline(LONGEST_LINE + 1)
        if not content:
            return None
        self._number += 1
        is_cut = len(content) > LONGEST_LINE and not content.endswith(b"\n")
        rest = content
        while is_cut and rest and not rest.endswith(b"\n"):
            rest = self._stream.readline(_CHUNK)
        return _Line(self._number, content, is_cut)

    def give_back(self, lines: Sequence[_Line]) -> None:
        """Let the next lines be these again."""
        self._given_back += reversed(lines)


class RecipientRows:
    """The rows of a file, in their order, once; ``header`` is its first row as it stands there."""

    def __init__(self, stream: Lines, shown: str, needed: Mapping[str, tuple[str, ...]]) -> None:
        self._reader = _Reader(stream)
        self._needed = needed
        self.header, self._delimiter = _read_header(self._reader, shown)
        self._columns = find_columns(self.header, needed, shown)

    def __iter__(self) -> Iterator[Row | BadRow]:
        while (line := self._reader.next()) is not None:
            cells = self._read_cells(line)
            if isinstance(cells, BadRow):
                yield cells
            elif any(each.strip() for each in cells):
                yield self._make_row(line.number, cells)

    def _read_cells(self, first: _Line) -> tuple[str, ...] | BadRow:
        """Return the cells of the row that begins in a line; further lines are taken where a quote is open."""
        why = _refuse_line(first)
        if why:
            return BadRow(first.number, why, cells=(_text_of(first)[:_SHOWN].rstrip("\r\n"),))
        cells, why = _split(_text_of(first), self._delimiter)
        if why != _OPEN:
            return BadRow(first.number, why, cells=(_text_of(first).rstrip("\r\n"),)) if why else cells
        more = list(self._lines_of_quote(first))
        cells, why = _split("".join(map(_text_of, (first, *more))), self._delimiter)
        if not why:
            return cells
        self._reader.give_back(more)
        return BadRow(first.number, why, cells=(_text_of(first).rstrip("\r\n"),))

    def _lines_of_quote(self, first: _Line) -> Iterator[_Line]:
        """Take the lines up to the one that closes the quote that a line opens."""
        size = len(first.content)
        for _ in range(MOST_LINES - 1):
            line = self._reader.next()
            if line is None:
                return
            size += len(line.content)
            if size > LONGEST_LINE or _refuse_line(line):
                self._reader.give_back([line])
                return
            yield line
            if line.content.count(b'"') % 2:
                return

    def _make_row(self, number: int, cells: tuple[str, ...]) -> Row | BadRow:
        why = self._check_width(cells)
        if why:
            return BadRow(number, why, cells=cells)
        values: dict[str, str] = {}
        doubts: list[str] = []
        for column, cell in zip(self._columns, cells, strict=False):
            text = without_marks(cell)
            if column.kind is None or not text:
                continue
            address = PARSERS[column.kind](text)
            if address.mistake:
                return BadRow(number, address.mistake, column.name, cells)
            values[column.kind] = address.value
            doubts += [address.doubt] if address.doubt else []
        for kind, channels in self._needed.items():
            if kind not in values:
                column_name = next(each.name for each in self._columns if each.kind == kind)
                return BadRow(number, f"it is empty, and {say_who_needs(channels)}", column_name, cells)
        if not values:
            return BadRow(number, "it has no address", cells=cells)
        return Row(number, Recipient(**values), "; ".join(doubts))

    def _check_width(self, cells: Sequence[str]) -> str:
        named = [index for index, each in enumerate(self._columns) if each.name.strip()]
        if len(cells) <= named[-1]:
            return f"it has {len(cells)} of {named[-1] + 1} columns"
        for index, cell in enumerate(cells):
            if cell.strip() and index not in named:
                return f"it has a value in column {index + 1}, which has no name in the first line"
        return ""


def read_rows(stream: Lines, *, shown: str, needed: Mapping[str, tuple[str, ...]] | None = None) -> RecipientRows:
    """Return the rows of a CSV file; its first line is read at once. Raises ConfigurationError where it is wrong.

    ``needed`` are the kinds of address (phone, email, push) that a flow needs, with the channels that need them: the
    file has a column for each, and a row without one of them is bad.
    """
    return RecipientRows(stream, shown, needed or {})


_ADDED = ("_line", "_reason")

BAD_ROWS_BEGIN = ",".join(_ADDED).encode("ascii")
"""How a file of bad rows begins."""


def write_bad_rows(stream: TextIO, header: Sequence[str], rows: Iterable[BadRow], *, with_header: bool = True) -> int:
    """Write bad rows as CSV: ``_line``, ``_reason``, and the row as it stood; return how many.

    ``with_header`` is for the first part of a file that is written in parts. ``stream`` was opened with ``newline=""``.
    No cell is a formula to a spreadsheet. Once mended, the file can be sent
    as it is: columns with _ are not read.
    """
    writer = csv.writer(stream)
    if with_header:
        writer.writerow([*_ADDED, *map(_harmless, header)])
    written = 0
    for row in rows:
        where = f"{row.column}: " if row.column is not None else ""
        writer.writerow([row.line, _harmless(f"{where}{row.reason}"), *map(_harmless, row.cells)])
        written += 1
    return written


def _harmless(cell: str) -> str:
    text = cell.replace("\0", "\ufffd")
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def _refuse_line(line: _Line) -> str:
    if line.is_cut:
        return f"the line has more than {LONGEST_LINE:,} bytes"
    if b"\0" in line.content:
        return "it holds a NUL character"
    try:
        line.content.decode("utf-8")
    except UnicodeDecodeError:
        return "it is not UTF-8"
    return ""


def _text_of(line: _Line) -> str:
    return line.content.decode("utf-8", "replace")


def _split(text: str, delimiter: str) -> tuple[tuple[str, ...], str]:
    """Return the cells of one row, or why it is none."""
    try:
        return tuple(next(csv.reader([text], delimiter=delimiter, strict=True), ())), ""
    except csv.Error as error:
        if "new-line" in str(error):
            return (), "a line ends in the middle of it"
        return (), _OPEN if "end of data" in str(error) else "something follows a quote that closes a cell"


def _read_header(reader: _Reader, shown: str) -> tuple[tuple[str, ...], str]:
    line = reader.next()
    if line is None:
        raise refused("empty-file", "The file is empty", "It has no first line with the names of columns.", shown)
    content = line.content.removeprefix(b"\xef\xbb\xbf")
    separator = _SEPARATOR.fullmatch(content)
    if separator is not None:  # a word to Excel, before the names
        line = reader.next() or line
        content = line.content
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        detail, hint = "It looks like UTF-16.", "save it as CSV UTF-8"
        raise refused("not-utf-8", "The file is not UTF-8", detail, shown, hint)
    why = _refuse_line(line)
    if why:
        code, summary = ("not-utf-8", "The file is not UTF-8") if "UTF-8" in why else ("not-csv", "The file is not CSV")
        raise refused(code, summary, f"The first line: {why}.", shown, "save it as CSV UTF-8")
    text = content.decode("utf-8").rstrip("\r\n")
    delimiter = separator[1].decode() if separator else max(_DELIMITERS, key=text.count)
    cells, why = _split(text, delimiter)
    if why:
        hint = "save it with the line ends of Windows or Unix" if "\r" in text else ""
        raise refused("not-csv", "The file is not CSV", f"The first line: {why}.", shown, hint)
    return cells, delimiter


CODES = {
    "not-csv": "The first line of a file of recipients cannot be read as names of columns.",
}
