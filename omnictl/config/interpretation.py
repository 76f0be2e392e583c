"""One document of a scenario file, on its own: variables resolved, every mistake told, and what it declares."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from difflib import get_close_matches
from itertools import islice
from typing import Any

from msgspec import Struct

from omnictl.config.documents import (
    MOST_MISTAKES,
    Document,
    Places,
    has_reference,
    holds_api_key,
    mistake,
    texts_of,
)
from omnictl.config.endings import is_json_name
from omnictl.config.schema import check, shape_of
from omnictl.config.settings import Settings, unknown_environment
from omnictl.config.shapes import to_typed
from omnictl.config.variables import Resolution, Variables, resolve
from omnictl.model.address import RESERVED_ID, make_address
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.scenario import (
    CHANNELS,
    OLD_CHANNELS,
    Attributes,
    IgnoredField,
    Lifecycle,
    Manage,
    OnRemoval,
    Protection,
    Resource,
    Step,
)

_SPELLINGS = {"VK": "VKONTAKTE", "VKONTANTE": "VKONTAKTE", "KAKAO": "KAKAO_ALIM", "MAIL": "EMAIL", "TEXT": "SMS"}
_FIXED = ("id", "only_in", "previous_ids")
_SENDER = re.compile(r"flow\[(\d+)\]\.from", re.ASCII)
_NO_IMPORTS: Mapping[str, str] = {}
_NO_LIFECYCLE = Lifecycle()


class Interpretation(Struct, frozen=True):
    """What one document says in one environment. ``scenario_id`` is None where it has none that can be used."""

    document: Document
    plain: Mapping[str, Any]
    scenario_id: str | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def claims_default(self) -> bool:
        """Whether the document says ``default: true``, whatever else is wrong with it."""
        return self.plain.get("default") is True


def interpret(
    document: Document,
    fallback_id: str | None,
    settings: Settings,
    variables: Variables,
    read_by: Collection[str] | None = None,
) -> Interpretation:
    """Return what a document says. ``fallback_id`` is what the name of its file offers.

    ``read_by`` are the environments that may read the file; None: all of them.
    """
    plain, unresolved, diagnostics = read_by_schema("scenario", document, variables)
    if not isinstance(plain, dict):
        return Interpretation(document, {}, None, tuple(diagnostics))
    given = plain.get("id")
    scenario_id = given if isinstance(given, str) else fallback_id
    diagnostics += islice(_check_meaning(document, plain, scenario_id, settings, unresolved), MOST_MISTAKES + 1)
    diagnostics += _check_bare_import(document, plain, settings, read_by)
    if scenario_id == RESERVED_ID:
        diagnostics.append(_reserved(document))
    diagnostics += islice(find_api_keys(document, "scenario"), MOST_MISTAKES + 1)
    refused = list(islice(_refuse_variables(document), MOST_MISTAKES + 1))
    places = {each.source for each in refused}
    diagnostics = [*refused, *(each for each in diagnostics if not places or each.source not in places)]
    if "id" not in plain:
        diagnostics += _check_fallback(fallback_id, document)
    return Interpretation(document, plain, scenario_id, tuple(diagnostics))


def read_by_schema(
    kind: str, document: Document, variables: Variables
) -> tuple[Any, AbstractSet[str], list[Diagnostic]]:
    """Return the plain value of a document, the places that could not be resolved, and what it breaks of its schema.

    What follows from a variable without a value is not told.
    """
    resolution = resolve(document, variables) if has_reference(document.text) else Resolution(document.value)
    plain = resolution.value
    if document.has_scalars or plain is not document.value:
        plain = to_typed(plain, shape_of(kind), is_json=is_json_name(document.path))
    found = check(kind, document, plain)
    places = {document.source(where) for where in resolution.unresolved}
    told = [each for each in found if each.source not in places]
    return plain, resolution.unresolved, [*resolution.diagnostics, *told]


def _reserved(document: Document) -> Diagnostic:
    return Diagnostic(
        "reserved-id",
        Severity.ERROR,
        "An id is a word of the command line",
        f"--allow GUARD={RESERVED_ID} is for a whole plan, so no scenario can have this id.",
        document.source("id" if "id" in document.value else ""),
        hint="give it another id; one that was applied under this one keeps its key with the line",
        commands=(f"previous_ids: [{RESERVED_ID}]",),
    )


def _refuse_variables(document: Document) -> Iterator[Diagnostic]:
    """Refuse variables in what says which scenario this is, and where: it is the same everywhere."""
    for key in _FIXED if has_reference(document.text) else ():
        value = document.value.get(key)
        for index, each in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(each, str) and "${" in each:
                where = f"{key}[{index}]" if isinstance(value, list) else key
                detail = f"{key} is the same in every environment."
                summary = "A variable cannot stand here"
                yield mistake("no-variable-here", summary, detail, document.source(where), hint="write it out")


def find_api_keys(document: Document, kind: str) -> Iterator[Diagnostic]:
    """Tell of what has the form of an API key; the application code that a PUSH step sends with has it too."""
    kept = ", and be kept in the state" if kind == "scenario" else ""
    for where, text in texts_of(document.value) if holds_api_key(document.text) else ():
        if holds_api_key(text) and not _is_application_code(where, document.value):
            yield Diagnostic(
                "secret-in-file",
                Severity.ERROR,
                f"An API key stands in a {kind}",
                f"Its value is not shown here. It would be sent as a part of the {kind}{kept}. It is in the history of "
                "the repository now, if it was committed.",
                document.source(where),
                hint="revoke it; credentials come from the environment",
            )


def _is_application_code(where: str, value: Any) -> bool:
    step = _SENDER.fullmatch(where)
    channel = value["flow"][int(step[1])].get("channel") if step else None
    return isinstance(channel, str) and channel.strip().upper() == "PUSH"


def _check_fallback(fallback_id: str | None, document: Document) -> Iterator[Diagnostic]:
    if fallback_id is None:
        detail = "Of several documents in a file each needs its own."
    elif not _is_id(fallback_id):
        detail = (
            f"The name of the file, {fallback_id!r}, cannot stand for it: "
            "an id has lower case letters, digits and dashes, at most 63."
        )
    else:
        return
    hint = "write it as the first line: id: my-scenario"
    yield mistake("missing-id", "A document has no id", detail, document.source(""), hint=hint)


def _is_id(text: str) -> bool:
    return (
        0 < len(text) <= 63
        and text.isascii()
        and text.replace("-", "a").isalnum()
        and text == text.lower()
        and text[0] != "-"
    )


def _check_meaning(
    document: Document, plain: Mapping[str, Any], scenario_id: str | None, settings: Settings, unresolved: Iterable[str]
) -> Iterator[Diagnostic]:
    """Tell what no schema can know; each part looks at what has the right type and leaves the rest."""
    flow = plain.get("flow")
    if isinstance(flow, list):
        yield from _check_channels(flow, document, settings, unresolved)
    if "only_in" in plain or "import" in plain:
        yield from _check_environments(document, plain, settings)
    previous = plain.get("previous_ids")
    if isinstance(previous, list) and scenario_id in previous:
        where = f"previous_ids[{previous.index(scenario_id)}]"
        detail = f"{scenario_id} is the id itself."
        yield mistake(
            "previous-id-itself", "A scenario names itself as its previous id", detail, document.source(where)
        )
    lifecycle = plain.get("lifecycle")
    if isinstance(lifecycle, dict) and isinstance(lifecycle.get("ignore_changes"), list):
        yield from _check_ignored(lifecycle["ignore_changes"], flow, document)


def _check_channels(
    flow: list[Any], document: Document, settings: Settings, unresolved: Iterable[str]
) -> Iterator[Diagnostic]:
    for index, step in enumerate(flow):
        channel = step.get("channel") if isinstance(step, dict) else None
        if not isinstance(channel, str) or not channel or channel in CHANNELS:
            continue
        known = (*CHANNELS, *OLD_CHANNELS, *settings.extra_channels)
        where = f"flow[{index}].channel"
        if channel.strip().upper() not in known and where not in unresolved:
            yield _unknown_channel(channel, where, document, known)


def _unknown_channel(channel: str, where: str, document: Document, known: tuple[str, ...]) -> Diagnostic:
    upper = channel.strip().upper()
    close = [_SPELLINGS[upper]] if upper in _SPELLINGS else get_close_matches(upper, known, n=1)
    return Diagnostic(
        "unknown-channel",
        Severity.ERROR,
        "A step names a channel that does not exist",
        f"channels: {' '.join(sorted({*known} - {*OLD_CHANNELS}))}",
        document.source(where),
        label=f"did you mean {close[0]}?" if close else "",
        hint="a channel newer than this omnictl is declared once, in omnictl.yaml",
        commands=(f"extra_channels: [{upper}]",),
    )


def _check_environments(document: Document, plain: Mapping[str, Any], settings: Settings) -> Iterator[Diagnostic]:
    known, only_in, imported = settings.environments, plain.get("only_in"), plain.get("import")
    for index, name in enumerate(only_in if isinstance(only_in, list) else ()):
        if isinstance(name, str) and name not in known:
            yield unknown_environment(name, known, document.source(f"only_in[{index}]"))
    for name in imported if isinstance(imported, dict) else ():
        if name not in known:
            yield unknown_environment(name, known, document.source(f"import.{name}", at_key=True))
    if imported == {}:
        detail = "No environment and no key stand in it, so nothing is adopted."
        hint = "write import: {ENVIRONMENT: KEY}, or remove the line"
        yield mistake("empty-import", "import: names nothing", detail, document.source("import"), hint=hint)


def _check_bare_import(
    document: Document, plain: Mapping[str, Any], settings: Settings, read_by: Collection[str] | None
) -> Iterator[Diagnostic]:
    """A key alone is of the one environment that has the scenario."""
    only_in, imported = plain.get("only_in"), plain.get("import")
    named = only_in if isinstance(only_in, list) else settings.environments
    places = [str(each) for each in named if read_by is None or each in read_by]
    if isinstance(imported, str) and imported and len(places) > 1:
        detail = f"The scenario is in {', '.join(sorted(places))}, and each account has keys of its own."
        hint = f"write import: {{{places[0]}: {imported}}}"
        yield mistake(
            "ambiguous-import",
            "It is not clear which environment a key is of",
            detail,
            document.source("import"),
            hint=hint,
        )


def _check_ignored(ignored: list[Any], flow: Any, document: Document) -> Iterator[Diagnostic]:
    for index, each in enumerate(ignored):
        if not isinstance(each, dict):
            continue
        where = f"lifecycle.ignore_changes[{index}]"
        until = each.get("until")
        if isinstance(until, str) and not _is_day(until):
            source = document.source(f"{where}.until")
            yield mistake("wrong-day", "A day does not exist", f"{until} is in no calendar.", source)
        named = str(each.get("field")).partition("flow[")[2].partition("]")[0]
        if isinstance(flow, list) and named.isdecimal() and int(named.lstrip("0")[:9] or "0") >= len(flow):
            detail = f"The flow has {len(flow)} steps, and they are counted from 0: flow[0].from is the first."
            source = document.source(f"{where}.field")
            yield mistake("no-such-step", "A field of a step is named that does not exist", detail, source)


def _is_day(text: str) -> bool:
    """Tell whether a text is a day; what is not even of the form is told by the schema."""
    if len(text) != 10:
        return True
    try:
        date.fromisoformat(text)
    except ValueError:
        return not text.replace("-", "").isdecimal()
    return True


def make_resource(said: Interpretation, environment: str) -> Resource | None:
    """Return the resource that a document without mistakes declares in an environment; None where it has some."""
    if said.scenario_id is None or has_errors(said.diagnostics):
        return None
    plain = said.plain
    imported = plain.get("import")
    return Resource(
        address=make_address(said.scenario_id),
        attributes=Attributes(plain["name"], tuple(_make_step(each) for each in plain["flow"])),
        default=plain.get("default"),
        description=plain.get("description"),
        labels=plain.get("labels", {}),
        lifecycle=_make_lifecycle(plain["lifecycle"]) if "lifecycle" in plain else _NO_LIFECYCLE,
        previous_ids=tuple(plain.get("previous_ids", ())),
        import_key=imported.get(environment) if isinstance(imported, dict) else imported,
        message_file=plain.get("message_file"),
        sources=Places(said.document),
        in_braces=said.document.in_braces,
        imports=imported if isinstance(imported, dict) else _NO_IMPORTS,
    )


def _make_step(step: Mapping[str, Any]) -> Step:
    return Step(step["channel"].strip().upper(), step.get("from") or None)


def _make_lifecycle(fields: Mapping[str, Any]) -> Lifecycle:
    protected = fields.get("protected", False)
    return Lifecycle(
        Protection.ALL if protected == "all" else Protection.REMOVAL if protected else Protection.NONE,
        Manage(fields.get("manage", "apply")),
        OnRemoval(fields.get("on_removal", "forget")),
        tuple(
            IgnoredField(each["field"], each.get("reason", ""), each.get("until"))
            for each in fields.get("ignore_changes", ())
        ),
    )


CODES = {
    "reserved-id": "all stands for the whole plan in --allow GUARD=all. A scenario of this id could not be told from "
    "it.",
    "empty-import": "import: {} names no key of any environment; it reads as if something were adopted.",
    "unknown-channel": "A step names a channel that the API does not document. A newer one is declared once, as "
    "extra_channels in omnictl.yaml.",
    "missing-id": "A scenario needs an id: in the document, or, where a file has one document, as its name.",
    "previous-id-itself": "previous_ids names the ids that a scenario had before, not the one it has.",
    "no-variable-here": "id, only_in and previous_ids say which scenario this is, and where; they take no variables.",
    "ambiguous-import": "A bare key in import: belongs to one environment. Where the scenario is in several, write "
    "import: {ENVIRONMENT: KEY}.",
    "wrong-day": "A day such as 2026-02-30 is in no calendar.",
    "no-such-step": "ignore_changes names flow[N].from of a step that the flow does not have; steps count from 0.",
}
