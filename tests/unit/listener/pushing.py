"""Bodies that are pushed, their signatures, and a listener that remembers what it was given."""

import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import Client

from omnictl.listener.app import Listener
from omnictl.listener.refusal import Refusal

SECRET = "s3cret of the account"
ROW: dict[str, Any] = {
    "messageId": "M-1",
    "to": "41793026731",
    "sentAt": "2026-11-25T10:00:00.000+0000",
    "doneAt": "2026-11-25T10:00:01.000+0000",
    "channel": "SMS",
    "status": {"groupId": 3, "groupName": "DELIVERED", "id": 5, "name": "DELIVERED_TO_HANDSET"},
}
SEEN = {"messageId": "M-1", "from": "B", "to": "41793026731", "seenAt": "2026-11-25T10:01:00.000+0000"}
INBOUND = {"messageId": "M-2", "from": "41", "integrationType": "VIBER", "message": {"type": "TEXT", "text": "hello"}}


def body_of(*rows: object) -> bytes:
    """Return a push of these rows."""
    return json.dumps({"results": rows}).encode()


def sign(body: bytes, secret: str = SECRET, hash_name: str = "sha1") -> str:
    """Return what the header of a signature says, as senders spell it."""
    return f"{hash_name.upper()}={hmac.new(secret.encode(), body, hash_name).hexdigest().upper()}"


@dataclass
class Heard:
    """A listener, what it gave on, and what it said."""

    path: str = "/reports"
    secret: str | None = None
    why: str = ""
    failure: Exception | None = None
    bodies: list[bytes] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    failed: list[Exception] = field(default_factory=list)

    def receive(self, body: bytes) -> str:
        self.bodies.append(body)
        if self.failure is not None:
            raise self.failure
        return self.why

    @property
    def app(self) -> Listener:
        return Listener(
            self.receive,
            path=self.path,
            secret=self.secret,
            on_refused=self.refused.append,
            on_failed=self.failed.append,
        )

    @property
    def client(self) -> Client:
        return Client(self.app)
