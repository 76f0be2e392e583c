"""What is accepted of an account, written into the texts of files: drafts, which nobody has proven or stored yet."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from omnictl.config.discovery import is_inside
from omnictl.config.documents import Document, MistakeError, Places, mistake
from omnictl.config.edit import EditRefusedError, Place, replace_scalar
from omnictl.config.nodes import find_roots
from omnictl.config.reading import Overlay, decode, read_bytes
from omnictl.config.scalars import escape_references
from omnictl.config.scenarios import Validation
from omnictl.config.settings import FILE_NAME, Settings
from omnictl.config.step_edits import arrange_steps, set_sender
from omnictl.config.variable_edits import find_giver, find_variable, has_variable, set_variable
from omnictl.model.acceptance import Acceptance
from omnictl.model.address import Address, id_of
from omnictl.model.diagnostic import Diagnostic, Source
from omnictl.model.scenario import Resource

_MARK = "\ufeff"
_IGNORED_SENDER = re.compile(r"flow\[([0-9]+)\]\.from", re.ASCII)


class Project(Struct, frozen=True):
    """What the files say before an edit: of all environments, with the variables that were given beside them."""

    settings: Settings
    environment: str
    validation: Validation
    given: Mapping[str, str]
    environ: Mapping[str, str]

    @property
    def resources(self) -> Mapping[Address, Resource]:
        """What the environment declares."""
        return self.validation.configurations[self.environment].resources


class FileEdit(Struct):
    """One file: its real path, its path for people, its bytes before and its text after, without a byte order mark.

    ``fields`` are the fields that the edit takes over, each with the id of its scenario.
    """

    path: str
    shown: str
    before: bytes
    text: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text_before(self) -> str:
        """The text as it was, without a byte order mark."""
        return self.before.decode().removeprefix(_MARK)

    @property
    def after(self) -> bytes:
        """The bytes to be written; a byte order mark stays."""
        mark = _MARK if self.before.startswith(_MARK.encode()) else ""
        return (mark + self.text).encode("utf-8", "surrogatepass")


class Draft(Struct):
    """The files with their edits, and why an edit must not be."""

    project: Project
    files: dict[str, FileEdit] = field(default_factory=dict)
    refusals: list[Diagnostic] = field(default_factory=list)

    @property
    def overlay(self) -> Overlay:
        """The edited texts, to be read in place of the files."""
        return Overlay({each.path: each.text for each in self.edits})

    @property
    def edits(self) -> tuple[FileEdit, ...]:
        """The files that change, by their names."""
        changed = (each for each in self.files.values() if each.text != each.text_before)
        return tuple(sorted(changed, key=lambda each: each.shown))


class _Target(Struct, frozen=True):
    """The document that an edit is of; in the file it is found by its number, whatever was edited before it."""

    scenario_id: str
    document: Document
    file: FileEdit
    place: Place


def draft_acceptances(project: Project, acceptances: Sequence[Acceptance]) -> Draft:
    """Return the texts in which the files take over what is accepted. Raises MistakeError for a file in motion."""
    draft = Draft(project)
    for each in acceptances:
        if each.refusal is not None:
            draft.refusals.append(each.refusal)
        elif each.fields:
            _draft(draft, each, project.resources[each.address])
    return draft


def _draft(draft: Draft, accepted: Acceptance, resource: Resource) -> None:
    if not isinstance(resource.sources, Places):
        raise TypeError("a resource of a file knows its document")
    document = resource.sources.document
    file = _open(draft, Path(os.path.realpath(draft.project.settings.root), document.path), document)
    target = _Target(id_of(accepted.address), document, file, Place(file.shown, _number_of(document)))
    if accepted.attributes.name != resource.attributes.name:
        _set_name(draft, target, accepted.attributes.name)
    for step in accepted.flow:
        if step.origin is not None and step.step.sender != resource.attributes.flow[step.origin].sender:
            _set_sender(draft, target, step.origin, step.step.sender)
    if [each.origin for each in accepted.flow] != list(range(len(resource.attributes.flow))):
        moved = [each for each in accepted.fields if each != "name" and not each.endswith(".from")]
        _edit(draft, target, "flow", lambda text: arrange_steps(text, target.place, accepted.flow), moved)
        _refuse_shifts(draft, target, accepted, resource)


def _refuse_shifts(draft: Draft, target: _Target, accepted: Acceptance, resource: Resource) -> None:
    """Refuse an edit after which ignore_changes would mean another step: it names steps by their place."""
    origins = [each.origin for each in accepted.flow]
    for each in resource.lifecycle.ignore_changes:
        match = _IGNORED_SENDER.fullmatch(each.field)
        if match and origins[int(match[1]) : int(match[1]) + 1] != [int(match[1])]:
            why = f"ignore_changes names {each.field} by its place, and its step would stand elsewhere"
            draft.refusals.append(_refused(why, target, "flow", "edit the flow and ignore_changes together, by hand"))


def _number_of(document: Document) -> int:
    """Return which document of its file it is, from 0; empty ones count."""
    starts = [(mark.line, mark.column) for mark, _ in find_roots(document.text, document.path)]
    return starts.index((document.start.line, document.start.column)) if len(starts) > 1 else 0


def _open(draft: Draft, path: Path, document: Document) -> FileEdit:
    """Return the file of a document, read once more, byte for byte as it will be compared before it is replaced."""
    real = os.path.realpath(path)
    if real not in draft.files:
        draft.files[real] = _read(real, document.path, document.text)
    return draft.files[real]


def _read(path: str, shown: str, expected: str | None) -> FileEdit:
    before = read_bytes(path, shown)
    text = decode(before, shown).removeprefix(_MARK)
    if expected is not None and text != expected:
        hint = "run the same command again when nothing writes to it any more"
        detail = "It is another one than a moment ago."
        raise MistakeError(
            mistake("file-in-motion", "The file changed as it was read", detail, Source(shown), hint=hint)
        )
    return FileEdit(path, shown, before, text)


def _set_name(draft: Draft, target: _Target, name: str) -> None:
    written = target.document.value.get("name")

    def edit(text: str) -> str:
        return replace_scalar(text, target.place, ("name",), escape_references(name))

    _set_text(draft, target, "name", written, name, edit)


def _set_sender(draft: Draft, target: _Target, index: int, sender: str | None) -> None:
    written = target.document.value["flow"][index].get("from")

    def edit(text: str) -> str:
        return set_sender(text, target.place, index, sender)

    _set_text(draft, target, f"flow[{index}].from", written, sender or "", edit)


def _set_text(
    draft: Draft, target: _Target, where: str, written: object, value: str, edit: Callable[[str], str]
) -> None:
    """Write a value where it is written: into the file, or into omnictl.yaml where it is a variable."""
    variable = find_variable(written)
    if variable is not None:
        _set_variable(draft, target, where, variable, value)
        return
    if has_variable(written) and len(_environments_of(target.scenario_id, draft.project)) > 1:
        names = ", ".join(_environments_of(target.scenario_id, draft.project))
        why = f"a variable is a part of the value, and the scenario is in several environments ({names})"
        draft.refusals.append(_refused(why, target, where, "edit the file or the variable by hand"))
    _edit(draft, target, where, edit)


def _environments_of(scenario_id: str, project: Project) -> list[str]:
    return [
        name
        for name, configuration in project.validation.configurations.items()
        if any(id_of(address) == scenario_id for address in configuration.resources)
    ]


def _set_variable(draft: Draft, target: _Target, where: str, name: str, value: str) -> None:
    project = draft.project
    giver = find_giver(name, project.environment, project.settings, project.given, project.environ)
    if giver:
        why = f"the value is the variable {name}, which {giver} gives in this run, and no file does"
        hint = "change it where it is set, or run accept without it"
        draft.refusals.append(_refused(why, target, where, hint))
        return
    path = project.settings.path or project.settings.root / FILE_NAME
    real = os.path.realpath(path)
    if not is_inside(real, os.path.realpath(project.settings.root)):
        why = f"the value is the variable {name}, and {path.name} is a link that leads out of the project"
        draft.refusals.append(_refused(why, target, where, "change it where it lies"))
        return
    if real not in draft.files:
        draft.files[real] = _read(real, path.name, None)
    file = draft.files[real]

    def edit(text: str) -> str:
        return set_variable(text, project.environment, name, value)

    _edit(draft, _Target(target.scenario_id, target.document, file, target.place), where, edit)


def _edit(
    draft: Draft, target: _Target, where: str, edit: Callable[[str], str], fields: Sequence[str] | None = None
) -> None:
    """Edit a text at a place of the scenario; ``fields`` are those that it takes over, if it is not that place."""
    try:
        target.file.text = edit(target.file.text)
    except EditRefusedError as why:
        draft.refusals.append(_refused(str(why), target, where, "edit the file by hand, then look with omnictl plan"))
        return
    target.file.fields += [(target.scenario_id, each) for each in fields or [where]]


def _refused(why: str, target: _Target, where: str, hint: str) -> Diagnostic:
    source = target.document.source(where)
    detail = f"{where} of {target.scenario_id}: {why}. Nothing was written."
    return mistake("edit-refused", "The file cannot be edited here", detail, source, hint=hint)


CODES = {
    "edit-refused": "accept writes only nodes that belong to one scenario alone: not what comes through an anchor or a "
    "merge key, not a text with a variable in it where the scenario is in several environments, not a variable that "
    "--var or OMNICTL_VAR_NAME gives, not a flow of which ignore_changes would then name another step. Nothing was "
    "written.",
}
