"""Drift as JSON: the scenarios that differ, field by field as recorded, on the account and in the files."""

from omnictl.codec.diagnostics import encode_source
from omnictl.codec.envelope import make_envelope
from omnictl.codec.shapes import compact, write_optional_time, write_time
from omnictl.model.address import id_of
from omnictl.model.drift import DefaultMoved, Drift, Item, NameRow, Placed, Row
from omnictl.model.scenario import Json


def encode_drift(drift: Drift, *, version: str, exit_code: int) -> dict[str, Json]:
    """Return drift as the one document of a run. Who changed something is null: the API does not say."""
    counts, selection = drift.counts, drift.selection
    return make_envelope(
        "drift",
        version=version,
        environment=drift.environment,
        sandbox=drift.sandbox,
        exit_code=exit_code,
        diagnostics=drift.diagnostics,
        account=compact({"host": drift.account.host, "name": drift.account.name}),
        checked_at=write_time(drift.checked_at),
        recorded_at=write_optional_time(drift.recorded_at),
        recorded_by=drift.recorded_by or None,
        selection={
            "only": list(selection.only),
            "exclude": list(selection.exclude),
            "selected": selection.selected,
            "total": selection.total,
        },
        counts={
            "managed": counts.managed,
            "as_recorded": counts.as_recorded,
            "as_declared": counts.as_declared,
            "drift": counts.drift,
            "conflict": counts.conflict,
            "vanished": counts.vanished,
            "ignored": counts.ignored,
            "edited": counts.edited,
            "unlike": counts.unlike,
            "differing": drift.differing,
            "unmanaged": len(drift.not_managed),
            "unmanaged_ignored": len(drift.unmanaged) - len(drift.not_managed),
            "managed_elsewhere": len(drift.elsewhere),
        },
        coverage=drift.coverage,
        items=[_encode_item(each) for each in drift.items],
        default=_encode_default(drift.default) if drift.default is not None else None,
        unmanaged=[{"key": each.key, "name": each.name, "ignored": each.ignored} for each in drift.unmanaged],
        managed_elsewhere=[{"key": key, "environment": name} for key, name in sorted(drift.elsewhere.items())],
        settled=[compact({"id": id_of(each.address), "key": each.key}) for each in drift.settled],
    )


def _encode_item(item: Item) -> Json:
    return {
        "id": id_of(item.address),
        "kind": item.kind.value,
        "key": item.key,
        "name": item.name,
        "recorded_as": id_of(item.recorded_as) if item.recorded_as is not None else None,
        "declared": item.declared,
        "manage": "observe" if item.observed else "apply",
        "changed_by": None,
        "fields": [_encode_row(each) for each in item.rows],
        "ignored": [{"field": each.field, "reason": each.reason or None, "until": each.until} for each in item.ignored],
        "source": encode_source(item.source),
    }


def _encode_row(row: Row) -> Json:
    if isinstance(row, NameRow):
        values: dict[str, Json] = {"recorded": row.recorded, "account": row.account, "files": row.files}
    else:
        values = {
            "recorded": _encode_placed(row.recorded),
            "account": _encode_placed(row.account),
            "files": _encode_placed(row.files),
        }
    return {"field": row.field, "verdict": row.verdict.value, "acceptable": row.acceptable, **values}


def _encode_placed(placed: Placed | None) -> dict[str, Json] | None:
    if placed is None:
        return None
    step = placed.step
    return {"position": placed.position, "channel": step.channel, "from": step.sender, "moved": placed.moved}


def _encode_default(moved: DefaultMoved) -> dict[str, Json]:
    return {
        "id": id_of(moved.address),
        "recorded_key": moved.recorded_key,
        "key": moved.key,
        "name": moved.name or None,
        "now": id_of(moved.now) if moved.now is not None else None,
        "source": encode_source(moved.source),
    }
