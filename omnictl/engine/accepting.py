"""What of the account a file takes over: all that somebody changed there, or the fields that are named.

A field is ``name``, ``flow``, a step ``flow[N]`` or its sender ``flow[N].from``. N counts from 0 in the file's flow; a
step that the file does not have goes by its place on the account. One step edit can be taken without the others.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.compare import wanted
from omnictl.engine.diff import Alignment, align_flows
from omnictl.engine.normalised import see_through
from omnictl.errors import UsageError
from omnictl.model.acceptance import Acceptance, PlacedStep
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Attributes, Resource, Step
from omnictl.model.state import Record

_FIELD = re.compile(r"flow\[([0-9]{1,6})\](\.from)?", re.ASCII)


class _Edit(Struct, frozen=True):
    """One edit of a flow, by the indexes of its step in the file and on the account; ``moves``: it stands elsewhere."""

    file: int | None
    account: int | None
    moves: bool = False


def is_field(text: str) -> bool:
    """Tell whether a text is of the form of a field that can be accepted."""
    return text in ("name", "flow") or _FIELD.fullmatch(text) is not None


def accept_account(resource: Resource, record: Record, actual: Attributes, fields: Sequence[str]) -> Acceptance:
    """Return what the file takes over of the account. Raises UsageError for a field that does not differ.

    Without ``fields`` that is what somebody changed on the account: not what the file changed since it was applied, not
    what only the service normalised, not an ignored field.
    """
    seen = see_through(record, actual)
    desired = resource.attributes
    edits = tuple(_find_edits(desired.flow, seen.flow, align_flows(desired.flow, seen.flow)))
    takes_name, chosen = _choose_drifted(resource, record, seen, edits)
    kept = _ignored_senders(resource)
    if fields:
        takes_name, chosen = _choose_named(resource, seen, edits, fields)
        kept = frozenset()
    flow = _place(desired.flow, seen.flow, chosen, kept)
    taken = tuple(_paths(edits, (each for each in chosen if not (_is_sender(each) and each.file in kept))))
    attributes = Attributes(seen.name if takes_name else desired.name, tuple(each.step for each in flow))
    return Acceptance(resource.address, attributes, flow, (("name",) if takes_name else ()) + taken)


def differing_fields(resource: Resource, record: Record, actual: Attributes) -> tuple[str, ...]:
    """Return the fields in which the file and the account differ, whoever changed them."""
    seen, desired = see_through(record, actual), resource.attributes
    edits = tuple(_find_edits(desired.flow, seen.flow, align_flows(desired.flow, seen.flow)))
    return (*(("name",) if desired.name != seen.name else ()), *_paths(edits, edits))


def ignored_changes(resource: Resource, record: Record, actual: Attributes) -> tuple[str, ...]:
    """Return what somebody changed on the account in fields that the file ignores, and in none that it does not."""
    plain = replace(resource, lifecycle=replace(resource.lifecycle, ignore_changes=()))
    taken = accept_account(resource, record, actual, ()).fields
    return tuple(each for each in accept_account(plain, record, actual, ()).fields if each not in taken)


def _find_edits(file: Sequence[Step], account: Sequence[Step], found: Alignment) -> Iterator[_Edit]:
    yield from (_Edit(i, None) for i in found.gone)
    yield from (_Edit(None, j) for j in found.new)
    yield from (_Edit(i, j) for i, j in found.kept if file[i] != account[j])
    yield from (_Edit(i, j, moves=True) for i, j in (*found.moved, *found.changed))


def _choose_drifted(
    resource: Resource, record: Record, seen: Attributes, edits: tuple[_Edit, ...]
) -> tuple[bool, tuple[_Edit, ...]]:
    ignored = resource.lifecycle.ignore_changes
    applied, desired = (wanted(each, seen, ignored) for each in (record.applied, resource.attributes))
    takes_name = seen.name not in (applied.name, desired.name)
    if seen.flow in (applied.flow, desired.flow):
        return takes_name, ()
    return takes_name, tuple(_of_the_account(edits, resource.attributes.flow, record.applied.flow, seen.flow))


def _of_the_account(
    edits: Iterable[_Edit], file: Sequence[Step], applied: Sequence[Step], account: Sequence[Step]
) -> Iterator[_Edit]:
    """Yield the edits that somebody made on the account; the others the file made since it was applied."""
    made = tuple(_find_edits(applied, account, align_flows(applied, account)))
    touched = {each.account for each in made if each.account is not None}
    removed = {each.file for each in made if each.account is None}
    found = align_flows(file, applied)
    origins = dict((*found.kept, *found.moved, *found.changed))
    for each in edits:
        is_removal = each.account is None and each.file is not None
        if origins.get(each.file or 0) in removed if is_removal else each.account in touched:
            yield each


def _choose_named(
    resource: Resource, seen: Attributes, edits: tuple[_Edit, ...], fields: Sequence[str]
) -> tuple[bool, tuple[_Edit, ...]]:
    name_differs = resource.attributes.name != seen.name
    chosen: dict[tuple[int | None, int | None], _Edit] = {}
    for field in fields:
        found = edits if field == "flow" else tuple(_select(field, resource.attributes.flow, seen.flow, edits))
        if not (found or (field == "name" and name_differs)):
            shown = ", ".join((*(("name",) if name_differs else ()), *_paths(edits, edits)))
            raise UsageError(_no_difference(id_of(resource.address), field, shown))
        for each in found:
            other = chosen.get((each.file, each.account))
            chosen[each.file, each.account] = each if other is None or each.moves else other
    return "name" in fields, tuple(chosen.values())


def _select(field: str, file: Sequence[Step], account: Sequence[Step], edits: Iterable[_Edit]) -> Iterable[_Edit]:
    """Return the edits that a field means: those of that name, else a step that stands there in either flow."""
    named = [each for each, name in _name_edits(edits).items() if name == field]
    match = _FIELD.fullmatch(field)
    if named or match is None:
        return named
    pairs = [each for each in edits if each.file is not None and each.account is not None]
    if match[2]:
        senders = (each for each in pairs if file[each.file or 0].sender != account[_account_of(each)].sender)
        pairs = [replace(each, moves=False) for each in senders]
    here = [each for each in pairs if each.file == int(match[1])]
    return here or [each for each in pairs if each.account == int(match[1])]


def _name_edits(edits: Iterable[_Edit]) -> dict[_Edit, str]:
    """Return what each edit is called, so that the name leads to it and to no other.

    A step that goes and one that comes may have one name. A step that moves is called by its place in the file, else by
    that on the account, where no other step is called so; else only the whole flow has it.
    """
    names: dict[_Edit, str] = {}
    for each in sorted(edits, key=lambda each: each.moves):
        index = each.account if each.file is None else each.file
        name = f"flow[{index}].from" if _is_sender(each) else f"flow[{index}]"
        names[each] = "" if each.moves and name in names.values() else name
    for each, name in names.items():
        other = f"flow[{each.account}]"
        names[each] = name or (other if other not in names.values() else "flow")
    return names


def _paths(edits: Iterable[_Edit], chosen: Iterable[_Edit]) -> Iterator[str]:
    """Yield what the chosen edits are called, each name once."""
    names = _name_edits(edits)
    return iter(dict.fromkeys(names.get(each) or f"flow[{each.file}].from" for each in chosen))


def _ignored_senders(resource: Resource) -> frozenset[int]:
    """Return the steps of the file whose sender is ignored."""
    matches = (_FIELD.fullmatch(each.field) for each in resource.lifecycle.ignore_changes)
    return frozenset(int(each[1]) for each in matches if each is not None)


def _is_sender(edit: _Edit) -> bool:
    return edit.file is not None and edit.account is not None and not edit.moves


def _place(
    file: Sequence[Step], account: Sequence[Step], chosen: Sequence[_Edit], kept_senders: frozenset[int]
) -> tuple[PlacedStep, ...]:
    """Return the file's flow with the chosen edits; a step that comes in stands after the one that it follows there."""
    anchors = dict(align_flows(file, account).kept)
    by_file = {each.file: each for each in chosen if each.file is not None}
    rows: list[tuple[int | None, PlacedStep]] = []
    for i, step in enumerate(file):
        edit = by_file.get(i)
        if edit is None or _is_sender(edit):
            shown = step if edit is None or i in kept_senders else account[_account_of(edit)]
            rows.append((anchors.get(i), PlacedStep(shown, i)))
    for edit in sorted((e for e in chosen if e.account is not None and (e.moves or e.file is None)), key=_account_of):
        step = file[edit.file] if edit.file is not None and edit.file in kept_senders else account[_account_of(edit)]
        rows.insert(_find_place(rows, _account_of(edit)), (edit.account, PlacedStep(step, edit.file)))
    return tuple(step for _, step in rows)


def _account_of(edit: _Edit) -> int:
    return edit.account or 0


def _find_place(rows: Sequence[tuple[int | None, PlacedStep]], index: int) -> int:
    before = [place for place, (anchor, _) in enumerate(rows) if anchor is not None and anchor < index]
    after = [place for place, (anchor, _) in enumerate(rows) if anchor is not None and anchor > index]
    return before[-1] + 1 if before else after[0] if after else len(rows)


def _no_difference(scenario_id: str, field: str, shown: str) -> Diagnostic:
    return Diagnostic(
        "no-such-difference",
        Severity.ERROR,
        "A field is named that does not differ",
        f"{field} of {scenario_id} is the same in the file and on the account."
        + (f" These differ: {shown}." if shown else " Nothing of it differs."),
        hint="steps count from 0, in the file; one that the file does not have, on the account",
    )


CODES = {
    "no-such-difference": "accept --field names a field in which the file and the account agree. Steps count from 0; a "
    "step that the file does not have goes by its place on the account.",
}
