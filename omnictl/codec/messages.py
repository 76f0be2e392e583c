"""Messages, recipients and what they went through ↔ JSON: for the ledger, and for documents that show them."""

from collections.abc import Mapping

from omnictl.codec.deliveries import present
from omnictl.codec.parts import decode_flow, encode_flow
from omnictl.codec.shapes import (
    as_flag,
    as_object,
    as_optional_text,
    as_optional_time,
    as_text,
    write_time,
)
from omnictl.model.message import Content, Message, Recipient, Via
from omnictl.model.scenario import Json


def encode_message(message: Message) -> dict[str, Json]:
    """Return what a message says; contents are as the API spells them, and fields left to the API are absent."""
    contents: dict[str, Json] = {channel: dict(content) for channel, content in message.contents.items()}
    return present(
        {
            "contents": contents,
            "send_at": write_time(message.send_at) if message.send_at else None,
            "callback_data": message.callback_data,
            "notify": message.notify,
            "notify_url": message.notify_url,
            "notify_content_type": message.notify_content_type,
            "intermediate_report": message.intermediate_report,
        }
    )


def decode_message(value: Json, path: str) -> Message:
    """Return a message without its sources."""
    fields = as_object(value, path)
    return Message(
        _decode_contents(fields.get("contents"), f"{path}.contents"),
        as_optional_time(fields.get("send_at"), f"{path}.send_at"),
        as_optional_text(fields.get("callback_data"), f"{path}.callback_data"),
        _decode_choice(fields.get("notify"), f"{path}.notify"),
        as_optional_text(fields.get("notify_url"), f"{path}.notify_url"),
        as_optional_text(fields.get("notify_content_type"), f"{path}.notify_content_type"),
        _decode_choice(fields.get("intermediate_report"), f"{path}.intermediate_report"),
    )


def _decode_contents(value: Json, path: str) -> Mapping[str, Content]:
    return {channel: as_object(each, f"{path}.{channel}") for channel, each in as_object(value, path).items()}


def _decode_choice(value: Json, path: str) -> bool | None:
    return None if value is None else as_flag(value, path)


def encode_recipient(recipient: Recipient) -> dict[str, Json]:
    """Return the addresses of a recipient by the names of the command line."""
    return dict(recipient.addresses)


def decode_recipient(value: Json, path: str) -> Recipient:
    """Return a recipient."""
    fields = as_object(value, path)
    phone, email, push = (as_optional_text(fields.get(name), f"{path}.{name}") for name in ("phone", "email", "push"))
    return Recipient(phone, email, push)


def encode_via(via: Via) -> dict[str, Json]:
    """Return the scenario that a message went through."""
    return {"scenario": via.scenario, "key": via.key, "revision": via.revision, "flow": encode_flow(via.flow)}


def decode_via(value: Json, path: str) -> Via:
    """Return the scenario that a message went through."""
    fields = as_object(value, path)
    scenario, key, revision = (as_text(fields.get(each), f"{path}.{each}") for each in ("scenario", "key", "revision"))
    return Via(scenario, key, revision, decode_flow(fields.get("flow"), f"{path}.flow"))
