"""What can be wrong with a ledger, word for word."""

import sqlite3

from omnictl.ledger import problems
from tests.golden.golden import check_golden
from tests.golden.words import all_told

PATH = ".omnictl/ledger/production.db"


def _failed(code: int, text: str) -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def test_what_can_be_wrong_with_a_ledger() -> None:
    told = (
        problems.cannot_open(PATH, "Permission denied"),
        problems.cannot_write(PATH, "No space left on device"),
        problems.busy(PATH, 30.0),
        problems.broken(PATH, "database disk image is malformed"),
        problems.empty(PATH),
        problems.log_alone(PATH),
        problems.foreign(PATH),
        problems.newer(PATH, 3, 2, "1.5.0"),
        problems.newer(PATH, 3, 2, ""),
        problems.missing(PATH),
        problems.other_environment(PATH, "test", "production"),
        problems.other_account(PATH, "one.api.infobip.com", "two.api.infobip.com"),
        problems.moved(PATH),
        problems.run_held(PATH, "run-1"),
        problems.pull_held(PATH),
        problems.run_begun(PATH, "run-1"),
        problems.already_sent(PATH, "run-1", 3),
        problems.id_taken(PATH, "B-1"),
        problems.no_such_run(PATH, "run-1"),
        problems.purge_unfinished(PATH, "Another process still reads from it."),
    )
    assert {each.code for each in told} == set(problems.CODES)
    check_golden("ledger-problems.txt", all_told(told))


def test_what_sqlite_could_not_do() -> None:
    codes = {
        sqlite3.SQLITE_BUSY_SNAPSHOT: "ledger-busy",
        sqlite3.SQLITE_LOCKED: "ledger-busy",
        sqlite3.SQLITE_CORRUPT_INDEX: "broken-ledger",
        sqlite3.SQLITE_NOTADB: "broken-ledger",
        sqlite3.SQLITE_CANTOPEN_ISDIR: "cannot-open-ledger",
        sqlite3.SQLITE_FULL: "cannot-write-ledger",
        sqlite3.SQLITE_READONLY_DIRECTORY: "cannot-write-ledger",
        sqlite3.SQLITE_IOERR_FSYNC: "cannot-write-ledger",
    }
    for code, expected in codes.items():
        assert problems.error_of(PATH, _failed(code, "why"), 30.0).diagnostics[0].code == expected
    assert problems.error_of(PATH, sqlite3.DatabaseError("why"), 30.0).diagnostics[0].code == "broken-ledger"
