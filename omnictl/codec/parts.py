"""The parts that several documents share: attributes, steps, lifecycles, records."""

import re

from msgspec.structs import replace

from omnictl.codec.shapes import (
    ShapeError,
    as_list,
    as_member,
    as_object,
    as_optional_text,
    as_optional_time,
    as_text,
    compact,
    write_time,
)
from omnictl.model.address import Address, make_address
from omnictl.model.scenario import Attributes, IgnoredField, Json, Lifecycle, Manage, OnRemoval, Protection, Step
from omnictl.model.state import Account, Record

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LONGEST_KEY = 256
_USUAL = Lifecycle()


def encode_step(step: Step) -> dict[str, Json]:
    """Return a step as the files spell it."""
    return compact({"channel": step.channel, "from": step.sender})


def decode_step(value: Json, path: str) -> Step:
    """Return a step."""
    fields = as_object(value, path)
    return Step(as_text(fields.get("channel"), f"{path}.channel"), as_optional_text(fields.get("from"), f"{path}.from"))


def encode_flow(flow: tuple[Step, ...]) -> list[Json]:
    """Return a flow as a list of steps."""
    return [encode_step(step) for step in flow]


def decode_flow(value: Json, path: str) -> tuple[Step, ...]:
    """Return a flow."""
    return tuple(decode_step(each, f"{path}[{i}]") for i, each in enumerate(as_list(value, path)))


def encode_attributes(attributes: Attributes) -> dict[str, Json]:
    """Return name and flow."""
    return {"name": attributes.name, "flow": encode_flow(attributes.flow)}


def decode_attributes(value: Json, path: str) -> Attributes:
    """Return attributes."""
    fields = as_object(value, path)
    return Attributes(as_text(fields.get("name"), f"{path}.name"), decode_flow(fields.get("flow"), f"{path}.flow"))


def encode_whole_lifecycle(lifecycle: Lifecycle) -> dict[str, Json] | None:
    """Return what is not the usual of a lifecycle, with the fields that the file ignores."""
    ignored: list[Json] = [
        compact({"field": each.field, "reason": each.reason or None, "until": each.until})
        for each in lifecycle.ignore_changes
    ]
    return compact({**(encode_lifecycle(lifecycle) or {}), "ignore_changes": ignored}) or None


def decode_whole_lifecycle(value: Json, path: str) -> Lifecycle:
    """Return a lifecycle with the fields that the file ignores."""
    lifecycle = decode_lifecycle(value, path)
    if value is None:
        return lifecycle
    rows = as_list(as_object(value, path).get("ignore_changes"), f"{path}.ignore_changes")
    ignored = tuple(_decode_ignored(each, f"{path}.ignore_changes[{i}]") for i, each in enumerate(rows))
    return replace(lifecycle, ignore_changes=ignored)


def _decode_ignored(value: Json, path: str) -> IgnoredField:
    fields = as_object(value, path)
    return IgnoredField(
        as_text(fields.get("field"), f"{path}.field"),
        as_optional_text(fields.get("reason"), f"{path}.reason") or "",
        as_optional_text(fields.get("until"), f"{path}.until"),
    )


def encode_lifecycle(lifecycle: Lifecycle) -> dict[str, Json] | None:
    """Return what the state remembers of a lifecycle where it is not the usual; None where all is."""
    if lifecycle is _USUAL:
        return None
    usual = _USUAL
    fields: dict[str, Json] = {
        "protected": lifecycle.protected.value if lifecycle.protected is not usual.protected else None,
        "manage": lifecycle.manage.value if lifecycle.manage is not usual.manage else None,
        "on_removal": lifecycle.on_removal.value if lifecycle.on_removal is not usual.on_removal else None,
    }
    return compact(fields) or None


def decode_lifecycle(value: Json, path: str) -> Lifecycle:
    """Return a lifecycle; what is absent is the usual."""
    if value is None:
        return _USUAL
    fields = as_object(value, path)
    return Lifecycle(
        as_member(Protection, fields.get("protected", "none"), f"{path}.protected"),
        as_member(Manage, fields.get("manage", "apply"), f"{path}.manage"),
        as_member(OnRemoval, fields.get("on_removal", "forget"), f"{path}.on_removal"),
    )


def encode_record(record: Record) -> dict[str, Json]:
    """Return a record; ``observed`` only where the service answered with something else than was sent."""
    return compact(
        {
            "key": record.key,
            "applied": encode_attributes(record.applied),
            "observed": encode_attributes(record.observed) if record.observed != record.applied else None,
            "declared": encode_attributes(record.declared) if record.declared else None,
            "created_at": write_time(record.created_at) if record.created_at else None,
            "updated_at": write_time(record.updated_at) if record.updated_at else None,
            "lifecycle": encode_lifecycle(record.lifecycle),
        }
    )


def decode_key(value: Json, path: str) -> str:
    """Return a key, which scripts get as it is; one that steers a terminal or has no end is refused."""
    key = as_text(value, path)
    if not key or len(key) > _LONGEST_KEY or not key.isprintable():
        raise ShapeError(path, f"{key[:80]!a} is no key")
    return key


def decode_optional_attributes(value: Json, path: str) -> Attributes | None:
    """Return attributes, or None where there are none."""
    return None if value is None else decode_attributes(value, path)


def decode_record(address: Address, value: Json, path: str) -> Record:
    """Return a record."""
    fields = as_object(value, path)
    applied = decode_attributes(fields.get("applied"), f"{path}.applied")
    observed = fields.get("observed")
    return Record(
        address,
        decode_key(fields.get("key"), f"{path}.key"),
        applied,
        applied if observed is None else decode_attributes(observed, f"{path}.observed"),
        as_optional_time(fields.get("created_at"), f"{path}.created_at"),
        as_optional_time(fields.get("updated_at"), f"{path}.updated_at"),
        decode_lifecycle(fields.get("lifecycle"), f"{path}.lifecycle"),
        decode_optional_attributes(fields.get("declared"), f"{path}.declared"),
    )


def encode_account(account: Account) -> dict[str, Json]:
    """Return an account."""
    return compact({"host": account.host, "name": account.name})


def decode_account(value: Json, path: str) -> Account:
    """Return an account."""
    fields = as_object(value, path)
    return Account(as_text(fields.get("host"), f"{path}.host"), as_optional_text(fields.get("name"), f"{path}.name"))


def decode_address(value: Json, path: str) -> Address:
    """Return the address of an id; what has not the form of one is refused, since it is shown and becomes a name."""
    text = as_text(value, path)
    if not _ID.fullmatch(text):
        raise ShapeError(path, f"{text[:80]!a} is no id")
    return make_address(text)
