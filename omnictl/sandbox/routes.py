"""What a request asks for: its operation by path and method, and who asks."""

import base64
import re
from collections.abc import Mapping

from msgspec import Struct
from werkzeug.wrappers import Request

from omnictl.sandbox.errors import ApiError

_SCENARIOS = "/omni/1/scenarios"
_OPERATIONS: Mapping[str, Mapping[str, str]] = {
    _SCENARIOS: {"GET": "list", "POST": "create"},
    "/omni/1/advanced": {"POST": "send"},
    "/omni/1/text": {"POST": "send"},
    "/omni/1/reports": {"GET": "reports"},
    "/omni/1/logs": {"GET": "logs"},
}
_OF_ONE_SCENARIO = {"GET": "get", "PUT": "update"}
_CREDENTIAL = re.compile(r"(App|Basic|IBSSO|Bearer) +(\S+) *")


class Route(Struct, frozen=True):
    """What is asked for: the operation, the key that it names, and whether it is the simple kind of a send."""

    operation: str
    key: str = ""
    is_simple: bool = False


def find_route(method: str, path: str) -> Route:
    """Return what a request asks for. Raises ApiError where there is no such thing."""
    key = ""
    operations = _OPERATIONS.get(path)
    if operations is None:
        key = path.removeprefix(_SCENARIOS + "/")
        if key == path or "/" in key:
            raise ApiError(404, f"Requested URL not found: {path}")
        operations = _OF_ONE_SCENARIO
    operation = operations.get(method)
    if operation is None:
        raise ApiError(405)
    return Route(operation, key, path.endswith("/text"))


def read_credential(request: Request) -> set[str]:
    """Return what a key may equal: a token, or for Basic also user:password; nothing where it is not well-formed."""
    given = _CREDENTIAL.fullmatch(request.headers.get("Authorization", ""))
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
