"""Writing a scenario as YAML: the layout that ``fmt`` leaves as it is, and a name that reads back as it was."""

import re
from collections.abc import Iterator, Mapping

from omnictl.config.documents import LARGEST_BYTES, Document
from omnictl.config.interpretation import interpret, make_resource
from omnictl.config.reading import parse_text
from omnictl.config.settings import Settings
from omnictl.config.shapes import is_bent_flag, may_be_typed
from omnictl.config.variables import Variables
from omnictl.model.adoption import Draft
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.scenario import Attributes, Resource

_NO_VARIABLES = Variables({}, frozenset())
_REFERENCE = re.compile(r"\$\{[^}]*\}?")
_WORDS_OF_YAML = frozenset(("null", "true", "false"))
_PUNCTUATION = frozenset(" -_./()+&!'")
_ESCAPES = {
    "\0": "0",
    "\a": "a",
    "\b": "b",
    "\t": "t",
    "\n": "n",
    "\v": "v",
    "\f": "f",
    "\r": "r",
    "\x1b": "e",
    '"': '"',
    "\\": "\\",
    "\x85": "N",
    "\u2028": "L",
    "\u2029": "P",
}
_UNWRITTEN = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]')


def write_scenario(
    scenario_id: str,
    attributes: Attributes,
    *,
    default: bool = False,
    only_in: str | None = None,
    imports: Mapping[str, str] | str | None = None,
) -> str:
    """Return the file of a scenario. ``imports`` is the key to adopt, for itself or by environment."""
    lines = [f"id: {_scalar(scenario_id)}", f"name: {_scalar(attributes.name)}", "flow:"]
    for step in attributes.flow:
        lines.append(f"  - channel: {_scalar(step.channel)}")
        lines += [f"    from: {_scalar(step.sender)}"] if step.sender else []
    lines += ["default: true"] if default else []
    lines += [f"only_in: [{_scalar(only_in)}]"] if only_in else []
    lines += _write_imports(imports)
    return "\n".join(lines) + "\n"


def _write_imports(imports: Mapping[str, str] | str | None) -> Iterator[str]:
    if isinstance(imports, str):
        yield f"import: {_scalar(imports)}"
    elif imports:
        yield "import:"
        yield from (f"  {environment}: {_scalar(key)}" for environment, key in imports.items())


def _scalar(text: str) -> str:
    """Return a text as YAML: plain where every reader takes it for this text, else in quotes, references escaped."""
    literal = _REFERENCE.sub(lambda found: f"${found[0]}", text)
    return literal if _is_plain(literal) else f'"{_UNWRITTEN.sub(_escape, literal)}"'


def _is_plain(text: str) -> bool:
    return (
        text[:1].isalpha()
        and text == text.strip()
        and "  " not in text
        and all(each <= "\uffff" and (each.isalnum() or each in _PUNCTUATION) for each in text)
        and not may_be_typed(text)
        and not is_bent_flag(text)
        and text.lower() not in _WORDS_OF_YAML
    )


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _ESCAPES:
        return f"\\{_ESCAPES[character]}"
    code = ord(character)
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}"


def read_back(draft: Draft, settings: Settings, environment: str) -> tuple[Resource | None, tuple[Diagnostic, ...]]:
    """Return what a file would declare and what would be wrong with it, before it is written.

    A text that no file holds, or that would read back as another, is wrong too.
    """
    try:
        size = len(draft.text.encode())
    except UnicodeEncodeError:
        return None, (_not_itself("It has half of a character, which no file holds."),)
    if size > LARGEST_BYTES:
        return None, (_not_itself(f"It makes {size:,} bytes, and a file has {LARGEST_BYTES:,} at most."),)
    reading = parse_text(draft.text, draft.shown)
    if reading.diagnostics or not reading.documents:
        return None, tuple(reading.diagnostics)
    document: Document = reading.documents[0]
    said = interpret(document, None, settings, _NO_VARIABLES)
    resource = make_resource(said, environment)
    if has_errors(said.diagnostics) or resource is None:
        return None, said.diagnostics
    if resource.attributes != draft.adoption.remote.attributes:
        return None, (_not_itself("Written as a file it would read back as something else."),)
    return resource, said.diagnostics


def _not_itself(detail: str) -> Diagnostic:
    return Diagnostic("cannot-be-written", Severity.ERROR, "A scenario cannot be held by a file", detail)


CODES = {
    "cannot-be-written": "A scenario of the account has a text that no file holds as it is. Nothing is written for it.",
}
