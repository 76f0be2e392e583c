"""What the object of a lock says in a store without sessions, and how it is spelled."""

from msgspec import Struct

from omnictl.codec.shapes import ShapeError, as_count, as_flag, as_object, as_text, parse_json, write_json
from omnictl.state.base import LockHolder
from omnictl.state.holder import decode_holder_fields, encode_holder_fields

FORMAT_VERSION = 1


class LeaseText(Struct, frozen=True):
    """What the object of a lock says. ``token`` names the hold, ``renewal`` counts; a lock that is free says so.

    ``was_cleared``: it is free because somebody cleared it, not because its holder let it go.
    """

    token: str
    renewal: int
    lease_seconds: int
    is_held: bool
    holder: LockHolder
    was_cleared: bool = False

    @property
    def ended_run(self) -> str | None:
        """The run that held the lock and let it go in good order."""
        return None if self.is_held or self.was_cleared else self.holder.run


def encode_lease(text: LeaseText) -> str:
    """Return the text of a lock as JSON."""
    return write_json(
        {
            "format_version": FORMAT_VERSION,
            "kind": "lock",
            "is_held": text.is_held,
            "was_cleared": text.was_cleared,
            "token": text.token,
            "renewal": text.renewal,
            "lease_seconds": text.lease_seconds,
            "holder": encode_holder_fields(text.holder),
        }
    )


def is_newer(content: bytes) -> bool:
    """Tell whether a lock was written by a newer omnictl."""
    try:
        fields = as_object(parse_json(content), "")
        return fields.get("kind") == "lock" and as_count(fields.get("format_version"), "") > FORMAT_VERSION
    except ShapeError:
        return False


def decode_lease(content: bytes) -> LeaseText:
    """Return what the object of a lock says. Raises ShapeError."""
    fields = as_object(parse_json(content), "")
    if fields.get("kind") != "lock" or as_count(fields.get("format_version"), "format_version") > FORMAT_VERSION:
        raise ShapeError("kind", "this is no lock that this omnictl knows")
    return LeaseText(
        as_text(fields.get("token"), "token"),
        as_count(fields.get("renewal"), "renewal"),
        as_count(fields.get("lease_seconds"), "lease_seconds"),
        as_flag(fields.get("is_held"), "is_held"),
        decode_holder_fields(fields.get("holder")),
        as_flag(fields.get("was_cleared", False), "was_cleared"),
    )
