"""The served sandbox on a real socket: raw targets, cuts as a client sees them, many at once."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from omnictl.sandbox.app import Sandbox
from omnictl.sandbox.faults import parse_fault
from omnictl.sandbox.server import serve
from omnictl.sandbox.store import World
from tests.served import served
from tests.unit.sandbox.caller import PATH, SCENARIO

HEADERS = {"Authorization": "App x"}


@pytest.fixture
def world() -> Iterator[World]:
    """The world of a test."""
    made = World(None)
    yield made
    made.close()


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """The base URL of its server."""
    with served(world) as base:
        yield base


def say(url: str, text: str) -> bytes:
    """Send bytes, and return all that comes back."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=5) as connection:
        connection.sendall(text.encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("target", ["http://127.0.0.1/omni/1/scenarios?limit=1", "//omni/1/scenarios", f"{PATH}?&&x=1"])
def test_absolute_and_odd_targets(url: str, target: str) -> None:
    answer = say(url, f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: App x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"scenarios": []}


@pytest.mark.parametrize("target", ["http://127.0.0.1/omni/1/reports?limit=1", "//omni//1/logs", "/omni/1/logs/?&&x"])
def test_absolute_and_odd_targets_of_messages(url: str, target: str) -> None:
    answer = say(url, f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: App x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"results": []}


@pytest.mark.parametrize("kind", ["cut-before", "cut-after"])
def test_a_cut_is_a_connection_without_an_answer(world: World, url: str, kind: str) -> None:
    world.add_fault(parse_fault(f"create:{kind}"))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        httpx.post(url + PATH, json=SCENARIO, headers=HEADERS)
    assert world.count() == (kind == "cut-after")


def test_a_cut_body_is_an_answer_that_ends_early(world: World, url: str) -> None:
    world.add_fault(parse_fault("create:cut-body"))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        httpx.post(url + PATH, json=SCENARIO, headers=HEADERS)
    assert world.count() == 1


def test_slow_is_a_time_out(world: World, url: str) -> None:
    world.add_fault(parse_fault("create:slow=0.3"))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(url + PATH, json=SCENARIO, headers=HEADERS, timeout=0.05)


def test_many_at_once(world: World, url: str) -> None:
    with httpx.Client(headers=HEADERS) as client, ThreadPoolExecutor(8) as pool:
        replies = list(
            pool.map(lambda number: client.post(url + PATH, json={**SCENARIO, "name": str(number)}), range(40))
        )
    assert {each.status_code for each in replies} == {200}
    assert len({each.json()["key"] for each in replies}) == world.count() == 40
    assert len(world.defaults()) == 1


def test_a_taken_port_is_an_error(url: str, world: World) -> None:
    port = urlsplit(url).port or 0
    with pytest.raises(OSError, match="in use"):
        serve(Sandbox(world), "127.0.0.1", port, on_ready=lambda found: None, stop=threading.Event())


def test_the_address_of_version_six(world: World) -> None:
    stop, found = threading.Event(), list[str]()

    def on_ready(url: str) -> None:
        found.append(url)
        stop.set()

    try:
        serve(Sandbox(world), "::1", 0, on_ready=on_ready, stop=stop)
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    assert found[0].startswith("http://[::1]:")


def test_a_client_that_dies_in_the_middle_of_its_request_is_no_bug(capfd: pytest.CaptureFixture[str]) -> None:
    """Half a create is none, and the server says nothing of it but to who asks for the requests."""
    world = World(None)
    with served(world) as base:
        address = (urlsplit(base).hostname or "", urlsplit(base).port or 0)
        with socket.create_connection(address) as dying:
            head = b"POST /omni/1/scenarios HTTP/1.1\r\nHost: x\r\nAuthorization: App k\r\nContent-Length: 100\r\n\r\n"
            dying.sendall(head + b'{"name": ')
        for _ in range(500):
            if world.list_requests():
                break
            time.sleep(0.01)
    assert [each["status"] for each in world.list_requests()] == [0]
    assert world.count() == 0
    assert capfd.readouterr() == ("", "")
