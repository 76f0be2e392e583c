"""Rules of state surgery: push, rollback, mv and rm. None drops a key, nor a create that may have happened."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.advance import bury, follow_rename, record_removed
from omnictl.engine.recover import owned_keys
from omnictl.engine.reunion import add_unknown, has_become, is_past, unite_plans
from omnictl.errors import RefusalKind, RefusedError
from omnictl.model.address import Address, id_of
from omnictl.model.change import Forget
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Guard, GuardFinding
from omnictl.model.scenario import Protection
from omnictl.model.state import Intent, Record, State


class Replaced(Struct, frozen=True):
    """What is to be stored after a replacement; ``is_changed`` if it differs from what is stored now.

    ``buried`` are the ids whose records became tombstones. ``is_kept`` where the stored state went on since the
    incoming one: it is kept, and ``recorded`` are the ids that were added to it.
    """

    state: State
    is_changed: bool
    buried: tuple[str, ...] = ()
    is_kept: bool = False
    recorded: tuple[str, ...] = ()


def push_state(
    current: State | None, incoming: State, environment: str, now: datetime, *, goes_back: bool = False
) -> Replaced:
    """Return what is stored when a state is pushed. Raises RefusedError.

    A state of a higher serial takes the place of the stored one, as an errored state does; open creates of which it
    says nothing are kept. Where the stored state went on, it is kept, and what only the incoming one knows is added.
    ``goes_back``: the incoming state takes its place all the same; open creates forbid that, unless it knows what
    became of each. Where it was taken elsewhere once, it is in use here: a mark of a migration is never put back.
    """
    incoming = replace(incoming, moved_to=None)
    if incoming.environment != environment:
        raise RefusedError(RefusalKind.POLICY, _other_environment(environment, incoming))
    if current is None:
        return Replaced(replace(incoming, serial=incoming.serial + 1), is_changed=True)
    if current.lineage != incoming.lineage:
        raise RefusedError(RefusalKind.POLICY, _other_lineage(current, incoming))
    if incoming.serial <= current.serial and not goes_back:
        return _keep(current, incoming, now)
    silent = [
        each for each in current.intents if each not in incoming.intents and not has_become(each, current, incoming)
    ]
    if silent and incoming.serial <= current.serial:
        raise RefusedError(RefusalKind.POLICY, open_intents(silent))
    return _replace(current, incoming, tuple(silent), now)


def roll_back_state(current: State, older: State, now: datetime) -> Replaced:
    """Return what is stored when an older version comes back. Raises RefusedError while creates are open."""
    if current.lineage != older.lineage:
        raise RefusedError(RefusalKind.POLICY, _other_lineage(current, older))
    refuse_open_intents(current)
    return _replace(current, replace(older, moved_to=None), (), now)


def bring_back(current: State | None, kept: State, latest: int, environment: str, now: datetime) -> Replaced:
    """Return what is stored when a version of a lineage that was lost comes back. Raises RefusedError.

    Where there is no state its lineage goes on, above ``latest``, the highest serial that is known of it. Where there
    is one, that one's goes on: a lineage is never exchanged for another.
    """
    if kept.environment != environment:
        raise RefusedError(RefusalKind.POLICY, _other_environment(environment, kept))
    kept = replace(kept, moved_to=None)
    if current is None:
        return Replaced(replace(kept, serial=max(kept.serial, latest) + 1), is_changed=True)
    refuse_open_intents(current)
    return _replace(current, replace(kept, lineage=current.lineage), (), now)


def move_record(current: State, old: Address, new: Address) -> Replaced:
    """Return what is stored when a record gets another id. Raises RefusedError.

    The memory of the default follows. A tombstone of the new id with another key stays: it is a scenario of its own.
    """
    refuse_open_intents(current)
    if new in current.records:
        raise RefusedError(RefusalKind.POLICY, _recorded_already(new, current.records[new]))
    moved = replace(current.records[old], address=new)
    following = follow_rename(current, old, new)
    records = {**following.records, new: moved}
    return Replaced(replace(following, records=records, serial=current.serial + 1), is_changed=True)


def forget_records(
    current: State, addresses: Collection[Address], allowed: Collection[tuple[Guard, str]], now: datetime
) -> Replaced:
    """Return what is stored when records are forgotten, each with a tombstone. Raises RefusedError.

    The guards are those of a plan that forgets them, as far as the state knows.
    """
    refuse_open_intents(current)
    refused = [each for each in _find_guards(current, addresses) if (each.guard, each.subject) not in allowed]
    if refused:
        raise RefusedError(RefusalKind.GUARD, *map(_guarded, refused))
    following = current
    for address in addresses:
        following = record_removed(following, Forget(address, current.records[address]), now)
    default = current.account_default
    if default.address in addresses:
        following = replace(following, account_default=replace(default, address=None))
    ids = tuple(sorted(map(id_of, addresses)))
    return Replaced(replace(following, serial=current.serial + 1), is_changed=True, buried=ids)


def _find_guards(current: State, addresses: Iterable[Address]) -> Iterator[GuardFinding]:
    for address in addresses:
        record, name = current.records[address], id_of(address)
        if record.lifecycle.protected is not Protection.NONE:
            message = f"{name} is protected (remembered in the state)."
            yield GuardFinding(Guard.PROTECTED, name, message)
        if record.key == current.account_default.key:
            message = f"{name} was the account default when it was last looked at; sends without a key go to it."
            yield GuardFinding(Guard.DEFAULT_CHANGE, name, message)


def refuse_open_intents(state: State) -> None:
    """Refuse to mend a state by hand while creates are open that may have happened."""
    if state.intents:
        raise RefusedError(RefusalKind.POLICY, open_intents(state.intents))


def _keep(current: State, older: State, now: datetime) -> Replaced:
    """Return the stored state with what only an older one knows; the same state where that is nothing."""
    found = add_unknown(current, older, now)
    is_kept = current.content != older.content
    if found.state == current:
        return Replaced(current, is_changed=False, is_kept=is_kept)
    state = replace(found.state, serial=current.serial + 1)
    return Replaced(state, is_changed=True, buried=_ids(found.buried), is_kept=True, recorded=_ids(found.recorded))


def _ids(records: Iterable[Record]) -> tuple[str, ...]:
    return tuple(sorted(id_of(each.address) for each in records))


def _replace(current: State, incoming: State, silent: tuple[Intent, ...], now: datetime) -> Replaced:
    kept = owned_keys(incoming)
    lost = [record for record in current.records.values() if record.key not in kept]
    buried = [each for each in current.tombstones if each.key not in kept]
    intents = tuple(each for each in incoming.intents if each in current.intents or not is_past(each, current))
    following = replace(
        incoming,
        records=_still_protected(current, incoming),
        serial=current.serial,
        account=incoming.account or current.account,
        tombstones=(
            *incoming.tombstones,
            *buried,
            *(bury(record, now) for record in lost),
        ),
        intents=(*intents, *(each for each in silent if each.address not in {other.address for other in intents})),
        repeated_creates=tuple(dict.fromkeys((*incoming.repeated_creates, *current.repeated_creates))),
        plans=unite_plans(current.plans, incoming.plans),
        listed=max(current.listed, incoming.listed),
        written=current.written,
        knows_files=current.knows_files,
    )
    ids = _ids(lost)
    if following == current and incoming.serial <= current.serial:
        return Replaced(current, is_changed=False)
    return Replaced(replace(following, serial=max(current.serial, incoming.serial) + 1), is_changed=True, buried=ids)


def _still_protected(current: State, incoming: State) -> Mapping[Address, Record]:
    """Return the incoming records, none of them less protected than now: only a file and an apply lift a protection."""
    protections = {record.key: record.lifecycle.protected for record in current.records.values()}

    def keep(record: Record) -> Record:
        before = protections.get(record.key, record.lifecycle.protected)
        if before.strength <= record.lifecycle.protected.strength:
            return record
        return replace(record, lifecycle=replace(record.lifecycle, protected=before))

    return {address: keep(record) for address, record in incoming.records.items()}


def _guarded(finding: GuardFinding) -> Diagnostic:
    return Diagnostic(
        finding.guard.value,
        Severity.ERROR,
        "A guard refuses to forget the scenario",
        finding.message,
        hint="to allow it, add this option",
        commands=(f"--allow {finding.guard.value}={finding.subject}",),
    )


def _other_environment(environment: str, incoming: State) -> Diagnostic:
    return Diagnostic(
        "foreign-state",
        Severity.ERROR,
        "The state to be stored belongs to another environment",
        f"It says {incoming.environment}; the environment is {environment}.",
        hint="check --env, and where it comes from",
    )


def _recorded_already(new: Address, record: Record) -> Diagnostic:
    name = id_of(new)
    return Diagnostic(
        "id-recorded",
        Severity.ERROR,
        "The new id is recorded already",
        f"{name} stands for the key {record.key}; a record is never written over.",
        hint="move that one first, or forget it",
        commands=(f"omnictl state mv {name} OTHER", f"omnictl state rm {name}"),
    )


def _other_lineage(current: State, incoming: State) -> Diagnostic:
    return Diagnostic(
        "other-lineage",
        Severity.ERROR,
        "The state to be stored is not of this lineage",
        f"Stored is {current.lineage[:8]}, to be stored {incoming.lineage[:8]}: states of different origin.",
        hint="check the environment; to begin anew, move the stored state away first",
    )


_BY_HAND = "they may have happened, and a state that is mended by hand now could forget that"


def open_intents(intents: Collection[Intent], why: str = _BY_HAND) -> Diagnostic:
    """Tell of open creates, and why nothing can be done while they are."""
    ids = sorted(id_of(each.address) for each in intents)
    return Diagnostic(
        "open-intents",
        Severity.ERROR,
        "Creates with unknown outcome are open",
        f"{', '.join(ids)}: {why}.",
        hint="settle them first: apply does; or say yourself what became of them",
        commands=tuple(f"omnictl state settle {each} --key KEY" for each in ids),
    )


CODES = {
    "foreign-state": "A state names its environment, and is stored for that one alone.",
    "other-lineage": "A state can only be replaced by one of the same lineage.",
    "open-intents": "The state remembers creates whose outcome is not known. Until they are settled, it is not mended "
    "by hand, nor replaced by a state that does not know what became of them, and nothing is imported: what they made "
    "may look like what others made. apply settles them by looking at the account.",
}
