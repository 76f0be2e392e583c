"""Pushes to a notifyUrl: what, when, how often, and never off this machine."""

import hashlib
import hmac
import json
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from omnictl.sandbox.errors import ConnectionCutError
from omnictl.sandbox.pushes import post_here
from omnictl.sandbox.store import World
from tests.served import served
from tests.unit.sandbox.caller import Caller, story

URL = "http://127.0.0.1:9/reports?who=me"
ANYBODY = "41790000001"
FALLS_OVER, LATE, SEEN, PENDING = "41793026702", "41793026705", "41793026706", "41793026707"


@pytest.fixture(autouse=True)
def two_steps(caller: Caller) -> None:
    """The default scenario of every test here: VKONTAKTE, then SMS."""
    caller.scenario("VKONTAKTE", "SMS")


def pushed(caller: Caller) -> list[tuple[str, str]]:
    """Return the story of what was pushed, one row a push."""
    return story([row for each in caller.pushed for row in each.rows])


def states(caller: Caller) -> list[tuple[str, int, str]]:
    """Return how each push stands: its state, the attempts, and the note."""
    return [(each["state"], each["attempts"], each["note"]) for each in caller.control("GET", "pushes")["pushes"]]


def test_each_report_is_pushed_after_the_answer_and_can_still_be_pulled(caller: Caller) -> None:
    caller.sent(FALLS_OVER, notifyUrl=URL)
    assert pushed(caller) == [("VKONTAKTE", "UNDELIVERABLE"), ("SMS", "DELIVERED")]
    assert {each.url for each in caller.pushed} == {URL}
    assert [row for each in caller.pushed for row in each.rows] == caller.reports()
    assert states(caller) == [("sent", 1, "")] * 2
    caller.logs()
    assert len(caller.pushed) == 2


def test_a_push_can_take_the_report(caller: Caller) -> None:
    caller.behave(pushed_reports="taken")
    caller.answers = [200, 500]
    caller.sent(FALLS_OVER, notifyUrl=URL)
    assert story(caller.reports()) == [("SMS", "DELIVERED")]


def test_interim_statuses_are_pushed_where_they_are_wanted_and_never_pulled(caller: Caller) -> None:
    caller.sent(FALLS_OVER, notifyUrl=URL, intermediateReport=True)
    assert pushed(caller) == [
        ("VKONTAKTE", "PENDING"),
        ("VKONTAKTE", "UNDELIVERABLE"),
        ("SMS", "PENDING"),
        ("SMS", "DELIVERED"),
    ]
    assert len(caller.reports()) == 2
    caller.pushed.clear()
    caller.sent(PENDING, notifyUrl=URL, intermediateReport=True)
    assert pushed(caller) == [("VKONTAKTE", "PENDING")]


def test_a_seen_message_is_pushed_once_more_when_it_was_seen(caller: Caller) -> None:
    caller.behave(clock="manual")
    (sent,) = caller.sent(SEEN, notifyUrl=URL)
    caller.advance("30s")
    assert pushed(caller) == [("VKONTAKTE", "DELIVERED")]
    caller.advance("31s")
    assert len(caller.pushed) == 2
    (seen,) = caller.pushed[1].rows
    report = caller.pushed[0].rows[0]
    assert seen == {
        "messageId": sent,
        "from": "from VKONTAKTE",
        "to": SEEN,
        "sendAt": report["sentAt"],
        "seenAt": seen["seenAt"],
    }
    assert seen["seenAt"] > report["doneAt"]
    assert len(caller.logs()) == len(caller.reports()) == 1


def test_a_seen_message_of_a_step_without_a_sender(caller: Caller) -> None:
    caller.create({"flow": [{"channel": "SMS"}], "default": True})
    caller.sent(SEEN, notifyUrl=URL)
    assert "from" not in caller.pushed[1].rows[0]


def test_in_real_time_a_report_is_pushed_when_its_time_has_come(caller: Caller) -> None:
    caller.behave(clock="real")
    caller.sent(LATE, notifyUrl=URL, vKontakte={"text": "x", "validityPeriod": 1})
    assert pushed(caller) == []
    caller.seconds += 62
    caller.app.catch_up()
    assert pushed(caller) == [("VKONTAKTE", "EXPIRED"), ("SMS", "DELIVERED")]
    caller.seconds += 60
    caller.app.catch_up()
    assert pushed(caller)[2:] == [("VKONTAKTE", "DELIVERED")]


def test_a_url_that_does_not_answer_is_tried_again_as_documented_until_it_is_given_up(caller: Caller) -> None:
    caller.behave(clock="manual")
    caller.answers = [ConnectionRefusedError("refused")] * 100
    caller.sent(ANYBODY, notifyUrl=URL)
    caller.advance("1s")
    minutes = []
    for number in range(1, 100):
        assert len(caller.pushed) == number
        state, attempts, note = states(caller)[0]
        assert (attempts, note) == (number, "ConnectionRefusedError: refused")
        if state == "given-up":
            break
        wait = 1 + number**2
        caller.advance(f"{wait - 1}m59s")
        assert len(caller.pushed) == number
        caller.advance("1s")
        minutes.append(wait)
    assert minutes[:3] == [2, 5, 10]
    assert sum(minutes) + 1 + (len(minutes) + 1) ** 2 > 47 * 60
    assert sum(minutes) < 48 * 60
    caller.advance("10d")
    assert len(caller.pushed) == len(minutes) + 1


def test_what_is_answered_in_the_end_is_sent(caller: Caller) -> None:
    caller.answers = [503, 302]
    caller.sent(ANYBODY, notifyUrl=URL)
    assert states(caller) == [("due", 1, "answered 503")]
    assert caller.control("GET", "status")["pushes_due"] == 1
    caller.advance("2m")
    assert states(caller) == [("due", 2, "answered 302")]
    caller.advance("5m")
    assert states(caller) == [("sent", 3, "")]
    assert len({json.dumps(each.rows) for each in caller.pushed}) == 1


def test_where_a_url_is_silent_the_others_to_it_are_not_tried_in_the_same_breath(caller: Caller) -> None:
    caller.answers = [TimeoutError("timed out")]
    caller.sent(ANYBODY, FALLS_OVER, notifyUrl=URL)
    assert len(caller.pushed) == 1
    assert states(caller) == [("due", 1, "TimeoutError: timed out")] * 3
    caller.advance("2m")
    assert len(caller.pushed) == 4


def test_many_pushes_are_all_made(caller: Caller) -> None:
    caller.sent(*(str(41_790_000_000 + number) for number in range(250)), notifyUrl=URL)
    assert len(caller.pushed) == 250


@pytest.mark.parametrize("fault", ["cut-after", "cut-body"])
def test_what_was_taken_and_not_answered_is_pushed_all_the_same(caller: Caller, fault: str) -> None:
    caller.fail(f"send:{fault}")
    with pytest.raises(ConnectionCutError):
        caller.send(ANYBODY, notifyUrl=URL)
    caller.app.catch_up()
    assert pushed(caller) == [("VKONTAKTE", "DELIVERED")]


@pytest.mark.parametrize(
    ("url", "note"),
    [
        ("http://example.com/reports", "nothing leaves this machine"),
        ("http://10.0.0.1/", "nothing leaves this machine"),
        ("http://localhost.example.com/", "nothing leaves this machine"),
        ("http://127.0.0.1@example.com/", "nothing leaves this machine"),
        ("http://0.0.0.0/", "nothing leaves this machine"),
        ("http://2130706433/", "nothing leaves this machine"),
        ("https://localhost/", "only http is spoken to this machine"),
        ("http://localhost:99999/", "the URL cannot be read"),
        ("http://[::1/", "the URL cannot be read"),
        ("http://localhost/é", "the URL cannot be read"),
    ],
)
def test_nothing_leaves_this_machine(caller: Caller, url: str, note: str) -> None:
    caller.sent(ANYBODY, notifyUrl=url)
    assert caller.pushed == []
    assert states(caller) == [("not-sent", 0, note)]
    assert caller.control("GET", "status")["pushes_due"] == 0
    with pytest.raises(OSError, match=note):
        post_here(url, b"", {})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "127.1.2.3", "[::1]:80", "user@localhost"])
def test_this_machine_has_several_names(caller: Caller, host: str) -> None:
    caller.sent(ANYBODY, notifyUrl=f"http://{host}/x")
    assert states(caller) == [("sent", 1, "")]


def test_xml_is_not_spoken(caller: Caller) -> None:
    caller.sent(ANYBODY, notifyUrl=URL, notifyContentType="application/xml")
    assert states(caller) == [("not-sent", 0, "XML is not spoken here")]
    caller.sent(ANYBODY, notifyUrl=URL, notifyContentType="Application/JSON; charset=utf-8")
    assert len(caller.pushed) == 1


def test_a_listener_that_asks_back_is_not_waited_for(caller: Caller) -> None:
    """Whoever asks while a push is under way gets his answer, and his pushes are made by the one who is pushing."""
    answered: list[object] = []

    def ask_back(url: str, body: bytes, headers: Any) -> int:
        if len(answered) < 2:
            answered.append("")
            thread = threading.Thread(target=lambda: answered.append(caller.send(ANYBODY, notifyUrl=URL).status))
            thread.start()
            thread.join(10)
            assert not thread.is_alive()
        return 200

    caller.app._post = ask_back
    caller.sent(ANYBODY, notifyUrl=URL)
    assert answered[:2] == ["", 200]
    assert states(caller) == [("sent", 1, "")] * 2


def test_two_who_push_the_same_world_push_nothing_twice(caller: Caller) -> None:
    other = Caller(caller.world)
    caller.answers = [500]
    caller.sent(ANYBODY, notifyUrl=URL)
    caller.advance("2m")
    other.app.catch_up()
    assert (len(caller.pushed), len(other.pushed)) == (2, 0)


def test_who_comes_in_the_middle_of_another_ones_pushes_takes_what_is_left_of_them(caller: Caller) -> None:
    other = Caller(caller.world)

    def let_in(url: str, body: bytes, headers: Any) -> int:
        other.app.catch_up()
        return 200

    caller.app._post = let_in
    caller.sent(FALLS_OVER, notifyUrl=URL)
    assert pushed(other) == [("SMS", "DELIVERED")]
    assert states(caller) == [("sent", 1, "")] * 2


def test_a_world_that_cannot_be_written_now_is_pushed_from_later(caller: Caller, tmp_path: Path) -> None:
    caller = Caller(World(tmp_path / "world.sqlite"))
    caller.scenario("SMS")
    caller.behave(clock="manual")
    caller.sent(ANYBODY, notifyUrl=URL)
    caller.world._connection.execute("PRAGMA busy_timeout = 0")
    caller.world.clock = (caller.seconds + 60, 0.0)
    other = sqlite3.connect(tmp_path / "world.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    caller.app.catch_up()
    assert caller.pushed == []
    other.execute("ROLLBACK")
    other.close()
    caller.app.catch_up()
    assert len(caller.pushed) == 1


# --- On the wire ------------------------------------------------------------------------------------------------


class _Listener(BaseHTTPRequestHandler):
    took: list[tuple[str, bytes, dict[str, str]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.took.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(200 if len(self.took) > 1 else 302)
        self.send_header("Location", "http://example.com/")
        self.end_headers()
        self.wfile.write(b"{}")
        self.server.heard.set()  # type: ignore[attr-defined]

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[HTTPServer]:
    _Listener.took = []
    with HTTPServer(("127.0.0.1", 0), _Listener) as server:
        server.heard = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_push_is_a_post_and_follows_no_redirect(listener: HTTPServer, host: str) -> None:
    url = f"http://{host}:{listener.server_port}/a/b?c=d#e"
    assert post_here(url, b"{}", {"x-one": "1"}) == 302
    path, body, headers = _Listener.took[0]
    assert (path, body, headers["content-type"], headers["x-one"]) == ("/a/b?c=d", b"{}", "application/json", "1")
    assert len(_Listener.took) == 1


def test_nobody_there_is_an_error() -> None:
    with HTTPServer(("127.0.0.1", 0), _Listener) as server:
        port = server.server_port
    with pytest.raises(ConnectionRefusedError):
        post_here(f"http://localhost:{port}", b"", {})


def test_a_push_is_signed_where_there_is_a_secret() -> None:
    caller = Caller(push_secret="s3cret")
    caller.scenario("SMS")
    caller.sent(ANYBODY, notifyUrl=URL)
    (push,) = caller.pushed
    body = json.dumps({"results": push.rows}, ensure_ascii=False).encode()
    digest = hmac.new(b"s3cret", body, hashlib.sha1).hexdigest().upper()
    assert push.headers == {"x-hub-signature": f"SHA1={digest}"}


def test_a_served_sandbox_pushes_in_real_time(listener: HTTPServer) -> None:
    caller = Caller(World(None)).behave(clock="real")
    caller.scenario("SMS")
    with served(caller.world) as url:
        Caller.send(caller, ANYBODY)  # by the way: a world may be used from outside too
        body = {
            "destinations": {"to": {"phoneNumber": ANYBODY}},
            "sms": {"text": "x"},
            "notifyUrl": f"http://127.0.0.1:{listener.server_port}/x",
        }
        assert httpx.post(f"{url}/omni/1/advanced", json=body, headers={"Authorization": "App x"}).status_code == 200
        assert listener.heard.wait(20)  # type: ignore[attr-defined]
    assert json.loads(_Listener.took[0][1])["results"][0]["channel"] == "SMS"
