"""The request to send: read with every tolerance that real clients need. What happens to it then is in sending.py."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from omnictl.sandbox.bodies import read_object
from omnictl.sandbox.channels import ADDRESSES, CONTENT_FIELDS
from omnictl.sandbox.clock import read_time
from omnictl.sandbox.errors import bad_request

_JSON, _XML = "application/json", "application/xml"
_LONGEST_VALIDITY_MS = 48 * 3_600_000
_FARTHEST_MS = 180 * 86_400_000
_MOST_CALLBACK = 4000
_URL = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_UNITS_NS: Mapping[str, int] = {
    "NANOSECONDS": 1,
    "MICROSECONDS": 10**3,
    "MILLISECONDS": 10**6,
    "SECONDS": 10**9,
    "MINUTES": 60 * 10**9,
    "HOURS": 3600 * 10**9,
    "DAYS": 86_400 * 10**9,
}
_ABOUT_TIME = ("validityPeriod", "validityPeriodTimeUnit")
_LIMITS: Mapping[str, Mapping[str, int]] = {
    "viber": {"imageURL": 1000, "buttonText": 30, "buttonURL": 1000, "fileName": 25, "trackingData": 100},
    "push": {"text": 2000},
    "line": {"url": 1000, "thumbnailUrl": 1000, "altText": 400},
    "whatsApp": {"fileUrl": 2048, "imageUrl": 2048, "audioUrl": 2048, "videoUrl": 2048, "address": 1000},
    "kakaoAlim": {"text": 1000, "templateCode": 30, "title": 50},
    "kakaoChingu": {"imageUrl": 250, "imageLink": 250},
}
_TEXTS = ("text", "subject", "templateName")


class Destination(Struct, frozen=True):
    """One recipient: his addresses as they were sent, and the id that the client gave, if any."""

    to: Mapping[str, Any]
    message_id: str | None


class Content(Struct, frozen=True):
    """What one channel sends: its text, if it has one, and how long its step may try (None: the channel's usual)."""

    text: str | None
    validity_ms: int | None


class Send(Struct, frozen=True):
    """One request to send. ``contents`` is by channel, and holds only those that have something to say."""

    scenario_key: str | None
    bulk_id: str | None
    destinations: tuple[Destination, ...]
    contents: Mapping[str, Content]
    callback: str | None
    is_notified: bool
    is_intermediate: bool
    notify_url: str | None
    notifies_in_json: bool
    send_at_ms: int | None


def read_send(content: bytes, now_ms: int, *, is_simple: bool) -> Send:
    """Read a body of ``/advanced``, or of ``/text`` where it is simple. Raises ApiError."""
    body = read_object(content, bad_request)
    return Send(
        scenario_key=_read_text(body, "scenarioKey") or None,
        bulk_id=_read_text(body, "bulkId") or None,
        destinations=_read_destinations(body.get("destinations")),
        contents=_read_simple(body) if is_simple else _read_contents(body),
        callback=_read_text(body, "callbackData", _MOST_CALLBACK),
        is_notified=_read_flag(body, "notify", usual=True),
        is_intermediate=_read_flag(body, "intermediateReport", usual=False),
        notify_url=_read_url(body),
        notifies_in_json=_read_content_type(body),
        send_at_ms=_read_send_at(body, now_ms),
    )


def _read_destinations(given: Any) -> tuple[Destination, ...]:
    """Return the recipients: a list of them, or one alone."""
    if isinstance(given, dict):
        given = [given]
    if not isinstance(given, list) or not given:
        raise bad_request({"destinations": ["must not be empty"]})
    return tuple(_read_destination(f"destinations[{number}]", each) for number, each in enumerate(given))


def _read_destination(where: str, given: Any) -> Destination:
    if not isinstance(given, dict):
        raise bad_request({where: ["must be an object"]})
    to = given.get("to")
    if not isinstance(to, dict):
        raise bad_request({f"{where}.to": ["must be an object"]})
    for name in ADDRESSES:
        if name in to and not isinstance(to[name], str):
            raise bad_request({f"{where}.to.{name}": ["must be a string"]})
    return Destination(to, _read_text(given, "messageId", where=f"{where}.") or None)


def _read_simple(body: Mapping[str, Any]) -> dict[str, Content]:
    """One text is for every channel; the subject of a mail changes nothing here."""
    text = _read_text(body, "text")
    _read_text(body, "mailSubject")
    if not text:
        raise bad_request({"text": ["must not be empty"]})
    return dict.fromkeys(CONTENT_FIELDS, Content(text, None))


def _read_contents(body: Mapping[str, Any]) -> dict[str, Content]:
    found = {}
    for channel, name in CONTENT_FIELDS.items():
        given = body.get(name)
        if given is None:
            continue
        if not isinstance(given, dict):
            raise bad_request({name: ["must be an object"]})
        for field in {*_TEXTS, *_LIMITS.get(name, {})}:
            _read_text(given, field, _LIMITS.get(name, {}).get(field), where=f"{name}.")
        validity_ms = _read_validity(name, given)
        if any(value not in ("", [], {}) for field, value in given.items() if field not in _ABOUT_TIME):
            found[channel] = Content(given.get("text", given.get("templateName")), validity_ms)
    return found


def _read_validity(name: str, given: Mapping[str, Any]) -> int | None:
    unit = given.get("validityPeriodTimeUnit", "MINUTES")
    if isinstance(unit, int) and not isinstance(unit, bool) and 0 <= unit < len(_UNITS_NS):
        unit = list(_UNITS_NS)[unit]
    nanoseconds = _UNITS_NS.get(unit.upper()) if isinstance(unit, str) else None
    if nanoseconds is None:
        raise bad_request({f"{name}.validityPeriodTimeUnit": [f"must be one of {', '.join(_UNITS_NS)}"]})
    period = given.get("validityPeriod")
    if period is None:
        return None
    if not isinstance(period, int) or isinstance(period, bool) or period <= 0:
        raise bad_request({f"{name}.validityPeriod": ["must be a whole number greater than 0"]})
    return min(period * nanoseconds // 10**6, _LONGEST_VALIDITY_MS)


def _read_text(fields: Mapping[str, Any], name: str, most: int | None = None, *, where: str = "") -> str | None:
    text = fields.get(name)
    if text is not None and not isinstance(text, str):
        raise bad_request({f"{where}{name}": ["must be a string"]})
    if text is not None and most is not None and len(text) > most:
        raise bad_request({f"{where}{name}": [f"size must be between 0 and {most}"]})
    return text


def _read_flag(body: Mapping[str, Any], name: str, *, usual: bool) -> bool:
    flag = body.get(name, usual)
    if not isinstance(flag, bool):
        raise bad_request({name: ["must be a boolean"]})
    return flag


def _read_url(body: Mapping[str, Any]) -> str | None:
    url = _read_text(body, "notifyUrl")
    if url and not _URL.fullmatch(url):
        raise bad_request({"notifyUrl": ["must be a URL"]})
    return url or None


def _read_content_type(body: Mapping[str, Any]) -> bool:
    """Tell whether pushes are wanted in JSON."""
    kind = (_read_text(body, "notifyContentType") or _JSON).partition(";")[0].strip().lower()
    if kind not in (_JSON, _XML):
        raise bad_request({"notifyContentType": [f"must be {_JSON} or {_XML}"]})
    return kind == _JSON


def _read_send_at(body: Mapping[str, Any], now_ms: int) -> int | None:
    text = _read_text(body, "sendAt")
    if not text:
        return None
    at = read_time(text)
    if at is None:
        raise bad_request({"sendAt": ["must be yyyy-MM-dd'T'HH:mm:ss.SSSZ"]})
    if at - now_ms >= _FARTHEST_MS:
        raise bad_request({"sendAt": ["must be less than 180 days ahead"]})
    return at
