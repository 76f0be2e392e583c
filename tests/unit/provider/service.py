"""A service that answers by script, a clock that only waiting moves, and a provider between them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from omnictl.model.outcome import Event, RequestEnded
from omnictl.model.scenario import Attributes, Json, Step
from omnictl.provider.base import Budget, Operation, StopSignal
from omnictl.provider.factory import make_messenger, make_provider
from omnictl.provider.omni import OmniProvider
from omnictl.provider.omni_messages import OmniMessenger
from omnictl.transport.credentials import Credentials, make_credentials

CANARY = "canary-0123456789abcdef-key"
START = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
BODY = Attributes("My VK-SMS scenario", (Step("VKONTAKTE"), Step("SMS", "InfoSMS")))
ROW: dict[str, Json] = {
    "key": "CC9F01A5DC7BEE2C2B829D203482A654",
    "name": "My VK-SMS scenario",
    "flow": [{"channel": "VKONTAKTE"}, {"from": "InfoSMS", "channel": "SMS"}],
    "default": True,
}

Answer = Callable[[httpx.Request], httpx.Response]


def reply(status: int, document: object = None, **headers: str) -> Answer:
    """Answer with a status, JSON (or bytes as they are), and headers (underscores are dashes)."""
    content = document if isinstance(document, bytes) else b"" if document is None else json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(status, content=content, headers=named)


def api_error(status: int, message_id: str = "BAD_REQUEST", text: str = "Bad request", **more: object) -> Answer:
    """Answer with the API's own error."""
    return reply(status, {"requestError": {"serviceException": {"messageId": message_id, "text": text, **more}}})


def fail(kind: Callable[..., Exception], text: str = "on purpose") -> Answer:
    """Fail as the network does."""

    def raise_it(request: httpx.Request) -> httpx.Response:
        raise kind(text, request=request)

    return raise_it


class CutStream(httpx.SyncByteStream):
    """A body that ends with a cut connection."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"key": "CC9F'
        raise httpx.ReadError("cut")


def cut(status: int, **headers: str) -> Answer:
    """Answer with a status, then cut the body."""
    return lambda request: httpx.Response(status, stream=CutStream(), headers=headers)


@dataclass
class Service:
    """Answers in order; the last answer is repeated. Time passes only where somebody waits."""

    answers: list[Answer]
    requests: list[httpx.Request] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    traces: list[RequestEnded] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    stop: StopSignal = field(default_factory=StopSignal)
    stop_after_waits: int | None = None
    seconds: float = 1000.0

    def observe(self, event: Event) -> None:
        """Keep what was told, each request apart."""
        if isinstance(event, RequestEnded):
            self.traces.append(event)
        else:
            self.events.append(event)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        return answer(request)

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.seconds - 1000.0)

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.seconds += seconds
        if self.stop_after_waits is not None and len(self.waits) >= self.stop_after_waits:
            self.stop.request("stopped by the test")
        return self.stop.is_set

    @property
    def bodies(self) -> list[dict[str, Json]]:
        return [json.loads(each.content) for each in self.requests]

    def provider(
        self,
        *,
        budgets: Mapping[Operation, Budget] | None = None,
        recent: Mapping[Operation, Sequence[datetime]] | None = None,
        base_url: str = "https://x.api.infobip.com",
        read_only: bool = False,
        credentials: Credentials | None = None,
        transport: httpx.BaseTransport | None = None,
        workers: int = 4,
        settle_seconds: float | None = None,
    ) -> OmniProvider:
        return make_provider(
            base_url,
            credentials or make_credentials(CANARY, source="the test"),
            workers=workers,
            budgets=budgets or {},
            recent=recent or {},
            stop=self.stop,
            observe=self.observe,
            clock=self.clock,
            monotonic=self.monotonic,
            random=lambda: 1.0,
            wait=self.wait,
            settle_seconds=settle_seconds,
            transport=transport or httpx.MockTransport(self),
            read_only=read_only,
        )

    def messenger(self) -> OmniMessenger:
        return make_messenger(
            "https://x.api.infobip.com",
            make_credentials(CANARY, source="the test"),
            workers=1,
            budgets={},
            stop=self.stop,
            observe=self.observe,
            clock=self.clock,
            monotonic=self.monotonic,
            random=lambda: 1.0,
            wait=self.wait,
            transport=httpx.MockTransport(self),
        )


def service(*answers: Answer) -> Service:
    """Return a service with these answers."""
    return Service(list(answers))
