"""What the content of a message gets wrong by itself, whatever flow it goes through; no schema can say it."""

from collections.abc import Iterator, Mapping

from omnictl.engine.segments import Coding, count_segments
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.message import CONTENT_NAMES, Content, Message

SPEAKING: Mapping[str, tuple[str, ...]] = {
    "EMAIL": ("text",),
    "FACEBOOK": ("text", "url"),
    "KAKAO_ALIM": ("text",),
    "KAKAO_CHINGU": ("text", "imageUrl"),
    "LINE": ("text", "url", "stickerId", "contents"),
    "PARSECO": ("text",),
    "PUSH": ("text", "customPayload"),
    "SMS": ("text",),
    "VIBER": ("text", "imageURL", "fileUrl"),
    "VKONTAKTE": ("text", "templateName"),
    "VOICE": ("text",),
    "WHATSAPP": (
        "text", "templateName", "fileUrl", "imageUrl", "audioUrl", "videoUrl", "latitude", "contacts",
    ),
}  # fmt: skip
"""The fields of a content one of which it needs to say anything."""

SHORTEST_SECONDS, SHORTEST_VIBER_SECONDS = 30, 35
"""A validity period has to exceed this (source: the published description of the API)."""
LONGEST_VIBER_SECONDS = 14 * 86_400
CUT_SECONDS = 48 * 3600
"""Beyond this the API cuts a validity period, without an error."""

_VIBER_FORMS = (
    {"text"},
    {"image"},
    {"file"},
    {"text", "button"},
    {"text", "image", "button"},
)
_VIBER_PARTS = {"text": "text", "imageURL": "image", "fileUrl": "file", "buttonText": "button", "buttonURL": "button"}
_BILLION = 10**9
_NANOSECONDS = {
    "NANOSECONDS": 1,
    "MICROSECONDS": 1000,
    "MILLISECONDS": 1000 * 1000,
    "SECONDS": _BILLION,
    "MINUTES": 60 * _BILLION,
    "HOURS": 3600 * _BILLION,
    "DAYS": 86_400 * _BILLION,
}
_PARTS_OF_TYPE = {
    ("LINE", "TEXT"): ("text",),
    ("LINE", "IMAGE"): ("url",),
    ("LINE", "VIDEO"): ("url",),
    ("LINE", "AUDIO"): ("url",),
    ("LINE", "STICKER"): ("packageId", "stickerId"),
    ("LINE", "FLEX"): ("contents", "altText"),
    ("FACEBOOK", "TEXT"): ("text",),
    ("FACEBOOK", "IMAGE"): ("url",),
    ("FACEBOOK", "AUDIO"): ("url",),
    ("FACEBOOK", "VIDEO"): ("url",),
    ("FACEBOOK", "FILE"): ("url",),
}
_USUAL_PARTS = {"EMAIL": ("subject",), "KAKAO_ALIM": ("templateCode",)}


def check_contents(message: Message) -> tuple[Diagnostic, ...]:
    """Return what the contents of a message get wrong, each by itself, and its notices."""
    found: list[Diagnostic] = []
    for channel, content in message.contents.items():
        found += _check_combination(channel, content, message)
        found += _check_validity(channel, content, message)
        found += _check_parts(channel, content, message)
    return (*found, *_note_segments(message), *_check_notices(message))


def says_something(channel: str, content: Content) -> bool:
    """Tell whether a content has a field that says something."""
    return any(content.get(each) is not None for each in SPEAKING[channel])


def _check_combination(channel: str, content: Content, message: Message) -> Iterator[Diagnostic]:
    name = CONTENT_NAMES[channel]
    if channel == "VIBER":
        parts = {part for key, part in _VIBER_PARTS.items() if content.get(key) is not None}
        if parts and parts not in _VIBER_FORMS:
            has = " and ".join(each for each in ("text", "image", "file", "button") if each in parts)
            detail = (
                f"{name}: it has {has}; Viber takes a text, an image, a file, a text with a button, or all but a file."
            )
            yield _told("wrong-combination", "Fields do not go together", detail, name, message)
    if channel == "VKONTAKTE" and content.get("text") is not None and content.get("templateName") is not None:
        detail = f"{name}: it has a text and a template; VK takes one of them."
        yield _told("wrong-combination", "Fields do not go together", detail, f"{name}.templateName", message)


def _check_validity(channel: str, content: Content, message: Message) -> Iterator[Diagnostic]:
    period, unit = content.get("validityPeriod"), content.get("validityPeriodTimeUnit", "MINUTES")
    if not isinstance(period, int) or not isinstance(unit, str):
        return
    where = f"{CONTENT_NAMES[channel]}.validityPeriod"
    shortest = SHORTEST_VIBER_SECONDS if channel == "VIBER" else SHORTEST_SECONDS
    lasts = period * _NANOSECONDS[unit]
    said, summary = f"{where}: {period:,} {unit.lower()}", "A validity period is too short or too long"
    if lasts <= shortest * _BILLION:
        detail = f"{said} is too short; it has to be more than {shortest} seconds."
        yield _told("wrong-validity", summary, detail, where, message)
    elif channel == "VIBER" and lasts > LONGEST_VIBER_SECONDS * _BILLION:
        detail = f"{said} is too long; Viber takes 14 days at most."
        yield _told("wrong-validity", summary, detail, where, message)
    elif lasts > CUT_SECONDS * _BILLION:
        detail = f"{said} is more than 48 hours, and the API cuts it to 48 hours."
        yield _told("cut-validity", "A validity period will be cut", detail, where, message, Severity.WARNING)


def _check_parts(channel: str, content: Content, message: Message) -> Iterator[Diagnostic]:
    """Warn of what is usually there; the API's own lists of what is required contradict its examples."""
    name, kind = CONTENT_NAMES[channel], content.get("type")
    wanted = (*_USUAL_PARTS.get(channel, ()), *_PARTS_OF_TYPE.get((channel, str(kind)), ()))
    missing = [each for each in wanted if content.get(each) is None]
    if missing and says_something(channel, content):
        of_type = f" of type {kind}" if kind is not None else ""
        detail = f"{name}{of_type}: it has no {' and no '.join(missing)}; the API may refuse it."
        yield _told("missing-part", "A content lacks what is usually there", detail, name, message, Severity.WARNING)


def _note_segments(message: Message) -> Iterator[Diagnostic]:
    """Note an SMS of several parts, each of which is paid."""
    sms = message.contents.get("SMS", {})
    text = sms.get("text")
    if not isinstance(text, str):
        return
    counted = count_segments(text)
    if counted.parts > 1:
        before = ", before transliteration" if sms.get("transliteration", "NONE") != "NONE" else ""
        why = "it has characters that the GSM alphabet lacks, and " if counted.coding is Coding.UCS2 else ""
        made = f"{len(text):,} characters make {counted.parts:,} parts in {counted.coding}{before}"
        detail = f"sms.text: {made}; {why}each part is paid."
        yield _told("several-parts", "An SMS has several parts", detail, "sms.text", message, Severity.NOTE)


def _check_notices(message: Message) -> Iterator[Diagnostic]:
    if message.notify is not False:
        return
    asked = {"notifyUrl": message.notify_url, "intermediateReport": message.intermediate_report or None}
    for name in (name for name, each in asked.items() if each is not None):
        detail = f"notify: false asks for no reports at all, and {name} asks for some; none will come."
        yield _told("no-reports", "Reports are switched off", detail, name, message, Severity.WARNING)


def _told(
    code: str, summary: str, detail: str, where: str, message: Message, severity: Severity = Severity.ERROR
) -> Diagnostic:
    return Diagnostic(code, severity, summary, detail, message.sources.get(where))


CODES = {
    "wrong-combination": "Viber takes a text, an image, a file, a text with a button, or a text with an image and a "
    "button; VK takes a text or a template.",
    "wrong-validity": "A validity period has to be more than 30 seconds; for Viber more than 35 seconds, and 14 days "
    "at most. It is in minutes where no unit is given.",
    "cut-validity": "The API cuts a validity period of more than 48 hours to 48 hours.",
    "missing-part": "An e-mail without a subject, an AlimTalk message without a template, or a LINE or Facebook "
    "message without what its type needs: the API may refuse it.",
    "several-parts": "An SMS longer than 160 characters (70, where one of them is in no GSM alphabet) is sent in "
    "parts, and each part is paid.",
    "no-reports": "notify: false switches all delivery reports of a message off, those for notifyUrl as well.",
}
