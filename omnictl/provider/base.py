"""The port to the API: what operations ask of a provider, and what a provider can do. No HTTP here."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from omnictl.model.scenario import Attributes, Remote


class Operation(StrEnum):
    """The kinds of request, each with a budget of its own."""

    LIST = "list"
    GET = "get"
    CREATE = "create"
    UPDATE = "update"
    SEND = "send"
    REPORTS = "reports"
    LOGS = "logs"


class Budget(Struct, frozen=True):
    """How many requests of one kind the API takes in a sliding window."""

    limit: int
    window_seconds: float


PUBLISHED_BUDGETS: Mapping[Operation, Budget] = {
    Operation.CREATE: Budget(20, 600.0),
    Operation.UPDATE: Budget(40, 600.0),
    Operation.LOGS: Budget(120, 60.0),
}
"""The throttles that the API's published description states."""


class Capabilities(Struct, frozen=True):
    """What a provider promises.

    ``page_size`` is the documented page length; ``settle_seconds`` how long after a create the service may
    take to show it; an operation without a budget is not paced.
    """

    page_size: int = 100
    settle_seconds: float = 60.0
    budgets: Mapping[Operation, Budget] = field(default_factory=dict)
    request_timeout_seconds: float = 60.0


class StopSignal:
    """Tells everything that waits or sends to stop in good order; the first reason wins. Thread-safe."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._reason = ""
        self._watch: Callable[[], str] | None = None

    @property
    def reason(self) -> str:
        """Why it was asked to stop; empty while it was not."""
        return self._reason

    @property
    def is_set(self) -> bool:
        """Whether no new request may start."""
        if self._watch is not None and not self._event.is_set() and (reason := self._watch()):
            self.request(reason)
        return self._event.is_set()

    def watch(self, find_reason: Callable[[], str]) -> None:
        """Ask this too each time, just before a request leaves: a reason to stop, or nothing."""
        self._watch = find_reason

    def request(self, reason: str) -> None:
        """Ask everything to stop."""
        with self._lock:
            if not self._event.is_set():
                self._reason = reason
                self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it is asked to stop; return whether it was."""
        return self._event.wait(max(0.0, seconds))


class Provider(Protocol):
    """The scenarios of one account.

    Every method may raise AccessError (401/403), RemoteError (the API refused; nothing changed), UnsentError
    (repeats used up, nothing changed) and StoppedError (asked to stop while it waited for its turn).
    """

    @property
    def host(self) -> str:
        """The host of the API, for people and for the identity of the account."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this provider promises."""
        ...

    @property
    def requests_sent(self) -> int:
        """How many requests have left the process."""
        ...

    def permits(self, operation: Operation) -> int:
        """Return how many requests of this kind may leave now under the budget; a large number without one."""
        ...

    def seconds_until_permit(self, operation: Operation) -> float:
        """Return how long until one more request of this kind may leave; 0.0 where one may leave now."""
        ...

    def list_page(self, page: int) -> tuple[Remote, ...]:
        """Read one page (zero-based, ``capabilities.page_size`` rows)."""
        ...

    def get(self, key: str) -> Remote | None:
        """Read one scenario; None where the API says that it does not exist (404)."""
        ...

    def create(self, body: Attributes, *, default: bool, not_after: datetime | None = None) -> Remote:
        """POST a scenario, once; repeats only what surely was not taken.

        Raises OutcomeUnknownError when nobody can know, StoppedError when ``not_after`` has passed.
        """
        ...

    def update(self, current: Remote, desired: Attributes, *, default: bool) -> Remote:
        """PUT the whole scenario, starting from ``current`` as just read; unknown fields go back as they were.

        Raises OutcomeUnknownError when nobody can know.
        """
        ...
