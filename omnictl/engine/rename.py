"""Finding renames: a declared address that is really a recorded one under another id."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from omnictl.engine.bent import way_of
from omnictl.engine.compare import wanted
from omnictl.engine.view import View
from omnictl.model.address import Address, id_of, make_address
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Attributes, Resource
from omnictl.model.state import Record, Tombstone

REMEMBERED = timedelta(days=30)
"""How long a new scenario is compared with one that was forgotten before."""


class Likely(Struct, frozen=True):
    """A scenario that a new address may be, though only a person can say so.

    ``name`` is the one it had; ``is_recorded`` where it left the configuration just now, else it was forgotten before;
    ``is_there`` where its key is still on the account; ``is_retired`` where it was ended on purpose. ``evidence`` says
    what is alike where the name is another.
    """

    address: Address
    key: str
    name: str
    is_recorded: bool = True
    is_there: bool = True
    evidence: str = ""
    is_retired: bool = False


class Renames(Struct, frozen=True):
    """``pairs`` maps the new address to the old; ``likely`` to what it may be, though only a person can confirm it.

    ``lost`` maps a new address to the one of its previous ids whose scenario vanished.
    """

    pairs: Mapping[Address, Address]
    likely: Mapping[Address, tuple[Likely, ...]]
    diagnostics: tuple[Diagnostic, ...] = ()
    lost: Mapping[Address, Record] = field(default_factory=dict)


def find_renames(view: View) -> Renames:
    """Pair new addresses with recorded ones that are no longer declared; only unambiguous pairs count."""
    declared = view.configuration.resources
    new = [each for each in declared.values() if each.address not in view.state.records]
    gone = [record for address, record in view.state.records.items() if address not in declared]
    alive = [record for record in gone if record.key in view.remotes]
    pairs, diagnostics = _by_previous_ids(new, view)
    taken = set(pairs.values())
    pairs |= _unique_pairs(
        (each for each in new if each.address not in pairs and _is_free(each, view)),
        (record for record in alive if record.address not in taken),
    )
    unpaired = [each for each in new if each.address not in pairs]
    lost = _lost(unpaired, gone, view)
    taken = set(pairs.values())
    left = [each for each in gone if each.address not in taken]
    likely = _likely((each for each in unpaired if each.address not in lost), left, view)
    return Renames(pairs, likely, diagnostics, lost)


def _is_free(resource: Resource, view: View) -> bool:
    """Tell whether nothing else says where this scenario comes from."""
    return resource.import_key is None and find_tombstone(resource.address, view) is None


def find_tombstone(address: Address, view: View) -> Tombstone | None:
    """Return the newest tombstone of the address whose scenario still exists and belongs to no other address."""
    named = [each for each in view.state.tombstones if each.address == address]
    return max(_free(named, view), key=lambda each: each.removed_at, default=None)


def find_keyless(view: View) -> Iterator[tuple[Resource, Tombstone | None]]:
    """Yield what is declared without a record under any id, with the tombstone from which the next plan takes it up."""
    renamed = find_renames(view).pairs
    for address, resource in view.configuration.resources.items():
        if address not in view.state.records and address not in renamed:
            is_named = resource.import_key in view.remotes
            yield resource, None if is_named else find_tombstone(address, view)


def _free(tombstones: Collection[Tombstone], view: View) -> list[Tombstone]:
    taken = {record.key for record in view.state.records.values()} if tombstones else ()
    return [each for each in tombstones if each.key in view.remotes and each.key not in taken]


def without_taken_tombstones(view: View, elsewhere: Collection[str]) -> View:
    """Return the view without the tombstones of scenarios that another environment of the account manages now."""
    kept = tuple(each for each in view.state.tombstones if each.key not in elsewhere)
    return view if kept == view.state.tombstones else replace(view, state=replace(view.state, tombstones=kept))


def _by_previous_ids(new: Iterable[Resource], view: View) -> tuple[dict[Address, Address], tuple[Diagnostic, ...]]:
    claims: dict[Address, list[Resource]] = defaultdict(list)
    diagnostics: list[Diagnostic] = []
    unrecorded = {each.address for each in new}
    for resource in view.configuration.resources.values():
        for old_id in resource.previous_ids:
            old = make_address(old_id)
            if old in view.configuration.resources:
                diagnostics.append(_still_declared(resource, old))
            elif old in view.state.records and resource.address not in unrecorded:
                diagnostics.append(_both_recorded(resource, old))
            elif old in view.state.records and view.state.records[old].key in view.remotes:
                claims[old].append(resource)
    pairs: dict[Address, Address] = {}
    for old, claimants in claims.items():
        if len(claimants) > 1:
            diagnostics.append(_claimed_twice(old, claimants))
        elif claimants[0].address not in pairs:
            pairs[claimants[0].address] = old
    return pairs, tuple(diagnostics)


def _unique_pairs(new: Iterable[Resource], gone: Iterable[Record]) -> dict[Address, Address]:
    """Pair by equal name and flow, where there is one candidate on each side."""
    arrived = defaultdict(list)
    for resource in new:
        arrived[resource.attributes].append(resource.address)
    offered = defaultdict(list)
    for record in gone:
        offered[record.applied].append(record.address)
    return {
        addresses[0]: offered[attributes][0]
        for attributes, addresses in arrived.items()
        if len(addresses) == 1 and len(offered[attributes]) == 1
    }


def _lost(new: Iterable[Resource], gone: Iterable[Record], view: View) -> dict[Address, Record]:
    """Return the new addresses that name a previous id whose scenario is no longer on the account."""
    vanished = {record.address: record for record in gone if record.key not in view.remotes}
    named = ((each, make_address(old)) for each in new if _is_free(each, view) for old in each.previous_ids)
    return {resource.address: vanished[old] for resource, old in named if old in vanished}


def _likely(new: Iterable[Resource], gone: Iterable[Record], view: View) -> dict[Address, tuple[Likely, ...]]:
    """Find what a new address may be: it has its name, stands in its previous ids, or differs in ignored fields."""
    left = [*departed(gone, view), *forgotten(view.state.tombstones, view)]
    by_name: dict[str, list[Likely]] = defaultdict(list)
    by_id: dict[Address, list[Likely]] = defaultdict(list)
    for _, found in left:
        by_name[found.name].append(found)
        if not found.is_recorded:
            by_id[found.address].append(found)
    likely: dict[Address, tuple[Likely, ...]] = {}
    for resource in new:
        named = [found for old in resource.previous_ids for found in by_id.get(make_address(old), ())]
        alike = by_name.get(resource.attributes.name, ()) if resource.attributes.name else ()
        managed = tuple(_managed_alike(resource, left)) if resource.lifecycle.ignore_changes else ()
        if named or alike or managed:
            likely[resource.address] = tuple(dict.fromkeys((*named, *alike, *managed)))
    return likely


def departed(gone: Iterable[Record], view: View) -> Iterator[tuple[Attributes, Likely]]:
    """Yield records that no file declares any more, in the order of their addresses."""
    for each in sorted(gone, key=lambda record: record.address):
        is_there = each.key in view.remotes
        yield each.applied, Likely(each.address, each.key, each.applied.name, is_there=is_there)


def forgotten(tombstones: Iterable[Tombstone], view: View) -> Iterator[tuple[Attributes, Likely]]:
    """Yield the tombstones of ids that no file declares; what a file declares has its own."""
    free = _free([each for each in tombstones if each.address not in view.configuration.resources], view)
    for each in sorted(free, key=lambda tombstone: (tombstone.address, tombstone.removed_at)):
        name = each.applied.name
        yield each.applied, Likely(each.address, each.key, name, is_recorded=False, is_retired=each.retired)


def _managed_alike(resource: Resource, left: Iterable[tuple[Attributes, Likely]]) -> Iterator[Likely]:
    """Yield what is equal but for what ``ignore_changes`` leaves to others; the name or the flow must be."""
    ours, ignored = resource.attributes, resource.lifecycle.ignore_changes
    for applied, found in left:
        is_like = ours.name == applied.name or (way_of(ours.flow) == way_of(applied.flow) and not found.is_retired)
        if is_like and wanted(ours, applied, ignored) == applied:
            yield found


def _still_declared(resource: Resource, old: Address) -> Diagnostic:
    return Diagnostic(
        "previous-id-declared",
        Severity.ERROR,
        "A previous id is still declared",
        f"{id_of(resource.address)} names {id_of(old)} in previous_ids, but {id_of(old)} is declared itself.",
        resource.sources.get("previous_ids") or resource.source,
        hint="take it out of previous_ids, or remove the other file",
    )


def _both_recorded(resource: Resource, old: Address) -> Diagnostic:
    return Diagnostic(
        "previous-id-recorded",
        Severity.WARNING,
        "A previous id and its successor are both recorded",
        f"The state has a scenario of its own for {id_of(old)} and for {id_of(resource.address)}; "
        "previous_ids does nothing here.",
        resource.sources.get("previous_ids") or resource.source,
        hint="take it out of previous_ids",
    )


def _claimed_twice(old: Address, claimants: list[Resource]) -> Diagnostic:
    names = ", ".join(id_of(each.address) for each in claimants)
    return Diagnostic(
        "previous-id-claimed-twice",
        Severity.ERROR,
        "Two scenarios name the same previous id",
        f"{id_of(old)} stands in previous_ids of {names}; only one of them can be its successor.",
        claimants[1].sources.get("previous_ids") or claimants[1].source,
        hint="keep it in one of them",
    )


CODES = {
    "previous-id-declared": "previous_ids names an id that another file still declares. An id that is in use has no "
    "successor: take it out of previous_ids, or remove the other file.",
    "previous-id-recorded": "The state already has a scenario under the new id and another under the previous one, so "
    "there is nothing left to rename. Take the id out of previous_ids.",
    "previous-id-claimed-twice": "Two files name the same id in previous_ids. A key belongs to one address: keep the "
    "line in one file.",
}
