"""The exit codes, one table for all commands. Frozen: docs/exit-codes.md says the same, and a test holds every row."""

from collections.abc import Iterable
from enum import IntEnum

from omnictl.errors import (
    AccessError,
    LedgerHeldError,
    LockHeldError,
    OmnictlError,
    OutcomeUnknownError,
    RefusedError,
    StoppedError,
    UsageError,
)


class ExitCode(IntEnum):
    """What a run ends with; the docstring of docs/exit-codes.md is made from ``MEANINGS``."""

    OK = 0
    FAILED = 1
    DIFFERENCE = 2
    REFUSED = 3
    PARTIAL = 4
    NO_ACCESS = 5
    STOPPED = 6
    USAGE = 64
    BUG = 70
    HANGUP = 129
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: 'done, or nothing to do (a finished plan applied again says "already applied")',
    ExitCode.FAILED: "failed; this run changed nothing",
    ExitCode.DIFFERENCE: "a difference: plan --detailed-exitcode, drift, fmt --check, output --check",
    ExitCode.REFUSED: "refused; changed nothing; JSON refusal.kind: guard, policy, approval, stale",
    ExitCode.PARTIAL: "a change failed or its outcome is unknown; read the report, then the same command",
    ExitCode.NO_ACCESS: "no credentials, or 401/403; changed nothing",
    ExitCode.STOPPED: "stopped in good order, nothing failed (lock held, time or rate budget used up); "
    "the same command later",
    ExitCode.USAGE: "wrong usage, nothing ran",
    ExitCode.BUG: "a bug in omnictl",
    ExitCode.HANGUP: "ended by a hang-up (SIGHUP); what was done is remembered",
    ExitCode.INTERRUPTED: "ended by an interrupt (SIGINT, Ctrl-C); what was done is remembered",
    ExitCode.BROKEN_PIPE: "the reader closed the pipe",
    ExitCode.TERMINATED: "ended by a termination signal (SIGTERM); what was done is remembered",
}

SIGNALS = (ExitCode.HANGUP, ExitCode.INTERRUPTED, ExitCode.TERMINATED)
_PRECEDENCE = (
    ExitCode.BUG,
    *SIGNALS,
    ExitCode.BROKEN_PIPE,
    ExitCode.PARTIAL,
    ExitCode.STOPPED,
    ExitCode.USAGE,
    ExitCode.NO_ACCESS,
    ExitCode.REFUSED,
    ExitCode.FAILED,
    ExitCode.DIFFERENCE,
)


def strongest(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code that wins where several apply; OK where none does."""
    given = set(codes)
    return next((code for code in _PRECEDENCE if code in given), ExitCode.OK)


def code_of(error: OmnictlError) -> ExitCode:
    """Return the exit code of an error that ended a run before its first write."""
    match error:
        case UsageError():
            return ExitCode.USAGE
        case AccessError():
            return ExitCode.NO_ACCESS
        case RefusedError():
            return ExitCode.REFUSED
        case LockHeldError() | LedgerHeldError() | StoppedError():
            return ExitCode.STOPPED
        case OutcomeUnknownError():
            return ExitCode.PARTIAL
        case _:
            return ExitCode.FAILED
