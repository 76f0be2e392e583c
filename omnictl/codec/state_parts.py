"""What a state holds beside its records: intents, tombstones, repeated creates, marks of plans, the default."""

from omnictl.codec.diagnostics import decode_texts
from omnictl.codec.parts import decode_address, decode_attributes, decode_lifecycle, encode_attributes, encode_lifecycle
from omnictl.codec.shapes import (
    as_flag,
    as_object,
    as_optional_text,
    as_optional_time,
    as_text,
    as_time,
    compact,
    write_time,
)
from omnictl.model.address import id_of
from omnictl.model.scenario import Json
from omnictl.model.state import AccountDefault, Intent, PlanMark, RepeatedCreate, Tombstone, Writing


def encode_default(default: AccountDefault) -> dict[str, Json] | None:
    """Return who holds the account default; None where nothing is known."""
    return compact({"id": id_of(default.address) if default.address else None, "key": default.key}) or None


def decode_default(value: Json) -> AccountDefault:
    """Return who holds the account default."""
    if value is None:
        return AccountDefault()
    fields = as_object(value, "account_default")
    scenario_id = as_optional_text(fields.get("id"), "account_default.id")
    key = as_optional_text(fields.get("key"), "account_default.key")
    return AccountDefault(decode_address(scenario_id, "account_default.id") if scenario_id else None, key)


def encode_writing(writing: Writing) -> dict[str, Json]:
    """Return when and by which run a state was written."""
    return compact({"at": write_time(writing.at), "by": writing.by or None})


def decode_writing(value: Json) -> Writing | None:
    """Return when and by which run a state was written."""
    if value is None:
        return None
    fields = as_object(value, "written")
    return Writing(as_time(fields.get("at"), "written.at"), as_optional_text(fields.get("by"), "written.by") or "")


def encode_intent(each: Intent) -> dict[str, Json]:
    """Return an intent."""
    return compact(
        {
            "id": id_of(each.address),
            "body": encode_attributes(each.body),
            "default": each.default,
            "run": each.run,
            "created_at": write_time(each.created_at),
            "not_after": write_time(each.not_after),
            "known_keys": list(each.known_keys),
            "lifecycle": encode_lifecycle(each.lifecycle),
            "replaces": each.replaces,
        }
    )


def decode_intent(value: Json, path: str) -> Intent:
    """Return an intent."""
    fields = as_object(value, path)
    return Intent(
        address=decode_address(fields.get("id"), f"{path}.id"),
        body=decode_attributes(fields.get("body"), f"{path}.body"),
        default=as_flag(fields.get("default"), f"{path}.default"),
        run=as_text(fields.get("run"), f"{path}.run"),
        created_at=as_time(fields.get("created_at"), f"{path}.created_at"),
        not_after=as_time(fields.get("not_after"), f"{path}.not_after"),
        known_keys=decode_texts(fields.get("known_keys"), f"{path}.known_keys"),
        lifecycle=decode_lifecycle(fields.get("lifecycle"), f"{path}.lifecycle"),
        replaces=as_optional_text(fields.get("replaces"), f"{path}.replaces"),
    )


def encode_tombstone(each: Tombstone) -> dict[str, Json]:
    """Return a tombstone."""
    return compact(
        {
            "id": id_of(each.address),
            "key": each.key,
            "applied": encode_attributes(each.applied),
            "removed_at": write_time(each.removed_at),
            "retired": each.retired,
            "named": each.named,
            "retired_as": each.retired_as,
            "observed": encode_attributes(each.observed) if each.observed else None,
        }
    )


def decode_tombstone(value: Json, path: str) -> Tombstone:
    """Return a tombstone."""
    fields = as_object(value, path)
    observed = fields.get("observed")
    return Tombstone(
        decode_address(fields.get("id"), f"{path}.id"),
        as_text(fields.get("key"), f"{path}.key"),
        decode_attributes(fields.get("applied"), f"{path}.applied"),
        as_time(fields.get("removed_at"), f"{path}.removed_at"),
        as_flag(fields.get("retired"), f"{path}.retired"),
        as_optional_text(fields.get("named"), f"{path}.named"),
        as_optional_text(fields.get("retired_as"), f"{path}.retired_as"),
        None if observed is None else decode_attributes(observed, f"{path}.observed"),
    )


def encode_repeat(each: RepeatedCreate) -> dict[str, Json]:
    """Return a create that was repeated."""
    return {
        "id": id_of(each.address),
        "body": encode_attributes(each.body),
        "repeated_at": write_time(each.repeated_at),
        "known_keys": list(each.known_keys),
    }


def decode_repeat(value: Json, path: str) -> RepeatedCreate:
    """Return a create that was repeated."""
    fields = as_object(value, path)
    return RepeatedCreate(
        decode_address(fields.get("id"), f"{path}.id"),
        decode_attributes(fields.get("body"), f"{path}.body"),
        as_time(fields.get("repeated_at"), f"{path}.repeated_at"),
        decode_texts(fields.get("known_keys"), f"{path}.known_keys"),
    )


def encode_mark(each: PlanMark) -> dict[str, Json]:
    """Return when a plan was started and finished."""
    finished = write_time(each.finished_at) if each.finished_at else None
    return compact({"id": each.plan_id, "started_at": write_time(each.started_at), "finished_at": finished})


def decode_mark(value: Json, path: str) -> PlanMark:
    """Return when a plan was started and finished."""
    fields = as_object(value, path)
    return PlanMark(
        as_text(fields.get("id"), f"{path}.id"),
        as_time(fields.get("started_at"), f"{path}.started_at"),
        as_optional_time(fields.get("finished_at"), f"{path}.finished_at"),
    )
