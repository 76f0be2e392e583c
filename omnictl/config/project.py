"""The files of a project, each read once for all the environments that have it, and what is gathered of each."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from msgspec import Struct, field

from omnictl.config.discovery import ScenarioFile, find_files
from omnictl.config.documents import MOST_MISTAKES, Document, has_reference, limit_mistakes
from omnictl.config.interpretation import Interpretation, interpret, make_resource
from omnictl.config.messages import MessageFile, find_message_file, read_message
from omnictl.config.reading import ON_DISK, Overlay
from omnictl.config.settings import Environment, Settings
from omnictl.config.variables import Variables, collect, find_names
from omnictl.model.address import Address
from omnictl.model.diagnostic import Diagnostic, Severity, Source, has_errors
from omnictl.model.message import Message
from omnictl.model.scenario import Resource

MOST_MISTAKES_OF_ALL = 10_000
"""How many mistakes of a project are told."""


class Loading(Struct):
    """What is gathered of one environment while files are read."""

    environment: Environment
    variables: Variables
    paths: frozenset[str]
    said: list[Interpretation] = field(default_factory=list)
    resources: dict[Address, Resource] = field(default_factory=dict)
    messages: dict[Address, Message] = field(default_factory=dict)


class Project(Struct):
    """What is gathered of all the environments that are read together."""

    settings: Settings
    environments: dict[str, Loading]
    files: list[ScenarioFile]
    diagnostics: list[Diagnostic]
    overlay: Overlay = ON_DISK
    used: set[str] = field(default_factory=set)
    documents: dict[str, int] = field(default_factory=dict)
    messages: dict[tuple[str, str], Message | None] = field(default_factory=dict)
    named_by: dict[str, set[str]] = field(default_factory=dict)
    message_files: list[MessageFile] = field(default_factory=list)


def find_project(
    settings: Settings, names: Iterable[str], variables: Mapping[str, str], environ: Mapping[str, str]
) -> Project:
    """Find the files of some environments; folders that several of them share are looked through once."""
    found: dict[tuple[str, ...], tuple[ScenarioFile, ...]] = {}
    project = Project(settings, {}, [], [])
    for name in names:
        environment = settings.environments[name]
        where = environment.scenario_paths or settings.scenario_paths
        if where not in found:
            found[where], problems = find_files(settings, environment)
            project.diagnostics += problems
        given = collect(settings.variables, environment.variables, variables, environ)
        project.environments[name] = Loading(environment, given, frozenset(each.path for each in found[where]))
    project.files = list({each.path: each for files in found.values() for each in files}.values())
    return project


def read_files(project: Project, *, told: Sequence[str]) -> None:
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
    file: ScenarioFile, readers: Sequence[Loading], told: Sequence[str], project: Project
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
    document: Document, fallback: str | None, readers: Sequence[Loading], told: Sequence[str], project: Project
) -> list[Diagnostic]:
    """Interpret a document for the environments that have it; once for all, where it has no variable."""
    is_constant = not has_reference(document.text)
    found: list[Diagnostic] = []
    said: Interpretation | None = None
    only_in = _only_in(document)
    read_by = _read_by(readers, project.settings) if _has_bare_import(document) else None
    for loading in readers:
        name = loading.environment.name
        if only_in is not None and name not in only_in:
            continue
        if said is None or not is_constant:
            said = interpret(document, fallback, project.settings, loading.variables, read_by)
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


def _has_bare_import(document: Document) -> bool:
    """Tell whether ``import:`` is a key alone, of whatever letters: one that begins with a digit is no text yet."""
    imported = document.value.get("import") if isinstance(document.value, dict) else None
    return imported is not None and not isinstance(imported, dict)


def _read_by(readers: Sequence[Loading], settings: Settings) -> frozenset[str]:
    """Return the environments whose folders touch those of the readers of a file; not all of them need be loaded."""
    own = {each for loading in readers for each in _paths_of(loading.environment, settings)}

    def touches(path: PurePosixPath) -> bool:
        return any(path.is_relative_to(each) or each.is_relative_to(path) for each in own)

    return frozenset(
        each.name for each in settings.environments.values() if any(map(touches, _paths_of(each, settings)))
    )


def _paths_of(environment: Environment, settings: Settings) -> list[PurePosixPath]:
    """Return the folders of an environment, each up to its first pattern."""
    paths = environment.scenario_paths or settings.scenario_paths
    return [PurePosixPath(each.partition("*")[0].rstrip("/") or ".") for each in paths]


def _read_message(
    said: Interpretation, loading: Loading, project: Project
) -> tuple[Message | None, tuple[Diagnostic, ...]]:
    """Return the message that a scenario names as its default, and what is wrong with it, told once."""
    named = said.plain.get("message_file")
    if not isinstance(named, str) or not named or "${" in named:
        return None, ()
    file = find_message_file(named, said.document, project.settings.root)
    if isinstance(file, Diagnostic):
        return None, (file,)
    project.named_by.setdefault(file.shown, set()).add(said.document.path)
    return read_message_file(file, loading, project)


def read_message_file(
    file: MessageFile, loading: Loading, project: Project
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


def _empty(shown: str) -> Diagnostic:
    hint = "remove it, or name it with a leading _ to keep it unread"
    detail = "It declares no scenario."
    return Diagnostic("empty-file", Severity.ERROR, "The file is empty", detail, Source(shown), hint=hint)


def _more_mistakes() -> Diagnostic:
    detail = f"More than {MOST_MISTAKES_OF_ALL:,} were found, and the files after that were not read."
    summary = "There are more mistakes than are told"
    hint = "mend these, then run the same command again"
    return Diagnostic("more-mistakes", Severity.NOTE, summary, detail, hint=hint)


CODES = {
    "empty-file": "A file that should hold a document is empty.",
}
