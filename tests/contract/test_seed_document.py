"""The documented VK example, walked from its first payload to its last over a real connection, field by field."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from omnictl.sandbox.behaviour import Behaviour, read_behaviour
from omnictl.sandbox.store import World
from tests.contract.seed import CREATE_REPLY, CREATE_REQUEST, REPORTS_REPLY, SEND_REPLY, SEND_REQUEST
from tests.served import served

KEY_OF_SEED = b"CC9F01A5DC7BEE2C2B829D203482A654"
AS_IN_THE_SEED = {"message_ids": "step", "vk_spelling": "VKONTANTE", "row_bulk_id": "absent"}
REQUESTED, ANSWERED = "41793026727", "41793026731"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000"


@pytest.fixture
def world() -> World:
    return World(None)


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with served(world) as base:
        yield base


def ask(url: str, method: str, target: str, body: bytes = b"") -> tuple[int, str, Any]:
    """Send a request as the document shows it; returns status, content type and document."""
    parts = urlsplit(url)
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: api.infobip.com\r\n"
        "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nContent-Type: application/json\r\n"
    )
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as connection:
        connection.sendall(f"{head}{length}\r\n".encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    lines, _, content = answer.partition(b"\r\n\r\n")
    kind = re.search(rb"(?i)^content-type: (.*?)\r?$", lines, re.MULTILINE)
    return int(lines.split()[1]), kind[1].decode() if kind else "", json.loads(content)


def without(document: Any, *names: str) -> Any:
    """Return a document without the fields that differ from run to run, at any depth."""
    if isinstance(document, dict):
        return {name: without(value, *names) for name, value in document.items() if name not in names}
    return [without(each, *names) for each in document] if isinstance(document, list) else document


def test_the_example_from_its_first_payload_to_its_last(world: World, url: str) -> None:
    world.behaviour = read_behaviour(Behaviour(), AS_IN_THE_SEED)
    status, kind, made = ask(url, "POST", "/omni/1/scenarios", CREATE_REQUEST)
    assert (status, kind) == (200, "application/json; charset=utf-8")
    assert without(made, "key") == without(json.loads(CREATE_REPLY), "key")
    assert re.fullmatch("[0-9A-F]{32}", made["key"])

    status, kind, sent = ask(url, "POST", "/omni/1/advanced", SEND_REQUEST.replace(KEY_OF_SEED, made["key"].encode()))
    assert (status, kind) == (200, "application/json; charset=utf-8")
    expected = json.loads(SEND_REPLY.replace(ANSWERED.encode(), REQUESTED.encode()))
    assert without(sent, "messageId") == without(expected, "messageId")
    assert re.fullmatch(UUID, sent["messages"][0]["messageId"])

    status, kind, reports = ask(url, "GET", "/omni/1/reports")
    assert (status, kind) == (200, "application/json; charset=utf-8")
    seed = json.loads(REPORTS_REPLY.replace(ANSWERED.encode(), REQUESTED.encode()))
    changing = ("messageId", "sentAt", "doneAt")
    assert without(reports, *changing) == without(seed, *changing)
    assert [set(row) for row in reports["results"]] == [set(row) for row in seed["results"]]
    ids = {row["messageId"] for row in reports["results"]}
    assert len(ids) == 2
    assert sent["messages"][0]["messageId"] not in ids
    for row in reports["results"]:
        assert re.fullmatch(TIME, row["sentAt"])
        assert re.fullmatch(TIME, row["doneAt"])
    assert [milliseconds(row) for row in reports["results"]] == [milliseconds(row) for row in seed["results"]]
    assert ask(url, "GET", "/omni/1/reports")[2] == {"results": []}


def milliseconds(row: dict[str, str]) -> int:
    """Return how long a step took; no step of the example goes over a minute."""
    sent, done = (int(re.sub(r".*:(\d\d)\.(\d{3}).*", r"\1\2", row[name])) for name in ("sentAt", "doneAt"))
    return (done - sent) % 60_000


def test_the_number_of_the_answer_has_the_same_reports_and_usually_the_documented_words(url: str) -> None:
    ask(url, "POST", "/omni/1/scenarios", CREATE_REQUEST)
    body = SEND_REQUEST.replace(REQUESTED.encode(), ANSWERED.encode()).replace(b'"scenarioKey"', b'"unknown"')
    sent = ask(url, "POST", "/omni/1/advanced", body)[2]
    assert without(sent, "messageId") == without(json.loads(SEND_REPLY), "messageId")
    rows = ask(url, "GET", "/omni/1/reports")[2]["results"]
    assert [row["channel"] for row in rows] == ["VKONTAKTE", "SMS"]
    assert {row["messageId"] for row in rows} == {sent["messages"][0]["messageId"]}
    assert len({row["bulkId"] for row in rows}) == 1
    names = ("to", "mccMnc", "price", "status", "error", "messageCount")
    seed = json.loads(REPORTS_REPLY)["results"]
    assert [{name: row[name] for name in names} for row in rows] == [
        {name: row[name] for name in names} for row in seed
    ]


def test_without_authorization_it_is_401_as_the_example_says(url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as connection:
        connection.sendall(
            b"POST /omni/1/advanced HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(SEND_REQUEST)
            + SEND_REQUEST
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"UNAUTHORIZED" in answer
