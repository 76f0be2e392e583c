"""The channels: their names in every spelling that clients send, their content in a body, the address each needs."""

import re
from collections.abc import Mapping
from typing import Any

_ORDINALS = ("SMS", "EMAIL", "VOICE", "PARSECO", "PUSH", "VIBER", "FACEBOOK", "LINE", "VKONTAKTE")
_SPELLINGS = {"VKONTANTE": "VKONTAKTE"}
_MOST_DIGITS = 3

CONTENT_FIELDS: Mapping[str, str] = {
    "SMS": "sms",
    "EMAIL": "email",
    "VOICE": "voice",
    "PARSECO": "parseco",
    "PUSH": "push",
    "VIBER": "viber",
    "FACEBOOK": "facebook",
    "LINE": "line",
    "VKONTAKTE": "vKontakte",
    "KAKAO_CHINGU": "kakaoChingu",
    "KAKAO_ALIM": "kakaoAlim",
    "WHATSAPP": "whatsApp",
}
CHANNELS = tuple(CONTENT_FIELDS)

_PHONE = ("phoneNumber",)
_ADDRESS_FIELDS: Mapping[str, tuple[str, ...]] = {
    "EMAIL": ("emailAddress",),
    "PUSH": ("pushRegistrationId",),
    "FACEBOOK": ("facebookUserKey", *_PHONE),
    "LINE": ("lineUserKey", *_PHONE),
    "WHATSAPP": (*_PHONE, "whatsAppUserId"),
}
ADDRESSES = ("phoneNumber", "emailAddress", "pushRegistrationId", "whatsAppUserId", "facebookUserKey", "lineUserKey")
"""Every address that a recipient may have, as a body names it."""

_DEFAULT_VALIDITY_MS = 48 * 3_600_000
_VALIDITIES_MS: Mapping[str, int] = {
    "VKONTAKTE": 6 * 86_400_000,
    "KAKAO_CHINGU": 3 * 86_400_000,
    "KAKAO_ALIM": 3 * 86_400_000,
}
_PRICES: Mapping[str, float] = {
    "SMS": 0.01,
    "VKONTAKTE": 0.0104,
    "EMAIL": 0.001,
    "VOICE": 0.02,
    "PUSH": 0.0,
    "WHATSAPP": 0.03,
}
_OTHER_PRICE = 0.008


def find_channel(given: Any) -> str | None:
    """Return the channel of a name in any case, a known misspelling, or an SDK's ordinal (as text too)."""
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS:
        given = int(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return _ORDINALS[given] if 0 <= given < len(_ORDINALS) else None
    name = given.upper() if isinstance(given, str) else ""
    name = _SPELLINGS.get(name, name)
    return name if name in CONTENT_FIELDS else None


def address_for(channel: str, to: Mapping[str, Any]) -> str | None:
    """Return the address at which a channel reaches a recipient; None where he has none."""
    for name in _ADDRESS_FIELDS.get(channel, _PHONE):
        if to.get(name):
            return plain_address(to[name])
    return None


def plain_address(text: str) -> str:
    """Return an address as it is kept: digits of a number, an e-mail address in small letters."""
    plain = text.strip().removeprefix("+")
    digits = re.sub(r"[ ()./-]", "", plain)
    if digits.isascii() and digits.isdigit():
        return digits.removeprefix("00")
    return plain.lower() if "@" in plain else plain


def default_validity_ms(channel: str) -> int:
    """Return how long a step tries where nobody said it."""
    return _VALIDITIES_MS.get(channel, _DEFAULT_VALIDITY_MS)


def price_of(channel: str) -> float:
    """Return what a message costs, in EUR."""
    return _PRICES.get(channel, _OTHER_PRICE)
