"""The exceptions of omnictl; each carries the diagnostics that say what happened and what to do.

OmnictlError
├── UsageError            wrong usage, nothing ran
├── ConfigurationError    files or settings are wrong
├── AccessError           no API or credentials, 401/403, an untrusted host
├── RefusedError          a guard, a policy, an approval or a stale plan says no (``kind``)
├── StateError            the state cannot be read, written or used
│   ├── LockHeldError     somebody else holds the lock
│   ├── StateMovedError   it was taken elsewhere (``state``)
│   └── StateWriteError   a write failed; nothing more may be sent
├── LedgerError           the ledger cannot be read, written or used; nothing more may be sent
│   └── LedgerHeldError   another process sends the same run, or does not let the ledger go
├── RemoteError           the API: nothing was changed by the request
│   ├── UnsentError       surely not sent, or surely not taken; retries are used up
│   ├── ReadingError      the account could not be read completely
│   └── OutcomeUnknownError   sent, and nobody knows what became of it
├── OutputError           stdout cannot be written
└── StoppedError          stopped in good order; the same command goes on later
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

from omnictl.model.diagnostic import Diagnostic

if TYPE_CHECKING:
    from omnictl.model.state import State


class RefusalKind(StrEnum):
    """Why something was refused; part of the JSON output."""

    GUARD = "guard"
    POLICY = "policy"
    APPROVAL = "approval"
    STALE = "stale"


class OmnictlError(Exception):
    """Something that a person can understand and mend went wrong."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*(f"{each.code}: {each.summary}" for each in diagnostics))
        self.diagnostics: tuple[Diagnostic, ...] = diagnostics


class UsageError(OmnictlError):
    """The command line makes no sense; nothing ran."""


class ConfigurationError(OmnictlError):
    """Files or settings are wrong; all mistakes that were found are told together."""

    @classmethod
    def of(cls, diagnostics: Iterable[Diagnostic]) -> "ConfigurationError":
        """Make the error from any iterable of diagnostics."""
        return cls(*diagnostics)


class AccessError(OmnictlError):
    """There is no API, no credential, or the API does not let us in."""


class RefusedError(OmnictlError):
    """omnictl refuses; nothing was changed."""

    def __init__(self, kind: RefusalKind, *diagnostics: Diagnostic) -> None:
        super().__init__(*diagnostics)
        self.kind = kind


class StateError(OmnictlError):
    """The state cannot be read, written or used."""


class LockHeldError(StateError):
    """Somebody else holds the lock of the state."""


class StateMovedError(StateError):
    """The state was taken elsewhere; ``state`` is what was left of it here."""

    def __init__(self, state: "State", diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic)
        self.state = state


class UnreadableStateError(StateError):
    """What is stored is no state, or not a whole one."""


class StateWriteError(StateError):
    """The state could not be written; nothing more may be sent."""


class LedgerError(OmnictlError):
    """The ledger cannot be read, written or used; nothing more may be sent."""


class LedgerHeldError(LedgerError):
    """Another process sends the same run, or does not let the ledger go."""


class RemoteError(OmnictlError):
    """The API answered with an error; the request changed nothing."""


class UnsentError(RemoteError):
    """The request surely had no effect, and the safe repeats are used up."""


class ReadingError(RemoteError):
    """The account could not be read completely; an incomplete reading is never taken for an empty one."""


class OutcomeUnknownError(RemoteError):
    """A write was sent and nobody knows what became of it."""


class OutputError(OmnictlError):
    """Stdout cannot be written, for another reason than a reader that went away."""


class StoppedError(OmnictlError):
    """Stopped in good order; the same command goes on later."""
