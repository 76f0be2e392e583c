"""The failover: what becomes of one message, step by step and with all its times, decided when it is sent. Pure."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from omnictl.sandbox.channels import ADDRESSES, address_for, default_validity_ms, plain_address, price_of
from omnictl.sandbox.personas import USUAL, Persona
from omnictl.sandbox.sends import Content

ENROUTE, NO_ERROR = "General/1/7", "General/0/0"
REFUSED = "General/5/12"
_DELIVERED = ("General/3/5", NO_ERROR)
_UNDELIVERABLE = ("General/2/9", "General/1/6")
_REJECTED = ("General/5/18", "General/1/1")
_EXPIRED = ("General/4/15", "General/3/4098")
_NO_ADDRESS = ("General/5/51", "General/2/351")
_NO_CONTENT = ("General/5/99", "General/1/35")
_NO_CONTENT_BY_CHANNEL: Mapping[str, tuple[str, str]] = {
    "VOICE": ("Voice/5/55", "General/1/35"),
    "PUSH": ("Push notifications/5/69", "General/1/35"),
}
_LATE_MS, _SEEN_MS = 60_000, 60_000
_SHORTEST_MS, _SPREAD_MS = 100, 900
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€")
_NETWORKS: Mapping[str, str] = {
    "1": "310260",
    "33": "20801",
    "385": "21901",
    "39": "22201",
    "41": "22801",
    "43": "23201",
    "44": "23410",
    "49": "26201",
    "7": "25001",
}
_TEST_NETWORK = "00101"

FindPersona = Callable[[str, str], Persona]


class Event(Struct, frozen=True):
    """Something that becomes known of a step at a time: a report, an interim status, or that it was seen."""

    kind: str
    at: int
    status: str
    error: str


class Attempt(Struct, frozen=True):
    """One step that was tried, or rejected at once; all that a row of a report or log says of it."""

    channel: str
    recipient: str
    sender: str | None
    text: str | None
    sent_at: int
    segments: int
    mcc_mnc: str | None
    price: float
    events: tuple[Event, ...]


class _End(Struct, frozen=True):
    """How a step ends: what becomes known, and when the next one starts (None: it does not)."""

    events: tuple[Event, ...]
    next_at: int | None


def deliver(
    flow: Iterable[Mapping[str, Any]],
    contents: Mapping[str, Content],
    to: Mapping[str, Any],
    find: FindPersona,
    start_ms: int,
) -> tuple[Attempt, ...]:
    """Go through the steps of a scenario until one delivers; ``start_ms`` is when the first of them starts."""
    steps, attempts = tuple(flow), list[Attempt]()
    at, was_late = start_ms, False
    for number, step in enumerate(steps):
        channel = str(step["channel"])
        address, content = address_for(channel, to), contents.get(channel)
        if address is None or content is None:
            attempts.append(_reject(step, address or _any_address(to), content, at))
            continue
        persona = find(address, channel)
        if persona.outcome == "late" and was_late:
            persona = USUAL
        was_late = was_late or persona.outcome == "late"
        end = _end(persona, address, channel, content, at, is_last=number == len(steps) - 1)
        price = _price(persona, channel)
        attempts.append(_attempt(step, address, content, at, price, end.events))
        if end.next_at is None:
            break
        at = end.next_at
    return tuple(attempts)


def _end(persona: Persona, address: str, channel: str, content: Content, start: int, *, is_last: bool) -> _End:
    outcome = persona.outcome
    if outcome == "falls-over":
        persona = Persona("delivered", after_ms=persona.after_ms) if is_last else persona
        outcome = "delivered" if is_last else "undeliverable"
    validity_ms = default_validity_ms(channel) if content.validity_ms is None else content.validity_ms
    expires_at = start + validity_ms
    done_at = start + (_delay_ms(address, channel) if persona.after_ms is None else persona.after_ms)
    interim = Event("interim", start, ENROUTE, NO_ERROR)
    if outcome == "pending":
        return _End((_with(persona, "interim", start, (ENROUTE, NO_ERROR)),), None)
    if outcome == "late":
        late_at = expires_at + (_LATE_MS if persona.after_ms is None else persona.after_ms)
        late = _with(persona, "report", late_at, _DELIVERED)
        return _End((interim, Event("report", expires_at, *_EXPIRED), late), expires_at)
    if outcome == "expired":
        return _End((interim, _with(persona, "report", expires_at, _EXPIRED)), expires_at)
    if done_at > expires_at:
        return _End((interim, Event("report", expires_at, *_EXPIRED)), expires_at)
    if outcome in ("undeliverable", "rejected"):
        usual = _UNDELIVERABLE if outcome == "undeliverable" else _REJECTED
        return _End((interim, _with(persona, "report", done_at, usual)), done_at)
    done = _with(persona, "report", done_at, _DELIVERED)
    seen = (Event("seen", done_at + _SEEN_MS, done.status, done.error),) if outcome == "seen" else ()
    return _End((interim, done, *seen), None)


def _with(persona: Persona, kind: str, at: int, usual: tuple[str, str]) -> Event:
    return Event(kind, at, persona.status or usual[0], persona.error or usual[1])


def _reject(step: Mapping[str, Any], address: str, content: Content | None, at: int) -> Attempt:
    """A step that has nothing to say, or nobody to say it to, is rejected at once and costs nothing."""
    codes = _NO_ADDRESS if content is not None else _NO_CONTENT_BY_CHANNEL.get(str(step["channel"]), _NO_CONTENT)
    return _attempt(step, address, content, at, 0.0, (Event("report", at, *codes),))


def _attempt(
    step: Mapping[str, Any],
    address: str,
    content: Content | None,
    at: int,
    price: float,
    events: tuple[Event, ...],
) -> Attempt:
    channel, text = str(step["channel"]), content.text if content else None
    segments = count_segments(text) if channel == "SMS" and text else 1
    return Attempt(channel, address, step.get("from"), text, at, segments, _network(address), price, events)


def _price(persona: Persona, channel: str) -> float:
    if persona.price is not None:
        return persona.price
    return 0.0 if persona.outcome == "rejected" else price_of(channel)


def _any_address(to: Mapping[str, Any]) -> str:
    return next((plain_address(to[name]) for name in ADDRESSES if to.get(name)), "")


def _delay_ms(address: str, channel: str) -> int:
    """A time that looks like chance and is the same each time: 100 to 999 milliseconds."""
    return _SHORTEST_MS + zlib.crc32(f"{channel} {address}".encode()) % _SPREAD_MS


def _network(address: str) -> str | None:
    """Return the network of a number, by its country; that of no country where it is not in the small table."""
    if not address.isdigit():
        return None
    return next((_NETWORKS[address[:n]] for n in (3, 2, 1) if address[:n] in _NETWORKS), _TEST_NETWORK)


def count_segments(text: str) -> int:
    """Return how many short messages a text takes."""
    if all(each in _GSM or each in _GSM_TWICE for each in text):
        length, alone, joined = len(text) + sum(each in _GSM_TWICE for each in text), 160, 153
    else:
        length, alone, joined = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= alone else -(-length // joined)
