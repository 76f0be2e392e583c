"""The changes of a plan as documents, lossless: what a reviewer reads is what an apply does."""

from collections.abc import Mapping
from typing import assert_never

from omnictl.codec.diagnostics import decode_source, encode_source
from omnictl.codec.parts import (
    decode_address,
    decode_attributes,
    decode_flow,
    decode_optional_attributes,
    decode_record,
    decode_step,
    decode_whole_lifecycle,
    encode_attributes,
    encode_flow,
    encode_record,
    encode_step,
    encode_whole_lifecycle,
)
from omnictl.codec.shapes import (
    ShapeError,
    as_count,
    as_flag,
    as_list,
    as_member,
    as_object,
    as_optional_text,
    as_text,
    compact,
)
from omnictl.model.address import Address, id_of
from omnictl.model.change import (
    Adopt,
    Cause,
    Change,
    Create,
    FieldChange,
    FlowChanged,
    Forget,
    NameChanged,
    Refresh,
    Rename,
    Retire,
    SenderChanged,
    SetDefault,
    StepEdit,
    StepInserted,
    StepMoved,
    StepRemoved,
    Update,
)
from omnictl.model.scenario import Attributes, Json, Lifecycle
from omnictl.model.state import Record

Fields = Mapping[str, Json]


def encode_change(change: Change) -> dict[str, Json]:
    """Return a change; ``action`` says which."""
    return compact({"action": name_action(change), "id": id_of(change.address), **_encode(change)})


def name_action(change: Change) -> str:
    """Return the word of a change in documents."""
    return _ACTIONS[type(change)]


_ACTIONS: dict[type, str] = {
    Create: "create",
    Update: "update",
    Adopt: "adopt",
    Rename: "rename",
    Forget: "forget",
    Retire: "retire",
    SetDefault: "default",
    Refresh: "refresh",
}


def _encode(change: Change) -> dict[str, Json]:
    match change:
        case Create():
            return {
                "desired": encode_attributes(change.desired),
                "becomes_default": change.becomes_default,
                "replaces": change.replaces,
                **_surroundings(change),
            }
        case Update():
            return {"key": change.key, "cause": change.cause.value, **_written(change), **_surroundings(change)}
        case Adopt():
            return {
                "key": change.key,
                "from_tombstone": change.from_tombstone,
                **_written(change),
                **_surroundings(change),
            }
        case Rename():
            cause = change.cause.value if change.cause else None
            previous = {"previous_id": id_of(change.previous), "key": change.key, "cause": cause}
            return {**previous, **_written(change), **_surroundings(change)}
        case Forget():
            return {
                "recorded": encode_record(change.recorded),
                "vanished": change.vanished,
                "stays_on_account": not change.vanished,
            }
        case Retire():
            return {
                "recorded": encode_record(change.recorded),
                "actual": encode_attributes(change.actual),
                "desired": encode_attributes(change.desired),
                "named": change.named,
                "stays_on_account": True,
            }
        case SetDefault():
            return {
                "key": change.key,
                "desired": encode_attributes(change.attributes),
                "previous_key": change.previous_key,
                "previous_id": id_of(change.previous) if change.previous else None,
                "previous": encode_attributes(change.previous_attributes) if change.previous_attributes else None,
                "source": encode_source(change.source),
            }
        case Refresh():
            return {
                "recorded": encode_record(change.recorded),
                "actual": encode_attributes(change.actual),
                "desired": encode_attributes(change.desired),
                "declared": _encode_declared(change),
                "lifecycle": encode_whole_lifecycle(change.lifecycle),
            }
        case _:
            assert_never(change)


def _surroundings(change: Create | Update | Adopt | Rename) -> dict[str, Json]:
    return {"lifecycle": encode_whole_lifecycle(change.lifecycle), "source": encode_source(change.source)}


def _written(change: Update | Adopt | Rename) -> dict[str, Json]:
    return {
        "desired": encode_attributes(change.desired),
        "declared": _encode_declared(change),
        "recorded": None if isinstance(change, Adopt) else encode_record(change.recorded),
        "actual": encode_attributes(change.actual),
        "fields": [_encode_field(each) for each in change.fields],
    }


def _encode_declared(change: Update | Adopt | Rename | Refresh) -> Json:
    return encode_attributes(change.declared) if change.declared else None


def _encode_field(change: FieldChange) -> dict[str, Json]:
    if isinstance(change, NameChanged):
        return {"field": "name", "before": change.before, "after": change.after}
    return {
        "field": "flow",
        "before": encode_flow(change.before),
        "after": encode_flow(change.after),
        "edits": [_encode_edit(each) for each in change.edits],
    }


def _encode_edit(edit: StepEdit) -> dict[str, Json]:
    match edit:
        case StepInserted(position, step):
            return {"edit": "inserted", "position": position, "step": encode_step(step)}
        case StepRemoved(position, step):
            return {"edit": "removed", "position": position, "step": encode_step(step)}
        case StepMoved(step, before, after):
            return {"edit": "moved", "step": encode_step(step), "before": before, "after": after}
        case SenderChanged():
            return {
                "edit": "sender",
                "channel": edit.channel,
                "before": edit.before,
                "after": edit.after,
                "position_before": edit.position_before,
                "position_after": edit.position_after,
            }
        case _:
            assert_never(edit)


def decode_change(value: Json, path: str) -> Change:
    """Return a change."""
    fields = as_object(value, path)
    address = decode_address(fields.get("id"), f"{path}.id")
    action = as_text(fields.get("action"), f"{path}.action")
    reader = _Reader(fields, path, address)
    match action:
        case "create":
            return Create(
                address,
                reader.attributes("desired"),
                reader.lifecycle,
                as_flag(fields.get("becomes_default"), f"{path}.becomes_default"),
                reader.optional_text("replaces"),
                decode_source(fields.get("source"), f"{path}.source"),
            )
        case "forget":
            return Forget(address, reader.record(address), as_flag(fields.get("vanished"), f"{path}.vanished"))
        case "retire":
            actual, desired = reader.attributes("actual"), reader.attributes("desired")
            return Retire(address, reader.record(address), actual, desired, reader.optional_text("named"))
        case "refresh":
            actual, desired = reader.attributes("actual"), reader.attributes("desired")
            return Refresh(address, reader.record(address), actual, desired, reader.lifecycle, reader.declared)
        case "default":
            return _decode_default(reader)
        case "update" | "adopt" | "rename":
            return _decode_written(action, reader)
        case _:
            raise ShapeError(f"{path}.action", f"{action!r} is not known here")


class _Reader:
    """Reads the fields of one change."""

    def __init__(self, fields: Fields, path: str, address: Address) -> None:
        self.fields = fields
        self.path = path
        self.address = address

    def attributes(self, name: str) -> Attributes:
        """Return attributes."""
        return decode_attributes(self.fields.get(name), f"{self.path}.{name}")

    def text(self, name: str) -> str:
        """Return a text."""
        return as_text(self.fields.get(name), f"{self.path}.{name}")

    def optional_text(self, name: str) -> str | None:
        """Return a text or None."""
        return as_optional_text(self.fields.get(name), f"{self.path}.{name}")

    def record(self, address: Address) -> Record:
        """Return the record that the plan saw."""
        return decode_record(address, self.fields.get("recorded"), f"{self.path}.recorded")

    @property
    def declared(self) -> Attributes | None:
        """What the file says of ignored fields."""
        return decode_optional_attributes(self.fields.get("declared"), f"{self.path}.declared")

    @property
    def cause(self) -> Cause:
        """Why an update is needed."""
        return as_member(Cause, self.fields.get("cause"), f"{self.path}.cause")

    @property
    def lifecycle(self) -> Lifecycle:
        """The lifecycle to be remembered."""
        return decode_whole_lifecycle(self.fields.get("lifecycle"), f"{self.path}.lifecycle")

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """The field changes."""
        rows = as_list(self.fields.get("fields"), f"{self.path}.fields")
        return tuple(_decode_field(each, f"{self.path}.fields[{i}]") for i, each in enumerate(rows))


def _decode_default(reader: _Reader) -> SetDefault:
    previous = reader.optional_text("previous_id")
    return SetDefault(
        reader.address,
        reader.optional_text("key"),
        reader.attributes("desired"),
        reader.optional_text("previous_key"),
        decode_address(previous, f"{reader.path}.previous_id") if previous else None,
        reader.attributes("previous") if reader.fields.get("previous") is not None else None,
        decode_source(reader.fields.get("source"), f"{reader.path}.source"),
    )


def _decode_written(action: str, reader: _Reader) -> Update | Adopt | Rename:
    key, desired, actual = reader.text("key"), reader.attributes("desired"), reader.attributes("actual")
    source = decode_source(reader.fields.get("source"), f"{reader.path}.source")
    changes, lifecycle, declared = reader.changes, reader.lifecycle, reader.declared
    if action == "adopt":
        again = as_flag(reader.fields.get("from_tombstone"), f"{reader.path}.from_tombstone")
        return Adopt(reader.address, key, desired, actual, changes, again, lifecycle, source, declared)
    if action == "update":
        record = reader.record(reader.address)
        cause = reader.cause
        return Update(reader.address, key, desired, record, actual, cause, changes, lifecycle, source, declared)
    previous = decode_address(reader.fields.get("previous_id"), f"{reader.path}.previous_id")
    record = reader.record(previous)
    why = reader.cause if reader.fields.get("cause") is not None else None
    return Rename(reader.address, previous, key, desired, record, actual, changes, lifecycle, source, why, declared)


def _decode_field(value: Json, path: str) -> FieldChange:
    fields = as_object(value, path)
    if fields.get("field") == "name":
        return NameChanged(
            as_text(fields.get("before"), f"{path}.before"), as_text(fields.get("after"), f"{path}.after")
        )
    if fields.get("field") != "flow":
        raise ShapeError(f"{path}.field", "is not known here")
    edits = as_list(fields.get("edits"), f"{path}.edits")
    return FlowChanged(
        decode_flow(fields.get("before"), f"{path}.before"),
        decode_flow(fields.get("after"), f"{path}.after"),
        tuple(_decode_edit(each, f"{path}.edits[{i}]") for i, each in enumerate(edits)),
    )


def _decode_edit(value: Json, path: str) -> StepEdit:
    fields = as_object(value, path)
    match fields.get("edit"):
        case "inserted":
            position = as_count(fields.get("position"), f"{path}.position")
            return StepInserted(position, decode_step(fields.get("step"), f"{path}.step"))
        case "removed":
            position = as_count(fields.get("position"), f"{path}.position")
            return StepRemoved(position, decode_step(fields.get("step"), f"{path}.step"))
        case "moved":
            before = as_count(fields.get("before"), f"{path}.before")
            after = as_count(fields.get("after"), f"{path}.after")
            return StepMoved(decode_step(fields.get("step"), f"{path}.step"), before, after)
        case "sender":
            return SenderChanged(
                as_text(fields.get("channel"), f"{path}.channel"),
                as_optional_text(fields.get("before"), f"{path}.before"),
                as_optional_text(fields.get("after"), f"{path}.after"),
                as_count(fields.get("position_before"), f"{path}.position_before"),
                as_count(fields.get("position_after"), f"{path}.position_after"),
            )
        case _:
            raise ShapeError(f"{path}.edit", "is not known here")
