"""The messages of the OMNI failover API: which request each operation sends, and what each answer to it means."""

from collections.abc import Callable

from omnictl.errors import ReadingError
from omnictl.model.message import Batch, Receipt
from omnictl.model.report import LogQuery, ReportQuery, ReportSource
from omnictl.provider import message_wire
from omnictl.provider.base import Capabilities, Operation
from omnictl.provider.exchange import Exchange, believable
from omnictl.provider.messenger import Page
from omnictl.provider.wire import LOGS_PATH, REPORTS_PATH, SEND_PATH, UnreadableError
from omnictl.transport.answer import Reply, Request
from omnictl.transport.client import HttpClient


class OmniMessenger:
    """The messages of one account, over HTTP. Thread-safe; ``close`` it at the end."""

    def __init__(self, client: HttpClient, exchange: Exchange, capabilities: Capabilities) -> None:
        self._client = client
        self._exchange = exchange
        self._capabilities = capabilities

    @property
    def host(self) -> str:
        """The host of the API, with the port where it is not the usual one."""
        return self._client.base.authority

    @property
    def settle_seconds(self) -> float:
        """How long the service may still work on a request whose answer was lost."""
        return self._capabilities.settle_seconds

    @property
    def request_timeout_seconds(self) -> float:
        """How long a request takes at most."""
        return self._capabilities.request_timeout_seconds

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def send(self, batch: Batch) -> tuple[Receipt, ...]:
        """POST a batch; again only while it surely was not taken.

        Raises OutcomeUnknownError where nobody can know what became of any of its messages.
        """
        request = Request("POST", SEND_PATH, body=message_wire.write_batch(batch))
        answer = self._exchange.write(Operation.SEND, request)
        try:
            return message_wire.read_receipts(self._exchange.taken(request, answer), batch, self._client.redact)
        except UnreadableError as error:
            raise self._exchange.unknown(request, answer, error) from None

    def take_reports(self, query: ReportQuery) -> Page:
        """Take reports once: though it is a GET, it is never repeated where some may have been handed out.

        Raises OutcomeUnknownError then.
        """
        request = Request("GET", REPORTS_PATH, message_wire.reports_query(query))
        answer = self._exchange.write(Operation.REPORTS, request)
        try:
            return self._make_page(self._exchange.taken(request, answer), ReportSource.PULL, query.limit)
        except UnreadableError as error:
            raise self._exchange.unknown(request, answer, error) from None

    def read_logs(self, query: LogQuery) -> Page:
        """Read rows of the logs. Raises ReadingError where they cannot be read."""
        request = Request("GET", LOGS_PATH, message_wire.logs_query(query))

        def interpret(reply: Reply) -> Page:
            self._exchange.raise_if_refused(request, reply, ReadingError)
            return self._make_page(believable(reply), ReportSource.LOG, query.limit)

        return self._exchange.read(Operation.LOGS, request, interpret)

    def _make_page(self, body: bytes, source: ReportSource, limit: int) -> Page:
        """Return the rows of a body, and the very bytes, unless somebody echoes our credentials in them."""
        hide = _Hiding(self._client.redact)
        rows, unreadable = message_wire.read_reports(body, source, hide)
        hide(body.decode("utf-8", "surrogateescape"))
        kept = message_wire.write_rows(rows) if hide.has_found else body
        return Page(rows, kept, unreadable, is_full=len(rows) + unreadable >= limit)


class _Hiding:
    """Takes credentials out of texts, and remembers whether there were any."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self.has_found = False

    def __call__(self, text: str) -> str:
        hidden = self._redact(text)
        self.has_found = self.has_found or hidden != text
        return hidden
