"""Three versions of a flow, step by step: what became of each step on the account and in the files.

Account and files are never compared with each other alone: what either did to a step that was applied tells which of
their steps are one. So what one side changed is never taken for a change of the other.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.diff import EQUAL, SAME_CHANNEL, align, align_flows
from omnictl.model.drift import Placed
from omnictl.model.scenario import Step

Pair: TypeAlias = tuple[Placed | None, Placed | None]
_SCALE = 1000
"""What a step weighs is decided before how the other side reads it."""


class Strand(Struct, frozen=True):
    """One step as it was applied, on the account and in the files; None where a version lacks it.

    The rest comes of the order of all of them, as does which places are ``moved``. ``together``: account and files have
    it at one place, whatever else they changed around it. ``rank`` is its place in the merged order of what the account
    has, None where the merged flow lacks it.
    """

    recorded: Placed | None
    account: Placed | None
    files: Placed | None
    together: bool = True
    rank: int | None = None


def pair_steps(applied: Sequence[Step], account: Sequence[Step], files: Sequence[Step]) -> tuple[Strand, ...]:
    """Return the steps of three flows, each once: first those that were applied, then what either side added."""
    were = Counter(applied)
    shared = (Counter(account) - were) & (Counter(files) - were)
    mine = _follow(applied, account)
    if account == files:
        theirs = mine
    else:
        theirs = _follow(applied, files, mine, shared)
        mine = _follow(applied, account, theirs, shared)
    strands = [Strand(Placed(step, i + 1), mine.now.get(i), theirs.now.get(i)) for i, step in enumerate(applied)]
    single = [each.channel for each in account if _is_single(each, account) and _is_single(each, files)]
    strands += [Strand(None, *pair) for pair in _pair_added(mine, theirs, single)]
    return _straighten(strands)


def _straighten(strands: Sequence[Strand]) -> tuple[Strand, ...]:
    """Return the strands, of those that are alike on the account and in the files the first with the first."""
    alike: defaultdict[tuple[Step, Step], list[Strand]] = defaultdict(list)
    for each in strands:
        if each.account is not None and each.files is not None:
            alike[each.account.step, each.files.step].append(each)
    straight: dict[Strand, Strand] = {}
    for group in alike.values():
        files = sorted((each.files for each in group if each.files), key=lambda each: each.position)
        group.sort(key=lambda each: each.account.position if each.account else 0)
        straight |= {each: replace(each, files=placed) for each, placed in zip(group, files, strict=True)}
    return tuple(straight.get(each, each) for each in strands)


class _Followed(Struct, frozen=True):
    """What became of a flow: where its steps are now, by their index (none: gone), and what was added."""

    now: Mapping[int, Placed]
    added: tuple[Placed, ...]


def _follow(
    before: Sequence[Step], after: Sequence[Step], beside: _Followed | None = None, shared: Collection[Step] = ()
) -> _Followed:
    """Return what became of a flow, read as the other side is where it can be read in two ways.

    What both sides have anew is one step of it only if it is on the other side too. A step that stands in both as it is
    has become no other, and no other has become it.
    """
    befores, afters = Counter(before), Counter(after)

    def stays(i: int, j: int) -> bool:
        return afters[before[i]] >= befores[before[i]] or befores[after[j]] >= afters[after[j]]

    def weigh(i: int, j: int) -> int:
        if before[i] != after[j] and stays(i, j):
            return 0
        if beside is None:
            return _SCALE * (EQUAL if before[i] == after[j] else SAME_CHANNEL)
        other = beside.now.get(i)
        is_alike = other is not None and other.step == after[j]
        if before[i] == after[j]:
            return _SCALE * EQUAL + is_alike
        return 0 if after[j] in shared and not is_alike else _SCALE * SAME_CHANNEL + is_alike

    found = align_flows(before, after, weigh=weigh)
    became = _uncross(before, after, (*found.kept, *found.moved, *found.changed))
    stay = {*align(len(before), len(after), lambda i, j: weigh(i, j) if became.get(i) == j else 0)}
    now = {i: Placed(after[j], j + 1, moved=(i, j) not in stay) for i, j in became.items()}
    return _Followed(now, tuple(Placed(after[j], j + 1) for j in found.new))


def _uncross(before: Sequence[Step], after: Sequence[Step], pairs: Iterable[tuple[int, int]]) -> Mapping[int, int]:
    """Return the pairs, of equal steps that became equal ones the first with the first."""
    alike: defaultdict[tuple[Step, Step], list[tuple[int, int]]] = defaultdict(list)
    for i, j in pairs:
        alike[before[i], after[j]].append((i, j))
    rows = (zip(*map(sorted, zip(*each, strict=True)), strict=True) for each in alike.values())
    return {i: j for each in rows for i, j in each}


def _is_single(step: Step, flow: Sequence[Step]) -> bool:
    return sum(1 for each in flow if each.channel == step.channel) == 1


def _pair_added(account: _Followed, files: _Followed, single: Collection[str]) -> Iterator[Pair]:
    """Pair what both sides added: the same step, best at one place; else one of the same channel.

    Of that it must be the only one on either side, or stand at one place.
    """
    steady = [i for i in account.now if i in files.now and not (account.now[i].moved or files.now[i].moved)]

    def is_beside(mine: Placed, theirs: Placed) -> bool:
        return _gap(mine, account, steady) == _gap(theirs, files, steady)

    rules: tuple[Callable[[Placed, Placed], bool], ...] = (
        lambda mine, theirs: mine.step == theirs.step and is_beside(mine, theirs),
        lambda mine, theirs: mine.step == theirs.step,
        lambda mine, theirs: (
            mine.step.channel == theirs.step.channel and (mine.step.channel in single or is_beside(mine, theirs))
        ),
    )
    left_account, left_files = list(account.added), list(files.added)
    for fits in rules:
        for mine in tuple(left_account):
            theirs = next((each for each in left_files if fits(mine, each)), None)
            if theirs is not None:
                left_account.remove(mine)
                left_files.remove(theirs)
                yield mine, theirs
    yield from ((each, None) for each in left_account)
    yield from ((None, each) for each in left_files)


def _gap(added: Placed, side: _Followed, steady: Iterable[int]) -> int:
    """Return after which of the steps that nobody moved a step was added; -1 before all of them."""
    before = [(side.now[i].position, i) for i in steady if side.now[i].position < added.position]
    return max(before)[1] if before else -1
