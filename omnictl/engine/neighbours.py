"""What of the account other environments of it have, left, or wait for. A key belongs to one environment.

Files that move between such environments, and states that were lost, must not make a second scenario, nor take the
scenario of a neighbour.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.alikes import Alikes
from omnictl.engine.bent import Way, find_cut, way_of
from omnictl.engine.compare import fold
from omnictl.engine.pairing import Likeness, Rival, find_rivals
from omnictl.engine.recover import owned_keys
from omnictl.engine.rename import REMEMBERED, find_keyless, find_renames, without_taken_tombstones
from omnictl.engine.view import Circumstances, Neighbour, View
from omnictl.model.address import Address, id_of, make_address
from omnictl.model.adoption import Adoption, Choice, LeftOut, Told
from omnictl.model.scenario import Attributes, Configuration, Remote, Resource
from omnictl.model.shell import join_words
from omnictl.model.state import Record, Tombstone


class Left(Struct, frozen=True):
    """A scenario that a neighbour gives up: recorded though no file declares it any more, or with a tombstone.

    ``is_recent`` where that is not long ago, and it was not ended for good: then its flow alone is a sign.
    """

    environment: str
    address: Address
    key: str
    names: frozenset[str]
    flows: tuple[Attributes, ...]
    is_recorded: bool
    is_recent: bool = True
    removed_at: datetime | None = None


class Keyless(Struct, frozen=True):
    """What a neighbour declares without a record, under any id. ``stone`` is what its next plan takes it up from."""

    environment: str
    resource: Resource
    stone: Tombstone | None = None

    def may_get(self, key: str) -> bool:
        """Tell whether the file has no key of its own, or this one."""
        return self.stone is None or self.stone.key == key


class Neighbourhood:
    """The neighbours of an environment, held against one complete reading of the account."""

    def __init__(self, circumstances: Circumstances, remotes: Mapping[str, Remote]) -> None:
        self.elsewhere = circumstances.elsewhere
        """The keys that they manage, with the names of their environments."""
        self._neighbours = circumstances.neighbours
        self._remotes = remotes
        self._now = circumstances.created_at

    @cached_property
    def claimed(self) -> dict[str, str]:
        """The keys that are not free, with the environments that manage them, name them, take them up again, or may
        have made them.
        """
        found: dict[str, str] = {}
        for each in self._neighbours:
            found |= dict.fromkeys(self._may_be_made_by(each), f"{each.name} (an open create)")
        for keyless in self._keyless:
            if keyless.stone is not None:
                found[keyless.stone.key] = f"{keyless.environment} (by its tombstone: its file is there again)"
            elif keyless.resource.import_key is not None:
                found[keyless.resource.import_key] = f"{keyless.environment} (by its import: line)"
        return found | self.elsewhere

    @cached_property
    def spoken_for(self) -> dict[str, str]:
        """The keys that are nobody's to take in passing: those that are claimed, and what a neighbour retired."""
        stones = ((each.name, stone) for each in self._neighbours for stone in each.state.tombstones)
        return {stone.key: name for name, stone in stones if stone.retired} | self.claimed

    def find_left(self, wanted: Resource) -> tuple[Left, ...]:
        """Return what a declared scenario was in a neighbour: by its id, its previous ids or its name."""
        if not self._neighbours:
            return ()
        ids = (wanted.address, *map(make_address, wanted.previous_ids))
        found = [each for address in ids for each in self._left_by_address.get(address, ())]
        found += self._left_by_name.get(fold(wanted.attributes.name), ())
        return tuple(sorted(dict.fromkeys(found), key=lambda each: (each.key, each.environment)))

    def find_alike(self, wanted: Resource) -> tuple[Left, ...]:
        """Return what neighbours still manage, declare no longer, and sends on the way of a declared scenario."""
        return tuple(self._left_by_way.get(way_of(wanted.attributes.flow), ()))

    def find_left_of(self, key: str) -> tuple[Left, ...]:
        """Return who gives up the scenario of a key."""
        return tuple(each for each in self._left if each.key == key)

    def find_heir(self, record: Record) -> str | None:
        """Return the environment whose files declare a recorded scenario of ours, though it has no key for it."""
        names = {fold(each.name) for each in self._versions_of(record)}
        for each in self._keyless:
            resource = each.resource
            ids = (resource.address, *map(make_address, resource.previous_ids))
            is_like = record.address in ids or fold(resource.attributes.name) in names
            if resource.import_key == record.key or (is_like and each.may_get(record.key)):
                return each.environment
        return None

    def may_take(self, record: Record) -> bool:
        """Tell whether a file of a neighbour declares a recorded scenario of ours, or may under another id and name."""
        ways = {way_of(each.flow) for each in self._versions_of(record)}
        waits = any(way_of(resource.attributes.flow) in ways for _, resource in self._waiting)
        return waits or self.find_heir(record) is not None

    def _versions_of(self, record: Record) -> tuple[Attributes, ...]:
        shown = self._remotes.get(record.key)
        return record.applied, record.observed, *([shown.attributes] if shown else [])

    def find_waiting(self, keys: Iterable[str], *, by_flow: bool = True) -> Mapping[str, tuple[str, Rival]]:
        """Return the neighbour and its file, without a key yet, that each of these scenarios may be meant by."""
        remotes = [self._remotes[key] for key in keys] if self._waiting else []
        found: dict[str, tuple[str, Rival]] = {}
        for each in self._neighbours if remotes else ():
            waiting = [resource for environment, resource in self._waiting if environment == each.name]
            found_rivals = find_rivals(remotes, waiting, knows_files=each.state.knows_files, cut=self._cut)
            for key, rivals in found_rivals.items():
                if by_flow or rivals[0].likeness is not Likeness.FLOW:
                    found.setdefault(key, (each.name, rivals[0]))
        return found

    @cached_property
    def _cut(self) -> int:
        return find_cut(self._remotes.values())

    @cached_property
    def contested(self) -> frozenset[str]:
        """The keys of scenarios that equal a file of a neighbour which has no key yet."""
        waiting = {resource.attributes for _, resource in self._waiting}
        return frozenset(key for key, remote in self._remotes.items() if remote.attributes in waiting)

    @cached_property
    def nearly_contested(self) -> frozenset[str]:
        """The keys of scenarios that equal or nearly equal a file of a neighbour which has no key yet."""
        if not self._waiting:
            return frozenset()
        alikes = Alikes(self._remotes, ())
        return frozenset(near.key for _, each in self._waiting for near in alikes.of(each.attributes))

    def _may_be_made_by(self, neighbour: Neighbour) -> Iterator[str]:
        if not neighbour.state.intents:
            return
        alikes = Alikes(self._remotes, owned_keys(neighbour.state) | self.elsewhere.keys())
        for intent in neighbour.state.intents:
            yield from (near.key for near in alikes.of(intent.body) if near.key not in intent.known_keys)

    @cached_property
    def _keyless(self) -> tuple[Keyless, ...]:
        return tuple(found for each in self._neighbours for found in self._keyless_in(each))

    def _keyless_in(self, neighbour: Neighbour) -> Iterator[Keyless]:
        declared = {address: each for address, each in (neighbour.declared or {}).items() if each is not None}
        view = View(Configuration(declared), neighbour.state, self._remotes)
        view = without_taken_tombstones(view, self.elsewhere)
        return (Keyless(neighbour.name, resource, stone) for resource, stone in find_keyless(view))

    @cached_property
    def _waiting(self) -> tuple[tuple[str, Resource], ...]:
        return tuple((each.environment, each.resource) for each in self._keyless if each.stone is None)

    @cached_property
    def known(self) -> frozenset[str]:
        """The keys of scenarios that a neighbour manages, claims, gives up, or managed before."""
        return frozenset(each.key for each in self._left) | self.spoken_for.keys()

    @cached_property
    def _left(self) -> tuple[Left, ...]:
        return tuple(left for each in self._neighbours for left in self._left_in(each))

    def _left_in(self, neighbour: Neighbour) -> Iterator[Left]:
        if neighbour.declared is None:
            return
        declared = {address: each for address, each in neighbour.declared.items() if each is not None}
        renamed = find_renames(View(Configuration(declared), neighbour.state, self._remotes)).pairs.values()
        for address, record in neighbour.state.records.items():
            if address not in neighbour.declared and address not in renamed and record.key in self._remotes:
                yield self._make_left(neighbour.name, record)
        for stone in neighbour.state.tombstones:
            is_free = stone.key in self._remotes and stone.key not in self.elsewhere
            if is_free and stone.address not in neighbour.declared:
                yield self._make_left(neighbour.name, stone)

    def _make_left(self, environment: str, was: Record | Tombstone) -> Left:
        shown = self._remotes[was.key].attributes
        seen = was.observed if isinstance(was, Record) else was.applied
        names = {fold(each.name) for each in (shown, was.applied, seen)}
        if isinstance(was, Tombstone) and was.named:
            names.add(fold(was.named))
        flows = (shown, was.applied)
        if isinstance(was, Record):
            return Left(environment, was.address, was.key, frozenset(names), flows, is_recorded=True)
        is_recent = not was.retired and self._now - was.removed_at <= REMEMBERED
        return Left(environment, was.address, was.key, frozenset(names), flows, False, is_recent, was.removed_at)

    @cached_property
    def _left_by_address(self) -> Mapping[Address, list[Left]]:
        found = defaultdict(list)
        for each in self._left:
            found[each.address].append(each)
        return found

    @cached_property
    def _left_by_name(self) -> Mapping[str, list[Left]]:
        found = defaultdict(list)
        for each in self._left:
            for name in each.names:
                found[name].append(each)
        return found

    @cached_property
    def _left_by_way(self) -> Mapping[Way, list[Left]]:
        found = defaultdict(list)
        for each in self._left:
            if each.is_recent:
                for way in {way_of(attributes.flow) for attributes in each.flows}:
                    found[way].append(each)
        return found


def leave_to_neighbours(choice: Choice, neighbourhood: Neighbourhood, told: Collection[Told] = ()) -> Choice:
    """Leave out what would get a new file here though a file of a neighbour waits for its key.

    What is left out anyway may be that of a neighbour too. ``told`` is what a person says of the files.
    """
    new = {each.remote.key: each for each in choice.adoptions if each.resource is None}
    by_flow = Told.FILES_ARE_NEW not in told
    awaited = neighbourhood.find_waiting(new, by_flow=by_flow)
    in_doubt = neighbourhood.find_waiting([each.key for each in choice.left_out], by_flow=by_flow)
    kept = tuple(each for each in choice.adoptions if each.remote.key not in awaited)
    doubtful = [_told_too(each, *in_doubt[each.key]) if each.key in in_doubt else each for each in choice.left_out]
    left_out = [_awaited(each, *awaited[key]) for key, each in new.items() if key in awaited]
    return replace(choice, adoptions=kept, left_out=(*doubtful, *left_out))


def _awaited(adoption: Adoption, environment: str, rival: Rival) -> LeftOut:
    remote, resource, own_id = adoption.remote, rival.resource, id_of(adoption.address)
    if_told = Told.FILES_ARE_NEW if rival.likeness is Likeness.FLOW else None
    new = "where that file is new, the first command imports what is here" if if_told else ""
    return LeftOut(
        remote.key,
        remote.attributes.name,
        _say_awaited(environment, rival),
        "; ".join(
            filter(None, [new, f"adopt it there, or apply {environment} first; if it belongs here, name it with an id"])
        ),
        (
            _adopt_there(environment, resource, remote.key),
            join_words(["omnictl", "import", own_id, remote.key]),
        ),
        (id_of(resource.address), own_id),
        if_told,
    )


def _told_too(left_out: LeftOut, environment: str, rival: Rival) -> LeftOut:
    resource = rival.resource
    is_by_flow = left_out.if_told is Told.FILES_ARE_NEW and rival.likeness is Likeness.FLOW
    return replace(
        left_out,
        reason=f"{_say_awaited(environment, rival)}; {left_out.reason}",
        hint=left_out.hint if is_by_flow else "say where it belongs, and which it is: adopt it there or here",
        commands=(_adopt_there(environment, resource, left_out.key), *left_out.commands),
        ids=(id_of(resource.address), *left_out.ids),
        if_told=left_out.if_told if is_by_flow else None,
    )


def _say_awaited(environment: str, rival: Rival) -> str:
    resource = rival.resource
    place = f" ({resource.source.path})" if resource.source else ""
    why = ", and has its flow" if rival.likeness is Likeness.FLOW else ""
    return f"it may be {id_of(resource.address)}{place} of the environment {environment}, which has no key yet{why}"


def _adopt_there(environment: str, resource: Resource, key: str) -> str:
    return join_words(["omnictl", "import", id_of(resource.address), key, "--env", environment])


def describe_left(left: Left) -> str:
    """Return what a neighbour had, in one sentence."""
    if left.is_recorded:
        return (
            f"The environment {left.environment} manages {left.key} as {id_of(left.address)}, and its files no longer "
            "declare it."
        )
    return f"The environment {left.environment} managed {left.key} as {id_of(left.address)} before."
