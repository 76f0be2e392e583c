"""A transport that calls a WSGI application in this process, where there is no socket that could be cut."""

from collections.abc import Callable
from wsgiref.types import WSGIApplication

from omnictl.transport.quick_httpx import httpx


class _InProcessTransport(httpx.BaseTransport):
    def __init__(
        self, app: WSGIApplication, cut_errors: tuple[type[Exception], ...], on_close: Callable[[], None]
    ) -> None:
        self._inner = httpx.WSGITransport(app=app)
        self._cut_errors = cut_errors
        self._on_close = on_close

    def close(self) -> None:
        """Close what stands behind the application."""
        self._on_close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        cut = False
        try:
            response = self._inner.handle_request(request)
            stream = response.stream
            body = b"".join(stream) if isinstance(stream, httpx.SyncByteStream) else b""
            response.close()
        except self._cut_errors:
            cut = True
        if cut:
            raise httpx.ReadError("the connection was cut", request=request)
        return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(body))


def make_in_process_transport(
    app: WSGIApplication,
    *,
    cut_errors: tuple[type[Exception], ...] = (),
    on_close: Callable[[], None] = lambda: None,
) -> httpx.BaseTransport:
    """Return a transport that calls the application; ``cut_errors`` raised out of it are a connection that was cut."""
    return _InProcessTransport(app, cut_errors, on_close)
