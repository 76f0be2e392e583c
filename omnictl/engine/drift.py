"""Finding drift: every record against the account, and against the files as far as these say whose turn it is. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.compare import wanted, without_ended
from omnictl.engine.diff import diff_attributes
from omnictl.engine.neighbours import Neighbourhood
from omnictl.engine.normalised import read_versions
from omnictl.engine.rename import find_renames, without_taken_tombstones
from omnictl.engine.rows import compare_versions
from omnictl.engine.selection import select
from omnictl.engine.unmanaged import find_unmanaged
from omnictl.engine.view import Circumstances, View
from omnictl.model.address import Address
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.drift import Counts, DefaultMoved, Drift, IgnoreLine, Item, Kind, NameRow, Row
from omnictl.model.plan import Selection, Settled
from omnictl.model.scenario import Attributes, IgnoredField, Manage, Resource
from omnictl.model.state import Record, State

_ORDER = tuple(Kind)


def find_drift(
    view: View, circumstances: Circumstances, *, settled: tuple[Settled, ...] = (), lines: Sequence[IgnoreLine] = ()
) -> Drift:
    """Compare what was recorded with what the account has; ``lines`` are those of .omnictlignore."""
    view = replace(view, configuration=without_ended(view.configuration, circumstances.created_at.date()))
    neighbourhood = Neighbourhood(circumstances, view.remotes)
    pairs = find_renames(without_taken_tombstones(view, neighbourhood.elsewhere)).pairs
    declared_as = {old: new for new, old in pairs.items()}
    records = {declared_as.get(each.address, each.address): each for each in view.state.records.values()}
    only, exclude = circumstances.only, circumstances.exclude
    selected = select(records, view.configuration.resources, only, exclude, pairs)
    judged = [judge(address, records[address], view) for address in sorted(selected)]
    items = sorted(
        (each.item for each in judged if each.item), key=lambda each: (_ORDER.index(each.kind), each.address)
    )
    return Drift(
        environment=circumstances.environment,
        account=circumstances.account,
        checked_at=circumstances.created_at,
        recorded_at=_recorded_at(view.state),
        recorded_by=view.state.written.by if view.state.written else "",
        items=tuple(items),
        default=find_moved_default(view, selected, declared_as),
        counts=_count(judged),
        unmanaged=find_unmanaged(view.state, view.remotes, neighbourhood.spoken_for, lines),
        elsewhere={key: name for key, name in neighbourhood.elsewhere.items() if key in view.remotes},
        on_account=sum(1 for each in view.state.records.values() if each.key in view.remotes),
        selection=Selection(only, exclude, len(selected), len(records)),
        settled=settled,
        diagnostics=_note_nothing_recorded(view),
        sandbox=circumstances.sandbox,
    )


class Judged(Struct, frozen=True):
    """What was found of one recorded scenario; without an item there is nothing to show of it."""

    item: Item | None = None
    as_declared: bool = False
    edited: bool = False
    observed: bool = False


def judge(address: Address, record: Record, view: View) -> Judged:
    """Compare one record with the account and the files, as a plan does that would bring them together."""
    resource = view.configuration.resources.get(address)
    remote = view.remotes.get(record.key)
    if remote is None:
        item = _make_item(Kind.VANISHED, address, record, resource, record.observed.name)
        return Judged(item, edited=resource is not None and resource.attributes != (record.declared or record.applied))
    ignored = resource.lifecycle.ignore_changes if resource is not None else ()
    if resource is None:  # without the file nothing of it counts but what was applied
        record = replace(record, declared=None)
    actual, declared = remote.attributes, resource.attributes if resource is not None else record.applied
    versions = read_versions(record, actual, declared, ignored)
    differing = _ignored_differences(declared, actual, ignored)
    if versions.drifted and not versions.is_as_declared:
        item = _make_item(Kind.CONFLICT if versions.edited else Kind.DRIFT, address, record, resource, actual.name)
        rows = compare_versions(versions, declared=resource is not None)
        changes = diff_attributes(versions.applied, versions.account)
        return Judged(replace(item, rows=rows, changes=changes, ignored=differing, source=_place(resource, rows)))
    hidden = _make_item(Kind.IGNORED, address, record, resource, actual.name) if differing else None
    if hidden is not None:
        hidden = replace(hidden, ignored=differing)
    moved = versions.is_as_declared and actual != wanted(record.observed, actual, ignored)
    is_observed = resource is not None and resource.lifecycle.manage is Manage.OBSERVE
    return Judged(hidden, as_declared=moved, edited=not versions.is_as_declared, observed=is_observed)


def _make_item(kind: Kind, address: Address, record: Record, resource: Resource | None, name: str) -> Item:
    manage = resource.lifecycle.manage if resource is not None else record.lifecycle.manage
    return Item(
        kind,
        address,
        record.key,
        name,
        recorded_as=record.address if record.address != address else None,
        declared=resource is not None,
        observed=manage is Manage.OBSERVE,
        source=resource.source if resource is not None else None,
    )


def _ignored_differences(
    declared: Attributes, actual: Attributes, ignored: Iterable[IgnoredField]
) -> tuple[IgnoredField, ...]:
    """Return the ignored fields in which the account is not as the file says."""
    return tuple(each for each in ignored if wanted(declared, actual, (each,)) != declared)


def _place(resource: Resource | None, rows: Sequence[Row]) -> Source | None:
    """Return where the first difference stands in the file."""
    if resource is None:
        return None
    first = rows[0]
    if isinstance(first, NameRow):
        return resource.sources.get("name") or resource.source
    step = f"flow[{first.files.position - 1}]" if first.files is not None else "flow"
    return resource.sources.get(step) or resource.sources.get("flow") or resource.source


def find_moved_default(
    view: View, selected: Collection[Address], declared_as: Mapping[Address, Address]
) -> DefaultMoved | None:
    """Return where the account default went, if it is not where it was recorded, nor where the files want it."""
    was = view.state.account_default
    if was.address is None or was.key is None or declared_as.get(was.address, was.address) not in selected:
        return None
    declared = view.configuration.declared_default
    owners = {record.key: declared_as.get(record.address, record.address) for record in view.state.records.values()}
    holders = view.default_keys
    if was.key in holders or (declared is not None and any(owners.get(key) == declared.address for key in holders)):
        return None
    now = holders[0] if holders else None
    return DefaultMoved(
        was.address,
        was.key,
        now,
        view.remotes[now].attributes.name if now else "",
        owners.get(now) if now else None,
        declared.sources.get("default") if declared else None,
    )


def _count(judged: Sequence[Judged]) -> Counts:
    kinds = Counter(each.item.kind for each in judged if each.item is not None)
    moved = sum(1 for each in judged if each.as_declared and each.item is None)
    return Counts(
        managed=len(judged),
        as_recorded=len(judged) - kinds.total() - moved,
        as_declared=moved,
        conflict=kinds[Kind.CONFLICT],
        vanished=kinds[Kind.VANISHED],
        drift=kinds[Kind.DRIFT],
        ignored=kinds[Kind.IGNORED],
        edited=sum(1 for each in judged if each.edited and not each.observed),
        unlike=sum(1 for each in judged if each.edited and each.observed),
    )


def _recorded_at(state: State) -> datetime | None:
    """Return when the state was last written; of one that does not say it, when something was last recorded."""
    if state.written is not None:
        return state.written.at
    times = [at for each in state.records.values() for at in (each.created_at, each.updated_at)]
    times += [each.finished_at for each in state.plans]
    return max((at for at in times if at is not None), default=None)


def _note_nothing_recorded(view: View) -> tuple[Diagnostic, ...]:
    if view.state.records or not view.configuration.resources:
        return ()
    return (
        Diagnostic(
            "nothing-recorded",
            Severity.WARNING,
            "Nothing is recorded, so nothing could have drifted",
            "The files declare scenarios, and the state has no record of any.",
            hint="if something was applied, this is the wrong state: check --env and --state",
        ),
    )


CODES = {
    "nothing-recorded": "drift compares what was recorded with the account, and the state records nothing: nothing was "
    "applied yet, or this is not the state that was applied with.",
}
