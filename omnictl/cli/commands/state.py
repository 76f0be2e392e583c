"""``omnictl state``: look at what is remembered, and mend it under the lock, each time with a backup."""

from collections.abc import Callable
from typing import Any

import click

from omnictl.cli.commands.state_migrating import migrate
from omnictl.cli.commands.state_moving import forget, move
from omnictl.cli.commands.state_rebuilding import rebuild
from omnictl.cli.commands.state_replacing import push, rollback
from omnictl.cli.context import Session, get_session
from omnictl.cli.durations import lock_timeout_option
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.memory import require_state
from omnictl.cli.mending import change_stored, format_option, show_document, tell_change
from omnictl.cli.options import global_options
from omnictl.cli.provider import open_provider
from omnictl.cli.system import utc_now
from omnictl.codec.parts import encode_record
from omnictl.codec.shapes import write_time
from omnictl.codec.state import encode_state
from omnictl.engine.surgery import Replaced
from omnictl.errors import StateError, UsageError
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Json, Remote
from omnictl.model.state import State
from omnictl.operations.apply import describe_holder
from omnictl.operations.surgery import find_intent, find_records, settle_absent, settle_found
from omnictl.provider.base import StopSignal
from omnictl.render.state_text import Version, render_history, render_record, render_state
from omnictl.state.base import KeptLock, LockHolder
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
    tell_change(session, "state-settle", stored, f"{scenario_id} is settled: its create {became}.", output_format)
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


for _each in (push, rollback, migrate, move, forget, rebuild):
    command.add_command(_each)

CODES = {
    "needless-force": "state unlock --force LOCK is for a state behind Terraform's HTTP protocol, where only the user "
    "knows whether the holder of a lock is gone. Other locks end with their holder.",
    "no-such-key": "The account does not know the key that was given.",
}
