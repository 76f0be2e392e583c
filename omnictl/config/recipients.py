"""``--to``: one person by one address or several; ``phone=…,email=…,push=…``, or a bare number or e-mail address."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from omnictl.config.addresses import PARSERS, find_kind
from omnictl.config.documents import shorten
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.message import Recipient

MOST_TYPED = 10_000
"""How many recipients --to takes; a file of more is for --recipients, which streams it and can be resumed."""
_MOST_MISTAKES = 100
_PART = re.compile(r",(?=\s*[A-Za-z][A-Za-z _-]*=)")
_NAMED = re.compile(r"\s*[A-Za-z][A-Za-z _-]*=")


def parse_recipients(
    texts: Iterable[str], *, label: str = "--to"
) -> tuple[tuple[Recipient, ...], tuple[Diagnostic, ...]]:
    """Return the people that ``--to`` names, each once, and what is wrong; ``label`` is "line" for those of stdin.

    Blank texts are skipped and counted. The words about a mistake never repeat an address.
    """
    people: dict[str, Recipient] = {}
    found: list[Diagnostic] = []
    read = 0
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        read += 1
        if read > MOST_TYPED or sum(each.severity is Severity.ERROR for each in found) >= _MOST_MISTAKES:
            found.append(_too_many(label))
            break
        recipient, mistakes = parse_recipient(text, label=f"{label} {number}")
        found += mistakes
        if recipient is None:
            continue
        if recipient.identity in people:
            detail = f"{label} {number} is somebody who was named before, and gets one message."
            found.append(Diagnostic("same-recipient", Severity.WARNING, "A recipient is named twice", detail))
        people.setdefault(recipient.identity, recipient)
    return tuple(people.values()), tuple(found)


def parse_recipient(text: str, *, label: str) -> tuple[Recipient | None, tuple[Diagnostic, ...]]:
    """Return the person that one text names, None where it has a mistake; ``label`` says which text it is."""
    values: dict[str, str] = {}
    found: list[Diagnostic] = []
    for kind, value in _parts(text):
        if kind not in PARSERS:
            found.append(_unknown(kind, label))
            continue
        address = PARSERS[kind](value)
        if address.mistake:
            where = f"{label}, {kind}" if "=" in text else label
            hint = "several people take several --to" if "," in value else ""
            found.append(_wrong("wrong-address", "An address cannot be used", f"{where}: {address.mistake}.", hint))
        elif kind in values:
            hint = "several people take several --to"
            found.append(_wrong("wrong-address", "An address cannot be used", f"{label} has two of {kind}.", hint))
        elif address.doubt:
            summary = "A phone number may not exist"
            found.append(Diagnostic("doubtful-number", Severity.WARNING, summary, f"{label}: {address.doubt}."))
        values.setdefault(kind, address.value)
    is_wrong = any(each.severity is Severity.ERROR for each in found)
    return (None if is_wrong else Recipient(**values)), tuple(found)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each address; a kind that is none is yielded as it was written."""
    if _NAMED.match(text) is None:
        yield ("email" if "@" in text else "phone"), text
        return
    for part in _PART.split(text):
        name, _, value = part.partition("=")
        yield find_kind(name) or name.strip(), value


def _unknown(name: str, label: str) -> Diagnostic:
    close = get_close_matches(name.lower(), PARSERS, n=1)
    hint = f"did you mean {close[0]}=?" if close else ""
    detail = f"{label}: {shorten(name)}= is not known; known: phone= email= push="
    return _wrong("wrong-address", "An address cannot be used", detail, hint)


def _too_many(label: str) -> Diagnostic:
    detail = f"{label}: up to {MOST_TYPED:,} recipients and {_MOST_MISTAKES} mistakes are read; this is where it ended."
    hint = "write them to a file with the columns that it needs, and name it by --recipients"
    return _wrong("too-many-recipients", "There are too many recipients for --to", detail, hint)


def _wrong(code: str, summary: str, detail: str, hint: str = "") -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, detail, hint=hint)


CODES = {
    "wrong-address": "A phone number, an e-mail address or a push id cannot be used; the words say why and do not "
    "repeat it, since it is private. Phone numbers are international.",
    "doubtful-number": "A phone number has the right length for its country, and is in a range that nobody is known to "
    "use. It is sent to all the same.",
    "same-recipient": "A recipient is named twice, and gets one message.",
    "too-many-recipients": "--to is for a few people; --recipients reads a file of any length, and can be resumed.",
}
