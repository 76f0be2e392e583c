"""``omnictl accept``: the opposite of apply. Writes what the account has into files, never state or account."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from omnictl import __version__
from omnictl.cli.accepting import find_addresses, read_project, read_remotes, refuse_fields
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
from omnictl.errors import ConfigurationError, OutputError, RefusalKind, RefusedError
from omnictl.lint.check import lint
from omnictl.model.acceptance import Acceptance
from omnictl.model.address import Address, id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Json, Remote
from omnictl.model.state import State
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
    remotes = read_remotes(session, state, addresses)
    accepted = [
        accept_account(project.resources[each], state.records[each], remotes[each].attributes, fields)
        for each in addresses
    ]
    unchanged = [_word_unchanged(each, project, state, remotes, session) for each in accepted if not each.fields]
    try:
        draft = draft_acceptances(project, accepted)
    except MistakeError as moved:
        raise ConfigurationError(moved.diagnostic) from None
    problems = draft.refusals or _check(draft, accepted, session)
    if problems:
        return _refuse(session, draft, problems, output_format)
    if not dry_run:
        _write(draft.edits)
    taken = {id_of(each.address): each.fields for each in accepted if each.fields}
    if output_format == "json":
        names: list[Json] = [each.scenario_id for each in unchanged]
        _answer(session, draft, ExitCode.OK, written=bool(taken) and not dry_run, unchanged=names)
        return ExitCode.OK
    files = [_shown(each) for each in draft.edits]
    session.show(render_acceptance(files, taken, unchanged, session.output.out_style, dry_run=dry_run))
    if taken:
        again = session.command("accept", *taken, *_field_words(fields))
        following = f"Write it with\n    {again}" if dry_run else f"Next:\n    {session.command('plan')}"
        session.output.hint(f"\n{following}")
    return ExitCode.OK


def _word_unchanged(
    accepted: Acceptance, project: Project, state: State, remotes: Mapping[Address, Remote], session: Session
) -> Unchanged:
    address = accepted.address
    resource, record, actual = project.resources[address], state.records[address], remotes[address].attributes
    ignored = ignored_changes(resource, record, actual)
    differing = ignored or differing_fields(resource, record, actual)
    named = session.command("accept", id_of(address), *_field_words(differing)) if differing else ""
    return Unchanged(id_of(address), named, is_ignored=bool(ignored))


def _check(draft: Draft, accepted: Sequence[Acceptance], session: Session) -> Sequence[Diagnostic]:
    """Return what the edits would do beside what they are for."""
    targets = {each.address: each.attributes for each in accepted if each.fields}
    if not targets:
        return ()
    after, problems = prove(draft, targets)
    found = problems or tuple(find_new(_lint(draft.project.validation, session), _lint(after, session)))
    if not found:
        session.output.diagnostics(find_consequences(draft.project.validation, after))
    return tuple(_of_the_edit(each, draft) for each in found)


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
