"""What a lock of Terraform's HTTP protocol says: seven texts.

GitLab gives back only name, user and since when, so the name of a lock tells there who holds it; elsewhere Info does.
"""

from datetime import UTC, datetime
from urllib.parse import quote_plus, unquote_plus

from msgspec import Struct

from omnictl import __version__
from omnictl.codec.shapes import ShapeError, as_object, as_optional_time, as_time, parse_json, write_json, write_time
from omnictl.model.scenario import Json
from omnictl.state.base import LockHolder
from omnictl.state.holder import decode_holder, encode_holder_fields

_LONGEST_NAME = 255
_LONGEST_TEXT = 200
_NEVER = datetime.fromtimestamp(0, UTC)
UNNAMED = LockHolder("another program", "unknown", _NEVER)
"""Whoever holds a lock of which the server says nothing."""


class LockText(Struct, frozen=True):
    """A lock that is held: its name, where the server gave one, who holds it, and all that the server gave back."""

    lock_id: str
    holder: LockHolder | None
    fields: dict[str, str]


def make_lock_text(holder: LockHolder, token: str, *, tells_by_name: bool) -> LockText:
    """Return the text of a new lock; ``token`` is new each time."""
    lock_id = _name_of(holder, token) if tells_by_name else token
    fields = {
        "ID": lock_id,
        "Operation": f"omnictl {holder.operation}",
        "Info": write_json(encode_holder_fields(holder), indent=None),
        "Who": holder.label or holder.process or holder.run,
        "Version": __version__,
        "Created": write_time(holder.since),
        "Path": "",
    }
    return LockText(lock_id, holder, fields)


def encode_lock_text(text: LockText) -> bytes:
    """Return what is sent: all seven fields, as texts."""
    fields: dict[str, Json] = {name: text.fields.get(name, "") for name in _FIELDS}
    return write_json(fields | {"ID": text.lock_id}, indent=None).encode()


_FIELDS = ("ID", "Operation", "Info", "Who", "Version", "Created", "Path")


def decode_lock_text(content: bytes, *, tells_by_name: bool) -> LockText:
    """Return what a server says of a lock that is held; whatever it is, nothing is an error.

    ``tells_by_name``: of Info and Operation the server gives back those of who asked.
    """
    try:
        given = as_object(parse_json(content), "")
    except ShapeError:
        return LockText("", None, {})
    fields = {name: value for name in _FIELDS if isinstance(value := given.get(name), str)}
    lock_id = fields.get("ID", "")
    if not fields:
        return LockText("", None, {})
    return LockText(lock_id, _holder_of(lock_id, fields, tells_by_name=tells_by_name), fields)


def _holder_of(lock_id: str, fields: dict[str, str], *, tells_by_name: bool) -> LockHolder:
    try:
        return _holder_named(lock_id) if tells_by_name else decode_holder(fields.get("Info", ""))
    except ShapeError:
        operation = "" if tells_by_name else fields.get("Operation", "")[:_LONGEST_TEXT]
        return LockHolder(
            operation or UNNAMED.operation,
            lock_id[:_LONGEST_TEXT] or "unknown",
            _time_of(fields.get("Created", "")),
            process=fields.get("Who", "")[:_LONGEST_TEXT],
        )


def _time_of(text: str) -> datetime:
    try:
        return as_time(text, "Created").replace(microsecond=0)
    except ShapeError:
        return _NEVER


def _name_of(holder: LockHolder, token: str) -> str:
    """Return a name that tells who holds the lock; what comes last is left out where it gets too long."""
    told = (
        holder.operation,
        write_time(holder.since),
        holder.run,
        write_time(holder.expected_end) if holder.expected_end else "",
        holder.process,
        holder.label,
        holder.link,
    )
    parts = [token, *(quote_plus(each, safe=":/") for each in told)]
    while len(",".join(parts)) > _LONGEST_NAME and len(parts) > 1:
        del parts[-1]
    return ",".join(parts)


def _holder_named(lock_id: str) -> LockHolder:
    _, *parts = lock_id.split(",")
    told = [unquote_plus(each) for each in parts]
    if not 3 <= len(told) <= 7:
        raise ShapeError("ID", "expected a name that omnictl made")
    operation, since, run, expected_end, process, label, link = told + [""] * (7 - len(told))
    return LockHolder(
        operation,
        run,
        as_time(since, "ID"),
        as_optional_time(expected_end or None, "ID"),
        process,
        link,
        label,
    )
