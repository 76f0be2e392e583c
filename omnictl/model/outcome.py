"""What became of an apply: one outcome per change, the report of the run, and the events told while it runs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from omnictl.model.address import Address
from omnictl.model.change import Action
from omnictl.model.diagnostic import Diagnostic


class Fate(StrEnum):
    """How a change ended."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Outcome:
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


@dataclass(frozen=True, slots=True)
class ApplyReport:
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

    def count(self, fate: Fate) -> int:
        """Return how many changes ended so."""
        return sum(1 for each in self.outcomes if each.fate is fate)


# --- Events, told to an observer while the work goes on ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadingAccount:
    """Pages of the account are being read."""

    scenarios_read: int


@dataclass(frozen=True, slots=True)
class WaitingForLock:
    """Somebody else holds the lock of the state."""

    holder: str


@dataclass(frozen=True, slots=True)
class ApplyStarted:
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


@dataclass(frozen=True, slots=True)
class ApplyStopped:
    """The run stopped in good order before everything was done; the state is saved."""

    reason: str
    done: int
    failed: int
    unknown: int
    left: int


@dataclass(frozen=True, slots=True)
class ChangeEnded:
    """A change ended; ``position`` of ``total`` counts the ended ones."""

    outcome: Outcome
    position: int
    total: int


@dataclass(frozen=True, slots=True)
class KeyReceived:
    """The API gave a new key; said aloud at once, so that a lost disk can be rebuilt from a log."""

    address: Address
    key: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can be sent before ``until``; ``reason`` is "budget", "retry-after", "backoff", or "settle"."""

    operation: str
    reason: str
    seconds: float
    until: datetime
    limit: int | None = None
    window_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RequestEnded:
    """A request was answered, or not: ``result`` is the status, or why there is none. Told where somebody asks."""

    method: str
    path: str
    result: str
    seconds: float
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Retrying:
    """A request is sent again because that is safe."""

    operation: str
    attempt: int
    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Settling:
    """Unknown creates are being looked for."""

    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Notice:
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
    | Notice
)
