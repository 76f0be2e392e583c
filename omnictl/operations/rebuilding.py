"""Rebuilding a lost state from files, account and log: the order of looking. The account is only read."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.advance import note_reading
from omnictl.engine.rebuild import (
    Claim,
    Rebuilt,
    describe_absent,
    describe_elsewhere,
    describe_left_out,
    describe_near,
    rebuild_state,
)
from omnictl.engine.surgery import Replaced, refuse_open_intents
from omnictl.engine.view import Circumstances, View
from omnictl.errors import OmnictlError
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.plan import Plan
from omnictl.model.scenario import Configuration
from omnictl.model.state import State
from omnictl.operations.account import Observe, read_account
from omnictl.operations.plan import Reading, plan_from_reading
from omnictl.provider.base import Provider


class Rebuilding(Struct, frozen=True):
    """What a rebuilding found, what is to be stored of it, and the plan that comes next (or why there is none)."""

    rebuilt: Rebuilt
    replaced: Replaced
    diagnostics: tuple[Diagnostic, ...]
    plan: Plan | None = None
    why_not: tuple[Diagnostic, ...] = ()


def rebuild(
    provider: Provider,
    state: State,
    configuration: Configuration,
    told: Iterable[Claim],
    circumstances: Circumstances,
    *,
    workers: int,
    observe: Observe,
) -> Rebuilding:
    """Find the records that the state lacks. Raises RefusedError while creates are open, or for a foreign log."""
    refuse_open_intents(state)
    remotes = read_account(provider, state, workers=workers, observe=observe)
    rebuilt = rebuild_state(View(configuration, state, remotes), told, circumstances)
    following = state
    if rebuilt.taken:
        read = note_reading(rebuilt.state, circumstances.account, len(remotes), circumstances.created_at)
        following = replace(read, serial=state.serial + 1)
    diagnostics = (
        *([describe_absent(rebuilt.absent)] if rebuilt.absent else []),
        *([describe_elsewhere(rebuilt.elsewhere, rebuilt.owners)] if rebuilt.elsewhere else []),
        *map(describe_left_out, rebuilt.left_out),
        *([describe_near(rebuilt.near)] if rebuilt.near else []),
    )
    replaced = Replaced(following, is_changed=bool(rebuilt.taken))
    try:
        plan = plan_from_reading(Reading(following, remotes, ()), configuration, circumstances)
    except OmnictlError as error:
        return Rebuilding(rebuilt, replaced, diagnostics, why_not=error.diagnostics)
    return Rebuilding(rebuilt, replaced, diagnostics, plan)
