"""Three versions of the order of a flow: the merged one, and who took which step to another place.

Of two steps the account's order counts, but where the files alone changed it. Not all of that can always be had, as
where both sides moved one step: what the account changed, and what nobody did, goes before what the files changed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum

from msgspec.structs import replace

from omnictl.engine.diff import align
from omnictl.engine.strands import Strand, pair_steps
from omnictl.model.drift import Placed
from omnictl.model.scenario import Step

_WHATEVER_ELSE = 10_000
"""What a step weighs that stays where it is, whatever else would have to move for it."""


class _Claim(IntEnum):
    """Why of two steps one stands before the other; the lower one counts first."""

    ACCOUNT = 0
    FILES = 1
    ENTERING = 2


def compare_flows(applied: Sequence[Step], account: Sequence[Step], files: Sequence[Step]) -> tuple[Strand, ...]:
    """Return the steps of three flows, each once, with their places and with who moved them.

    As few as possible stand elsewhere in the files than on the account; of them those moved that the merged order has
    elsewhere. What both sides have anew at two places was put there by both.
    """
    strands = pair_steps(applied, account, files)
    merged = _merge_order([each for each in strands if _is_merged(each)])
    both = [each for each in strands if each.account is not None and each.files is not None]
    there, here = (sorted(both, key=side) for side in (_on_account, _in_files))
    middle = [each for each in merged if each.files is not None]
    together = {*_find_common(there, here, lambda each: _WHATEVER_ELSE - _count_moves(each))}

    def weigh(strand: Strand) -> int:
        return _WHATEVER_ELSE if strand in together else 1

    as_account, as_files = ({*_find_common(middle, side, weigh)} for side in (there, here))
    steady = [each for each in together if each.recorded and each.files and not each.files.moved]

    def place(strand: Strand) -> Strand:
        is_apart = strand in both and strand not in together
        moved_here = strand not in as_account or strand.recorded is None or _is_moved(strand, steady)
        return Strand(
            strand.recorded,
            _mark(strand.account, moved=is_apart and strand not in as_files),
            _mark(strand.files, moved=is_apart and moved_here),
            not is_apart,
            merged.index(strand) if strand in merged else None,
        )

    return tuple(map(place, strands))


def _is_moved(strand: Strand, steady: Iterable[Strand]) -> bool:
    """Tell whether the files took a step to the other side of one that stands where it was."""
    return any(_compare(strand, each, _in_files) is not _compare(strand, each, _as_applied) for each in steady)


def _mark(placed: Placed | None, *, moved: bool) -> Placed | None:
    return None if placed is None else replace(placed, moved=moved)


def _is_merged(strand: Strand) -> bool:
    """Tell whether a step of the account is in the merged flow: not where the files alone removed it."""
    if strand.account is None:
        return False
    return strand.files is not None or strand.recorded is None or strand.account.step != strand.recorded.step


def _merge_order(strands: Sequence[Strand]) -> tuple[Strand, ...]:
    """Return the steps that the account has in an order that takes both sides' changes, as far as it can.

    Merged with the account once more, it stays what it is.
    """
    row = sorted(strands, key=_on_account)
    claims = sorted(_claim_pairs(row), key=lambda each: each[0])
    followers = [1 << i for i in range(len(row))]
    for _, first, second in claims:
        if not followers[second] >> first & 1:
            for i, known in enumerate(followers):
                if known >> first & 1:
                    followers[i] |= followers[second]
    return tuple(row[i] for i in sorted(range(len(row)), key=lambda i: -followers[i].bit_count()))


def _claim_pairs(row: Sequence[Strand]) -> Iterator[tuple[_Claim, int, int]]:
    """Yield of each two steps of the account which stands first: of each step first those right before it."""
    for j, after in enumerate(row):
        for i in range(j - 1, -1, -1):
            before = row[i]
            was, files = (_compare(before, after, side) for side in (_as_applied, _in_files))
            if was is False or files is True:
                yield _Claim.ACCOUNT, i, j
            elif was is True and files is False:
                yield _Claim.FILES, j, i
            else:
                yield _Claim.ENTERING, i, j


def _compare(one: Strand, other: Strand, side: Callable[[Strand], int]) -> bool | None:
    """Tell whether one step stands before another; None where the version lacks one of them."""
    places = side(one), side(other)
    return places[0] < places[1] if all(places) else None


def _find_common(one: Sequence[Strand], other: Sequence[Strand], weigh: Callable[[Strand], int]) -> Iterable[Strand]:
    """Yield steps that have one order in both rows: of the greatest weight together."""
    pairs = align(len(one), len(other), lambda i, j: weigh(one[i]) if one[i] is other[j] else 0)
    return (one[i] for i, _ in pairs)


def _count_moves(strand: Strand) -> int:
    return sum(1 for each in (strand.account, strand.files) if each is not None and each.moved)


def _as_applied(strand: Strand) -> int:
    return strand.recorded.position if strand.recorded is not None else 0


def _on_account(strand: Strand) -> int:
    return strand.account.position if strand.account is not None else 0


def _in_files(strand: Strand) -> int:
    return strand.files.position if strand.files is not None else 0
