"""Finding renames: a declared address that is really a recorded one under another id."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from omnictl.engine.view import View
from omnictl.model.address import Address, id_of, make_address
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Resource
from omnictl.model.state import Record


class Renames(Struct, frozen=True):
    """``pairs`` maps the new address to the old; ``likely`` the pairs that only a person can confirm."""

    pairs: Mapping[Address, Address]
    likely: Mapping[Address, Address]
    diagnostics: tuple[Diagnostic, ...] = ()


def find_renames(view: View) -> Renames:
    """Pair new addresses with recorded ones that are no longer declared; only unambiguous pairs count."""
    declared = view.configuration.resources
    new = [each for each in declared.values() if each.address not in view.state.records]
    gone = [record for address, record in view.state.records.items() if address not in declared]
    alive = [record for record in gone if record.key in view.remotes]
    vanished = [record for record in gone if record.key not in view.remotes]
    pairs, diagnostics = _by_previous_ids(new, view)
    taken = set(pairs.values())
    pairs |= _unique_pairs(
        (each for each in new if each.address not in pairs and _is_free(each, view)),
        (record for record in alive if record.address not in taken),
    )
    likely = _same_name(
        (each for each in new if each.address not in pairs),
        (record for record in (*alive, *vanished) if record.address not in set(pairs.values())),
    )
    return Renames(pairs, likely, diagnostics)


def _is_free(resource: Resource, view: View) -> bool:
    """Tell whether nothing else says where this scenario comes from."""
    return resource.import_key is None and all(each.address != resource.address for each in view.state.tombstones)


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
    wanted = defaultdict(list)
    for resource in new:
        wanted[resource.attributes].append(resource.address)
    offered = defaultdict(list)
    for record in gone:
        offered[record.applied].append(record.address)
    return {
        addresses[0]: offered[attributes][0]
        for attributes, addresses in wanted.items()
        if len(addresses) == 1 and len(offered[attributes]) == 1
    }


def _same_name(new: Iterable[Resource], gone: Iterable[Record]) -> dict[Address, Address]:
    """Pair by name alone: likely, but for a person to say."""
    offered: dict[str, list[Address]] = defaultdict(list)
    for record in gone:
        offered[record.applied.name].append(record.address)
    return {
        resource.address: min(offered[resource.attributes.name])
        for resource in new
        if resource.attributes.name and offered.get(resource.attributes.name)
    }


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
