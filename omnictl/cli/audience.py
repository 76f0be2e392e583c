"""Who gets a message: people of the command line, or the rows of a file, which is read twice and never held."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Self

from msgspec import Struct

from omnictl.config.recipient_rows import BAD_ROWS_BEGIN, BadRow, Row, read_rows, write_bad_rows
from omnictl.errors import ConfigurationError, OmnictlError, UsageError
from omnictl.ledger.base import RunKind
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.message import Recipient

MOST_BAD_ROWS_TOLD = 20
_TOLD_EVERY_ROWS = 100_000


class Audience(Struct, frozen=True):
    """The recipients of a sending: how many there are, each counted once, and how to go through them.

    ``digest`` says whether two audiences are equal: of the bytes of the file, or of the addresses. ``bad_rows`` are the
    first of those that cannot be used, ``bad`` counts all of them.
    """

    kind: RunKind
    digest: str
    total: int
    recipients: Callable[[], Iterable[Recipient]]
    duplicates: int = 0
    bad: int = 0
    bad_rows: tuple[BadRow, ...] = ()
    doubtful: int = 0


def gather(recipients: Sequence[Recipient]) -> Audience:
    """Return the audience of the command line."""
    identities = "\n\n".join(sorted(each.identity for each in recipients))
    digest = hashlib.sha256(identities.encode("utf-8", "surrogatepass")).hexdigest()
    return Audience(RunKind.DIRECT, digest, len(recipients), lambda: recipients)


def survey_file(
    path: Path,
    needed: Mapping[str, tuple[str, ...]],
    *,
    bad_rows_to: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Audience:
    """Read a file of recipients once, count its rows, and write those that cannot be used to ``bad_rows_to``.

    Memory does not grow with the file. Raises ConfigurationError where it cannot be read or has no usable columns.
    """
    if bad_rows_to is not None:
        _refuse_to_overwrite(bad_rows_to, path)
    with _open(path) as stream, closing(_Seen()) as seen:
        source = _Hashing(stream)
        rows = read_rows(source, shown=str(path), needed=needed)
        bad = _BadRows(rows.header, bad_rows_to)
        with bad:
            total, duplicates, doubtful = _count(rows, seen, bad, tell)
        source.drain()
        mark = _mark_of(stream)
    return Audience(
        RunKind.FILE,
        source.digest,
        total,
        lambda: _read_again(path, needed, mark),
        duplicates,
        bad.number,
        tuple(bad.first),
        doubtful,
    )


def _refuse_to_overwrite(path: Path, recipients: Path) -> None:
    """Refuse to write bad rows over anything but those of an earlier run."""
    try:
        if not path.exists():
            return
        if recipients.exists() and path.samefile(recipients):
            raise UsageError(_unusable(path, "it is the file of recipients itself"))
        if not path.is_file():
            raise UsageError(_unusable(path, "it is not a file"))
        with path.open("rb") as file:
            begin = file.read(len(BAD_ROWS_BEGIN))
    except OSError as error:
        raise UsageError(_unusable(path, error.strerror or "it cannot be read")) from None
    if begin and begin != BAD_ROWS_BEGIN:
        raise UsageError(_unusable(path, "it is there already and holds something else, which stays"))


def _count(
    rows: Iterable[Row | BadRow], seen: "_Seen", bad: "_BadRows", tell: Callable[[str], None]
) -> tuple[int, int, int]:
    total = duplicates = doubtful = 0
    for number, row in enumerate(rows, start=1):
        if isinstance(row, BadRow):
            bad.add(row)
        elif seen.add(row.recipient):
            total += 1
            doubtful += bool(row.doubt)
        else:
            duplicates += 1
        if number % _TOLD_EVERY_ROWS == 0:
            tell(f"{number:,} rows checked")
    return total, duplicates, doubtful


def _read_again(path: Path, needed: Mapping[str, tuple[str, ...]], mark: object) -> Iterator[Recipient]:
    """Yield the good rows once more. Raises ConfigurationError where the file was changed since it was counted."""
    with _open(path) as stream:
        for row in read_rows(stream, shown=str(path), needed=needed):
            if _mark_of(stream) != mark or _mark_of(path) != mark:
                raise ConfigurationError(_changed(path))
            if isinstance(row, Row):
                yield row.recipient


def _open(path: Path) -> BinaryIO:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(_unusable(path, "it is not a file; it is read twice"))
        return path.open("rb")
    except OSError as error:
        raise UsageError(_unusable(path, error.strerror or "it cannot be read")) from None


def _mark_of(file: BinaryIO | Path) -> tuple[int, ...]:
    """Return what changes when a file is changed or replaced."""
    try:
        found = os.fstat(file.fileno()) if not isinstance(file, Path) else file.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class _Hashing:
    """A binary file whose bytes are hashed as they are read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def readline(self, size: int, /) -> bytes:
        """Return the next line, or as many bytes of it."""
        content = self._stream.readline(size)
        self._hash.update(content)
        return content

    def drain(self) -> None:
        """Read what is left."""
        while self.readline(1 << 20):
            pass

    @property
    def digest(self) -> str:
        """The SHA-256 of what was read."""
        return self._hash.hexdigest()


class _Seen:
    """Whom a file has named already: in a temporary file, so that memory does not grow with it."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._execute("PRAGMA journal_mode=OFF")
        self._execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        self._execute("BEGIN")

    def add(self, recipient: Recipient) -> bool:
        """Return whether somebody is new."""
        digest = hashlib.blake2b(recipient.identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return bool(self._execute("INSERT OR IGNORE INTO seen VALUES (?)", digest).rowcount)

    def close(self) -> None:
        """Drop it."""
        self._connection.close()

    def _execute(self, statement: str, *values: bytes) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise OmnictlError(_no_room(str(error))) from None


class _BadRows:
    """The rows that cannot be used: counted, the first kept to be told, all written to a private file if asked."""

    def __init__(self, header: Sequence[str], path: Path | None) -> None:
        self.number = 0
        self.first: list[BadRow] = []
        self._header = header
        self._path = path
        self._rows: list[BadRow] = []
        self._has_begun = False

    def __enter__(self) -> Self:
        if self._path is not None:
            self._write()
        return self

    def __exit__(self, *_: object) -> None:
        if self._path is not None:
            self._write()

    def add(self, row: BadRow) -> None:
        """Take one."""
        self.number += 1
        if len(self.first) < MOST_BAD_ROWS_TOLD:
            self.first.append(row)
        if self._path is not None:
            self._rows.append(row)
            if len(self._rows) >= 1000:
                self._write()

    def _write(self) -> None:
        assert self._path is not None
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if self._has_begun else os.O_TRUNC)
        try:
            with os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="utf-8", newline="") as stream:
                if not self._has_begun:
                    self._path.chmod(0o600)  # rows are personal data, whoever made the file
                write_bad_rows(stream, self._header, self._rows, with_header=not self._has_begun)
        except OSError as error:
            raise UsageError(_unusable(self._path, error.strerror or "it cannot be written")) from None
        self._has_begun = True
        self._rows.clear()


def _unusable(path: Path, why: str) -> Diagnostic:
    return Diagnostic("recipients-unusable", Severity.ERROR, "A file of recipients cannot be used", f"{path}: {why}.")


def _no_room(why: str) -> Diagnostic:
    return Diagnostic(
        "no-temporary-room",
        Severity.ERROR,
        "The rows of a file cannot be told apart",
        f"Whom the file has named already is kept in a temporary file, and that cannot be written: {why}. "
        "Nothing was sent.",
        hint="make room in the folder of temporary files, or name another one",
        commands=("export SQLITE_TMPDIR=/path/with/room",),
    )


def _changed(path: Path) -> Diagnostic:
    return Diagnostic(
        "recipients-changed",
        Severity.ERROR,
        "The file of recipients was changed while it was sent",
        f"{path} is no longer what was counted and approved; nothing more of it was sent.",
        hint="put the file back as it was, and resume the run: nobody gets two messages; as it is now it would be "
        "another run, and those who had a message get another",
    )


CODES = {
    "recipients-unusable": "The file of --recipients, or the one of --bad-rows, cannot be read or written. A file of "
    "recipients is read twice, so it cannot be a pipe.",
    "no-temporary-room": "A file of recipients names each once; which were named is kept in a temporary file, so that "
    "memory does not grow with it. SQLite puts it into SQLITE_TMPDIR, TMPDIR, /var/tmp or /tmp.",
    "recipients-changed": "A file of recipients is read once to be counted and approved, and once to be sent. Between "
    "the two, or while it was sent, it was changed or replaced. What was sent is in the ledger.",
}
