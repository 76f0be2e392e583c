"""What an import did, for programs."""

from collections.abc import Sequence

from omnictl.codec.changes import name_action
from omnictl.model.address import id_of
from omnictl.model.adoption import ImportedRow, ImportReport
from omnictl.model.change import Change
from omnictl.model.scenario import Json


def encode_import(report: ImportReport) -> dict[str, Json]:
    """Return the fields of the answer beside its envelope; ``plan`` is what the next plan says."""
    items: list[Json] = [_encode_row(each, report) for each in report.rows]
    left_out: list[Json] = [{"key": each.key, "name": each.name, "reason": each.reason} for each in report.left_out]
    return {
        "items": items,
        "left_out": left_out,
        "ignored": report.ignored,
        "changed": report.changed,
        "dry_run": report.dry_run,
        "files_only": report.files_only,
        "serial": report.serial,
        "default": report.default,
        "plan": None if report.differing is None else _encode_plan(report.differing, report.others),
    }


def _encode_plan(differing: Sequence[Change], others: Sequence[Change]) -> dict[str, Json]:
    return {
        "empty": not (differing or others),
        "differing": [id_of(each.address) for each in differing],
        "others": [{"id": id_of(each.address), "action": name_action(each)} for each in others],
    }


def _encode_row(row: ImportedRow, report: ImportReport) -> dict[str, Json]:
    more: dict[str, Json] = {"text": row.text} if report.dry_run and row.written else {}
    if row.scenario_id in report.observed:
        more["observed"] = {"differs": report.observed[row.scenario_id]}
    return {
        "id": row.scenario_id,
        "key": row.key,
        "name": row.name,
        "file": row.file,
        "written": row.written,
        **more,
    }
