"""``omnictl accept``: the opposite of apply. Writes what the account has into files, never state or account."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from omnictl import __version__
from omnictl.cli.accepting import (
    find_addresses,
    find_default_note,
    read_project,
    read_view,
    refuse_fields,
    refuse_unusable,
)
from omnictl.cli.completing import complete_recorded_ids
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.files import find_obstacle, unwritable
from omnictl.cli.hiding import hide_in
from omnictl.cli.options import global_options
from omnictl.codec.envelope import make_envelope
from omnictl.config.accepting import Draft, FileEdit, Project, draft_acceptances
from omnictl.config.documents import MistakeError
from omnictl.config.proving import find_consequences, find_new, prove
from omnictl.config.scenarios import Validation
from omnictl.durable import FileMovedOnError, Replacement, replace_files
from omnictl.engine.accepting import accept_account, differing_fields, ignored_changes
from omnictl.engine.view import View
from omnictl.errors import ConfigurationError, OutputError, RefusalKind, RefusedError
from omnictl.lint.check import lint
from omnictl.model.acceptance import Acceptance
from omnictl.model.address import Address, id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Attributes, Json, Resource
from omnictl.model.state import Record
from omnictl.render.accept_text import EditedFile, Unchanged, render_acceptance, render_edits
from omnictl.render.difference import render_difference


@click.command("accept", epilog="Example: omnictl accept vk-sms --dry-run")
@click.argument("ids", nargs=-1, required=True, metavar="ID…", shell_complete=complete_recorded_ids)
@click.option("--field", "fields", multiple=True, metavar="F", help="Only this: name, flow, a step, a sender.")
@click.option("--dry-run", is_flag=True, help="Show the edit and write nothing.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="How it is shown.")
@global_options
@click.pass_context
def command(ctx: click.Context, *, ids: Sequence[str], fields: Sequence[str], dry_run: bool, output_format: str) -> int:
    """Write what somebody changed on the account into the files: the opposite of apply.

    Comments, order and anchors stay. A value that is a variable is written into the environment. Everything is read
    again with the edit in place: if anything else would change, in any environment, nothing is written.

    A step is flow[N] and its sender flow[N].from, where N counts from 0 in the file.
    """
    session = get_session(ctx)
    project = read_project(session)
    refuse_fields(fields, project)
    state, addresses = find_addresses(ids, project, session)
    view = read_view(session, project, state)
    refuse_unusable(addresses, view, session)
    accepted = [_accept(each, view, fields) for each in addresses]
    unchanged = [_word_unchanged(each.address, view, session) for each in accepted if not each.fields]
    notes = find_default_note(addresses, view, project)
    draft = _draft(project, accepted)
    problems = draft.refusals or _check(draft, accepted, session)
    if problems:
        if output_format != "json":
            _offer_others(project, accepted, fields, session)
        return _refuse(session, draft, problems, output_format)
    if not dry_run:
        _write(draft.edits)
    taken = {id_of(each.address): each.fields for each in accepted if each.fields}
    if output_format == "json":
        names: list[Json] = [each.scenario_id for each in unchanged]
        _answer(session, draft, ExitCode.OK, written=bool(taken) and not dry_run, unchanged=names, diagnostics=notes)
        return ExitCode.OK
    files = [_shown(each) for each in draft.edits]
    session.show(render_acceptance(files, taken, unchanged, session.output.out_style, dry_run=dry_run))
    session.output.diagnostics(notes)
    if taken:
        again = session.command("accept", *taken, *_field_words(fields))
        following = f"Write it with\n    {again}" if dry_run else f"Next:\n    {session.command('plan')}"
        session.output.hint(f"\n{following}")
    return ExitCode.OK


def _accept(address: Address, view: View, fields: Sequence[str]) -> Acceptance:
    return accept_account(*_versions_of(address, view), fields)


def _versions_of(address: Address, view: View) -> tuple[Resource, Record, Attributes]:
    record = view.state.records[address]
    return view.configuration.resources[address], record, view.remotes[record.key].attributes


def _draft(project: Project, accepted: Sequence[Acceptance]) -> Draft:
    try:
        return draft_acceptances(project, accepted)
    except MistakeError as moved:
        raise ConfigurationError(moved.diagnostic) from None


def _word_unchanged(address: Address, view: View, session: Session) -> Unchanged:
    ignored = ignored_changes(*_versions_of(address, view))
    differing = ignored or differing_fields(*_versions_of(address, view))
    named = session.command("accept", id_of(address), *_field_words(differing)) if differing else ""
    return Unchanged(id_of(address), named, is_ignored=bool(ignored))


def _offer_others(project: Project, accepted: Sequence[Acceptance], fields: Sequence[str], session: Session) -> None:
    """Say which of several scenarios can be written: those whose edits prove alone, if they do so together."""
    chosen = [each for each in accepted if each.fields]
    sound = [each for each in chosen if len(chosen) > 1 and _is_sound(project, [each], session)]
    if sound and (len(sound) == 1 or _is_sound(project, sound, session)):
        ids = [id_of(each.address) for each in sound]
        again = session.command("accept", *ids, *_field_words(fields))
        without = f"{len(ids)} of {len(chosen)} scenarios can be written without the others"
        session.output.hint(f"Nothing was written; {without}:\n    {again}\n")


def _is_sound(project: Project, accepted: Sequence[Acceptance], session: Session) -> bool:
    draft = _draft(project, accepted)
    return not (draft.refusals or _find_problems(draft, accepted, session)[1])


def _check(draft: Draft, accepted: Sequence[Acceptance], session: Session) -> Sequence[Diagnostic]:
    """Return what the edits would do beside what they are for; what else they bring is told."""
    after, found = _find_problems(draft, accepted, session)
    if not found:
        session.output.diagnostics(find_consequences(draft.project.validation, after))
    return tuple(_of_the_edit(each, draft) for each in found)


def _find_problems(
    draft: Draft, accepted: Sequence[Acceptance], session: Session
) -> tuple[Validation, tuple[Diagnostic, ...]]:
    """Return what everything reads as with the edits in place, and what must not be."""
    targets = {each.address: each.attributes for each in accepted if each.fields}
    if not targets:
        return draft.project.validation, ()
    after, problems = prove(draft, targets)
    return after, problems or tuple(find_new(_lint(draft.project.validation, session), _lint(after, session)))


def _of_the_edit(problem: Diagnostic, draft: Draft) -> Diagnostic:
    """Say of a problem whose place is in an edited file that it is not on the disk: its line is one of the edit."""
    if problem.source is None or problem.source.path not in {each.shown for each in draft.edits}:
        return problem
    return replace(problem, detail=f"In the edit, which was not written: {problem.detail}")


def _lint(validation: Validation, session: Session) -> tuple[Diagnostic, ...]:
    """Return what breaks the rules that the project made errors."""
    rules = session.settings.lint
    if Severity.ERROR.value not in rules.values():
        return ()
    configurations = validation.configurations.values()
    return tuple(found for each in configurations for found in lint(each, rules, only=(Severity.ERROR,)))


def _refuse(session: Session, draft: Draft, problems: Sequence[Diagnostic], output_format: str) -> int:
    """Show the edit that must not be, and why; one JSON document says both."""
    if output_format != "json":
        shown = render_edits([_shown(each) for each in draft.edits], session.output.out_style)
        if shown:
            session.show(f"Not written:\n\n{shown}")
        raise RefusedError(RefusalKind.POLICY, *problems)
    session.output.diagnostics(problems)
    hidden = hide_in(problems)
    refusal: Json = {"kind": RefusalKind.POLICY.value}
    _answer(session, draft, ExitCode.REFUSED, written=False, unchanged=(), diagnostics=hidden, refusal=refusal)
    return ExitCode.REFUSED


def _write(edits: Sequence[FileEdit]) -> None:
    """Replace the files, all of them or none."""
    for each in edits:
        why = find_obstacle(Path(each.path))
        if why:
            raise OutputError(unwritable(Path(each.shown), why))
    try:
        replace_files([Replacement(Path(each.path), each.before, each.after) for each in edits])
    except FileMovedOnError as error:
        raise RefusedError(RefusalKind.STALE, _changed_meanwhile(_name_of(error, edits))) from None
    except OSError as error:
        raise OutputError(unwritable(Path(_name_of(error, edits)), error.strerror or str(error))) from None


def _name_of(error: OSError, edits: Sequence[FileEdit]) -> str:
    """Return the file that could not be written: it, or a temporary one beside it."""
    failed = Path(str(error.filename2 or error.filename))
    beside = [each.shown for each in edits if Path(each.path).parent == failed.parent]
    named = {Path(each.path): each.shown for each in edits}
    return named.get(failed) or next(iter(beside), edits[0].shown)


def _shown(edit: FileEdit) -> EditedFile:
    return EditedFile(edit.shown, edit.text_before, edit.text)


def _field_words(fields: Sequence[str]) -> Sequence[str]:
    return [part for each in fields for part in ("--field", each)]


def _answer(session: Session, draft: Draft, code: ExitCode, *, written: bool, **fields: Any) -> None:
    items: list[Json] = [
        {
            "path": each.shown,
            "fields": [{"id": scenario_id, "field": name} for scenario_id, name in each.fields],
            "diff": render_difference(each.text_before, each.text, each.shown),
        }
        for each in draft.edits
    ]
    document = make_envelope(
        "accept",
        version=__version__,
        environment=session.place.environment,
        sandbox=session.sandbox,
        exit_code=code,
        diagnostics=fields.pop("diagnostics", ()),
        written=written,
        items=items,
        **fields,
    )
    session.output.document(document)


def _changed_meanwhile(shown: str) -> Diagnostic:
    return Diagnostic(
        "file-changed-meanwhile",
        Severity.ERROR,
        "A file was changed while it was about to be written",
        f"{shown} is no longer as it was read. Nothing was written; what somebody else wrote is there.",
        hint="run the same command again",
    )


CODES = {
    "file-changed-meanwhile": "Between its reading and its writing somebody else wrote a file that accept was to "
    "replace. All files are as they were; run the command again.",
}
