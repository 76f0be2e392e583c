"""Rules of state surgery: what push and rollback may do. Neither ever drops a key."""

from dataclasses import replace
from datetime import datetime

from omnictl.engine.recover import owned_keys
from omnictl.errors import RefusalKind, RefusedError
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.state import PlanMark, State, Tombstone


def push_state(current: State | None, incoming: State, now: datetime) -> State:
    """Return what is stored when a state is pushed over another. Raises RefusedError."""
    if current is None:
        return replace(incoming, serial=incoming.serial + 1)
    if current.lineage != incoming.lineage:
        raise RefusedError(RefusalKind.POLICY, _other_lineage(current, incoming))
    return _replace(current, incoming, now)


def roll_back_state(current: State, older: State, now: datetime) -> State:
    """Return what is stored when an older version comes back. Raises RefusedError."""
    return _replace(current, older, now)


def _replace(current: State, incoming: State, now: datetime) -> State:
    missing = [
        each for each in current.intents if each not in incoming.intents and not _is_settled(each.body, incoming)
    ]
    if missing:
        raise RefusedError(RefusalKind.POLICY, _open_intents([id_of(each.address) for each in missing]))
    kept = owned_keys(incoming)
    lost = [record for record in current.records.values() if record.key not in kept]
    buried = [each for each in current.tombstones if each.key not in kept]
    tombstones = (
        *incoming.tombstones,
        *buried,
        *(Tombstone(record.address, record.key, record.applied, now) for record in lost),
    )
    return replace(
        incoming,
        serial=max(current.serial, incoming.serial) + 1,
        tombstones=tombstones,
        plans=_unite(current.plans, incoming.plans),
        listed=max(current.listed, incoming.listed),
    )


def _is_settled(body: object, incoming: State) -> bool:
    """Tell whether the incoming state has a record of what the intent created."""
    return any(record.applied == body for record in incoming.records.values())


def _unite(one: tuple[PlanMark, ...], other: tuple[PlanMark, ...]) -> tuple[PlanMark, ...]:
    """Return the marks of both; a finished one goes before an unfinished one of the same plan."""
    marks: dict[str, PlanMark] = {}
    for mark in sorted((*one, *other), key=lambda each: each.finished_at is not None):
        marks[mark.plan_id] = mark
    return tuple(sorted(marks.values(), key=lambda each: each.started_at))


def _other_lineage(current: State, incoming: State) -> Diagnostic:
    return Diagnostic(
        "other-lineage",
        Severity.ERROR,
        "The state to push is not of this lineage",
        f"Stored is {current.lineage[:8]}, to be pushed {incoming.lineage[:8]}: states of different origin.",
        hint="check the environment; to begin anew, move the stored state away first",
    )


def _open_intents(ids: list[str]) -> Diagnostic:
    return Diagnostic(
        "open-intents",
        Severity.ERROR,
        "Creates with unknown outcome are open",
        f"{', '.join(ids)}: replacing the state now would forget that they may have happened.",
        hint="settle them first: apply does, or",
        commands=tuple(f"omnictl state settle {each} --absent" for each in ids),
    )


CODES = {
    "other-lineage": "A state can only be replaced by one of the same lineage.",
    "open-intents": "The state remembers creates whose outcome is not known. It is not replaced by one that does not.",
}
