"""A client of the sandbox without a socket, and a clock that the test moves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Caller:
    """A sandbox in memory and everything a client does with it."""

    world: World = field(default_factory=lambda: World(None))
    api_keys: tuple[str, ...] = ()
    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        app = Sandbox(self.world, self.api_keys, clock=lambda: self.seconds, sleep=self.slept.append)
        self._client = Client(app)

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
