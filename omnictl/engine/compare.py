"""Comparing scenarios: what is equal, what is nearly equal, and what ``ignore_changes`` takes out."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from msgspec.structs import replace

from omnictl.model.scenario import Attributes, Configuration, IgnoredField, Resource, Step

_IGNORED_SENDER = re.compile(r"^flow\[(\d+)\]\.from$", re.ASCII)
SHORTEST_CUT = 8
"""A name must share at least so many characters before "cut short" counts as near."""


def wanted(desired: Attributes, actual: Attributes, ignored: Iterable[IgnoredField]) -> Attributes:
    """Return what would be sent: the desired attributes, with the ignored fields as the account has them."""
    result = desired
    for each in ignored:
        if each.field == "name":
            result = replace(result, name=actual.name)
        elif each.field == "flow":
            result = replace(result, flow=actual.flow)
        elif match := _IGNORED_SENDER.match(each.field):
            result = replace(result, flow=_keep_sender(result.flow, actual.flow, int(match[1])))
    return result


def _keep_sender(flow: tuple[Step, ...], actual: tuple[Step, ...], index: int) -> tuple[Step, ...]:
    """Take the sender of one step (zero-based) from the account, where both flows have the same channel there."""
    if index >= len(flow) or index >= len(actual) or flow[index].channel != actual[index].channel:
        return flow
    return (*flow[:index], actual[index], *flow[index + 1 :])


def without_ended(configuration: Configuration, today: date) -> Configuration:
    """Return the configuration without the ignored fields whose last day is over.

    A plan is made of what is left, and saves it: what was ignored when it was reviewed is ignored when it is applied.
    """
    ended = {
        address: _drop_ended(each, today)
        for address, each in configuration.resources.items()
        if any(field.has_ended(today) for field in each.lifecycle.ignore_changes)
    }
    return Configuration({**configuration.resources, **ended}) if ended else configuration


def _drop_ended(resource: Resource, today: date) -> Resource:
    fields = resource.lifecycle.ignore_changes
    kept = tuple(each for each in fields if not each.has_ended(today))
    return replace(resource, lifecycle=replace(resource.lifecycle, ignore_changes=kept))


def is_near(one: Attributes, other: Attributes) -> bool:
    """Tell whether two scenarios differ only as a service may bend them: NFKC, case, spaces, a name cut short."""
    if [step.channel for step in one.flow] != [step.channel for step in other.flow]:
        return False
    senders = zip(one.flow, other.flow, strict=True)
    return _is_near_text(one.name, other.name) and all(
        _is_near_text(mine.sender or "", theirs.sender or "") for mine, theirs in senders
    )


def fold(text: str) -> str:
    """Return the text without what a service may bend: NFKC, case, runs of white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _is_near_text(one: str, other: str) -> bool:
    short, long = sorted((fold(one), fold(other)))
    return short == long or (len(short) >= SHORTEST_CUT and long.startswith(short))
