"""A body as JSON: whatever else it is, it is an object, and null in it is as good as absent."""

import json
from collections.abc import Callable
from typing import Any

from omnictl.sandbox.errors import ApiError

Refusal = Callable[[dict[str, list[str]]], ApiError]


def read_object(content: bytes, refuse: Refusal) -> dict[str, Any]:
    """Return the object of a body, nulls left out at any depth. Raises what ``refuse`` makes of the errors by field."""
    try:
        body = json.loads(content.decode("utf-8-sig"))
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair would make every answer not UTF-8
        body = _without_nulls(body)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise refuse({"body": ["must be JSON"]}) from None
    if not isinstance(body, dict):
        raise refuse({"body": ["must be an object"]})
    return body


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value
