"""What the command line says of a message: ``--text`` and its companions, alone or over a message file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace as with_fields
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from omnictl.config.documents import Document, Mark, Marks, shorten
from omnictl.config.messages import parse_time
from omnictl.config.schema import check
from omnictl.config.strict_json import has_half_character
from omnictl.model.diagnostic import Diagnostic, Severity, Source, has_errors
from omnictl.model.message import CONTENT_NAMES, Message

_OPTIONS = {
    "sendAt": "--send-at",
    "callbackData": "--callback-data",
    "notifyUrl": "--notify-url",
    **{name: f"--text {channel}" for channel, name in CONTENT_NAMES.items()},
}


class MessageOptions(Struct, frozen=True):
    """The options of the command line as they were typed; None and () leave the message file's word."""

    texts: tuple[str, ...] = ()
    send_at: str | None = None
    callback_data: str | None = None
    notify_url: str | None = None
    intermediate_report: bool | None = None


class _Rest(Mapping[str, Source]):
    """The places of a message file but for what the command line replaced."""

    __slots__ = ("_replaced", "_sources")

    def __init__(self, sources: Mapping[str, Source], replaced: frozenset[str]) -> None:
        self._sources = sources
        self._replaced = replaced

    def __getitem__(self, where: str) -> Source:
        if where in self._replaced:
            raise KeyError(where)
        return self._sources[where]

    def __iter__(self) -> Iterator[str]:
        return (each for each in self._sources if each not in self._replaced)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def apply_options(
    message: Message | None, options: MessageOptions, channels: Sequence[str]
) -> tuple[Message, tuple[Diagnostic, ...]]:
    """Return a message with the options of the command line over it, and what is wrong with them.

    ``channels`` are those of the flow, in capitals. A text replaces the text of its channel and nothing else of it.
    Where an error is among the diagnostics, the message is not to be sent.
    """
    texts, found = make_text_message(options.texts, channels)
    plain = {
        "sendAt": options.send_at,
        "callbackData": options.callback_data,
        "notifyUrl": options.notify_url,
    }
    given = {key: each for key, each in plain.items() if each is not None}
    found = (*found, *_check_values(given))
    send_at = parse_time(options.send_at)
    if send_at is None and options.send_at is not None and not has_errors(found):
        detail = f"--send-at: {options.send_at} is on no clock or calendar."
        found = (*found, Diagnostic("wrong-time", Severity.ERROR, "A time does not exist", detail))
    return _overlay(message or Message(), texts, options, send_at), found


def _overlay(message: Message, texts: Message, options: MessageOptions, send_at: datetime | None) -> Message:
    contents = {**message.contents}
    for channel, content in texts.contents.items():
        contents[channel] = {**contents.get(channel, {}), **content}
    replaced = {f"{CONTENT_NAMES[channel]}.text" for channel in texts.contents}
    fields = {
        "send_at": send_at,
        "callback_data": options.callback_data,
        "notify_url": options.notify_url,
        "intermediate_report": options.intermediate_report,
    }
    given = {key: each for key, each in fields.items() if each is not None}
    names = {"send_at": "sendAt", "callback_data": "callbackData", "notify_url": "notifyUrl"}
    replaced |= {names.get(key, "intermediateReport") for key in given}
    sources = _Rest(message.sources, frozenset(replaced)) if message.sources else {}
    changed: dict[str, Any] = {**given, "contents": contents, "sources": sources}
    return replace(message, **changed)


def make_text_message(texts: Sequence[str], channels: Sequence[str]) -> tuple[Message, tuple[Diagnostic, ...]]:
    """Return the message of ``--text TEXT`` (all channels of a flow) and ``--text CHANNEL=TEXT`` (one of them).

    ``channels`` are those of the flow, in capitals. Only the name of a channel before ``=`` makes the second form.
    """
    found: list[Diagnostic] = []
    everywhere: str | None = None
    single: dict[str, str] = {}
    for each in texts:
        channel, text = split_text(each)
        mistake = _check_text(each, channel, text, channels)
        if mistake is not None:
            found.append(mistake)
        if mistake is not None and mistake.severity is Severity.ERROR:
            continue
        if channel is None:
            if everywhere is not None:
                found.append(_twice("--text TEXT says what all steps send"))
            everywhere = text
        elif channel in single:
            found.append(_twice(f"--text {channel}= says what {channel} sends"))
        else:
            single[channel] = text
    every = {each: everywhere for each in channels if each in CONTENT_NAMES} if everywhere is not None else {}
    said = {**every, **single}
    contents = {channel: {"text": said[channel]} for channel in CONTENT_NAMES if channel in said}
    found += _check_values({CONTENT_NAMES[channel]: content for channel, content in contents.items()})
    return Message({channel: dict(content) for channel, content in contents.items()}), tuple(found)


def split_text(text: str) -> tuple[str | None, str]:
    """Return the channel of ``CHANNEL=TEXT``, or None where no channel is named, and the text."""
    name, sign, rest = text.partition("=")
    channel = find_channel(name) if sign else None
    return (None, text) if channel is None else (channel, rest)


def find_channel(name: str) -> str | None:
    """Return the channel that a name stands for: in any case, as in files or messages, and in VK's old spellings."""
    return _NAMES.get(_squeeze(name))


def _squeeze(name: str) -> str:
    return name.strip().upper().replace("-", "_").replace("_", "")


_NAMES = {
    **{_squeeze(each): each for each in CONTENT_NAMES},
    "VK": "VKONTAKTE",
    "VKONTANTE": "VKONTAKTE",
}


def _check_text(given: str, channel: str | None, text: str, channels: Sequence[str]) -> Diagnostic | None:
    if has_half_character(given):
        return _wrong("wrong-form", "A value does not have the right form", "--text holds bytes that are not UTF-8.")
    if channel is not None and channel not in channels:
        flow = ", ".join(channels)
        detail = f"--text {channel}= is for a channel that the flow does not have; it has {flow}."
        return _wrong("not-in-flow", "A text is for a channel that is not in the flow", detail)
    if not text.strip():
        where = "" if channel is None else f" {channel}="
        return _wrong("empty-text", "A text is empty", f"--text{where} needs at least one character.")
    return _check_misspelt(given, channels) if channel is None else None


def _check_misspelt(text: str, channels: Sequence[str]) -> Diagnostic | None:
    """Tell of what is nearly the name of a channel before ``=``; everything else is a text that holds the sign."""
    name, sign, _ = text.partition("=")
    if not sign or not 2 < len(name) < 20 or not _squeeze(name).isalpha():
        return None
    close = get_close_matches(_squeeze(name), _NAMES, n=1, cutoff=0.75)
    if not close:
        if not name.isupper():
            return None
        detail = f"--text {shorten(name)}=… names no channel, so it is sent as it stands, on every step."
        return Diagnostic("odd-text", Severity.WARNING, "A text begins like the name of a channel", detail)
    meant = _NAMES[close[0]]
    return Diagnostic(
        "unknown-channel",
        Severity.ERROR,
        "A text names a channel that does not exist",
        f"--text {shorten(name)}= is nearly {meant}. A text that really begins so is given a channel before it.",
        hint="write one of",
        commands=(f"--text {meant}=TEXT", *(f'--text {each}="{shorten(text)}"' for each in channels[:1])),
    )


def _twice(what: str) -> Diagnostic:
    return _wrong("text-twice", "A text is given twice", f"{what}; it was given twice.", "keep one of them")


def _check_values(plain: Mapping[str, Any]) -> Iterable[Diagnostic]:
    """Return what values of the command line break of the schema, in words that name the option."""
    halves = [key for key, each in plain.items() if isinstance(each, str) and has_half_character(each)]
    if halves:
        summary = "A value does not have the right form"
        return [_wrong("wrong-form", summary, f"{_OPTIONS[each]} holds bytes that are not UTF-8.") for each in halves]
    document = Document("", plain, "", Mark(1, 1), lambda: Marks({}, {}), has_scalars=False)
    return [_named(each) for each in check("message", document, plain)]


def _named(found: Diagnostic) -> Diagnostic:
    where, _, rest = found.detail.partition(": ")
    option = _OPTIONS.get(where.partition(".")[0], where)
    return with_fields(found, detail=f"{option}: {rest}", source=None, hint="")


def _wrong(code: str, summary: str, detail: str, hint: str = "") -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, summary, detail, hint=hint)


CODES = {
    "odd-text": "The text of --text begins with a word in capitals and =, as CHANNEL=TEXT does, and the word is no "
    "channel. It is sent as it stands, on every step.",
    "not-in-flow": "--text CHANNEL=TEXT names a channel that the flow of the scenario does not have.",
    "text-twice": "--text is given once for all steps, and once for each channel.",
}
