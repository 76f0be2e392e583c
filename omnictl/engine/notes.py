"""What a plan says beside its changes: things that are as they are, but that a reader should know."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from omnictl.engine.alikes import Alikes, find_meant_key
from omnictl.engine.neighbours import Neighbourhood
from omnictl.engine.recover import owned_keys
from omnictl.engine.twins import way_to_adopt, ways_to_take_over
from omnictl.engine.view import Circumstances, View
from omnictl.model.address import Address, id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Protection, Resource


def note_configuration(
    view: View,
    watched: Iterable[Address],
    renamed_from: Mapping[Address, Address],
    circumstances: Circumstances,
    neighbourhood: Neighbourhood,
    selected: Collection[Address],
) -> tuple[Diagnostic, ...]:
    """Return notes and errors that come from comparing files, state and account, address by address.

    What is wrong is said whatever was selected; what an apply does or leaves, only of that.
    """
    elsewhere = neighbourhood.elsewhere
    known = owned_keys(view.state) | neighbourhood.spoken_for.keys()
    return (
        *_imports(view, neighbourhood, circumstances),
        *_contradicted_imports(view, renamed_from, elsewhere),
        *_managed_twice(view, renamed_from, elsewhere),
        *_watched(view, (each for each in watched if each in selected), known, circumstances),
        *_lifted_protections(view, renamed_from, selected),
        *_late_twins(view, elsewhere),
    )


def _imports(view: View, neighbourhood: Neighbourhood, circumstances: Circumstances) -> Iterator[Diagnostic]:
    """``import:`` must name a scenario that exists and that no other address has."""
    owners = {record.key: id_of(record.address) for record in view.state.records.values()}
    for resource in view.configuration.resources.values():
        key = resource.import_key
        if key is None or resource.address in view.state.records:
            continue
        source = resource.sources.get("import") or resource.source
        if key not in view.remotes:
            meant = find_meant_key(key, view.remotes)
            yield Diagnostic(
                "import-missing",
                Severity.ERROR,
                "The scenario to import is not on the account",
                f"{id_of(resource.address)} imports {key}, but the account has no scenario with this key.",
                source,
                hint=f"did you mean {meant}?" if meant else "check the key and the environment",
            )
        elif owners.get(key) in resource.previous_ids:
            continue  # the line is older than the rename that previous_ids tells of
        elif key in owners:
            yield _import_taken(
                resource,
                f"is recorded as {owners[key]}",
                f"to rename it, write previous_ids: [{owners[key]}] instead",
            )
        elif key in neighbourhood.claimed:
            yield _claimed_elsewhere(resource, key, neighbourhood, circumstances)


def _claimed_elsewhere(
    resource: Resource, key: str, neighbourhood: Neighbourhood, circumstances: Circumstances
) -> Diagnostic:
    """Say who has the key that a file imports; where that one gives it up, how it lets it go."""
    whose = f"is managed in the environment {neighbourhood.claimed[key]}"
    left = next((each for each in neighbourhood.find_left_of(key) if each.is_recorded), None)
    if left is None:
        hint = "a key belongs to one environment: take the line out here, or the scenario out there"
        return _import_taken(resource, whose, hint)
    return _import_taken(
        resource,
        f"{whose}, whose files no longer declare it",
        "let that environment forget it first; this plan adopts it then",
        ways_to_take_over(resource, left, circumstances)[:1],
    )


def _import_taken(resource: Resource, whose: str, hint: str, commands: tuple[str, ...] = ()) -> Diagnostic:
    return Diagnostic(
        "import-taken",
        Severity.ERROR,
        "The scenario to import belongs to another address",
        f"{id_of(resource.address)} imports {resource.import_key}, which {whose}.",
        resource.sources.get("import") or resource.source,
        hint=hint,
        commands=commands,
    )


def _contradicted_imports(
    view: View, renamed_from: Mapping[Address, Address], elsewhere: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """A record goes before ``import:``: a line that names another key looks as if that one were adopted."""
    owners = {record.key: id_of(record.address) for record in view.state.records.values()}
    for address, resource in view.configuration.resources.items():
        record, key = view.state.records.get(renamed_from.get(address, address)), resource.import_key
        is_refused = address in renamed_from and (key not in view.remotes or key in owners or key in elsewhere)
        if record is None or key is None or key == record.key or is_refused:
            continue
        name, is_free = id_of(address), False
        if key in owners:
            there = f"is recorded as {owners[key]}"
        elif key in elsewhere:
            there = f"is managed in the environment {elsewhere[key]}"
        elif key in view.remotes:
            there, is_free = "is managed by nobody", True
        else:
            there = "is not on the account"
        way = f"; to go on with {key} instead, forget {id_of(record.address)} first" if is_free else ""
        yield Diagnostic(
            "import-ignored",
            Severity.WARNING,
            "An import line names another key than the record",
            f"{name} is recorded with the key {record.key} and imports {key}, which {there}. The record counts: "
            "nothing is adopted.",
            resource.sources.get("import") or resource.source,
            hint=f"take the line out, or write {record.key}{way}",
            commands=(f"omnictl state rm {id_of(record.address)}",) if is_free else (),
        )


def _managed_twice(
    view: View, renamed_from: Mapping[Address, Address], elsewhere: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """A key belongs to one environment: two that write it would undo each other for ever."""
    for address, resource in view.configuration.resources.items():
        record = view.state.records.get(renamed_from.get(address, address))
        if record is not None and record.key in elsewhere:
            other = elsewhere[record.key]
            yield Diagnostic(
                "managed-twice",
                Severity.ERROR,
                "Two environments of one account manage the same scenario",
                f"{id_of(address)} is recorded with the key {record.key}, and so it is in the environment {other}.",
                resource.source,
                hint="take the scenario out of one of them, with only_in; there it is forgotten, and stays here",
            )


def _watched(
    view: View, watched: Iterable[Address], known: Collection[str], circumstances: Circumstances
) -> Iterator[Diagnostic]:
    for address in watched:
        resource = view.configuration.resources[address]
        record = view.state.records.get(address)
        there = "differs from its file" if record else "is not on the account under a known key"
        if record is not None and record.key not in view.remotes:
            there = "is no longer on the account"
        name = resource.attributes.name
        alike = (
            []
            if record
            else sorted(key for key, each in view.remotes.items() if key not in known and each.attributes.name == name)
        )
        yield Diagnostic(
            "observed-differs",
            Severity.NOTE,
            "A scenario that is only observed differs",
            f"{id_of(address)} {there}; lifecycle.manage is observe, so nothing is written.",
            resource.source,
            hint="the account has a scenario of this name; to watch it, adopt it with the command" if alike else "",
            commands=tuple(way_to_adopt(id_of(address), key, circumstances) for key in alike),
        )


def _lifted_protections(
    view: View, renamed_from: Mapping[Address, Address], selected: Collection[Address]
) -> Iterator[Diagnostic]:
    for address, resource in view.configuration.resources.items():
        if address not in selected:
            continue
        record = view.state.records.get(renamed_from.get(address, address))
        before = record.lifecycle.protected if record else Protection.NONE
        if before.strength > resource.lifecycle.protected.strength:
            yield Diagnostic(
                "protection-lifted",
                Severity.NOTE,
                "A protection is lifted by this apply",
                f"{id_of(address)} was protected ({before}); the lifting takes effect in the next apply.",
                resource.sources.get("lifecycle") or resource.source,
            )


def _late_twins(view: View, elsewhere: Mapping[str, str]) -> Iterator[Diagnostic]:
    """A create that was repeated may have a twin that appeared late."""
    alikes = Alikes(view.remotes, owned_keys(view.state) | set(elsewhere))
    for repeated in view.state.repeated_creates:
        record = view.state.records.get(repeated.address)
        ours = record.key if record else "not recorded"
        for twin in alikes.of(repeated.body):
            if twin.key in repeated.known_keys:
                continue
            alike = "equal to it" if twin.exact else "nearly equal to it"
            yield Diagnostic(
                "late-twin",
                Severity.WARNING,
                "A create that was repeated has appeared twice",
                f"{id_of(repeated.address)} is {ours}; {twin.key} is {alike} and appeared after the create "
                "was repeated. Both can be sent through, and neither can be deleted.",
                hint="rename the one that nobody uses in the web interface",
            )


CODES = {
    "managed-twice": "The states of two environments with the same account: name have the same key. Each would write "
    "what the other one undoes. Take the scenario out of one of them: there it is forgotten, without a request.",
    "import-missing": "import: names a key that the account does not have. Check the key and the environment.",
    "import-ignored": "A file imports one key, and the state has recorded its scenario with another. import: acts only "
    "where nothing is recorded. Take the line out, or forget the record first.",
    "import-taken": "import: names a key that already belongs to another address. A key belongs to one address.",
    "observed-differs": "lifecycle.manage is observe: differences are shown and nothing is written.",
    "protection-lifted": "The file no longer protects the scenario, but the state still remembers it. This apply lifts "
    "it; guarded changes become possible in the next one.",
    "late-twin": "A create whose outcome was unknown was not found in time, was sent again, and the first one appeared "
    "later after all. Scenarios cannot be deleted: rename the one that nobody uses.",
}
