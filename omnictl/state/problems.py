"""What can be wrong with a state as a file, in words."""

from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.shell import quote_word
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


def overtaken(where: str, serial: int | None, state: State) -> Diagnostic:
    """Tell of a stored state that another run wrote meanwhile."""
    there = "nothing that can be read" if serial is None else f"serial {serial}"
    return Diagnostic(
        "state-moved",
        Severity.ERROR,
        "The state was changed by somebody else meanwhile",
        f"{where} has {there}; this run was about to write serial {state.serial} in the place of what it had read.",
        hint="run the same command again: it begins with what is stored, and looks for what this run did",
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


def lock_held(
    holder: LockHolder | None,
    waited_seconds: float,
    lease_seconds: int | None = None,
    *,
    is_kept: bool = False,
    lock_id: str = "",
) -> Diagnostic:
    """Tell of a lock that somebody else holds; ``lease_seconds`` where it does not go with its process.

    ``is_kept`` where a server keeps it until somebody clears it, by its name (``lock_id``) if that is known.
    """
    who = "another omnictl"
    if holder is not None:
        link = f"; see {holder.link}" if holder.link else ""
        until = f", expected until {holder.expected_end:%H:%M:%SZ}" if holder.expected_end else ""
        since = f" since {holder.since:%Y-%m-%d %H:%M:%SZ}" if holder.since.timestamp() > 0 else ""
        where = f"{holder.process}, run {holder.run}" if holder.process else f"run {holder.run}"
        who = f"{holder.operation}{since}{until} ({where}){link}"
    waited = f"; waited {waited_seconds:g} s" if waited_seconds else ""
    ends = "the lock goes with its process"
    if is_kept:
        ends = "its server keeps the lock until it is let go; where its holder is surely gone, clear it"
        if not lock_id:
            ends += " by the server's own means: it has no name here by which it could be cleared"
    elif lease_seconds is not None:
        ends = f"where its holder is gone, it is passed over after {lease_seconds} s"
    return Diagnostic(
        "lock-held",
        Severity.ERROR,
        "Somebody else works with this state",
        f"The lock is held by {who}{waited}.",
        hint=f"wait for it with --lock-timeout 10m; {ends}",
        commands=(f"omnictl state unlock --force {quote_word(lock_id)}",) if lock_id else (),
    )


def lock_lost(where: str) -> Diagnostic:
    """Tell of a lock that was gone before it could be used."""
    return Diagnostic(
        "lock-lost",
        Severity.ERROR,
        "The lock of the state was lost",
        f"{where}: the answer came after the end of its lease. Nothing was sent.",
        hint="run the same command again",
    )


def lock_taken(where: str, state: State) -> Diagnostic:
    """Tell of a write that was not tried, since somebody else has, or had, the lock."""
    return Diagnostic(
        "lock-lost",
        Severity.ERROR,
        "The lock of the state was lost",
        f"{where}: another run passed over it, or it was cleared. Serial {state.serial} was not written, and nothing "
        "more was sent.",
        hint="run the same command again: it begins with what is stored, and looks for what this run did",
    )


def not_cleared(holder: LockHolder) -> Diagnostic:
    """Tell of a lock that is to be cleared and whose holder lives."""
    return Diagnostic(
        "lock-held",
        Severity.ERROR,
        "Somebody else works with this state",
        f"{holder.operation} (run {holder.run}) renewed its lock while it was looked at. It was left alone.",
        hint="wait for it with --lock-timeout 10m, or end that run",
    )


def unreadable_lock(where: str, why: str) -> Diagnostic:
    """Tell of what stands in the place of a lock and is none."""
    return Diagnostic(
        "unreadable-lock",
        Severity.ERROR,
        "The lock of the state cannot be read",
        f"{where}: {why}. Nothing was changed.",
        hint="look at what is there; where nobody works with the state, clear it with (one of a newer omnictl is left)",
        commands=("omnictl state unlock",),
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
    "lock-held": "Another omnictl holds the lock of the state. That of a local file goes with its process; in a store "
    "it is a lease, which is passed over once its holder does not renew it; behind Terraform's HTTP protocol the "
    "server keeps it until it is let go, or cleared by state unlock --force. Wait with --lock-timeout.",
    "lock-lost": "The lock was taken, and the answer of the store came after the end of its lease: nothing was sent. "
    "Or another run took the lock while this one slept or was cut off: this one sends and writes nothing any more.",
    "unreadable-lock": "The object that is the lock of a state in a store holds something else, or was written by a "
    "newer omnictl. Nobody can tell whether the state is in use, so nothing is done.",
}
