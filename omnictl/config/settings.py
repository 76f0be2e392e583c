"""omnictl.yaml: where the scenarios are, and the environments they go to. Names of credentials, never values."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from omnictl import __version__
from omnictl.config.documents import Document, Places, in_order, limit_mistakes, looks_like_credential, texts_of
from omnictl.config.reading import ON_DISK, Overlay
from omnictl.config.schema import check, shape_of
from omnictl.config.shapes import to_typed
from omnictl.model.diagnostic import Diagnostic, Severity, Source

FILE_NAME = "omnictl.yaml"
USUAL_WORKERS = 10
_VERSION = re.compile(r"^(>=|==|<|<=|>)?\s*([0-9]{1,9}(?:\.[0-9]{1,9})*)$")


class CredentialSource(Struct, frozen=True):
    """Where the credentials of an environment are found; names, never values."""

    api_key_env: str = "INFOBIP_API_KEY"
    username_env: str = "INFOBIP_USERNAME"
    password_env: str = "INFOBIP_PASSWORD"  # noqa: S105 - the name of a variable
    token_env: str = "INFOBIP_TOKEN"  # noqa: S105 - the name of a variable
    command: tuple[str, ...] = ()
    keyring: str | None = None


class BudgetSettings(Struct, frozen=True):
    """How many requests of a kind the API takes in so many seconds."""

    limit: int
    window_seconds: float


class Environment(Struct, frozen=True):
    """One environment. ``state`` is relative to the settings; ``settle_seconds`` None means by the host."""

    name: str
    base_url: str | None = None
    account: str | None = None
    credentials: CredentialSource = field(default_factory=CredentialSource)
    state: str | None = None
    state_in_git: bool = False
    variables: Mapping[str, str | bool] = field(default_factory=dict)
    scenario_paths: tuple[str, ...] = ()
    budgets: Mapping[str, BudgetSettings] = field(default_factory=dict)
    production: bool = False
    sandbox: bool = False
    settle_seconds: float | None = None
    workers: int = USUAL_WORKERS
    ca_file: str | None = None
    owns_reports: bool = False


class GuardSettings(Struct, frozen=True):
    """When ``mass-change`` fires."""

    mass_change_share: float = 0.3
    mass_change_count: int = 10


class RemovalSettings(Struct, frozen=True):
    """How a scenario is retired: the marker before its name, and how long a name may get by it."""

    retire_marker: str = "[retired] "
    longest_name: int = 255


class Settings(Struct, frozen=True):
    """The settings of a project; ``path`` is None where there is no file. Paths are relative to ``root``.

    ``places`` maps a path of the file, such as ``environments.test``, to its place.
    """

    root: Path
    path: Path | None = None
    scenario_paths: tuple[str, ...] = ("scenarios",)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    default_environment: str | None = None
    extra_channels: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    lint: Mapping[str, str] = field(default_factory=dict)
    guards: GuardSettings = field(default_factory=GuardSettings)
    removal: RemovalSettings = field(default_factory=RemovalSettings)
    places: Mapping[str, Source] = field(default_factory=dict)


def find_settings(start: Path) -> Path | None:
    """Return the nearest omnictl.yaml, here or in a parent folder; whatever stands there is not passed over."""
    candidates = (each / FILE_NAME for each in (start, *start.parents))
    return next((each for each in candidates if os.path.lexists(each)), None)


def load_settings(
    path: Path | None, start: Path, overlay: Overlay = ON_DISK
) -> tuple[Settings, tuple[Diagnostic, ...]]:
    """Return the settings and what is wrong with them; without a file there is one environment, ``default``."""
    if path is None:
        only = Environment("default")
        return Settings(start, environments={only.name: only}, default_environment=only.name), ()
    root = path.parent
    reading = overlay.read(path, path.name)
    diagnostics = limit_mistakes(reading.diagnostics, path.name)
    if not reading.documents or diagnostics:
        return Settings(root, path), tuple(diagnostics or [_empty(path)])
    document = reading.documents[0]
    diagnostics += _one_document(reading.documents)
    plain = to_typed(document.value, shape_of("settings"))
    diagnostics += check("settings", document, plain)
    diagnostics += _find_secrets(document)
    if diagnostics:
        return Settings(root, path), in_order(limit_mistakes(diagnostics, path.name))
    settings = _read(root, path, plain, Places(document))
    return settings, tuple(limit_mistakes(_cross_check(settings, document, plain), path.name))


def _one_document(documents: Sequence[Document]) -> list[Diagnostic]:
    if len(documents) == 1:
        return []
    detail = "The settings are one document; remove the line ---."
    return [_wrong("several-documents", "The file has several documents", detail, "", documents[1])]


def _read(root: Path, path: Path, plain: Mapping[str, Any], places: Mapping[str, Source]) -> Settings:
    environments = {
        name: _read_environment(name, fields or {}) for name, fields in plain.get("environments", {}).items()
    } or {"default": Environment("default")}
    guards = plain.get("guards") or {}
    return Settings(
        root=root,
        path=path,
        scenario_paths=tuple(plain.get("scenarios", ("scenarios",))),
        environments=environments,
        default_environment=plain.get("default_environment")
        or (
            next(iter(environments))
            if len(environments) == 1 and not next(iter(environments.values())).production
            else None
        ),
        extra_channels=tuple(each.upper() for each in plain.get("extra_channels", ())),
        variables=plain.get("variables", {}),
        lint=plain.get("lint", {}),
        guards=GuardSettings(guards.get("mass_change_share", 0.3), guards.get("mass_change_count", 10)),
        removal=RemovalSettings(**(plain.get("removal") or {})),
        places=places,
    )


def _read_environment(name: str, fields: Mapping[str, Any]) -> Environment:
    usual = CredentialSource()
    named = fields.get("credentials", {})
    return Environment(
        name=name,
        base_url=fields.get("base_url"),
        account=fields.get("account"),
        credentials=CredentialSource(
            named.get("api_key_env", usual.api_key_env),
            named.get("username_env", usual.username_env),
            named.get("password_env", usual.password_env),
            named.get("token_env", usual.token_env),
            tuple(named.get("command", ())),
            named.get("keyring"),
        ),
        state=fields.get("state"),
        state_in_git=fields.get("state_in_git", False),
        variables=fields.get("variables", {}),
        scenario_paths=tuple(fields.get("scenarios", ())),
        budgets={
            operation: BudgetSettings(budget["limit"], float(budget["window_seconds"]))
            for operation, budget in fields.get("budgets", {}).items()
        },
        production=fields.get("production", False),
        sandbox=fields.get("sandbox", False),
        settle_seconds=fields.get("settle_seconds"),
        workers=fields.get("workers", USUAL_WORKERS),
        ca_file=fields.get("ca_file"),
        owns_reports=fields.get("reports", {}).get("owner") == "omnictl",
    )


def _cross_check(settings: Settings, document: Document, plain: Mapping[str, Any]) -> Iterator[Diagnostic]:
    chosen = plain.get("default_environment")
    if chosen is not None and chosen not in settings.environments:
        yield unknown_environment(chosen, settings.environments, document.source("default_environment"))
    elif chosen is not None and settings.environments[chosen].production:
        detail = f"{chosen} is marked production: true, so it must be named each time."
        summary = "The default environment must not be production"
        yield _wrong("production-default", summary, detail, "default_environment", document)
    for name, environment in settings.environments.items():
        for key, path in (("state", environment.state), ("ca_file", environment.ca_file)):
            if path is not None and "\0" in path:
                where = f"environments.{name}.{key}"
                yield _wrong("wrong-form", "A path cannot be used", "No path has a NUL character.", where, document)
    requires = plain.get("requires")
    if requires is not None and not satisfies(requires, __version__):
        detail = f"The project requires {requires}; this is {__version__}."
        if not _is_requirement(requires):
            detail = "It cannot be read; write it as >=1.2, or >=1.2, <2."
        yield _wrong("wrong-version", "This omnictl is not one that the project wants", detail, "requires", document)


def unknown_environment(name: str, known: Iterable[str], source: Source) -> Diagnostic:
    """Return the diagnostic of an environment that omnictl.yaml does not have."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return Diagnostic(
        "unknown-environment",
        Severity.ERROR,
        "There is no such environment",
        f"{name} is not in omnictl.yaml; it has {', '.join(names)}.",
        source,
        label=f"did you mean {close[0]}?" if close else "",
    )


def _find_secrets(document: Document) -> Iterator[Diagnostic]:
    for where, text in texts_of(document.value):
        is_variable = ".variables." in f".{where}"
        if looks_like_credential(text, or_api_key=not is_variable):
            yield Diagnostic(
                "secret-in-file",
                Severity.ERROR,
                "A credential stands in the settings",
                "Its value is not shown here. It is in the history of the repository now, if it was committed.",
                document.source(where),
                hint="revoke it, and name the environment variable that holds the new one (credentials.api_key_env)",
            )


def satisfies(requirement: str, version: str) -> bool:
    """Tell whether a version fits a requirement such as ``>=1.2`` or ``>=1.2, <2``; what cannot be read does not."""
    return all(_satisfies_one(each.strip(), version) for each in requirement.split(","))


def _is_requirement(requirement: str) -> bool:
    return all(_VERSION.match(each.strip()) for each in requirement.split(","))


def _satisfies_one(requirement: str, version: str) -> bool:
    match = _VERSION.match(requirement)
    if match is None:
        return False
    wanted, have = (tuple(int(part) for part in text.split(".")[:3]) for text in (match[2], version))
    wanted, have = (each + (0,) * (3 - len(each)) for each in (wanted, have))
    match match[1]:
        case ">=":
            return have >= wanted
        case "<=":
            return have <= wanted
        case ">":
            return have > wanted
        case "<":
            return have < wanted
        case _:
            return have == wanted


def _empty(path: Path) -> Diagnostic:
    return Diagnostic(
        "empty-file",
        Severity.ERROR,
        "The file is empty",
        f"{path.name} has no settings.",
        Source(path.name),
        hint="write version: 1",
    )


def _wrong(code: str, summary: str, detail: str, where: str, document: Document) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, detail, document.source(where))


CODES = {
    "production-default": "An environment marked production must be named on the command line each time.",
    "wrong-version": "requires: names the versions of omnictl that may work on this project.",
    "several-documents": "omnictl.yaml and each message file is one document; --- starts another.",
    "secret-in-file": "omnictl.yaml holds what looks like a credential, or a scenario or a message what looks like an "
    "API key. The settings hold names of variables only, and credentials come from the environment.",
}
