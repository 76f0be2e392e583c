"""Addresses of one person, normalised, or in words why they are none; these never repeat the address: it is private.

A phone number that cannot exist is refused (its length does not fit its country); one in a range that nobody is known
to use is only doubted, since ranges change faster than any list of them.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

LONGEST_ADDRESS = 1000
_HIDDEN = dict.fromkeys([0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)])
"""Marks without a width that come along when a number is copied from an address book."""
_SPACES = re.compile(r"[\s\u00a0\u202f]+")
_PHONE = re.compile(r"\+?[0-9()\- \u2010-\u2015]+")
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?e\+?[0-9]+", re.IGNORECASE)
_DECIMAL = re.compile(r"[0-9]+[.,]0*")
_PUSH = re.compile(r"[!-~]+")


class Address(Struct, frozen=True):
    """What a text is: a normalised address, with a doubt about it in words ("" where there is none), or a mistake."""

    value: str = ""
    mistake: str = ""
    doubt: str = ""


def parse_phone(text: str) -> Address:
    """Return a phone number as digits in international form; ``+`` or ``00`` before it, spaces, dashes, brackets go."""
    plain = _SPACES.sub(" ", _bare(text)).strip()
    if not plain:
        return _wrong("it is empty")
    if len(plain) > 60:
        return _wrong("it is too long for a phone number")
    if _SHORTENED.fullmatch(plain):
        return _wrong("a spreadsheet has rounded the number; make the column a text there, and export it again")
    if _DECIMAL.fullmatch(plain):
        return _wrong("it is a decimal number; export the column as a text")
    if not _PHONE.fullmatch(plain):
        return _wrong("a phone number has digits, spaces, dashes, brackets and a +, and nothing else")
    digits = re.sub(r"[^0-9]", "", plain)
    if not plain.startswith("+") and digits.startswith("00"):
        digits = digits[2:]
    if not digits or digits.startswith("0"):
        return _wrong("the number is not international; it begins with the code of its country, such as 41")
    return _check_phone(digits)


def _check_phone(digits: str) -> Address:
    from phonenumbers import (  # late: its tables take a while
        NumberParseException,
        PhoneNumberFormat,
        ValidationResult,
        format_number,
        is_possible_number_with_reason,
        is_valid_number,
        parse,
    )

    try:
        number = parse(f"+{digits}", None)
    except NumberParseException:
        return _wrong("no country has a number that begins so, or it is far too short or too long")
    reason = is_possible_number_with_reason(number)
    if reason != ValidationResult.IS_POSSIBLE:
        short = reason in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY)
        how = "too short" if short else "too long" if reason == ValidationResult.TOO_LONG else "of the wrong length"
        return _wrong(f"the number is {how} for its country")
    doubt = "" if is_valid_number(number) else "the phone number is in a range that nobody is known to use"
    return Address(format_number(number, PhoneNumberFormat.E164).removeprefix("+"), doubt=doubt)


def parse_email(text: str) -> Address:
    """Return an e-mail address with its domain in lower case and in ASCII; nobody is asked whether it exists."""
    plain = _bare(text).strip()
    if not plain:
        return _wrong("it is empty")
    if len(plain) > 320:
        return _wrong("it is too long for an e-mail address")
    from email_validator import EmailNotValidError, validate_email  # late: few sends need it

    try:
        found = validate_email(plain, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        return _wrong(_without_address(str(error)))
    return Address(found.ascii_email or found.normalized)


def _without_address(said: str) -> str:
    """Return what the library says, unless it quotes a part of the address."""
    plain = said.rstrip(".")
    return "it is no e-mail address" if re.search(r"['\"‘’]", plain) else f"it is no e-mail address: {plain}"


def parse_push(text: str) -> Address:
    """Return a push id as it is."""
    plain = text.strip()
    if not plain:
        return _wrong("it is empty")
    if len(plain) > LONGEST_ADDRESS:
        return _wrong(f"it is too long for a push id; {LONGEST_ADDRESS:,} characters are taken at most")
    if not _PUSH.fullmatch(plain):
        return _wrong("a push id has no spaces, and ASCII characters alone")
    return Address(plain)


PARSERS: Mapping[str, Callable[[str], Address]] = {"phone": parse_phone, "email": parse_email, "push": parse_push}
"""How each kind of address is read."""

_KINDS = {
    "phone": ("phone", "phonenumber", "to", "msisdn", "gsm"),
    "email": ("email", "emailaddress"),
    "push": ("push", "pushregistrationid"),
}
_NAMES = {name: kind for kind, names in _KINDS.items() for name in names}


def find_kind(name: str) -> str | None:
    """Return the kind of address (phone, email, push) that a name of a column or an option stands for."""
    return _NAMES.get(squeeze(name))


def known_names() -> tuple[str, ...]:
    """Return all the names that stand for a kind."""
    return tuple(_NAMES)


def squeeze(name: str) -> str:
    """Return a name without what does not tell names apart."""
    return re.sub(r"[\s_-]", "", _bare(name)).lower()


def _bare(text: str) -> str:
    table: Any = _HIDDEN
    return text.translate(table)


def _wrong(why: str) -> Address:
    return Address(mistake=why)
