"""A plan as a document: saved, shown by --format json, and written by --report json; one and the same."""

import hashlib
import json
from collections.abc import Mapping

from omnictl.codec.changes import decode_change, encode_change
from omnictl.codec.diagnostics import decode_diagnostic, decode_source, decode_texts, encode_source
from omnictl.codec.envelope import make_envelope, refuse_newer
from omnictl.codec.parts import decode_account, decode_address, encode_account
from omnictl.codec.risk import decode_risk, encode_risk
from omnictl.codec.shapes import (
    ShapeError,
    as_count,
    as_flag,
    as_list,
    as_member,
    as_number,
    as_object,
    as_optional_text,
    as_text,
    as_time,
    compact,
    write_time,
)
from omnictl.errors import UsageError
from omnictl.model.address import Address, id_of
from omnictl.model.change import Refresh
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.plan import Cost, DefaultMemory, Guard, GuardFinding, Plan, Selection, Settled
from omnictl.model.scenario import Json


def encode_plan(plan: Plan, *, exit_code: int = 0) -> dict[str, Json]:
    """Return a plan as a document. ``digest`` covers all that an apply depends on."""
    document = make_envelope(
        "plan",
        version=plan.omnictl_version,
        environment=plan.environment,
        sandbox=plan.sandbox,
        exit_code=exit_code,
        diagnostics=plan.diagnostics,
        id=plan.plan_id,
        created_at=write_time(plan.created_at),
        account=encode_account(plan.account),
        production=plan.production,
        state={"lineage": plan.lineage, "serial": plan.serial, "digest": plan.state_digest},
        selection={
            "only": list(plan.selection.only),
            "exclude": list(plan.selection.exclude),
            "selected": plan.selection.selected,
            "total": plan.selection.total,
        },
        summary={
            "total": plan.total,
            "unchanged": plan.unchanged,
            "refreshed": plan.refreshed,
            "unmanaged": len(plan.unmanaged),
            "changes": sum(1 for each in plan.changes if not isinstance(each, Refresh)),
        },
        cost=_encode_cost(plan.cost),
        default=_encode_default(plan.default),
        guards=[_encode_guard(each) for each in plan.guards],
        **compact({"risk": encode_risk(plan.risk), "retire": list(plan.retire)}),
        settled=[compact({"id": id_of(each.address), "key": each.key, "near": each.near}) for each in plan.settled],
        unmanaged=[{"key": key, "name": name} for key, name in plan.unmanaged.items()],
        twins={id_of(address): list(keys) for address, keys in plan.twins.items()},
        items=[encode_change(each) for each in plan.changes],
    )
    return {**document, "digest": _digest(document)}


def decode_plan(document: Mapping[str, Json], *, path: str) -> Plan:
    """Return a plan. Raises UsageError where the document is none, was damaged, or is of a newer omnictl."""
    try:
        refuse_newer(document, path)
        plan = _decode(document)
        is_whole = document.get("digest") == _digest(document)
    except ShapeError as error:
        raise UsageError(_unreadable(path, str(error))) from None
    except RecursionError:
        raise UsageError(_unreadable(path, "it is nested too deeply")) from None
    if not is_whole:
        raise UsageError(_damaged(path))
    return plan


def _digest(document: Mapping[str, Json]) -> str:
    content = {key: value for key, value in document.items() if key not in ("digest", "exit_code", "refusal")}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _decode(document: Mapping[str, Json]) -> Plan:
    if document.get("kind") != "plan":
        raise ShapeError("kind", f"this is no plan but {document.get('kind')!a}")
    state = as_object(document.get("state"), "state")
    summary = as_object(document.get("summary"), "summary")
    return Plan(
        plan_id=as_text(document.get("id"), "id"),
        created_at=as_time(document.get("created_at"), "created_at"),
        environment=as_text(document.get("environment"), "environment"),
        account=decode_account(document.get("account"), "account"),
        lineage=as_text(state.get("lineage"), "state.lineage"),
        serial=as_count(state.get("serial"), "state.serial"),
        state_digest=as_text(state.get("digest"), "state.digest"),
        changes=tuple(decode_change(each, f"items[{i}]") for i, each in enumerate(_rows(document, "items"))),
        guards=tuple(_decode_guard(each, f"guards[{i}]") for i, each in enumerate(_rows(document, "guards"))),
        diagnostics=tuple(
            decode_diagnostic(each, f"diagnostics[{i}]") for i, each in enumerate(_rows(document, "diagnostics"))
        ),
        settled=tuple(_decode_settled(each, f"settled[{i}]") for i, each in enumerate(_rows(document, "settled"))),
        default=_decode_default(as_object(document.get("default"), "default")),
        selection=_decode_selection(as_object(document.get("selection"), "selection")),
        cost=_decode_cost(as_object(document.get("cost"), "cost")),
        total=as_count(summary.get("total"), "summary.total"),
        unchanged=as_count(summary.get("unchanged"), "summary.unchanged"),
        refreshed=as_count(summary.get("refreshed"), "summary.refreshed"),
        unmanaged=_decode_unmanaged(document),
        twins=_decode_twins(as_object(document.get("twins"), "twins")),
        retire=decode_texts(document.get("retire"), "retire"),
        risk=decode_risk(document.get("risk")),
        production=as_flag(document.get("production"), "production"),
        sandbox=as_flag(document.get("sandbox"), "sandbox"),
        omnictl_version=as_text(document.get("omnictl"), "omnictl"),
    )


def _rows(document: Mapping[str, Json], name: str) -> list[Json]:
    return list(as_list(document.get(name), name))


def _decode_unmanaged(document: Mapping[str, Json]) -> dict[str, str]:
    names: dict[str, str] = {}
    for i, each in enumerate(_rows(document, "unmanaged")):
        row = as_object(each, f"unmanaged[{i}]")
        names[as_text(row.get("key"), f"unmanaged[{i}].key")] = as_text(row.get("name"), f"unmanaged[{i}].name")
    return names


def _decode_twins(fields: Mapping[str, Json]) -> dict[Address, tuple[str, ...]]:
    return {decode_address(name, "twins"): decode_texts(keys, f"twins.{name}") for name, keys in fields.items()}


def _encode_guard(each: GuardFinding) -> dict[str, Json]:
    return compact(
        {
            "guard": each.guard.value,
            "subject": each.subject,
            "message": each.message,
            "allowed": each.allowed,
            "source": encode_source(each.source),
            "commands": list(each.commands),
        }
    )


def _decode_guard(value: Json, path: str) -> GuardFinding:
    fields = as_object(value, path)
    return GuardFinding(
        as_member(Guard, fields.get("guard"), f"{path}.guard"),
        as_text(fields.get("subject"), f"{path}.subject"),
        as_text(fields.get("message"), f"{path}.message"),
        as_flag(fields.get("allowed"), f"{path}.allowed"),
        decode_source(fields.get("source"), f"{path}.source"),
        decode_texts(fields.get("commands"), f"{path}.commands"),
    )


def _decode_settled(value: Json, path: str) -> Settled:
    fields = as_object(value, path)
    key = as_optional_text(fields.get("key"), f"{path}.key")
    return Settled(decode_address(fields.get("id"), f"{path}.id"), key, as_flag(fields.get("near"), f"{path}.near"))


def _encode_default(memory: DefaultMemory) -> dict[str, Json]:
    return compact(
        {
            "before_key": memory.before_key,
            "before": id_of(memory.before) if memory.before else None,
            "after": id_of(memory.after) if memory.after else None,
            "managed": memory.managed,
            "released": memory.released,
        }
    )


def _decode_default(fields: Mapping[str, Json]) -> DefaultMemory:
    before = as_optional_text(fields.get("before"), "default.before")
    after = as_optional_text(fields.get("after"), "default.after")
    return DefaultMemory(
        as_optional_text(fields.get("before_key"), "default.before_key"),
        decode_address(before, "default.before") if before else None,
        decode_address(after, "default.after") if after else None,
        as_flag(fields.get("managed"), "default.managed"),
        as_flag(fields.get("released"), "default.released"),
    )


def _decode_selection(fields: Mapping[str, Json]) -> Selection:
    return Selection(
        decode_texts(fields.get("only"), "selection.only"),
        decode_texts(fields.get("exclude"), "selection.exclude"),
        as_count(fields.get("selected"), "selection.selected"),
        as_count(fields.get("total"), "selection.total"),
    )


def _encode_cost(cost: Cost) -> dict[str, Json]:
    return {
        "creates": cost.creates,
        "updates": cost.updates,
        "reads": cost.reads,
        "expected_seconds": cost.seconds,
        "create_limit": cost.create_limit,
        "update_limit": cost.update_limit,
        "create_window_seconds": cost.create_window_seconds,
        "update_window_seconds": cost.update_window_seconds,
    }


def _decode_cost(fields: Mapping[str, Json]) -> Cost:
    limits = [
        None if fields.get(name) is None else as_count(fields[name], f"cost.{name}")
        for name in ("create_limit", "update_limit")
    ]
    return Cost(
        as_count(fields.get("creates"), "cost.creates"),
        as_count(fields.get("updates"), "cost.updates"),
        as_count(fields.get("reads"), "cost.reads"),
        as_number(fields.get("expected_seconds"), "cost.expected_seconds"),
        limits[0],
        limits[1],
        as_number(fields.get("create_window_seconds"), "cost.create_window_seconds"),
        as_number(fields.get("update_window_seconds"), "cost.update_window_seconds"),
    )


def _damaged(path: str) -> Diagnostic:
    return Diagnostic(
        "damaged-plan",
        Severity.ERROR,
        "The plan was changed after it was saved",
        "Its content does not fit its digest. A plan is applied as it was reviewed, or not at all.",
        Source(path),
        hint="make a new plan",
    )


def _unreadable(path: str, why: str) -> Diagnostic:
    return Diagnostic(
        "unreadable-plan", Severity.ERROR, "The plan cannot be read", f"{why}.", Source(path), hint="make a new plan"
    )


CODES = {
    "damaged-plan": "A saved plan carries a digest of its content; this one was edited or cut. Make a new plan.",
    "unreadable-plan": "The file is no plan, or it was cut or edited.",
}
