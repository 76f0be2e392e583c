"""What the commands that mend the state share: changing it under its lock, and what the next plan would do."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import click
from msgspec import Struct

from omnictl import __version__
from omnictl.cli.context import Session
from omnictl.cli.planning import Choices, make_circumstances
from omnictl.cli.provider import open_provider
from omnictl.codec.envelope import make_envelope
from omnictl.engine.surgery import Replaced
from omnictl.errors import ConfigurationError, OmnictlError
from omnictl.model.address import Address, id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Plan
from omnictl.model.scenario import Configuration, Json
from omnictl.model.state import State
from omnictl.operations.apply import describe_holder
from omnictl.operations.plan import plan_from_reading, read_and_settle
from omnictl.operations.run import action_of
from omnictl.operations.surgery import change_state
from omnictl.provider.base import StopSignal
from omnictl.render.human import render_change
from omnictl.render.plan_words import say_plan, shown_changes
from omnictl.render.style import Style, width_of
from omnictl.state.base import LockHolder

format_option = click.option(
    "--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="How it is shown."
)
_LEAST_COLUMNS = 12
set_aside_option = click.option(
    "--set-aside",
    is_flag=True,
    help="Where what is stored cannot be read: save it beside you, and put this in its place. Where it is marked as "
    "taken elsewhere: take the mark away.",
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would be; write nothing.")


class Foretold(Struct, frozen=True):
    """What the next plan would do; ``why_not`` where that cannot be said."""

    plan: Plan | None = None
    why_not: tuple[Diagnostic, ...] = ()


def change_stored(
    session: Session,
    operation: str,
    change: Callable[[State | None], Replaced],
    lock_timeout: float | None,
    *,
    sets_aside: bool = False,
) -> Replaced:
    """Change the stored state under its lock; with ``sets_aside`` also where what is stored cannot be used."""
    return change_state(
        session.backend,
        session.holder(operation),
        change,
        timeout_seconds=lock_timeout or 0.0,
        on_wait=tell_waiting(session),
        on_set_aside=(lambda told: session.output.diagnostics((told,))) if sets_aside else None,
    )


def tell_waiting(session: Session) -> Callable[[LockHolder | None], None]:
    """Return what says for whom a command waits."""
    return lambda holder: session.output.say(f"Waiting for the lock, held by {describe_holder(holder)}.")


def show_document(session: Session, kind: str, *, diagnostics: Collection[Diagnostic] = (), **fields: Any) -> None:
    """Write the one JSON document of a run."""
    session.output.document(
        make_envelope(
            kind,
            version=__version__,
            environment=session.place.environment,
            sandbox=session.sandbox,
            exit_code=0,
            diagnostics=diagnostics,
            **fields,
        )
    )


def find_declared(session: Session) -> Configuration | None:
    """Return what the files declare; None where they have mistakes, which does not keep the state from being mended."""
    try:
        return session.configuration
    except ConfigurationError:
        return None


def foretell(session: Session, state: State) -> Foretold:
    """Return what the next plan would do if the state were this one. Reads the account, writes nothing."""
    try:
        configuration = session.configuration
        provider = open_provider(session, state, StopSignal(), lambda _: None, read_only=True)
        try:
            circumstances = make_circumstances(session, provider, state, Choices(), session.loaded.declared_beside)
            reading = read_and_settle(provider, state, circumstances, workers=session.workers, observe=lambda _: None)
            return Foretold(plan_from_reading(reading, configuration, circumstances))
        finally:
            provider.close()
    except OmnictlError as error:
        return Foretold(why_not=error.diagnostics)


def say_foretold(foretold: Foretold, addresses: Collection[Address], style: Style) -> str:
    """Return what the next plan would say: of some addresses, or in one line of all where none is named."""
    if foretold.plan is None:
        told = "; ".join(f"{each.summary} ({each.code})" for each in foretold.why_not)
        return f"What the next plan would be cannot be said: {told}."
    if not addresses:
        return f"The next plan would say: {say_plan(foretold.plan)}"
    changes = [each for each in shown_changes(foretold.plan) if each.address in addresses]
    if not changes:
        return "The next plan would change nothing of it."
    columns = max(_LEAST_COLUMNS, *(width_of(id_of(each.address)) for each in changes))
    lines = [line for each in changes for line in render_change(each, style, columns)]
    return "\n".join(("The next plan would say of it:", *lines))


def encode_foretold(foretold: Foretold, addresses: Collection[Address]) -> Json:
    """Return what the next plan would do; null where that cannot be said."""
    plan = foretold.plan
    if plan is None:
        return None
    changes = [each for each in shown_changes(plan) if not addresses or each.address in addresses]
    items: list[Json] = [{"id": id_of(each.address), "action": action_of(each).value} for each in changes]
    guards: list[Json] = [{"guard": each.guard.value, "subject": each.subject} for each in plan.guards]
    return {"items": items, "unchanged": plan.unchanged, "guards": guards}


def still_declared(scenario_id: str, what_follows: str) -> Diagnostic:
    """Say that a file declares an id that the state no longer has a record of."""
    return Diagnostic(
        "still-declared",
        Severity.WARNING,
        "A file still declares the id",
        f"{scenario_id} stands in a file: the next plan {what_follows}.",
        hint="change the file too",
    )


def not_declared(scenario_id: str) -> Diagnostic:
    """Say that no file declares an id that the state now has a record of."""
    return Diagnostic(
        "declared-nowhere",
        Severity.WARNING,
        "No file declares the new id",
        f"{scenario_id} stands in no file: the next plan forgets it, or gives it the id of a file that is equal to it.",
        hint="declare it under this id",
    )


def tell_change(
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
        said.append(f"Those that files declare are taken up again by the next plan:\n    {session.command('plan')}")
    session.show("\n".join((*said, *lines)))


CODES = {
    "still-declared": "The state was told to forget an id, or to move its record, and a file declares it: the next "
    "plan takes it up again, or creates it. Change the file in the same step.",
    "declared-nowhere": "A record was moved to an id that no file declares: the next plan finds that it left the "
    "configuration. Change the file in the same step.",
}
