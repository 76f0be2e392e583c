"""Making, opening and upgrading the file of a ledger: whole or not at all, for its owner alone, and never another's."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

import omnictl
from omnictl.codec.shapes import ShapeError
from omnictl.durable import make_private_directory, replace_file, shown, sync_directory
from omnictl.errors import LedgerError, LedgerHeldError
from omnictl.ledger import problems
from omnictl.ledger.book import Book
from omnictl.ledger.hashing import KEY_BYTES, Hasher
from omnictl.ledger.schema import APPLICATION_ID, UPGRADES, VERSION, make_tables

_SMALLEST_PAGE = 512
"""SQLite takes a file of fewer bytes for an empty one, and would write over it."""

_WAL_FORMAT = b"\x02\x02"
_WAL_FORMAT_AT = 18
"""Where the header of an SQLite file says that its journal is a write-ahead log."""


def open_book(path: Path, *, environment: str, busy_seconds: float, must_exist: bool) -> Book:
    """Open a ledger, upgraded where it is old; make it where there is none. Raises LedgerError."""
    real = _resolve(path)
    try:
        if not real.exists():
            if must_exist:
                raise LedgerError(problems.missing(shown(path)))
            _make(real, environment, busy_seconds)
        if not real.is_file():
            raise LedgerError(problems.cannot_open(shown(path), "it is not a regular file"))
        if real.stat().st_size < _SMALLEST_PAGE:
            raise LedgerError(problems.empty(shown(path)))
    except OSError as error:
        raise LedgerError(problems.cannot_open(shown(path), error.strerror or str(error))) from None
    return _open(real, environment, busy_seconds)


def _resolve(path: Path) -> Path:
    """Return the file itself; a link in ``.omnictl`` may come with a repository, and is not followed."""
    if path.is_symlink() and ".omnictl" in path.absolute().parts:
        raise LedgerError(problems.cannot_open(shown(path), "it is a link, and inside of .omnictl none is followed"))
    return Path(os.path.realpath(path))


def locks_of(path: Path) -> Path:
    """Return the folder for the locks of a ledger."""
    return path.with_name(f"{path.name}.locks")


@contextmanager
def _alone(path: Path, busy_seconds: float) -> Iterator[None]:
    """Let one process at a time make or upgrade a ledger."""
    make_private_directory(locks_of(path))
    lock = FileLock(str(locks_of(path) / "open.lock"), mode=0o600, fallback_to_soft=False, preserve_lock_file=True)
    try:
        lock.acquire(timeout=busy_seconds)
    except Timeout:
        raise LedgerHeldError(problems.busy(shown(path), busy_seconds)) from None
    try:
        yield
    finally:
        lock.release()


def _make(path: Path, environment: str, busy_seconds: float) -> None:
    """Make a ledger complete before it has its name: a file that was cut is never taken for a new one."""
    missing = [each for each in (path.parent, *path.parent.parents) if not each.exists()]
    make_private_directory(path.parent)
    with _alone(path, busy_seconds):
        if path.exists():
            return  # another process was faster
        if path.with_name(f"{path.name}-wal").exists():  # SQLite would write the old log over the new file
            raise LedgerError(problems.log_alone(shown(path)))
        for each in missing:
            sync_directory(each.parent)  # a ledger in a directory that a power cut takes away is lost with it
        replace_file(path, _new_file(environment), private=True)


def _new_file(environment: str) -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        make_tables(connection)
        meta = {"environment": environment, "hash_key": secrets.token_bytes(KEY_BYTES), "omnictl": omnictl.__version__}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        image = bytearray(connection.serialize())
    image[_WAL_FORMAT_AT : _WAL_FORMAT_AT + 2] = _WAL_FORMAT
    return bytes(image)


def _open(path: Path, environment: str, busy_seconds: float) -> Book:
    try:
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=busy_seconds)
    except sqlite3.Error as error:
        raise problems.error_of(shown(path), error, busy_seconds) from None
    try:
        _check_kind(path, connection, busy_seconds)
        _upgrade(path, connection, busy_seconds)
        book = Book(path, connection, busy_seconds=busy_seconds)
        _check_environment(book, environment)
    except BaseException:
        connection.close()
        raise
    return book


def _check_environment(book: Book, environment: str) -> None:
    found = str(book.meta("environment"))
    if found != environment:
        raise LedgerError(problems.other_environment(book.shown, found, environment))


def _check_kind(path: Path, connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Refuse what is no ledger, or of a later format, before a byte of it is changed."""
    try:
        kind = connection.execute("PRAGMA application_id").fetchone()[0]
        version = _version_of(connection)
        if kind != APPLICATION_ID:
            raise LedgerError(problems.foreign(shown(path)))
        if version > VERSION:
            raise LedgerError(problems.newer(shown(path), version, VERSION, _writer_of(connection)))
        if version < 1:
            raise LedgerError(problems.broken(shown(path), "it says nothing of its format"))
    except sqlite3.Error as error:
        raise problems.error_of(shown(path), error, busy_seconds) from None


def _version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _writer_of(connection: sqlite3.Connection) -> str:
    """Return which omnictl wrote the format, as far as one can tell of a format that one does not know."""
    try:
        row = connection.execute("SELECT value FROM meta WHERE name = 'omnictl'").fetchone()
    except sqlite3.Error:
        return ""
    return str(row[0])[:20] if row else ""


def _upgrade(path: Path, connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Bring an older file to the newest format in one transaction; what it was before is kept beside it."""
    try:
        if _version_of(connection) == VERSION:
            return
        with _alone(path, busy_seconds):
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            version = _version_of(connection)
            if version < VERSION:
                _keep_backup(path, version, busy_seconds)
                _run_steps(connection, version)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise problems.error_of(shown(path), error, busy_seconds) from None
    except OSError as error:
        raise LedgerError(problems.cannot_write(shown(path), error.strerror or str(error))) from None
    except ShapeError as error:
        raise LedgerError(problems.broken(shown(path), str(error))) from None


def _run_steps(connection: sqlite3.Connection, version: int) -> None:
    key = connection.execute("SELECT value FROM meta WHERE name = 'hash_key'").fetchone()[0]
    for step in UPGRADES[version - 1 :]:
        step(connection, Hasher(key))
    connection.execute("UPDATE meta SET value = ? WHERE name = 'omnictl'", (omnictl.__version__,))
    connection.execute(f"PRAGMA user_version = {VERSION}")


def backup_of(path: Path, version: int) -> Path:
    """Return where the file of an older format is kept."""
    return path.with_name(f"{path.name}.v{version}.backup")


def list_backups(path: Path) -> list[Path]:
    """Return the files of older formats that are kept beside a ledger."""
    return [each for version in range(1, VERSION) if (each := backup_of(path, version)).exists()]


def _keep_backup(path: Path, version: int, busy_seconds: float) -> None:
    """Copy what is committed, with what still lies in the log, to a file of its own; durable when this returns."""
    target = backup_of(path, version)
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path, timeout=busy_seconds)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    with target.open("rb+") as written:
        os.fsync(written.fileno())
    sync_directory(target.parent)
