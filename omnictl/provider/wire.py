"""The API's field names for scenarios and errors, which nothing else knows: JSON to values and back.

Reading is tolerant (old and new spellings, null as absent, numbers as text); the documented spelling is written.
"""

import json
import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, NoReturn
from urllib.parse import quote

from msgspec import Struct

from omnictl.model.scenario import Attributes, Json, Remote, Step

SCENARIOS_PATH = "/omni/1/scenarios"
SEND_PATH = "/omni/1/advanced"
REPORTS_PATH = "/omni/1/reports"
LOGS_PATH = "/omni/1/logs"

_DEFAULT_SPELLINGS = ("default", "defaultScenario", "isDefault")
_SCENARIO_FIELDS = frozenset(("key", "name", "flow", *_DEFAULT_SPELLINGS))
_STEP_FIELDS = frozenset(("channel", "from"))
_CHANNEL_SPELLINGS = {"VKONTANTE": "VKONTAKTE"}
_LONGEST_KEY = 256
_SURROGATE = re.compile("[\ud800-\udfff]")


class UnreadableError(ValueError):
    """The body is not what was asked for; its text says why and holds nothing of the body."""


class ApiError(Struct, frozen=True):
    """What the API says of a request that it did not take."""

    message_id: str
    text: str
    validation: tuple[str, ...] = ()


# --- paths and bodies that are sent --------------------------------------------------------------------------


def scenario_path(key: str) -> str:
    """Return the path of one scenario. Raises ValueError for a key that would name something else."""
    if not key or key in (".", ".."):
        raise ValueError("a key is empty or a path")
    return f"{SCENARIOS_PATH}/{quote(key, safe='', errors='replace')}"


def list_query(page: int, page_size: int) -> dict[str, str]:
    """Return the query for one page, counted from 0."""
    return {"limit": str(page_size), "page": str(page)}


def write_created(body: Attributes, *, default: bool) -> bytes:
    """Return the body of a POST. A flag that is false is left out: the API documents both as the same."""
    named: dict[str, Json] = {"name": body.name} if body.name else {}
    flag: dict[str, Json] = {"default": True} if default else {}
    return dump_json({**named, "flow": [_write_step(step, {}) for step in body.flow], **flag})


def write_updated(current: Remote, desired: Attributes, *, default: bool) -> bytes:
    """Return the body of a PUT: the whole scenario, and on it, and on unchanged steps, the unknown fields as read."""
    named: dict[str, Json] = {"name": desired.name} if desired.name or current.attributes.name else {}
    extras = _match_extras(current, desired.flow)
    flow: list[Json] = [_write_step(step, extra) for step, extra in zip(desired.flow, extras, strict=True)]
    return dump_json({**current.extra, **named, "flow": flow, "default": default})


def _match_extras(current: Remote, flow: Iterable[Step]) -> list[Mapping[str, Json]]:
    """Return the unknown fields for each step: those of the equal step of the current flow, each given once."""
    left: dict[Step, list[Mapping[str, Json]]] = {}
    for step, extra in zip(current.attributes.flow, current.step_extra, strict=False):
        left.setdefault(step, []).append(extra)
    return [left[step].pop(0) if left.get(step) else {} for step in flow]


def _write_step(step: Step, extra: Mapping[str, Json]) -> dict[str, Json]:
    sender: dict[str, Json] = {} if step.sender is None else {"from": step.sender}
    return {**extra, **sender, "channel": step.channel}


def dump_json(document: dict[str, Json]) -> bytes:
    """Return a body as it is sent: ASCII, no spaces."""
    return json.dumps(document, separators=(",", ":")).encode("ascii")


# --- bodies that are read --------------------------------------------------------------------------------------


def read_page(body: bytes) -> tuple[Remote, ...]:
    """Return the scenarios of one page. Raises UnreadableError for anything that is not a page."""
    document = load_json(body)
    rows = document.get("scenarios") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise UnreadableError("it has no list of scenarios")
    return tuple(_read_row(row) for row in rows)


def read_scenario(body: bytes) -> Remote:
    """Return the scenario of a GET. Raises UnreadableError where it has no key, or what it has cannot be read."""
    return _read_row(load_json(body))


def read_updated(body: bytes, key: str) -> Remote:
    """Return the scenario of a PUT. Raises UnreadableError where it is not the whole scenario with this key."""
    row = load_json(body)
    remote = _read_row(row)
    if remote.key != key:
        raise UnreadableError("it is about a scenario with another key")
    if row.get("flow") is None:
        raise UnreadableError("it has no flow")
    return remote


def read_created(body: bytes, sent: Attributes, *, default: bool) -> Remote:
    """Return the scenario of a POST. The key alone is needed: what cannot be read beside it is as it was sent.

    Raises UnreadableError where there is no key.
    """
    row = load_json(body)
    key = _read_key(row)
    if row.get("flow") is not None:
        try:
            return _read_row(row)
        except UnreadableError:
            pass
    return Remote(key, sent, default)


def read_api_error(body: bytes) -> ApiError | None:
    """Return the API's own error; None where the body has another shape, so that somebody else may have answered."""
    try:
        document = load_json(body)
    except UnreadableError:
        return None
    error = document.get("requestError") if isinstance(document, dict) else None
    exception = error.get("serviceException") if isinstance(error, dict) else None
    if not isinstance(exception, dict):
        return None
    message_id, text = (_plain(exception.get(name)) for name in ("messageId", "text"))
    if not message_id and not text:
        return None
    return ApiError(message_id, text, tuple(_read_validation(exception.get("validationErrors"))))


def _read_validation(errors: Any) -> Iterable[str]:
    if isinstance(errors, dict):
        for name, reasons in errors.items():
            each = reasons if isinstance(reasons, list) else [reasons]
            yield f"{name}: {', '.join(filter(None, map(_plain, each)))}"
    elif isinstance(errors, list):
        yield from filter(None, map(_plain, errors))


def _plain(value: Any) -> str:
    """Return any small value as text for people."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def load_json(body: bytes) -> Any:
    """Return the document of a body. Raises UnreadableError, for numbers that JSON has not too."""
    try:
        return json.loads(body, parse_constant=_refuse_constant, parse_float=_read_float)
    except (ValueError, RecursionError):
        pass
    raise UnreadableError("it is not JSON" if body.strip() else "it is empty")


def _read_float(text: str) -> float:
    """Return a number; one that no float holds would go back as Infinity, which is not JSON."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _read_row(row: Any) -> Remote:
    key = _read_key(row)
    flow = row.get("flow")
    if not isinstance(flow, list | None) or not all(isinstance(step, dict) for step in flow or ()):
        raise UnreadableError("the flow of a scenario is not a list of steps")
    steps: list[dict[str, Any]] = flow or []
    return Remote(
        key,
        Attributes(read_text(row.get("name")), tuple(_read_step(step) for step in steps)),
        _read_default(row),
        _leave_unknown(row, _SCENARIO_FIELDS),
        tuple(_leave_unknown(step, _STEP_FIELDS) for step in steps),
    )


def _read_key(row: Any) -> str:
    key = row.get("key") if isinstance(row, dict) else None
    text = read_text(key)
    if not text:
        raise UnreadableError("a scenario has no key" if isinstance(row, dict) else "a scenario is not an object")
    if len(text) > _LONGEST_KEY or not text.isprintable() or text in (".", "..") or "\ufffd" in text:
        raise UnreadableError("the key of a scenario is endless, a path, or has characters that nobody can see")
    return text


def _read_step(step: Mapping[str, Any]) -> Step:
    return Step(read_channel(step.get("channel")), read_text(step.get("from")) or None)


def read_channel(value: Any) -> str:
    """Return a channel in its documented spelling; "" where there is none."""
    channel = read_text(value).strip().upper()
    return _CHANNEL_SPELLINGS.get(channel, channel)


def read_text(value: Any) -> str:
    """Return text, or a whole number as text; null is the empty text."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UnreadableError("a field that is text has a value of another kind")
    # A lone half of a surrogate pair can be written in JSON, and in no file.
    return str(value) if not isinstance(value, str) or value.isascii() else _SURROGATE.sub("\ufffd", value)


def _read_default(row: Mapping[str, Any]) -> bool:
    """Return the flag in the first spelling that has a value."""
    value = next((row[name] for name in _DEFAULT_SPELLINGS if row.get(name) is not None), False)
    return value.strip().lower() in ("true", "1") if isinstance(value, str) else value in (True, 1)


def _leave_unknown(row: Mapping[str, Any], known: frozenset[str]) -> dict[str, Json]:
    if row.keys() <= known:
        return {}
    return {name: value for name, value in row.items() if name not in known and value is not None}
