"""Which file stands for which scenario of the account: pairs that are certain, and what is left for a person.

A state that was lost and an import that was cut leave the same files. What decides is thus in the files alone.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum

from msgspec import Struct

from omnictl.engine.alikes import Alikes
from omnictl.engine.bent import Way, names_of, way_of
from omnictl.engine.compare import fold
from omnictl.engine.slugs import key_part, key_parts_in, plain_id
from omnictl.model.address import Address, id_of
from omnictl.model.scenario import Attributes, Remote, Resource


class Likeness(IntEnum):
    """Why a file may be that of a scenario, the strongest first."""

    EQUAL = 0
    KEY_IN_ID = 1
    NAME = 2
    NEAR = 3
    ID = 4
    FLOW = 5


class Rival(Struct, frozen=True):
    """A file without a key that may be that of a scenario, though nothing makes it certain."""

    resource: Resource
    likeness: Likeness


def pair(
    unmanaged: Sequence[Remote],
    waiting: Iterable[Resource],
    contested: Collection[str] = (),
    *,
    cut: int = 0,
    takes_near: bool = False,
) -> dict[str, Resource]:
    """Return the file of each key that has one for certain.

    The file names the key as ``import:``; or it equals the scenario, and its id has the key, or no other file and no
    other key are left. ``contested`` are keys that no file here gets for being equal alone.
    ``cut`` is the length at which the account may cut names. ``takes_near``: somebody says that what nearly equals one
    file, and no other, is meant by it.
    """
    waiting = sorted(waiting, key=lambda each: each.address)
    named = {each.import_key: each for each in waiting if each.import_key is not None}
    paired = {each.key: named[each.key] for each in unmanaged if each.key in named}
    free = [each for each in waiting if each.import_key is None]
    left = [each for each in unmanaged if each.key not in paired]
    by_id = _by_id(left, free)
    paired |= _sure_by_id(left, by_id)
    bound = {each.address for files in by_id.values() for each in files}
    remotes = [each for each in left if each.key not in by_id]
    files = [each for each in free if each.address not in bound]
    equal = _pair_equal(remotes, files)
    if takes_near:
        near = _pair_near(remotes, files, cut)
        found = {each.address for each in equal.values()}
        equal |= {key: each for key, each in near.items() if key not in equal and each.address not in found}
    certain = {key: each for key, each in equal.items() if key not in contested}
    taken = {each.address for each in paired.values()}
    return paired | _drop_doubtful(
        certain,
        [each for each in left if each.key not in paired],
        [each for each in free if each.address not in taken],
        cut,
    )


def find_near(
    unmanaged: Sequence[Remote],
    waiting: Sequence[Resource],
    contested: Collection[str],
    cut: int,
    certain: Collection[str],
) -> dict[str, Resource]:
    """Return what is paired beside the ``certain`` keys where somebody says that the service bends what it is sent."""
    told = pair(unmanaged, waiting, contested, cut=cut, takes_near=True)
    shown = {each.key: each.attributes for each in unmanaged}
    return {key: each for key, each in told.items() if key not in certain and each.attributes != shown[key]}


def _by_id(remotes: Iterable[Remote], files: Iterable[Resource]) -> dict[str, list[Resource]]:
    """Return the files whose ids have the part of a key, by the key; an id that is made of its name alone has none."""
    parts: dict[str, list[str]] = defaultdict(list)
    for remote in remotes:
        parts[key_part(remote.key)].append(remote.key)
    found: dict[str, list[Resource]] = defaultdict(list)
    for resource in files:
        scenario_id = id_of(resource.address)
        words = key_parts_in(scenario_id) if scenario_id != plain_id(resource.attributes.name) else ()
        for key in (key for word in words for key in parts.get(word, ())):
            found[key].append(resource)
    return dict(found)


def _sure_by_id(remotes: Iterable[Remote], by_id: Mapping[str, Sequence[Resource]]) -> Iterator[tuple[str, Resource]]:
    """Yield the keys that one id has, and that has no other, where file and scenario are equal too."""
    times = Counter(each.address for files in by_id.values() for each in files)
    for remote in remotes:
        files = by_id.get(remote.key, ())
        if len(files) == 1 and times[files[0].address] == 1 and files[0].attributes == remote.attributes:
            yield remote.key, files[0]


def _pair_equal(remotes: Iterable[Remote], files: Iterable[Resource]) -> dict[str, Resource]:
    """Pair equal ones where one of each is left; who holds the default says nothing, for the default moves."""
    alike: dict[Attributes, tuple[list[Remote], list[Resource]]] = defaultdict(lambda: ([], []))
    for resource in files:
        alike[resource.attributes][1].append(resource)
    for remote in remotes:
        if remote.attributes in alike:
            alike[remote.attributes][0].append(remote)
    return {keys[0].key: found[0] for keys, found in alike.values() if len(keys) == len(found) == 1}


def _pair_near(remotes: Iterable[Remote], files: Iterable[Resource], cut: int) -> dict[str, Resource]:
    """Pair those that nearly equal each other, and nothing else.

    That a name is cut short is believed where more than one is, all at the length of the longest on the account.
    """
    named = {each.key: each for each in remotes}
    alikes = Alikes(named, ())
    files_of: dict[str, list[Resource]] = defaultdict(list)
    keys_of: dict[Address, list[str]] = {}
    for resource in files:
        names = names_of(resource.attributes.name, cut)
        keys = (each.key for each in alikes.of(resource.attributes))
        keys_of[resource.address] = [key for key in keys if fold(named[key].attributes.name) in names]
        for key in keys_of[resource.address]:
            files_of[key].append(resource)
    alone = {key: found[0] for key, found in files_of.items() if len(found) == 1}
    near = {key: each for key, each in alone.items() if len(keys_of[each.address]) == 1}
    whole = {key: each for key, each in near.items() if fold(named[key].attributes.name) == fold(each.attributes.name)}
    return near if len(near) - len(whole) > 1 else whole


def _drop_doubtful(
    equal: Mapping[str, Resource], remotes: Iterable[Remote], files: Iterable[Resource], cut: int
) -> dict[str, Resource]:
    """Return the pairs but for those whose name or id a scenario or a file without a pair has too.

    Where that scenario is the original, changed since, the equal one is a copy of what it was; and where that file is
    the original, the equal one is a copy of it.
    """
    by_key = {each.key: each for each in remotes}
    certain = _drop_exchanged(equal, by_key.values())
    by_name: dict[str, set[str]] = defaultdict(set)
    by_id: dict[str, set[str]] = defaultdict(set)
    by_plain: dict[str, set[str]] = defaultdict(set)
    for key, resource in certain.items():
        shown = by_key[key].attributes.name
        for name in {fold(shown), *names_of(resource.attributes.name, cut)}:
            by_name[name].add(key)
        by_id[id_of(resource.address)].add(key)
        for scenario_id in {plain_id(shown), plain_id(resource.attributes.name)}:
            by_plain[scenario_id].add(key)
    paired = {each.address for each in certain.values()}
    alone: list[Remote | Resource] = [each for key, each in by_key.items() if key not in certain]
    alone += [each for each in files if each.address not in paired]
    while alone:
        each = alone.pop()
        names = (fold(each.attributes.name),) if isinstance(each, Remote) else names_of(each.attributes.name, cut)
        doubtful = {key for name in names for key in by_name.get(name, ())}
        if isinstance(each, Remote):
            doubtful |= by_id.get(plain_id(each.attributes.name), set())
        else:
            doubtful |= by_plain.get(id_of(each.address), set())
        for key in doubtful & certain.keys():
            alone += (by_key[key], certain.pop(key))
    return certain


def _drop_exchanged(equal: Mapping[str, Resource], remotes: Iterable[Remote]) -> dict[str, Resource]:
    """Return the pairs but for those whose id the name of another scenario gives: names may have been exchanged."""
    names: dict[str, set[str]] = defaultdict(set)
    for each in remotes:
        names[plain_id(each.attributes.name)].add(each.key)
    return {
        key: each
        for key, each in equal.items()
        if id_of(each.address) == plain_id(each.attributes.name) or not names.get(id_of(each.address), set()) - {key}
    }


def find_rivals(
    remotes: Sequence[Remote], waiting: Iterable[Resource], *, knows_files: bool = True, cut: int = 0
) -> dict[str, tuple[Rival, ...]]:
    """Return the files that may be those of each key, the likeliest first.

    Beside a second file of its own each of them would be created a second time. As many files as scenarios that share
    nothing but the flow may be the same too, renamed; where no state knows any of the files, whatever their numbers.
    ``cut`` is the length at which the account may cut names.
    """
    waiting = sorted(waiting, key=lambda each: each.address)
    rivals: dict[str, list[Rival]] = defaultdict(list)
    likely = _Likely(remotes, waiting, cut)
    strangers = []
    for resource in waiting:
        found = likely.of(resource)
        for key, likeness in found.items():
            rivals[key].append(Rival(resource, likeness))
        strangers += [] if found and knows_files else [resource]
    told = {key: tuple(sorted(found, key=lambda each: each.likeness)) for key, found in rivals.items()}
    return told | _share_flow([each for each in remotes if each.key not in told], strangers, same_number=knows_files)


class _Likely:
    """What the scenarios of one reading are found by."""

    def __init__(self, remotes: Sequence[Remote], waiting: Sequence[Resource], cut: int) -> None:
        self._cut = cut
        self._alikes = Alikes({each.key: each for each in remotes}, ())
        self._in_ids: dict[str, list[str]] = defaultdict(list)
        for key, files in _by_id(remotes, waiting).items():
            for each in files:
                self._in_ids[each.address].append(key)
        self._names: dict[str, list[str]] = defaultdict(list)
        self._folded: dict[str, list[str]] = defaultdict(list)
        self._ids: dict[str, list[str]] = defaultdict(list)
        for remote in remotes:
            self._names[remote.attributes.name].append(remote.key)
            self._folded[fold(remote.attributes.name)].append(remote.key)
            self._ids[plain_id(remote.attributes.name)].append(remote.key)

    def of(self, resource: Resource) -> dict[str, Likeness]:
        """Return the keys that a file may stand for, each with the strongest reason."""
        alike = self._alikes.of(resource.attributes)
        found = (
            (Likeness.EQUAL, [each.key for each in alike if each.exact]),
            (Likeness.KEY_IN_ID, self._in_ids.get(resource.address, ())),
            (Likeness.NAME, self._names.get(resource.attributes.name, ())),
            (Likeness.NEAR, [each.key for each in alike]),
            (Likeness.NAME, self._named(resource.attributes.name)),
            (Likeness.ID, self._ids.get(id_of(resource.address), ())),
        )
        likely: dict[str, Likeness] = {}
        for likeness, keys in found:
            for key in keys:
                likely.setdefault(key, likeness)
        return likely

    def _named(self, name: str) -> list[str]:
        return [key for each in names_of(name, self._cut) for key in self._folded.get(each, ())]


def _share_flow(
    remotes: Iterable[Remote], files: Iterable[Resource], *, same_number: bool
) -> dict[str, tuple[Rival, ...]]:
    """Return the files of the same flow by the key, where there are as many of one as of the other, or anyway."""
    keys: dict[Way, list[str]] = defaultdict(list)
    for remote in remotes:
        keys[way_of(remote.attributes.flow)].append(remote.key)
    rivals: dict[Way, list[Rival]] = defaultdict(list)
    for resource in files:
        rivals[way_of(resource.attributes.flow)].append(Rival(resource, Likeness.FLOW))
    shared = {flow: tuple(found) for flow, found in rivals.items() if not same_number or len(found) == len(keys[flow])}
    return {key: found for flow, found in shared.items() for key in keys[flow]}
