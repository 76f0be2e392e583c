"""Choosing what is adopted: which scenarios nobody manages, which file stands for which, and the ids of the others."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from omnictl.engine.advance import record_default, record_written
from omnictl.engine.alikes import find_meant_key
from omnictl.engine.bent import find_cut
from omnictl.engine.compare import wanted
from omnictl.engine.doubts import leave_out, take_as_near
from omnictl.engine.pairing import Likeness, find_near, find_rivals, pair
from omnictl.engine.rename import find_keyless, find_renames
from omnictl.engine.slugs import choose_id
from omnictl.engine.surgery import open_intents
from omnictl.engine.unmanaged import find_unmanaged
from omnictl.engine.view import View
from omnictl.errors import RefusalKind, RefusedError, StateError
from omnictl.model.address import Address, id_of, make_address
from omnictl.model.adoption import Adoption, Choice, Draft, Told
from omnictl.model.change import Adopt
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.drift import IgnoreLine
from omnictl.model.scenario import Lifecycle, Manage, Remote, Resource
from omnictl.model.state import State


def choose_all(
    view: View,
    elsewhere: Mapping[str, str],
    only: Sequence[str] = (),
    lines: Sequence[IgnoreLine] = (),
    contested: Collection[str] = (),
    *,
    told: Collection[Told] = (),
) -> Choice:
    """Return everything on the account that nobody manages, in the order of the ids.

    A file without a record that is for certain that of a scenario is taken for it; a scenario that may be that of such
    a file, though nothing makes it certain, is left out.
    ``only`` are globs of ids or names, ``lines`` those of .omnictlignore: what they name gets no new file. No file gets
    one of the ``contested`` keys for being equal alone.
    ``told`` is what a person says of the files.
    """
    found = find_unmanaged(view.state, view.remotes, elsewhere, lines)
    unmanaged = [view.remotes[each.key] for each in found]
    waiting = _waiting(view)
    takes_near = Told.NEARLY_EQUAL in told
    cut = find_cut(view.remotes.values()) if waiting else 0
    paired = pair(unmanaged, waiting, contested, cut=cut, takes_near=takes_near)
    ignored = {each.key for each in found if each.ignored} - paired.keys()
    rest = [each for each in unmanaged if each.key not in paired and each.key not in ignored]
    ids = _choose_ids(rest, view)
    paired_files = {each.address for each in paired.values()}
    unpaired = [each for each in waiting if each.address not in paired_files]
    rivals = find_rivals(rest, unpaired, knows_files=view.state.knows_files, cut=cut)
    if Told.FILES_ARE_NEW in told:
        rivals = {key: found for key, found in rivals.items() if found[0].likeness is not Likeness.FLOW}
    adoptions = [
        *(Adoption(file.address, view.remotes[key], file) for key, file in paired.items()),
        *(Adoption(make_address(ids[each.key]), each) for each in rest if each.key not in rivals),
    ]
    left_out = [leave_out(each, rivals[each.key], ids[each.key]) for each in rest if each.key in rivals]
    if left_out and not takes_near:
        near = find_near(unmanaged, waiting, contested, cut, paired.keys())
        left_out = [take_as_near(each) if each.key in near else each for each in left_out]
    return Choice(
        tuple(
            sorted(
                (each for each in adoptions if _is_named(only, (id_of(each.address), each.remote.attributes.name))),
                key=lambda each: each.address,
            )
        ),
        tuple(each for each in left_out if _is_named(only, (*each.ids, each.name))),
        len(ignored),
    )


def _waiting(view: View) -> list[Resource]:
    """Return the declared scenarios that have no key yet, and get none by a rename or from a tombstone."""
    return [resource for resource, stone in find_keyless(view) if stone is None]


def _choose_ids(remotes: Iterable[Remote], view: View) -> dict[str, str]:
    taken = _taken_ids(view)
    ids: dict[str, str] = {}
    for remote in remotes:
        ids[remote.key] = choose_id(remote.attributes.name, remote.key, taken)
        taken.add(ids[remote.key])
    return ids


def _taken_ids(view: View) -> set[str]:
    """Return the ids that mean something already: a tombstone under an id would be adopted with it."""
    state, resources = view.state, view.configuration.resources
    addresses: list[Collection[Address]] = [
        resources,
        state.records,
        [each.address for each in state.tombstones],
        [each.address for each in state.intents],
    ]
    taken = {id_of(address) for each in addresses for address in each}
    return taken.union(*(each.previous_ids for each in resources.values()))


def _is_named(only: Sequence[str], texts: Iterable[str]) -> bool:
    return not only or any(fnmatchcase(text, word) for text in texts for word in only)


def unmatched_words(choice: Choice, state: State, only: Iterable[str]) -> tuple[str, ...]:
    """Return the words of ``only`` that name nothing: neither what was chosen, nor what is managed already."""
    named = {text for each in choice.adoptions for text in (id_of(each.address), each.remote.attributes.name)}
    named |= {text for each in choice.left_out for text in (*each.ids, each.name)}
    named |= {text for each in state.records.values() for text in (id_of(each.address), each.applied.name)}
    return tuple(word for word in only if not any(fnmatchcase(text, word) for text in named))


def choose_one(view: View, elsewhere: Mapping[str, str], address: Address, key: str) -> Choice:
    """Return the adoption of one scenario under one id; none where that is recorded and declared already.

    Raises RefusedError where key or id belong to something else.
    """
    record = view.state.records.get(address)
    if record is not None and record.key != key:
        raise RefusedError(RefusalKind.POLICY, _id_recorded(id_of(address), record.key, key))
    _refuse_owned(view, elsewhere, address, key)
    remote = view.remotes.get(key)
    resource = view.configuration.resources.get(address)
    if remote is None:
        raise StateError(_unknown_key(key, view.remotes))
    if resource is not None and resource.import_key not in (None, key) and record is None:
        raise RefusedError(RefusalKind.POLICY, _other_import(resource, key))
    renamed_from = find_renames(view).pairs.get(address)
    if renamed_from is not None:
        raise RefusedError(RefusalKind.POLICY, _being_renamed(id_of(address), id_of(renamed_from)))
    if record is not None and resource is not None:
        return Choice()
    return Choice((Adoption(address, remote, resource),))


def _refuse_owned(view: View, elsewhere: Mapping[str, str], address: Address, key: str) -> None:
    """Refuse a key that has an owner: a record, another environment, a file that names it."""
    for record in view.state.records.values():
        if record.key == key and record.address != address:
            raise RefusedError(RefusalKind.POLICY, _managed(key, f"as {id_of(record.address)}"))
    if key in elsewhere:
        raise RefusedError(RefusalKind.POLICY, _managed(key, f"in the environment {elsewhere[key]}"))
    for each in _waiting(view):
        if each.import_key == key and each.address != address:
            place = f" ({each.source.path})" if each.source else ""
            raise RefusedError(
                RefusalKind.POLICY, _managed(key, f"by the import: line of {id_of(each.address)}{place}")
            )


def refuse_open_intents(state: State) -> None:
    """Refuse while the fate of a create is not known: what it made may be one of those that nobody manages."""
    if state.intents:
        why = "what such a create made is not told from what others made, so nothing is imported"
        raise RefusedError(RefusalKind.POLICY, open_intents(state.intents, why))


def in_writing_order(drafts: Iterable[Draft]) -> tuple[Draft, ...]:
    """Return new files in the order in which they are written: of equal ones that without a key in its id comes last.

    Wherever the writing is cut, the next run can tell what stands for what.
    """
    return tuple(sorted(drafts, key=lambda each: each.adoption.remote.key, reverse=True))


def adopt_all(state: State, adoptions: Iterable[Adoption], default: Address | None, now: datetime) -> State:
    """Return the state with all of them recorded as the account shows them: what differs is for the next plan.

    ``default`` is the one of them that is the account default and is declared as it.
    """
    for each in adoptions:
        if each.address in state.records:
            continue
        shown = each.remote.attributes
        lifecycle = each.resource.lifecycle if each.resource else Lifecycle()
        state = record_written(
            state, Adopt(each.address, each.remote.key, shown, shown, (), False, lifecycle), shown, now
        )
        if each.address == default:
            state = record_default(state, default, each.remote.key)
    return state


def declares_default(view: View, beside: Iterable[Mapping[Address, Resource | None]] = ()) -> bool:
    """Tell whether a file declares the account default: here, or in another environment of the account."""
    declared = (view.configuration.resources, *beside)
    return any(each is not None and bool(each.default) for one in declared for each in one.values())


def find_holder(choice: Choice) -> Adoption | None:
    """Return what becomes managed and is the account default; None where several are shown as it."""
    holders = [each for each in choice.adoptions if each.remote.is_default]
    return holders[0] if len(holders) == 1 else None


def is_observed(adoption: Adoption) -> bool:
    """Tell whether a file says that its scenario is only observed: no plan ever sends anything for it."""
    return adoption.resource is not None and adoption.resource.lifecycle.manage is Manage.OBSERVE


def differs(adoption: Adoption) -> bool:
    """Tell whether the file that is there says something else than the account."""
    resource, actual = adoption.resource, adoption.remote.attributes
    return resource is not None and wanted(resource.attributes, actual, resource.lifecycle.ignore_changes) != actual


def _unknown_key(key: str, remotes: Collection[str]) -> Diagnostic:
    meant = find_meant_key(key, remotes)
    return Diagnostic(
        "import-missing",
        Severity.ERROR,
        "The scenario to import is not on the account",
        f"The account has {len(remotes)} scenarios, and none of them has the key {key}.",
        hint=f"did you mean {meant}?"
        if meant
        else "check the key and the environment; the scenarios that are not managed are listed with",
        commands=() if meant else ("omnictl import --all --dry-run",),
    )


def _managed(key: str, whose: str) -> Diagnostic:
    return Diagnostic(
        "import-taken",
        Severity.ERROR,
        "The scenario to import belongs to another address",
        f"{key} is managed already {whose}; a key belongs to one address.",
    )


def _id_recorded(scenario_id: str, recorded: str, key: str) -> Diagnostic:
    return Diagnostic(
        "id-recorded",
        Severity.ERROR,
        "The id stands for another scenario",
        f"{scenario_id} is recorded with the key {recorded}, not with {key}.",
        hint="choose another id; what is recorded under this one is shown by",
        commands=(f"omnictl state show {scenario_id}",),
    )


def _being_renamed(scenario_id: str, previous: str) -> Diagnostic:
    return Diagnostic(
        "id-recorded",
        Severity.ERROR,
        "The id stands for another scenario",
        f"The file of {scenario_id} is that of {previous} under a new id, and keeps its key.",
        hint="apply the rename first, or choose another id",
    )


def _other_import(resource: Resource, key: str) -> Diagnostic:
    return Diagnostic(
        "import-differs",
        Severity.ERROR,
        "The file of this id names another key",
        f"{id_of(resource.address)} imports {resource.import_key}, not {key}.",
        resource.sources.get("import") or resource.source,
        hint="mend the line or the command; where both are right they are two scenarios, and need two ids",
    )


CODES = {
    "id-recorded": "An id stands for one scenario. This one has a key already, in the state or by a rename that is to "
    "be applied; neither import nor state mv writes over it.",
    "import-differs": "import ID KEY and the import: line in the file of that id name different keys.",
}
