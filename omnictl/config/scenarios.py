"""Scenario files to resources: every file of one or all environments, all mistakes of all files in one run."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from omnictl.config.accounts import accounts_beside, note_account_spellings
from omnictl.config.crosscheck import check_accounts, check_together, find_unused_variables
from omnictl.config.discovery import ScenarioFile, find_below, find_files
from omnictl.config.documents import MOST_MISTAKES, Document, has_reference, in_order, limit_mistakes
from omnictl.config.endings import is_message_name, is_scenario_name
from omnictl.config.interpretation import Interpretation, interpret, make_resource
from omnictl.config.messages import MessageFile, find_message_file, locate_message_file, read_message
from omnictl.config.reading import ON_DISK, Overlay
from omnictl.config.settings import FILE_NAME, Environment, Settings
from omnictl.config.variables import Variables, collect, find_names, find_unknown_given
from omnictl.model.address import Address, make_address
from omnictl.model.diagnostic import Diagnostic, Severity, Source, has_errors
from omnictl.model.message import Message
from omnictl.model.scenario import Configuration, Resource

MOST_MISTAKES_OF_ALL = 10_000
"""How many mistakes of a project are told."""


class LoadedConfiguration(Struct, frozen=True):
    """What the files of one environment declare, and what is wrong with them; a message is that of its file.

    ``declared_beside`` is what other environments of the same account declare, by their names; None stands for a
    scenario with a mistake.
    """

    configuration: Configuration
    diagnostics: tuple[Diagnostic, ...]
    files: int
    scenarios: int
    messages: Mapping[Address, Message] = field(default_factory=dict)
    declared_beside: Mapping[str, Mapping[Address, Resource | None]] = field(default_factory=dict)


class Validation(Struct, frozen=True):
    """What the files declare for each environment, and what is wrong with those that were asked for.

    ``messages`` are those that scenarios name, ``chosen_messages`` those that the command line named.
    """

    configurations: Mapping[str, Configuration]
    diagnostics: tuple[Diagnostic, ...]
    files: int
    scenarios: int
    chosen: frozenset[str] | None = None
    messages: Mapping[str, Mapping[Address, Message]] = field(default_factory=dict)
    chosen_messages: tuple[Message, ...] = ()

    def concerns(self, diagnostic: Diagnostic) -> bool:
        """Tell whether a diagnostic is about what was asked for; without a place it is about everything."""
        return self.chosen is None or diagnostic.source is None or diagnostic.source.path in self.chosen


class _Loading(Struct):
    """What is gathered of one environment while files are read."""

    environment: Environment
    variables: Variables
    paths: frozenset[str]
    said: list[Interpretation] = field(default_factory=list)
    resources: dict[Address, Resource] = field(default_factory=dict)
    messages: dict[Address, Message] = field(default_factory=dict)


class _Project(Struct):
    """What is gathered of all the environments that are read together."""

    settings: Settings
    environments: dict[str, _Loading]
    files: list[ScenarioFile]
    diagnostics: list[Diagnostic]
    overlay: Overlay = ON_DISK
    used: set[str] = field(default_factory=set)
    documents: dict[str, int] = field(default_factory=dict)
    messages: dict[tuple[str, str], Message | None] = field(default_factory=dict)
    named_by: dict[str, set[str]] = field(default_factory=dict)
    message_files: list[MessageFile] = field(default_factory=list)


def load_configuration(
    settings: Settings, environment_name: str, variables: Mapping[str, str], environ: Mapping[str, str]
) -> LoadedConfiguration:
    """Read every scenario file of an environment. Never raises for what stands in the files.

    Environments of the same account are read too, for the one default that they share; what else is wrong there is
    not told.
    """
    beside = accounts_beside(environment_name, settings, environ)
    project = _find_project(settings, (environment_name, *beside), variables, environ)
    own = project.environments[environment_name]
    project.files = [each for each in project.files if beside or each.path in own.paths]
    _read_files(project, told=(environment_name,))
    found = [
        *project.diagnostics,
        *check_together(own.said, environment_name),
        *_check_shared(project, environment_name, environ),
    ]
    found += find_unknown_given(variables, _known_variables(settings, project))
    resources = dict(sorted(own.resources.items()))
    declared = {name: _declared(project.environments[name]) for name in beside}
    return LoadedConfiguration(
        Configuration(resources), in_order(found), len(own.paths), len(own.said), own.messages, declared
    )


def validate_all(
    settings: Settings,
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    paths: Sequence[Path] = (),
    *,
    overlay: Overlay = ON_DISK,
) -> Validation:
    """Read the files for every environment; a mistake that several of them share is told once.

    ``paths`` are files and folders: only what is wrong with them is told, compared with everything else. The texts of
    ``overlay`` are read in place of the files that they stand for.
    """
    project = _find_project(settings, tuple(settings.environments), variables, environ)
    project.overlay = overlay
    chosen = _choose(project, paths) if paths else None
    _read_files(project, told=tuple(project.environments))
    found = [*project.diagnostics, *_read_chosen_messages(project)]
    for loading in project.environments.values():
        found += check_together(loading.said, loading.environment.name)
    found += check_accounts({name: each.said for name, each in project.environments.items()}, settings, environ)
    found += note_account_spellings(settings)
    found += find_unknown_given(variables, _known_variables(settings, project))
    if not has_errors(found):
        found += find_unused_variables(settings, frozenset(project.used))
    counted = {shown: number for shown, number in project.documents.items() if chosen is None or shown in chosen}
    configurations = {
        name: Configuration(dict(sorted(each.resources.items()))) for name, each in project.environments.items()
    }
    messages = {name: each.messages for name, each in project.environments.items()}
    if chosen is not None:
        chosen |= {shown for shown, named_by in project.named_by.items() if named_by & chosen}
    read = (project.messages.get((file.path, name)) for file in project.message_files for name in messages)
    named = tuple(each for each in read if each is not None)
    validation = Validation(configurations, (), len(counted), sum(counted.values()), chosen, messages, named)
    return replace(validation, diagnostics=in_order(each for each in found if validation.concerns(each)))


def _read_chosen_messages(project: _Project) -> Iterator[Diagnostic]:
    """Read the message files that were asked for by their names, and tell what is wrong with them."""
    for file in project.message_files:
        for loading in project.environments.values():
            yield from _read_message_file(file, loading, project)[1]


def _find_project(
    settings: Settings, names: Iterable[str], variables: Mapping[str, str], environ: Mapping[str, str]
) -> _Project:
    """Find the files of some environments; folders that several of them share are looked through once."""
    found: dict[tuple[str, ...], tuple[ScenarioFile, ...]] = {}
    project = _Project(settings, {}, [], [])
    for name in names:
        environment = settings.environments[name]
        where = environment.scenario_paths or settings.scenario_paths
        if where not in found:
            found[where], problems = find_files(settings, environment)
            project.diagnostics += problems
        given = collect(settings.variables, environment.variables, variables, environ)
        project.environments[name] = _Loading(environment, given, frozenset(each.path for each in found[where]))
    project.files = list({each.path: each for files in found.values() for each in files}.values())
    return project


def _choose(project: _Project, paths: Sequence[Path]) -> frozenset[str]:
    """Bring the files that were asked for to the end, where they are compared with all others; return their names.

    A file that no environment reads is read for all of them: it may be about to be moved there.
    """
    chosen: dict[str, ScenarioFile] = {}
    known = {os.path.realpath(each.path): each for each in project.files}
    for path in paths:
        if path.name == FILE_NAME:
            continue  # the settings are read in any case
        if is_message_name(path.name):
            project.message_files.append(locate_message_file(path.absolute(), project.settings.root))
            continue
        if not path.is_dir() and not is_scenario_name(path.name):
            project.diagnostics.append(_no_scenario(path))
            continue
        files, problems = find_below(path, project.settings)
        project.diagnostics += problems
        chosen.update((each.path, each) for each in (known.get(os.path.realpath(each.path), each) for each in files))
    added = frozenset(chosen) - {each.path for each in project.files}
    for loading in project.environments.values():
        loading.paths |= added
    project.files = [*(each for each in project.files if each.path not in chosen), *chosen.values()]
    names = {each.shown for each in chosen.values()}
    names |= {each.source.path for each in project.diagnostics if each.source is not None and paths}
    return frozenset((*names, *(each.shown for each in project.message_files)))


def _read_files(project: _Project, *, told: Sequence[str]) -> None:
    """Read each file once, for all environments; what is wrong with it in those that are ``told`` is told.

    A project that is wrong as a whole is not read to its end: what is told then, nobody reads to its end either.
    """
    errors = 0
    for file in project.files:
        readers = [each for each in project.environments.values() if file.path in each.paths]
        is_told = any(each.environment.name in told for each in readers)
        found = limit_mistakes(_read_one(file, readers, told if is_told else (), project), file.shown)
        project.diagnostics += found
        errors += sum(1 for each in found if each.severity is Severity.ERROR)
        if errors >= MOST_MISTAKES_OF_ALL:
            project.diagnostics.append(_more_mistakes())
            return


def _read_one(
    file: ScenarioFile, readers: Sequence[_Loading], told: Sequence[str], project: _Project
) -> list[Diagnostic]:
    """Read a file and return what is wrong with it; one that is wrong as a whole is not looked at to its end."""
    reading = project.overlay.read(file.path, file.shown)
    found: list[Diagnostic] = []
    if told:
        found += reading.diagnostics
        if reading.is_whole and not reading.documents:
            found.append(_empty(file.shown))
    project.documents[file.shown] = len(reading.documents) + (not reading.is_whole)
    fallback = _stem(file.path) if len(reading.documents) == 1 else None
    project.used |= find_names(reading.documents[0].text) if reading.documents else frozenset()
    for document in reading.documents:
        found += _read_document(document, fallback, readers, told, project)
        if len(found) > MOST_MISTAKES and has_errors(found):
            break
    return found


def _read_document(
    document: Document, fallback: str | None, readers: Sequence[_Loading], told: Sequence[str], project: _Project
) -> list[Diagnostic]:
    """Interpret a document for the environments that have it; once for all, where it has no variable."""
    is_constant = not has_reference(document.text)
    found: list[Diagnostic] = []
    said: Interpretation | None = None
    only_in = _only_in(document)
    for loading in readers:
        name = loading.environment.name
        if only_in is not None and name not in only_in:
            continue
        if said is None or not is_constant:
            said = interpret(document, fallback, project.settings, loading.variables)
        message = None
        if name in told:
            message, problems = _read_message(said, loading, project)
            found += (*said.diagnostics, *problems)
        loading.said.append(said)
        resource = make_resource(said, name)
        if resource is not None and loading.resources.setdefault(resource.address, resource) is resource:
            loading.messages.update({resource.address: message} if message is not None else {})
    is_nowhere = only_in is not None and not (only_in and only_in <= set(project.settings.environments))
    if said is None and is_nowhere:
        # in no environment because a name is wrong: its mistakes are told, and it is compared with nothing
        found += interpret(document, fallback, project.settings, readers[0].variables).diagnostics
    return found


def _read_message(
    said: Interpretation, loading: _Loading, project: _Project
) -> tuple[Message | None, tuple[Diagnostic, ...]]:
    """Return the message that a scenario names as its default, and what is wrong with it, told once."""
    named = said.plain.get("message_file")
    if not isinstance(named, str) or not named or "${" in named:
        return None, ()
    file = find_message_file(named, said.document, project.settings.root)
    if isinstance(file, Diagnostic):
        return None, (file,)
    project.named_by.setdefault(file.shown, set()).add(said.document.path)
    return _read_message_file(file, loading, project)


def _read_message_file(
    file: MessageFile, loading: _Loading, project: _Project
) -> tuple[Message | None, tuple[Diagnostic, ...]]:
    """Read a message file for one environment; once, where several scenarios name it, and then it is told once."""
    key = (file.path, loading.environment.name)
    if key in project.messages:
        return project.messages[key], ()
    loaded = read_message(file.path, file.shown, loading.variables)
    project.messages[key] = loaded.message
    project.used |= loaded.used
    return loaded.message, loaded.diagnostics


def _only_in(document: Document) -> frozenset[str] | None:
    """Return the environments that a document names; None where it is in all of them."""
    named = document.value.get("only_in") if isinstance(document.value, dict) else None
    return frozenset(each for each in named if isinstance(each, str)) if isinstance(named, list) else None


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]  # noqa: PTH119, PTH122 - many files, so plain texts


def _declared(loading: _Loading) -> dict[Address, Resource | None]:
    """Return what an environment declares; None where its document has a mistake, which is not told here."""
    said = (make_address(each.scenario_id) for each in loading.said if each.scenario_id)
    return {address: loading.resources.get(address) for address in said}


def _check_shared(project: _Project, name: str, environ: Mapping[str, str]) -> list[Diagnostic]:
    """Return where another environment of the account declares a default too, as it concerns one environment."""
    if len(project.environments) == 1 or not any(each.claims_default for each in project.environments[name].said):
        return []
    said = {other: each.said for other, each in project.environments.items()}
    return list(check_accounts(said, project.settings, environ))


def _known_variables(settings: Settings, project: _Project) -> frozenset[str]:
    own = (name for each in settings.environments.values() for name in each.variables)
    return frozenset((*settings.variables, *own, *project.used))


def _empty(shown: str) -> Diagnostic:
    hint = "remove it, or name it with a leading _ to keep it unread"
    detail = "It declares no scenario."
    return Diagnostic("empty-file", Severity.ERROR, "The file is empty", detail, Source(shown), hint=hint)


def _more_mistakes() -> Diagnostic:
    detail = f"More than {MOST_MISTAKES_OF_ALL:,} were found, and the files after that were not read."
    summary = "There are more mistakes than are told"
    hint = "mend these, then run the same command again"
    return Diagnostic("more-mistakes", Severity.NOTE, summary, detail, hint=hint)


def _no_scenario(path: Path) -> Diagnostic:
    return Diagnostic(
        "no-scenario-file",
        Severity.NOTE,
        "A file is not read as scenarios",
        "Scenarios are in .yaml, .yml and .json files that are neither hidden, nor begin with _, nor are of another "
        "kind (.omnitest.yaml).",
        Source(path.as_posix()),
    )


CODES = {
    "empty-file": "A file that should hold a document is empty.",
    "no-scenario-file": "A file named on the command line is of a kind that is not read as scenarios.",
}
