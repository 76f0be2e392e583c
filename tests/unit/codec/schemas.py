"""Checking documents against our schemas, more strictly than users do: a field that no schema names is a mistake."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from omnictl.config.schema import schema_text


def _close(schema: Any) -> Any:
    """Return the schema with every object closed, but for the branches that only add to one."""
    if isinstance(schema, list):
        return [_close(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: value if name in ("if", "const", "enum") else _close(value) for name, value in schema.items()}
    if "then" in closed:
        closed["then"].pop("unevaluatedProperties", None)
    if "properties" in closed and closed.get("type") == "object":
        closed["unevaluatedProperties"] = False
    return closed


@cache
def _validator(kind: str) -> Draft202012Validator:
    schema = json.loads(schema_text(kind))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(_close(schema))


def schema_of(document: Any) -> str:
    """Return the schema that a document has by its kind."""
    return {"plan": "plan", "apply": "report", "state": "state"}.get(document["kind"], "answer")


def mistakes(document: Any) -> list[str]:
    """Return what a document breaks of the schema of its kind."""
    errors = _validator(schema_of(document)).iter_errors(document)
    return [f"{each.json_path}: {each.message[:300]}" for each in errors]
