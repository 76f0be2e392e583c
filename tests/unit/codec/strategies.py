"""Random states, plans and reports, as wide as their types allow."""

from datetime import UTC
from typing import TypeVar

from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.model.address import Address, make_address
from omnictl.model.change import (
    Action,
    Adopt,
    Cause,
    Create,
    FlowChanged,
    Forget,
    NameChanged,
    Refresh,
    Rename,
    Retire,
    SenderChanged,
    SetDefault,
    StepInserted,
    StepMoved,
    StepRemoved,
    Update,
)
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.outcome import ApplyReport, Ending, Fate, Outcome
from omnictl.model.plan import (
    Cost,
    DefaultMemory,
    Guard,
    GuardFinding,
    Plan,
    Risk,
    RiskKind,
    RiskReason,
    Selection,
    Settled,
)
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, Manage, OnRemoval, Protection, Step
from omnictl.model.state import (
    Account,
    AccountDefault,
    Intent,
    PlanMark,
    Record,
    RepeatedCreate,
    State,
    Tombstone,
    Writing,
)

T = TypeVar("T")

texts = st.text(max_size=12)
names = st.text(min_size=1, max_size=12)
counts = st.integers(0, 2**53)
seconds = st.floats(0, 1e9)
ids = st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True)
addresses = st.builds(make_address, ids)
times = st.datetimes(timezones=st.just(UTC))
keys = st.text(alphabet="0123456789ABCDEF", min_size=1, max_size=8)
steps = st.builds(Step, st.sampled_from(["SMS", "VIBER", "NEW_ONE"]), st.none() | texts)
flows = st.lists(steps, max_size=3).map(tuple)
attributes = st.builds(Attributes, texts, flows)
lifecycles = st.builds(Lifecycle, st.sampled_from(Protection), st.sampled_from(Manage), st.sampled_from(OnRemoval))
ignored = st.builds(IgnoredField, names, texts, st.none() | names)
whole_lifecycles = st.builds(
    lambda one, fields: replace(one, ignore_changes=fields), lifecycles, st.lists(ignored, max_size=2).map(tuple)
)
accounts = st.builds(Account, names, st.none() | names)


def many(each: st.SearchStrategy[T], most: int = 2) -> st.SearchStrategy[tuple[T, ...]]:
    """Return tuples."""
    return st.lists(each, max_size=most).map(tuple)


def records_of(address: st.SearchStrategy[Address]) -> st.SearchStrategy[Record]:
    """Return records of these addresses."""
    return st.builds(Record, address, keys, attributes, attributes, st.none() | times, st.none() | times, lifecycles)


def _sort(state: State) -> State:
    """Return the state as a document orders it, with one key for one id."""
    seen: set[str] = set()
    kept = {}
    for address, record in sorted(state.records.items()):
        if record.key not in seen:
            kept[address] = replace(record, address=address)
        seen.add(record.key)
    return replace(
        state,
        records=kept,
        intents=tuple(sorted(state.intents, key=lambda each: each.address)),
        tombstones=tuple(sorted(state.tombstones, key=lambda each: (each.address, each.removed_at, each.key))),
    )


states = st.builds(
    State,
    lineage=names,
    environment=names,
    serial=counts,
    account=st.none() | accounts,
    records=st.dictionaries(addresses, records_of(addresses), max_size=3),
    tombstones=many(
        st.builds(
            Tombstone,
            addresses,
            keys,
            attributes,
            times,
            st.booleans(),
            st.none() | texts,
            st.none() | texts,
            st.none() | attributes,
        )
    ),
    intents=many(
        st.builds(
            Intent,
            addresses,
            attributes,
            st.booleans(),
            names,
            times,
            times,
            many(keys),
            lifecycles,
            st.none() | keys,
        )
    ),
    repeated_creates=many(st.builds(RepeatedCreate, addresses, attributes, times, many(keys))),
    account_default=st.builds(AccountDefault, st.none() | addresses, st.none() | keys),
    plans=many(st.builds(PlanMark, names, times, st.none() | times)),
    listed=counts,
    written=st.none() | st.builds(Writing, times, st.just("") | names),
    moved_to=st.none() | names,
).map(_sort)

sources = st.builds(Source, names, st.none() | counts, st.none() | counts, st.none() | counts)
diagnostics = st.builds(
    Diagnostic,
    st.from_regex(r"[a-z]+(-[a-z]+){0,2}", fullmatch=True),
    st.sampled_from(Severity),
    texts,
    texts,
    st.none() | sources,
    texts,
    texts,
    many(texts),
)
edits = st.one_of(
    st.builds(StepInserted, counts, steps),
    st.builds(StepRemoved, counts, steps),
    st.builds(StepMoved, steps, counts, counts),
    st.builds(SenderChanged, names, st.none() | texts, st.none() | texts, counts, counts),
)
fields = many(st.one_of(st.builds(NameChanged, texts, texts), st.builds(FlowChanged, flows, flows, many(edits))))


@st.composite
def updates(draw: st.DrawFn) -> Update:
    """Return an update, whose record is its own."""
    change: Update = draw(
        st.builds(
            Update,
            addresses,
            keys,
            attributes,
            records_of(addresses),
            attributes,
            st.sampled_from(Cause),
            fields,
            whole_lifecycles,
            st.none() | sources,
        )
    )
    return replace(change, recorded=replace(change.recorded, address=change.address))


@st.composite
def renames(draw: st.DrawFn) -> Rename:
    """Return a rename, whose record stands under the previous address."""
    change: Rename = draw(
        st.builds(
            Rename,
            addresses,
            addresses,
            keys,
            attributes,
            records_of(addresses),
            attributes,
            fields,
            whole_lifecycles,
            st.none() | sources,
            st.none() | st.sampled_from(Cause),
        )
    )
    return replace(change, recorded=replace(change.recorded, address=change.previous))


def _own(change: Forget | Retire | Refresh) -> Forget | Retire | Refresh:
    return replace(change, recorded=replace(change.recorded, address=change.address))


changes = st.one_of(
    st.builds(Create, addresses, attributes, whole_lifecycles, st.booleans(), st.none() | keys, st.none() | sources),
    updates(),
    renames(),
    st.builds(
        Adopt, addresses, keys, attributes, attributes, fields, st.booleans(), whole_lifecycles, st.none() | sources
    ),
    st.builds(Forget, addresses, records_of(addresses), st.booleans()).map(_own),
    st.builds(Retire, addresses, records_of(addresses), attributes, attributes, st.none() | texts).map(_own),
    st.builds(Refresh, addresses, records_of(addresses), attributes, attributes, whole_lifecycles).map(_own),
    st.builds(
        SetDefault,
        addresses,
        st.none() | keys,
        attributes,
        st.none() | keys,
        st.none() | addresses,
        st.none() | attributes,
        st.none() | sources,
    ),
)
plans = st.builds(
    Plan,
    plan_id=names,
    created_at=times,
    environment=names,
    account=accounts,
    lineage=names,
    serial=counts,
    state_digest=texts,
    changes=many(changes, 3),
    guards=many(
        st.builds(GuardFinding, st.sampled_from(Guard), names, texts, st.booleans(), st.none() | sources, many(texts))
    ),
    diagnostics=many(diagnostics),
    settled=many(st.builds(Settled, addresses, st.none() | keys, st.booleans())),
    default=st.builds(
        DefaultMemory,
        st.none() | keys,
        st.none() | addresses,
        st.none() | addresses,
        st.booleans(),
        st.booleans(),
    ),
    selection=st.builds(Selection, many(names), many(names), counts, counts),
    cost=st.builds(Cost, counts, counts, counts, seconds, st.none() | counts, st.none() | counts, seconds, seconds),
    total=counts,
    unchanged=counts,
    refreshed=counts,
    unmanaged=st.dictionaries(keys, texts, max_size=2),
    twins=st.dictionaries(addresses, many(keys), max_size=2),
    retire=many(names),
    risk=st.none()
    | st.builds(
        Risk,
        many(st.builds(RiskReason, st.sampled_from(RiskKind), names, texts, st.none() | sources, st.none() | texts)),
    ),
    production=st.booleans(),
    sandbox=st.booleans(),
    omnictl_version=names,
)
outcomes = st.builds(
    Outcome,
    addresses,
    st.sampled_from([each for each in Action if each is not Action.NO_OP]),
    st.sampled_from(Fate),
    st.none() | keys,
    st.none() | diagnostics,
)
reports = st.builds(
    ApplyReport,
    names,
    names,
    st.sampled_from(Ending),
    many(outcomes, 3),
    many(diagnostics),
    counts,
    counts,
    st.none() | times,
    st.none() | times,
    texts,
    st.none() | st.integers(1, 64),
    st.booleans(),
    texts,
    st.none() | seconds,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
