"""Choosing what is adopted: which scenarios nobody manages, which file stands for which, and the ids of the others."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from omnictl.engine.advance import record_default, record_written
from omnictl.engine.alikes import find_meant_key
from omnictl.engine.rename import find_renames
from omnictl.engine.slugs import choose_id, key_part
from omnictl.engine.surgery import open_intents
from omnictl.engine.unmanaged import find_unmanaged
from omnictl.engine.view import View
from omnictl.errors import RefusalKind, RefusedError, StateError
from omnictl.model.address import Address, id_of, make_address
from omnictl.model.adoption import Adoption, Choice, LeftOut
from omnictl.model.change import Adopt
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.drift import IgnoreLine
from omnictl.model.scenario import Attributes, Configuration, Lifecycle, Remote, Resource
from omnictl.model.shell import join_words
from omnictl.model.state import State


def choose_all(
    view: View, elsewhere: Mapping[str, str], only: Sequence[str] = (), lines: Sequence[IgnoreLine] = ()
) -> Choice:
    """Return everything on the account that nobody manages, in the order of the ids.

    A file that names the key, or that no record stands behind and that equals the scenario, is taken for its file.
    ``only`` are globs of ids or names, ``lines`` those of .omnictlignore: what they name gets no new file.
    """
    found = find_unmanaged(view.state, view.remotes, elsewhere, lines)
    unmanaged = [view.remotes[each.key] for each in found]
    waiting = _waiting(view)
    matched = _match(unmanaged, waiting)
    ignored = {each.key for each in found if each.ignored} - matched.keys()
    rest = [each for each in unmanaged if each.key not in matched and each.key not in ignored]
    ids = _choose_ids(rest, view)
    adoptions = [Adoption(file.address, view.remotes[key], file) for key, file in matched.items()]
    left_out = []
    found_files = {each.address for each in matched.values()}
    rivals: dict[str, list[Resource]] = defaultdict(list)
    for each in waiting:
        if each.address not in found_files:
            rivals[each.attributes.name].append(each)
    for remote in rest:
        own = rivals.get(remote.attributes.name, [])
        equal = [each for each in own if each.attributes == remote.attributes]
        if not own:
            adoptions.append(Adoption(make_address(ids[remote.key]), remote))
        elif any(_is_named(only, id_of(each.address), remote) for each in equal or own):
            left_out.append(_one_of(remote, equal) if equal else _twin_of(remote, own[0]))
    chosen = (each for each in adoptions if _is_named(only, id_of(each.address), each.remote))
    return Choice(tuple(sorted(chosen, key=lambda each: each.address)), tuple(left_out), len(ignored))


def _waiting(view: View) -> list[Resource]:
    """Return the declared scenarios that have no key yet, and get none from a record that is renamed."""
    renamed = find_renames(view).pairs
    recorded = view.state.records
    return [
        each
        for address, each in view.configuration.resources.items()
        if address not in recorded and address not in renamed
    ]


def _match(unmanaged: Sequence[Remote], waiting: Sequence[Resource]) -> dict[str, Resource]:
    """Pair keys with files: first where a file names the key, then equal ones in order, each once."""
    named = {each.import_key: each for each in waiting if each.import_key is not None}
    matched = {each.key: named[each.key] for each in unmanaged if each.key in named}
    files: dict[Attributes, list[Resource]] = defaultdict(list)
    for resource in waiting:
        if resource.import_key is None:
            files[resource.attributes].append(resource)
    remotes: dict[Attributes, list[Remote]] = defaultdict(list)
    for remote in unmanaged:
        if remote.key not in matched:
            remotes[remote.attributes].append(remote)
    for attributes, alike in remotes.items():
        matched |= _pair(alike, files.get(attributes, []))
    return matched


def _pair(remotes: Iterable[Remote], resources: Iterable[Resource]) -> Iterator[tuple[str, Resource]]:
    """Pair equal ones: the account default with the file that declares it, then by the ids that an import makes.

    Of the rest nothing says which is which, unless there is one of each.
    """
    keys = {each.key: each for each in remotes}
    files = {each.address: each for each in sorted(resources, key=lambda each: each.address)}
    holder = next((key for key, each in keys.items() if each.is_default), None)
    declared = next((address for address, each in files.items() if each.default), None)
    if holder is not None and declared is not None:
        del keys[holder]
        yield holder, files.pop(declared)
    for key in tuple(keys):
        named = next((address for address in files if address.endswith(f"-{key_part(key)}")), None)
        if named is not None:
            del keys[key]
            yield key, files.pop(named)
    if keys and files:
        first = min(keys)  # an earlier run gave the name alone to the first key
        plain = make_address(choose_id(next(iter(files.values())).attributes.name, first, ()))
        if plain in files:
            del keys[first]
            yield first, files.pop(plain)
    if len(keys) == len(files) == 1:
        yield from zip(keys, files.values(), strict=True)


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


def _is_named(only: Sequence[str], scenario_id: str, remote: Remote) -> bool:
    return not only or any(fnmatchcase(text, word) for word in only for text in (scenario_id, remote.attributes.name))


def unmatched_words(choice: Choice, state: State, only: Iterable[str]) -> tuple[str, ...]:
    """Return the words of ``only`` that name nothing: neither what was chosen, nor what is managed already."""
    named = {text for each in choice.adoptions for text in (id_of(each.address), each.remote.attributes.name)}
    named |= {each.name for each in choice.left_out}
    named |= {text for each in state.records.values() for text in (id_of(each.address), each.applied.name)}
    return tuple(word for word in only if not any(fnmatchcase(text, word) for text in named))


def _twin_of(remote: Remote, rival: Resource) -> LeftOut:
    """A second file of that name would hide that the first one is about to be created."""
    scenario_id = id_of(rival.address)
    place = f" ({rival.source.path})" if rival.source else ""
    return LeftOut(
        remote.key,
        remote.attributes.name,
        f"{scenario_id}{place} has its name and no key yet, and differs in the flow",
        "where they are the same scenario, adopt it under that id; else give one of them another name",
        (join_words(["omnictl", "import", scenario_id, remote.key]),),
    )


def _one_of(remote: Remote, files: Sequence[Resource]) -> LeftOut:
    """Several scenarios and files are equal: a guess might give an id another key than it had."""
    ids = sorted(id_of(each.address) for each in files)
    return LeftOut(
        remote.key,
        remote.attributes.name,
        f"it equals {', '.join(ids)}, which have no key yet, and another scenario does too",
        "say which of them it is; where the state was lost, state rebuild with the log of an apply knows",
        tuple(join_words(["omnictl", "import", each, remote.key]) for each in ids),
    )


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


def declares_default(view: View, beside: Iterable[Configuration] = ()) -> bool:
    """Tell whether a file declares the account default: here, or in another environment of the account."""
    return any(each.default for one in (view.configuration, *beside) for each in one.resources.values())


def find_holder(choice: Choice) -> Adoption | None:
    """Return what becomes managed and is the account default; None where several are shown as it."""
    holders = [each for each in choice.adoptions if each.remote.is_default]
    return holders[0] if len(holders) == 1 else None


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
