"""Differences between the files and the account, each with whose it is and what it is called, and taking them over."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.strands import Strand
from omnictl.model.acceptance import PlacedStep
from omnictl.model.drift import Placed
from omnictl.model.scenario import Step


class Edit(Struct, frozen=True):
    """What the files would take over of one step: its sender, its place, or both; that it is there is a place too."""

    strand: Strand
    sender: bool = False
    place: bool = False

    @property
    def file(self) -> int | None:
        """The index of the step in the file."""
        return _index(self.strand.files)

    @property
    def account(self) -> int | None:
        """The index of the step on the account."""
        return _index(self.strand.account)


def find_edits(strands: Sequence[Strand]) -> tuple[Edit, ...]:
    """Return every difference between files and account."""
    return tuple(each for each in map(_differs, strands) if each is not None)


def name_differences(strands: Sequence[Strand]) -> Mapping[Edit, str]:
    """Return the differences that can be taken alone, each with what it is called: see ``name_edits``."""
    edits = find_edits(strands)
    return name_edits(_without_idle(strands, edits) or edits)


def _without_idle(strands: Sequence[Strand], edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Leave out moves that alone would change nothing, as of one past an equal step."""
    unchanged = steps_of(take_edits(strands, ()))

    def is_idle(edit: Edit) -> bool:
        return _moves(edit) and steps_of(take_edits(strands, (replace(edit, sender=False),))) == unchanged

    left = (replace(each, place=False) if is_idle(each) else each for each in edits)
    return tuple(each for each in left if each.sender or each.place)


def steps_of(flow: Iterable[PlacedStep]) -> tuple[Step, ...]:
    """Return the steps, wherever each comes from."""
    return tuple(each.step for each in flow)


def _differs(strand: Strand) -> Edit | None:
    if strand.account is None or strand.files is None:
        return Edit(strand, place=True) if strand.account is not strand.files else None
    sender = strand.account.step != strand.files.step
    return Edit(strand, sender, not strand.together) if sender or not strand.together else None


def made_on_account(edit: Edit) -> Edit | None:
    """Return what of a difference somebody made on the account since it was applied."""
    return _made(edit, edit.strand.account, edit.strand.files)


def made_in_files(edit: Edit) -> Edit | None:
    """Return what of a difference the files made since they were applied."""
    return _made(edit, edit.strand.files, edit.strand.account)


def _made(edit: Edit, side: Placed | None, other: Placed | None) -> Edit | None:
    was = edit.strand.recorded
    if side is None:
        return edit if was is not None else None
    is_changed = was is None or side.step != was.step
    if other is None:
        return edit if is_changed else None
    sender, place = edit.sender and is_changed, edit.place and side.moved
    return Edit(edit.strand, sender, place) if sender or place else None


def name_edits(edits: Iterable[Edit]) -> Mapping[Edit, str]:
    """Return what each edit is called, so that the name leads to it and to no other.

    A step that goes and one that comes may have one name. A step that moves is called by its place in the file, else by
    that on the account, where no other step is called so; else only the whole flow has it.
    """
    names: dict[Edit, str] = {}
    for each in sorted(edits, key=_moves):
        index = each.account if each.file is None else each.file
        name = f"flow[{index}]" if each.place else f"flow[{index}].from"
        names[each] = "" if _moves(each) and name in names.values() else name
    for each, name in names.items():
        other = f"flow[{each.account}]"
        names[each] = name or (other if other not in names.values() else "flow")
    return names


def find_lone_names(names: Mapping[Edit, str]) -> frozenset[Edit]:
    """Return the edits whose names lead to them alone."""
    uses = Counter(names.values())
    return frozenset(each for each, name in names.items() if uses[name] == 1 and name != "flow")


def _moves(edit: Edit) -> bool:
    return edit.place and edit.file is not None and edit.account is not None


def take_edits(strands: Sequence[Strand], edits: Iterable[Edit]) -> tuple[PlacedStep, ...]:
    """Return the file's flow with edits; a step that comes in stands after the one that it follows on the account."""
    row = sorted((each for each in strands if each.account), key=_on_account)
    return _arrange(strands, edits, row, {each for each in row if each.together})


def merge_edits(strands: Sequence[Strand], edits: Iterable[Edit]) -> tuple[PlacedStep, ...]:
    """Return the file's flow with what somebody made on the account; steps come in where the merged order has them."""
    ranks = {each.rank: each for each in strands if each.rank is not None}
    row = [ranks[each] for each in sorted(ranks)]
    return _arrange(strands, edits, row, {each for each in row if each.account is None or not each.account.moved})


def _arrange(
    strands: Sequence[Strand], edits: Iterable[Edit], row: Sequence[Strand], steady: Collection[Strand]
) -> tuple[PlacedStep, ...]:
    """Return the file's flow with edits that follow a row; the steady ones stand in the file as they do there."""
    taken = {each.strand: each for each in edits}
    rows: list[tuple[Strand, PlacedStep]] = []
    for strand in sorted((each for each in strands if each.files), key=_in_file):
        edit = taken.get(strand)
        if edit is None or not edit.place:
            rows.append((strand, PlacedStep(_step(strand, edit), _index(strand.files))))
    anchors = {each for each, _ in rows if each in steady}
    for number, strand in enumerate(row):
        edit = taken.get(strand)
        if edit is not None and edit.place:
            at = _find_place(rows, anchors, row, number)
            rows.insert(at, (strand, PlacedStep(_step(strand, edit), _index(strand.files))))
            anchors.add(strand)
    return tuple(step for _, step in rows)


def _step(strand: Strand, edit: Edit | None) -> Step:
    """Return a step as it is to be written."""
    placed = strand.account if strand.files is None or (edit is not None and edit.sender) else strand.files
    if placed is None:
        raise ValueError("a step that neither side has is not written")
    return placed.step


def _find_place(
    rows: Sequence[tuple[Strand, PlacedStep]], anchors: set[Strand], row: Sequence[Strand], number: int
) -> int:
    """Return where a step comes in: beside one that stands as in the row, else beside any that is in it."""
    for known in (anchors, set(row)):
        places = {strand: at for at, (strand, _) in enumerate(rows) if strand in known}
        before = [places[each] + 1 for each in row[:number] if each in places]
        after = [places[each] for each in row[number:] if each in places]
        if before or after:
            return before[-1] if before else after[0]
    return len(rows)


def _in_file(strand: Strand) -> int:
    return strand.files.position if strand.files is not None else 0


def _on_account(strand: Strand) -> int:
    return strand.account.position if strand.account is not None else 0


def _index(placed: Placed | None) -> int | None:
    return placed.position - 1 if placed is not None else None
