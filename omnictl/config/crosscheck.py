"""What only several documents together can get wrong: ids, defaults, imports, twins, accounts, variables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from omnictl.config.accounts import is_same_account
from omnictl.config.interpretation import Interpretation
from omnictl.config.settings import Settings
from omnictl.model.diagnostic import Diagnostic, Severity, Source

_LONGEST_ID = 63


def check_together(said: Sequence[Interpretation], environment: str) -> Iterator[Diagnostic]:
    """Tell what the documents of one environment get wrong together; those with mistakes of their own included."""
    yield from _find_duplicate_ids(said)
    yield from _find_second_defaults(said)
    yield from _find_shared_imports(said, environment)
    yield from _find_declared_previous_ids(said)
    yield from _find_twins(said)


def _find_duplicate_ids(said: Iterable[Interpretation]) -> Iterator[Diagnostic]:
    first: dict[str, Interpretation] = {}
    for each in said:
        if each.scenario_id is None:
            continue
        other = first.setdefault(each.scenario_id.lower(), each)
        if other is not each:
            detail = f"{each.scenario_id} stands here and in {_place(other, 'id')}."
            hint = "ids are unique, without regard to case; rename one of them"
            yield _error("duplicate-id", "Two scenarios have the same id", detail, each, "id", hint)


def _find_second_defaults(said: Iterable[Interpretation]) -> Iterator[Diagnostic]:
    declared = [each for each in said if each.claims_default]
    for each in declared[1:]:
        detail = (
            f"{_name(each)} says default: true, and so does {_name(declared[0])} "
            f"({_place(declared[0], 'default')}); an account has one default."
        )
        hint = "keep it on one of them, or tell environments apart with only_in or a variable"
        summary = "Two scenarios are declared as the account default"
        yield _error("two-defaults", summary, detail, each, "default", hint)


def _find_shared_imports(said: Iterable[Interpretation], environment: str) -> Iterator[Diagnostic]:
    first: dict[str, Interpretation] = {}
    for each, key, where in _imports(said, environment):
        other = first.setdefault(key, each)
        if other is not each:
            detail = f"{_name(each)} and {_name(other)} ({_place(other, where)}) both adopt {key}."
            yield _error("import-twice", "Two scenarios adopt the same key", detail, each, where)


def _imports(said: Iterable[Interpretation], environment: str) -> Iterator[tuple[Interpretation, str, str]]:
    """Yield the documents that adopt a key in an environment, with the key and where it stands."""
    for each in said:
        named = each.plain.get("import")
        where = f"import.{environment}" if isinstance(named, dict) else "import"
        key = named.get(environment) if isinstance(named, dict) else named
        if isinstance(key, str):
            yield each, key, where


def check_imports_beside(
    said: Mapping[str, Sequence[Interpretation]], settings: Settings, environ: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Tell of environments that share an account and both adopt one of its scenarios; a plan tells it by itself."""
    first: dict[str, list[tuple[str, Interpretation, str]]] = {}
    for name, documents in said.items():
        for each, key, where in _imports(documents, name):
            earlier = first.setdefault(key, [])
            environments = settings.environments
            known = (one for one in earlier if is_same_account(environments[one[0]], environments[name], environ))
            other_name, other, there = next(known, (name, each, where))
            earlier.append((name, each, where))
            if other_name == name:
                continue
            detail = (
                f"{_name(each)} adopts {key} in {name}, and {_name(other)} ({_place(other, there)}) in {other_name}; "
                f"both environments are the account {environments[name].account}, and a key belongs to one environment."
            )
            hint = "keep the line for one of them; tell them apart with only_in"
            yield _error(
                "import-twice", "Two environments of one account adopt the same key", detail, each, where, hint
            )


def _find_declared_previous_ids(said: Sequence[Interpretation]) -> Iterator[Diagnostic]:
    named = [(each, i, old) for each in said for i, old in enumerate(_previous_ids(each)) if isinstance(old, str)]
    if not named:
        return
    declared = {each.scenario_id: each for each in said if each.scenario_id is not None}
    claimed: dict[str, Interpretation] = {}
    for each, index, old in named:
        where = f"previous_ids[{index}]"
        other = claimed.setdefault(old, each)
        if old in declared and declared[old] is not each:
            detail = f"{_name(each)} names {old}, but that is declared itself ({_place(declared[old], 'id')})."
            yield _still_declared(detail, each, where, _swap(each, declared[old]))
        elif other is not each:
            detail = f"{_name(each)} and {_name(other)} ({_place(other, 'previous_ids')}) both say they were {old}."
            yield _error("previous-id-claimed-twice", "Two scenarios claim the same previous id", detail, each, where)


def _still_declared(detail: str, said: Interpretation, where: str, swap: tuple[str, ...]) -> Diagnostic:
    hint = "take it out of previous_ids, or remove the other scenario"
    told = _error("previous-id-declared", "A previous id is still declared", detail, said, where, hint)
    if not swap:
        return told
    hint = "two ids that change places are moved in the state, by way of a third; take the lines out first"
    return replace(told, hint=hint, commands=swap)


def _swap(one: Interpretation, other: Interpretation) -> tuple[str, ...]:
    """Return the commands that let two ids change places, where each names the other; () where they do not."""
    if one.scenario_id is None or other.scenario_id is None or one.scenario_id not in _previous_ids(other):
        return ()
    old, new = sorted((one.scenario_id, other.scenario_id))
    aside = f"{old[: _LONGEST_ID - len('-aside')]}-aside"
    return tuple(f"omnictl state mv {a} {b}" for a, b in ((old, aside), (new, old), (aside, new)))


def _previous_ids(said: Interpretation) -> list[Any]:
    found = said.plain.get("previous_ids")
    return found if isinstance(found, list) else []


def _find_twins(said: Iterable[Interpretation]) -> Iterator[Diagnostic]:
    first: dict[Any, Interpretation] = {}
    for each in said:
        looks = _looks_of(each.plain)
        other = each if looks is None else first.setdefault(looks, each)
        if other is not each and _name(other).lower() != _name(each).lower():
            detail = (
                f"{_name(each)} and {_name(other)} ({_place(other, '')}) are told apart by their keys alone, also by "
                "the people who see them in the account."
            )
            source = each.document.source("name")
            summary = "Two scenarios have the same name and the same flow"
            yield Diagnostic("equal-scenarios", Severity.WARNING, summary, detail, source, hint="give one another name")


def _looks_of(plain: Mapping[str, Any]) -> Any:
    try:
        flow = tuple((each["channel"].strip().upper(), each.get("from") or None) for each in plain["flow"])
        return (plain["name"], flow) if isinstance(plain["name"], str) and hash(flow) else None
    except (AttributeError, KeyError, TypeError):
        return None  # the document has a mistake, which is told


def check_accounts(
    said: Mapping[str, Sequence[Interpretation]], settings: Settings, environ: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Tell of environments that share an account and both declare its default."""
    claims = {name: next((each for each in documents if each.claims_default), None) for name, documents in said.items()}
    claiming = [(settings.environments[name], document) for name, document in claims.items() if document is not None]
    for i, (environment, document) in enumerate(claiming):
        earlier = (each for each in claiming[:i] if is_same_account(each[0], environment, environ))
        first_environment, first = next(earlier, (None, None))
        if first_environment is None or first is None:
            continue
        detail = (
            f"{_name(document)} is the default in {environment.name}, and {_name(first)} ({_place(first, 'default')}) "
            f"in {first_environment.name}; both environments are the account {environment.account}, which has one "
            "default."
        )
        hint = "declare it in one of the environments, with only_in or a variable"
        summary = "Two environments of one account both declare its default"
        yield _error("shared-default", summary, detail, document, "default", hint)


def find_unused_variables(settings: Settings, used: frozenset[str]) -> Iterator[Diagnostic]:
    """Tell of variables of the settings that no scenario uses; often a name that is spelled in two ways."""
    named = [(name, f"variables.{name}") for name in settings.variables]
    for environment in settings.environments.values():
        prefix = f"environments.{environment.name}.variables"
        named += [(name, f"{prefix}.{name}") for name in environment.variables if name not in settings.variables]
    for name, where in named:
        if name not in used:
            yield Diagnostic(
                "unused-variable",
                Severity.WARNING,
                "A variable is used by no scenario",
                f"{name} is set here; the scenarios use: {' '.join(sorted(used)) or 'none'}",
                settings.places.get(where),
                hint="remove it, or correct its name",
            )


def _name(said: Interpretation) -> str:
    return said.scenario_id or "a scenario without an id"


def _place(said: Interpretation, where: str) -> str:
    source: Source = said.document.source(where)
    return f"{source.path}:{source.line}"


def _error(code: str, summary: str, detail: str, said: Interpretation, where: str, hint: str = "") -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, detail, said.document.source(where), hint=hint)


CODES = {
    "duplicate-id": "Two documents have the same id, in whatever case. The id is the identity of a scenario.",
    "two-defaults": "An account has one default scenario, and two files of the environment claim it.",
    "import-twice": "A key belongs to one scenario of one environment; two files, or two environments of one account, "
    "adopt the same one.",
    "equal-scenarios": "Two files declare scenarios with the same name and flow. Allowed, and hard to tell apart.",
    "shared-default": "Two environments name the same account, and each declares a default. An account has one.",
    "unused-variable": "omnictl.yaml sets a variable that no scenario uses.",
}
