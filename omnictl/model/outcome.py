"""What became of an apply: one outcome per change, the report of the run, and the events told while it runs."""

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from omnictl.model.address import Address
from omnictl.model.change import Action
from omnictl.model.diagnostic import Diagnostic


class Fate(StrEnum):
    """How a change ended."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_TRIED = "not tried"


class Outcome(Struct, frozen=True):
    """One change and how it ended; ``key`` where one is known, ``diagnostic`` where something went wrong."""

    address: Address
    action: Action
    fate: Fate
    key: str | None = None
    diagnostic: Diagnostic | None = None


class Ending(StrEnum):
    """Why the run ended."""

    FINISHED = "finished"
    ALREADY_APPLIED = "already applied"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


CHANGED_SINCE_PLAN = "changed-since-plan"
"""The code of a change that was refused because the account is no longer what the plan saw."""


class ApplyReport(Struct, frozen=True):
    """The result of an apply: outcomes in the order of the plan, and what a reader has to know beside them.

    ``again`` is the command that goes on; ``next_seconds`` says when the next request may leave, where that is known.
    """

    plan_id: str
    environment: str
    ending: Ending
    outcomes: tuple[Outcome, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    requests_sent: int = 0
    writes_sent: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stop_reason: str = ""
    signal: int | None = None
    sandbox: bool = False
    again: str = ""
    next_seconds: float | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether something is left that the same command would go on with."""
        return any(each.fate is not Fate.DONE for each in self.outcomes)

    @property
    def has_moved(self) -> bool:
        """Whether something was left as it is because somebody changed it since the plan saw it."""
        found = (each.diagnostic for each in self.outcomes)
        return any(each is not None and each.code == CHANGED_SINCE_PLAN for each in found)

    def count(self, fate: Fate) -> int:
        """Return how many changes ended so."""
        return sum(1 for each in self.outcomes if each.fate is fate)


# --- Events, told to an observer while the work goes on ---------------------------------------------------------


class ReadingAccount(Struct, frozen=True):
    """Pages of the account are being read."""

    scenarios_read: int


class WaitingForLock(Struct, frozen=True):
    """Somebody else holds the lock of the state."""

    holder: str


class ApplyStarted(Struct, frozen=True):
    """The first request is about to leave. ``ends_at`` is the estimate under the budgets.

    ``left_at_stop`` is how many changes ``stop_after_seconds`` is expected to leave undone.
    """

    plan_id: str
    environment: str
    creates: int
    updates: int
    total: int
    seconds: float
    ends_at: datetime
    stop_after_seconds: float | None = None
    left_at_stop: int = 0


class ApplyStopped(Struct, frozen=True):
    """The run stopped before everything was done; ``is_saved`` where the state could be stored."""

    reason: str
    done: int
    failed: int
    unknown: int
    left: int
    is_saved: bool = True


class ChangeEnded(Struct, frozen=True):
    """A change ended; ``position`` of ``total`` counts the ended ones."""

    outcome: Outcome
    position: int
    total: int


class KeyReceived(Struct, frozen=True):
    """The API gave a new key; said aloud at once, so that a lost disk can be rebuilt from a log."""

    address: Address
    key: str


class Waiting(Struct, frozen=True):
    """Nothing can be sent before ``until``; ``reason`` is "budget", "retry-after", "backoff", or "settle"."""

    operation: str
    reason: str
    seconds: float
    until: datetime
    limit: int | None = None
    window_seconds: float | None = None


class RequestEnded(Struct, frozen=True):
    """A request was answered, or not: ``result`` is the status, or why there is none. Told where somebody asks."""

    method: str
    path: str
    result: str
    seconds: float
    request_id: str = ""


class Retrying(Struct, frozen=True):
    """A request is sent again because that is safe."""

    operation: str
    attempt: int
    seconds: float
    why: str


class Settling(Struct, frozen=True):
    """Unknown creates are being looked for."""

    addresses: tuple[Address, ...]


class SendingStarted(Struct, frozen=True):
    """The first message is about to leave; ``total`` is how many there are, ``sent_before`` by earlier processes."""

    run: str
    scenario: str
    total: int
    sent_before: int = 0


class MessagesSent(Struct, frozen=True):
    """How far a sending is: the fates of the run so far, and how many messages there are."""

    accepted: int
    refused: int
    unknown: int
    total: int


class LookingForMessages(Struct, frozen=True):
    """Messages whose fate is unknown are looked for in the logs."""

    messages: int


class ReportsTaken(Struct, frozen=True):
    """So many reports were taken and are in the ledger, so many of them new."""

    rows: int
    new: int


class PushKept(Struct, frozen=True):
    """A push came, and its reports and seen reports are in the ledger, so many of them new.

    ``inbound`` are messages to us, which are not kept; ``unreadable`` rows are kept as the bytes they came in.
    """

    reports: int = 0
    seen: int = 0
    new: int = 0
    inbound: int = 0
    unreadable: int = 0


class Notice(Struct, frozen=True):
    """Something to be said while the work goes on."""

    diagnostic: Diagnostic


Event: TypeAlias = (
    ReadingAccount
    | WaitingForLock
    | ApplyStarted
    | ApplyStopped
    | ChangeEnded
    | KeyReceived
    | Waiting
    | RequestEnded
    | Retrying
    | Settling
    | SendingStarted
    | MessagesSent
    | LookingForMessages
    | ReportsTaken
    | PushKept
    | Notice
)
