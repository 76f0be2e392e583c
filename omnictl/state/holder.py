"""The text beside a lock: which command holds it, since when, and where to look. No names of people."""

import json

from omnictl.codec.shapes import (
    as_object,
    as_optional_text,
    as_optional_time,
    as_text,
    as_time,
    compact,
    parse_json,
    write_time,
)
from omnictl.model.scenario import Json
from omnictl.state.base import LockHolder


def encode_holder(holder: LockHolder) -> str:
    """Return a holder as JSON text."""
    return json.dumps(encode_holder_fields(holder), indent=2) + "\n"


def encode_holder_fields(holder: LockHolder) -> dict[str, Json]:
    """Return a holder as fields."""
    return compact(
        {
            "operation": holder.operation,
            "run": holder.run,
            "since": write_time(holder.since),
            "expected_end": write_time(holder.expected_end) if holder.expected_end else None,
            "process": holder.process or None,
            "link": holder.link or None,
            "label": holder.label or None,
        }
    )


def decode_holder(text: str | bytes) -> LockHolder:
    """Return a holder. Raises ShapeError where the text is none."""
    return decode_holder_fields(parse_json(text))


def decode_holder_fields(value: Json) -> LockHolder:
    """Return a holder of its fields. Raises ShapeError."""
    fields = as_object(value, "")
    return LockHolder(
        as_text(fields.get("operation"), "operation"),
        as_text(fields.get("run"), "run"),
        as_time(fields.get("since"), "since"),
        as_optional_time(fields.get("expected_end"), "expected_end"),
        as_optional_text(fields.get("process"), "process") or "",
        as_optional_text(fields.get("link"), "link") or "",
        as_optional_text(fields.get("label"), "label") or "",
    )
