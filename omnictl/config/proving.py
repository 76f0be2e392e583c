"""The proof of an edit: what all environments declare before and after it differs in what was meant and no more."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from omnictl.config.accepting import Draft, Project
from omnictl.config.scenarios import Validation, validate_all
from omnictl.config.settings import Settings, load_settings
from omnictl.model.address import Address, id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Attributes, Resource

_CONSEQUENCES = ("unused-variable",)
"""Warnings that an edit may bring: a variable that a text took the place of may be used no more."""
_MOST_NAMED = 5
_VARIABLE = (
    "where environments shall differ, write a variable (${var.NAME}) and give each environment its value, then accept "
    "again; or edit by hand"
)
_OWN_VARIABLE = "give the scenario a variable of its own, then accept again; or edit by hand"


def prove(draft: Draft, targets: Mapping[Address, Attributes]) -> tuple[Validation, tuple[Diagnostic, ...]]:
    """Read everything again with the edits in place; return what it says then, and what must not be.

    The ``targets`` of the draft's environment must be as given, everything else, everywhere, as it was.
    """
    project, overlay = draft.project, draft.overlay
    settings, problems = load_settings(project.settings.path, project.settings.root, overlay)
    if any(each.severity is Severity.ERROR for each in problems):
        return project.validation, problems
    if settings.environments.keys() != project.settings.environments.keys():
        return project.validation, (_reaches_further(["the environments"], _VARIABLE),)
    after = validate_all(settings, project.given, project.environ, overlay=overlay)
    new = tuple(find_new(project.validation.diagnostics, after.diagnostics))
    if new:
        return after, new
    short = [id_of(each) for each in targets if not _is_reached(each, project, after, targets)]
    if short:
        return after, (_falls_short(short),)
    elsewhere = [*_compare_settings(project, settings), *_compare_others(project, after)]
    beside = list(_compare(project.environment, project, after, targets))
    hint = _VARIABLE if elsewhere else _OWN_VARIABLE
    return after, (_reaches_further([*beside, *elsewhere], hint),) if elsewhere or beside else ()


def _is_reached(address: Address, project: Project, after: Validation, targets: Mapping[Address, Attributes]) -> bool:
    found = after.configurations[project.environment].resources.get(address)
    return found is not None and found.attributes == targets[address]


def find_consequences(before: Validation, after: Validation) -> tuple[Diagnostic, ...]:
    """Return the warnings that an edit may bring."""
    return tuple(each for each in _find_more(before.diagnostics, after.diagnostics) if each.code in _CONSEQUENCES)


def find_new(before: Iterable[Diagnostic], after: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield what is told after and was not before, and must not be."""
    return (each for each in _find_more(before, after) if each.code not in _CONSEQUENCES)


def _find_more(before: Iterable[Diagnostic], after: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield what is told after and was not before; the lines may have moved."""

    def kind(each: Diagnostic) -> tuple[str, str]:
        return each.code, each.source.path if each.source else ""

    left = Counter(map(kind, before))
    for each in after:
        left[kind(each)] -= 1
        if left[kind(each)] < 0:
            yield each


def _compare_settings(project: Project, settings: Settings) -> Iterator[str]:
    before, name = project.settings, project.environment
    own = replace(before.environments[name], variables=settings.environments[name].variables)
    expected = {**before.environments, name: own}
    if settings != replace(before, environments=expected, places=settings.places):
        yield "the settings beside the variables"


def _compare_others(project: Project, after: Validation) -> Iterator[str]:
    for name in project.validation.configurations:
        if name != project.environment:
            yield from _compare(name, project, after, {})


def _compare(name: str, project: Project, after: Validation, targets: Mapping[Address, Attributes]) -> Iterator[str]:
    """Yield what an environment declares after the edit otherwise than it must; a target is as given."""
    before, now = project.validation.configurations[name].resources, after.configurations[name].resources
    for address in {**before, **now}:
        expected = before.get(address)
        if address in targets and expected is not None:
            expected = replace(expected, attributes=targets[address])
        if now.get(address) != expected:
            yield f"{id_of(address)} in {name} ({_differing(expected, now.get(address))})"
    was, said = project.validation.messages.get(name, {}), after.messages.get(name, {})
    changed = (each for each in {**was, **said} if was.get(each) != said.get(each))
    yield from (f"the message of {id_of(each)} in {name}" for each in changed)


def _differing(expected: Resource | None, found: Resource | None) -> str:
    if expected is None or found is None:
        return "it is declared or not"
    names = [
        *(["name"] if expected.attributes.name != found.attributes.name else []),
        *(["flow"] if expected.attributes.flow != found.attributes.flow else []),
        *(
            each
            for each in ("default", "description", "labels", "lifecycle", "previous_ids", "import_key", "message_file")
            if getattr(expected, each) != getattr(found, each)
        ),
    ]
    return ", ".join(names)


def _falls_short(ids: list[str]) -> Diagnostic:
    return Diagnostic(
        "edit-falls-short",
        Severity.ERROR,
        "The edit would not bring what the account has",
        f"With it, {', '.join(ids)} would still not read as the account's value. Nothing was written.",
        hint="two fields may be one variable; edit the file by hand",
    )


def _reaches_further(effects: list[str], hint: str) -> Diagnostic:
    more = f" and {len(effects) - _MOST_NAMED} more" if len(effects) > _MOST_NAMED else ""
    return Diagnostic(
        "edit-reaches-further",
        Severity.ERROR,
        "The edit would change more than was accepted",
        f"It would change also: {'; '.join(effects[:_MOST_NAMED])}{more}. Nothing was written.",
        hint=hint,
    )


CODES = {
    "edit-falls-short": "After the edit everything was read again, and the scenario did not read as the value that was "
    "accepted, as where two fields are one variable and the account has two values. Nothing was written.",
    "edit-reaches-further": "After the edit everything was read again, and something else would have changed too: the "
    "same scenario in another environment, another scenario that uses the variable, a description. Nothing was "
    "written.",
}
