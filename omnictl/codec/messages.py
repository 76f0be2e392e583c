"""Messages, batches, receipts and what they went through ↔ JSON: for the ledger, and for documents that show them."""

from collections.abc import Mapping

from omnictl.codec.deliveries import decode_optional_status, encode_optional_status, present
from omnictl.codec.parts import decode_flow, encode_flow
from omnictl.codec.shapes import (
    as_flag,
    as_list,
    as_member,
    as_object,
    as_optional_text,
    as_optional_time,
    as_text,
    as_time,
    write_time,
)
from omnictl.model.message import Addressed, Batch, Content, Message, MessageFate, Receipt, Recipient, Sent, Via
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


def encode_batch(batch: Batch) -> dict[str, Json]:
    """Return a request with all its recipients."""
    messages: list[Json] = [
        {"message_id": each.message_id, "to": encode_recipient(each.recipient)} for each in batch.messages
    ]
    return {
        "bulk_id": batch.bulk_id,
        "scenario_key": batch.scenario_key,
        "message": encode_message(batch.message),
        "messages": messages,
    }


def decode_batch(value: Json, path: str) -> Batch:
    """Return a request."""
    fields = as_object(value, path)
    rows = as_list(fields.get("messages"), f"{path}.messages")
    return Batch(
        as_text(fields.get("bulk_id"), f"{path}.bulk_id"),
        as_text(fields.get("scenario_key"), f"{path}.scenario_key"),
        decode_message(fields.get("message"), f"{path}.message"),
        tuple(_decode_addressed(each, f"{path}.messages[{i}]") for i, each in enumerate(rows)),
    )


def _decode_addressed(value: Json, path: str) -> Addressed:
    fields = as_object(value, path)
    message_id = as_text(fields.get("message_id"), f"{path}.message_id")
    return Addressed(message_id, decode_recipient(fields.get("to"), f"{path}.to"))


def encode_receipt(receipt: Receipt) -> dict[str, Json]:
    """Return what became of one message when it was sent."""
    return present(
        {
            "message_id": receipt.message_id,
            "fate": receipt.fate.value,
            "status": encode_optional_status(receipt.status),
            "reason": receipt.reason or None,
        }
    )


def decode_receipt(value: Json, path: str) -> Receipt:
    """Return a receipt."""
    fields = as_object(value, path)
    return Receipt(
        as_text(fields.get("message_id"), f"{path}.message_id"),
        as_member(MessageFate, fields.get("fate"), f"{path}.fate"),
        decode_optional_status(fields.get("status"), f"{path}.status"),
        as_optional_text(fields.get("reason"), f"{path}.reason") or "",
    )


def encode_via(via: Via) -> dict[str, Json]:
    """Return the scenario that a message went through."""
    return {"scenario": via.scenario, "key": via.key, "revision": via.revision, "flow": encode_flow(via.flow)}


def decode_via(value: Json, path: str) -> Via:
    """Return the scenario that a message went through."""
    fields = as_object(value, path)
    scenario, key, revision = (as_text(fields.get(each), f"{path}.{each}") for each in ("scenario", "key", "revision"))
    return Via(scenario, key, revision, decode_flow(fields.get("flow"), f"{path}.flow"))


def encode_sent(sent: Sent) -> dict[str, Json]:
    """Return a message of the ledger; ``to`` is absent once purged."""
    return present(
        {
            "message_id": sent.message_id,
            "bulk_id": sent.bulk_id,
            "run": sent.run,
            "via": encode_via(sent.via),
            "sent_at": write_time(sent.sent_at),
            "to": None if sent.recipient is None else encode_recipient(sent.recipient),
            "recipient_hash": sent.recipient_hash,
            "fate": sent.fate.value,
            "status": encode_optional_status(sent.status),
            "callback_data": sent.callback_data,
        }
    )


def decode_sent(value: Json, path: str) -> Sent:
    """Return a message of the ledger."""
    fields = as_object(value, path)
    to = fields.get("to")
    return Sent(
        as_text(fields.get("message_id"), f"{path}.message_id"),
        as_text(fields.get("bulk_id"), f"{path}.bulk_id"),
        as_text(fields.get("run"), f"{path}.run"),
        decode_via(fields.get("via"), f"{path}.via"),
        as_time(fields.get("sent_at"), f"{path}.sent_at"),
        None if to is None else decode_recipient(to, f"{path}.to"),
        as_text(fields.get("recipient_hash"), f"{path}.recipient_hash"),
        as_member(MessageFate, fields.get("fate"), f"{path}.fate"),
        decode_optional_status(fields.get("status"), f"{path}.status"),
        as_optional_text(fields.get("callback_data"), f"{path}.callback_data"),
    )
