"""Rules about what ends: fields that are ignored until a day."""

from collections.abc import Iterator
from datetime import date

from omnictl.lint.findings import Finding
from omnictl.model.address import id_of
from omnictl.model.scenario import Configuration, IgnoredField, Resource

SOON_DAYS = 14
"""So many days before the last one it is told."""

_HINT = "write a later until:, or take the account's value into the file"


def find_ending_soon(configuration: Configuration, today: date) -> Iterator[tuple[Resource, Finding]]:
    """An ignored field whose last day is near."""
    for resource, where, ignored, last in _ends(configuration):
        left = (last - today).days
        if 0 <= left <= SOON_DAYS:
            when = "today" if left == 0 else "tomorrow" if left == 1 else f"in {left} days, on {last}"
            detail = f"{id_of(resource.address)}: {ignored.field} is ignored for the last time {when}."
            yield resource, Finding(where, detail, _HINT)


def find_ended(configuration: Configuration, today: date) -> Iterator[tuple[Resource, Finding]]:
    """An ignored field whose last day is over."""
    for resource, where, ignored, last in _ends(configuration):
        if ignored.has_ended(today):
            detail = f"{id_of(resource.address)}: {ignored.field} was ignored until {last}, and is no longer."
            yield resource, Finding(where, detail, _HINT)


def _ends(configuration: Configuration) -> Iterator[tuple[Resource, str, IgnoredField, date]]:
    for resource in configuration.resources.values():
        for index, ignored in enumerate(resource.lifecycle.ignore_changes):
            if ignored.until is not None:
                where = f"lifecycle.ignore_changes[{index}].until"
                yield resource, where, ignored, date.fromisoformat(ignored.until)
