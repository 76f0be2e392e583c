"""The WSGI application: requests in, replies out. What is decided and what is known stands in docs/sandbox.md."""

import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from omnictl.sandbox.errors import ApiError, invalid, not_found, throttled, unauthorized
from omnictl.sandbox.scenarios import read_scenario, write_scenario
from omnictl.sandbox.store import World

_COLLECTION = "/omni/1/scenarios"
_CREDENTIAL = re.compile(r"^(App|Basic|IBSSO|Bearer) +\S+")
_WINDOW_SECONDS = 600.0
_THROTTLES = {"create": 20, "update": 40}


class ConnectionCutError(Exception):
    """The connection is to be cut here."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the sandbox behaves."""

    api_keys: tuple[str, ...] = ()
    throttle: bool = False
    created_status: int = 200


def make_app(
    world_path: Path | None,
    *,
    options: Options | None = None,
    clock: Callable[[], float] = time.time,
) -> WSGIApplication:
    """Return the application; the world is kept at ``world_path``, or in memory (None)."""
    return Sandbox(World(world_path, clock), options or Options())


class Sandbox:
    """Answers as the API does."""

    def __init__(self, world: World, options: Options) -> None:
        self.world = world
        self._options = options

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        operation, status, body = "other", 500, b""
        try:
            operation, answer = self._route(request)
            status, document = answer()
        except ApiError as error:
            status, document = error.status, error.document()
        body = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
        self.world.note_request(operation, status)
        response = Response(body, status, content_type="application/json; charset=utf-8")
        response.headers["X-Request-ID"] = str(uuid4())
        if status == 429:
            response.headers["Retry-After"] = str(self._seconds_until_room(operation))
        return response(environ, start_response)

    def _route(self, request: Request) -> tuple[str, Callable[[], tuple[int, dict[str, Any]]]]:
        path = re.sub(r"/{2,}", "/", request.path).rstrip("/")
        self._check_credentials(request)
        if path == _COLLECTION and request.method == "GET":
            return "list", lambda: self._list(request)
        if path == _COLLECTION and request.method == "POST":
            return "create", lambda: self._create(request)
        key = path.removeprefix(_COLLECTION + "/")
        if key != path and "/" not in key:
            if request.method == "GET":
                return "get", lambda: self._get(key)
            if request.method == "PUT":
                return "update", lambda: self._update(key, request)
            raise ApiError(405, "METHOD_NOT_ALLOWED", "Method not allowed")
        raise not_found(f"Requested URL not found: {path}")

    def _check_credentials(self, request: Request) -> None:
        given = request.headers.get("Authorization", "")
        if not _CREDENTIAL.match(given):
            raise unauthorized()
        if self._options.api_keys and given.split(" ", 1)[1].strip() not in self._options.api_keys:
            raise unauthorized()

    def _list(self, request: Request) -> tuple[int, dict[str, Any]]:
        limit = _read_number(request, "limit", 100)
        page = _read_number(request, "page", 0)
        rows = self.world.list_scenarios(default=_read_filter(request), limit=limit, page=page)
        return 200, {"scenarios": [write_scenario(row) for row in rows]}

    def _create(self, request: Request) -> tuple[int, dict[str, Any]]:
        self._check_throttle("create")
        body, default = read_scenario(request.get_data())
        return self._options.created_status, write_scenario(self.world.create(body, default=default))

    def _get(self, key: str) -> tuple[int, dict[str, Any]]:
        found = self.world.get(key)
        if found is None:
            raise not_found("Requested resource not found")
        return 200, write_scenario(found)

    def _update(self, key: str, request: Request) -> tuple[int, dict[str, Any]]:
        self._check_throttle("update")
        body, default = read_scenario(request.get_data())
        updated = self.world.update(key, body, default=default)
        if updated is None:
            raise not_found("Requested resource not found")
        return 200, write_scenario(updated)

    def _check_throttle(self, operation: str) -> None:
        if self._options.throttle:
            count, _ = self.world.count_recent(operation, _WINDOW_SECONDS)
            if count >= _THROTTLES[operation]:
                raise throttled()

    def _seconds_until_room(self, operation: str) -> int:
        _, oldest_age = self.world.count_recent(operation, _WINDOW_SECONDS)
        return max(1, int(_WINDOW_SECONDS - oldest_age) + 1)


def _read_number(request: Request, name: str, usual: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return usual
    if not text.isdigit():
        raise invalid({name: ["must be greater than or equal to 0"]})
    return int(text[:9])


def _read_filter(request: Request) -> bool | None:
    for name in ("isDefault", "default"):
        text = request.args.get(name, "").lower()
        if text in ("true", "1"):
            return True
        if text in ("false", "0"):
            return False
    return None
