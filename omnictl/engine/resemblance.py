"""New scenarios that have the flow of one that left: id and name may have changed together. A person has to say so."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.bent import Way, way_of
from omnictl.engine.compare import fold
from omnictl.engine.rename import REMEMBERED, Likely, Renames, departed, forgotten
from omnictl.engine.twins import lines_for, name_likely, say_likely
from omnictl.engine.view import Circumstances, View
from omnictl.model.address import Address, id_of
from omnictl.model.change import Change, Create
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.state import State

MOST_NAMED = 5
MOST_COMPARED = 250_000
"""Above so many pairs of one flow names are not compared; that plan is no plan of renames."""
NEAR_ENOUGH = 0.75
"""The part of their pairs of letters that near names share."""
_WORD = re.compile(r"[^\W\d_]+|\d+")


class Resembling(Struct, frozen=True):
    """Creates that have the flow of what left: the ``candidates``, the likeliest first, and how many ``more`` left.

    ``is_near`` where more than the flow is alike; the first candidate says what. It is one create, unless there are
    more of them than left: then these others are together.
    """

    creates: tuple[Create, ...]
    candidates: tuple[Likely, ...]
    more: int = 0
    is_near: bool = False


def find_resembling(changes: Iterable[Change], view: View, renames: Renames, now: datetime) -> tuple[Resembling, ...]:
    """Bring each create together with the scenario of its flow that left and is most like it, one to one."""
    created: dict[Way, list[Create]] = defaultdict(list)
    for each in changes:
        if isinstance(each, Create) and each.replaces is None and each.address not in renames.likely:
            created[way_of(each.desired.flow)].append(each)
    if not created:
        return ()
    left = _find_left(view, renames, now)
    return tuple(found for way, creates in created.items() if way in left for found in _pair_up(creates, left[way]))


def last_made(state: State) -> Mapping[Way, datetime]:
    """Return when a scenario of each flow was last made here: what was let go before may have been that one."""
    made: dict[Way, datetime] = {}
    for record in state.records.values():
        if record.created_at is not None:
            way = way_of(record.applied.flow)
            made[way] = max(made.get(way, record.created_at), record.created_at)
    return made


def _find_left(view: View, renames: Renames, now: datetime) -> Mapping[Way, Sequence[Likely]]:
    """Return what leaves or left, and is still on the account, by its flow; what was retired was ended for good.

    What was forgotten before a scenario of its flow was made is answered by that one.
    """
    made = last_made(view.state)
    kept = {*view.configuration.resources, *renames.pairs.values()}
    gone = (record for address, record in view.state.records.items() if address not in kept)
    lately = (
        each
        for each in view.state.tombstones
        if not each.retired
        and now - each.removed_at <= REMEMBERED
        and made.get(way_of(each.applied.flow), each.removed_at) <= each.removed_at
    )
    left: dict[Way, list[Likely]] = defaultdict(list)
    for applied, found in (*departed(gone, view), *forgotten(lately, view)):
        if found.is_there:
            left[way_of(applied.flow)].append(found)
    return left


def _pair_up(creates: Sequence[Create], left: Sequence[Likely]) -> Iterator[Resembling]:
    """Yield the likeliest pairs first; no create and no candidate is in two of them."""
    ranked = _rank(creates, left)
    ways: dict[Address, list[Likely]] = defaultdict(list)
    for each in ranked:
        ways[each.create.address].append(each.found)
    taken: set[str] = set()
    for each in ranked:
        address, key = each.create.address, each.found.key
        if address not in taken and key not in taken:
            taken |= {address, key}
            first = replace(each.found, evidence=each.evidence)
            candidates = (first, *(other for other in ways[address] if other.key != key))[:MOST_NAMED]
            yield Resembling((each.create,), candidates, len(left) - len(candidates), bool(each.evidence))
    others = tuple(each for each in creates if each.address not in taken)
    if others:
        candidates = tuple(left[:MOST_NAMED])
        yield Resembling(others, candidates, len(left) - len(candidates))


# --- how alike a create and a candidate are -----------------------------------------------------------------------


class _Features(Struct, frozen=True):
    """A text taken apart: its words, and the pairs of letters that stand side by side in it."""

    words: frozenset[str]
    pairs: frozenset[str]


class _Pair(Struct, frozen=True):
    """A create and a candidate; ``evidence`` says in words what is alike beside the flow, "" where nothing is.

    ``likeness`` is that of the names and that of the ids, each from 0 to 1.
    """

    create: Create
    found: Likely
    evidence: str = ""
    likeness: tuple[float, float] = (0.0, 0.0)


def _rank(creates: Sequence[Create], left: Sequence[Likely]) -> list[_Pair]:
    """Return all pairs, the likeliest first; of too many, one pair for each."""
    if len(creates) * len(left) > MOST_COMPARED:
        return [_Pair(create, found) for create, found in zip(creates, left, strict=False)]
    theirs = [(found, _take_apart(found.name), _take_apart(id_of(found.address))) for found in left]
    pairs = [
        _compare(create, found, (name, its_name), (scenario_id, its_id))
        for create in creates
        for name, scenario_id in [(_take_apart(create.desired.name), _take_apart(id_of(create.address)))]
        for found, its_name, its_id in theirs
    ]
    pairs.sort(key=lambda each: (each.create.address, each.found.address, each.found.key))
    return sorted(pairs, key=lambda each: (bool(each.evidence), each.likeness), reverse=True)


def _take_apart(text: str) -> _Features:
    plain = fold(text)
    return _Features(frozenset(_WORD.findall(plain)), frozenset(map("".join, pairwise(plain))))


def _compare(
    create: Create, found: Likely, names: tuple[_Features, _Features], ids: tuple[_Features, _Features]
) -> _Pair:
    likeness = (_share(*names), _share(*ids))
    evidence = ""
    if _stands_in_file_of(create, found):
        evidence = f"it stands in the file of {id_of(found.address)}"
    elif likeness[0] >= NEAR_ENOUGH or _extends(*names):
        evidence = f'its name is like "{found.name}"'
    elif _extends(*ids):
        evidence = f"its id is like {id_of(found.address)}"
    return _Pair(create, found, evidence, likeness)


def _stands_in_file_of(create: Create, found: Likely) -> bool:
    """Tell whether the file is named as a file without ``id:`` would be that declares the candidate."""
    return create.source is not None and create.source.path.rpartition("/")[2].partition(".")[0] == id_of(found.address)


def _share(one: _Features, other: _Features) -> float:
    """Return which part of their pairs of letters two texts share, from 0 to 1."""
    number = len(one.pairs) + len(other.pairs)
    return 2 * len(one.pairs & other.pairs) / number if number else 0.0


def _extends(one: _Features, other: _Features) -> bool:
    """Tell whether one has all the words of the other."""
    return bool(one.words and other.words) and (one.words <= other.words or other.words <= one.words)


# --- what is said ---------------------------------------------------------------------------------------------------


def near_ones(resembling: Iterable[Resembling]) -> Mapping[Address, tuple[Likely, ...]]:
    """Return the creates that may be a rename for more than their flow: the guard ``likely-rename`` is for them."""
    return {each.creates[0].address: each.candidates for each in resembling if each.is_near}


def note_resembling(resembling: Iterable[Resembling], view: View, circumstances: Circumstances) -> Iterator[Diagnostic]:
    """Warn of creates that have nothing but the flow of what left."""
    for each in resembling:
        if each.is_near:
            continue
        found, resource = each.candidates, view.configuration.resources[each.creates[0].address]
        several = len(found) > 1
        more = f" and {each.more} more" if each.more else ""
        yield Diagnostic(
            "maybe-renamed",
            Severity.WARNING,
            "A new scenario has the flow of one that left",
            f"{_say_creates(each.creates)} created with the flow of {name_likely(found, ' and of ')}{more}. "
            f"{say_likely(found, 'one of them' if len(each.creates) > 1 else 'it')}",
            each.creates[0].source,
            hint=f"if it is the same scenario, add {'one of these lines' if several else 'this line'}",
            commands=lines_for(found, resource, circumstances),
        )


def _say_creates(creates: Sequence[Create]) -> str:
    ids = [id_of(each.address) for each in creates]
    if len(ids) == 1:
        return f"{ids[0]} is"
    more = len(ids) - MOST_NAMED
    return f"{', '.join(ids[:MOST_NAMED])} and {more} more are" if more > 0 else f"{' and '.join(ids)} are"


CODES = {
    "maybe-renamed": "A scenario is created with the flow of one that leaves, or that was forgotten in the last 30 "
    "days and is still on the account. If its id and its name changed together, the line in its file keeps the key; "
    "without it, it gets a key of its own.",
}
