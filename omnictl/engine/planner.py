"""Making a plan: every address decided, the default worked in, guards and costs found. Pure."""

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from omnictl.engine.alikes import Alikes
from omnictl.engine.compare import wanted, without_ended
from omnictl.engine.cost import SECONDS_PER_REQUEST, count_creates, count_updates, estimate_seconds
from omnictl.engine.decide import NoOp, decide_declared
from omnictl.engine.defaults import decide_default
from omnictl.engine.guard import find_guards, note_unused_allowances
from omnictl.engine.likeness import note_alikes_left, note_copies, note_unmanaged_alikes
from omnictl.engine.listing import guess_pages
from omnictl.engine.neighbours import Neighbourhood
from omnictl.engine.notes import note_configuration
from omnictl.engine.recover import owned_keys
from omnictl.engine.removal import decide_removed, note_returns, note_spared, spare_default
from omnictl.engine.rename import Renames, find_renames, without_taken_tombstones
from omnictl.engine.resemblance import find_resembling, near_ones, note_resembling
from omnictl.engine.risk import assess
from omnictl.engine.selection import select
from omnictl.engine.view import BudgetUse, Circumstances, View
from omnictl.model.address import Address
from omnictl.model.change import Adopt, Change, Create, Refresh, Rename
from omnictl.model.plan import Cost, Guard, GuardFinding, Plan, Selection, Settled
from omnictl.model.scenario import Manage


def make_plan(view: View, circumstances: Circumstances, settled: tuple[Settled, ...] = ()) -> Plan:
    """Compare the three views of every address and say all that an apply would do."""
    view = replace(view, configuration=without_ended(view.configuration, circumstances.created_at.date()))
    tombstones = view.state.tombstones
    neighbourhood = Neighbourhood(circumstances, view.remotes)
    view = without_taken_tombstones(view, neighbourhood.elsewhere)
    renames = find_renames(view)
    addresses = _addresses(view, renames)
    only, exclude = circumstances.only, circumstances.exclude
    selected = select(addresses, view.configuration.resources, only, exclude, renames.pairs)
    decided = {address: _decide(address, view, renames, circumstances, neighbourhood) for address in addresses}
    changes = tuple(each for address, each in decided.items() if address in selected and not isinstance(each, NoOp))
    default = decide_default(changes, view, selected)
    changes = spare_default(default.changes, view)
    watched = tuple(address for address, each in decided.items() if _is_watched(each, view))
    refreshed = sum(1 for each in changes if isinstance(each, Refresh))
    with_all = replace(view, state=replace(view.state, tombstones=tombstones))
    resembling = find_resembling(changes, view, renames, circumstances.created_at)
    likely = {**renames.likely, **near_ones(resembling)}
    guards = find_guards(changes, with_all, circumstances, likely, selected, neighbourhood)
    named = _named_by(guards)
    every = tuple(each for each in decided.values() if not isinstance(each, NoOp))
    untouched = {address for address in selected if isinstance(decided[address], NoOp | Refresh)}
    diagnostics = (
        *renames.diagnostics,
        *note_resembling(resembling, view, circumstances),
        *default.diagnostics,
        *note_configuration(view, watched, renames.pairs, circumstances, neighbourhood, selected),
        *note_spared(changes, view, circumstances, neighbourhood),
        *note_returns(changes, view, circumstances.removal),
        *note_alikes_left(changes, view, circumstances, likely, neighbourhood),
        *note_unmanaged_alikes(changes, every, with_all, circumstances, named, neighbourhood),
        *note_copies(changes, view, named),
        *note_unused_allowances(circumstances.allowed, guards),
    )
    return Plan(
        plan_id=circumstances.plan_id,
        created_at=circumstances.created_at,
        environment=circumstances.environment,
        account=circumstances.account,
        lineage=view.state.lineage,
        serial=view.state.serial,
        state_digest=circumstances.state_digest,
        changes=changes,
        guards=guards,
        diagnostics=diagnostics,
        settled=settled,
        default=default.memory,
        selection=Selection(only, exclude, len(selected), len(addresses)),
        cost=_cost(changes, view, circumstances),
        total=len(view.configuration.resources),
        unchanged=len(untouched),
        refreshed=refreshed,
        unmanaged=_unmanaged(view, changes, neighbourhood.spoken_for),
        twins=_twins(changes, view),
        retire=circumstances.retire,
        risk=assess(guards, diagnostics, circumstances),
        production=circumstances.production,
        sandbox=circumstances.sandbox,
        omnictl_version=circumstances.omnictl_version,
    )


def _named_by(guards: Iterable[GuardFinding]) -> frozenset[str]:
    """Return the ids of creates of which a guard says what they may be."""
    return frozenset(each.subject for each in guards if each.guard in (Guard.UNMANAGED_TWIN, Guard.LIKELY_RENAME))


def _addresses(view: View, renames: Renames) -> tuple[Address, ...]:
    """Return every address of the plan in order; the old one of a rename is not an address of its own."""
    renamed = set(renames.pairs.values())
    everything = {*view.configuration.resources, *view.state.records} - renamed
    return tuple(sorted(everything))


def _decide(
    address: Address, view: View, renames: Renames, circumstances: Circumstances, neighbourhood: Neighbourhood
) -> Change | NoOp:
    resource = view.configuration.resources.get(address)
    if resource is not None:
        return decide_declared(resource, view, renames, circumstances.removal)
    return decide_removed(view.state.records[address], view, circumstances, neighbourhood)


def _is_watched(decided: Change | NoOp, view: View) -> bool:
    """Tell whether something differs and is only watched; a refresh may remember that it is watched from now on."""
    if isinstance(decided, NoOp):
        return decided.observed_only
    if not isinstance(decided, Refresh) or decided.lifecycle.manage is not Manage.OBSERVE:
        return False
    actual = view.remotes[decided.recorded.key].attributes
    desired = view.configuration.resources[decided.address].attributes
    return wanted(desired, actual, decided.lifecycle.ignore_changes) != actual


def _cost(changes: Iterable[Change], view: View, circumstances: Circumstances) -> Cost:
    """Count requests and seconds; the kinds wait for their own throttles side by side."""
    changes = tuple(changes)
    creates, updates = count_creates(changes), count_updates(changes)
    seconds = max(_wait(creates, circumstances.creates), _wait(updates, circumstances.updates))
    pages = guess_pages(len(view.remotes), circumstances.page_size)
    return Cost(
        creates=creates,
        updates=updates,
        reads=pages + updates,
        seconds=seconds + SECONDS_PER_REQUEST if creates or updates else 0.0,
        create_limit=circumstances.creates.limit,
        update_limit=circumstances.updates.limit,
        create_window_seconds=circumstances.creates.window_seconds,
        update_window_seconds=circumstances.updates.window_seconds,
    )


def _wait(requests: int, use: BudgetUse) -> float:
    return estimate_seconds(requests, limit=use.limit, window_seconds=use.window_seconds, used_ages=use.used_ages)


def _unmanaged(view: View, changes: Iterable[Change], elsewhere: Collection[str]) -> Mapping[str, str]:
    """Return the scenarios of the account that no address here or elsewhere stands for."""
    claimed = {each.key for each in changes if isinstance(each, Adopt | Rename)}
    known = owned_keys(view.state) | claimed | set(elsewhere)
    return {key: remote.attributes.name for key, remote in sorted(view.remotes.items()) if key not in known}


def _twins(changes: Iterable[Change], view: View) -> Mapping[Address, tuple[str, ...]]:
    """Return, per create, the keys that already look alike: apply refuses if there is one more."""
    alikes = Alikes(view.remotes, owned_keys(view.state))
    return {
        each.address: tuple(near.key for near in alikes.of(each.desired))
        for each in changes
        if isinstance(each, Create)
    }
