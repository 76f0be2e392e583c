"""The first line of a file of recipients: which columns hold addresses, which are not read, and which are refused."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from omnictl.config.addresses import PARSERS, find_kind, known_names, squeeze
from omnictl.config.documents import shorten
from omnictl.config.message_options import find_channel
from omnictl.errors import ConfigurationError
from omnictl.model.diagnostic import Diagnostic, Severity, Source

MOST_COLUMNS = 100
_TEXTS = frozenset(("text", "texts", "message", "messages", "body", "content", "subject", "template"))
_AS_TEXT = re.compile(r'="([^"]*)"')


class Column(NamedTuple):
    """A column by its name, and the kind of address that it holds; None where it is not read."""

    name: str
    kind: str | None


def find_columns(header: Sequence[str], needed: Mapping[str, tuple[str, ...]], shown: str) -> tuple[Column, ...]:
    """Return the columns of a file. Raises ConfigurationError with all that is wrong with them.

    ``needed`` are the kinds of address that the file has to have, with the channels that need them.
    """
    if len(header) > MOST_COLUMNS:
        detail = f"There are {len(header):,}; {MOST_COLUMNS} are read at most."
        raise refused("too-many-elements", "There are too many columns", detail, shown)
    columns = tuple(Column(name, None if name.strip().startswith("_") else find_kind(name)) for name in header)
    if not any(each.kind for each in columns) and any(_is_address(each) for each in header):
        detail, hint = "Its first line holds addresses.", "write the names of the columns above it, such as phone"
        raise refused("no-header", "The file has no line with names of columns", detail, shown, hint)
    found = [each for column in columns for each in _check_name(column, shown)]
    found += _check_kinds(columns, needed, shown)
    if found:
        raise ConfigurationError.of(found)
    return columns


def _is_address(cell: str) -> bool:
    text = without_marks(cell)
    return any(not PARSERS[kind](text).mistake for kind in ("phone", "email"))


def _check_name(column: Column, shown: str) -> Iterator[Diagnostic]:
    name = column.name.strip()
    if not name or name.startswith("_") or column.kind is not None:
        return
    said, source = shorten(name), Source(shown, 1)
    if squeeze(name) in _TEXTS or find_channel(name) is not None:
        detail = f"{said}: one content goes to everybody of a send; the API takes none for each recipient."
        summary, hint = "A column holds texts", "write the content to a message file, or send once for each text"
        yield Diagnostic("text-column", Severity.ERROR, summary, detail, source, hint=hint)
        return
    close = get_close_matches(squeeze(name), known_names(), n=1, cutoff=0.7)
    detail = f"{said} is not known; known: phone email push."
    meant = f"did you mean {close[0]}? " if close else ""
    hint = f"{meant}a column that begins with _ is not read: _{said}"
    yield Diagnostic("unknown-column", Severity.ERROR, "A column is not known", detail, source, hint=hint)


def _check_kinds(columns: Sequence[Column], needed: Mapping[str, tuple[str, ...]], shown: str) -> Iterator[Diagnostic]:
    kinds = [each.kind for each in columns if each.kind is not None]
    source = Source(shown, 1)
    for kind in PARSERS:
        if kinds.count(kind) > 1:
            names = " and ".join(shorten(each.name.strip()) for each in columns if each.kind == kind)
            detail = f"{names} are both {kind}."
            yield Diagnostic("duplicate-column", Severity.ERROR, "Two columns mean the same", detail, source)
    wanted = {kind: say_who_needs(channels) for kind, channels in needed.items()}
    if not wanted and not kinds:
        wanted = {"phone": "a recipient needs it"}
    for kind in (each for each in wanted if each not in kinds):
        detail = f"There is no column {kind}, and {wanted[kind]}."
        yield Diagnostic("missing-column", Severity.ERROR, "A column is missing", detail, source)


def say_who_needs(channels: Sequence[str]) -> str:
    """Return which channels need an address, as the end of a sentence."""
    return f"{' and '.join(channels)} {'needs' if len(channels) == 1 else 'need'} it"


def without_marks(cell: str) -> str:
    """Return a cell without what tells a spreadsheet that it is a text."""
    text = cell.strip()
    as_text = _AS_TEXT.fullmatch(text)
    return (as_text[1] if as_text else text).lstrip("'").strip()


def refused(code: str, summary: str, detail: str, shown: str, hint: str = "") -> ConfigurationError:
    """Return the error of a file whose first line cannot be used."""
    return ConfigurationError(Diagnostic(code, Severity.ERROR, summary, detail, Source(shown, 1), hint=hint))


CODES = {
    "no-header": "A file of recipients begins with the names of its columns, such as phone,email.",
    "text-column": "A file of recipients has a column with texts. A send has one content for everybody; the API has "
    "none for each recipient.",
    "unknown-column": "A column of a file of recipients is not known. Nothing is dropped in silence: one that is not "
    "to be read begins with _.",
    "duplicate-column": "Two columns of a file of recipients are of the same kind, such as phone and msisdn.",
    "missing-column": "A file of recipients lacks the column that a step of the flow needs.",
}
