"""The sandbox as a server on this machine."""

import threading
from collections.abc import Callable
from wsgiref.types import WSGIApplication

from werkzeug.serving import WSGIRequestHandler, make_server


class _QuietHandler(WSGIRequestHandler):
    """Keeps connections alive and writes no log."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def serve(
    app: WSGIApplication, host: str, port: int, *, on_ready: Callable[[str], None], stop: threading.Event
) -> None:
    """Serve until ``stop`` is set; port 0 takes a free one, and ``on_ready`` gets the base URL."""
    server = make_server(host, port, app, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        on_ready(f"http://{host}:{server.server_port}")
        while not stop.wait(0.2):
            pass
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
