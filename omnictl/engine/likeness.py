"""Warnings of creates that may be a scenario that is there already, where only a sign says so: its flow, or its id.

What is likelier than that is a guard; nothing here is told of a create or of a scenario that a guard names.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from omnictl.engine.bent import Way, find_cut, names_of, way_of
from omnictl.engine.compare import fold, is_near
from omnictl.engine.neighbours import Left, Neighbourhood
from omnictl.engine.rename import Likely
from omnictl.engine.resemblance import last_made
from omnictl.engine.slugs import has_own_id, plain_id
from omnictl.engine.twins import iterate_unmanaged, list_first, way_to_adopt, ways_to_take_over
from omnictl.engine.unmanaged import compile_lines, is_ignored
from omnictl.engine.view import Circumstances, View
from omnictl.model.address import Address, id_of
from omnictl.model.change import Change, Create
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Remote
from omnictl.model.shell import join_words
from omnictl.model.state import Record


def note_alikes_left(
    changes: Iterable[Change],
    view: View,
    circumstances: Circumstances,
    likely: Mapping[Address, tuple[Likely, ...]],
    neighbourhood: Neighbourhood,
) -> Iterator[Diagnostic]:
    """Warn where a create has the flow of what a neighbour gives up: id and name may have changed on the way."""
    creates = _creates_of(changes)
    left = {each.address: neighbourhood.find_left(view.configuration.resources[each.address]) for each in creates}
    guarded = {each.key for found in left.values() for each in found}
    made = last_made(view.state) if creates else {}
    for change in creates:
        if left[change.address] or likely.get(change.address):
            continue
        found = neighbourhood.find_alike(view.configuration.resources[change.address])
        alike = tuple(each for each in found if each.key not in guarded and not _is_answered(each, made))
        if not alike:
            continue
        scenario_id = id_of(change.address)
        told = list_first([f"{id_of(each.address)} of {each.environment}" for each in alike])
        yield Diagnostic(
            "maybe-moved",
            Severity.WARNING,
            "A new scenario has the flow of one that another environment gives up",
            f"{scenario_id} is created, and no file declares {told} any more. If it is the same scenario under "
            "another id and name, adopt it, and it keeps its key.",
            change.source,
            hint="if it is the same: let the other environment forget it, then adopt it here"
            if alike[0].is_recorded
            else "if it is the same, adopt it here",
            commands=ways_to_take_over(view.configuration.resources[change.address], alike[0], circumstances),
        )


def _is_answered(left: Left, made: Mapping[Way, datetime]) -> bool:
    """Tell whether a scenario of the flow was made here since a neighbour let it go: that one was it."""
    removed_at = left.removed_at
    return removed_at is not None and any(made.get(way_of(each.flow), removed_at) > removed_at for each in left.flows)


def note_unmanaged_alikes(
    changes: Iterable[Change],
    every: Iterable[Change],
    view: View,
    circumstances: Circumstances,
    told: Collection[str],
    neighbourhood: Neighbourhood,
) -> Iterator[Diagnostic]:
    """Warn where a create has the flow of a scenario that nobody manages, or the id that its name gives.

    That is what a lost state leaves of a file with an edited name. Where all files were applied once, the
    flow counts only if as many are created as there are; ``every`` are the changes of all files, selected or not.
    ``told`` are the ids of which a guard tells more.
    """
    changes = tuple(changes)
    creates = [each for each in _creates_of(changes) if id_of(each.address) not in told]
    if not creates:
        return
    found = _find_candidates(changes, every, view, circumstances, neighbourhood)
    by_way: dict[Way, list[Remote]] = defaultdict(list)
    by_id: dict[str, list[Remote]] = defaultdict(list)
    by_name: dict[str, list[Remote]] = defaultdict(list)
    for remote in found:
        by_way[way_of(remote.attributes.flow)].append(remote)
        by_id[plain_id(remote.attributes.name)].append(remote)
        by_name[fold(remote.attributes.name)].append(remote)
    cut = 0 if view.state.knows_files else find_cut(view.remotes.values())
    wanted: dict[Way, int] = defaultdict(int)
    for each in _creates_of(every):
        wanted[way_of(each.desired.flow)] += id_of(each.address) not in told
    groups: dict[Way, list[Create]] = defaultdict(list)
    for each in creates:
        groups[way_of(each.desired.flow)].append(each)
    for way, group in groups.items():
        alike = by_way.get(way, [])
        if alike and (not view.state.knows_files or len(alike) == wanted[way]):
            yield _may_be_unmanaged(group, alike, "with the same flow", view, circumstances)
            continue
        for create in group:
            alike = by_id.get(id_of(create.address), [])
            sign = "whose name gives this id"
            if not alike:
                alike = [each for name in names_of(create.desired.name, cut)[1:] for each in by_name.get(name, ())]
                sign = "whose name is the beginning of this one, as if it were cut short"
            if alike:
                yield _may_be_unmanaged([create], alike, sign, view, circumstances)


def _creates_of(changes: Iterable[Change]) -> list[Create]:
    return [each for each in changes if isinstance(each, Create) and each.replaces is None]


def _find_candidates(
    changes: Iterable[Change],
    every: Iterable[Change],
    view: View,
    circumstances: Circumstances,
    neighbourhood: Neighbourhood,
) -> list[Remote]:
    """Return what nobody manages or managed, without what a guard names, and what the project lets be."""
    names = {fold(each.desired.name) for each in _creates_of(every)}
    globs = compile_lines(circumstances.ignored)
    return [
        each
        for each in iterate_unmanaged(changes, view, neighbourhood)
        if each.key not in neighbourhood.known
        and fold(each.attributes.name) not in names
        and not is_ignored(each.key, each.attributes.name, globs)
    ]


def _may_be_unmanaged(
    creates: Sequence[Create], found: Sequence[Remote], sign: str, view: View, circumstances: Circumstances
) -> Diagnostic:
    named = list_first([f'"{each.attributes.name}" ({each.key})' for each in found])
    ids = list_first([id_of(each.address) for each in creates])
    key = found[0].key if len(found) == 1 else "KEY"
    return Diagnostic(
        "maybe-unmanaged",
        Severity.WARNING,
        "A new scenario may be one that nobody manages",
        f"{ids}: the account has {named} {sign}. If a name was edited and the state does not know it (it was lost, or "
        "never filled), this create makes a second scenario.",
        creates[0].source,
        hint="if it is the same, adopt it under its id; what the project lets be is named in .omnictlignore"
        + ("" if view.state.knows_files else _ASKED_ONCE),
        commands=(way_to_adopt(id_of(creates[0].address), key, circumstances),),
    )


_ASKED_ONCE = "; once an apply without --only or --exclude is through, the files are known"


def note_copies(changes: Iterable[Change], view: View, told: Collection[str]) -> Iterator[Diagnostic]:
    """Warn where a create may be the scenario whose key went to another file for being equal, in a state built again.

    The file may be a copy of the one that is created now, which was edited since. An id that is made of the name, or
    that has the key, says whose it is. ``told`` are the ids of which a guard tells more.
    """
    if view.state.knows_files:
        return
    creates: dict[Way, list[Create]] = defaultdict(list)
    for each in _creates_of(changes):
        if id_of(each.address) not in told:
            creates[way_of(each.desired.flow)].append(each)
    taken: dict[Way, list[Record]] = defaultdict(list)
    for record in view.state.records.values() if creates else ():
        way = way_of(record.applied.flow)
        if way in creates and _is_known_by_equality(record, view):
            taken[way].append(record)
    for way, records in taken.items():
        yield _may_be_copied(creates[way], records)


def _is_known_by_equality(record: Record, view: View) -> bool:
    """Tell whether nothing but being equal may have brought file and key together."""
    resource = view.configuration.resources.get(record.address)
    return (
        record.created_at is None
        and resource is not None
        and resource.import_key != record.key
        and is_near(resource.attributes, record.applied)
        and not has_own_id(id_of(record.address), record.applied.name, record.key)
    )


def _may_be_copied(creates: Sequence[Create], records: Sequence[Record]) -> Diagnostic:
    ids = list_first([id_of(each.address) for each in creates])
    named = list_first([f"{id_of(each.address)} ({each.key})" for each in records])
    has, its_file, its_id = (
        ("has", "that file", "its id says") if len(records) == 1 else ("have", "one of these files", "their ids say")
    )
    old = id_of(records[0].address) if len(records) == 1 else "OTHER"
    new = id_of(creates[0].address) if len(creates) == 1 else "ID"
    return Diagnostic(
        "maybe-copied",
        Severity.WARNING,
        "A new scenario may be the one of which another file has the key",
        f"{ids}: {named} {has} the same flow. The state was built again, and nothing but being equal says that the key "
        f"is its own; {its_id} nothing. If {its_file} is a copy, and the one that it was made from was edited before "
        "the state was lost, the key belongs to that one, and this create makes a second scenario.",
        creates[0].source,
        hint=f"if so, let the edited file have the record, and the copy is created instead{_ASKED_ONCE}",
        commands=(join_words(["omnictl", "state", "mv", old, new]),),
    )


CODES = {
    "maybe-copied": "A state was lost and built again, and a scenario is created with the flow of one that got its key "
    "for being equal alone. If that file is a copy of the one that is created, and this one was edited since, the key "
    "is that of the edited file. An apply of all files settles it.",
    "maybe-unmanaged": "A scenario is created, and the account has one with the same flow, or with a name that gives "
    "its id or is its own cut short, that nobody manages. Where a state was lost and a name edited they may be the "
    "same; adopting keeps the key, a create makes a second one. Where all files were applied once, the flow counts if "
    "as many are created as there are.",
    "maybe-moved": "A scenario is created with the flow of one that another environment of the account gives up, or "
    "gave up lately. If id and name changed while the file moved, adopting it keeps the key.",
}
