"""The decision table: for one address, what we want, what we remember and what the account shows give one change."""

from msgspec import Struct

from omnictl.engine.compare import wanted
from omnictl.engine.diff import align_flows, diff_attributes
from omnictl.engine.normalised import Versions, read_versions
from omnictl.engine.removal import before_marking, before_retirement, find_tombstone_of
from omnictl.engine.rename import Renames, find_tombstone
from omnictl.engine.view import RemovalRules, View
from omnictl.model.address import Address
from omnictl.model.change import Adopt, Cause, Change, Create, Refresh, Rename, Update
from omnictl.model.scenario import Attributes, Lifecycle, Manage, Remote, Resource
from omnictl.model.state import Record, Tombstone


class NoOp(Struct, frozen=True):
    """Nothing to do; ``observed_only`` where something differs but is only watched."""

    observed_only: bool = False


def decide_declared(resource: Resource, view: View, renames: Renames, rules: RemovalRules) -> Change | NoOp:
    """Decide for an address that the files declare."""
    record = view.state.records.get(resource.address)
    if record is None:
        return _decide_unrecorded(resource, view, renames, rules)
    remote = view.remotes.get(record.key)
    if remote is None and resource.lifecycle.manage is Manage.OBSERVE:
        return NoOp(observed_only=True)
    if remote is None:
        return Create(
            resource.address,
            resource.attributes,
            resource.lifecycle,
            replaces=record.key,
            source=resource.source,
        )
    return _decide_recorded(resource, record, remote, rules)


def _decide_unrecorded(resource: Resource, view: View, renames: Renames, rules: RemovalRules) -> Change | NoOp:
    previous = renames.pairs.get(resource.address)
    if previous is not None:
        return _rename(resource, view, previous)
    if resource.import_key is not None and resource.import_key in view.remotes:
        return _adopt(resource, view.remotes[resource.import_key], find_tombstone_of(resource.import_key, view), rules)
    tombstone = find_tombstone(resource.address, view)
    if tombstone is not None:
        return _adopt(resource, view.remotes[tombstone.key], tombstone, rules)
    if resource.lifecycle.manage is Manage.OBSERVE:
        return NoOp(observed_only=True)
    lost = renames.lost.get(resource.address)
    replaces = lost.key if lost is not None else None
    return Create(resource.address, resource.attributes, resource.lifecycle, replaces=replaces, source=resource.source)


def _adopt(resource: Resource, remote: Remote, tombstone: Tombstone | None, rules: RemovalRules) -> Adopt:
    """Take a scenario into the state. One that was ours gets its name back from the marker where that is ignored."""
    shown = before_retirement(remote.attributes, tombstone, rules) if tombstone else remote.attributes
    desired = wanted(resource.attributes, shown, resource.lifecycle.ignore_changes)
    if resource.lifecycle.manage is Manage.OBSERVE:
        desired = remote.attributes
    return Adopt(
        resource.address,
        remote.key,
        desired,
        remote.attributes,
        diff_attributes(remote.attributes, desired),
        tombstone is not None,
        resource.lifecycle,
        resource.source,
        declared=_declared(resource, desired),
    )


def _rename(resource: Resource, view: View, previous: Address) -> Rename:
    record = view.state.records[previous]
    actual = view.remotes[record.key].attributes
    versions = read_versions(record, actual, resource.attributes, resource.lifecycle.ignore_changes)
    desired, shown = versions.desired, _show_account(versions, actual)
    if resource.lifecycle.manage is Manage.OBSERVE:
        desired = shown = actual
    fields = diff_attributes(shown, desired)
    return Rename(
        resource.address,
        previous,
        record.key,
        desired,
        record,
        actual,
        fields,
        resource.lifecycle,
        resource.source,
        _cause(versions) if fields else None,
        declared=_declared(resource, desired),
    )


def _decide_recorded(resource: Resource, record: Record, remote: Remote, rules: RemovalRules) -> Change | NoOp:
    actual = remote.attributes
    if _is_as_ever(resource, record, actual):
        return NoOp()
    kept = actual if resource.lifecycle.manage is Manage.OBSERVE else before_marking(actual, record, rules)
    versions = read_versions(record, actual, resource.attributes, resource.lifecycle.ignore_changes, kept=kept)
    desired = versions.desired
    declared = _declared(resource, desired)
    if versions.is_as_declared:
        is_treated_so = remembered(record.lifecycle) == remembered(resource.lifecycle) and record.declared == declared
        if record.observed == actual and record.applied in (desired, resource.attributes) and is_treated_so:
            return NoOp()
        return Refresh(resource.address, record, actual, desired, resource.lifecycle, declared)
    if resource.lifecycle.manage is Manage.OBSERVE:
        if remembered(record.lifecycle) == remembered(resource.lifecycle):
            return NoOp(observed_only=True)
        return Refresh(resource.address, record, record.observed, record.applied, resource.lifecycle, record.declared)
    return Update(
        resource.address,
        record.key,
        desired,
        record,
        actual,
        _cause(versions),
        diff_attributes(_show_account(versions, actual), desired),
        resource.lifecycle,
        resource.source,
        declared=declared,
    )


def _declared(resource: Resource, desired: Attributes) -> Attributes | None:
    """Return what the file says, where fields that it ignores are left as they are instead."""
    if resource.lifecycle.manage is Manage.OBSERVE or not resource.lifecycle.ignore_changes:
        return None
    return None if desired == resource.attributes else resource.attributes


def _is_as_ever(resource: Resource, record: Record, actual: Attributes) -> bool:
    """Tell, without a closer look, that nothing changed anywhere: so it is with nearly all of a large account."""
    return (
        record.observed == actual
        and record.applied == resource.attributes
        and record.declared is None
        and not (resource.lifecycle.ignore_changes)
        and remembered(record.lifecycle) == remembered(resource.lifecycle)
    )


def remembered(lifecycle: Lifecycle) -> tuple[object, ...]:
    """Return the part of a lifecycle that the state remembers after the file is gone."""
    return lifecycle.protected, lifecycle.on_removal, lifecycle.manage


def _cause(versions: Versions) -> Cause:
    if versions.edited and versions.drifted:
        return Cause.CONFLICT
    return Cause.DRIFT if versions.drifted else Cause.EDITED


def _show_account(versions: Versions, actual: Attributes) -> Attributes:
    """Return what the account shows, with what the service made of the declared as it is declared."""
    account, desired = versions.account, versions.desired
    name = desired.name if account.name == desired.name else actual.name
    if account.flow == desired.flow or len(account.flow) != len(actual.flow):
        return Attributes(name, desired.flow if account.flow == desired.flow else actual.flow)
    found = align_flows(account.flow, desired.flow)
    same = {i for i, j in (*found.kept, *found.moved) if account.flow[i] == desired.flow[j]}
    flow = tuple(account.flow[i] if i in same else step for i, step in enumerate(actual.flow))
    return Attributes(name, flow)
