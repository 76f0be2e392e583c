"""The application as a server in threads of its own: bounded in bodies, connections and patience."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask

from omnictl.listener.refusal import Refusal
from omnictl.threads import leaving_signals

MOST_BYTES = 10_000_000
"""How large a body may be: one with a thousand reports has half a million bytes. More is refused while it comes."""

THREADS = 4
LATE_SECONDS = 30.0
"""How long a request may take to come, and a connection may be silent."""

FINISH_SECONDS = 30
"""How long the end waits for pushes that are being kept: longer than the ledger waits for another process."""

_TURN_SECONDS = 0.2
_CONNECTIONS = 200
_BACKLOG = 128
_HEADER_BYTES = 32_768
_BYTES_IN_MEMORY = 1_000_000


class Server:
    """A server that listens; ``url`` is its address without a path."""

    def __init__(
        self,
        app: WSGIApplication,
        host: str,
        port: int,
        *,
        on_refused: Callable[[Refusal], None],
        late_seconds: float = LATE_SECONDS,
    ) -> None:
        listening = _listen(host, port)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{listening.getsockname()[1]}"
        logging.getLogger("waitress").setLevel(logging.CRITICAL)  # what matters of it is told in our words
        self._map: dict[int, Any] = {}
        with leaving_signals():
            server = create_server(
                app,
                map=self._map,
                sockets=[listening],
                threads=THREADS,
                ident="omnictl",
                max_request_body_size=MOST_BYTES + 1,
                max_request_header_size=_HEADER_BYTES,
                inbuf_overflow=_BYTES_IN_MEMORY,
                connection_limit=_CONNECTIONS,
                channel_timeout=int(late_seconds) or 1,
                cleanup_interval=5,
            )
        self._server = cast("BaseWSGIServer", server)  # one socket makes one server
        self._server.channel_class = _make_channel_class(on_refused)
        self._patience = _Patience(late_seconds)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="listener", daemon=True)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Listen while the context lasts. At its end requests that have come in whole are answered, and no others."""
        with leaving_signals():
            self._thread.start()
        try:
            yield
        finally:
            self._server.accepting = False
            self._server.task_dispatcher.shutdown(timeout=FINISH_SECONDS)
            self._ended.set()
            self._thread.join()
            wasyncore.close_all(self._map, ignore_all=True)

    def check(self) -> None:
        """Raise RuntimeError where it does not listen any more, though nobody has ended it."""
        if not self._thread.is_alive():
            raise RuntimeError("the server has ended by itself")

    def _loop(self) -> None:
        while not self._ended.is_set():
            self._turn()

    def _turn(self) -> None:
        wasyncore.loop(timeout=_TURN_SECONDS, use_poll=True, map=self._map, count=1)
        self._patience.end_late(_channels(self._map))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _channels(connections: dict[int, Any]) -> list[HTTPChannel]:
    return [each for each in list(connections.values()) if isinstance(each, HTTPChannel)]


class _Patience:
    """Ends requests that come so slowly that they never end: each byte of them would renew the usual time-out."""

    def __init__(self, late_seconds: float) -> None:
        self._late_seconds = late_seconds
        self._begun: dict[int, tuple[object, float]] = {}

    def end_late(self, channels: list[HTTPChannel]) -> None:
        """Close the connections whose request began too long ago and has not come in whole."""
        now = time.monotonic()
        before, self._begun = self._begun, {}
        for channel in channels:
            request = channel.request
            if request is None:
                continue
            known, since = before.get(id(channel), (None, now))
            since = since if known is request else now
            self._begun[id(channel)] = (request, since)
            if now - since > self._late_seconds:
                channel.will_close = True


def _make_channel_class(on_refused: Callable[[Refusal], None]) -> type[HTTPChannel]:
    """Return a connection that tells what the server refuses before the application sees it."""

    class Telling(ErrorTask):
        def execute(self) -> None:
            error: Any = self.request.error  # type: ignore[attr-defined]
            on_refused(Refusal(error.code, f"{error.reason}."))
            super().execute()

    class Channel(HTTPChannel):
        error_task_class = Telling

    return Channel
