"""Diagnostics and guards as SARIF 2.1.0, for code scanning."""

import hashlib
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from omnictl.codec.shapes import write_json
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.scenario import Json
from omnictl.render.findings import message_lines
from omnictl.render.style import sanitize

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_NOWHERE = Source("omnictl.yaml", 1)
"""Where a finding without a place is shown: code scanning takes none without one."""


def render_sarif(
    findings: Sequence[Diagnostic], *, version: str, category: str, explanations: Mapping[str, str], exit_code: int
) -> str:
    """Return one run. ``category`` tells runs of several commands and environments apart."""
    codes = sorted({each.code for each in findings})
    driver: dict[str, Json] = {
        "name": "omnictl",
        "semanticVersion": version,
        "rules": [_rule(code, findings, explanations) for code in codes],
    }
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"omnictl/{category}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": exit_code in (0, 2), "exitCode": exit_code}],
        "results": [_result(each, codes.index(each.code)) for each in findings],
    }
    document: dict[str, Json] = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return write_json(document) + "\n"


def _rule(code: str, findings: Sequence[Diagnostic], explanations: Mapping[str, str]) -> Json:
    summary = next(each.summary for each in findings if each.code == code)
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in code.split("-")),
        "shortDescription": {"text": sanitize(summary)},
        "fullDescription": {"text": explanations.get(code, summary)},
        "help": {"text": f"{explanations.get(code, summary)}\n\nMore: omnictl explain {code}"},
    }


def _result(each: Diagnostic, rule_index: int) -> Json:
    return {
        "ruleId": each.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[each.severity],
        "message": {"text": "\n".join((f"{sanitize(each.summary)}.", *message_lines(each)))},
        "locations": [{"physicalLocation": _location(each.source or _NOWHERE)}],
        "partialFingerprints": {"omnictl/v1": _fingerprint(each)},
    }


def _location(source: Source) -> Json:
    region: dict[str, Json] = {"startLine": source.line or 1}
    if source.column is not None:
        region["startColumn"] = source.column
    if source.end_column is not None and source.end_column > (source.column or 0):
        region["endColumn"] = source.end_column
    uri = quote(source.path.replace("\\", "/").encode("utf-8", "surrogatepass"), safe="/:")
    return {"artifactLocation": {"uri": uri}, "region": region}


def _fingerprint(each: Diagnostic) -> str:
    """The same finding keeps its fingerprint when lines above it come or go."""
    place = each.source.path if each.source else ""
    text = f"{each.code}\0{place}\0{each.detail}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
