"""Settling creates whose outcome is unknown: found under a key, absent, or not to be decided by a program."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from omnictl.engine.alikes import Alikes
from omnictl.model.plan import Near
from omnictl.model.scenario import Attributes, Remote
from omnictl.model.state import Intent, State


class Found(Struct, frozen=True):
    """The create happened: this is its scenario."""

    intent: Intent
    remote: Remote


class Absent(Struct, frozen=True):
    """Nothing on the account looks like it."""

    intent: Intent


class Ambiguous(Struct, frozen=True):
    """More scenarios match, or nearly match, than were created: a person has to choose."""

    intents: tuple[Intent, ...]
    candidates: tuple[Near, ...]


class Settlement(Struct, frozen=True):
    """What one complete reading says of all open intents."""

    found: tuple[Found, ...] = ()
    absent: tuple[Absent, ...] = ()
    ambiguous: tuple[Ambiguous, ...] = ()


def owned_keys(state: State) -> frozenset[str]:
    """Return the keys that already belong to an address: records and tombstones."""
    return frozenset(record.key for record in state.records.values()) | {each.key for each in state.tombstones}


def settle(state: State, remotes: Mapping[str, Remote], owned_elsewhere: Collection[str] = ()) -> Settlement:
    """Look for every open intent in one complete reading of the account.

    k equal intents share m <= k exact matches in the order of their addresses, the one that was to become the account
    default before the others where a match has become it; m > k, or a near match that is nobody's exact one, stops.
    So does an exact match that another environment took while ours was open: an import there may have taken what our
    create made.
    """
    alikes = Alikes(remotes, owned_keys(state))
    groups: dict[Attributes, list[Intent]] = defaultdict(list)
    for intent in sorted(state.intents, key=lambda each: each.address):
        groups[intent.body].append(intent)
    candidates = {body: _new_candidates(body, intents, alikes) for body, intents in groups.items()}
    claimed = {near.key for nears in candidates.values() for near in nears if near.exact}
    found: list[Found] = []
    absent: list[Absent] = []
    ambiguous: list[Ambiguous] = []
    for body, intents in groups.items():
        ours = [each for each in candidates[body] if each.key not in owned_elsewhere]
        exact = [each for each in ours if each.exact]
        near = [each for each in ours if not each.exact and each.key not in claimed]
        near += [each for each in candidates[body] if each.exact and each.key in owned_elsewhere]
        if len(exact) > len(intents) or (near and len(exact) < len(intents)):
            ambiguous.append(Ambiguous(tuple(intents), (*exact, *near)))
            continue
        matches = sorted((remotes[each.key] for each in exact), key=lambda each: not each.is_default)
        if any(each.is_default for each in matches):
            intents.sort(key=lambda each: not each.default)
        found += map(Found, intents, matches)
        absent += [Absent(intent) for intent in intents[len(matches) :]]
    return Settlement(tuple(found), tuple(absent), tuple(ambiguous))


def _new_candidates(body: Attributes, intents: Sequence[Intent], alikes: Alikes) -> tuple[Near, ...]:
    """Return what looks alike and was not there before any of the intents was sent."""
    known = frozenset.intersection(*(frozenset(intent.known_keys) for intent in intents))
    return tuple(each for each in alikes.of(body) if each.key not in known)


def believe_absence_at(intent: Intent, *, sender_ended_at: datetime | None, settle_seconds: float) -> datetime:
    """Return from when on a missing scenario may be believed to be absent.

    The request cannot have left after ``not_after``, nor after its sender ended (None: nobody knows that it has).
    """
    left_at = intent.not_after if sender_ended_at is None else min(intent.not_after, sender_ended_at)
    return left_at + timedelta(seconds=settle_seconds)
