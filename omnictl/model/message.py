"""Messages as values: content for each channel, who gets it, what was sent, and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import astuple

from omnictl.model.diagnostic import Source
from omnictl.model.report import Status
from omnictl.model.scenario import Json, Step

CONTENT_NAMES: Mapping[str, str] = {
    "EMAIL": "email",
    "FACEBOOK": "facebook",
    "KAKAO_ALIM": "kakaoAlim",
    "KAKAO_CHINGU": "kakaoChingu",
    "LINE": "line",
    "PARSECO": "parseco",
    "PUSH": "push",
    "SMS": "sms",
    "VIBER": "viber",
    "VKONTAKTE": "vKontakte",
    "VOICE": "voice",
    "WHATSAPP": "whatsApp",
}
"""What message files, like the API, call the content of each channel (source: its published description)."""

MOST_IN_BATCH = 1000
"""How many recipients one request may have; the API states no limit, so this one is ours."""

Content: TypeAlias = Mapping[str, Json]


class Message(Struct, frozen=True):
    """What a message says, the same for every recipient.

    ``contents`` maps a channel in capitals to its content, fields spelled as the API does. A field that is None is
    left to the API. ``send_at`` is UTC. ``sources`` maps a field path (``""``, ``sms``, ``sms.text`` …) to its place;
    it does not count in a comparison.
    """

    contents: Mapping[str, Content] = field(default_factory=dict)
    send_at: datetime | None = None
    callback_data: str | None = None
    notify: bool | None = None
    notify_url: str | None = None
    notify_content_type: str | None = None
    intermediate_report: bool | None = None
    sources: Mapping[str, Source] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and astuple(self)[:-1] == astuple(other)[:-1]

    def __hash__(self) -> int:
        return hash((self.send_at, self.callback_data, *self.contents))


class Recipient(Struct, frozen=True):
    """One person, by one address or several, each normalised: a phone is digits in international form without ``+``."""

    phone: str | None = None
    email: str | None = None
    push: str | None = None

    @property
    def identity(self) -> str:
        """What makes two rows of a file the same person: all addresses, in a fixed order; e-mail in any case."""
        return "\n".join(
            f"{name}={value.casefold() if name == 'email' else value}" for name, value in self.addresses.items()
        )

    @property
    def addresses(self) -> Mapping[str, str]:
        """The addresses that are there, by the names of the command line."""
        given = {"phone": self.phone, "email": self.email, "push": self.push}
        return {name: value for name, value in given.items() if value is not None}


class MessageFate(StrEnum):
    """What became of one message: the API took it, refused it, nobody knows, or it surely never left."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_TRIED = "not tried"


class Addressed(Struct, frozen=True):
    """One recipient of a request, under the id that omnictl gave the message before it left."""

    message_id: str
    recipient: Recipient


class Batch(Struct, frozen=True):
    """One request: its id, the key that it is sent through, and everybody who is in it."""

    bulk_id: str
    scenario_key: str
    message: Message
    messages: tuple[Addressed, ...]


class Receipt(Struct, frozen=True):
    """What the API, or its silence, said of one message when it was sent; ``reason`` for people where it did not go."""

    message_id: str
    fate: MessageFate
    status: Status | None = None
    reason: str = ""


class Via(Struct, frozen=True):
    """The scenario that a message went through, as it was recorded then; ``revision`` changes with its flow."""

    scenario: str
    key: str
    revision: str
    flow: tuple[Step, ...]


class Sent(Struct, frozen=True):
    """One message of the ledger: who, when (UTC), through what, and its fate; ``recipient`` is None once purged.

    ``send_at`` is the time it was scheduled for, None where it started at once.
    ``recipient_hash`` is the keyed hash of the recipient, which outlives a purge.
    """

    message_id: str
    bulk_id: str
    run: str
    via: Via
    sent_at: datetime
    recipient: Recipient | None
    recipient_hash: str
    fate: MessageFate
    status: Status | None = None
    callback_data: str | None = None
    send_at: datetime | None = None
