"""A saved plan against the present: what is still to be done, what is done already, what has moved since."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never

from msgspec import Struct

from omnictl.engine.advance import plan_mark
from omnictl.engine.alikes import Alikes
from omnictl.engine.compare import is_near, wanted
from omnictl.engine.decide import remembered
from omnictl.engine.moves import describe_moves
from omnictl.engine.recover import owned_keys
from omnictl.engine.removal import kept_as_read, was_seen_as_default
from omnictl.engine.treatment import describe_lifecycle_moves, is_planned, is_protected_since, lifecycles_of
from omnictl.model.address import id_of
from omnictl.model.change import Adopt, Change, Create, Forget, Refresh, Rename, Retire, SetDefault, Update
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Plan
from omnictl.model.scenario import Manage, Remote
from omnictl.model.state import Record, State


class Present(Struct, frozen=True):
    """State and account as they are now; ``started`` if this plan was begun before, ``alikes`` what nobody owns.

    ``elsewhere`` maps the keys that other environments of the account manage to their names.
    """

    state: State
    remotes: Mapping[str, Remote]
    started: bool
    alikes: Alikes
    elsewhere: Mapping[str, str]


class Resumption(Struct, frozen=True):
    """The changes to do, those that an earlier run of the plan did, and what forbids to go on."""

    pending: tuple[Change, ...]
    done: tuple[Change, ...]
    moved: tuple[Diagnostic, ...]
    finished: bool = False


_NOWHERE: Mapping[str, str] = MappingProxyType({})


def resume(
    plan: Plan, state: State, remotes: Mapping[str, Remote], elsewhere: Mapping[str, str] = _NOWHERE
) -> Resumption:
    """Compare each change of a plan with the present. Changes of what it does not touch do not matter."""
    mark = plan_mark(state, plan.plan_id)
    if mark is not None and mark.finished_at is not None:
        return Resumption((), plan.changes, (), finished=True)
    alikes = Alikes(remotes, owned_keys(state) | elsewhere.keys())
    present = Present(state, remotes, started=mark is not None, alikes=alikes, elsewhere=elsewhere)
    if state.lineage != plan.lineage:
        return Resumption((), (), (_moved("the state", "it is another one (lineage)"),))
    pending: list[Change] = []
    done: list[Change] = []
    moved: list[Diagnostic] = []
    for change in plan.changes:
        why = _judge(change, plan, present)
        if why is _DONE:
            done.append(change)
        elif why is None:
            pending.append(change)
        else:
            moved.append(_moved(id_of(change.address), why))
    return Resumption(tuple(pending), tuple(done), tuple(moved))


_DONE = "done"


def _judge(change: Change, plan: Plan, present: Present) -> str | None:
    """Return ``_DONE``, None where it is still to be done, or what has moved."""
    match change:
        case Create():
            return _judge_create(change, plan, present)
        case Update():
            return _judge_update(change, present)
        case Rename():
            return _judge_rename(change, present)
        case Adopt():
            return _judge_adopt(change, present)
        case Forget() | Retire():
            return _judge_removal(change, plan, present)
        case SetDefault():
            return _judge_default(change, plan, present)
        case Refresh():
            return _judge_refresh(change, present)
        case _:
            assert_never(change)


def _judge_create(change: Create, plan: Plan, present: Present) -> str | None:
    record = present.state.records.get(change.address)
    if record is not None and record.key != change.replaces:
        if present.started and record.applied == change.desired:
            return _DONE
        return f"it is recorded now (key {record.key})"
    if change.becomes_default and not present.started and present.remotes:
        return "the account is no longer empty, so it would not become the default"
    if change.replaces is not None and change.replaces in present.remotes:
        return "its scenario is on the account again"
    known = set(plan.twins.get(change.address, ()))
    new = [near for near in present.alikes.of(change.desired) if near.key not in known]
    if new and not any(intent.address == change.address for intent in present.state.intents):
        return f"the account has a scenario like it now (key {new[0].key})"
    return None


def _judge_update(change: Update, present: Present) -> str | None:
    record = present.state.records.get(change.address)
    if record is None or record.key != change.key:
        return _other_record(change.key, record)
    remote = present.remotes.get(change.key)
    untouched = remote is not None and remote.attributes == change.actual and _is_as_sent(record, change.recorded)
    if present.started and record.applied == change.desired and record != change.recorded and not untouched:
        return _DONE
    return _judge_record(record, change, present) or _judge_actual(change, present)


def _other_record(key: str, now: Record | None) -> str:
    return f"its record is gone (key {key})" if now is None else f"its record had the key {key} and has {now.key} now"


def _judge_record(record: Record, change: Update | Rename | Forget | Retire | Refresh, present: Present) -> str | None:
    """Compare the record with what the plan saw; a lifecycle that an earlier run of this plan wrote has not moved."""
    before = change.recorded
    if not _is_as_sent(record, before):
        sent, shown = describe_moves(before.applied, record.applied), describe_moves(before.observed, record.observed)
        return f"its record was changed by another apply ({sent or shown})"
    if present.started and remembered(record.lifecycle) in lifecycles_of(change):
        return None
    return describe_lifecycle_moves(before.lifecycle, record.lifecycle) or None


def _is_as_sent(record: Record, before: Record) -> bool:
    return (record.applied, record.observed) == (before.applied, before.observed)


def _judge_rename(change: Rename, present: Present) -> str | None:
    record = present.state.records.get(change.address)
    if record is not None:
        return _DONE if present.started and record.key == change.key else "its new address is recorded now"
    before = present.state.records.get(change.previous)
    if before is None or before.key != change.key:
        return f"{id_of(change.previous)} is no longer recorded with this key"
    return _judge_record(before, change, present) or _judge_actual(change, present)


def _judge_adopt(change: Adopt, present: Present) -> str | None:
    record = present.state.records.get(change.address)
    if record is not None:
        return _DONE if present.started and record.key == change.key else "its address is recorded now"
    if _record_of(change.key, present) is not None:
        return f"the key {change.key} belongs to another address now"
    return _judge_actual(change, present)


def _judge_removal(change: Forget | Retire, plan: Plan, present: Present) -> str | None:
    record = present.state.records.get(change.address)
    if record is None:
        return _DONE if present.started else "it is no longer recorded"
    if record.key != change.recorded.key:
        return "it is recorded with another key now"
    remote = present.remotes.get(record.key)
    if remote is not None and remote.is_default and not was_seen_as_default(change.address, plan):
        return "it became the account default"
    if isinstance(change, Forget) and change.vanished and remote is not None:
        return "its scenario is on the account again"
    why = _judge_record(record, change, present)
    return why or (_judge_actual(change, present) if isinstance(change, Retire) else None)


def _judge_default(change: SetDefault, plan: Plan, present: Present) -> str | None:
    record = present.state.records.get(change.address)
    holders = sorted(key for key, remote in present.remotes.items() if remote.is_default)
    if present.started and record is not None and record.key in holders:
        return _DONE
    now = ", ".join(_name_of(key, present) for key in holders)
    if change.previous_key is None and holders:
        return f"the account had no default, and {now} is it now"
    if change.previous_key is not None and change.previous_key not in holders:
        was = id_of(change.previous) if change.previous else _name_of(change.previous_key, present)
        return f"the account default was {was} and is {now or 'nobody'} now"
    loser = _record_of(change.previous_key, present)
    if loser is not None and is_protected_since(loser, plan, loses=True):
        return f"{id_of(loser.address)}, which loses the default by it, is protected now"
    if record is None:
        return None
    if record.lifecycle.manage is Manage.OBSERVE and not is_planned(record, plan):
        return "it is only observed now"
    return "it is protected now" if is_protected_since(record, plan, loses=False) else None


def _record_of(key: str | None, present: Present) -> Record | None:
    return next((each for each in present.state.records.values() if each.key == key), None)


def _name_of(key: str, present: Present) -> str:
    """Return the id of a scenario, or its name and key where the state does not know it."""
    record, remote = _record_of(key, present), present.remotes.get(key)
    if record is not None:
        return id_of(record.address)
    return f'"{remote.attributes.name}" ({key})' if remote is not None else key


def _judge_refresh(change: Refresh, present: Present) -> str | None:
    record = present.state.records.get(change.address)
    if record is None or record.key != change.recorded.key:
        return _other_record(change.recorded.key, record)
    if (change.desired, change.actual) == (change.recorded.applied, change.recorded.observed):
        return _judge_lifecycle(change, record, present)
    remote = present.remotes.get(record.key)
    if remote is None:
        return "its scenario is no longer on the account"
    is_there = record.applied == change.desired and record.observed == remote.attributes == change.actual
    if is_there and present.started:
        return _DONE
    if remote.attributes == change.actual:
        return _judge_treatment(change, record)
    return f"it was changed on the account ({describe_moves(change.actual, remote.attributes)})"


def _judge_lifecycle(change: Refresh, record: Record, present: Present) -> str | None:
    """Only the lifecycle is remembered anew: what the account shows does not matter."""
    if not _is_as_sent(record, change.recorded):
        return _judge_record(record, change, present)
    is_there = remembered(record.lifecycle) == remembered(change.lifecycle)
    return _DONE if is_there and present.started else _judge_treatment(change, record)


def _judge_treatment(change: Refresh, record: Record) -> str | None:
    """Compare the lifecycle of a record with what it was, or is to be, in a plan that sends nothing for it."""
    if remembered(record.lifecycle) == remembered(change.lifecycle):
        return None
    return describe_lifecycle_moves(change.recorded.lifecycle, record.lifecycle) or None


def _judge_actual(change: Update | Adopt | Rename | Retire, present: Present) -> str | None:
    """Compare the account with what the plan saw; a half-done change of this plan counts as to be done."""
    key = change.recorded.key if isinstance(change, Retire) else change.key
    if key in present.elsewhere:
        return f"the environment {present.elsewhere[key]} manages its key now ({key})"
    remote = present.remotes.get(key)
    if remote is None:
        return "its scenario is no longer on the account"
    ignored = () if isinstance(change, Retire) else kept_as_read(change)
    seen, desired = (wanted(each, remote.attributes, ignored) for each in (change.actual, change.desired))
    if remote.attributes == seen:
        return None
    if present.started and (remote.attributes == desired or is_near(remote.attributes, desired)):
        return None
    return f"it was changed on the account ({describe_moves(seen, remote.attributes)})"


def _moved(subject: str, why: str) -> Diagnostic:
    return Diagnostic(
        "stale-plan",
        Severity.ERROR,
        "The plan is stale: something that it touches has moved",
        f"{subject}: {why}.",
        hint="make a new plan and have it reviewed",
    )


CODES = {
    "stale-plan": "A saved plan names, for everything it touches, what it saw in the state and on the account. One of "
    "these has moved since. Make a new plan and have it reviewed.",
}
