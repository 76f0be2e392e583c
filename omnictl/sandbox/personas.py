"""Who the recipient is, and so what becomes of a message to him: magic numbers, and what the recipients table says."""

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from omnictl.sandbox.channels import CHANNELS, find_channel, plain_address
from omnictl.sandbox.clock import ClockError, read_duration, write_duration
from omnictl.sandbox.codes import CodeError, find_error, find_status
from omnictl.sandbox.store import World

_PENDING, _UNDELIVERABLE, _DELIVERED, _EXPIRED, _REJECTED = 1, 2, 3, 4, 5

OUTCOMES: Mapping[str, str] = {
    "delivered": "the first step that has content and an address delivers",
    "undeliverable": "every step is undeliverable",
    "falls-over": "every step but the last is undeliverable, and the last one delivers",
    "rejected": "every step is rejected",
    "expired": "every step runs until its validity is over",
    "late": "the first step expires, the next one goes out, and then the first is delivered all the same",
    "seen": "delivered, and seen a minute later",
    "pending": "nothing is ever reported",
    "refused": "the reply says REJECTED, and nothing is sent",
}
_GROUPS: Mapping[str, tuple[int, ...]] = {
    "delivered": (_DELIVERED,),
    "undeliverable": (_UNDELIVERABLE,),
    "falls-over": (_UNDELIVERABLE,),
    "rejected": (_REJECTED,),
    "expired": (_EXPIRED,),
    "late": (_DELIVERED,),
    "seen": (_DELIVERED,),
    "pending": (_PENDING,),
    "refused": (_REJECTED,),
}
_WITHOUT_DELAY = ("expired", "pending", "refused")
_MAGIC_START = "4179302670"
MAGIC_NUMBERS: Mapping[str, str] = {f"{_MAGIC_START}{digit}": outcome for digit, outcome in enumerate(OUTCOMES)}
SEED_NUMBERS = ("41793026727", "41793026731")
_OUTCOME_OF_ADDRESS = re.compile(rf"({'|'.join(OUTCOMES)})(?:@.*|-.*)?", re.IGNORECASE)
_MOST_PRICE = 1_000_000
_PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class PersonaError(ValueError):
    """A recipient that cannot be read; the text says what is wrong and what there is."""


class Persona(Struct, frozen=True):
    """What becomes of a message. None is as usual for the outcome; status and error are keys of codes.py."""

    outcome: str
    status: str | None = None
    error: str | None = None
    after_ms: int | None = None
    price: float | None = None


class Entry(Struct, frozen=True):
    """One row of the recipients table; ``channel`` is empty where it is for every channel."""

    recipient: str
    channel: str
    persona: Persona


USUAL = Persona("delivered")
_SEED: Mapping[str, Persona] = {
    "VKONTAKTE": Persona("undeliverable", "General/2/9", "General/1/6", 10, 0.0104),
    "SMS": Persona("delivered", "General/3/5", "General/0/0", 14, 0.01),
}


def find_persona(world: World, address: str, channel: str) -> Persona:
    """Return who is at this address: as the table says, the channel's own row first; else by magic; else as usual."""
    rows = world.query(
        "SELECT persona FROM recipients WHERE address = ? AND channel IN (?, '') ORDER BY channel DESC LIMIT 1",
        address,
        channel,
    )
    if rows:
        return Persona(**json.loads(rows[0][0]))
    if address in SEED_NUMBERS:
        return _SEED.get(channel, USUAL)
    if address in MAGIC_NUMBERS:
        return Persona(MAGIC_NUMBERS[address])
    named = None if address.isdigit() else _OUTCOME_OF_ADDRESS.fullmatch(address)
    return Persona(named[1].lower()) if named else USUAL


def put_recipient(world: World, entry: Entry) -> None:
    """Add a row to the table, or replace the one of this recipient and channel."""
    fields = {name: getattr(entry.persona, name) for name in Persona.__struct_fields__}
    with world.transaction():
        world.query("REPLACE INTO recipients VALUES (?, ?, ?)", entry.recipient, entry.channel, json.dumps(fields))


def list_recipients(world: World) -> list[Entry]:
    """Return the table in the order of the addresses."""
    rows = world.query("SELECT address, channel, persona FROM recipients ORDER BY address, channel")
    return [Entry(address, channel, Persona(**json.loads(persona))) for address, channel, persona in rows]


def drop_recipients(world: World, recipient: str | None, channel: str | None = None) -> int:
    """Drop the rows of a recipient (None: all), of one channel or of all, and return how many there were."""
    conditions = {"address": recipient and plain_address(recipient), "channel": channel}
    given = {name: value for name, value in conditions.items() if value is not None}
    where = " AND ".join(("1", *(f"{name} = ?" for name in given)))
    with world.transaction():
        return len(world.query(f"DELETE FROM recipients WHERE {where} RETURNING 1", *given.values()))  # noqa: S608


def read_entry(document: Any) -> Entry:
    """Read a row as JSON: recipient and outcome; channel, status, error, after and price may be there. PersonaError."""
    if not isinstance(document, dict):
        raise PersonaError("A recipient is an object with recipient and outcome")
    given = {name: value for name, value in document.items() if value is not None}
    known = ("recipient", "channel", "outcome", "status", "error", "after", "price")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise PersonaError(f"A recipient has no {unknown[0]!r}; it has {', '.join(known)}")
    recipient, outcome = given.get("recipient"), given.get("outcome")
    if not isinstance(recipient, str) or not recipient.isprintable() or not plain_address(recipient):
        raise PersonaError(f"recipient is a number, an e-mail address or a push id, not {recipient!r}")
    if not isinstance(outcome, str) or outcome not in OUTCOMES:
        raise PersonaError(f"outcome is {', '.join(OUTCOMES)}, not {outcome!r}")
    channel = _read_channel(given)
    try:
        persona = Persona(
            outcome,
            find_status(str(given["status"]), channel, _GROUPS[outcome]).key if "status" in given else None,
            find_error(str(given["error"]), channel).key if "error" in given else None,
            _read_after(given, outcome),
            _read_price(given),
        )
    except (CodeError, ClockError) as error:
        raise PersonaError(str(error)) from None
    return Entry(plain_address(recipient), channel, persona)


def _read_channel(given: Mapping[str, Any]) -> str:
    if "channel" not in given:
        return ""
    channel = find_channel(given["channel"])
    if channel is None:
        raise PersonaError(f"channel is {', '.join(CHANNELS)}, not {given['channel']!r}")
    if given.get("outcome") == "refused":
        raise PersonaError("A recipient is refused before any channel is tried: refused takes no channel")
    return channel


def _read_after(given: Mapping[str, Any], outcome: str) -> int | None:
    if "after" not in given:
        return None
    if outcome in _WITHOUT_DELAY:
        raise PersonaError(f"The outcome {outcome} takes no after")
    return read_duration(str(given["after"]))


def _read_price(given: Mapping[str, Any]) -> float | None:
    price = given.get("price")
    if price is None:
        return None
    if isinstance(price, str) and _PRICE.fullmatch(price):
        price = float(price)
    if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < _MOST_PRICE:
        raise PersonaError(f"price is a number of at least 0, not {price!r}")
    return float(price)


def write_entry(entry: Entry) -> dict[str, Any]:
    """Return a row as JSON shows it, and as it can be given again."""
    persona = entry.persona
    fields = {
        "recipient": entry.recipient,
        "channel": entry.channel or None,
        "outcome": persona.outcome,
        "status": persona.status,
        "error": persona.error,
        "after": None if persona.after_ms is None else write_duration(persona.after_ms),
        "price": None if persona.price is None else f"{persona.price:.9f}".rstrip("0").rstrip("."),
    }
    return {name: value for name, value in fields.items() if value is not None}
