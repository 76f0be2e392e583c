"""The WSGI application: requests in, replies out. What is decided and what is known stands in docs/sandbox.md."""

import base64
import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from omnictl.sandbox.account import commit_due, commit_later, create, list_page, update
from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.control import PREFIX, Question, answer_control
from omnictl.sandbox.errors import ApiError, ConnectionCutError, invalid
from omnictl.sandbox.faults import Fault
from omnictl.sandbox.scenarios import read_scenario, write_scenario
from omnictl.sandbox.store import World

_COLLECTION = "/omni/1/scenarios"
_MOST_DIGITS = 9
_CREDENTIAL = re.compile(r"(App|Basic|IBSSO|Bearer) +(\S+) *")
_JSON = "application/json; charset=utf-8"
_WINDOW_SECONDS = 600.0
_THROTTLES = {"create": 20, "update": 40}
_MOST_BYTES = 1_000_000
_GATEWAY_PAGE = "<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
_ELSEWHERE = "https://elsewhere.example.com/"

Document = dict[str, Any]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, understood: the operation, the key it names, and how the world behaves now."""

    operation: str
    key: str
    request: Request
    content: bytes
    behaviour: Behaviour
    now: float


class Sandbox:
    """A WSGI application that answers as the API does, or as unkindly as its world is told to.

    ``api_keys`` are the only ones accepted, if there are any.
    """

    def __init__(
        self,
        world: World,
        api_keys: Sequence[str] = (),
        clock: Clock = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.world = world
        self._api_keys = api_keys
        self._clock = clock
        self._sleep = sleep
        self._chance = random.Random()  # noqa: S311 faults by chance are no secret

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request. Raises ConnectionCutError, here or from the body, where the connection is to be cut."""
        request = Request(environ)
        request.max_content_length = _MOST_BYTES
        path = re.sub(r"/{2,}", "/", request.path)
        answer = self._control if path.startswith(PREFIX) else self._answer
        return answer(request, path.rstrip("/"))(environ, start_response)

    def _control(self, request: Request, path: str) -> Response:
        try:
            content = _read_content(request)
        except ApiError as error:
            return _reply(error.status, error.document())
        path = path.removeprefix(PREFIX)
        return _reply(*answer_control(Question(self.world, request.method, path, content, self._clock())))

    def _answer(self, request: Request, path: str) -> Response:
        operation, status = "other", 0
        try:
            operation, key = _route(request, path)
            response = self._perform(operation, key, request)
            status = response.status_code
        except ApiError as error:
            status = error.status
            response = _reply(status, error.document())
            if error.retry_after is not None:
                response.headers["Retry-After"] = str(error.retry_after)
        finally:
            self.world.note_request(operation, status, self._clock())
        return response

    def _perform(self, operation: str, key: str, request: Request) -> Response:
        """Do what is asked for, in the way that the behaviour and the next fault want."""
        behaviour = self.world.behaviour
        self._sleep_for(behaviour.latency_seconds)
        call = _Call(operation, key, request, _read_content(request), behaviour, self._clock())
        commit_due(self.world, behaviour, call.now)
        self._check_credentials(request)
        fault = self.world.take_fault(operation, self._chance)
        early = self._fail_before(call, fault) if fault else None
        if early is not None:
            return early
        status, document = self._do(call, fault)
        return _spoil(status, document, fault) if fault else _reply(status, document)

    def _check_credentials(self, request: Request) -> None:
        given = _read_credential(request.headers.get("Authorization", ""))
        if not given or (self._api_keys and not given & set(self._api_keys)):
            raise ApiError(401)

    def _fail_before(self, call: _Call, fault: Fault) -> Response | None:
        """Fail without doing anything now; None where the fault comes later."""
        if fault.status is not None and not fault.is_after:
            raise ApiError(fault.status, retry_after=None if fault.value is None else int(fault.value))
        match fault.kind:
            case "slow":
                self._sleep_for(fault.value or 0.0)
            case "html":
                return Response(_GATEWAY_PAGE, int(fault.value or 502), content_type="text/html")
            case "redirect":
                return Response(status=302, headers={"Location": _ELSEWHERE})
            case "cut-before":
                raise ConnectionCutError
            case "late-commit":
                fields, flag = self._read(call)
                at = call.now + (fault.value or 0.0)
                commit_later(self.world, at, call.key or None, fields, flag)
                raise ConnectionCutError
            case _:
                pass
        return None

    def _do(self, call: _Call, fault: Fault | None) -> tuple[int, Document]:
        match call.operation:
            case "list":
                return 200, self._list(call, fault)
            case "create":
                self._check_throttle(call)
                fields, flag = self._read(call)
                made = create(self.world, call.behaviour, fields, flag, call.now)
                return call.behaviour.created_status, write_scenario(made, call.behaviour)
            case "update":
                self._check_throttle(call)
                fields, flag = self._read(call)
                found = update(self.world, call.behaviour, call.key, fields, flag, call.now)
            case _:
                found = self.world.get(call.key)
        if found is None:
            raise ApiError(404)
        return 200, write_scenario(found, call.behaviour)

    def _read(self, call: _Call) -> tuple[Document, bool | None]:
        partial = call.operation == "update" and call.behaviour.put == "merge"
        return read_scenario(call.content, partial=partial)

    def _list(self, call: _Call, fault: Fault | None) -> Document:
        limit = _read_number(call.request, "limit", 100)
        page = _read_number(call.request, "page", 0)
        if fault and fault.kind == "repeated-page":
            page = max(0, page - 1)
        rows = list_page(
            self.world, call.behaviour, default=_read_filter(call.request), limit=limit, page=page, now=call.now
        )
        if fault and fault.kind == "short-page":
            rows = rows[: len(rows) // 2]
        return {"scenarios": [write_scenario(row, call.behaviour) for row in rows]}

    def _check_throttle(self, call: _Call) -> None:
        if call.behaviour.throttle == "off":
            return
        count, oldest = self.world.count_recent(call.operation, call.now - _WINDOW_SECONDS)
        if count >= _THROTTLES[call.operation] and oldest is not None:
            seconds = max(1, int(oldest + _WINDOW_SECONDS - call.now) + 1)
            raise ApiError(429, retry_after=seconds if call.behaviour.retry_after == "given" else None)

    def _sleep_for(self, seconds: float) -> None:
        if seconds:
            self._sleep(seconds)


def _read_credential(text: str) -> set[str]:
    """Return what a key may equal: a token, or for Basic also user:password; nothing where it is not well-formed."""
    given = _CREDENTIAL.fullmatch(text)
    if given is None:
        return set()
    scheme, secret = given.groups()
    if scheme != "Basic":
        return {secret}
    try:
        pair = base64.b64decode(secret, validate=True).decode("utf-8", "replace")
    except ValueError:
        return set()
    return {secret, pair} if ":" in pair else set()


def _route(request: Request, path: str) -> tuple[str, str]:
    """Return the operation and the key that it names. Raises ApiError where there is none."""
    collection = path == _COLLECTION
    key = path.removeprefix(_COLLECTION + "/")
    if not collection and (key == path or "/" in key):
        raise ApiError(404, f"Requested URL not found: {path}")
    operations = {"GET": "list", "POST": "create"} if collection else {"GET": "get", "PUT": "update"}
    operation = operations.get(request.method)
    if operation is None:
        raise ApiError(405)
    return operation, "" if collection else key


def _reply(status: int, document: Document) -> Response:
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Response(body, status, headers={"X-Request-ID": str(uuid4())}, content_type=_JSON)


def _spoil(status: int, document: Document, fault: Fault) -> Response:
    """Return the answer of what was done, in the way that the fault wants."""
    if fault.status is not None:
        raise ApiError(fault.status, retry_after=None if fault.value is None else int(fault.value))
    response = _reply(status, document)
    body = response.get_data()
    match fault.kind:
        case "cut-after":
            raise ConnectionCutError
        case "cut-body":
            return Response(_cut_in_the_middle(body), status, headers={"Content-Length": str(len(body))})
        case "no-key":
            return _reply(status, {name: value for name, value in document.items() if name != "key"})
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


def _read_content(request: Request) -> bytes:
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        raise ApiError(413, f"The body is larger than {_MOST_BYTES} bytes") from None
    except ClientDisconnected:  # it died in the middle of its request: there is nobody to answer
        raise ConnectionCutError from None


def _read_number(request: Request, name: str, usual: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return usual
    if not re.fullmatch(r"[0-9]+", text):
        raise invalid({name: ["must be greater than or equal to 0"]})
    if len(text) > _MOST_DIGITS:
        raise invalid({name: [f"must have at most {_MOST_DIGITS} digits"]})
    return int(text)


def _read_filter(request: Request) -> bool | None:
    for name in ("isDefault", "default"):
        text = request.args.get(name, "").lower()
        if text in ("true", "1"):
            return True
        if text in ("false", "0"):
            return False
    return None
