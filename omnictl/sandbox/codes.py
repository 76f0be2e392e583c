"""The documented statuses and errors of messages, looked up by family, group and id: some ids are used twice."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from msgspec import Struct

from omnictl.sandbox.code_tables import ERROR_TABLE, STATUS_TABLE

_DESCRIPTIONS: Mapping[str, str] = {
    "PENDING_WAITING_DELIVERY": "Message sent, waiting for delivery report",
    "PENDING_ENROUTE": "Message sent to next instance",
    "PENDING_ACCEPTED": "Message accepted, pending for delivery",
    "UNDELIVERABLE_NOT_DELIVERED": "Message sent not delivered",
    "UNDELIVERABLE_REJECTED_OPERATOR": "Message rejected by operator",
    "DELIVERED_TO_OPERATOR": "Message delivered to operator",
    "DELIVERED_TO_HANDSET": "Message delivered to handset",
    "EXPIRED_EXPIRED": "Message expired",
    "NO_ERROR": "No Error",
    "EC_ABSENT_SUBSCRIBER_SM": "Absent Subscriber",
}
"""Descriptions as the documents show them; for the others it is the name in words."""

_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "VOICE": ("Voice", "Voice and WebRTC", "Voice (DEPRECATED)"),
    "EMAIL": ("Email",),
    "PUSH": ("Push notifications", "Push notification"),
}
_GENERAL, _CHAT = "General", "Chat"
_CELL = re.compile(r"(\d+) ([A-Z0-9_]+)(\*?)")


class CodeError(ValueError):
    """A status or an error that no table lists; the text says what there is."""


class Code(Struct, frozen=True):
    """One status or error: ``permanent`` is of errors alone."""

    family: str
    group: int
    group_name: str
    id: int
    name: str
    permanent: bool

    @property
    def key(self) -> str:
        """What finds it again: ``General/2/9``."""
        return f"{self.family}/{self.group}/{self.id}"

    @property
    def shown(self) -> str:
        """How people see it."""
        return f"{self.group}/{self.id} {self.name}"

    @property
    def description(self) -> str:
        """The words for it."""
        words = self.name.removeprefix("EC_").replace("_", " ")
        return _DESCRIPTIONS.get(self.name, words.capitalize())


def _read_table(text: str) -> Iterator[Code]:
    family, group, group_name = "", 0, ""
    for line in text.strip().splitlines():
        if not line.startswith(" "):
            family, _, rest = line.partition(" / ")
            number, group_name = rest.split()
            group = int(number)
        for code_id, name, star in _CELL.findall(line) if line.startswith(" ") else ():
            yield Code(family, group, group_name, int(code_id), name, bool(star))


STATUSES: tuple[Code, ...] = tuple(_read_table(STATUS_TABLE))
ERRORS: tuple[Code, ...] = tuple(_read_table(ERROR_TABLE))
STATUS_GROUPS = ("ACCEPTED", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED")
"""The groups of statuses in the order of their ids; no table lists a status of the first."""

_BY_KEY = {
    "status": {code.key: code for code in STATUSES},
    "error": {code.key: code for code in ERRORS},
}


def get_status(key: str) -> Code:
    """Return the status with the key ``FAMILY/GROUP/ID``. Raises KeyError."""
    return _BY_KEY["status"][key]


def get_error(key: str) -> Code:
    """Return the error with the key ``FAMILY/GROUP/ID``. Raises KeyError."""
    return _BY_KEY["error"][key]


def find_status(text: str, channel: str, groups: tuple[int, ...]) -> Code:
    """Find a status by id, GROUP/ID, FAMILY/GROUP/ID or name; among ``groups``. Raises CodeError."""
    found = _find("status", STATUSES, text, channel, groups)
    if found.group not in groups:
        wanted = " or ".join(STATUS_GROUPS[group] for group in groups)
        raise CodeError(f"The status {found.shown} is of the group {found.group_name}; this outcome is {wanted}")
    return found


def find_error(text: str, channel: str) -> Code:
    """Find an error by id, GROUP/ID, FAMILY/GROUP/ID or name. Raises CodeError."""
    return _find("error", ERRORS, text, channel, ())


def _find(kind: str, table: tuple[Code, ...], text: str, channel: str, groups: tuple[int, ...]) -> Code:
    """Return the best of those that fit: of a wanted group, of the channel's own family, else a general one."""
    given = text.strip()
    fitting = [code for code in table if given in (code.key, f"{code.group}/{code.id}", str(code.id), code.name)]
    if not fitting:
        close = get_close_matches(given.upper(), [code.name for code in table], n=1)
        meant = f"did you mean {close[0]}?" if close else "the ids and names are those of the service's response codes"
        raise CodeError(f"There is no {kind} {text!r}; {meant}")
    families = (*_FAMILIES.get(channel, (_CHAT,) if channel != "SMS" else ()), _GENERAL)
    return min(fitting, key=lambda code: (bool(groups) and code.group not in groups, _rank(code.family, families)))


def _rank(family: str, families: tuple[str, ...]) -> int:
    return families.index(family) if family in families else len(families)


def write_status(code: Code) -> dict[str, str | int]:
    """Return a status as the API shows it."""
    return {
        "groupId": code.group,
        "groupName": code.group_name,
        "id": code.id,
        "name": code.name,
        "description": code.description,
    }


def write_error(code: Code) -> dict[str, str | int | bool]:
    """Return an error as the API shows it."""
    return {**write_status(code), "permanent": code.permanent}
