"""Files of recipients: the first line, every row that cannot be used, and a memory that does not grow."""

import csv
import io
import tracemalloc
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.config.recipient_rows import LONGEST_LINE, BadRow, RecipientRows, Row, read_rows, write_bad_rows
from omnictl.errors import ConfigurationError
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.message import Recipient

A, B = "41793026727", "41793026731"
NEEDED = {"phone": ("VKONTAKTE", "SMS"), "email": ("EMAIL",)}


def rows(content: str | bytes, needed: Mapping[str, tuple[str, ...]] | None = None) -> RecipientRows:
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return read_rows(stream, shown="people.csv", needed=needed)


def refused(content: str | bytes, needed: Mapping[str, tuple[str, ...]] | None = None) -> tuple[Diagnostic, ...]:
    with pytest.raises(ConfigurationError) as raised:
        rows(content, needed)
    return raised.value.diagnostics


def bad(content: str) -> BadRow:
    (found,) = (each for each in rows(content) if isinstance(each, BadRow))
    return found


def told(each: Row | BadRow) -> tuple[int, str | None]:
    return each.line, each.recipient.phone if isinstance(each, Row) else None


@pytest.mark.parametrize(
    "content",
    [
        f"phone,email\n{A},a@b.test\n{B},\n",
        f"\ufeffphone;email\r\n{A};a@b.test\r\n{B};\r\n",
        f"Phone Number\tE-Mail\n+41 79 302 67 27\ta@b.test\n'{B}\t\n",
        f'sep=;\nMSISDN;emailAddress;_note\n"{A}";a@b.test;"a;b"\n"=""{B}""";;\n',
        f'gsm,email,_note\n{A},a@b.test,5" disk\n{B},,"two\nlines"\n',
        f"to,email,,\n\n{A},a@b.test,,\n,,,\n  \n{B},,,",
        f"_a,email,phone\n1,a@b.test,{A}\n2,,{B}",
    ],
)
def test_rows_are_read_however_a_spreadsheet_writes_them(content: str) -> None:
    found = list(rows(content))
    assert [each.recipient for each in found if isinstance(each, Row)] == [Recipient(A, "a@b.test"), Recipient(B)]
    assert len(found) == 2


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ("", "empty-file", "first line"),
        (f"phone\n{A}".encode("utf-16"), "not-utf-8", "CSV UTF-8"),
        (f"phone\n{A}".encode("utf-16-le"), "not-utf-8", "CSV UTF-8"),
        (b"ph\xf6ne\n", "not-utf-8", "The first line: it is not UTF-8"),
        ("x" * (LONGEST_LINE + 5), "not-csv", "65,536 bytes"),
        (f"phone,_a\r{A},1\r", "not-csv", "Windows or Unix"),
        ('phone,"a', "not-csv", "opened and not closed"),
        ('phone,"a"b\n', "not-csv", "follows a quote"),
        ("," * 100, "too-many-elements", "101"),
        (f"{A}\n{B}\n", "no-header", "such as phone"),
        (f"a@b.test,{A}\n", "no-header", "such as phone"),
        ("phone,text\n", "text-column", "text: one content goes to everybody"),
        ("phone,SMS\n", "text-column", "SMS: "),
        ("phone,vKontakte\n", "text-column", "vKontakte: "),
        ("phone,name\n", "unknown-column", "not read: _name"),
        ("phone,emial\n", "unknown-column", "did you mean email?"),
        ("phone,gsm\n", "duplicate-column", "phone and gsm are both phone"),
        ("_a\n", "missing-column", "no column phone"),
        ("\n\n", "missing-column", "no column phone"),
    ],
)
def test_a_first_line_that_cannot_be_used_is_told(content: str | bytes, code: str, words: str) -> None:
    (found,) = refused(content)
    assert found.code == code
    assert found.source is not None
    assert (found.source.path, found.source.line) == ("people.csv", 1)
    assert words in f"{found.detail} {found.label} {found.hint}"


def test_all_that_is_wrong_with_a_first_line_is_told_together() -> None:
    found = refused("phone,text,name,phone number\n", NEEDED)
    assert [each.code for each in found] == ["text-column", "unknown-column", "duplicate-column", "missing-column"]
    assert found[-1].detail == "There is no column email, and EMAIL needs it."


@pytest.mark.parametrize(
    ("row", "reason", "column"),
    [
        ("4.1793E+10,,", "rounded", "phone"),
        ("0793026727,,", "not international", "phone"),
        (f"{A},x,", "no e-mail address", "email"),
        (",,note", "it has no address", None),
        (f"{A}", "1 of 3 columns", None),
        (f"{A},,,x", "column 4, which has no name", None),
        (f'{A},,"a', "opened and not closed", None),
        (f'{A},,"a"b', "follows a quote", None),
        (f"{A},\0,", "NUL", None),
        (f"{A},\r,", "a line ends in the middle", None),
        ("=HYPERLINK(1),,", "digits, spaces", "phone"),
        (f"{A},,{'x' * LONGEST_LINE}", "65,536 bytes", None),
    ],
)
def test_a_bad_row_is_told_and_stops_no_other(row: str, reason: str, column: str | None) -> None:
    content = f"phone,email,_note\n{A},,\n{row}\n{B},,\n"
    assert [told(each) for each in rows(content)] == [(2, A), (3, None), (4, B)]
    found = bad(content)
    assert reason in found.reason
    assert found.column == column
    assert A not in found.reason
    assert found.cells


def test_bytes_that_are_not_utf_8_spoil_their_row_alone() -> None:
    content = f"phone\n{A}\n".encode() + b"\xff\xfe\n" + B.encode()
    assert [told(each) for each in rows(content)] == [(2, A), (3, None), (4, B)]


def test_a_quote_that_never_ends_costs_one_row() -> None:
    lines = "".join(f"{A},a\n" for _ in range(200))
    found = list(rows(f'phone,_note\n{A},"a\n{lines}{A},"b\n'))
    assert [each.line for each in found if isinstance(each, BadRow)] == [2, 203]
    assert len(found) == 202


def test_a_cell_of_several_lines_is_one_row_and_its_lines_are_no_rows() -> None:
    found = list(rows(f'phone,_note\n{A},"call\n{B},\nthanks"\n{B},x\n'))
    assert [told(each) for each in found] == [(2, A), (5, B)]


def test_a_row_needs_what_the_flow_needs() -> None:
    content = f"phone,email\n{A},a@b.test\n{B},\n,a@b.test\n"
    first, second, third = rows(content, NEEDED)
    assert isinstance(first, Row)
    assert second == BadRow(3, "it is empty, and EMAIL needs it", "email", (B, ""))
    assert third == BadRow(4, "it is empty, and VKONTAKTE and SMS need it", "phone", ("", "a@b.test"))


def test_a_doubt_stays_beside_its_row() -> None:
    (found,) = rows("phone\n447700900123\n")
    assert isinstance(found, Row)
    assert "nobody is known to use" in found.doubt


class _Endless:
    """A file of any length that is never held: a first line, then the same line again and again."""

    def __init__(self, head: bytes, line: bytes, count: int) -> None:
        self._head, self._line, self._left = head, line, count

    def readline(self, size: int, /) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        self._left -= 1
        return self._line[:size] if self._left >= 0 else b""


@pytest.mark.parametrize(
    ("line", "lines", "expected"),
    [
        (b"push-id-of-somebody\n", 30_000, 30_000),
        (b"x" * 1024 * 1024, 2000, 1),  # one line of two gigabytes
        (b'"\n', 20_000, 20_000),
    ],
)
def test_memory_does_not_grow_with_the_file(line: bytes, lines: int, expected: int) -> None:
    stream = _Endless(b"push\n", line, lines)
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_rows(stream, shown="x.csv"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
    if line != b'"\n':
        assert count == expected


def written(header: tuple[str, ...], found: list[BadRow]) -> str:
    stream = io.StringIO(newline="")
    assert write_bad_rows(stream, header, found) == len(found)
    return stream.getvalue()


def test_bad_rows_are_written_with_line_and_reason_and_no_formula() -> None:
    content = "phone,_note\n=cmd(),@x\n0793026727,-1\n"
    read = rows(content)
    text = written(read.header, [each for each in read if isinstance(each, BadRow)])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["_line", "_reason", "phone", "_note"],
        ["2", "phone: a phone number has digits, spaces, dashes, brackets and a +, and nothing else", "'=cmd()", "'@x"],
        ["3", "phone: the number is not international; it begins with the code of its country, such as 41",
         "0793026727", "'-1"],
    ]  # fmt: skip


def test_bad_rows_once_mended_are_read_as_they_are() -> None:
    read = rows("phone;_note\n0793026727;+x\n")
    text = written(read.header, [each for each in read if isinstance(each, BadRow)])
    (found,) = rows(text.replace("0793026727", "'+41793026727"))
    assert isinstance(found, Row)
    assert found.recipient == Recipient(A)


_CELLS = st.sampled_from([A, B, "a@b.test", "", "x", '"', '""', '"a', "=1", "\r", "\0", "é", " ", "4.1E+10", "'"])


@given(st.lists(st.lists(_CELLS, max_size=4), max_size=6), st.sampled_from([",", ";", "\t"]), st.binary(max_size=20))
def test_any_file_is_read_and_no_line_is_lost(table: list[list[str]], sign: str, tail: bytes) -> None:
    body = "\n".join(sign.join(each) for each in table).encode() + tail
    found = list(rows(f"phone{sign}_a{sign}email\n".encode() + body))
    lines = [each.line for each in found]
    assert lines == sorted(set(lines))
    text = written(("phone", "_a", "email"), [each for each in found if isinstance(each, BadRow)])
    for cells in csv.reader(io.StringIO(text, newline="")):
        assert not any(each.startswith(("=", "+", "@", "-", "\t", "\r")) for each in cells)


@given(st.binary(max_size=60))
def test_any_bytes_are_rows_or_refused(content: bytes) -> None:
    with suppress(ConfigurationError):
        lines = [each.line for each in rows(content)]
        assert lines == sorted(set(lines))
