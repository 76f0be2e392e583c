"""The provider put together from its parts, for the composition root."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import monotonic as monotonic_clock

from omnictl.model.outcome import Event
from omnictl.provider.base import Budget, Capabilities, Operation, StopSignal
from omnictl.provider.exchange import Exchange
from omnictl.provider.omni import OmniProvider
from omnictl.provider.pacing import Pacer, Surroundings
from omnictl.transport.client import READ_SECONDS, BaseTransport, ClientOptions, HttpClient
from omnictl.transport.credentials import Credentials
from omnictl.transport.trust import check_base_url

SETTLE_SECONDS = 60.0
LOOPBACK_SETTLE_SECONDS = 2.0


def make_provider(
    base_url: str,
    credentials: Credentials,
    *,
    workers: int,
    budgets: Mapping[Operation, Budget],
    recent: Mapping[Operation, Sequence[datetime]],
    stop: StopSignal,
    observe: Callable[[Event], None],
    clock: Callable[[], datetime],
    random: Callable[[], float],
    monotonic: Callable[[], float] = monotonic_clock,
    wait: Callable[[float], bool] | None = None,
    settle_seconds: float | None = None,
    ca_file: str | None = None,
    transport: BaseTransport | None = None,
    read_only: bool = False,
    timeout_seconds: float = READ_SECONDS,
    trusted_hosts: Sequence[str] = (),
) -> OmniProvider:
    """Return a provider for one base URL; the caller closes it.

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
    return OmniProvider(client, pacer, Exchange(client, pacer, around), capabilities)
