"""Message files to messages: the same strict reading as scenario files have, one document a file."""

import math
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct

from omnictl.config.discovery import is_inside
from omnictl.config.documents import MOST_MISTAKES, Document, Places, in_order, limit_mistakes, mistake
from omnictl.config.interpretation import find_api_keys, read_by_schema
from omnictl.config.reading import read_file
from omnictl.config.variables import Variables, find_names
from omnictl.model.diagnostic import Diagnostic, Severity, Source, has_errors
from omnictl.model.message import CONTENT_NAMES, Message


class LoadedMessage(Struct, frozen=True):
    """What a message file says; ``message`` is None where it has a mistake. ``used`` are the variables it names."""

    message: Message | None
    diagnostics: tuple[Diagnostic, ...]
    used: frozenset[str] = frozenset()


class MessageFile(Struct, frozen=True):
    """Where a message file is; ``shown`` is its path for people, relative to the project where it can be."""

    path: str
    shown: str


def load_message(
    path: Path | str, *, variables: Variables, shown: str | None = None
) -> tuple[Message | None, tuple[Diagnostic, ...]]:
    """Read a message file for one environment; None where it has a mistake. Never raises for what stands in it."""
    loaded = read_message(path, str(path) if shown is None else shown, variables)
    return loaded.message, loaded.diagnostics


def read_message(path: Path | str, shown: str, variables: Variables) -> LoadedMessage:
    """Read a message file for one environment, and return also which variables it names."""
    reading = read_file(path, shown)
    if not reading.documents:
        found = [*reading.diagnostics] if reading.diagnostics else [_empty(shown)]
        return LoadedMessage(None, in_order(limit_mistakes(found, shown)))
    document = reading.documents[0]
    if len(reading.documents) > 1:
        reading.diagnostics.append(_several(reading.documents[1]))
    plain, _, broken = read_by_schema("message", document, variables)
    found = [*reading.diagnostics, *broken]
    found += islice(find_api_keys(document, "message"), MOST_MISTAKES + 1)
    send_at = parse_time(plain.get("sendAt")) if isinstance(plain, dict) else None
    if not has_errors(found):
        found += islice(_find_endless(plain, document), MOST_MISTAKES + 1)
        if send_at is None and "sendAt" in plain:
            found.append(_wrong_time(document.source("sendAt"), plain["sendAt"]))
    diagnostics = in_order(limit_mistakes(found, shown))
    message = None if has_errors(diagnostics) else make_message(plain, send_at, Places(document))
    return LoadedMessage(message, diagnostics, find_names(document.text))


def make_message(plain: Mapping[str, Any], send_at: datetime | None, sources: Mapping[str, Source]) -> Message:
    """Return the message that a document without mistakes declares."""
    return Message(
        contents={channel: _whole(plain[name]) for channel, name in CONTENT_NAMES.items() if name in plain},
        send_at=send_at,
        callback_data=plain.get("callbackData"),
        notify=plain.get("notify"),
        notify_url=plain.get("notifyUrl"),
        notify_content_type=plain.get("notifyContentType"),
        intermediate_report=plain.get("intermediateReport"),
        sources=sources,
    )


def parse_time(text: object) -> datetime | None:
    """Return the moment, in UTC, of an ISO 8601 text with an offset; None where it is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def find_message_file(named: str, beside: Document, root: Path | str) -> MessageFile | Diagnostic:
    """Return the file that ``message_file`` of a scenario names, relative to the scenario's; inside the project."""
    source = beside.source("message_file")
    if "\0" in named:
        return mistake("wrong-form", "A path cannot be used", "No path has a NUL character.", source)
    real_root = os.path.realpath(root)
    found = locate_message_file(os.path.join(real_root, os.path.dirname(beside.path), named), root)  # noqa: PTH118, PTH120
    if not is_inside(found.path, real_root):
        detail = f"{named} lies outside the folder of omnictl.yaml, and is not read."
        return mistake("outside-root", "A path leads out of the project", detail, source)
    if not os.path.exists(found.path):  # noqa: PTH110
        detail = f"{named} is not there; it is relative to the scenario file."
        hint = "write it, or remove the key"
        return mistake("missing-message-file", "A message file does not exist", detail, source, hint=hint)
    return found


def locate_message_file(path: Path | str, root: Path | str) -> MessageFile:
    """Return where a message file is, links followed, with its path for people."""
    real, real_root = os.path.realpath(path), os.path.realpath(root)
    shown = os.path.relpath(real, real_root) if is_inside(real, real_root) else str(path)
    return MessageFile(real, shown.replace(os.sep, "/"))


def _whole(value: Any) -> Any:
    """Return a value whose whole numbers are written so: to the schema, 90.0 is one too."""
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _find_endless(value: Any, document: Document, where: str = "") -> Iterator[Diagnostic]:
    """Tell of numbers that JSON cannot write; only a number such as 1e400 is read as one."""
    if isinstance(value, float) and not math.isfinite(value):
        detail = f"{where}: it is larger than any number that can be sent."
        yield mistake("wrong-value", "A value is none of those allowed", detail, document.source(where))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _find_endless(each, document, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _find_endless(each, document, f"{where}[{index}]")


def _wrong_time(source: Source, text: str) -> Diagnostic:
    return mistake("wrong-time", "A time does not exist", f"sendAt: {text} is on no clock or calendar.", source)


def _several(document: Document) -> Diagnostic:
    hint = "write a file for each, and name the one to send"
    detail = "A message file is one document; --- starts another."
    return mistake("several-documents", "The file has several documents", detail, document.source(""), hint=hint)


def _empty(shown: str) -> Diagnostic:
    return Diagnostic(
        "empty-file",
        Severity.ERROR,
        "The file is empty",
        "It says nothing.",
        Source(shown),
        hint="write the content of each channel, such as sms: {text: Hello}",
    )


CODES = {
    "missing-message-file": "message_file names the default content of send, and there is no such file.",
    "wrong-time": "A time such as 2026-02-30T25:00:00Z is on no clock or calendar.",
}
