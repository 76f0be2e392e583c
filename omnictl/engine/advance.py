"""Advancing the state: what is remembered after each thing that happened. State in, state out; times are UTC."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from omnictl.model.address import Address
from omnictl.model.change import Adopt, Forget, Refresh, Rename, Retire, Update
from omnictl.model.scenario import Attributes, Lifecycle, Remote
from omnictl.model.state import (
    Account,
    AccountDefault,
    Intent,
    PlanMark,
    Record,
    RepeatedCreate,
    State,
    Tombstone,
)

KEPT_PLANS = 50
KEPT_DAYS_OF_REPEATS = 30


def start_plan(state: State, plan_id: str, now: datetime) -> State:
    """Remember that a plan was started; starting it again changes nothing."""
    if any(each.plan_id == plan_id for each in state.plans):
        return state
    return replace(state, plans=(*state.plans, PlanMark(plan_id, now))[-KEPT_PLANS:])


def finish_plan(state: State, plan_id: str, now: datetime, *, is_whole: bool) -> State:
    """Remember that a plan was applied to its end; ``is_whole`` where nothing of the files was left out."""
    marks = tuple(
        replace(each, finished_at=each.finished_at or now) if each.plan_id == plan_id else each for each in state.plans
    )
    return replace(state, plans=marks, knows_files=state.knows_files or is_whole)


def plan_mark(state: State, plan_id: str) -> PlanMark | None:
    """Return what is remembered of a plan."""
    return next((each for each in state.plans if each.plan_id == plan_id), None)


def note_reading(state: State, account: Account, listed: int, now: datetime) -> State:
    """Remember a complete reading of the account, and drop what is remembered no longer."""
    limit = now - timedelta(days=KEPT_DAYS_OF_REPEATS)
    kept = tuple(each for each in state.repeated_creates if each.repeated_at >= limit)
    return replace(state, account=account, listed=max(listed, state.listed), repeated_creates=kept)


def add_intents(state: State, intents: Iterable[Intent]) -> State:
    """Write down creates that are about to happen; an older intent of the same address is replaced."""
    new = tuple(intents)
    addresses = {each.address for each in new}
    kept = tuple(each for each in state.intents if each.address not in addresses)
    return replace(state, intents=(*kept, *new))


def drop_intent(state: State, address: Address) -> State:
    """Forget an intent: its request was surely not taken, or the scenario is surely absent."""
    return replace(state, intents=tuple(each for each in state.intents if each.address != address))


def record_created(state: State, intent: Intent, remote: Remote, now: datetime) -> State:
    """Turn an intent into a record; a scenario that it replaces becomes a tombstone."""
    record = Record(intent.address, remote.key, intent.body, remote.attributes, now, None, intent.lifecycle)
    before = state.records.get(intent.address)
    tombstones = state.tombstones
    if before is not None and before.key != remote.key:
        tombstones = (*tombstones, bury(before, now))
    return replace(
        state,
        listed=state.listed + 1,
        records={**state.records, record.address: record},
        tombstones=tombstones,
        intents=tuple([each for each in state.intents if each.address != intent.address]),
    )


def bury(record: Record, now: datetime) -> Tombstone:
    """Return the tombstone of a record."""
    observed = record.observed if record.observed != record.applied else None
    return Tombstone(record.address, record.key, record.applied, now, observed=observed)


def record_absent(state: State, intent: Intent, now: datetime) -> State:
    """Drop an intent whose scenario is believed to be absent; a late twin is watched for from now on."""
    repeated = RepeatedCreate(intent.address, intent.body, now, intent.known_keys)
    return replace(drop_intent(state, intent.address), repeated_creates=(*state.repeated_creates, repeated))


def record_written(state: State, change: Update | Adopt | Rename, observed: Attributes, now: datetime) -> State:
    """Remember a change of an existing scenario. ``observed`` is what the API answered."""
    match change:
        case Adopt():
            record = Record(change.address, change.key, change.desired, observed)
            kept = tuple(each for each in state.tombstones if each.key != change.key)
            state = replace(state, tombstones=kept)
        case Rename():
            record = replace(change.recorded, address=change.address)
            state = follow_rename(state, change.previous, change.address)
        case Update():
            record = state.records.get(change.address, change.recorded)
    sent = bool(change.fields)
    record = replace(
        record,
        applied=change.desired,
        observed=observed,
        updated_at=now if sent else record.updated_at,
        lifecycle=_remember(change.lifecycle),
        declared=change.declared,
    )
    return _with_record(state, record)


def follow_rename(state: State, old: Address, new: Address) -> State:
    """Drop the record of the old address, and let all that names the address name the new one; tombstones stay."""
    default = state.account_default
    return replace(
        state,
        records={address: each for address, each in state.records.items() if address != old},
        account_default=replace(default, address=new) if default.address == old else default,
        repeated_creates=tuple(
            replace(each, address=new) if each.address == old else each for each in state.repeated_creates
        ),
    )


def record_refreshed(state: State, change: Refresh) -> State:
    """Bring a record up to date with what the account shows, without a request."""
    record = state.records.get(change.address, change.recorded)
    fresh = replace(
        record,
        applied=change.desired,
        observed=change.actual,
        lifecycle=_remember(change.lifecycle),
        declared=change.declared,
    )
    return _with_record(state, fresh)


def record_removed(state: State, change: Forget | Retire, now: datetime) -> State:
    """Drop a record and leave a tombstone, unless the scenario vanished."""
    records = {address: each for address, each in state.records.items() if address != change.address}
    recorded = change.recorded
    if isinstance(change, Forget) and change.vanished:
        return replace(state, records=records)
    tombstone = bury(recorded, now)
    if isinstance(change, Retire):
        named = change.actual.name if change.named is None else change.named
        tombstone = replace(tombstone, retired=True, named=named, retired_as=change.desired.name)
    kept = tuple(each for each in state.tombstones if each.key != recorded.key)
    return replace(state, records=records, tombstones=(*kept, tombstone))


def record_default(state: State, address: Address | None, key: str | None) -> State:
    """Remember who holds the account default."""
    return replace(state, account_default=AccountDefault(address, key))


def record_echo(state: State, address: Address, observed: Attributes) -> State:
    """Remember what the API answered to a write of what was applied before."""
    record = state.records.get(address)
    return state if record is None else _with_record(state, replace(record, observed=observed))


def touch_updated(state: State, address: Address, now: datetime) -> State:
    """Remember that a PUT of this scenario left now; it counts for the throttle."""
    record = state.records.get(address)
    return state if record is None else _with_record(state, replace(record, updated_at=now))


def _with_record(state: State, record: Record) -> State:
    records: Mapping[Address, Record] = {**state.records, record.address: record}
    return replace(state, records=records)


def _remember(lifecycle: Lifecycle) -> Lifecycle:
    """Return what the state keeps of a lifecycle: not the ignored fields, which only matter while the file is there."""
    return replace(lifecycle, ignore_changes=())
