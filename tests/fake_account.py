"""An account in memory that fits the Provider protocol, with a script of what goes wrong."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from omnictl.errors import OutcomeUnknownError, RemoteError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Attributes, Remote
from omnictl.provider.base import Capabilities, Operation

PLENTY = 10**9


def problem(code: str = "test") -> Diagnostic:
    """Return any diagnostic."""
    return Diagnostic(code, Severity.ERROR, "Something went wrong", "on purpose")


@dataclass
class FakeAccount:
    """Scenarios by key; ``faults`` maps an operation to what the next requests of it do.

    A fault is "lost" (done, answer lost), "dropped" (not done, answer lost), or "refused".
    """

    capabilities: Capabilities = field(default_factory=lambda: Capabilities(page_size=3, settle_seconds=0.0))
    host: str = "fake.api.infobip.com"
    rows: dict[str, Remote] = field(default_factory=dict)
    made: int = 0
    faults: dict[Operation, list[str]] = field(default_factory=dict)
    requests: list[tuple[Operation, str]] = field(default_factory=list)
    before_request: Callable[[Operation, str], None] | None = None
    normalise: Callable[[Attributes], Attributes] = lambda attributes: attributes
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def requests_sent(self) -> int:
        return len(self.requests)

    def permits(self, operation: Operation) -> int:
        return PLENTY

    def seconds_until_permit(self, operation: Operation) -> float:
        return 0.0

    def list_page(self, page: int) -> tuple[Remote, ...]:
        with self._lock:
            self._note(Operation.LIST, str(page))
            size = self.capabilities.page_size
            return tuple(self.rows.values())[page * size : (page + 1) * size]

    def get(self, key: str) -> Remote | None:
        with self._lock:
            self._note(Operation.GET, key)
            return self.rows.get(key)

    def create(self, body: Attributes, *, default: bool, not_after: datetime | None = None) -> Remote:
        with self._lock:
            self._note(Operation.CREATE, body.name)
            fault = self._next_fault(Operation.CREATE)
            if fault in ("refused", "dropped"):
                self._fail(fault)
            remote = self.plant(body, default=default)
            if fault == "lost":
                self._fail(fault)
            return remote

    def update(self, current: Remote, desired: Attributes, *, default: bool) -> Remote:
        with self._lock:
            self._note(Operation.UPDATE, current.key)
            fault = self._next_fault(Operation.UPDATE)
            if fault in ("refused", "dropped"):
                self._fail(fault)
            if default:
                self._clear_default()
            was = self.rows[current.key]
            self.rows[current.key] = replace(
                was, attributes=self.normalise(desired), is_default=default or was.is_default
            )
            if fault == "lost":
                self._fail(fault)
            return self.rows[current.key]

    def plant(self, body: Attributes, *, default: bool = False, key: str | None = None) -> Remote:
        """Create a scenario as somebody else would."""
        first = not self.rows
        if default or first:
            self._clear_default()
        self.made += 1
        name = key or f"{self.made:032X}"
        self.rows[name] = Remote(name, self.normalise(body), default or first)
        return self.rows[name]

    def count(self, operation: Operation) -> int:
        """Return how many requests of a kind were seen."""
        return sum(1 for each, _ in self.requests if each is operation)

    def _clear_default(self) -> None:
        for key, remote in self.rows.items():
            self.rows[key] = replace(remote, is_default=False)

    def _note(self, operation: Operation, subject: str) -> None:
        self.requests.append((operation, subject))
        if self.before_request is not None:
            self.before_request(operation, subject)

    def _next_fault(self, operation: Operation) -> str:
        queue = self.faults.get(operation, [])
        return queue.pop(0) if queue else ""

    def _fail(self, fault: str) -> None:
        if fault == "refused":
            raise RemoteError(problem("refused"))
        raise OutcomeUnknownError(problem("lost"))
