"""Choosing scenarios: ``--only`` and ``--exclude``, each an id glob or ``label:KEY=VALUE``."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from omnictl.model.address import Address, id_of
from omnictl.model.scenario import Resource


def select(
    addresses: Iterable[Address],
    resources: Mapping[Address, Resource],
    only: Sequence[str],
    exclude: Sequence[str],
    renamed_from: Mapping[Address, Address],
) -> frozenset[Address]:
    """Return the addresses that match one of ``only`` (all, where it is empty) and none of ``exclude``.

    A scenario that is being renamed goes by both of its ids.
    """

    def is_named(address: Address, words: Sequence[str]) -> bool:
        ids = (address, renamed_from.get(address, address))
        return any(matches(word, each, resources) for word in words for each in ids)

    return frozenset(each for each in addresses if (not only or is_named(each, only)) and not is_named(each, exclude))


def matches(word: str, address: Address, resources: Mapping[Address, Resource]) -> bool:
    """Tell whether one word of the selection names this address; labels are those of the files."""
    if not word.startswith("label:"):
        return fnmatchcase(id_of(address), word)
    key, _, value = word.removeprefix("label:").partition("=")
    labels = resources[address].labels if address in resources else {}
    return key in labels and fnmatchcase(labels[key], value)


def unmatched(
    words: Iterable[str], addresses: Iterable[Address], resources: Mapping[Address, Resource]
) -> tuple[str, ...]:
    """Return the words that name nothing: a mistake, never "no changes"."""
    known = tuple(addresses)
    return tuple(word for word in words if not any(matches(word, each, resources) for each in known))
