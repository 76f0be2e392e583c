"""``omnictl state``: look at what is remembered, and mend it under the lock, each time with a backup."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from omnictl import __version__
from omnictl.cli.context import Session, get_session, utc_now
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.globals import global_options
from omnictl.cli.saved import read_text
from omnictl.codec.parts import encode_record
from omnictl.codec.report import make_envelope
from omnictl.codec.state import decode_state, encode_state
from omnictl.engine.surgery import push_state, roll_back_state
from omnictl.errors import StateError
from omnictl.model.address import id_of, make_address
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Json
from omnictl.model.state import State
from omnictl.operations.surgery import change_state, find_intent, settle_absent, settle_found
from omnictl.provider.base import StopSignal
from omnictl.render.state_text import render_record, render_state, table

FORMAT = click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="How.")


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
@FORMAT
def list_records(ctx: click.Context, output_format: str) -> int:
    """List the managed scenarios with their keys."""
    session = get_session(ctx)
    state = _read(session)
    if output_format == "json":
        items: list[Json] = [
            {"id": id_of(address), **encode_record(record)} for address, record in sorted(state.records.items())
        ]
        _show_document(session, "state-list", items=items, serial=state.serial, lineage=state.lineage)
    else:
        session.show(render_state(state, session.output.out_style))
    return ExitCode.OK


@_subcommand("show", "omnictl state show vk-sms")
@click.argument("scenario_id", metavar="ID")
@FORMAT
def show_record(ctx: click.Context, scenario_id: str, output_format: str) -> int:
    """Show all that is remembered of one scenario."""
    session = get_session(ctx)
    state = _read(session)
    record = state.records.get(make_address(scenario_id))
    if record is None:
        raise StateError(_unrecorded(scenario_id, state))
    if output_format == "json":
        _show_document(session, "state-record", item={"id": scenario_id, **encode_record(record)})
    else:
        session.show(render_record(record, session.output.out_style))
    return ExitCode.OK


@_subcommand("pull", "omnictl state pull > state.json")
def pull(ctx: click.Context) -> int:
    """Write the state, as it is stored, to stdout."""
    session = get_session(ctx)
    session.output.result(encode_state(_read(session)))
    return ExitCode.OK


@_subcommand("push", "omnictl state push .omnictl/errored/production-119.json")
@click.argument("path", metavar="FILE")
def push(ctx: click.Context, path: str) -> int:
    """Store a state from a file ("-" is stdin). No key of the state before is dropped: it becomes a tombstone."""
    session = get_session(ctx)
    text = sys.stdin.buffer.read() if path == "-" else read_text(Path(path))
    incoming = decode_state(text, path=path)
    stored = change_state(
        session.backend, session.holder("state push"), lambda current: push_state(current, incoming, utc_now())
    )
    session.output.say(f"Stored as serial {stored.serial}: {len(stored.records)} scenarios.")
    return ExitCode.OK


@_subcommand("rollback", "omnictl state rollback 118")
@click.argument("serial", type=int)
def rollback(ctx: click.Context, serial: int) -> int:
    """Go back to a kept version. No key is dropped: what it does not have becomes a tombstone."""
    session = get_session(ctx)
    older = session.backend.read_version(serial)
    stored = change_state(
        session.backend,
        session.holder("state rollback"),
        lambda current: roll_back_state(_existing(current, session), older, utc_now()),
    )
    session.output.say(f"Back at version {serial}, stored as serial {stored.serial}.")
    return ExitCode.OK


@_subcommand("history", "omnictl state history")
@FORMAT
def history(ctx: click.Context, output_format: str) -> int:
    """List the kept versions, newest first."""
    session = get_session(ctx)
    versions = session.backend.history()
    if output_format == "json":
        items: list[Json] = [
            {"serial": each.serial, "written_at": f"{each.written_at:%Y-%m-%dT%H:%M:%SZ}", "location": each.location}
            for each in versions
        ]
        _show_document(session, "state-history", items=items)
    else:
        rows = [("SERIAL", "WRITTEN", "WHERE")]
        rows += [(str(each.serial), f"{each.written_at:%Y-%m-%d %H:%M:%SZ}", each.location) for each in versions]
        session.show("\n".join(table(rows, session.output.out_style)))
    return ExitCode.OK


@_subcommand("unlock", "omnictl state unlock")
def unlock(ctx: click.Context) -> int:
    """Clear a lock whose holder is gone; refuses while the holder lives."""
    session = get_session(ctx)
    holder = session.backend.unlock()
    said = f"Cleared: {holder.operation} since {holder.since:%Y-%m-%d %H:%M:%SZ}." if holder else "It was not locked."
    session.output.say(said)
    return ExitCode.OK


@_subcommand("settle", "omnictl state settle otp-br --key 9A41...07CE")
@click.argument("scenario_id", metavar="ID")
@click.option("--key", help="The scenario that the create made.")
@click.option("--absent", is_flag=True, help="The create did not happen.")
def settle(ctx: click.Context, scenario_id: str, key: str | None, absent: bool) -> int:
    """Say what became of a create whose outcome is unknown, where omnictl cannot tell."""
    if (key is None) == (not absent):
        raise click.UsageError("Give --key KEY or --absent, one of them.", ctx)
    session = get_session(ctx)

    def change(current: State | None) -> State:
        state = _existing(current, session)
        intent = find_intent(state, scenario_id)
        if key is None:
            changed = settle_absent(state, intent)
        else:
            changed = settle_found(state, intent, _read_remote(session, state, key))
        return replace(changed, serial=state.serial + 1)

    change_state(session.backend, session.holder("state settle"), change)
    session.output.say(f"{scenario_id} is settled.")
    return ExitCode.OK


def _read_remote(session: Session, state: State, key: str) -> Any:
    provider = session.open_provider(state, StopSignal(), lambda _: None, read_only=True)
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
    return _existing(session.backend.read(), session)


def _existing(state: State | None, session: Session) -> State:
    if state is not None:
        return state
    raise StateError(
        Diagnostic(
            "no-state",
            Severity.ERROR,
            "There is no state yet",
            f"{session.backend.location} does not exist.",
            hint="apply makes it; check --env and --state",
        )
    )


def _show_document(session: Session, kind: str, **fields: Any) -> None:
    session.output.document(
        make_envelope(
            kind,
            version=__version__,
            environment=session.place.environment,
            sandbox=session.sandbox,
            exit_code=0,
            diagnostics=(),
            **fields,
        )
    )


def _unrecorded(scenario_id: str, state: State) -> Diagnostic:
    from difflib import get_close_matches

    close = get_close_matches(scenario_id, [id_of(each) for each in state.records], n=1)
    return Diagnostic(
        "not-recorded",
        Severity.ERROR,
        "The state has no scenario with this id",
        f"{scenario_id} is not recorded.",
        hint=f"did you mean {close[0]}?" if close else "",
        commands=("omnictl state list",),
    )


CODES = {
    "no-state": "The environment has no state yet, or --state names another place.",
    "not-recorded": "No scenario is recorded under this id; state list shows those that are.",
    "no-such-key": "The account does not know the key that was given.",
}
