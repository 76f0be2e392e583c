"""The good path of reading a state: what omnictl wrote itself, decoded by a compiled reader.

It takes a text only where writing it again gives the same text, so that nothing stands in it twice, unseen, or
spelled in another way. Everything else is for the careful reader, which says what is wrong.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from omnictl.codec.parts import decode_address, decode_key, decode_lifecycle
from omnictl.codec.shapes import ShapeError, as_time, parse_json
from omnictl.model.address import Address
from omnictl.model.scenario import Attributes, Json, Step
from omnictl.model.state import Record

_Part: TypeAlias = Raw | UnsetType


class _StepRow(Struct, omit_defaults=True):
    channel: str
    sender: str | None = field(name="from", default=None)


class _AttributesRow(Struct):
    name: str
    flow: list[_StepRow]


class _RecordRow(Struct):
    key: str
    applied: _AttributesRow
    observed: _AttributesRow | UnsetType = UNSET
    declared: _AttributesRow | UnsetType = UNSET
    created_at: str | UnsetType = UNSET
    updated_at: str | UnsetType = UNSET
    lifecycle: Raw | UnsetType = UNSET


class _StateRows(Struct):
    format_version: int
    kind: str
    environment: str
    lineage: str
    serial: int
    account: _Part = UNSET
    account_default: _Part = UNSET
    listed: _Part = UNSET
    written: _Part = UNSET
    moved_to: _Part = UNSET
    knows_files: _Part = UNSET
    records: dict[str, _RecordRow] = field(default_factory=dict)
    intents: _Part = UNSET
    tombstones: _Part = UNSET
    repeated_creates: _Part = UNSET
    plans: _Part = UNSET


_decoder = msgspec.json.Decoder(_StateRows)
_NOWHERE = ""
"""The place that the readers of parts would name: their errors are not told here, the careful reader finds its own."""


def read_quickly(text: bytes, format_version: int) -> tuple[dict[Address, Record], Mapping[str, Json]] | None:
    """Return the records of a state, and the rest of its document; None where it is for the careful reader."""
    try:
        packed = msgspec.json.format(text, indent=-1)
        rows = _decoder.decode(packed)
        if rows.kind != "state" or rows.format_version != format_version or msgspec.json.encode(rows) != packed:
            return None
        records = {decode_address(each, _NOWHERE): row for each, row in rows.records.items()}
        return {address: _make_record(address, row) for address, row in records.items()}, _rest_of(rows)
    except (msgspec.DecodeError, ShapeError, UnicodeError, RecursionError):
        return None


def _make_record(address: Address, row: _RecordRow) -> Record:
    applied = _make_attributes(row.applied)
    return Record(
        address,
        decode_key(row.key, _NOWHERE),
        applied,
        applied if row.observed is UNSET else _make_attributes(row.observed),
        None if row.created_at is UNSET else as_time(row.created_at, _NOWHERE),
        None if row.updated_at is UNSET else as_time(row.updated_at, _NOWHERE),
        decode_lifecycle(None if row.lifecycle is UNSET else parse_json(bytes(row.lifecycle)), _NOWHERE),
        None if row.declared is UNSET else _make_attributes(row.declared),
    )


def _make_attributes(row: _AttributesRow) -> Attributes:
    return Attributes(row.name, tuple([Step(each.channel, each.sender) for each in row.flow]))


def _rest_of(rows: _StateRows) -> Mapping[str, Json]:
    small = {name: getattr(rows, name) for name in _StateRows.__struct_fields__[5:] if name != "records"}
    return {
        "environment": rows.environment,
        "lineage": rows.lineage,
        "serial": rows.serial,
        **{name: parse_json(bytes(part)) for name, part in small.items() if part is not UNSET},
    }
