"""Three versions of a scenario side by side: each field that the account or the files changed, and who did."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.diff import diff_flows
from omnictl.model.change import SenderChanged, StepEdit, StepInserted, StepMoved, StepRemoved
from omnictl.model.drift import NameRow, Placed, Row, StepRow, Verdict
from omnictl.model.scenario import Attributes, Step

_ORDER = (Verdict.CONFLICT, Verdict.FILES, Verdict.ACCOUNT)


class Versions(Struct, frozen=True):
    """A scenario as it was sent and answered, as the account has it, and as the files have it."""

    applied: Attributes
    observed: Attributes
    actual: Attributes
    desired: Attributes


def compare_versions(versions: Versions, *, declared: bool) -> tuple[Row, ...]:
    """Return what differs, conflicts first. What both sides changed alike, or only the service bent, is no row."""
    rows: list[Row] = [*_compare_names(versions, declared=declared)]
    steps = _compare_flows(versions, declared=declared)
    rows += _mark_acceptable(steps, versions.desired.flow, versions.actual.flow) if declared else steps
    return tuple(sorted(rows, key=lambda each: (_ORDER.index(each.verdict), _position(each))))


def _compare_names(versions: Versions, *, declared: bool) -> Iterator[NameRow]:
    applied, observed, actual, desired = (
        each.name for each in (versions.applied, versions.observed, versions.actual, versions.desired)
    )
    drifted, edited = actual != observed, desired != applied
    if (drifted or edited) and desired != actual:
        recorded = observed if drifted else applied
        yield NameRow(recorded, actual, desired if declared else None, _judge(drifted=drifted, edited=edited))


def _compare_flows(versions: Versions, *, declared: bool) -> Iterator[StepRow]:
    if versions.actual.flow == versions.desired.flow:
        return
    account = _follow(versions.observed.flow, versions.actual.flow)
    files = _follow(versions.applied.flow, versions.desired.flow)
    for index in range(max(len(account.before), len(files.before))):
        drifted, edited = index in account.changed, index in files.changed
        here, there = account.at(index), files.at(index)
        if (drifted or edited) and not (drifted and edited and _is_same(here, there)):
            base = account.before if drifted else files.before
            recorded = Placed(base[index], index + 1)
            yield StepRow(recorded, here, there if declared else None, _judge(drifted=drifted, edited=edited))
    yield from _pair_inserted(account.inserted, files.inserted)


def _mark_acceptable(rows: Iterable[StepRow], files: Sequence[Step], account: Sequence[Step]) -> Iterator[StepRow]:
    """Mark the rows that accepting a field can take alone: accept compares file and account, without the record."""
    edits = {_ends(each): each for each in diff_flows(files, account)}
    single = Counter(f"flow[{(before or after) - 1}]" for before, after in edits if not before or not after)
    for row in rows:
        edit = edits.get((row.files.position if row.files else 0, row.account.position if row.account else 0))
        is_one = edit is not None and isinstance(edit, SenderChanged) == row.is_sender
        is_single = row.files is None or row.account is None
        yield replace(row, acceptable=is_one and (row.is_sender or single[row.field] == is_single))


def _ends(edit: StepEdit) -> tuple[int, int]:
    """Return where a step is before and after an edit; 0 where it is not."""
    match edit:
        case StepRemoved(position):
            return position, 0
        case StepInserted(position):
            return 0, position
        case StepMoved(before=before, after=after):
            return before, after
        case SenderChanged():
            return edit.position_before, edit.position_after


def _judge(*, drifted: bool, edited: bool) -> Verdict:
    if drifted and edited:
        return Verdict.CONFLICT
    return Verdict.ACCOUNT if drifted else Verdict.FILES


def _position(row: Row) -> int:
    if isinstance(row, NameRow):
        return 0
    return next(each.position for each in (row.recorded, row.account, row.files) if each is not None)


class _Followed(Struct, frozen=True):
    """What became of the steps of a flow, by index: where each is now (None: gone), and what is new."""

    before: Sequence[Step]
    now: dict[int, Placed | None]
    changed: frozenset[int]
    inserted: tuple[Placed, ...]

    def at(self, index: int) -> Placed | None:
        """Return where a step is now."""
        return self.now.get(index)


def _follow(before: Sequence[Step], after: Sequence[Step]) -> _Followed:
    now: dict[int, Placed | None] = {}
    inserted: list[Placed] = []
    for edit in diff_flows(before, after):
        match edit:
            case StepRemoved(position):
                now[position - 1] = None
            case StepMoved(step, was, position):
                now[was - 1] = Placed(step, position, moved=True)
            case SenderChanged():
                now[edit.position_before - 1] = Placed(Step(edit.channel, edit.after), edit.position_after)
            case StepInserted(position, step):
                inserted.append(Placed(step, position))
    changed = frozenset(now)
    taken = {each.position for each in (*now.values(), *inserted) if each is not None}
    free = (position for position in range(1, len(after) + 1) if position not in taken)
    now |= {index: Placed(before[index], next(free)) for index in range(len(before)) if index not in changed}
    return _Followed(before, now, changed, tuple(inserted))


def _is_same(here: Placed | None, there: Placed | None) -> bool:
    """Tell whether both sides did the same to a step; where it stands counts only if it was moved there."""
    if here is None or there is None:
        return here is there
    same_place = here.position == there.position or not here.moved
    return here.step == there.step and here.moved == there.moved and same_place


def _pair_inserted(account: Sequence[Placed], files: Sequence[Placed]) -> Iterator[StepRow]:
    """Put steps side by side that both sides inserted at one place; equal ones are no row."""
    left = {each.position: each for each in files}
    for each in account:
        other = left.pop(each.position, None)
        if other != each:
            yield StepRow(None, each, other, Verdict.ACCOUNT if other is None else Verdict.CONFLICT)
    for each in left.values():
        yield StepRow(None, None, each, Verdict.FILES)
