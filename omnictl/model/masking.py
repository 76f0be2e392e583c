"""Personal data as it may be shown: enough to recognize an address that one knows, too little to learn it."""

import re

from omnictl.model.message import Recipient

_STARS = "***"
_LEAST_PHONE, _LEAST_PUSH = 8, 12
_EMAIL = re.compile(r"[^\s\"'<>()\[\],;:=&/]+(?:@|%40)[^\s\"'<>()\[\],;:=&/]+")
_PHONE = re.compile(r"(?<![0-9a-fA-F-])[0-9]{7,15}(?![0-9a-fA-F-])")


def mask_phone(phone: str) -> str:
    """Return a phone number with its first and last two digits; of a short one nothing but its length."""
    if len(phone) < _LEAST_PHONE:
        return "*" * len(phone)
    return phone[:2] + "*" * (len(phone) - 4) + phone[-2:]


def mask_email(email: str) -> str:
    """Return an e-mail address as ``a***@e***.com``; what is cut does not even tell its length."""
    local, _, domain = email.rpartition("@")
    name, _, ending = domain.rpartition(".")
    return f"{local[:1]}{_STARS}@{name[:1]}{_STARS}{f'.{ending}' if name else ''}"


def mask_push(push: str) -> str:
    """Return the first four characters of a push registration; of a short one none."""
    return f"{push[:4] if len(push) >= _LEAST_PUSH else ''}{_STARS}"


def mask_text(text: str) -> str:
    """Return nothing of a text but its length."""
    return f"{_STARS} ({len(text)} character{'s' * (len(text) != 1)})"


def mask_address(address: str) -> str:
    """Return an address of unknown kind, such as the ``to`` of a report, as the kind that it looks like is masked."""
    if "@" in address:
        return mask_email(address)
    return mask_phone(address) if address.lstrip("+").isdecimal() else mask_push(address)


def mask_recipient(recipient: Recipient) -> Recipient:
    """Return a recipient with all addresses masked."""
    return Recipient(
        phone=None if recipient.phone is None else mask_phone(recipient.phone),
        email=None if recipient.email is None else mask_email(recipient.email),
        push=None if recipient.push is None else mask_push(recipient.push),
    )


def mask_within(text: str) -> str:
    """Return somebody else's words with everything masked that looks like a phone number or an e-mail address."""
    text = _EMAIL.sub(lambda found: mask_email(found[0]), text)
    return _PHONE.sub(lambda found: mask_phone(found[0]), text)
