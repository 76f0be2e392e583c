"""The JSON Schemas: shipped as they are; a compiled validator says yes, and what it refuses is worded elsewhere."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from omnictl.config.documents import MOST_MISTAKES, Document
from omnictl.config.shapes import Shape, make_shape
from omnictl.model.diagnostic import Diagnostic

_LIMITS = ("maxItems", "maxProperties")
SCHEMA_KINDS = ("scenario", "settings", "message", "state", "plan", "report", "answer")


def schema_text(kind: str) -> str:
    """Return a schema as it is shipped; from the repository where omnictl runs from it."""
    name = f"{kind}.schema.json"
    package = Path(__file__).parents[1]
    for folder in (package / "schema", package.parent / "schema"):
        with suppress(OSError):
            return (folder / name).read_text(encoding="utf-8")
    from importlib.resources import files  # late: slow, and only a package in an archive needs it

    return (files("omnictl") / "schema" / name).read_text(encoding="utf-8")


@cache
def read_schema(kind: str) -> Any:
    """Return a schema as a value."""
    return json.loads(schema_text(kind))


@cache
def shape_of(kind: str) -> Shape:
    """Return which scalars a document of a kind has where."""
    return make_shape(read_schema(kind), read_schema(kind))


@cache
def _compiled(kind: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(read_schema(kind))


def check(kind: str, document: Document, plain: Any) -> list[Diagnostic]:
    """Return what a document breaks of its schema; empty on the good path, which costs next to nothing."""
    if _compiled(kind).is_valid(plain):
        return []
    from omnictl.config.wording import word_error

    found: list[Diagnostic] = []
    for error in _explaining(kind).iter_errors(plain):
        found += islice(word_error(error, document), MOST_MISTAKES + 1)
        if len(found) > MOST_MISTAKES or error.validator in _LIMITS:
            break  # the elements of what is too large are not looked at one by one
    return found


def _explaining(kind: str) -> Any:
    """Return the validator that says why. The dollar of a pattern is the very end, as in the compiled one."""
    from jsonschema import Draft202012Validator, ValidationError, validators

    def match_pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")

    extend: Any = validators.extend
    return extend(Draft202012Validator, {"pattern": match_pattern})(read_schema(kind))
