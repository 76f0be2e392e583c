"""The JSON Schemas: shipped as they are, checked by a compiled validator; what it refuses is worded here."""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from omnictl.config.yaml import Document
from omnictl.model.diagnostic import Diagnostic, Severity

SCHEMA_KINDS = ("scenario", "settings", "state", "plan", "report", "answer")


def schema_text(kind: str) -> str:
    """Return a schema as it is shipped; from the repository where omnictl runs from it."""
    name = f"{kind}.schema.json"
    shipped = files("omnictl") / "schema" / name
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "schema" / name).read_text(encoding="utf-8")


@cache
def _schema(kind: str) -> Any:
    return json.loads(schema_text(kind))


@cache
def _compiled(kind: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(_schema(kind))


def check(kind: str, document: Document, plain: Any) -> list[Diagnostic]:
    """Return what a document breaks of its schema; empty on the good path, which costs next to nothing."""
    if _compiled(kind).is_valid(plain):
        return []
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(_schema(kind)).iter_errors(plain)
    found = [each for error in errors for each in _word(error, document)]
    return sorted(found, key=lambda each: (each.source.line or 0, each.source.column or 0) if each.source else (0, 0))


def _word(error: Any, document: Document) -> Iterator[Diagnostic]:
    """Turn one error of the validator into ours."""
    where = _path_of(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.schema.get("properties"), Mapping):
        known = error.schema["properties"]
        for key in error.instance:
            if key not in known:
                yield _unknown_key(f"{where}.{key}" if where else key, key, tuple(known), document)
        return
    if error.validator == "required":
        for key in error.schema["required"]:
            if key not in error.instance:
                yield _diagnostic("missing-key", "A key is missing", f"{key} is needed here.", where, document)
        return
    code, summary, detail = _describe(error)
    yield _diagnostic(code, summary, detail, where, document)


def _describe(error: Any) -> tuple[str, str, str]:
    schema, value = error.schema, error.instance
    match error.validator:
        case "type":
            wanted = schema["type"] if isinstance(schema["type"], str) else " or ".join(schema["type"])
            return "wrong-type", "A value has the wrong type", f"{_WANTED.get(wanted, wanted)} is expected here."
        case "minItems":
            return "empty-list", "A list is empty", "It needs at least one element."
        case "minLength":
            return "empty-text", "A text is empty", "It needs at least one character."
        case "pattern":
            return "wrong-form", "A value does not have the right form", f"{value!r} does not fit {schema['pattern']}."
        case "enum":
            listing = ", ".join(json.dumps(each) for each in schema["enum"])
            return "wrong-value", "A value is none of those allowed", f"Allowed are {listing}; it is {value!r}."
        case "const":
            return "wrong-value", "A value is none of those allowed", f"Allowed is {json.dumps(schema['const'])}."
        case _:
            return "wrong-value", "A value is not allowed here", "See the schema: omnictl schema."


_WANTED = {
    "string": "A text",
    "boolean": "true or false",
    "object": "A mapping",
    "array": "A list",
    "integer": "A whole number",
    "number": "A number",
}


def _unknown_key(where: str, key: str, known: tuple[str, ...], document: Document) -> Diagnostic:
    if key == "key":
        return Diagnostic(
            "pasted-key",
            Severity.ERROR,
            "A key of the API does not belong into a scenario file",
            "The state remembers the key of each scenario. A reply of the API was pasted, it seems.",
            document.source(where, at_key=True),
            hint="remove the line; to adopt the scenario that has this key, write import: instead of key:",
        )
    close = get_close_matches(key, known, n=1, cutoff=0.5)
    return Diagnostic(
        "unknown-key",
        Severity.ERROR,
        "A key is not known here",
        f"{key} is not known here; known are {', '.join(known)}.",
        document.source(where, at_key=True),
        label=f"did you mean {close[0]}?" if close else "",
    )


def _diagnostic(code: str, summary: str, detail: str, where: str, document: Document) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, f"{where}: {detail}" if where else detail, document.source(where))


def _path_of(parts: Any) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


CODES = {
    "missing-key": "A key that every document of this kind needs is missing.",
    "wrong-type": "A value is of another type than the schema says, such as a list where a text belongs.",
    "empty-list": "A list that needs at least one element is empty; a scenario needs at least one step.",
    "empty-text": "A text that must not be empty is empty.",
    "wrong-form": "A value does not match the form that the schema asks for; an id is lower case with dashes.",
    "wrong-value": "A value is none of those that the schema allows.",
    "pasted-key": "The body of a reply was pasted with its key. The key belongs to the state; to adopt the scenario, "
    "write import: instead.",
    "unknown-key": "A key is not known at this place; usually a typing error.",
}
