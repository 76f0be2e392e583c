"""What the service makes of what it is sent, seen through: three versions of a scenario in the words of the files."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.compare import wanted
from omnictl.engine.diff import align_flows
from omnictl.model.scenario import Attributes, IgnoredField, Step
from omnictl.model.state import Record


class Versions(Struct, frozen=True):
    """A scenario as it was applied, as the account has it and as the files have it, spelled as files spell it.

    ``drifted`` where somebody changed the account, ``edited`` where the files say something else than was applied; what
    the service makes of the same is neither. Ignored fields are in all three as on the account.
    """

    applied: Attributes
    account: Attributes
    desired: Attributes
    drifted: bool
    edited: bool

    @property
    def is_as_declared(self) -> bool:
        """Whether an apply would change nothing of it."""
        return self.account == self.desired


def read_versions(
    record: Record,
    actual: Attributes,
    declared: Attributes,
    ignored: Iterable[IgnoredField] = (),
    *,
    kept: Attributes | None = None,
) -> Versions:
    """Compare what was recorded, what the account has and what is declared: plan, drift and accept all go by this.

    ``kept`` is what ignored fields are to stay as, where that is not what the account has.
    What was ignored when it was recorded and is no longer counts as the file said it then.
    """
    record = _as_declared(record)
    ignored, kept = tuple(ignored), actual if kept is None else kept
    desired, applied, observed = (wanted(each, kept, ignored) for each in (declared, record.applied, record.observed))
    record = replace(record, applied=applied, observed=observed)
    seen = wanted(see_through(record, actual), actual, ignored)
    account = Attributes(
        desired.name if desired.name == actual.name else seen.name, _word_flow(desired.flow, seen.flow, actual.flow)
    )
    return Versions(applied, account, desired, drifted=seen != applied, edited=see_through(record, desired) != applied)


def _as_declared(record: Record) -> Record:
    """Return a record as if nothing had been ignored: what the file said then was applied, and shown as it was sent."""
    declared, applied, observed = record.declared, record.applied, record.observed
    if declared is None:
        return record
    flow = declared.flow
    if len(declared.flow) == len(applied.flow) == len(observed.flow):
        steps = zip(declared.flow, applied.flow, observed.flow, strict=True)
        flow = tuple(shown if said == sent else said for said, sent, shown in steps)
    name = observed.name if declared.name == applied.name else declared.name
    return replace(record, applied=declared, observed=Attributes(name, flow))


def see_through(record: Record, actual: Attributes) -> Attributes:
    """Return the account's attributes as they would be sent: where the service normalised what was sent, that."""
    if record.applied == record.observed:
        return actual
    name = record.applied.name if actual.name == record.observed.name else actual.name
    applied, observed = record.applied.flow, record.observed.flow
    if actual.flow == observed:
        return Attributes(name, applied)
    if [each.channel for each in applied] != [each.channel for each in observed]:
        return Attributes(name, actual.flow)
    found = align_flows(observed, actual.flow)
    same = {j: i for i, j in (*found.kept, *found.moved) if observed[i] == actual.flow[j]}
    return Attributes(name, tuple(applied[same[j]] if j in same else step for j, step in enumerate(actual.flow)))


def _word_flow(desired: Sequence[Step], seen: Sequence[Step], actual: Sequence[Step]) -> tuple[Step, ...]:
    """Return the account's flow, in which what the files say to the letter stands as they say it."""
    if desired == actual or seen == desired:
        return tuple(desired)
    if seen == actual or len(seen) != len(actual):
        return tuple(seen)
    found = align_flows(seen, desired)
    written = {i: desired[j] for i, j in (*found.kept, *found.changed) if desired[j] == actual[i]}
    return tuple(written.get(i, step) for i, step in enumerate(seen))
