"""What an import did, for programs."""

from omnictl.model.address import id_of
from omnictl.model.adoption import ImportReport
from omnictl.model.scenario import Json


def encode_import(report: ImportReport) -> dict[str, Json]:
    """Return the fields of the answer beside its envelope; ``plan`` is what the next plan says of the imported."""
    items: list[Json] = [
        {"id": each.scenario_id, "key": each.key, "name": each.name, "file": each.file, "written": each.written}
        for each in report.rows
    ]
    left_out: list[Json] = [{"key": each.key, "name": each.name, "reason": each.reason} for each in report.left_out]
    changes: list[Json] = [id_of(each.address) for each in report.differing or ()]
    return {
        "items": items,
        "left_out": left_out,
        "changed": report.changed,
        "dry_run": report.dry_run,
        "files_only": report.files_only,
        "serial": report.serial,
        "default": report.default,
        "plan": None if report.differing is None else {"empty": not changes, "differing": changes},
    }
