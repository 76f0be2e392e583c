"""Which scenarios look alike: found among thousands by an index, not by comparing each with each."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from omnictl.engine.compare import SHORTEST_CUT, fold, is_near
from omnictl.model.plan import Near
from omnictl.model.scenario import Attributes, Remote

Channels = tuple[str, ...]


def find_meant_key(key: str, remotes: Iterable[str]) -> str | None:
    """Return the key of the account that somebody meant who took no care of letter case or spaces."""
    return next((each for each in remotes if each.casefold() == key.strip().casefold()), None)


class Alikes:
    """The scenarios of one reading that nobody of ``owned`` stands for. The index is made when it is first asked."""

    def __init__(self, remotes: Mapping[str, Remote], owned: Collection[str]) -> None:
        self._remotes = remotes
        self._owned = owned

    def of(self, body: Attributes) -> tuple[Near, ...]:
        """Return the scenarios that match a body or nearly do, in the order of their keys."""
        names = self._index.get(_channels(body))
        keys = sorted(names.keys_near(fold(body.name))) if names else ()
        found = ((key, self._remotes[key].attributes) for key in keys)
        return tuple(
            Near(key, attributes, attributes == body) for key, attributes in found if is_near(attributes, body)
        )

    @cached_property
    def _index(self) -> Mapping[Channels, "_Names"]:
        index: dict[Channels, _Names] = defaultdict(_Names)
        for key, remote in self._remotes.items():
            if key not in self._owned:
                index[_channels(remote.attributes)].add(fold(remote.attributes.name), key)
        return index


class _Names:
    """The folded names of the scenarios with the same channels, and the keys behind each."""

    def __init__(self) -> None:
        self._keys: dict[str, list[str]] = defaultdict(list)

    def add(self, name: str, key: str) -> None:
        self._keys[name].append(key)

    def keys_near(self, name: str) -> Iterator[str]:
        """Yield the keys of this name, of names that are cut from it, and of names that it is cut from."""
        near = {name, *(name[:size] for size in self._sizes if size >= SHORTEST_CUT)}
        for each in near & self._keys.keys():
            yield from self._keys[each]
        if len(name) >= SHORTEST_CUT:
            for longer in self._longer(name):
                yield from self._keys[longer]

    @cached_property
    def _sizes(self) -> frozenset[int]:
        return frozenset(map(len, self._keys))

    @cached_property
    def _in_order(self) -> list[str]:
        return sorted(self._keys)

    def _longer(self, name: str) -> Iterator[str]:
        for place in range(bisect_left(self._in_order, name), len(self._in_order)):
            each = self._in_order[place]
            if not each.startswith(name):
                return
            if each != name:
                yield each


def _channels(attributes: Attributes) -> Channels:
    return tuple(step.channel for step in attributes.flow)
