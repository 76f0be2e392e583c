"""What an import did, for programs."""

from omnictl.model.address import id_of
from omnictl.model.adoption import ImportedRow, ImportReport
from omnictl.model.scenario import Json


def encode_import(report: ImportReport) -> dict[str, Json]:
    """Return the fields of the answer beside its envelope; ``plan`` is what the next plan says of the imported."""
    items: list[Json] = [_encode_row(each, with_text=report.dry_run) for each in report.rows]
    left_out: list[Json] = [{"key": each.key, "name": each.name, "reason": each.reason} for each in report.left_out]
    changes: list[Json] = [id_of(each.address) for each in report.differing or ()]
    return {
        "items": items,
        "left_out": left_out,
        "ignored": report.ignored,
        "changed": report.changed,
        "dry_run": report.dry_run,
        "files_only": report.files_only,
        "serial": report.serial,
        "default": report.default,
        "plan": None if report.differing is None else {"empty": not changes, "differing": changes},
    }


def _encode_row(row: ImportedRow, *, with_text: bool) -> dict[str, Json]:
    text: dict[str, Json] = {"text": row.text} if with_text and row.written else {}
    return {
        "id": row.scenario_id,
        "key": row.key,
        "name": row.name,
        "file": row.file,
        "written": row.written,
        **text,
    }
