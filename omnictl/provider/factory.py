"""The provider put together from its parts, for the composition root."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import monotonic as monotonic_clock
from types import MappingProxyType
from typing import ParamSpec, TypeVar

from msgspec import Struct

from omnictl.model.outcome import Event
from omnictl.provider.base import Budget, Capabilities, Operation, StopSignal
from omnictl.provider.exchange import Exchange
from omnictl.provider.omni import OmniProvider
from omnictl.provider.omni_messages import OmniMessenger
from omnictl.provider.pacing import Pacer, Surroundings
from omnictl.transport.client import READ_SECONDS, BaseTransport, ClientOptions, HttpClient
from omnictl.transport.credentials import Credentials
from omnictl.transport.trust import check_base_url

P = ParamSpec("P")
T = TypeVar("T")

SETTLE_SECONDS = 60.0
LOOPBACK_SETTLE_SECONDS = 2.0


class Connected(Struct, frozen=True):
    """What a provider and a messenger are made of: one client, one pacer, and what this account promises."""

    client: HttpClient
    pacer: Pacer
    exchange: Exchange
    capabilities: Capabilities


def connect(
    base_url: str,
    credentials: Credentials,
    *,
    workers: int,
    budgets: Mapping[Operation, Budget],
    stop: StopSignal,
    observe: Callable[[Event], None],
    clock: Callable[[], datetime],
    random: Callable[[], float],
    recent: Mapping[Operation, Sequence[datetime]] = MappingProxyType({}),
    monotonic: Callable[[], float] = monotonic_clock,
    wait: Callable[[float], bool] | None = None,
    settle_seconds: float | None = None,
    ca_file: str | None = None,
    transport: BaseTransport | None = None,
    read_only: bool = False,
    timeout_seconds: float = READ_SECONDS,
    trusted_hosts: Sequence[str] = (),
) -> Connected:
    """Return what requests to one base URL need; whoever uses it closes it.

    ``recent`` are the times of the requests that recent runs sent. ``wait`` is the stop signal's own, unless a test
    moves the clock. ``settle_seconds`` None means by host: 60 s, 2 s on this machine. ``read_only`` sends nothing but
    GET. Raises AccessError where credentials must not go to the base URL.
    """
    base = check_base_url(base_url, trusted_hosts)
    options = ClientOptions(
        workers=workers, timeout_seconds=timeout_seconds, ca_file=ca_file, read_only=read_only, transport=transport
    )
    by_host = LOOPBACK_SETTLE_SECONDS if base.is_loopback else SETTLE_SECONDS
    capabilities = Capabilities(
        settle_seconds=by_host if settle_seconds is None else settle_seconds,
        budgets=dict(budgets),
        request_timeout_seconds=options.request_seconds,
    )
    around = Surroundings(stop, observe, clock, monotonic, wait or stop.wait, random)
    pacer = Pacer(budgets, recent, around)
    client = HttpClient(base, credentials, options, monotonic=monotonic)
    return Connected(client, pacer, Exchange(client, pacer, around), capabilities)


def _after(connect: Callable[P, Connected], assemble: Callable[[Connected], T]) -> Callable[P, T]:
    """Return a function that takes what ``connect`` takes, and returns what is assembled from its result."""

    def make(*positional: P.args, **named: P.kwargs) -> T:
        return assemble(connect(*positional, **named))

    return make


make_provider = _after(connect, lambda made: OmniProvider(made.client, made.pacer, made.exchange, made.capabilities))
"""Return a provider for one base URL; the caller closes it. Options and errors are those of ``connect``."""

make_messenger = _after(connect, lambda made: OmniMessenger(made.client, made.exchange, made.capabilities))
"""Return a messenger for one base URL; the caller closes it. Options and errors are those of ``connect``."""
