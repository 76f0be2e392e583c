"""Variables: ``${var.NAME}`` and nothing else, resolved per environment; ``$${`` is a literal ``${``."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from msgspec import Struct, field

from omnictl.config.documents import LARGEST_BYTES, MOST_MISTAKES, Document, Scalar, mistake, shorten
from omnictl.model.diagnostic import Diagnostic, Severity

_REFERENCE = re.compile(r"\$?\$\{([^}]*)\}?")
_USED = re.compile(r"\$\{var\.([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = re.compile(r"^var\.([A-Za-z_][A-Za-z0-9_]*)$")


class Variables(Struct, frozen=True):
    """The variables of one environment: those with a value, and all that are declared."""

    values: Mapping[str, str | bool]
    declared: frozenset[str]


class Resolution(Struct):
    """What came of resolving a document: its value, and the places that could not be resolved."""

    value: Any
    unresolved: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    spare: int = LARGEST_BYTES

    def add(self, where: str, make: Callable[[], Diagnostic]) -> None:
        """Keep what cannot be resolved, told as far as mistakes of a file are told."""
        self.unresolved.add(where)
        if len(self.diagnostics) <= MOST_MISTAKES:
            self.diagnostics.append(make())


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


def resolve(document: Document, variables: Variables) -> Resolution:
    """Resolve the references of a document; what cannot be resolved is told and stays as it is."""
    resolution = Resolution(None)
    resolution.value = _resolve(document.value, "", document, variables, resolution)
    return resolution


def _resolve(value: Any, where: str, document: Document, variables: Variables, into: Resolution) -> Any:
    if isinstance(value, str):
        return _resolve_text(value, where, document, variables, into) if "${" in value else value
    if isinstance(value, Scalar):
        return value
    if isinstance(value, list):
        return [_resolve(each, f"{where}[{i}]", document, variables, into) for i, each in enumerate(value)]
    return {
        key: _resolve(each, f"{where}.{key}" if where else key, document, variables, into)
        for key, each in value.items()
    }


def _resolve_text(text: str, where: str, document: Document, variables: Variables, into: Resolution) -> str | Scalar:
    """Return a text with its variables resolved; one that is a variable and nothing else may be a flag."""

    def replace(match: re.Match[str]) -> str:
        found = _lookup(match, where, document, variables, into)
        return ("true" if found else "false") if isinstance(found, bool) else found

    whole = _REFERENCE.fullmatch(text)
    if whole is None or text.startswith("$$"):
        return _REFERENCE.sub(replace, text)
    found = replace(whole)
    return Scalar(found) if found in ("true", "false") and where not in into.unresolved else found


def _lookup(match: re.Match[str], where: str, document: Document, variables: Variables, into: Resolution) -> str | bool:
    text = match[0]
    if text.startswith("$${"):
        return text[1:]
    name = _NAME.match(match[1]) if text.endswith("}") else None
    if name is None:
        into.add(where, lambda: _unusable(text, where, document))
        return text
    if name[1] not in variables.values:
        into.add(where, lambda: _unset(name[1], where, document, variables))
        return text
    value = variables.values[name[1]]
    into.spare -= 1 if isinstance(value, bool) else len(value)
    if into.spare < 0:
        into.add(where, lambda: _too_long(where, document))
        return ""
    return value


def _too_long(where: str, document: Document) -> Diagnostic:
    detail = f"With their values put in, the variables of this document make more than {LARGEST_BYTES:,} characters."
    summary = "Variables make the file too large"
    hint = "shorten the values, or name them less often"
    return mistake("too-much-text", summary, detail, document.source(where), hint=hint)


def _unusable(text: str, where: str, document: Document) -> Diagnostic:
    inside = re.match(r"\$\{\s*(?:vars?[.:])?\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}$", text)
    return Diagnostic(
        "bad-reference",
        Severity.ERROR,
        "A reference cannot be read",
        f"{shorten(text)} is not of the form ${{var.NAME}}; there is no other.",
        document.source(where),
        label=f"did you mean ${{var.{inside[1]}}}?" if inside else "",
        hint="a literal ${ is written $${",
    )


def _unset(name: str, where: str, document: Document, variables: Variables) -> Diagnostic:
    if name in variables.declared:
        code, close = "unset-variable", []
        summary, detail = "A variable has no value", f"{name} has no value in this environment and no default."
    else:
        known = sorted(variables.declared)
        code, close = "unknown-variable", get_close_matches(name, known, n=1)
        summary, detail = "A variable is not known", f"{name} is not declared; known: {' '.join(known) or 'none'}"
    return Diagnostic(
        code,
        Severity.ERROR,
        summary,
        detail,
        document.source(where),
        label=f"did you mean {close[0]}?" if close else "",
        hint="give it a value in omnictl.yaml, or with one of",
        commands=(f"--var {name}=VALUE", f"export OMNICTL_VAR_{name.upper()}=VALUE"),
    )


def find_names(text: str) -> frozenset[str]:
    """Return the names of the variables that a text refers to."""
    return frozenset(_USED.findall(text)) if "${" in text else frozenset()


def find_unknown_given(given: Mapping[str, str], known: frozenset[str]) -> list[Diagnostic]:
    """Tell of each variable of the command line that nothing declares and no file uses."""
    return [_unknown_given(name, sorted(known)) for name in given if name not in known]


def _unknown_given(name: str, known: list[str]) -> Diagnostic:
    close = get_close_matches(name, known, n=1)
    return Diagnostic(
        "unknown-variable",
        Severity.ERROR,
        "A variable is not known",
        f"--var {name} sets what nothing declares and no file uses; known: {' '.join(known) or 'none'}",
        hint=f"did you mean {close[0]}?" if close else "",
    )


CODES = {
    "bad-reference": "Only ${var.NAME} is resolved. A literal ${ is written $${.",
    "too-much-text": "A long value of a variable, named many times, makes far more text than any scenario needs.",
    "unset-variable": "A variable is declared and has no value here: neither --var, nor OMNICTL_VAR_NAME, nor the "
    "environment, nor a default.",
    "unknown-variable": "A scenario names a variable that is declared nowhere, or --var sets one that nothing uses.",
}
