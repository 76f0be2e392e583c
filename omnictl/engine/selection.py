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
) -> frozenset[Address]:
    """Return the addresses that match one of ``only`` (all, where it is empty) and none of ``exclude``."""
    return frozenset(
        address
        for address in addresses
        if (not only or any(matches(word, address, resources) for word in only))
        and not any(matches(word, address, resources) for word in exclude)
    )


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
