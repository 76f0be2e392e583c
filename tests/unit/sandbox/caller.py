"""A client of the sandbox without a socket, and a clock that the test moves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from werkzeug.test import Client

from omnictl.sandbox.app import Sandbox
from omnictl.sandbox.behaviour import Behaviour, read_behaviour
from omnictl.sandbox.faults import parse_fault
from omnictl.sandbox.store import World

SCENARIO = {"name": "My VK-SMS scenario", "flow": [{"channel": "VKONTAKTE"}, {"from": "InfoSMS", "channel": "SMS"}]}
OTHER = {"name": "Other", "flow": [{"channel": "VIBER", "from": "Acme"}]}
PATH = "/omni/1/scenarios"


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.content)

    @property
    def key(self) -> str:
        return str(self.document["key"])

    @property
    def text(self) -> str:
        return str(self.document["requestError"]["serviceException"]["text"])


@dataclass
class Pushed:
    """What was pushed."""

    url: str
    rows: list[dict[str, Any]]
    headers: dict[str, str]


@dataclass
class Caller:
    """A sandbox in memory and everything a client does with it."""

    world: World = field(default_factory=lambda: World(None))
    api_keys: tuple[str, ...] = ()
    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)
    pushed: list[Pushed] = field(default_factory=list)
    answers: list[int | OSError] = field(default_factory=list)
    push_secret: str | None = None

    def __post_init__(self) -> None:
        self.app = Sandbox(
            self.world,
            self.api_keys,
            clock=lambda: self.seconds,
            sleep=self.slept.append,
            post=self._take_push,
            push_secret=self.push_secret,
        )
        self._client = Client(self.app)

    def _take_push(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Take a push as the listener would, and answer as the test wants: 200, where it wants nothing."""
        self.pushed.append(Pushed(url, json.loads(body)["results"], dict(headers)))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, OSError):
            raise answer
        return answer

    def behave(self, **switches: Any) -> "Caller":
        self.world.behaviour = read_behaviour(Behaviour(), switches)
        return self

    def fail(self, *faults: str) -> "Caller":
        for each in faults:
            self.world.add_fault(parse_fault(each))
        return self

    def call(self, method: str, path: str, body: Any = None, key: str | None = "App any") -> Reply:
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {} if key is None else {"Authorization": key}
        response = self._client.open(path, method=method, data=content, headers=headers, buffered=True)
        return Reply(response.status_code, dict(response.headers), response.get_data())

    def create(self, body: Any = None, **fields: Any) -> Reply:
        return self.call("POST", PATH, {**(SCENARIO if body is None else body), **fields})

    def update(self, key: str, body: Any, **fields: Any) -> Reply:
        return self.call("PUT", f"{PATH}/{key}", {**body, **fields})

    def get(self, key: str) -> Reply:
        return self.call("GET", f"{PATH}/{key}")

    def rows(self, query: str = "") -> list[dict[str, Any]]:
        found = self.call("GET", PATH + query)
        assert found.status == 200, found.content
        return list(found.document["scenarios"])

    def keys(self, query: str = "") -> list[str]:
        return [row["key"] for row in self.rows(query)]

    # --- messages -----------------------------------------------------------------------------------------------

    def scenario(self, *channels: str, **fields: Any) -> str:
        """Create a default scenario of these channels, each with a sender of its own; returns its key."""
        flow = [{"channel": each, "from": f"from {each}"} for each in channels]
        return self.create({"name": "S", "flow": flow, "default": True}, **fields).key

    def send(self, *numbers: str, to: Any = None, path: str = "advanced", **fields: Any) -> Reply:
        """Send one text to each number, by VKONTAKTE, VIBER, SMS and EMAIL unless the fields say otherwise."""
        usual = {name: {"text": f"by {name}"} for name in ("vKontakte", "viber", "sms", "email")}
        destinations = [{"to": {"phoneNumber": each}} for each in numbers] or [{"to": to}]
        return self.call("POST", f"/omni/1/{path}", {"destinations": destinations, **usual, **fields})

    def sent(self, *numbers: str, **fields: Any) -> list[str]:
        """Send, and return the ids of the messages."""
        reply = self.send(*numbers, **fields)
        assert reply.status == 200, reply.content
        return [each["messageId"] for each in reply.document["messages"]]

    def reports(self, query: str = "") -> list[dict[str, Any]]:
        return self._results(f"/omni/1/reports{query}")

    def logs(self, query: str = "") -> list[dict[str, Any]]:
        return self._results(f"/omni/1/logs{query}")

    def _results(self, path: str) -> list[dict[str, Any]]:
        found = self.call("GET", path)
        assert found.status == 200, found.content
        return list(found.document["results"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the control endpoint, which takes it."""
        found = self.call(method, f"/sandbox/{path}", body, key=None)
        assert found.status < 300, found.content
        return found.document

    def recipient(self, recipient: str, outcome: str, **fields: Any) -> "Caller":
        self.control("POST", "recipients", {"recipient": recipient, "outcome": outcome, **fields})
        return self

    def advance(self, duration: str) -> "Caller":
        self.control("POST", "advance", duration)
        return self


def story(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the channel and the group of the status of each row."""
    return [(row["channel"], row["status"]["groupName"]) for row in rows]


def seconds_of(row: Mapping[str, Any], name: str) -> float:
    """Return a time of a row in seconds of the clock."""
    return datetime.strptime(row[name], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
