"""Scenario files to resources: every file of one or all environments, all mistakes of all files in one run."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from omnictl.config.accounts import accounts_beside, note_account_spellings
from omnictl.config.crosscheck import check_accounts, check_imports_beside, check_together, find_unused_variables
from omnictl.config.discovery import ScenarioFile, find_below
from omnictl.config.documents import in_order
from omnictl.config.endings import is_message_name, is_scenario_name
from omnictl.config.messages import locate_message_file
from omnictl.config.project import Loading, Project, find_project, read_files, read_message_file
from omnictl.config.reading import ON_DISK, Overlay
from omnictl.config.settings import FILE_NAME, Settings
from omnictl.config.variables import find_unknown_given
from omnictl.model.address import Address, make_address
from omnictl.model.diagnostic import Diagnostic, Severity, Source, has_errors
from omnictl.model.message import Message
from omnictl.model.scenario import Configuration, Resource


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


def load_configuration(
    settings: Settings, environment_name: str, variables: Mapping[str, str], environ: Mapping[str, str]
) -> LoadedConfiguration:
    """Read every scenario file of an environment. Never raises for what stands in the files.

    Environments of the same account are read too, for the one default that they share; what else is wrong there is
    not told.
    """
    beside = accounts_beside(environment_name, settings, environ)
    project = find_project(settings, (environment_name, *beside), variables, environ)
    own = project.environments[environment_name]
    project.files = [each for each in project.files if beside or each.path in own.paths]
    read_files(project, told=(environment_name,))
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
    project = find_project(settings, tuple(settings.environments), variables, environ)
    project.overlay = overlay
    chosen = _choose(project, paths) if paths else None
    read_files(project, told=tuple(project.environments))
    found = [*project.diagnostics, *_read_chosen_messages(project)]
    for loading in project.environments.values():
        found += check_together(loading.said, loading.environment.name)
    said = {name: each.said for name, each in project.environments.items()}
    found += check_accounts(said, settings, environ)
    found += check_imports_beside(said, settings, environ)
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


def _read_chosen_messages(project: Project) -> Iterator[Diagnostic]:
    """Read the message files that were asked for by their names, and tell what is wrong with them."""
    for file in project.message_files:
        for loading in project.environments.values():
            yield from read_message_file(file, loading, project)[1]


def _choose(project: Project, paths: Sequence[Path]) -> frozenset[str]:
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


def _declared(loading: Loading) -> dict[Address, Resource | None]:
    """Return what an environment declares; None where its document has a mistake, which is not told here."""
    said = (make_address(each.scenario_id) for each in loading.said if each.scenario_id)
    return {address: loading.resources.get(address) for address in said}


def _check_shared(project: Project, name: str, environ: Mapping[str, str]) -> list[Diagnostic]:
    """Return where another environment of the account declares a default too, as it concerns one environment."""
    if len(project.environments) == 1 or not any(each.claims_default for each in project.environments[name].said):
        return []
    said = {other: each.said for other, each in project.environments.items()}
    return list(check_accounts(said, project.settings, environ))


def _known_variables(settings: Settings, project: Project) -> frozenset[str]:
    own = (name for each in settings.environments.values() for name in each.variables)
    return frozenset((*settings.variables, *own, *project.used))


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
    "no-scenario-file": "A file named on the command line is of a kind that is not read as scenarios.",
}
