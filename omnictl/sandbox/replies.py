"""Replies as the API writes them, and as a fault spoils them."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from omnictl.sandbox.errors import ApiError, ConnectionCutError
from omnictl.sandbox.faults import Fault

MOST_BYTES = 1_000_000
_JSON = "application/json; charset=utf-8"
_GATEWAY_PAGE = "<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
_ELSEWHERE = "https://elsewhere.example.com/"

Document = dict[str, Any]


def read_content(request: Request) -> bytes:
    """Return the body. Raises ApiError where it is too large, ConnectionCutError where the client died in it."""
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        raise ApiError(413, f"The body is larger than {MOST_BYTES} bytes") from None
    except ClientDisconnected:  # it died in the middle of its request: there is nobody to answer
        raise ConnectionCutError from None


def reply(status: int, document: Document) -> Response:
    """Return a reply with a document."""
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Response(body, status, headers={"X-Request-ID": str(uuid4())}, content_type=_JSON)


def reply_error(error: ApiError) -> Response:
    """Return the reply of an error."""
    response = reply(error.status, error.document())
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def reply_gateway_page(status: int) -> Response:
    """Return a page of HTML as something between answers with."""
    return Response(_GATEWAY_PAGE, status, content_type="text/html")


def reply_elsewhere() -> Response:
    """Return a redirect to another host."""
    return Response(status=302, headers={"Location": _ELSEWHERE})


def spoil(status: int, document: Document, fault: Fault) -> Response:
    """Return the answer of what was done, in the way that the fault wants."""
    if fault.status is not None:
        raise ApiError(fault.status, retry_after=None if fault.value is None else int(fault.value))
    response = reply(status, document)
    body = response.get_data()
    match fault.kind:
        case "cut-after":
            raise ConnectionCutError
        case "cut-body":
            return Response(_cut_in_the_middle(body), status, headers={"Content-Length": str(len(body))})
        case "no-key":
            return reply(status, {name: value for name, value in document.items() if name != "key"})
        case "omit-id":
            return reply(status, {**document, "messages": document["messages"][:-1]})
        case "truncated":
            response.set_data(body[: len(body) // 2])
        case "not-json":
            response.set_data(b"OK")
        case "wrong-type":
            response.content_type = "text/html"
        case _:
            pass
    return response


def _cut_in_the_middle(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionCutError
