"""What can be wrong with a state as a file, in words."""

from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.state import State
from omnictl.state.base import LockHolder

_SAID = {
    "write": "written",
    "lock": "locked",
    "read": "read",
    "keep": "replaced, for its version before cannot be kept",
}


def cannot(verb: str, path: str, error: OSError) -> Diagnostic:
    """Tell of a state that cannot be read, written, locked or kept."""
    return Diagnostic(
        f"cannot-{verb}-state",
        Severity.ERROR,
        f"The state cannot be {_SAID[verb]}",
        f"{path}: {error.strerror or error}.",
        Source(path),
        hint="check the path, its permissions and the free space",
    )


def moved(path: str, stored: State, state: State) -> Diagnostic:
    """Tell of a state that changed under our hands."""
    return Diagnostic(
        "state-moved",
        Severity.ERROR,
        "The state was changed by somebody else meanwhile",
        f"{path} has serial {stored.serial} (lineage {stored.lineage[:8]}); this run was about to write serial "
        f"{state.serial} (lineage {state.lineage[:8]}).",
        Source(path),
        hint="make sure that nobody writes the file without omnictl, then run the same command again",
    )


def gone(path: str, state: State) -> Diagnostic:
    """Tell of a state that went away under our hands."""
    return Diagnostic(
        "state-moved",
        Severity.ERROR,
        "The state was changed by somebody else meanwhile",
        f"{path} was there and is gone; this run was about to write serial {state.serial}.",
        Source(path),
        hint="bring the file back, from git or from the kept versions (state history), then run the command again",
    )


def other_environment(path: str, found: str, expected: str) -> Diagnostic:
    """Tell of a state of another environment."""
    return Diagnostic(
        "other-environment",
        Severity.ERROR,
        "The state belongs to another environment",
        f"It says {found}; the environment is {expected}.",
        Source(path),
        hint="check --env and --state",
    )


def no_such_version(serial: int, kept: list[int]) -> Diagnostic:
    """Tell of a version that is not kept."""
    listing = ", ".join(map(str, kept)) or "none"
    return Diagnostic(
        "no-such-version",
        Severity.ERROR,
        "This version of the state is not kept",
        f"{serial} is not kept; kept are {listing}.",
        hint="the kept versions, with their places, are listed by",
        commands=("omnictl state history",),
    )


def lock_held(holder: LockHolder | None, waited_seconds: float) -> Diagnostic:
    """Tell of a lock that somebody else holds."""
    who = "another omnictl"
    if holder is not None:
        link = f"; see {holder.link}" if holder.link else ""
        until = f", until about {holder.expected_end:%H:%M:%SZ}" if holder.expected_end else ""
        since = f"{holder.since:%Y-%m-%d %H:%M:%SZ}"
        where = f"{holder.process}, run {holder.run}" if holder.process else f"run {holder.run}"
        who = f"{holder.operation} since {since}{until} ({where}){link}"
    waited = f"; waited {waited_seconds:g} s" if waited_seconds else ""
    return Diagnostic(
        "lock-held",
        Severity.ERROR,
        "Somebody else works with this state",
        f"The lock is held by {who}{waited}.",
        hint="wait for it with --lock-timeout 10m; the lock goes with its process",
    )


CODES = {
    "cannot-read-state": "The state file exists and cannot be read: permissions, a directory, a device or a "
    "dangling link in its place. A link that leads nowhere is never taken for a state that does not exist yet.",
    "cannot-write-state": "The state file cannot be written: permissions, a full disk, a directory in its "
    "place. The file is as it was.",
    "cannot-lock-state": "The lock beside the state cannot be taken: the work directory cannot be written.",
    "cannot-keep-state": "Before a run writes the state for the first time it keeps the version before; that "
    "failed. Nothing was sent and nothing was changed.",
    "state-moved": "The state on disk is not the one that this run read. Nothing more was sent.",
    "other-environment": "The state file belongs to another environment than the one chosen.",
    "no-such-version": "state rollback goes back to kept versions only: those that the last ten runs began with, "
    "and the last three on the way of the last run.",
    "lock-held": "Another omnictl holds the lock of the state. The lock is one of the operating system and goes with "
    "its process, so it is never stuck; wait with --lock-timeout.",
}
