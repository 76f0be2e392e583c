"""What can be wrong with a ledger, in words."""

import sqlite3

from omnictl.errors import LedgerError, LedgerHeldError
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.shell import quote_word


def _problem(
    code: str, summary: str, detail: str, path: str, hint: str = "", commands: tuple[str, ...] = ()
) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, detail, Source(path), hint=hint, commands=commands)


def cannot_open(path: str, reason: str) -> Diagnostic:
    """Tell of a ledger that cannot be opened or made."""
    return _problem(
        "cannot-open-ledger",
        "The ledger cannot be opened",
        f"{path}: {reason}. Nothing is sent or collected without it.",
        path,
        "check the path, its permissions and the free space, or name another place with --ledger",
    )


def cannot_write(path: str, reason: str) -> Diagnostic:
    """Tell of a ledger that cannot be written."""
    return _problem(
        "cannot-write-ledger",
        "The ledger cannot be written",
        f"{path}: {reason}. What was written before is there; nothing more is sent.",
        path,
        "make room, or mend the permissions, then run the same command again",
    )


def busy(path: str, waited_seconds: float) -> Diagnostic:
    """Tell of a ledger that another process does not let go."""
    return _problem(
        "ledger-busy",
        "Another process is writing the ledger",
        f"{path} was locked for {waited_seconds:g} s.",
        path,
        "a purge of a large ledger takes this long; otherwise look for a program that holds the file open, then run "
        "the same command again",
    )


def broken(path: str, reason: str) -> Diagnostic:
    """Tell of a file that is damaged, or no ledger at all."""
    return _problem(
        "broken-ledger",
        "The ledger is damaged",
        f"{path}: {reason}. Without it omnictl cannot know who has a message already, so it does not begin a new one "
        "on its own.",
        path,
        "bring it back from a backup; if there is none, save what can be read, and look at it before you send",
        (f"sqlite3 {quote_word(path)} .recover | sqlite3 recovered.db",),
    )


def empty(path: str) -> Diagnostic:
    """Tell of a file of no or few bytes: omnictl makes none, so something cut it."""
    return _problem(
        "broken-ledger",
        "The ledger is damaged",
        f"{path} is empty, or far too small. A ledger never is: either the file was cut, and who has a message already "
        "is forgotten, or it was made by hand.",
        path,
        "bring it back from a backup; if it has never held anything, remove it",
        (f"rm {quote_word(path)}",),
    )


def log_alone(path: str) -> Diagnostic:
    """Tell of a ledger that is gone while its log is still there, which holds the last of it."""
    return _problem(
        "broken-ledger",
        "The ledger is damaged",
        f"{path} is gone, but {path}-wal, its log and a part of it, is still there.",
        path,
        "bring the file back to its log; if you removed it, to begin a new one, remove the log too",
        (f"rm {quote_word(f'{path}-wal')}",),
    )


def foreign(path: str) -> Diagnostic:
    """Tell of an SQLite file of another program."""
    return _problem(
        "not-a-ledger",
        "The file is no ledger of omnictl",
        f"{path} is an SQLite file of another program; it was left as it is.",
        path,
        "check --ledger",
    )


def newer(path: str, found: int, known: int, writer: str) -> Diagnostic:
    """Tell of a ledger that a later omnictl has written."""
    needed = f"omnictl {writer} or later" if writer else "a later omnictl"
    return _problem(
        "newer-ledger",
        "The ledger was written by a newer omnictl",
        f"{path} has format {found}; this omnictl knows up to {known}. It was left as it is.",
        path,
        f"use {needed}",
    )


def missing(path: str) -> Diagnostic:
    """Tell of a ledger that nothing has been written to yet."""
    return _problem(
        "no-ledger",
        "There is no ledger yet",
        f"{path} does not exist.",
        path,
        "the first send, pull or listen makes it; check --env and --ledger",
    )


def other_environment(path: str, found: str, expected: str) -> Diagnostic:
    """Tell of a ledger of another environment."""
    return _problem(
        "ledger-of-other-environment",
        "The ledger belongs to another environment",
        f"It says {found}; the environment is {expected}.",
        path,
        "check --env and --ledger",
    )


def other_account(path: str, found: str, expected: str) -> Diagnostic:
    """Tell of a ledger of another account."""
    return _problem(
        "ledger-of-other-account",
        "The ledger belongs to another account",
        f"It is of {found}; the API is {expected}. Who has a message there says nothing about here.",
        path,
        "check the base URL and --ledger; if the environment really moved to another account, begin a new ledger: move "
        "the old one away",
    )


def moved(path: str) -> Diagnostic:
    """Tell of a file that was moved or replaced under our hands."""
    return _problem(
        "ledger-moved",
        "The ledger was moved or replaced while it was in use",
        f"{path} is not the file that this run opened; what it still held open would be lost with it. Nothing more was "
        "written or sent.",
        path,
        "make sure that nobody moves the file while omnictl runs, then run the same command again",
    )


def run_held(path: str, run: str) -> Diagnostic:
    """Tell of a run that another process is sending."""
    return _problem(
        "run-held",
        "Another process is sending this run",
        f"Run {run} is in work.",
        path,
        "wait until it is done; the lock goes with its process, so it is never stuck",
    )


def pull_held(path: str) -> Diagnostic:
    """Tell of a pull by another process."""
    return _problem(
        "pull-held",
        "Another process is taking reports",
        "What it asks for comes into the same ledger.",
        path,
        "wait until it is done; the lock goes with its process, so it is never stuck",
    )


def run_begun(path: str, run: str) -> Diagnostic:
    """Tell of an equal run that another process has begun since this one looked."""
    return _problem(
        "run-begun",
        "Another process has just begun to send the same",
        f"Run {run} has the same scenario, message and recipients. Nothing was sent by this one.",
        path,
        "see how that one ends; the same command then says how to go on",
    )


def already_sent(path: str, run: str, count: int) -> Diagnostic:
    """Tell of recipients that have a message in the run."""
    return _problem(
        "already-in-run",
        "A recipient already has a message in this run",
        f"{count} of the recipients of this request have one in run {run}, or stand in the request twice. Nothing of "
        "it was sent.",
        path,
        "this is the last guard of never sending twice: two processes work on one run, or omnictl has a bug. Look "
        "whether another one runs, then run the same command again",
    )


def id_taken(path: str, bulk_id: str) -> Diagnostic:
    """Tell of an id that another message or request has."""
    return _problem(
        "message-id-taken",
        "The id of a message or of a request is taken",
        f"Something of request {bulk_id} stands in the ledger already. Nothing of it was sent.",
        path,
        "run the same command again: it makes new ids",
    )


def no_such_run(path: str, run: str) -> Diagnostic:
    """Tell of a run that the ledger does not know."""
    return _problem(
        "no-such-run",
        "The ledger knows no such run",
        f"There is no run {run}.",
        path,
        "check the id, --env and --ledger",
    )


def purge_unfinished(path: str, reason: str) -> Diagnostic:
    """Tell of a purge whose old bytes may still lie on the disk."""
    return _problem(
        "purge-unfinished",
        "The personal data is gone from the ledger, but old bytes of it may still lie in its files",
        reason,
        path,
        "let other commands on this ledger end, see that there is as much free space as the ledger takes, then run the "
        "same purge again",
    )


_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_UNOPENED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


def error_of(path: str, error: sqlite3.Error, waited_seconds: float) -> LedgerError:
    """Return the error that tells of what SQLite could not do."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary in _BUSY:
        return LedgerHeldError(busy(path, waited_seconds))
    if primary in _BROKEN or not primary:
        return LedgerError(broken(path, str(error)))
    if primary in _UNOPENED:
        return LedgerError(cannot_open(path, str(error)))
    return LedgerError(cannot_write(path, str(error)))


CODES = {
    "cannot-open-ledger": "The ledger file, or the folder that it shall be made in, cannot be read or written.",
    "cannot-write-ledger": "A write to the ledger failed: a full disk, a read-only place, a failing one. A message "
    "leaves only when the ledger has it, and a report is shown only when the ledger has it, so the run stops.",
    "ledger-busy": "Another process held the ledger locked for longer than omnictl waits.",
    "broken-ledger": "The ledger file is damaged, cut, or no SQLite file. omnictl never begins a new ledger in its "
    "place, because then somebody could get a message twice.",
    "not-a-ledger": "The file that --ledger names is an SQLite file of another program. It is not touched.",
    "newer-ledger": "The ledger says in its format which omnictl it needs. A later format is refused and never "
    "rewritten; an older one is upgraded when it is opened, with a backup beside it.",
    "no-ledger": "The command reads the ledger, and nothing has been sent or collected with it yet.",
    "ledger-of-other-environment": "A ledger belongs to one environment, which it knows by name.",
    "ledger-of-other-account": "A ledger belongs to the account that it was first used with, known by the host of "
    "the API.",
    "ledger-moved": "The ledger file was moved, removed or replaced while a command had it open. Nothing more is "
    "written, because it would go to a file that nobody finds.",
    "run-held": "Two processes never send the same run. The lock is one of the operating system and goes with its "
    "process.",
    "pull-held": "Two processes never take reports for one ledger at once: each would see the other's open request as "
    "a gap. The lock is one of the operating system and goes with its process.",
    "run-begun": "Before a run begins, equal ones are looked for. Another process began one between that look and the "
    "first message, so this one sends nothing: everybody would get two messages.",
    "already-in-run": "A recipient gets one message in a run. The ledger checks it once more in the transaction that "
    "writes a request down, and refuses the request.",
    "message-id-taken": "Every message and every request has an id of its own in the ledger.",
    "no-such-run": "The run is not in this ledger.",
    "purge-unfinished": "reports purge takes personal data out of the ledger and then writes its files anew, so that "
    "no old bytes are left in them. The first is done, the second was not possible.",
}
