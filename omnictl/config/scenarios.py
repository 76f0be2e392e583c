"""Scenario files to resources: every file of an environment, all mistakes of all files in one run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from omnictl.config.schema import check
from omnictl.config.settings import Environment, Settings
from omnictl.config.variables import Variables, collect, resolve
from omnictl.config.yaml import Document, looks_bent, read_file, to_plain
from omnictl.model.address import Address, id_of, make_address
from omnictl.model.diagnostic import Diagnostic, Severity, Source, has_errors
from omnictl.model.scenario import (
    CHANNELS,
    OLD_CHANNELS,
    Attributes,
    Configuration,
    IgnoredField,
    Lifecycle,
    Manage,
    OnRemoval,
    Protection,
    Resource,
    Step,
)

ENDINGS = (".yaml", ".yml", ".json")
_OTHER_KINDS = (".message.yaml", ".omnitest.yaml")
_SPELLINGS = {"VK": "VKONTAKTE", "VKONTANTE": "VKONTAKTE", "KAKAO": "KAKAO_ALIM"}


@dataclass(frozen=True, slots=True)
class LoadedConfiguration:
    """What the files of one environment declare, and what is wrong with them."""

    configuration: Configuration
    diagnostics: tuple[Diagnostic, ...]
    files: int


@dataclass(slots=True)
class _Loading:
    """What is gathered while files are read."""

    settings: Settings
    environment: Environment
    variables: Variables
    resources: dict[Address, Resource] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def load_configuration(
    settings: Settings, environment_name: str, variables: Mapping[str, str], environ: Mapping[str, str]
) -> LoadedConfiguration:
    """Read every scenario file of an environment. Never raises for what stands in the files."""
    environment = settings.environments[environment_name]
    given = collect(settings.variables, environment.variables, variables, environ)
    loading = _Loading(settings, environment, given)
    paths = list(_find_files(settings, environment, loading.diagnostics))
    for path in paths:
        _load_file(path, loading)
    _check_defaults(loading)
    resources = dict(sorted(loading.resources.items()))
    return LoadedConfiguration(Configuration(resources), _in_order(loading.diagnostics), len(paths))


def validate_all(settings: Settings, variables: Mapping[str, str], environ: Mapping[str, str]) -> LoadedConfiguration:
    """Read the files for every environment; a mistake that all of them share is told once."""
    diagnostics: dict[Diagnostic, None] = {}
    resources: dict[Address, Resource] = {}
    files = 0
    for name in settings.environments:
        loaded = load_configuration(settings, name, variables, environ)
        diagnostics.update(dict.fromkeys(loaded.diagnostics))
        resources.update(loaded.configuration.resources)
        files = max(files, loaded.files)
    return LoadedConfiguration(Configuration(resources), tuple(diagnostics), files)


def find_scenario_files(settings: Settings) -> tuple[Path, ...]:
    """Return the scenario files of all environments, each once."""
    found: dict[Path, None] = {}
    for environment in settings.environments.values():
        found.update(dict.fromkeys(_find_files(settings, environment, [])))
    return tuple(found)


def _find_files(settings: Settings, environment: Environment, diagnostics: list[Diagnostic]) -> Iterator[Path]:
    seen: set[Path] = set()
    for each in environment.scenario_paths or settings.scenario_paths:
        start = settings.root / each
        if not start.exists():
            diagnostics.append(_missing_path(each))
            continue
        for path in [start] if not start.is_dir() else sorted(start.rglob("*")):
            if path in seen or (path != start and not _is_scenario_file(path, start)):
                continue
            seen.add(path)
            if not path.resolve().is_relative_to(settings.root.resolve()):
                diagnostics.append(_outside(_shown(path, settings.root)))
                continue
            yield path


def _is_scenario_file(path: Path, start: Path) -> bool:
    parts = path.relative_to(start).parts
    if any(part.startswith((".", "_")) for part in parts):
        return False
    return (
        path.name.endswith(ENDINGS)
        and not path.name.endswith(_OTHER_KINDS)
        and (not path.is_dir() or path.name.endswith(ENDINGS))
    )


def _load_file(path: Path, loading: _Loading) -> None:
    shown = _shown(path, loading.settings.root)
    reading = read_file(path, shown)
    loading.diagnostics.extend(reading.diagnostics)
    if has_errors(reading.diagnostics):
        return
    if not reading.documents:
        loading.diagnostics.append(
            Diagnostic("empty-file", Severity.ERROR, "The file is empty", "It declares no scenario.", Source(shown))
        )
    alone = len(reading.documents) == 1
    for document in reading.documents:
        _load_document(document, path.name.split(".")[0] if alone else None, loading)


def _load_document(document: Document, stem: str | None, loading: _Loading) -> None:
    before = len(loading.diagnostics)
    plain = to_plain(resolve(document, loading.variables, loading.diagnostics))
    if isinstance(plain, dict):
        plain = _as_texts(plain, document, loading.diagnostics)
    if len(loading.diagnostics) == before:
        loading.diagnostics.extend(check("scenario", document, plain))
    if has_errors(loading.diagnostics[before:]):
        return
    only_in = plain.get("only_in")
    if only_in is not None:
        loading.diagnostics.extend(_unknown_environments(only_in, document, loading.settings))
        if loading.environment.name not in only_in:
            return
    scenario_id = plain.get("id", stem)
    problem = _check_id(scenario_id, document, loading)
    loading.diagnostics.extend(problem)
    steps = tuple(_read_step(each, i, document, loading) for i, each in enumerate(plain["flow"]))
    if not problem and isinstance(scenario_id, str):
        resource = _make_resource(scenario_id, plain, steps, document, loading)
        loading.resources[resource.address] = resource


_TEXTS = ("id", "name", "description", "message_file")


def _as_texts(plain: dict[str, Any], document: Document, diagnostics: list[Diagnostic]) -> dict[str, Any]:
    """Read what the schema wants as text as the text that stands in the file; refuse what looks like a flag."""

    def text(value: Any, where: str) -> Any:
        if isinstance(value, bool):
            return "true" if value else "false"
        if value is None:
            diagnostics.append(_null(where, document))
        return value

    result = {key: text(value, key) if key in _TEXTS else value for key, value in plain.items()}
    if isinstance(plain.get("flow"), list):
        result["flow"] = [
            {k: text(v, f"flow[{i}].{k}") if k in ("channel", "from") else v for k, v in step.items()}
            if isinstance(step, dict)
            else step
            for i, step in enumerate(plain["flow"])
        ]
    if isinstance(plain.get("labels"), dict):
        result["labels"] = {key: text(value, f"labels.{key}") for key, value in plain["labels"].items()}
    flag = plain.get("default")
    if isinstance(flag, str) and looks_bent(flag):
        diagnostics.append(_bent(flag, "default", document))
    return result


def _make_resource(
    scenario_id: str, plain: Mapping[str, Any], steps: tuple[Step, ...], document: Document, loading: _Loading
) -> Resource:
    imported = plain.get("import")
    if isinstance(imported, dict):
        imported = imported.get(loading.environment.name)
    places = ["", "name", "default", "flow", "import", "previous_ids", "lifecycle"]
    places += [f"flow[{i}]{part}" for i in range(len(steps)) for part in ("", ".channel", ".from")]
    return Resource(
        address=make_address(scenario_id),
        attributes=Attributes(plain["name"], steps),
        default=plain.get("default"),
        description=plain.get("description"),
        labels=plain.get("labels", {}),
        lifecycle=_read_lifecycle(plain.get("lifecycle", {})),
        previous_ids=tuple(plain.get("previous_ids", ())),
        import_key=imported,
        message_file=plain.get("message_file"),
        sources={place: document.source(place) for place in places if place in document.marks},
    )


def _read_lifecycle(fields: Mapping[str, Any]) -> Lifecycle:
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


def _read_step(step: Mapping[str, Any], index: int, document: Document, loading: _Loading) -> Step:
    channel = step["channel"].strip().upper()
    known = (*CHANNELS, *OLD_CHANNELS, *loading.settings.extra_channels)
    if channel not in known:
        loading.diagnostics.append(_unknown_channel(step["channel"], f"flow[{index}].channel", document, known))
    return Step(channel, step.get("from") or None)


def _check_id(scenario_id: str | None, document: Document, loading: _Loading) -> list[Diagnostic]:
    import re

    if scenario_id is None:
        return [
            _error("missing-id", "A document has no id", "Of several documents in a file each needs one.", document, "")
        ]
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", scenario_id):
        detail = f"The file has no id, and its name {scenario_id!r} is none: lower case letters, digits and dashes."
        return [_error("missing-id", "A document has no id", detail, document, "")]
    other = loading.resources.get(make_address(scenario_id))
    if other is None:
        return []
    first = other.sources.get("") or Source("?")
    detail = f"{scenario_id} stands here and in {first.path}:{first.line}."
    return [_error("duplicate-id", "Two scenarios have the same id", detail, document, "id")]


def _check_defaults(loading: _Loading) -> None:
    declared = [each for each in loading.resources.values() if each.default]
    for extra in declared[1:]:
        first = declared[0].sources.get("default") or Source("?")
        loading.diagnostics.append(
            Diagnostic(
                "two-defaults",
                Severity.ERROR,
                "Two scenarios are declared as the account default",
                f"{id_of(extra.address)} says default: true, and so does {id_of(declared[0].address)} "
                f"({first.path}:{first.line}); an account has one default.",
                extra.sources.get("default"),
                hint="keep it on one of them, or tell environments apart with only_in or a variable",
            )
        )


def _unknown_channel(channel: str, where: str, document: Document, known: Sequence[str]) -> Diagnostic:
    upper = channel.strip().upper()
    close = [_SPELLINGS[upper]] if upper in _SPELLINGS else get_close_matches(upper, known, n=1)
    return Diagnostic(
        "unknown-channel",
        Severity.ERROR,
        "A step names a channel that does not exist",
        f"channels: {' '.join(CHANNELS)}",
        document.source(where),
        label=f"did you mean {close[0]}?" if close else "",
        hint="a channel newer than this omnictl is declared once, in omnictl.yaml",
        commands=(f"extra_channels: [{upper}]",),
    )


def _unknown_environments(names: Iterable[str], document: Document, settings: Settings) -> list[Diagnostic]:
    unknown = [name for name in names if name not in settings.environments]
    known = ", ".join(sorted(settings.environments))
    return [
        _error(
            "unknown-environment", "There is no such environment", f"{name}; there are {known}.", document, "only_in"
        )
        for name in unknown
    ]


def _null(where: str, document: Document) -> Diagnostic:
    return Diagnostic(
        "empty-value",
        Severity.ERROR,
        "A value is empty",
        f"{where} is empty, which YAML reads as nothing.",
        document.source(where),
        hint='write a value; a text that is really "~" or "null" needs quotes',
    )


def _bent(text: str, where: str, document: Document) -> Diagnostic:
    return Diagnostic(
        "bent-value",
        Severity.ERROR,
        "A value means different things to different readers",
        f"{text} is a flag to some YAML readers and a text to others.",
        document.source(where),
        hint="write true or false",
    )


def _missing_path(path: str) -> Diagnostic:
    return Diagnostic(
        "missing-path",
        Severity.ERROR,
        "A folder or file of scenarios does not exist",
        f"{path} is not there, and nothing is read instead of it.",
        hint="write a first scenario with",
        commands=("omnictl init",),
    )


def _outside(path: str) -> Diagnostic:
    return Diagnostic(
        "outside-root",
        Severity.ERROR,
        "A link leads out of the project",
        "The file behind it lies outside the folder of omnictl.yaml.",
        Source(path),
        hint="copy the file into the project",
    )


def _error(code: str, summary: str, detail: str, document: Document, where: str) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, detail, document.source(where))


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    def place(each: Diagnostic) -> tuple[str, int, int]:
        source = each.source
        return (source.path, source.line or 0, source.column or 0) if source else ("", 0, 0)

    return tuple(sorted(diagnostics, key=place))


CODES = {
    "unknown-channel": "A step names a channel that the API does not document. A newer one is declared once, as "
    "extra_channels in omnictl.yaml.",
    "missing-id": "A scenario needs an id: in the document, or, where a file has one document, as its name.",
    "duplicate-id": "Two documents have the same id. The id is the identity of a scenario.",
    "two-defaults": "An account has one default scenario, and two files of the environment claim it.",
    "empty-value": "A key has no value. YAML reads ~, null and nothing as nothing.",
    "bent-value": "yes, no, on, off, True and the like are flags to some YAML readers only. Write true or false.",
    "missing-path": "A folder or file named for scenarios does not exist. It is never read as an empty configuration.",
    "outside-root": "A symbolic link among the scenarios leads out of the project; what lies there is not read.",
}
