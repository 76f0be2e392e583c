"""Keyed hashes: the same person, text or row has the same one in this ledger, and another one in every other."""

import hashlib
import hmac
from collections.abc import Iterable

from omnictl.model.message import Recipient
from omnictl.model.report import Report, SeenReport

KEY_BYTES = 32
HASH_BYTES = 16
"""128 bits of HMAC-SHA256: no two people of any list meet, and a million of them take little room."""


class Hasher:
    """Makes the hashes of one ledger, with the key that lies in it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hash_text(self, text: str) -> bytes:
        """Return the hash of a text."""
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)[:HASH_BYTES]

    def hash_recipient(self, recipient: Recipient) -> bytes:
        """Return the hash of a person: all addresses together."""
        return self.hash_text("\n".join(_spelled(recipient)))

    def hash_addresses(self, recipient: Recipient) -> bytes | None:
        """Return the hashes of the addresses one after the other; None where one address is the whole person."""
        spelled = _spelled(recipient)
        return b"".join(map(self.hash_text, spelled)) if len(spelled) > 1 else None

    def hash_target(self, to: str) -> tuple[bytes, ...]:
        """Return what the hash of an address may be that a report, or a person, names without saying its kind."""
        return tuple(map(self.hash_text, _readings(to)))

    def hash_report(self, report: Report) -> bytes:
        """Return the hash of what makes two rows the same one over pull, push and log."""
        return self._hash_row("report", report.identity)

    def hash_seen(self, seen: SeenReport) -> bytes:
        """Return the hash of what makes two seen reports the same one."""
        at = "" if seen.seen_at is None else seen.seen_at.isoformat()
        return self._hash_row("seen", (seen.message_id, seen.to, at))

    def _hash_row(self, kind: str, parts: Iterable[str]) -> bytes:
        return self.hash_text("\0".join((kind, *parts)))


def _spelled(recipient: Recipient) -> list[str]:
    return [_spell(name, value) for name, value in recipient.addresses.items()]


def _spell(name: str, value: str) -> str:
    """Return an address so that two spellings of it are one: a phone without its ``+``, an e-mail in small letters."""
    if name == "phone":
        value = _digits(value) or value
    return f"{name}={value.lower() if name == 'email' else value}"


def _digits(text: str) -> str:
    """Return the digits of a phone number; "" where it is none."""
    digits = text.strip().removeprefix("+").translate({ord(sign): None for sign in " -()"})
    return digits if digits.isascii() and digits.isdigit() else ""


def _readings(to: str) -> list[str]:
    readings = [_spell("push", to)]
    if "@" in to:
        readings.append(_spell("email", to.strip()))
    if _digits(to):
        readings.append(_spell("phone", to))
    return readings
