"""Diagnostics and the places they speak of, as documents spell them."""

import re

from omnictl.codec.shapes import (
    ShapeError,
    as_count,
    as_list,
    as_member,
    as_object,
    as_optional_text,
    as_text,
    compact,
)
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.scenario import Json

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def encode_source(source: Source | None) -> dict[str, Json] | None:
    """Return a place in a file, without the excerpt."""
    if source is None:
        return None
    return compact({"path": source.path, "line": source.line, "column": source.column, "end_column": source.end_column})


def decode_source(value: Json, path: str) -> Source | None:
    """Return a place in a file."""
    if value is None:
        return None
    fields = as_object(value, path)
    numbers = [
        None if fields.get(name) is None else as_count(fields[name], f"{path}.{name}")
        for name in ("line", "column", "end_column")
    ]
    return Source(as_text(fields.get("path"), f"{path}.path"), numbers[0], numbers[1], numbers[2])


def encode_diagnostic(each: Diagnostic) -> dict[str, Json]:
    """Return a diagnostic."""
    return compact(
        {
            "code": each.code,
            "severity": each.severity.value,
            "summary": each.summary,
            "detail": each.detail or None,
            "source": encode_source(each.source),
            "label": each.label or None,
            "hint": each.hint or None,
            "commands": list(each.commands),
        }
    )


def decode_diagnostic(value: Json, path: str) -> Diagnostic:
    """Return a diagnostic."""
    fields = as_object(value, path)
    return Diagnostic(
        code=_decode_code(fields.get("code"), f"{path}.code"),
        severity=as_member(Severity, fields.get("severity"), f"{path}.severity"),
        summary=as_text(fields.get("summary"), f"{path}.summary"),
        detail=as_optional_text(fields.get("detail"), f"{path}.detail") or "",
        source=decode_source(fields.get("source"), f"{path}.source"),
        label=as_optional_text(fields.get("label"), f"{path}.label") or "",
        hint=as_optional_text(fields.get("hint"), f"{path}.hint") or "",
        commands=decode_texts(fields.get("commands"), f"{path}.commands"),
    )


def _decode_code(value: Json, path: str) -> str:
    """Return a code, which is shown as it is; what has not the form of one is refused."""
    code = as_text(value, path)
    if not _CODE.fullmatch(code):
        raise ShapeError(path, f"{code[:80]!a} is no code")
    return code


def decode_texts(value: Json, path: str) -> tuple[str, ...]:
    """Return a list of strings."""
    return tuple(as_text(each, f"{path}[{i}]") for i, each in enumerate(as_list(value, path)))
