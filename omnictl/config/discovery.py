"""Finding the scenario files of an environment: in order, once each, and never out of the project through a link."""

import os
from itertools import islice
from pathlib import Path

from msgspec import Struct, field

from omnictl.config.endings import is_misspelt, is_scenario_name
from omnictl.config.settings import FILE_NAME, Environment, Settings
from omnictl.model.diagnostic import Diagnostic, Severity, Source

MOST_ENTRIES = 200_000
"""How many files and folders are looked at; a project of ten thousand scenarios has a twentieth of that."""
DEEPEST_FOLDER = 40


class ScenarioFile(Struct, frozen=True):
    """A file that may declare scenarios; ``shown`` is its path for people, relative to the project where it can be."""

    path: str
    shown: str


class _Search(Struct):
    root: str
    found: dict[str, ScenarioFile] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    entries_left: int = field(default_factory=lambda: MOST_ENTRIES)


def find_files(settings: Settings, environment: Environment) -> tuple[tuple[ScenarioFile, ...], tuple[Diagnostic, ...]]:
    """Return the scenario files of an environment, and what is wrong with the paths that name them."""
    search = _Search(os.path.realpath(settings.root))
    for each in environment.scenario_paths or settings.scenario_paths:
        _find_path(os.path.normpath(os.path.join(search.root, each)), each, search)  # noqa: PTH118 - many files, so plain texts
    return tuple(search.found.values()), tuple(search.diagnostics)


def find_below(path: Path, settings: Settings) -> tuple[tuple[ScenarioFile, ...], tuple[Diagnostic, ...]]:
    """Return the scenario files at or below a path of the command line; such a path may lie anywhere."""
    search = _Search(os.path.realpath(settings.root))
    if path.is_dir():
        _walk(os.path.abspath(path), search)  # noqa: PTH100 - links in it are kept
    else:
        _add(os.path.abspath(path), search)  # noqa: PTH100
    return tuple(search.found.values()), tuple(search.diagnostics)


def find_scenario_files(settings: Settings) -> tuple[tuple[ScenarioFile, ...], tuple[Diagnostic, ...]]:
    """Return the scenario files of all environments, each once."""
    found: dict[str, ScenarioFile] = {}
    diagnostics: dict[Diagnostic, None] = {}
    for environment in settings.environments.values():
        files, problems = find_files(settings, environment)
        found.update((each.path, each) for each in files)
        diagnostics.update(dict.fromkeys(problems))
    return tuple(found.values()), tuple(diagnostics)


def _find_path(path: str, named: str, search: _Search) -> None:
    if not os.path.lexists(path):
        search.diagnostics.append(_missing_path(named))
    elif not is_inside(path, search.root):
        search.diagnostics.append(outside(named))
    elif os.path.isdir(path):  # noqa: PTH112
        _walk(path, search)
    else:
        _add(path, search)


def _walk(folder: str, search: _Search, depth: int = 0) -> None:
    if search.entries_left < 0:
        return
    if depth > DEEPEST_FOLDER:
        search.diagnostics.append(_too_deep(_shown(folder, search.root)))
        return
    real = os.path.realpath(folder)
    if real in search.folders:  # a link to a folder above, or to one that is read anyway
        return
    search.folders.add(real)
    try:
        with os.scandir(folder) as found:
            entries = sorted(islice(found, search.entries_left + 1), key=lambda each: each.name)
    except OSError as error:
        search.diagnostics.append(_unreadable(_shown(folder, search.root), error.strerror or "it cannot be read"))
        return
    search.entries_left -= len(entries)
    if search.entries_left < 0:
        search.diagnostics.append(_too_many(_shown(folder, search.root)))
        return
    for entry in entries:
        if entry.name.startswith((".", "_")):
            continue
        if entry.is_symlink():
            _follow(entry, search, depth)
        elif is_scenario_name(entry.name):
            _add(entry.path, search)
        elif entry.is_dir():
            _walk(entry.path, search, depth + 1)
        elif is_misspelt(entry.name):
            search.diagnostics.append(_misspelt(_shown(entry.path, search.root)))


def _follow(entry: "os.DirEntry[str]", search: _Search, depth: int) -> None:
    is_folder = os.path.isdir(entry.path)  # noqa: PTH112
    if not is_folder and not is_scenario_name(entry.name):
        if not os.path.exists(entry.path):  # noqa: PTH110
            search.diagnostics.append(_leads_nowhere(_shown(entry.path, search.root)))
        elif is_misspelt(entry.name):
            search.diagnostics.append(_misspelt(_shown(entry.path, search.root)))
        return
    if not is_inside(entry.path, search.root):
        search.diagnostics.append(outside(_shown(entry.path, search.root)))
    elif is_folder:
        _walk(entry.path, search, depth + 1)
    else:
        _add(entry.path, search)


def _add(path: str, search: _Search) -> None:
    if path == os.path.join(search.root, FILE_NAME):  # noqa: PTH118
        return
    search.found.setdefault(path, ScenarioFile(path, _shown(path, search.root)))


def is_inside(path: str, root: str) -> bool:
    """Tell whether a path, links followed, is in a folder that is given without links."""
    real = os.path.realpath(path)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def outside(path: str) -> Diagnostic:
    """Return what is wrong with a path that leads out of the project."""
    return Diagnostic(
        "outside-root",
        Severity.ERROR,
        "A path leads out of the project",
        "What it names lies outside the folder of omnictl.yaml, and is not read.",
        Source(path),
        hint="copy it into the project",
    )


def _shown(path: str, root: str) -> str:
    start = root.rstrip(os.sep) + os.sep
    return (path.removeprefix(start)).replace(os.sep, "/")


def _missing_path(path: str) -> Diagnostic:
    return Diagnostic(
        "missing-path",
        Severity.ERROR,
        "A folder or file of scenarios does not exist",
        f"{path} is not there, and nothing is read instead of it.",
        hint="write a first scenario with",
        commands=("omnictl init",),
    )


def _leads_nowhere(path: str) -> Diagnostic:
    return Diagnostic(
        "missing-path",
        Severity.ERROR,
        "A link among the scenarios leads nowhere",
        "What it names is not there, or cannot be reached; there may have been scenarios in it.",
        Source(path),
        hint="put back what it names, or remove the link",
    )


def _misspelt(path: str) -> Diagnostic:
    return Diagnostic(
        "misspelt-ending",
        Severity.ERROR,
        "A file among the scenarios is not read for its ending",
        "Scenarios are in files that end in .yaml, .yml or .json. Were it passed over, what it declares would count as "
        "removed.",
        Source(path),
        hint="give it one of these endings, or a name that begins with _ to keep it unread",
    )


def _too_many(path: str) -> Diagnostic:
    detail = f"More than {MOST_ENTRIES:,} files and folders were found; this is where the search broke off."
    hint = "name a folder that holds scenarios and little else"
    return Diagnostic("too-many-files", Severity.ERROR, "There are too many files", detail, Source(path), hint=hint)


def _too_deep(path: str) -> Diagnostic:
    detail = f"More than {DEEPEST_FOLDER} folders stand in one another; what is in this one is not read."
    summary = "Folders are nested too deeply"
    return Diagnostic("folders-too-deep", Severity.ERROR, summary, detail, Source(path), hint="move it further up")


def _unreadable(path: str, why: str) -> Diagnostic:
    return Diagnostic("unreadable-folder", Severity.ERROR, "A folder cannot be read", f"{why}.", Source(path))


CODES = {
    "missing-path": "A folder or file named for scenarios does not exist. It is never read as an empty configuration.",
    "outside-root": "A symbolic link among the scenarios, or a path of omnictl.yaml, leads out of the project; what "
    "lies there is not read.",
    "misspelt-ending": "A file among the scenarios ends in what looks like a typing error, or in what editors hang on, "
    "such as .ymal or .yaml.txt. It is never passed over, for then its scenarios would be removed.",
    "too-many-files": "The folders that were named hold more files than any project has; usually a folder too far up "
    "was named. Nothing is planned from a part of them.",
    "folders-too-deep": "Folders of scenarios stand in one another deeper than anybody nests them. They are never read "
    "as empty ones.",
    "unreadable-folder": "A folder of scenarios cannot be listed. It is never read as an empty one.",
}
