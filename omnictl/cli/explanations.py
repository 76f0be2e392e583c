"""All that ``explain`` knows: diagnostics from the modules that make them, guards, exit codes, fields of files."""

import json
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from msgspec import Struct

import omnictl
from omnictl.cli.exit_codes import MEANINGS
from omnictl.config.schema import schema_text
from omnictl.config.wording import TYPE_WORDS
from omnictl.engine.guard import EXPLANATIONS

FIELD_KINDS = {"scenario": "scenario files", "settings": "omnictl.yaml", "message": "message files"}
"""The schemas whose fields people write, with the words for where they write them."""


class Field(Struct, frozen=True):
    """A key of a file: where it stands, what it takes, what it means."""

    path: str
    place: str
    takes: str
    meaning: str


def all_codes() -> dict[str, str]:
    """Return the explanation of each code; guards are among them, since a refused guard is a diagnostic."""
    codes = {guard.value: text for guard, text in EXPLANATIONS.items()}
    for found in codes_by_module().values():
        codes.update(found)
    return codes


def codes_by_module() -> dict[str, dict[str, str]]:
    """Return the codes of each module that has some."""
    tables = {name: getattr(import_module(name), "CODES", None) for name in _module_names()}
    return {name: found for name, found in tables.items() if isinstance(found, dict)}


def all_fields() -> dict[str, Field]:
    """Return the fields of the files by their path, such as ``lifecycle.protected``; list elements have none."""
    return {
        field.path: field
        for kind, place in FIELD_KINDS.items()
        for field in _fields(json.loads(schema_text(kind)), "", place, json.loads(schema_text(kind)))
    }


def all_subjects() -> tuple[str, ...]:
    """Return every word that ``explain`` takes."""
    return (*sorted(all_codes()), *sorted(all_fields()), *(str(code.value) for code in MEANINGS))


def _fields(schema: Mapping[str, Any], path: str, place: str, root: Mapping[str, Any]) -> Iterator[Field]:
    schema = _resolve(schema, root)
    for name, inner in schema.get("properties", {}).items():
        inner_path = f"{path}.{name}" if path else name
        each = _resolve(inner, root)
        yield Field(inner_path, place, _takes(each), each.get("description", ""))
        yield from _fields(each, inner_path, place, root)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _fields(schema[key], path, place, root)


def _resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref", "")
    return root["$defs"][reference.rpartition("/")[2]] if reference else schema


def _takes(schema: Mapping[str, Any]) -> str:
    """Say in words which values a schema takes."""
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(each).strip('"') for each in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_takes(each) for each in schema["anyOf"]))
    kinds = schema.get("type", "object")
    return " or ".join(TYPE_WORDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _module_names() -> Iterator[str]:
    """Every module of ours but the sandbox, which has no diagnostics, and the entry points."""
    for module in pkgutil.walk_packages(omnictl.__path__, "omnictl."):
        if not module.name.startswith(("omnictl.sandbox", "omnictl.__main__")):
            yield module.name
