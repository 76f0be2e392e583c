"""Adding to a stored state what an older one knows and it does not: keys, and creates that may have happened."""

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.advance import KEPT_DAYS_OF_REPEATS, bury
from omnictl.engine.recover import owned_keys
from omnictl.model.state import Intent, PlanMark, Record, RepeatedCreate, State, Tombstone


class Reunion(Struct, frozen=True):
    """A stored state with what only an older one knew; its serial is that of the stored one.

    ``recorded`` are the records that were added, ``buried`` those that became tombstones, since their address has
    another record by now.
    """

    state: State
    recorded: tuple[Record, ...] = ()
    buried: tuple[Record, ...] = ()


def add_unknown(current: State, older: State, now: datetime) -> Reunion:
    """Return the current state with what only the older one knows. Nothing that is stored is changed or dropped.

    A create that became a record leaves its intent behind only where that is surely the one that made it.
    """
    known = owned_keys(current)
    unknown = [each for each in older.records.values() if each.key not in known]
    recorded = tuple(each for each in unknown if each.address not in current.records)
    buried = tuple(each for each in unknown if each.address in current.records)
    taken = known | {each.key for each in unknown}
    tombstones = (*(each for each in older.tombstones if each.key not in taken), *(bury(each, now) for each in buried))
    made = {each.address: each for each in recorded}
    open_intents = tuple(each for each in current.intents if not _made(each, made.get(each.address), known))
    addresses = {*made, *(each.address for each in current.intents)}
    intents = tuple(
        each
        for each in older.intents
        if each.address not in addresses and not is_past(each, current) and not _was_absent(each, current)
    )
    following = replace(
        current,
        records={**current.records, **made},
        tombstones=(*current.tombstones, *tombstones),
        intents=(*open_intents, *intents),
        repeated_creates=(*current.repeated_creates, *_unknown_repeats(current, older, now)),
    )
    if following == current:
        return Reunion(current)
    united = replace(following, plans=unite_plans(current.plans, older.plans), listed=max(current.listed, older.listed))
    return Reunion(united, recorded, buried)


def _made(intent: Intent, record: Record | None, owned: Collection[str]) -> bool:
    """Tell whether an open create surely made a record: one of a new key, that was answered after it."""
    if record is None or not is_new(record.key, intent, owned):
        return False
    return record.created_at is not None and record.created_at >= intent.created_at


def _was_absent(intent: Intent, current: State) -> bool:
    """Tell whether it was found since that nothing came of a create."""
    return any(
        (each.address, each.body, each.known_keys) == (intent.address, intent.body, intent.known_keys)
        for each in current.repeated_creates
    )


def _unknown_repeats(current: State, older: State, now: datetime) -> tuple[RepeatedCreate, ...]:
    """Return the creates that only the older state watches, and that are still to be watched."""
    limit = now - timedelta(days=KEPT_DAYS_OF_REPEATS)
    return tuple(
        each
        for each in dict.fromkeys(older.repeated_creates)
        if each not in current.repeated_creates and each.repeated_at >= limit
    )


def has_become(intent: Intent, current: State, incoming: State) -> bool:
    """Tell whether the incoming state has the scenario that an open create made: recorded there, of a new key."""
    record = incoming.records.get(intent.address)
    return record is not None and is_new(record.key, intent, owned_keys(current))


def is_past(intent: Intent, current: State) -> bool:
    """Tell whether the current state already knows what an intent of an older version became.

    To look for it again would not find it, for its key has an owner, and so it would be made twice.
    """
    record = current.records.get(intent.address)
    if record is not None and is_new(record.key, intent, ()):
        return True
    others: tuple[Record | Tombstone, ...] = (*current.records.values(), *current.tombstones)
    return any(each.applied == intent.body and is_new(each.key, intent, ()) for each in others)


def is_new(key: str, intent: Intent, owned: Collection[str]) -> bool:
    """Tell whether a key may be what a create made: not there before it, nor anybody's."""
    return key not in intent.known_keys and key != intent.replaces and key not in owned


def unite_plans(one: tuple[PlanMark, ...], other: tuple[PlanMark, ...]) -> tuple[PlanMark, ...]:
    """Return the marks of both; a finished one goes before an unfinished one of the same plan."""
    marks: dict[str, PlanMark] = {}
    for mark in sorted((*one, *other), key=lambda each: each.finished_at is not None):
        marks[mark.plan_id] = mark
    return tuple(sorted(marks.values(), key=lambda each: each.started_at))
