"""The WSGI application: requests in, replies out. What is decided and what is known stands in docs/sandbox.md."""

import random
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from wsgiref.types import StartResponse, WSGIEnvironment

from msgspec import Struct
from werkzeug.wrappers import Request, Response

from omnictl.sandbox.account import create, list_page, update
from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.clock import read_clock, to_ms
from omnictl.sandbox.control import PREFIX, Question, answer_control
from omnictl.sandbox.errors import ApiError, ConnectionCutError, bad_request
from omnictl.sandbox.faults import Fault
from omnictl.sandbox.later import commit_due, commit_later, commit_send_later
from omnictl.sandbox.pushes import Post, post_here, push_due, sign_each
from omnictl.sandbox.queries import Query
from omnictl.sandbox.replies import (
    MOST_BYTES,
    Document,
    read_content,
    reply,
    reply_elsewhere,
    reply_error,
    reply_gateway_page,
    spoil,
)
from omnictl.sandbox.reports import pull_reports, show_log
from omnictl.sandbox.routes import Route, find_route, read_credential
from omnictl.sandbox.scenarios import read_scenario, write_scenario
from omnictl.sandbox.sending import find_scenario, send
from omnictl.sandbox.sends import read_send
from omnictl.sandbox.store import World, WorldError

_THROTTLES: Mapping[str, tuple[int, float]] = {"create": (20, 600.0), "update": (40, 600.0), "logs": (120, 60.0)}
"""How many requests of an operation within so many seconds."""

Clock = Callable[[], float]


class _Call(Struct, frozen=True):
    """One request, understood: what it asks for, and how the world behaves now."""

    route: Route
    request: Request
    content: bytes
    behaviour: Behaviour
    now: float


class Sandbox:
    """A WSGI application that answers as the API does, or as unkindly as its world is told to.

    ``api_keys`` are the only ones accepted, if there are any; with ``push_secret`` every push is signed. ``clock`` is
    that of the machine; a world may have another.
    """

    def __init__(
        self,
        world: World,
        api_keys: Sequence[str] = (),
        clock: Clock = time.time,
        sleep: Callable[[float], None] = time.sleep,
        post: Post = post_here,
        push_secret: str | None = None,
    ) -> None:
        self.world = world
        self._api_keys = api_keys
        self._clock = clock
        self._sleep = sleep
        self._post = post if push_secret is None else sign_each(post, push_secret)
        self._chance = random.Random()  # noqa: S311 faults by chance are no secret
        self._pushing, self._push_asked = threading.Lock(), threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request. Raises ConnectionCutError, here or from the body, where the connection is to be cut."""
        request = Request(environ)
        request.max_content_length = MOST_BYTES
        path = re.sub(r"/{2,}", "/", request.path)
        answer = self._control if path.startswith(PREFIX) else self._answer
        try:
            response = answer(request, path.rstrip("/"))
        except ConnectionCutError:
            self.catch_up()
            raise
        response.call_on_close(self.catch_up)
        return response(environ, start_response)

    def catch_up(self) -> None:
        """Do what is due though nobody asks: late writes and pushes. Who comes second leaves it to the first.

        A world that cannot be written now is no reason to fail what was already answered: it is tried again.
        """
        self._push_asked.set()
        while self._push_asked.is_set() and self._pushing.acquire(blocking=False):
            try:
                self._push_asked.clear()
                behaviour = self.world.behaviour
                commit_due(self.world, behaviour, self._now(behaviour))
                while push_due(self.world, behaviour, self._now(behaviour), self._post):
                    pass
            except (sqlite3.OperationalError, WorldError):
                return
            finally:
                self._pushing.release()

    def _now(self, behaviour: Behaviour) -> float:
        return read_clock(self.world, behaviour, self._clock())

    def _control(self, request: Request, path: str) -> Response:
        try:
            content = read_content(request)
        except ApiError as error:
            return reply_error(error)
        path = path.removeprefix(PREFIX)
        behaviour = self.world.behaviour
        commit_due(self.world, behaviour, self._now(behaviour))
        return reply(*answer_control(Question(self.world, request.method, path, content, self._clock())))

    def _answer(self, request: Request, path: str) -> Response:
        operation, status = "other", 0
        try:
            route = find_route(request.method, path)
            operation = route.operation
            response = self._perform(route, request)
            status = response.status_code
        except ApiError as error:
            status = error.status
            response = reply_error(error)
        finally:
            self.world.note_request(operation, status, self._now(self.world.behaviour))
        return response

    def _perform(self, route: Route, request: Request) -> Response:
        """Do what is asked for, in the way that the behaviour and the next fault want."""
        behaviour = self.world.behaviour
        self._sleep_for(behaviour.latency_seconds)
        call = _Call(route, request, read_content(request), behaviour, self._now(behaviour))
        commit_due(self.world, behaviour, call.now)
        given = read_credential(request)
        if not given or (self._api_keys and not given & set(self._api_keys)):
            raise ApiError(401)
        fault = self.world.take_fault(route.operation, self._chance)
        early = self._fail_before(call, fault) if fault else None
        if early is not None:
            return early
        status, document = self._do(call, fault)
        return spoil(status, document, fault) if fault else reply(status, document)

    def _fail_before(self, call: _Call, fault: Fault) -> Response | None:
        """Fail without doing anything now; None where the fault comes later."""
        if fault.status is not None and not fault.is_after:
            raise ApiError(fault.status, retry_after=None if fault.value is None else int(fault.value))
        match fault.kind:
            case "slow":
                self._sleep_for(fault.value or 0.0)
            case "html":
                return reply_gateway_page(int(fault.value or 502))
            case "redirect":
                return reply_elsewhere()
            case "cut-before":
                raise ConnectionCutError
            case "late-commit":
                self._commit_later(call, call.now + (fault.value or 0.0))
                raise ConnectionCutError
            case _:
                pass
        return None

    def _commit_later(self, call: _Call, at: float) -> None:
        """Let what is asked for appear at a time. Raises ApiError where it cannot be read."""
        route = call.route
        if route.operation == "send":
            request = read_send(call.content, to_ms(call.now), is_simple=route.is_simple)
            find_scenario(self.world, request)
            commit_send_later(self.world, at, call.content, is_simple=route.is_simple)
        else:
            commit_later(self.world, at, route.key or None, *self._read(call))

    def _do(self, call: _Call, fault: Fault | None) -> tuple[int, Document]:
        route, behaviour, now = call.route, call.behaviour, call.now
        self._check_throttle(call)
        match route.operation:
            case "list":
                return 200, self._list(call, fault)
            case "create":
                made = create(self.world, behaviour, *self._read(call), now)
                return behaviour.created_status, write_scenario(made, behaviour)
            case "update":
                found = update(self.world, behaviour, route.key, *self._read(call), now)
            case "send":
                wanted = read_send(call.content, to_ms(now), is_simple=route.is_simple)
                return 200, send(self.world, behaviour, wanted, now)
            case "reports":
                return 200, pull_reports(self.world, behaviour, Query(call.request, bad_request), now)
            case "logs":
                return 200, show_log(self.world, behaviour, Query(call.request, bad_request), now)
            case _:
                found = self.world.get(route.key)
        if found is None:
            raise ApiError(404)
        return 200, write_scenario(found, behaviour)

    def _read(self, call: _Call) -> tuple[Document, bool | None]:
        partial = call.route.operation == "update" and call.behaviour.put == "merge"
        return read_scenario(call.content, partial=partial)

    def _list(self, call: _Call, fault: Fault | None) -> Document:
        query = Query(call.request)
        limit, page = query.number("limit", 100), query.number("page", 0)
        if fault and fault.kind == "repeated-page":
            page = max(0, page - 1)
        default = query.flag("isDefault", "default")
        rows = list_page(self.world, call.behaviour, default=default, limit=limit, page=page, now=call.now)
        if fault and fault.kind == "short-page":
            rows = rows[: len(rows) // 2]
        return {"scenarios": [write_scenario(row, call.behaviour) for row in rows]}

    def _check_throttle(self, call: _Call) -> None:
        throttle = _THROTTLES.get(call.route.operation)
        if throttle is None or call.behaviour.throttle == "off":
            return
        most, window_seconds = throttle
        count, oldest = self.world.count_recent(call.route.operation, call.now - window_seconds)
        if count >= most and oldest is not None:
            seconds = max(1, int(oldest + window_seconds - call.now) + 1)
            raise ApiError(429, retry_after=seconds if call.behaviour.retry_after == "given" else None)

    def _sleep_for(self, seconds: float) -> None:
        if seconds:
            self._sleep(seconds)
