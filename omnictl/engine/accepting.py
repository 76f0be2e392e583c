"""What of the account a file takes over: all that somebody changed there, or the fields that are named.

A field is ``name``, ``flow``, a step ``flow[N]`` or its sender ``flow[N].from``. N counts from 0 in the file's flow; a
step that the file does not have goes by its place on the account. One step edit can be taken without the others.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.merging import (
    Edit,
    find_edits,
    made_on_account,
    merge_edits,
    name_differences,
    steps_of,
    take_edits,
)
from omnictl.engine.moves import describe_moves
from omnictl.engine.normalised import Versions, read_versions
from omnictl.engine.places import compare_flows
from omnictl.engine.strands import Strand
from omnictl.errors import UsageError
from omnictl.model.acceptance import Acceptance, PlacedStep
from omnictl.model.address import Address, id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Attributes, Manage, Resource
from omnictl.model.state import Record

_FIELD = re.compile(r"flow\[([0-9]{1,6})\](\.from)?", re.ASCII)


def is_field(text: str) -> bool:
    """Tell whether a text is of the form of a field that can be accepted."""
    return text in ("name", "flow") or _FIELD.fullmatch(text) is not None


def accept_account(resource: Resource, record: Record, actual: Attributes, fields: Sequence[str]) -> Acceptance:
    """Return what the file takes over of the account. Raises UsageError for a field that does not differ.

    Without ``fields`` that is what somebody changed on the account: not what the file changed since it was applied, not
    what only the service normalised, not an ignored field. It is refused where the same once more would take more.
    Of what is only observed it is all that differs: no apply brings anything of its file to the account.
    """
    if fields:
        return _take_named(resource.address, _read(resource, record, actual), fields)
    once = _take_drifted(resource, _read(resource, record, actual))
    if not once.flow:
        return once
    written = _write(resource, once)
    again = _take_drifted(written, _read(written, record, actual))
    if again.attributes == once.attributes:
        return once
    differing = differing_fields(resource, record, actual)
    return replace(once, refusal=_ambiguous(once, again.attributes, differing))


def _read(resource: Resource, record: Record, actual: Attributes) -> Versions:
    return read_versions(record, actual, resource.attributes)


def _compare(versions: Versions) -> tuple[Strand, ...]:
    return compare_flows(versions.applied.flow, versions.account.flow, versions.desired.flow)


def _write(resource: Resource, accepted: Acceptance) -> Resource:
    """Return what the file declares with what was accepted; an ignored sender is ignored where its step stands then."""
    origins = {f"flow[{each.origin}].from": f"flow[{i}].from" for i, each in enumerate(accepted.flow)}
    ignored = tuple(
        replace(each, field=origins.get(each.field, each.field)) for each in resource.lifecycle.ignore_changes
    )
    lifecycle = replace(resource.lifecycle, ignore_changes=ignored)
    return replace(resource, attributes=accepted.attributes, lifecycle=lifecycle)


def differing_fields(resource: Resource, record: Record, actual: Attributes) -> tuple[str, ...]:
    """Return the fields in which the file and the account differ, whoever changed them."""
    versions = _read(resource, record, actual)
    return _list_fields(versions, name_differences(_compare(versions)))


def _list_fields(versions: Versions, names: Mapping[Edit, str]) -> tuple[str, ...]:
    name_differs = versions.account.name != versions.desired.name
    return (*(("name",) if name_differs else ()), *dict.fromkeys(names.values()))


def ignored_changes(resource: Resource, record: Record, actual: Attributes) -> tuple[str, ...]:
    """Return what somebody changed on the account in fields that the file ignores, and in none that it does not."""
    plain = replace(resource, lifecycle=replace(resource.lifecycle, ignore_changes=()))
    taken = accept_account(resource, record, actual, ()).fields
    return tuple(each for each in accept_account(plain, record, actual, ()).fields if each not in taken)


def _take_drifted(resource: Resource, versions: Versions) -> Acceptance:
    """Return what somebody changed on the account, but in ignored fields; all of it, where the file changed nothing.

    What the file of an only observed scenario says beside that counts for nothing.
    """
    ignored = {each.field for each in resource.lifecycle.ignore_changes}
    is_observed = resource.lifecycle.manage is Manage.OBSERVE
    settled = (versions.desired.name,) if is_observed else (versions.applied.name, versions.desired.name)
    takes_name = "name" not in ignored and versions.account.name not in settled
    strands = _compare(versions)
    edits = find_edits(strands)
    made = () if "flow" in ignored else edits if is_observed else filter(None, map(made_on_account, edits))
    left = (_without_ignored(each, ignored) for each in made)
    chosen = tuple(each for each in left if each.sender or each.place)
    is_whole = not ignored and (is_observed or versions.applied.flow == versions.desired.flow)
    taken = _Taken(name_differences(strands), chosen, takes_name, is_whole)
    arrange = take_edits if is_observed else merge_edits
    return _accept(resource.address, versions, taken, arrange(strands, chosen))


def _take_named(address: Address, versions: Versions, fields: Sequence[str]) -> Acceptance:
    """Return what fields mean: all of the flow where they are all that differ of it."""
    strands = _compare(versions)
    names = name_differences(strands)
    chosen = _choose_named(address, versions, names, fields)
    is_whole = {*chosen} >= {*names}
    taken = _Taken(names, find_edits(strands) if is_whole else chosen, "name" in fields, is_whole)
    return _accept(address, versions, taken, take_edits(strands, taken.edits))


class _Taken(Struct, frozen=True):
    """What is taken: edits of the flow, of those that have ``names``, and the name; ``is_whole``: all of the flow."""

    names: Mapping[Edit, str]
    edits: Sequence[Edit]
    takes_name: bool
    is_whole: bool


def _accept(address: Address, versions: Versions, taken: _Taken, flow: Sequence[PlacedStep]) -> Acceptance:
    """Return what is taken. All of the flow must read as the account's then, whatever the edits make of it."""
    steps = versions.account.flow if taken.is_whole else steps_of(flow)
    fields = _say_fields(taken.names, taken.edits)
    if steps == versions.desired.flow:
        flow, fields = [PlacedStep(step, i) for i, step in enumerate(steps)], ()
    name = (versions.account if taken.takes_name else versions.desired).name
    return Acceptance(address, Attributes(name, steps), tuple(flow), ("name",) * taken.takes_name + fields)


def _without_ignored(edit: Edit, ignored: Collection[str]) -> Edit:
    """Leave the sender of a step alone that the file has and ignores; its place is taken."""
    return replace(edit, sender=False) if f"flow[{edit.file}].from" in ignored else edit


def _choose_named(
    address: Address, versions: Versions, names: Mapping[Edit, str], fields: Sequence[str]
) -> tuple[Edit, ...]:
    differing = _list_fields(versions, names)
    chosen: dict[Strand, Edit] = {}
    for field in fields:
        found = tuple(names) if field == "flow" else tuple(_select(field, names))
        if not (found or (field == "name" and "name" in differing)):
            raise UsageError(_no_difference(id_of(address), field, ", ".join(differing)))
        for each in found:
            other = chosen.get(each.strand)
            chosen[each.strand] = each if other is None or each.place else other
    return tuple(chosen.values())


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


def _say_fields(names: Mapping[Edit, str], chosen: Iterable[Edit]) -> tuple[str, ...]:
    """Return what the chosen edits are called, each name once; what has none alone goes with the others."""
    whole = {each.strand: name for each, name in names.items()}
    said = (whole.get(each.strand, "") if each.place else f"flow[{each.file}].from" for each in chosen)
    return tuple(dict.fromkeys(filter(None, said))) or ("flow",)


def _ambiguous(once: Acceptance, again: Attributes, differing: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "ambiguous-merge",
        Severity.ERROR,
        "What the account changed cannot be told from what the file changed",
        f"A channel stands several times in the flow of {id_of(once.address)}, and its steps can be read in two ways. "
        f"Accepted twice, it would be another than accepted once: {describe_moves(once.attributes, again)}. "
        "Nothing was written.",
        hint=f"name what to take with --field: {', '.join(dict.fromkeys(('flow', *differing)))}; or edit by hand",
    )


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
    "ambiguous-merge": "Account and file both changed a flow in which a channel stands several times, and which of its "
    "steps became which can be read in two ways: accepted a second time, the file would lose or gain another step. "
    "Nothing was written; --field says what is meant.",
    "no-such-difference": "accept --field names a field in which the file and the account agree. Steps count from 0; a "
    "step that the file does not have goes by its place on the account.",
}
