"""Variables: ``${var.NAME}`` and nothing else, resolved per environment; ``$${`` is a literal ``${``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from omnictl.config.yaml import Document, Scalar
from omnictl.model.diagnostic import Diagnostic, Severity

_REFERENCE = re.compile(r"\$?\$\{([^}]*)\}?")
_NAME = re.compile(r"^var\.([A-Za-z_][A-Za-z0-9_]*)$")


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of one environment: those with a value, and all that are declared."""

    values: Mapping[str, str | bool]
    declared: frozenset[str]


def collect(
    declared: Mapping[str, Any],
    environment: Mapping[str, str | bool],
    command_line: Mapping[str, str],
    environ: Mapping[str, str],
) -> Variables:
    """Return the values: --var, OMNICTL_VAR_NAME, the environment, the default, in this order."""
    values: dict[str, str | bool] = {}
    for name, given in declared.items():
        default = given.get("default") if isinstance(given, Mapping) else given
        if default is not None:
            values[name] = default
    values.update(environment)
    for name in {*declared, *environment}:
        text = environ.get(f"OMNICTL_VAR_{name.upper()}")
        if text is not None:
            values[name] = text
    values.update(command_line)
    return Variables(values, frozenset((*declared, *environment, *command_line)))


def resolve(document: Document, variables: Variables, diagnostics: list[Diagnostic]) -> Any:
    """Return the value of a document with its references resolved; what cannot be is told and stays as it is."""
    return _resolve(document.value, "", document, variables, diagnostics)


def _resolve(value: Any, where: str, document: Document, variables: Variables, diagnostics: list[Diagnostic]) -> Any:
    if isinstance(value, list):
        return [_resolve(each, f"{where}[{i}]", document, variables, diagnostics) for i, each in enumerate(value)]
    if isinstance(value, dict):
        return {
            key: _resolve(each, f"{where}.{key}" if where else key, document, variables, diagnostics)
            for key, each in value.items()
        }
    if "${" not in value.text:
        return value
    whole = _NAME.match(value.text[2:-1]) if value.text.startswith("${") and value.text.endswith("}") else None
    if whole is not None and whole[1] in variables.values:
        found = variables.values[whole[1]]
        return Scalar(str(found).lower() if isinstance(found, bool) else found, is_plain=True)
    text = _REFERENCE.sub(lambda match: _replace(match, where, document, variables, diagnostics), value.text)
    return Scalar(text, is_plain=False)


def _replace(
    match: re.Match[str], where: str, document: Document, variables: Variables, diagnostics: list[Diagnostic]
) -> str:
    text = match[0]
    if text.startswith("$${"):
        return text[1:]
    name = _NAME.match(match[1]) if text.endswith("}") else None
    if name is None:
        diagnostics.append(_unusable(text, where, document))
        return text
    if name[1] in variables.values:
        found = variables.values[name[1]]
        return str(found).lower() if isinstance(found, bool) else found
    diagnostics.append(_unset(name[1], where, document, variables))
    return text


def _unusable(text: str, where: str, document: Document) -> Diagnostic:
    return Diagnostic(
        "bad-reference",
        Severity.ERROR,
        "A reference cannot be read",
        f"{text} is not of the form ${{var.NAME}}; there is no other.",
        document.source(where),
        hint="a literal ${ is written $${",
    )


def _unset(name: str, where: str, document: Document, variables: Variables) -> Diagnostic:
    known = sorted(variables.declared)
    close = get_close_matches(name, known, n=1)
    if name in variables.declared:
        summary, detail = "A variable has no value", f"{name} has no value in this environment and no default."
    else:
        summary, detail = "A variable is not known", f"{name} is not declared; known are {', '.join(known) or 'none'}."
    return Diagnostic(
        "unset-variable" if name in variables.declared else "unknown-variable",
        Severity.ERROR,
        summary,
        detail,
        document.source(where),
        label=f"did you mean {close[0]}?" if close and close[0] != name else "",
        commands=(f"--var {name}=VALUE", f"export OMNICTL_VAR_{name.upper()}=VALUE"),
    )


CODES = {
    "bad-reference": "Only ${var.NAME} is resolved. A literal ${ is written $${.",
    "unset-variable": "A variable is declared and has no value here: neither --var, nor OMNICTL_VAR_NAME, nor the "
    "environment, nor a default.",
    "unknown-variable": "A scenario names a variable that is declared nowhere.",
}
