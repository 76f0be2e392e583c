"""``omnictl state``: look at what is remembered, and mend it under the lock, each time with a backup."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from omnictl.cli.commands.state_migrating import migrate
from omnictl.cli.commands.state_moving import forget, move
from omnictl.cli.commands.state_rebuilding import rebuild
from omnictl.cli.context import Session, get_session
from omnictl.cli.durations import lock_timeout_option
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.memory import find_kept, require_state
from omnictl.cli.mending import change_stored, format_option, show_document
from omnictl.cli.options import global_options
from omnictl.cli.provider import open_provider
from omnictl.cli.saved import read_text
from omnictl.cli.system import utc_now
from omnictl.codec.parts import encode_record
from omnictl.codec.shapes import write_time
from omnictl.codec.state import decode_state, encode_state
from omnictl.engine.surgery import Replaced, bring_back, push_state, roll_back_state
from omnictl.errors import StateError, UsageError
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Json, Remote
from omnictl.model.shell import quote_word
from omnictl.model.state import State
from omnictl.operations.apply import describe_holder
from omnictl.operations.surgery import find_intent, find_records, settle_absent, settle_found
from omnictl.provider.base import StopSignal
from omnictl.render.state_text import Version, render_history, render_record, render_state
from omnictl.render.words import count
from omnictl.state.base import KeptLock, LockHolder
from omnictl.state.errored import is_errored
from omnictl.state.location import shown_place


@click.group("state", epilog="Example: omnictl state list")
@global_options
def command() -> None:
    """Look at the state, and mend it. Every change is made under the lock and keeps the version before."""


def _subcommand(name: str, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    def decorate(function: Callable[..., Any]) -> click.Command:
        made = click.command(name, epilog=f"Example: {example}")(global_options(click.pass_context(function)))
        command.add_command(made)
        return made

    return decorate


@_subcommand("list", "omnictl state list --format json")
@format_option
def list_records(ctx: click.Context, output_format: str) -> int:
    """List the managed scenarios with their keys."""
    session = get_session(ctx)
    state = _read(session)
    if output_format == "json":
        items: list[Json] = [
            {"id": id_of(address), **encode_record(record)} for address, record in sorted(state.records.items())
        ]
        show_document(session, "state-list", items=items, serial=state.serial, lineage=state.lineage)
    else:
        session.show(render_state(state, session.output.out_style))
    return ExitCode.OK


@_subcommand("show", "omnictl state show vk-sms")
@click.argument("scenario_id", metavar="ID")
@format_option
def show_record(ctx: click.Context, scenario_id: str, output_format: str) -> int:
    """Show all that is remembered of one scenario."""
    session = get_session(ctx)
    state = _read(session)
    (record,) = find_records(state, (scenario_id,))
    if output_format == "json":
        show_document(session, "state-record", item={"id": scenario_id, **encode_record(record)})
    else:
        session.show(render_record(record, session.output.out_style))
    return ExitCode.OK


@_subcommand("pull", "omnictl state pull > state.json")
def pull(ctx: click.Context) -> int:
    """Write the state as JSON to stdout."""
    session = get_session(ctx)
    session.output.result(encode_state(_read(session)))
    return ExitCode.OK


@_subcommand("push", "omnictl state push .omnictl/errored/production-119.json")
@click.argument("path", metavar="FILE")
@click.option("--force", is_flag=True, help="Go back to the file, where the stored state went on since.")
@lock_timeout_option
@format_option
def push(ctx: click.Context, path: str, *, force: bool, lock_timeout: float | None, output_format: str) -> int:
    """Store a state from a file ("-" is stdin). No key of the state before is dropped: it becomes a tombstone.

    Where the stored state went on since (its serial is that of the file, or higher), it is kept, and only what the
    file alone knows is added: keys, and creates that are open.
    """
    session = get_session(ctx)
    incoming = _read_incoming(path)
    environment = session.place.environment

    def change(current: State | None) -> Replaced:
        return push_state(current, incoming, environment, utc_now(), goes_back=force)

    stored = change_stored(session, "state push", change, lock_timeout)
    if output_format == "text" and stored.is_kept:
        session.show("\n".join((*_say_kept(stored, incoming), *(_say_needless(session, path) or _say_force(path)))))
        return ExitCode.OK
    told = f"Stored as serial {stored.state.serial}: {count(len(stored.state.records), 'scenario')}."
    if not stored.is_changed:
        told = f"Nothing to do: this is what is stored, as serial {stored.state.serial}."
    _tell_change(
        session,
        "state-push",
        stored,
        told,
        output_format,
        is_kept=stored.is_kept,
        recorded=list(stored.recorded),
        lines=_say_needless(session, path),
    )
    return ExitCode.OK


def _say_needless(session: Session, path: str) -> tuple[str, ...]:
    """Say that an errored state may be removed: all that it knows is stored now."""
    if path == "-" or not is_errored(Path(path), session.place.work_dir):
        return ()
    return (f"The file is not needed any more, what it knows is stored:\n    rm {quote_word(path)}",)


def _say_kept(stored: Replaced, incoming: State) -> Iterator[str]:
    """Say that the stored state went on since, and what was added to it."""
    serial = f"serial {stored.state.serial}"
    if not stored.is_changed:
        yield f"Nothing to put back: what is stored, as {serial}, knows all of the file (serial {incoming.serial})."
    else:
        yield f"The stored state went on since serial {incoming.serial}: it is kept, with what only the file knew."
        yield f"Stored as {serial}: {count(len(stored.state.records), 'scenario')}."
    if stored.recorded:
        yield f"Recorded again: {', '.join(stored.recorded)}."
    if stored.buried:
        yield f"Another key is recorded by now, that of the file is a tombstone: {', '.join(stored.buried)}."
    if stored.is_changed and stored.state.intents:
        yield f"Creates that are open, which the next apply looks for: {count(len(stored.state.intents), 'create')}."


def _say_force(path: str) -> tuple[str, ...]:
    return (f"To go back to the file all the same:\n    omnictl state push --force {quote_word(path)}",)


def _read_incoming(path: str) -> State:
    """Return the state of a file that somebody named, or of stdin."""
    text = sys.stdin.buffer.read() if path == "-" else read_text(Path(path))
    try:
        return decode_state(text, path="stdin" if path == "-" else path)
    except StateError as error:
        cure = "a state comes from state pull, from git, or from where state history says"
        told = [replace(each, hint=cure, commands=()) for each in error.diagnostics if each.code == "unreadable-state"]
        if told:
            raise UsageError(*told) from None
        raise


@_subcommand("rollback", "omnictl state rollback 118")
@click.argument("serial", type=click.IntRange(min=0))
@click.option(
    "--lineage", metavar="LINEAGE", help="Of which lineage, or how it begins, where it is not that of the state."
)
@lock_timeout_option
@format_option
def rollback(
    ctx: click.Context, serial: int, lineage: str | None, lock_timeout: float | None, output_format: str
) -> int:
    """Go back to a kept version. No key is dropped: what it does not have becomes a tombstone.

    Where the state itself is lost, the version that was written last of this serial comes back.
    """
    session = get_session(ctx)

    def change(current: State | None) -> Replaced:
        if current is not None and (lineage is None or current.lineage.startswith(lineage)):
            return roll_back_state(current, session.backend.read_version(current.lineage, serial), utc_now())
        kept = find_kept(session, current, serial, lineage or "")
        older = session.backend.read_version(kept.version.lineage, serial)
        return bring_back(current, older, kept.latest, session.place.environment, utc_now())

    stored = change_stored(session, "state rollback", change, lock_timeout)
    told = f"Back at version {serial}, stored as serial {stored.state.serial}."
    if not stored.is_changed:
        told = f"Nothing to do: version {serial} is what is stored, as serial {stored.state.serial}."
    _tell_change(session, "state-rollback", stored, told, output_format)
    return ExitCode.OK


def _tell_change(
    session: Session,
    kind: str,
    stored: Replaced,
    told: str,
    output_format: str,
    *,
    lines: Iterable[str] = (),
    **fields: Any,
) -> None:
    """Say what is stored now, and which scenarios are no longer recorded."""
    if output_format == "json":
        show_document(
            session,
            kind,
            changed=stored.is_changed,
            lineage=stored.state.lineage,
            serial=stored.state.serial,
            scenarios=len(stored.state.records),
            tombstones=list(stored.buried),
            **fields,
        )
        return
    said = [told]
    if stored.buried:
        said.append(f"No longer recorded, but remembered as tombstones: {', '.join(stored.buried)}.")
        said.append("Those that files declare are taken up again by the next plan:\n    omnictl plan")
    session.show("\n".join((*said, *lines)))


@_subcommand("history", "omnictl state history")
@format_option
def history(ctx: click.Context, output_format: str) -> int:
    """List the kept versions, the last written first."""
    session = get_session(ctx)
    versions = session.backend.history()
    if output_format == "json":
        items: list[Json] = [
            {
                "lineage": each.lineage,
                "serial": each.serial,
                "written_at": write_time(each.written_at.replace(microsecond=0)),
                "location": each.location,
            }
            for each in versions
        ]
        show_document(session, "state-history", items=items)
    elif versions:
        rows = [Version(each.lineage, each.serial, each.written_at, shown_place(each.location)) for each in versions]
        session.show(render_history(rows, session.output.out_style))
    else:
        session.show("No versions are kept yet: the first change of a stored state keeps the one before.")
    return ExitCode.OK


@_subcommand("unlock", "omnictl state unlock")
@click.option(
    "--force",
    "lock_id",
    metavar="LOCK",
    help="Clear the lock of this name, where only a server keeps it and its holder is surely gone.",
)
@format_option
def unlock(ctx: click.Context, *, lock_id: str | None, output_format: str) -> int:
    """Clear what a holder that is gone left beside the lock. Refuses while the holder lives.

    Where nobody can tell whether it lives, as behind Terraform's HTTP protocol, it says who holds the lock, and the
    command that clears it by its name.
    """
    session = get_session(ctx)
    holder = session.backend.unlock() if lock_id is None else _clear_by_name(session, lock_id)
    if output_format == "json":
        left = {"operation": holder.operation, "run": holder.run, "since": write_time(holder.since)} if holder else None
        show_document(session, "state-unlock", cleared=left)
    else:
        told = "Nobody holds the lock, and nothing was left beside it."
        session.show(f"Cleared what was left by {describe_holder(holder)}." if holder else told)
    return ExitCode.OK


def _clear_by_name(session: Session, lock_id: str) -> LockHolder | None:
    if isinstance(session.backend, KeptLock):
        return session.backend.clear_lock(lock_id)
    raise UsageError(
        Diagnostic(
            "needless-force",
            Severity.ERROR,
            "This lock is not cleared by its name",
            f"{session.backend.location}: it ends with its holder, so that nobody has to say that the holder is gone.",
            hint="without --force it is looked at, and cleared where its holder is gone",
            commands=("omnictl state unlock",),
        )
    )


@_subcommand("settle", "omnictl state settle otp-br --key 9A41B30C5D7E4F60A1B2C3D4E5F607CE")
@click.argument("scenario_id", metavar="ID")
@click.option("--key", help="The scenario that the create made.")
@click.option("--absent", is_flag=True, help="The create did not happen.")
@lock_timeout_option
@format_option
def settle(
    ctx: click.Context,
    *,
    scenario_id: str,
    key: str | None,
    absent: bool,
    lock_timeout: float | None,
    output_format: str,
) -> int:
    """Say what became of a create where omnictl cannot tell."""
    if (key is None) == (not absent):
        raise click.UsageError("Give --key KEY or --absent, one of them.", ctx)
    session = get_session(ctx)

    def change(current: State | None) -> Replaced:
        state = require_state(current, session)
        intent = find_intent(state, scenario_id)
        if key is None:
            return settle_absent(state, intent, utc_now())
        return settle_found(state, intent, _read_remote(session, state, key))

    stored = change_stored(session, "state settle", change, lock_timeout)
    became = "did not happen" if key is None else f"made {key}"
    _tell_change(session, "state-settle", stored, f"{scenario_id} is settled: its create {became}.", output_format)
    return ExitCode.OK


def _read_remote(session: Session, state: State, key: str) -> Remote:
    provider = open_provider(session, state, StopSignal(), lambda _: None, read_only=True)
    try:
        remote = provider.get(key)
    finally:
        provider.close()
    if remote is None:
        raise StateError(
            Diagnostic("no-such-key", Severity.ERROR, "The account has no scenario with this key", f"{key}.")
        )
    return remote


def _read(session: Session) -> State:
    return require_state(session.backend.read(), session)


for _each in (migrate, move, forget, rebuild):
    command.add_command(_each)

CODES = {
    "needless-force": "state unlock --force LOCK is for a state behind Terraform's HTTP protocol, where only the user "
    "knows whether the holder of a lock is gone. Other locks end with their holder.",
    "no-such-key": "The account does not know the key that was given.",
}
