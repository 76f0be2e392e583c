"""Importing: under the lock, read the account, choose, write the files, and then the state, in one step.

Files come before the state: cut between the two, the next run finds the files and takes them for what they are.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.adopting import adopt_all, in_writing_order, refuse_open_intents
from omnictl.engine.view import Circumstances, View
from omnictl.model.address import Address
from omnictl.model.adoption import Adoption, Draft, LeftOut
from omnictl.model.outcome import WaitingForLock
from omnictl.model.scenario import Configuration
from omnictl.model.state import State
from omnictl.operations.apply import Workshop, describe_holder
from omnictl.operations.keeper import Keeper
from omnictl.operations.plan import Reading, read_and_settle
from omnictl.provider.base import Provider


class Selected(Struct, frozen=True):
    """What is about to be imported: scenarios, files to be written for them, and what is left out and why.

    ``default`` is the one that becomes known as the account default; ``ignored`` counts what the project lets be.
    """

    adoptions: tuple[Adoption, ...] = ()
    drafts: tuple[Draft, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    default: Address | None = None
    ignored: int = 0


class ImportRequest(Struct, frozen=True):
    """What an import is asked to do. ``select`` chooses from what was read; ``write`` makes the files durable.

    Without ``keeps_state`` the state is left to the apply that follows, and without ``is_real`` nothing is written.
    """

    look_around: Callable[[Provider, State], Circumstances]
    select: Callable[[View, Circumstances], Selected]
    write: Callable[[tuple[Draft, ...]], None]
    configuration: Configuration
    new_state: State
    keeps_state: bool = True
    is_real: bool = True
    lock_timeout_seconds: float = 0.0


class Imported(Struct, frozen=True):
    """What was imported, and the account and the state to hold the files against afterwards."""

    selected: Selected
    reading: Reading
    circumstances: Circumstances


def run_import(request: ImportRequest, workshop: Workshop) -> Imported:
    """Import under the lock of the state; a run that keeps no state takes none, and reads alone."""
    if not (request.is_real and request.keeps_state):
        return _import(request, workshop)
    lock = workshop.backend.lock(
        workshop.holder,
        timeout_seconds=request.lock_timeout_seconds,
        on_wait=lambda holder: workshop.observe(WaitingForLock(describe_holder(holder))),
    )
    with lock:
        return _import(request, workshop)


def _import(request: ImportRequest, workshop: Workshop) -> Imported:
    stored = workshop.backend.read()
    state = stored or request.new_state
    refuse_open_intents(state)
    provider = workshop.open_provider(state)
    circumstances = request.look_around(provider, state)
    reading = read_and_settle(provider, state, circumstances, workers=workshop.workers, observe=workshop.observe)
    view = View(request.configuration, state, reading.remotes)
    selected = request.select(view, circumstances)
    if request.is_real:
        request.write(in_writing_order(selected.drafts))
    if not request.keeps_state:
        return Imported(selected, reading, circumstances)
    adopted = adopt_all(reading.state, selected.adoptions, selected.default, circumstances.created_at)
    if not selected.left_out and all(each in adopted.records for each in request.configuration.resources):
        adopted = replace(adopted, knows_files=True)
    keeper = Keeper(
        workshop.backend,
        state,
        workshop.holder,
        exists=stored is not None,
        monotonic=workshop.monotonic,
        clock=workshop.clock,
    )
    if request.is_real and adopted.records != state.records:
        keeper.advance(lambda _: adopted)
        keeper.flush()
        adopted = keeper.state
    return Imported(selected, Reading(adopted, reading.remotes, ()), circumstances)
