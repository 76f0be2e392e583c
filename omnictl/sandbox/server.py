"""The sandbox as a server on this machine."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from wsgiref.types import WSGIApplication, WSGIEnvironment

from werkzeug.serving import WSGIRequestHandler, make_server

_BACKLOG = 128


class _Handler(WSGIRequestHandler):
    """Speaks HTTP/1.1, one request a connection; writes no log; cuts the connection where the application says so."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:  # noqa: ARG002
        """Close what the client still holds open: for it the connection is cut."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _refuse_no_address(host: str) -> None:
    """Raise OSError for what cannot be written as the name of a host: a socket would leak with it."""
    try:
        is_name = b"\0" not in host.encode("idna")
    except UnicodeError:
        is_name = False
    if not is_name:
        raise OSError("this is no address")


def serve(
    app: WSGIApplication,
    host: str,
    port: int,
    *,
    on_ready: Callable[[str], None],
    stop: threading.Event,
    on_tick: Callable[[], None] = lambda: None,
) -> None:
    """Serve until ``stop`` is set; port 0 takes a free one, and ``on_ready`` gets the base URL. Raises OSError.

    ``on_tick`` is called several times a second, for what happens though nobody asks.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    _refuse_no_address(host)
    with socket.create_server((host, port), family=family, backlog=_BACKLOG) as listening:
        server = make_server(host, port, app, threaded=True, request_handler=_Handler, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        on_ready(f"http://{shown}:{server.port}")
        while not stop.wait(0.2):
            on_tick()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
