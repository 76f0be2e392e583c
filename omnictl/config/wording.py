"""What a document breaks of its schema, in our words: the place, the reason, the cure, and what was probably meant."""

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from omnictl.config.documents import LONGEST_MASKED, Document, mask, shorten
from omnictl.config.endings import is_json_name
from omnictl.config.shapes import is_bent_flag, is_bent_number
from omnictl.model.diagnostic import Diagnostic, Severity

TYPE_WORDS = {
    "string": "a text",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
}
"""What a type of a schema is called, for people."""
_FORMS = {
    "^[a-z0-9][a-z0-9-]{0,62}$": "lower case letters, digits and dashes, at most 63",
    "^[a-z0-9][a-z0-9_-]{0,62}$": "lower case letters, digits, dashes and underscores, at most 63",
    "^(name|flow|flow\\[[0-9]+\\]\\.from)$": "name, flow or flow[N].from, where N counts from 0",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "a day as YYYY-MM-DD",
    "^[^/]+/.+$": "SERVICE/NAME",
    "^[^=]+$": "a text without =",
    "^[A-Za-z_][A-Za-z0-9_]*$": "letters, digits and underscores, no digit first",
    "^https?://[!-~]+$": "an address that begins with http:// or https://, without spaces",
    "^(https?://|tel:)[!-~]+$": "an address that begins with http://, https:// or tel:, without spaces",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})$": (
        "a time with its offset, such as 2026-12-24T09:00:00+01:00"
    ),
}


def word_error(error: Any, document: Document) -> Iterator[Diagnostic]:
    """Turn one error of the validator (jsonschema's ValidationError) into ours."""
    where, value = path_of(error.absolute_path), error.instance
    if "propertyNames" in error.absolute_schema_path:
        place = f"{where}.{value}" if where else str(value)
        detail = f"{_shown(value)} is not of the form: {_form_of(error.schema['pattern'])}."
        source = document.source(place, at_key=True)
        yield Diagnostic("wrong-form", Severity.ERROR, "A value does not have the right form", detail, source)
        return
    match error.validator:
        case "additionalProperties":
            known = tuple(error.schema.get("properties", {}))
            yield from (_unknown_key(where, key, value, known, document) for key in value if key not in known)
        case "required":
            missing = (key for key in error.schema["required"] if key not in value)
            yield from (_missing_key(key, where, document) for key in missing)
        case "dependentRequired":
            pairs = ((key, each) for key, needed in error.schema["dependentRequired"].items() for each in needed)
            missing_pairs = ((key, each) for key, each in pairs if key in value and each not in value)
            yield from (_missing_beside(each, key, where, document) for key, each in missing_pairs)
        case "anyOf":
            yield from _word_alternatives(error, where, document)
        case _:
            yield _word_value(error, where, document)


def _word_alternatives(error: Any, where: str, document: Document) -> Iterator[Diagnostic]:
    """Word what a value breaks of the alternative that has its type; where none has, name all the types."""
    inside = [each for each in error.context if each.validator != "type" or each.path]
    if inside:
        yield from (found for each in inside for found in word_error(each, document))
    else:
        yield _wrong_type([each.schema for each in error.context], error.instance, where, document)


def _word_value(error: Any, where: str, document: Document) -> Diagnostic:
    schema, value = error.schema, error.instance
    match error.validator:
        case "type":
            return _wrong_type([schema], value, where, document)
        case "minItems":
            return _wrong("empty-list", "A list is empty", "it needs at least one element.", where, document)
        case "maxItems" | "maxProperties":
            detail = f"there are {len(value):,}; {schema[error.validator]:,} are taken at most."
            return _wrong("too-many-elements", "There are too many elements", detail, where, document)
        case "minLength":
            return _wrong("empty-text", "A text is empty", "it needs at least one character.", where, document)
        case "maxLength":
            detail = f"it has {len(value):,} characters; {schema['maxLength']:,} are taken at most."
            return _wrong("text-too-long", "A text is too long", detail, where, document)
        case "minimum" | "maximum":
            return _out_of_range(schema, where, document)
        case "pattern":
            return _wrong_form(value, schema["pattern"], where, document)
        case "enum" | "const":
            return _wrong_value(value, schema.get("enum", [schema.get("const")]), where, document)
        case _:
            detail = f"{error.message}."
            return _wrong("wrong-value", "A value is none of those allowed", detail, where, document)


def _out_of_range(schema: Mapping[str, Any], where: str, document: Document) -> Diagnostic:
    least, most = schema.get("minimum"), schema.get("maximum")
    detail = f"{least:,} to {most:,} is taken." if most is not None else f"it is {least:,} or more."
    return _wrong("wrong-value", "A value is none of those allowed", detail, where, document)


def _wrong_type(schemas: Iterable[Mapping[str, Any]], value: Any, where: str, document: Document) -> Diagnostic:
    types = [each for schema in schemas for each in _types_of(schema) if each != "null"]
    wanted = " or ".join(TYPE_WORDS[each] for each in types)
    if value is None:
        hint = "write a value, or remove the key"
        if "string" in types and not is_json_name(document.path):
            hint = 'write a value; a text that is really "~" or "null" needs quotes'
        return _wrong(
            "empty-value", "A value is empty", f"it has no value; {wanted} is expected.", where, document, hint
        )
    if isinstance(value, str) and _is_bent(value, types):
        return _bent(value, types, where, document)
    hint = ""
    if "string" in types and isinstance(value, bool | int | float):
        hint = f'write "{json.dumps(value)}", in quotes'
    elif "array" in types and not isinstance(value, dict):
        hint = f"write - {value}, or [{value}]"
    found = f", not {_kind_of(value)}"
    return _wrong(
        "wrong-type", "A value has the wrong type", f"{wanted} is expected here{found}.", where, document, hint
    )


def _types_of(schema: Mapping[str, Any]) -> list[str]:
    named = schema["type"]
    return [named] if isinstance(named, str) else list(named)


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "a flag"
    if isinstance(value, str):
        return f"the text {_shown(value)}"
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a number"


def _is_bent(text: str, types: Iterable[str]) -> bool:
    types = set(types)
    if "boolean" in types and is_bent_flag(text):
        return True
    return bool(types & {"integer", "number"}) and is_bent_number(text)


def _bent(text: str, types: Iterable[str], where: str, document: Document) -> Diagnostic:
    what, hint = "a number", "write it in digits alone, such as 1000"
    if "boolean" in types:
        what, hint = "a flag", "write true or false"
    detail = f"{text} is {what} to some YAML readers and a text to others."
    summary = "A value means different things to different readers"
    return _wrong("bent-value", summary, detail, where, document, hint)


def _wrong_form(value: str, pattern: str, where: str, document: Document) -> Diagnostic:
    close = value.strip().lower().replace("_", "-").replace(" ", "-")
    is_id = pattern == "^[a-z0-9][a-z0-9-]{0,62}$"
    label = f"write {close}" if is_id and close != value and close.replace("-", "").isalnum() else ""
    shown = "it" if where.endswith("_env") else _shown(value)  # a credential may stand where its name belongs
    detail = f"{shown} is not of the form: {_form_of(pattern)}."
    return _wrong("wrong-form", "A value does not have the right form", detail, where, document, label=label)


def _form_of(pattern: str) -> str:
    return _FORMS.get(pattern, pattern)


def _wrong_value(value: Any, allowed: Iterable[Any], where: str, document: Document) -> Diagnostic:
    listing = ", ".join(each if isinstance(each, str) else json.dumps(each) for each in allowed)
    if value is None:
        hint = "write a value, or remove the key"
        return _wrong("empty-value", "A value is empty", f"allowed are {listing}.", where, document, hint)
    if isinstance(value, str) and is_bent_flag(value) and any(isinstance(each, bool) for each in allowed):
        return _bent(value, ["boolean"], where, document)
    close = get_close_matches(str(value), [each for each in allowed if isinstance(each, str)], n=1)
    label = f"did you mean {close[0]}?" if close else ""
    detail = f"allowed: {listing}; it is {_shown(value)}."
    return _wrong("wrong-value", "A value is none of those allowed", detail, where, document, label=label)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        value = value[:LONGEST_MASKED]
    return shorten(mask(json.dumps(value, ensure_ascii=False)))


def _unknown_key(
    where: str, key: str, value: Mapping[str, Any], known: tuple[str, ...], document: Document
) -> Diagnostic:
    path = f"{where}.{key}" if where else key
    source = document.source(path, at_key=True)
    if key == "key" and "flow" in known:
        return Diagnostic(
            "pasted-key",
            Severity.ERROR,
            "A key of the API does not belong into a scenario file",
            "The state remembers the key of each scenario. A reply of the API was pasted, it seems.",
            source,
            hint="remove the line; to adopt the scenario that has this key, name it as import",
            commands=(f"import: {value[key]}",) if isinstance(value[key], str) else (),
        )
    if not known:
        detail = f"{key} stands where no keys are taken."
        return Diagnostic("unknown-key", Severity.ERROR, "A key is not known here", detail, source)
    if key in _ELSEWHERE and "vKontakte" in known:
        why, cure = _ELSEWHERE[key]
        summary = "A key of the API's request does not belong into a message file"
        return Diagnostic("misplaced-key", Severity.ERROR, summary, f"{key}: {why}", source, hint=cure)
    close = find_close_key(key, known)
    return Diagnostic(
        "unknown-key",
        Severity.ERROR,
        "A key is not known here",
        f"known: {' '.join(known)}",
        source,
        label=f"did you mean {close}?" if close else "",
    )


def find_close_key(key: str, known: Iterable[str]) -> str | None:
    """Return the known key that was probably meant; case, dashes and underscores do not tell keys apart."""
    plain = {_squeeze(each): each for each in known}
    meant = _squeeze(_SPELLINGS.get(key.lower(), key))
    if meant in plain:
        return plain[meant]
    close = get_close_matches(_squeeze(key), plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def _squeeze(key: str) -> str:
    return key.lower().replace("-", "").replace("_", "")


_ELSEWHERE = {
    "scenarioKey": (
        "the scenario is named on the command line by its id, and the state has its key.",
        "remove the line, and write omnictl send ID",
    ),
    "destinations": ("a message says the same to everybody.", "remove it, and name recipients by --to or --recipients"),
    "bulkId": ("omnictl makes the ids of its own, and remembers them before it sends.", "remove the line"),
}
"""What the body of a request has and a message file has not, with why and what to do."""


_SPELLINGS = {
    "defaultscenario": "default",
    "isdefault": "default",
    "sender": "from",
    "steps": "flow",
    "vars": "variables",
    "onlyin": "only_in",
    "baseurl": "base_url",
    "url": "base_url",
    "tags": "labels",
    "vk": "vKontakte",
    "vkontante": "vKontakte",
    "mail": "email",
    "kakao": "kakaoAlim",
    "body": "text",
}


def _missing_key(key: str, where: str, document: Document) -> Diagnostic:
    place = f"{where}: " if where else ""
    detail = f"{place}{key} is needed here."
    source = document.source(where)
    return Diagnostic("missing-key", Severity.ERROR, "A key is missing", detail, source, hint=_MISSING.get(key, ""))


def _missing_beside(key: str, beside: str, where: str, document: Document) -> Diagnostic:
    place = f"{where}: " if where else ""
    detail = f"{place}{key} is needed beside {beside}."
    source = document.source(f"{where}.{beside}", at_key=True)
    return Diagnostic("missing-key", Severity.ERROR, "A key is missing", detail, source)


_MISSING = {
    "version": "write version: 1 as the first line",
    "flow": "a flow is a list of steps, such as - channel: SMS",
    "name": "the name is what the account shows",
    "channel": "a step names its channel, such as channel: SMS",
}


def _wrong(
    code: str, summary: str, detail: str, where: str, document: Document, hint: str = "", *, label: str = ""
) -> Diagnostic:
    detail = f"{where}: {detail}" if where else detail[:1].upper() + detail[1:]
    return Diagnostic(code, Severity.ERROR, summary, detail, document.source(where), label=label, hint=hint)


def path_of(parts: Iterable[str | int]) -> str:
    """Return a path such as ``flow[0].from`` from its parts."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


CODES = {
    "missing-key": "A key that every document of this kind needs is missing, or one that another key needs beside it.",
    "text-too-long": "A text has more characters than the API takes.",
    "misplaced-key": "scenarioKey, destinations and bulkId are in the body of a request, and not in a message file: "
    "the scenario and the recipients are named on the command line, and omnictl makes the ids.",
    "wrong-type": "A value is of another type than the schema says, such as a list where a text belongs.",
    "empty-value": "A key has no value. YAML reads ~, null and nothing as nothing.",
    "empty-list": "A list that needs at least one element is empty; a scenario needs at least one step.",
    "too-many-elements": "A list or a mapping has far more elements than anybody needs; a flow has 100 steps at most.",
    "empty-text": "A text that must not be empty is empty.",
    "wrong-form": "A value does not match the form that the schema asks for; an id is lower case with dashes.",
    "wrong-value": "A value is none of those that the schema allows.",
    "bent-value": "yes, no, on, off, True and the like are flags to some YAML readers only, and 1_000, 0x1F or 12:30 "
    "are numbers to some. Where a flag or a number is wanted, write true, false or digits.",
    "pasted-key": "The body of a reply was pasted with its key. The key belongs to the state; to adopt the scenario, "
    "write import: instead.",
    "unknown-key": "A key is not known at this place; usually a typing error.",
}
