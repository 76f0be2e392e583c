"""What of the account a file takes over: all that somebody changed there, or the fields that are named.

A field is ``name``, ``flow``, a step ``flow[N]`` or its sender ``flow[N].from``. N counts from 0 in the file's flow; a
step that the file does not have goes by its place on the account. One step edit can be taken without the others.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from omnictl.engine.merging import Edit, find_edits, made_on_account, name_edits, take_edits, without_idle
from omnictl.engine.normalised import Versions, read_versions
from omnictl.engine.strands import Strand, pair_steps
from omnictl.errors import UsageError
from omnictl.model.acceptance import Acceptance
from omnictl.model.address import Address, id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Attributes, Resource
from omnictl.model.state import Record

_FIELD = re.compile(r"flow\[([0-9]{1,6})\](\.from)?", re.ASCII)


def is_field(text: str) -> bool:
    """Tell whether a text is of the form of a field that can be accepted."""
    return text in ("name", "flow") or _FIELD.fullmatch(text) is not None


def accept_account(resource: Resource, record: Record, actual: Attributes, fields: Sequence[str]) -> Acceptance:
    """Return what the file takes over of the account. Raises UsageError for a field that does not differ.

    Without ``fields`` that is what somebody changed on the account: not what the file changed since it was applied, not
    what only the service normalised, not an ignored field.
    """
    versions = read_versions(record, actual, resource.attributes)
    strands = _pair(versions)
    edits = find_edits(strands)
    names = name_edits(without_idle(strands, edits))
    if fields:
        takes_name, chosen = _choose_named(resource.address, versions, names, fields)
    else:
        takes_name, chosen = _choose_drifted(resource, versions, edits)
    flow = take_edits(strands, chosen)
    taken = _say_fields(names, chosen) if flow != take_edits(strands, ()) else ()
    attributes = Attributes(
        versions.account.name if takes_name else versions.desired.name, tuple(each.step for each in flow)
    )
    return Acceptance(resource.address, attributes, flow, ("name",) * takes_name + tuple(taken))


def _pair(versions: Versions) -> tuple[Strand, ...]:
    account, desired = versions.account.flow, versions.desired.flow
    applied = desired if account == desired else versions.applied.flow  # how they came to be one is no question
    return pair_steps(applied, account, desired)


def differing_fields(resource: Resource, record: Record, actual: Attributes) -> tuple[str, ...]:
    """Return the fields in which the file and the account differ, whoever changed them."""
    versions = read_versions(record, actual, resource.attributes)
    strands = _pair(versions)
    return _list_fields(versions, name_edits(without_idle(strands, find_edits(strands))))


def _list_fields(versions: Versions, names: Mapping[Edit, str]) -> tuple[str, ...]:
    name_differs = versions.account.name != versions.desired.name
    return (*(("name",) if name_differs else ()), *dict.fromkeys(names.values()))


def ignored_changes(resource: Resource, record: Record, actual: Attributes) -> tuple[str, ...]:
    """Return what somebody changed on the account in fields that the file ignores, and in none that it does not."""
    plain = replace(resource, lifecycle=replace(resource.lifecycle, ignore_changes=()))
    taken = accept_account(resource, record, actual, ()).fields
    return tuple(each for each in accept_account(plain, record, actual, ()).fields if each not in taken)


def _choose_drifted(resource: Resource, versions: Versions, edits: Iterable[Edit]) -> tuple[bool, tuple[Edit, ...]]:
    ignored = {each.field for each in resource.lifecycle.ignore_changes}
    takes_name = "name" not in ignored and versions.account.name not in (versions.applied.name, versions.desired.name)
    if "flow" in ignored:
        return takes_name, ()
    made = (_without_ignored(each, ignored) for each in map(made_on_account, edits) if each is not None)
    return takes_name, tuple(each for each in made if each.sender or each.place)


def _without_ignored(edit: Edit, ignored: Collection[str]) -> Edit:
    """Leave the sender of a step alone that the file has and ignores; its place is taken."""
    return replace(edit, sender=False) if f"flow[{edit.file}].from" in ignored else edit


def _choose_named(
    address: Address, versions: Versions, names: Mapping[Edit, str], fields: Sequence[str]
) -> tuple[bool, tuple[Edit, ...]]:
    differing = _list_fields(versions, names)
    chosen: dict[Strand, Edit] = {}
    for field in fields:
        found = tuple(names) if field == "flow" else tuple(_select(field, names))
        if not (found or (field == "name" and "name" in differing)):
            raise UsageError(_no_difference(id_of(address), field, ", ".join(differing)))
        for each in found:
            other = chosen.get(each.strand)
            chosen[each.strand] = each if other is None or each.place else other
    return "name" in fields, tuple(chosen.values())


def _select(field: str, names: Mapping[Edit, str]) -> Iterable[Edit]:
    """Return the edits that a field means: those of that name, else a step that stands there in either flow."""
    named = [each for each, name in names.items() if name == field]
    match = _FIELD.fullmatch(field)
    if named or match is None:
        return named
    pairs = [each for each in names if each.file is not None and each.account is not None]
    if match[2]:
        pairs = [replace(each, place=False) for each in pairs if each.sender]
    here = [each for each in pairs if each.file == int(match[1])]
    return here or [each for each in pairs if each.account == int(match[1])]


def _say_fields(names: Mapping[Edit, str], chosen: Iterable[Edit]) -> Iterator[str]:
    """Yield what the chosen edits are called, each name once."""
    whole = {each.strand: name for each, name in names.items()}
    said = (whole.get(each.strand, "flow") if each.place else f"flow[{each.file}].from" for each in chosen)
    return iter(dict.fromkeys(said))


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
