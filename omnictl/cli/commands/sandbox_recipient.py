"""``omnictl sandbox recipient``: who answers how in the sandbox of the environment."""

from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

import click

from omnictl import __version__
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.filters import read_channel, read_to
from omnictl.cli.options import global_options
from omnictl.cli.provider import open_world
from omnictl.codec.envelope import make_envelope
from omnictl.sandbox.codes import get_error, get_status
from omnictl.sandbox.personas import (
    OUTCOMES,
    Entry,
    PersonaError,
    drop_recipients,
    list_recipients,
    put_recipient,
    read_entry,
    write_entry,
)

if TYPE_CHECKING:
    from omnictl.sandbox.store import World

_CHANNEL = click.option(
    "--channel",
    callback=read_channel,
    metavar="CHANNEL",
    help="Only where this channel reaches the recipient; else every channel.",
)
_FORMAT = click.option(
    "--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="How it is shown."
)


@click.group("recipient", epilog="Example: omnictl sandbox recipient set 41793026711 --outcome late")
@global_options
def command() -> None:
    """Who answers how in the sandbox. A recipient is a number, an e-mail address or a push registration id."""


@command.command(
    "set",
    epilog="Example: omnictl sandbox recipient set 41793026711 --channel VIBER --outcome undeliverable --error 7002",
)
@click.argument("recipient", metavar="RECIPIENT", callback=read_to)
@_CHANNEL
@click.option("--outcome", type=click.Choice(list(OUTCOMES)), required=True, help="What becomes of a message to him.")
@click.option("--status", metavar="STATUS", help="Another status of this outcome: its id, as 2/9, or its name.")
@click.option("--error", metavar="ERROR", help="Another error: its id, as 1/6, or its name.")
@click.option("--after", metavar="DURATION", help="How long it takes, as 250ms or 1h30m; for late, after the expiry.")
@click.option("--price", type=click.FloatRange(min=0), metavar="EUR", help="What a message costs.")
@global_options
@click.pass_context
def set_recipient(
    ctx: click.Context,
    /,
    *,
    recipient: str,
    channel: str | None,
    outcome: str,
    status: str | None,
    error: str | None,
    after: str | None,
    price: float | None,
) -> int:
    """Say what becomes of messages to a recipient. It stays until it is set anew or dropped."""
    given = {
        "recipient": recipient,
        "channel": channel,
        "outcome": outcome,
        "status": status,
        "error": error,
        "after": after,
        "price": price,
    }
    try:
        entry = read_entry(given)
    except PersonaError as wrong:
        raise click.UsageError(f"{wrong}.") from None
    session = _in_sandbox(ctx)
    with closing(_open(session)) as world:
        put_recipient(world, entry)
        session.show("\n".join(_table([entry])))
    return ExitCode.OK


@command.command("list", epilog="Example: omnictl sandbox recipient list --format json")
@_FORMAT
@global_options
@click.pass_context
def list_all(ctx: click.Context, *, output_format: str) -> int:
    """List the recipients that were set. The magic numbers of docs/sandbox.md need no setting."""
    session = _in_sandbox(ctx)
    exists = session.place.world_path.exists()
    with closing(open_world(session.place.world_path if exists else None)) as world:
        entries = list_recipients(world)
    if output_format == "json":
        session.output.document(
            make_envelope(
                "sandbox-recipients",
                version=__version__,
                environment=session.place.environment,
                sandbox=True,
                exit_code=ExitCode.OK,
                diagnostics=(),
                items=[write_entry(each) for each in entries],
            )
        )
    elif entries:
        session.show("\n".join(_table(entries)))
    else:
        session.show("No recipients are set.")
    return ExitCode.OK


@command.command("drop", epilog="Example: omnictl sandbox recipient drop 41793026711")
@click.argument("recipient", metavar="[RECIPIENT]", required=False, callback=read_to)
@_CHANNEL
@click.option("--all", "everybody", is_flag=True, help="Drop all recipients.")
@global_options
@click.pass_context
def drop(ctx: click.Context, /, *, recipient: str | None, channel: str | None, everybody: bool) -> int:
    """Forget what was set for a recipient; he is answered as usual again."""
    if (recipient is None) is not everybody or (everybody and channel):
        raise click.UsageError("Name one recipient, or say --all.")
    session = _in_sandbox(ctx)
    with closing(_open(session)) as world:
        dropped = drop_recipients(world, recipient, channel)
    if not dropped and recipient:
        raise click.UsageError(f"There is no recipient {recipient}{f' with channel {channel}' if channel else ''}.")
    session.output.say(f"{dropped} dropped.")
    return ExitCode.OK


def _open(session: Session) -> "World":
    return open_world(session.place.world_path)


def _in_sandbox(ctx: click.Context) -> Session:
    session = get_session(ctx)
    session.options.sandbox = True
    return session


def _table(entries: Iterable[Entry]) -> list[str]:
    """Return the rows in columns, with a head; what is as usual is left empty."""
    head = ("RECIPIENT", "CHANNEL", "OUTCOME", "AFTER", "PRICE", "STATUS", "ERROR")
    rows = [head, *(_cells(each) for each in entries)]
    widths = [max(len(row[number]) for row in rows) for number in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cells(entry: Entry) -> tuple[str, ...]:
    persona, shown = entry.persona, write_entry(entry)
    return (
        entry.recipient,
        entry.channel or "every",
        persona.outcome,
        str(shown.get("after", "")),
        str(shown.get("price", "")),
        get_status(persona.status).shown if persona.status else "",
        get_error(persona.error).shown if persona.error else "",
    )
