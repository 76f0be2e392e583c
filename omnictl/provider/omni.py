"""The OMNI failover API as a provider: which request each operation sends, and what each answer to it means."""

from datetime import datetime

from omnictl.errors import ReadingError, RemoteError
from omnictl.model.scenario import Attributes, Remote
from omnictl.provider import failures, wire
from omnictl.provider.base import Capabilities, Operation
from omnictl.provider.exchange import Exchange, believable
from omnictl.provider.pacing import Pacer
from omnictl.provider.wire import UnreadableError
from omnictl.transport.answer import Reply, Request
from omnictl.transport.client import HttpClient


class OmniProvider:
    """The scenarios of one account, over HTTP. Thread-safe; ``close`` it at the end."""

    def __init__(self, client: HttpClient, pacer: Pacer, exchange: Exchange, capabilities: Capabilities) -> None:
        self._client = client
        self._pacer = pacer
        self._exchange = exchange
        self._capabilities = capabilities

    @property
    def host(self) -> str:
        """The host of the API, with the port where it is not the usual one."""
        return self._client.base.authority

    @property
    def capabilities(self) -> Capabilities:
        """What this provider promises."""
        return self._capabilities

    @property
    def requests_sent(self) -> int:
        """How many requests have left so far."""
        return self._client.requests_sent

    @property
    def clock_offset_seconds(self) -> float | None:
        """How far the clock of the service is ahead of ours; None where it never said what time it is."""
        return self._exchange.clock_offset_seconds

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def permits(self, operation: Operation) -> int:
        """Return how many requests of this kind may leave now under the budget; a large number without one."""
        return self._pacer.permits(operation)

    def seconds_until_permit(self, operation: Operation) -> float:
        """Return how long until one more request of this kind may leave; 0.0 where one may leave now."""
        return self._pacer.seconds_until_permit(operation)

    def list_page(self, page: int) -> tuple[Remote, ...]:
        """Read one page, counted from 0. Raises ReadingError where it cannot be read."""
        request = Request("GET", wire.SCENARIOS_PATH, wire.list_query(page, self._capabilities.page_size))

        def interpret(reply: Reply) -> tuple[Remote, ...]:
            self._exchange.raise_if_refused(request, reply, ReadingError)
            return wire.read_page(believable(reply))

        return self._exchange.read(Operation.LIST, request, interpret)

    def get(self, key: str) -> Remote | None:
        """Read one scenario; None where the API itself says that there is none. Raises ReadingError."""
        request = Request("GET", _path_of(key))

        def interpret(reply: Reply) -> Remote | None:
            if reply.status == 404 and wire.read_api_error(reply.body) is not None:
                return None
            self._exchange.raise_if_refused(request, reply, ReadingError)
            remote = wire.read_scenario(believable(reply))
            if remote.key != key:
                raise UnreadableError("it is about a scenario with another key")
            return remote

        return self._exchange.read(Operation.GET, request, interpret)

    def create(self, body: Attributes, *, default: bool, not_after: datetime | None = None) -> Remote:
        """POST a scenario; again only while it surely was not taken, and never after ``not_after``.

        Raises OutcomeUnknownError where nobody can know what became of it.
        """
        request = Request("POST", wire.SCENARIOS_PATH, body=wire.write_created(body, default=default))
        answer = self._exchange.write(Operation.CREATE, request, not_after)
        try:
            return wire.read_created(self._exchange.taken(request, answer), body, default=default)
        except UnreadableError as error:
            raise self._exchange.unknown(request, answer, error) from None

    def update(self, current: Remote, desired: Attributes, *, default: bool) -> Remote:
        """PUT the whole scenario, unknown fields as they were just read.

        Raises OutcomeUnknownError where nobody can know what became of it.
        """
        path = _path_of(current.key)
        request = Request("PUT", path, body=wire.write_updated(current, desired, default=default))
        answer = self._exchange.write(Operation.UPDATE, request)
        try:
            return wire.read_updated(self._exchange.taken(request, answer), current.key)
        except UnreadableError as error:
            raise self._exchange.unknown(request, answer, error) from None


def _path_of(key: str) -> str:
    try:
        return wire.scenario_path(key)
    except ValueError:
        pass
    raise RemoteError(failures.malformed_key())
