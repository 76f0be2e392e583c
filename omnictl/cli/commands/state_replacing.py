"""``state push`` and ``rollback``: put another state in the place of what is stored, and drop no key."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from omnictl.cli.context import Session, get_session
from omnictl.cli.durations import lock_timeout_option
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.memory import find_kept
from omnictl.cli.mending import change_stored, format_option, set_aside_option, tell_change
from omnictl.cli.options import global_options
from omnictl.cli.saved import read_text
from omnictl.cli.system import utc_now
from omnictl.codec.state import HIGHEST_TRUSTED, decode_state
from omnictl.engine.surgery import Replaced, bring_back, push_state, roll_back_state
from omnictl.errors import UnreadableStateError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.shell import quote_word
from omnictl.model.state import State
from omnictl.render.words import count
from omnictl.state.errored import is_errored

_NEAR = 1000
"""How far above the stored one the serial of an apply may be."""


@click.command("push", epilog="Example: omnictl state push .omnictl/errored/production-119.json")
@click.argument("path", metavar="FILE")
@click.option("--force", is_flag=True, help="Go back to the file, where the stored state went on since.")
@set_aside_option
@lock_timeout_option
@format_option
@global_options
@click.pass_context
def push(
    ctx: click.Context, path: str, *, force: bool, set_aside: bool, lock_timeout: float | None, output_format: str
) -> int:
    """Store a state from a file ("-" is stdin). No key of the state before is dropped: it becomes a tombstone.

    Where the stored state went on since (its serial is that of the file, or higher), it is kept, and only what the
    file alone knows is added: keys, and creates that are open.
    """
    session = get_session(ctx)
    incoming = _read_incoming(path)
    environment = session.place.environment

    def change(current: State | None) -> Replaced:
        is_near = current is not None and incoming.serial <= current.serial + _NEAR
        if incoming.serial > HIGHEST_TRUSTED and not is_near:
            raise UsageError(_too_high(incoming.serial, "stdin" if path == "-" else path))
        return push_state(current, incoming, environment, utc_now(), goes_back=force)

    stored = change_stored(session, "state push", change, lock_timeout, sets_aside=set_aside)
    if output_format == "text" and stored.is_kept:
        ways = _say_needless(session, path) or _say_force(session, path)
        session.show("\n".join((*_say_kept(stored, incoming), *ways)))
        return ExitCode.OK
    told = f"Stored as serial {stored.state.serial}: {count(len(stored.state.records), 'scenario')}."
    if not stored.is_changed:
        told = f"Nothing to do: this is what is stored, as serial {stored.state.serial}."
    tell_change(
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


def _say_force(session: Session, path: str) -> tuple[str, ...]:
    return (f"To go back to the file all the same:\n    {session.command('state', 'push', '--force', path)}",)


def _read_incoming(path: str) -> State:
    """Return the state of a file that somebody named, or of stdin."""
    text = sys.stdin.buffer.read() if path == "-" else read_text(Path(path))
    try:
        return decode_state(text, path="stdin" if path == "-" else path)
    except UnreadableStateError as error:
        cure = "a state comes from state pull, from git, or from where state history says"
        raise UsageError(*(replace(each, hint=cure, commands=()) for each in error.diagnostics)) from None


def _too_high(serial: int, path: str) -> Diagnostic:
    return Diagnostic(
        "serial-too-high",
        Severity.ERROR,
        "The serial of the file was not reached by writing states",
        f"It is {serial}, and every write raises it by one, up to 2^53: hardly anything could be stored after "
        "it. Nothing was changed.",
        Source(path),
        hint="give it the serial of what is stored, or 0 where nothing is",
    )


@click.command("rollback", epilog="Example: omnictl state rollback 118")
@click.argument("serial", type=click.IntRange(min=0))
@click.option(
    "--lineage", metavar="LINEAGE", help="Of which lineage, or how it begins, where it is not that of the state."
)
@set_aside_option
@lock_timeout_option
@format_option
@global_options
@click.pass_context
def rollback(
    ctx: click.Context,
    serial: int,
    *,
    lineage: str | None,
    set_aside: bool,
    lock_timeout: float | None,
    output_format: str,
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

    stored = change_stored(session, "state rollback", change, lock_timeout, sets_aside=set_aside)
    told = f"Back at version {serial}, stored as serial {stored.state.serial}."
    if not stored.is_changed:
        told = f"Nothing to do: version {serial} is what is stored, as serial {stored.state.serial}."
    tell_change(session, "state-rollback", stored, told, output_format)
    return ExitCode.OK


CODES = {
    "serial-too-high": "A serial rises by one with each write and goes up to 2^53. state push refuses a file in which "
    "somebody put one near that: it could be stored, and hardly anything after it.",
}
