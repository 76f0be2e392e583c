"""Differences between two versions of a scenario: the name, and an edit script of the flow.

A flow is aligned so that as many steps as possible keep their order: an equal step weighs most, a step that only
changed its sender a little. What is left over is a move if the same step stands elsewhere, a changed sender if the
same channel does, and an insertion or a removal otherwise. Nothing is reported for steps that merely shift.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from omnictl.model.change import (
    FieldChange,
    FlowChanged,
    NameChanged,
    SenderChanged,
    StepEdit,
    StepInserted,
    StepMoved,
    StepRemoved,
)
from omnictl.model.scenario import Attributes, Step

EQUAL = 4
SAME_CHANNEL = 1


def diff_attributes(before: Attributes, after: Attributes) -> tuple[FieldChange, ...]:
    """Return what leads from one version to the other; empty when they are equal."""
    changes: list[FieldChange] = []
    if before.name != after.name:
        changes.append(NameChanged(before.name, after.name))
    if before.flow != after.flow:
        changes.append(FlowChanged(before.flow, after.flow, diff_flows(before.flow, after.flow)))
    return tuple(changes)


class Alignment(Struct, frozen=True):
    """Which steps of two flows are one another, as pairs of indexes, and what is left over on either side.

    ``kept`` keep their order, ``moved`` are equal and stand elsewhere, ``changed`` have the same channel and stand
    elsewhere; ``gone`` are of the first flow alone, ``new`` of the second.
    """

    kept: tuple[tuple[int, int], ...]
    moved: tuple[tuple[int, int], ...]
    changed: tuple[tuple[int, int], ...]
    gone: tuple[int, ...]
    new: tuple[int, ...]


def align_flows(
    before: Sequence[Step], after: Sequence[Step], *, weigh: Callable[[int, int], int] | None = None
) -> Alignment:
    """Pair the steps of two flows; ``weigh`` says by their indexes how well two of one channel fit (0: not at all)."""

    def weigh_steps(i: int, j: int) -> int:
        if before[i].channel != after[j].channel:
            return 0
        if weigh is not None:
            return weigh(i, j)
        return EQUAL if before[i] == after[j] else SAME_CHANNEL

    kept = tuple(align(len(before), len(after), weigh_steps))
    gone = [i for i in range(len(before)) if i not in {a for a, _ in kept}]
    left = [j for j in range(len(after)) if j not in {b for _, b in kept}]
    moved = tuple(_pair(gone, left, lambda i, j: before[i] == after[j]))
    changed = tuple(_pair(gone, left, lambda i, j: weigh_steps(i, j) > 0))
    return Alignment(kept, moved, changed, tuple(gone), tuple(left))


def diff_flows(before: Sequence[Step], after: Sequence[Step]) -> tuple[StepEdit, ...]:
    """Return the edit script between two flows, removals first, then by the position afterwards."""
    found = align_flows(before, after)
    edits: list[StepEdit] = [StepMoved(after[j], i + 1, j + 1) for i, j in found.moved]
    edits += [
        SenderChanged(after[j].channel, before[i].sender, after[j].sender, i + 1, j + 1)
        for i, j in (*found.kept, *found.changed)
        if before[i] != after[j]
    ]
    edits += [StepInserted(j + 1, after[j]) for j in found.new]
    removed = [StepRemoved(i + 1, before[i]) for i in found.gone]
    return (*removed, *sorted(edits, key=_position_after))


def align(rows: int, columns: int, weigh: Callable[[int, int], int]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of indexes that keep their order, with the greatest total weight."""
    best: defaultdict[tuple[int, int], int] = defaultdict(int)
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            paired = best[i + 1, j + 1] + weigh(i, j)
            best[i, j] = max(paired, best[i + 1, j], best[i, j + 1])
    i = j = 0
    while i < rows and j < columns:
        weight = weigh(i, j)
        if weight and best[i, j] == best[i + 1, j + 1] + weight:
            yield i, j
            i, j = i + 1, j + 1
        elif best[i, j] == best[i + 1, j]:
            i += 1
        else:
            j += 1


def _pair(gone: list[int], new: list[int], fits: Callable[[int, int], bool]) -> Iterator[tuple[int, int]]:
    """Yield fitting pairs of the left-over indexes, and take them out of both lists."""
    for i in tuple(gone):
        for j in tuple(new):
            if fits(i, j):
                gone.remove(i)
                new.remove(j)
                yield i, j
                break


def _position_after(edit: StepEdit) -> int:
    match edit:
        case StepMoved(after=position) | SenderChanged(position_after=position):
            return position
        case StepInserted(position=position) | StepRemoved(position=position):
            return position
