"""``state mv`` and ``rm``: give a record another id, or forget it. The account is only looked at, and in a dry run."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import click

from omnictl.cli.completing import complete_allowances, complete_recorded_ids
from omnictl.cli.context import Session, get_session
from omnictl.cli.durations import lock_timeout_option
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.memory import require_state
from omnictl.cli.mending import (
    change_stored,
    dry_run_option,
    encode_foretold,
    find_declared,
    foretell,
    format_option,
    not_declared,
    say_foretold,
    show_document,
    still_declared,
)
from omnictl.cli.options import global_options
from omnictl.cli.planning import read_choices
from omnictl.cli.system import utc_now
from omnictl.codec.parts import decode_address
from omnictl.codec.shapes import ShapeError
from omnictl.engine.surgery import Replaced, forget_records, move_record
from omnictl.model.address import RESERVED_ID, Address, id_of, make_address
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.state import Record, State
from omnictl.operations.surgery import find_records
from omnictl.render.style import sanitize
from omnictl.render.words import count


@click.command("mv", epilog="Example: omnictl state mv otp otp-world --dry-run")
@click.argument("old", metavar="OLD", shell_complete=complete_recorded_ids)
@click.argument("new", metavar="NEW")
@dry_run_option
@lock_timeout_option
@format_option
@global_options
@click.pass_context
def move(
    ctx: click.Context, *, old: str, new: str, dry_run: bool, lock_timeout: float | None, output_format: str
) -> int:
    """Give a recorded scenario another id; its key stays. Nothing is sent.

    For a rename, previous_ids in the file does the same, in every environment and with a review.
    """
    session = get_session(ctx)
    address = _read_id(new)
    if old == new:
        raise click.UsageError("OLD and NEW are the same id.", ctx)

    def change(current: State | None) -> Replaced:
        state = require_state(current, session)
        (record,) = find_records(state, (old,))
        return move_record(state, record.address, address)

    stored = _make(session, "state mv", change, lock_timeout, dry_run=dry_run)
    record = stored.state.records[address]
    verb = "would be" if dry_run else "is"
    told = [f"{old} {verb} {new}, with the same key {sanitize(record.key)}. {_where(stored, dry_run=dry_run)}"]
    notes = _note_moved(session, old, new)
    fields = {"id": new, "previous_id": old, "key": record.key}
    _tell(session, "state-mv", stored, told, notes, {make_address(old), address}, fields, output_format, dry_run)
    return ExitCode.OK


@click.command("rm", epilog="Example: omnictl state rm promo-2019 --dry-run")
@click.argument("scenario_ids", metavar="ID...", nargs=-1, required=True, shell_complete=complete_recorded_ids)
@click.option(
    "--allow",
    multiple=True,
    metavar="GUARD=ID",
    shell_complete=complete_allowances,
    help="Allow what a guard refuses: protected or default-change.",
)
@dry_run_option
@lock_timeout_option
@format_option
@global_options
@click.pass_context
def forget(
    ctx: click.Context,
    *,
    scenario_ids: tuple[str, ...],
    allow: tuple[str, ...],
    dry_run: bool,
    lock_timeout: float | None,
    output_format: str,
) -> int:
    """Forget recorded scenarios; nothing is sent. They stay on the account, and tombstones keep their keys."""
    session = get_session(ctx)
    allowed = read_choices((), (), allow).allowed
    forgotten: list[Record] = []

    def change(current: State | None) -> Replaced:
        state = require_state(current, session)
        forgotten[:] = find_records(state, scenario_ids)
        return forget_records(state, tuple(each.address for each in forgotten), allowed, utc_now())

    stored = _make(session, "state rm", change, lock_timeout, dry_run=dry_run)
    verb = "Would forget" if dry_run else "Forgot"
    told = [f"{verb} {count(len(forgotten), 'scenario')}. {_where(stored, dry_run=dry_run)}"]
    told += [f"    {id_of(each.address)}  {sanitize(each.key)}" for each in forgotten]
    them = "it" if len(forgotten) == 1 else "them"
    told.append(f"Whoever holds the key can still send through {them}: the account keeps every scenario.")
    notes = _note_forgotten(session, forgotten)
    addresses = {each.address for each in forgotten}
    items = [{"id": id_of(each.address), "key": each.key} for each in forgotten]
    _tell(session, "state-rm", stored, told, notes, addresses, {"items": items}, output_format, dry_run)
    return ExitCode.OK


def _read_id(text: str) -> Address:
    if text == RESERVED_ID:
        raise click.UsageError(f"{text} cannot be an id: --allow GUARD={text} is for a whole plan.")
    try:
        return decode_address(text, "NEW")
    except ShapeError:
        rule = "lower case letters, digits and dashes, at most 63, no dash in front"
        raise click.UsageError(f"{text[:80]!a} is no id: {rule}.") from None


def _make(
    session: Session,
    operation: str,
    change: Callable[[State | None], Replaced],
    lock_timeout: float | None,
    *,
    dry_run: bool,
) -> Replaced:
    return change(session.backend.read()) if dry_run else change_stored(session, operation, change, lock_timeout)


def _where(stored: Replaced, *, dry_run: bool) -> str:
    return "Nothing is written: this is a dry run." if dry_run else f"Stored as serial {stored.state.serial}."


def _note_moved(session: Session, old: str, new: str) -> tuple[Diagnostic, ...]:
    """Say where the files do not say the same as the state now does."""
    configuration = find_declared(session)
    if configuration is None:
        return ()
    is_old, is_new = (make_address(each) in configuration.resources for each in (old, new))
    if is_old:
        undone = f"takes the move back, or creates {old} anew where its content was edited too"
        return (still_declared(old, "creates it anew" if is_new else undone),)
    return () if is_new else (not_declared(new),)


def _note_forgotten(session: Session, forgotten: Collection[Record]) -> tuple[Diagnostic, ...]:
    configuration = find_declared(session)
    declared = configuration.resources if configuration is not None else {}
    ids = [id_of(each.address) for each in forgotten if each.address in declared]
    return tuple(map(partial(still_declared, what_follows="takes it up again, from its tombstone"), ids))


def _tell(
    session: Session,
    kind: str,
    stored: Replaced,
    told: Collection[str],
    notes: Collection[Diagnostic],
    addresses: Collection[Address],
    fields: dict[str, Any],
    output_format: str,
    dry_run: bool,
) -> None:
    """Say what is stored, or would be; a dry run also says what the next plan would do."""
    foretold = foretell(session, stored.state) if dry_run else None
    if output_format == "json":
        show_document(
            session,
            kind,
            diagnostics=notes,
            **fields,
            dry_run=dry_run,
            changed=stored.is_changed and not dry_run,
            lineage=stored.state.lineage,
            serial=stored.state.serial,
            next_plan=encode_foretold(foretold, addresses) if foretold else None,
        )
        return
    session.output.diagnostics(tuple(notes))
    style = session.output.out_style
    session.show("\n".join([*told, *([say_foretold(foretold, addresses, style)] if foretold else [])]))
