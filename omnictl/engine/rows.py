"""Three versions of a scenario side by side: each field that the account or the files changed, and who did."""

from collections.abc import Iterator

from omnictl.engine.merging import Edit, find_lone_names, made_in_files, made_on_account, name_differences
from omnictl.engine.normalised import Versions
from omnictl.engine.places import compare_flows
from omnictl.model.drift import NameRow, Row, StepRow, Verdict

_ORDER = (Verdict.CONFLICT, Verdict.FILES, Verdict.ACCOUNT)


def compare_versions(versions: Versions, *, declared: bool) -> tuple[Row, ...]:
    """Return what differs, conflicts first. What both sides changed alike, or only the service bent, is no row."""
    rows: list[Row] = [*_compare_names(versions, declared=declared), *_compare_flows(versions, declared=declared)]
    return tuple(sorted(rows, key=lambda each: (_ORDER.index(each.verdict), _position(each))))


def _compare_names(versions: Versions, *, declared: bool) -> Iterator[NameRow]:
    applied, account, desired = (each.name for each in (versions.applied, versions.account, versions.desired))
    if account != desired:
        verdict = _judge(drifted=account != applied, edited=desired != applied)
        yield NameRow(applied, account, desired if declared else None, verdict)


def _compare_flows(versions: Versions, *, declared: bool) -> Iterator[StepRow]:
    applied, account, desired = (each.flow for each in (versions.applied, versions.account, versions.desired))
    if account == desired:
        return
    names = name_differences(compare_flows(applied, account, desired))
    lone = find_lone_names(names)
    for edit, name in names.items():
        strand = edit.strand
        yield StepRow(
            strand.recorded,
            strand.account,
            strand.files if declared else None,
            _whose(edit),
            name,
            acceptable=declared and edit in lone,
        )


def _whose(edit: Edit) -> Verdict:
    return _judge(drifted=made_on_account(edit) is not None, edited=made_in_files(edit) is not None)


def _judge(*, drifted: bool, edited: bool) -> Verdict:
    if drifted and edited:
        return Verdict.CONFLICT
    return Verdict.ACCOUNT if drifted else Verdict.FILES


def _position(row: Row) -> int:
    if isinstance(row, NameRow):
        return 0
    return next(each.position for each in (row.recorded, row.account, row.files) if each is not None)
