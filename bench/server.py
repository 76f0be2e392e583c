"""A bare server with the API's paging, as fast as the standard library allows: what is measured is the client.

It keeps scenarios in memory, answers after a latency, and counts requests and those in flight. Lines of JSON on its
standard input control it: ``{"fill": N}``, ``{"drift": N}``, ``{"latency": SECONDS}``, ``{"stats": true}``.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 100
PATH = "/omni/1/scenarios"


def make_scenario(number: int) -> dict[str, Any]:
    """Return the scenario of a number, as the files of the bench declare it."""
    flow = [{"channel": "VKONTAKTE"}, {"channel": "SMS", "from": "InfoSMS"}]
    return {"name": f"Scenario number {number}", "flow": flow, "default": False}


class Account:
    """The scenarios, the latency, and what was asked for."""

    def __init__(self) -> None:
        self.latency = 0.0
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.scenarios: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, int] = {}
        self.in_flight = self.most_in_flight = 0

    def fill(self, number: int) -> None:
        """Hold so many scenarios and nothing else."""
        self.reset()
        for each in range(number):
            self._add(make_scenario(each))

    def drift(self, number: int) -> None:
        """Let somebody have changed so many of them."""
        for scenario in list(self.scenarios.values())[:number]:
            scenario["name"] += " changed"

    def _add(self, body: dict[str, Any]) -> dict[str, Any]:
        key = f"{len(self.scenarios) + 1:032X}"
        scenario = {"key": key, **body}
        scenario["default"] = not self.scenarios
        self.scenarios[key] = scenario
        return scenario

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body."""
        self.requests[method] = self.requests.get(method, 0) + 1
        parts = urlsplit(target)
        key = parts.path.removeprefix(PATH).strip("/")
        if method == "POST":
            return 200, json.dumps(self._add(json.loads(body))).encode()
        if method == "PUT":
            self.scenarios[key] = {**json.loads(body), "key": key}
        if key:
            return 200, json.dumps(self.scenarios[key]).encode()
        query = parse_qs(parts.query)
        start = int(query.get("page", ["0"])[0]) * PAGE
        rows = list(self.scenarios.values())[start : start + PAGE]
        return 200, json.dumps({"scenarios": rows}).encode()


class Connection(asyncio.Protocol):
    """One connection, kept open."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            length = next((int(line[15:]) for line in head.split("\r\n") if line[:15].lower() == "content-length:"), 0)
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            method, target, _ = head.split(" ", 2)
            self._begin(method, target, body)

    def _begin(self, method: str, target: str, body: bytes) -> None:
        account = self._account
        account.in_flight += 1
        account.most_in_flight = max(account.most_in_flight, account.in_flight)
        if account.latency:
            asyncio.get_running_loop().call_later(account.latency, self._end, method, target, body)
        else:
            self._end(method, target, body)

    def _end(self, method: str, target: str, body: bytes) -> None:
        status, content = self._account.answer(method, target, body)
        self._account.in_flight -= 1
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self._transport.write(head.encode() + content)


async def _control(account: Account) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    commands: dict[str, Callable[[Any], object]] = {
        "fill": account.fill,
        "drift": account.drift,
        "latency": lambda seconds: setattr(account, "latency", seconds),
        "stats": lambda _: None,
    }
    while line := await reader.readline():
        for name, value in json.loads(line).items():
            commands[name](value)
        stats = {
            "scenarios": len(account.scenarios),
            "requests": account.requests,
            "most_in_flight": account.most_in_flight,
        }
        print(json.dumps(stats), flush=True)


async def main() -> None:
    """Serve on a free port of this machine until the standard input ends; the port is the first line of output."""
    account = Account()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(account), "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await _control(account)


if __name__ == "__main__":
    asyncio.run(main())
