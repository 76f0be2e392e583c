"""The port to the API's messages: what operations ask of a messenger. No HTTP here."""

from typing import Protocol

from msgspec import Struct

from omnictl.model.message import Batch, Receipt
from omnictl.model.report import LogQuery, Received, ReceivedSeen, ReportQuery


class Page(Struct, frozen=True):
    """Rows of one reply, the very bytes that they were read from, and how many rows could not be read.

    ``is_full`` where the reply has as many rows as were asked for, so that there may be more.
    """

    rows: tuple[Received, ...]
    body: bytes
    unreadable: int = 0
    is_full: bool = False


class Push(Struct, frozen=True):
    """What came in one push: reports, seen reports, how many messages to us, and how many rows could not be read."""

    reports: tuple[Received, ...] = ()
    seen: tuple[ReceivedSeen, ...] = ()
    inbound: int = 0
    unreadable: int = 0


class Messenger(Protocol):
    """The messages of one account.

    Every method may raise AccessError (401/403), RemoteError (the API refused; nothing changed), UnsentError (repeats
    used up, nothing changed) and StoppedError (asked to stop while it waited for its turn).
    """

    @property
    def host(self) -> str:
        """The host of the API, for people and for the identity of the account."""
        ...

    @property
    def settle_seconds(self) -> float:
        """How long the service may still work on a request whose answer was lost."""
        ...

    @property
    def request_timeout_seconds(self) -> float:
        """How long a request takes at most, from its first byte to the last of its answer."""
        ...

    def send(self, batch: Batch) -> tuple[Receipt, ...]:
        """POST a batch, once; repeats only what surely was not taken.

        Returns one receipt for each message in its order: an id that the reply leaves out is unknown. Raises
        OutcomeUnknownError when nobody can know about any of them.
        """
        ...

    def take_reports(self, query: ReportQuery) -> Page:
        """Take reports, which the API hands out once; goes again only where surely none were handed out.

        Raises OutcomeUnknownError when some may have been handed out to nobody.
        """
        ...

    def read_logs(self, query: LogQuery) -> Page:
        """Read rows of the logs, newest first; repeatable. Raises ReadingError."""
        ...
