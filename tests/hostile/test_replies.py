"""Replies of every wrong shape from a real server: a clear error, nothing changed, nothing forgotten."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnictl.transport import client
from tests.e2e.running import omnictl
from tests.hostile.answering import KEY, ROW, Account, Send, answering, endless, raw, text, whole
from tests.hostile.cases import GOOD
from tests.hostile.steering import find_steering
from tests.projects import write

STATE = "state/default.json"


@pytest.fixture
def account(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account of this machine, a project with one scenario, and no pauses between tries."""
    write(project, {"scenarios/a.yaml": GOOD})
    monkeypatch.setattr("omnictl.transport.retry.FIRST_BACKOFF_SECONDS", 0.001)
    monkeypatch.setenv("INFOBIP_API_KEY", "key")
    monkeypatch.setenv("OMNICTL_SETTLE", "0")
    made = Account()
    with answering(made) as url:
        monkeypatch.setenv("INFOBIP_BASE_URL", url)
        yield made


def _row(**fields: object) -> bytes:
    return json.dumps({**ROW, **fields}).encode()


def _bomb(times: int) -> bytes:
    packed = bytes(10_000_000)
    for _ in range(times):
        packed = gzip.compress(packed)
    return packed


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SHAPES: dict[str, Send] = {
    "nothing": raw(b""),
    "no head": raw(b"hello\r\n\r\n"),
    "half a head": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "no body": whole(b""),
    "spaces": whole(b" \n"),
    "cut": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + _row()),
    "cut JSON": whole(_row()[:-10]),
    "HTML": whole(b"<html><h1>Sign in</h1></html>", "Content-Type: text/html"),
    "HTML that steers": whole("\x1b[2J\u202e\x9b<b>".encode()),
    "UTF-16": whole(_row().decode().encode("utf-16-be") + b"x", "Content-Type: application/json; charset=utf-16"),
    "Latin-1": whole(b'{"key": "\xff"}', "Content-Type: application/json; charset=utf-8"),
    "an unknown charset": whole(b'{"key": "\xff"}', "Content-Type: application/json; charset=klingon"),
    "a list": text([ROW]),
    "null": text(None),
    "a text": text("ok"),
    "deep": whole(b"[" * 200_000),
    "digits": whole(b'{"key": ' + b"9" * 10_000 + b"}"),
    "NaN": whole(b'{"key": NaN}'),
    "beyond all numbers": whole(b'{"key": "K", "flow": [], "more": 1e400}'),
    "no key": text({"name": "a", "flow": []}),
    "a key that is null": whole(_row(key=None)),
    "a key that is a flag": whole(_row(key=True)),
    "a key that is a list": whole(_row(key=[KEY])),
    "a key that is a fraction": whole(_row(key=1.5)),
    "an empty key": whole(_row(key="")),
    "a key that is a path": whole(_row(key="..")),
    "a key that steers": whole(_row(key="\x1b[2J")),
    "a key that hides": whole(_row(key="A\u200bB")),
    "a key without end": whole(_row(key="K" * 1_000_000)),
    "half a key": whole(b'{"key": "\\ud800", "flow": []}'),
    "nested": text({"scenario": ROW}),
    "gzip that is none": whole(b"not packed", "Content-Encoding: gzip"),
    "gzip that is cut": whole(gzip.compress(_row())[:-12], "Content-Encoding: gzip"),
    "a bomb": whole(_bomb(1), "Content-Encoding: gzip"),
    "a bomb in a bomb": whole(_bomb(2), "Content-Encoding: gzip, gzip"),
    "an unknown packing": whole(_row(), "Content-Encoding: klingon"),
    "deflate without end": whole(zlib.compress(bytes(10_000_000)), "Content-Encoding: deflate"),
    "a body without end": endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65_536),
    "chunks without end": endless(CHUNKED, b"1000\r\n" + b" " * 4096 + b"\r\n"),
    "wrong chunks": raw(CHUNKED + b"zz\r\n{}\r\n"),
    "a head without end": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 4096 + b"\r\n"),
    "a line without end": endless(b"HTTP/1.1 200 OK\r\nX-More: ", b"x" * 4096),
    "two lengths": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    "a status that is none": raw(b"HTTP/1.1 999999 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "204": raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "206": whole(_row()[:20], "Content-Range: bytes 0-19/200", status="206 Partial Content"),
    "304": raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "a redirect": whole(b"", "Location: http://127.0.0.1:1/", status="302 Found"),
    "a redirect to nowhere": whole(b"", "Location: \x9b", status="307 Temporary Redirect"),
    "an error with 200": text({"requestError": {"serviceException": {"messageId": "X", "text": "\x1b[2J"}}}),
    "an error that is none": text({"requestError": 1}, status="400 Bad Request"),
    "500": text({"requestError": {"serviceException": {"messageId": "X", "text": "x"}}}, status="500 No"),
}  # fmt: skip
EVERY_SHAPE = [pytest.param(each, id=name.replace(" ", "-")) for name, each in SHAPES.items()]


def remembered(project: Path) -> dict[str, object]:
    """Return the records of the state, but for when something was last sent."""
    records = json.loads((project / STATE).read_text())["records"]
    return {name: {field: each[field] for field in each if field != "updated_at"} for name, each in records.items()}


@pytest.fixture(autouse=True)
def short_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a reply be a megabyte at most, so that the endless ones end soon."""
    original = client.HttpClient.__init__

    def make(self: client.HttpClient, base: object, credentials: object, options: object, **more: object) -> None:
        from dataclasses import replace

        short = replace(options, longest_reply_bytes=1_000_000, timeout_seconds=5.0)  # type: ignore[type-var]
        original(self, base, credentials, short, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(client.HttpClient, "__init__", make)


@pytest.mark.parametrize("shape", EVERY_SHAPE)
def test_a_list_that_cannot_be_believed_gives_no_plan(account: Account, project: Path, shape: Send) -> None:
    account.answers["list"] = shape
    ran = omnictl("apply", "--yes")
    assert ran.code == 1, ran.err
    assert re.search(r"error\[(reading-failed|redirected)\]", ran.err)
    assert "GET /omni/1/scenarios" in ran.err
    assert find_steering(ran.err + ran.out) == ""
    assert set(account.requests) == {"list"}
    assert not (project / STATE).exists()


@pytest.mark.parametrize("shape", EVERY_SHAPE)
def test_a_create_that_nobody_can_read_is_unknown_and_then_found(account: Account, project: Path, shape: Send) -> None:
    account.answers["create"] = shape
    ran = omnictl("apply", "--yes")
    assert account.requests.count("create") == 1
    if ran.code != 0:  # found at once, when it was looked for at the end
        assert ran.code == 4, ran.err
        assert find_steering(ran.err + ran.out) == ""
        state = json.loads((project / STATE).read_text())
        assert state.get("intents") or state["records"], "nothing is forgotten"
    again = omnictl("apply", "--yes")
    assert again.code == 0, again.err
    assert account.requests.count("create") == 1, "created once"
    state = json.loads((project / STATE).read_text())
    assert [each["key"] for each in state["records"].values()] == [account.rows[0]["key"]]
    assert not state.get("intents")
    assert omnictl("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("shape", EVERY_SHAPE[::2])
def test_an_update_that_nobody_can_read_is_read_again(account: Account, project: Path, shape: Send) -> None:
    assert omnictl("apply", "--yes").code == 0
    before = remembered(project)
    write(project, {"scenarios/a.yaml": GOOD.replace("name: a", "name: b")})
    account.answers["update"] = shape
    ran = omnictl("apply", "--yes")
    assert ran.code == 4, ran.err
    assert find_steering(ran.err + ran.out) == ""
    assert remembered(project) == before
    account.rows[0]["name"] = "b"
    del account.answers["update"]
    assert omnictl("apply", "--yes").code == 0


@pytest.mark.parametrize("shape", EVERY_SHAPE[1::2])
def test_a_get_that_cannot_be_believed_changes_nothing(account: Account, project: Path, shape: Send) -> None:
    assert omnictl("apply", "--yes").code == 0
    write(project, {"scenarios/a.yaml": GOOD.replace("name: a", "name: b")})
    before = remembered(project)
    account.answers["get"] = shape
    account.requests.clear()
    ran = omnictl("apply", "--yes")
    assert ran.code in (1, 4), ran.err
    assert find_steering(ran.err + ran.out) == ""
    assert "update" not in account.requests
    assert remembered(project) == before


def test_pages_that_lie(account: Account, project: Path) -> None:
    """Thousands of the same row, a page that never ends, and rows that come after the end."""
    for rows in ([ROW] * 5000, [ROW, ROW]):
        account.answers["list"] = text({"scenarios": rows})
        ran = omnictl("plan")
        assert ran.code == 1, ran.err
        assert "error[bug]" not in ran.err
    assert len(account.requests) < 200


@pytest.mark.parametrize(
    "name", ["\x1b[2J", "\u202eabc", "a\n::error::x", "|x|<b>@team", "\x9b31m", "\u200b", "\ud800"]
)
def test_names_of_the_account_never_steer(account: Account, name: str) -> None:
    account.rows = [{**ROW, "name": name, "flow": [{"channel": name, "from": name}]}]
    write(Path(), {"scenarios/a.yaml": GOOD + f"import: {KEY}\n"})
    for kind in ("text", "json", "markdown", "html", "sarif", "junit", "github", "gitlab", "gitlab-codequality"):
        ran = omnictl("plan", "--format", kind)
        assert ran.code == 0, ran.err
        assert find_steering(ran.out + ran.err) == ""
        assert "<b>" not in ran.out or kind not in ("html", "junit")
        assert kind != "github" or all(line.startswith("::") for line in ran.out.splitlines())
