"""The WSGI application that takes pushes: who may push, in what form, and what each is answered."""

import json
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from omnictl.errors import LedgerError
from omnictl.listener.refusal import Refusal
from omnictl.listener.signature import is_signed

RETRY_SECONDS = 60
"""When to come again with a push that could not be kept; the service comes in its own time."""

_GREETING = "omnictl reports listen\n"
_JSON_ONLY = "Pushes are read as JSON: send with notifyContentType application/json."


class Listener:
    """Gives the body of each push to ``receive``, and answers 200 when that has returned.

    ``receive`` returns why a body is no push, in words that hold nothing of it, or "". It raises LedgerError where the
    push could not be kept. ``on_refused`` hears of every request that was not taken, ``on_failed`` of what could not
    be kept, and of bugs. With a secret every push must be signed.
    """

    def __init__(
        self,
        receive: Callable[[bytes], str],
        *,
        path: str,
        secret: str | None,
        on_refused: Callable[[Refusal], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        self._receive = receive
        self._path = path
        self._secret = None if secret is None else secret.encode("utf-8", "surrogateescape")
        self._on_refused = on_refused
        self._on_failed = on_failed

    def __repr__(self) -> str:
        return f"<Listener on {self._path}>"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        if request.method in ("GET", "HEAD") and request.path in ("/", self._path):
            return Response(_GREETING, content_type="text/plain; charset=utf-8")(environ, start_response)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        refusal = self._refuse_head(request)
        if refusal is None:
            body = request.get_data(cache=False)
            refusal = self._refuse_body(request, body) or self._keep(body)
        if refusal is None:
            return _write({"received": True})
        if refusal.status < 500:
            self._on_refused(refusal)
        return _say(refusal)

    def _refuse_head(self, request: Request) -> Refusal | None:
        """Return why a request is no push, by all that stands above its body."""
        if request.path != self._path:
            return Refusal(404, "Pushes go to another path.")
        if request.method != "POST":
            return Refusal(405, "Only POST is a push.")
        if self._secret is None and "Origin" in request.headers:
            return Refusal(403, "A page in a browser must not push.")
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return Refusal(415, "The body must not be compressed.")
        if not request.is_json:
            return Refusal(415, _JSON_ONLY)
        return None

    def _refuse_body(self, request: Request, body: bytes) -> Refusal | None:
        if self._secret is not None and not is_signed(request.headers, body, self._secret):
            return Refusal(401, "The push is not signed with the secret.")
        return None if body else Refusal(400, "The push has no body.")

    def _keep(self, body: bytes) -> Refusal | None:
        """Give a body on; from the return of this on it may be answered with 200."""
        try:
            why = self._receive(body)
        except LedgerError as error:
            self._on_failed(error)
            return Refusal(503, "The push could not be kept. Send it again later.")
        except Exception as bug:  # noqa: BLE001 - one poisonous push must not end the listening
            self._on_failed(bug)
            return Refusal(500, "This is a bug in omnictl. Send the push again later.")
        return Refusal(400, f"The body is no push: {why}.") if why else None


def _say(refusal: Refusal) -> Response:
    response = _write({"received": False, "error": refusal.why}, refusal.status)
    if refusal.status == 405:
        response.headers["Allow"] = "GET, HEAD, POST"
    if refusal.status >= 500:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _write(document: dict[str, object], status: int = 200) -> Response:
    return Response(json.dumps(document) + "\n", status, content_type="application/json")
