"""Rules about names and about the scenarios of an environment together."""

from collections.abc import Iterator
from itertools import islice

from omnictl.lint.findings import Finding
from omnictl.model.address import id_of
from omnictl.model.hidden import find_hidden
from omnictl.model.scenario import Configuration, Resource


def find_odd_names(configuration: Configuration) -> Iterator[tuple[Resource, Finding]]:
    """A name with spaces at its ends, more than one in a row, or characters that nobody sees."""
    for resource in configuration.resources.values():
        name = resource.attributes.name
        if name != " ".join(name.split(" ")).strip() or "  " in name:
            yield resource, Finding("name", f"{name!r} has spaces at its ends, or several in a row.", "remove them")
        for position in islice(find_hidden(name), 1):
            detail = f"The name holds U+{ord(name[position]):04X}, which nobody sees."
            yield resource, Finding("name", detail, "remove it")


def find_equal_names(configuration: Configuration) -> Iterator[tuple[Resource, Finding]]:
    """A name that two scenarios with different flows have."""
    first: dict[str, Resource] = {}
    for resource in configuration.resources.values():
        other = first.setdefault(resource.attributes.name, resource)
        if other is not resource and other.attributes != resource.attributes:
            detail = f"{id_of(resource.address)} and {id_of(other.address)} have the same name in the account."
            yield resource, Finding("name", detail, "give one of them another name")


def find_absent_defaults(configuration: Configuration) -> Iterator[tuple[None, Finding]]:
    """An environment in which no scenario is declared as the account default."""
    if configuration.resources and not any(each.default for each in configuration.resources.values()):
        detail = "Sends without a key go to whichever scenario is the default of the account."
        yield None, Finding("", detail, "write default: true in one scenario")
