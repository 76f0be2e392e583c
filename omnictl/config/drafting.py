"""The files of an import, before they are written: where they go, what stands in them, and which cannot be."""

import os
from collections.abc import Iterable, Sequence
from itertools import chain, count
from pathlib import Path

from msgspec import Struct

from omnictl.config.discovery import is_inside
from omnictl.config.documents import mask_api_keys
from omnictl.config.endings import is_scenario_name
from omnictl.config.settings import Environment, Settings
from omnictl.config.writing import read_back, write_scenario
from omnictl.errors import UsageError
from omnictl.model.address import Address, id_of
from omnictl.model.adoption import Adoption, Draft, LeftOut
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import CHANNELS, OLD_CHANNELS, Resource


class Folder(Struct, frozen=True):
    """Where an import writes. ``only_in`` is the environment, where others read the folder too."""

    path: str
    shown: str
    only_in: str | None = None


class Drafted(Struct, frozen=True):
    """The files to be written with what they declare, and the scenarios that no file can hold."""

    drafts: tuple[Draft, ...] = ()
    resources: tuple[Resource, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def choose_folder(settings: Settings, environment: Environment, given: str | None) -> Folder:
    """Return the folder that is written to: the one given, else the first of the environment.

    Raises UsageError for one that the environment does not read: what stands there would not be declared.
    """
    paths = _paths_of(environment, settings)
    read = [each for each in paths if not is_scenario_name(os.path.basename(each))]  # noqa: PTH119
    path = os.path.abspath(given) if given is not None else read[0] if read else None  # noqa: PTH100
    if path is None or not any(_is_below(path, each) for each in read) or not _is_usable(path, settings):
        raise UsageError(_not_read(given, environment, [_shown(each, settings) for each in read]))
    others = (each for each in settings.environments.values() if each.name != environment.name)
    is_shared = any(_is_below(path, each) for other in others for each in _paths_of(other, settings))
    return Folder(path, _shown(path, settings), environment.name if is_shared else None)


def _paths_of(environment: Environment, settings: Settings) -> list[str]:
    root = os.path.realpath(settings.root)
    named = environment.scenario_paths or settings.scenario_paths
    return [os.path.normpath(os.path.join(root, each)) for each in named]  # noqa: PTH118


def _is_below(path: str, folder: str) -> bool:
    """Tell whether files in a path are read with a folder: hidden ones and those with _ are not.

    Nor is one with the name of a scenario file: it would be opened as one.
    """
    parts = Path(os.path.realpath(path)).parts
    above = Path(os.path.realpath(folder)).parts
    below = parts[len(above) :]
    return parts[: len(above)] == above and not any(
        each.startswith((".", "_")) or is_scenario_name(each) for each in below
    )


def _is_usable(path: str, settings: Settings) -> bool:
    return is_inside(path, os.path.realpath(settings.root)) and (os.path.isdir(path) or not os.path.lexists(path))  # noqa: PTH112


def _shown(path: str, settings: Settings) -> str:
    return os.path.relpath(os.path.realpath(path), os.path.realpath(settings.root)).replace(os.sep, "/")


def make_drafts(
    adoptions: Iterable[Adoption],
    folder: Folder,
    settings: Settings,
    environment: str,
    *,
    default: Address | None,
    with_imports: bool,
) -> Drafted:
    """Return the files of those that have none. ``default`` is the one whose file declares it the account default."""
    taken = _stems_of(folder.path)
    drafts, resources, left_out = [], [], []
    for adoption in adoptions:
        stem = _choose_stem(id_of(adoption.address), environment, taken)
        is_default = adoption.address == default
        imports = adoption.remote.key if len(settings.environments) == 1 else {environment: adoption.remote.key}
        draft = Draft(
            adoption,
            os.path.join(folder.path, f"{stem}.yaml"),  # noqa: PTH118
            f"{folder.shown}/{stem}.yaml".removeprefix("./"),
            write_scenario(
                id_of(adoption.address),
                adoption.remote.attributes,
                default=is_default,
                only_in=folder.only_in,
                imports=imports if with_imports else None,
            ),
            is_default,
        )
        resource, problems = read_back(draft, settings, environment)
        if resource is None:
            left_out.append(_explain(adoption, problems, settings))
            continue
        taken.add(stem)
        drafts.append(draft)
        resources.append(resource)
    return Drafted(tuple(drafts), tuple(resources), tuple(left_out))


def _stems_of(path: str) -> set[str]:
    try:
        return {name.partition(".")[0].lower() for name in os.listdir(path)}  # noqa: PTH208
    except OSError:
        return set()


def _choose_stem(scenario_id: str, environment: str, taken: set[str]) -> str:
    """Return the name of a new file: the id, unless a file of another environment, or with another id in it, has it."""
    if scenario_id not in taken:
        return scenario_id
    numbered = (f"{scenario_id}-{environment}-{number}" for number in count(2))
    return next(each for each in chain([f"{scenario_id}-{environment}"], numbered) if each not in taken)


def _explain(adoption: Adoption, problems: Sequence[Diagnostic], settings: Settings) -> LeftOut:
    """Say why a scenario cannot stand in a file, and what would help."""
    remote = adoption.remote
    known = (*CHANNELS, *OLD_CHANNELS, *settings.extra_channels)
    channels = sorted({each.channel for each in remote.attributes.flow if each.channel and each.channel not in known})
    key, name = remote.key, mask_api_keys(remote.attributes.name)
    if channels:
        reason = f"this omnictl does not know the channel {', '.join(channels)}"
        hint = "declare it once, in omnictl.yaml, then import again"
        return LeftOut(key, name, reason, hint, (f"extra_channels: [{', '.join(channels)}]",))
    if not name:
        return LeftOut(key, name, "it has no name", "give it one in the web interface, then import again")
    if not remote.attributes.flow:
        return LeftOut(key, name, "it has no step", "give it one in the web interface, then import again")
    if any(each.code == "secret-in-file" for each in problems):
        reason = "it holds what has the form of an API key, which no file may hold"
        hint = "if it is one, revoke it; then change the scenario in the web interface, or leave it there"
        return LeftOut(key, name, reason, hint)
    worst = next((each for each in problems if each.severity is Severity.ERROR), None)
    reason = f"a file cannot hold it: {worst.summary}. {worst.detail}" if worst else "a file cannot hold it"
    return LeftOut(key, name, reason, "change it in the web interface, or leave it there")


def _not_read(given: str | None, environment: Environment, read: Sequence[str]) -> Diagnostic:
    where = ", ".join(read) or "none"
    told = f"{given} is none of the folders" if given is not None else "There is none among the folders"
    return Diagnostic(
        "unread-folder",
        Severity.ERROR,
        "Files that are written there would not be read",
        f"{told} of {environment.name}, which reads: {where}.",
        hint="name one of them or a folder below, neither hidden nor with a leading _ nor called like a scenario file; "
        "or add it to scenarios: in omnictl.yaml",
    )


CODES = {
    "unread-folder": "import writes where the environment reads its scenarios. Elsewhere its files would declare "
    "nothing, and the next plan would forget what was just imported.",
}
