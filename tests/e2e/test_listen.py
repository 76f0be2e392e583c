"""``omnictl reports listen``: from the sandbox's pushes to the stories, however it is ended, and what it refuses."""

import json
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from omnictl.cli.commands import report_listening
from omnictl.operations.receiving import Receiver
from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.store import World
from tests.e2e.canaries import find, find_in_files
from tests.e2e.listening import kept_ids, listening, push
from tests.e2e.processes import end, read_until
from tests.e2e.running import Ran, omnictl
from tests.served import served
from tests.unit.listener.pushing import INBOUND, ROW, SEEN, body_of, sign

SECRET = 'canary/+"&<push%2Fsecret 0123456789'
LEDGER = Path(".omnictl/sandbox/test/ledger.db")


@pytest.fixture
def scenario(project: Path) -> Path:
    """Declare a scenario in the environment ``test``."""
    (project / "omnictl.yaml").write_text("version: 1\nenvironments:\n  test:\n    account: acme\n")
    (project / "scenarios").mkdir()
    flow = "[{channel: VKONTAKTE}, {channel: SMS, from: InfoSMS}]"
    (project / "scenarios" / "vk-sms.yaml").write_text(f"name: VK, then SMS\nflow: {flow}\n")
    return project


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Serve a sandbox that signs what it pushes, as the account of the environment."""
    world = World(None)
    world.behaviour = Behaviour(message_ids="step")
    with served(world, push_secret=SECRET) as url:
        monkeypatch.setenv("INFOBIP_BASE_URL", url)
        monkeypatch.setenv("INFOBIP_API_KEY", "key")
        yield world


def send(to: str, url: str) -> Ran:
    return omnictl("send", "vk-sms", "--to", to, "--text", "Your order is on its way", "--notify-url", url, "--yes")


def test_what_the_account_pushes_is_the_story_of_what_was_sent(
    scenario: Path, account: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNICTL_LISTEN_SECRET", SECRET)
    assert omnictl("apply", "--yes").code == 0
    with listening("--limit", "3", "--path", "/from/infobip", sandbox=False) as (process, url):
        assert url.endswith("/from/infobip")
        assert send("41793026731", url).code == 0
        assert send("41793026706", url).code == 0
        code, out, err = end(process)
    assert code == 0, err
    assert err.count(" push     1 report, 1 new\n") == 3
    lines = out.splitlines()
    assert "41*******31  vk-sms" in lines[-1] or "41*******06  vk-sms" in lines[-1]
    assert all("delivered" in each for each in lines[1:])
    shown = omnictl("reports", "list", "--format", "json").document["items"]
    assert [each["outcome"] for each in shown] == ["delivered", "delivered"]
    assert [[step["state"] for step in each["steps"]] for each in shown] == [
        ["undeliverable", "delivered"],
        ["delivered", "not attempted"],
    ]
    assert find(out + err, [SECRET]) == []


def test_a_push_with_another_secret_is_refused_and_comes_again(
    scenario: Path, account: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_NAME", "another secret")
    assert omnictl("apply", "--yes").code == 0
    with listening("--secret-env", "OTHER_NAME", sandbox=False) as (process, url):
        assert send("41793026731", url).code == 0
        read_until(process, "401: The push is not signed with the secret.")
        code, _, _ = end(process, signal.SIGTERM)
    assert code == 0
    assert kept_ids(scenario / ".omnictl" / "ledger" / "test.db") == []


def test_lines_for_programs(scenario: Path) -> None:
    with listening("--format", "ndjson", "--limit", "2", "--log-format", "json", "--unmask") as (process, url):
        assert push(url, body_of(ROW)) == 200
        assert push(url, body_of(INBOUND, 7)) == 200
        code, out, err = end(process)
    story = json.loads(out)
    assert (code, story["message_id"], story["recipient"]) == (0, "M-1", {"to": ROW["to"]})
    events = [json.loads(line) for line in err.splitlines()]
    assert [(each["event"], each.get("code")) for each in events if each["event"] != "message"] == [
        ("push", None),
        ("push", None),
        ("diagnostic", "push-unreadable"),
        ("diagnostic", "inbound-not-kept"),
    ]


def test_addresses_are_masked_and_quiet_says_only_what_is_wrong(scenario: Path) -> None:
    with listening("--quiet", "--limit", "2") as (process, url):
        assert push(url, body_of(ROW)) == 200
        assert push(url + "/x", body_of(ROW)) == 404
        assert push(url, body_of(SEEN)) == 200
        code, out, err = end(process)
    assert (code, "41*******31" in out, ROW["to"] in out + err) == (0, True, False)
    assert err.startswith("warning[push-refused]: A request was refused, and nothing of it is kept\n  404: ")
    assert err.rstrip().endswith("hint: compare notifyUrl with the first line of stdout")


# --- ends ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_how_it_ends(scenario: Path, number: signal.Signals) -> None:
    with listening() as (process, url):
        assert push(url, body_of(ROW)) == 200
        code, _, err = end(process, number)
    assert code == 0
    assert "Stopping: what has come in is kept and answered. Once more ends at once.\n" in err
    assert "push     1 report, 1 new\n" in err
    assert kept_ids(LEDGER) == ["M-1"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_all_pushes_came_is_told_by_the_code(scenario: Path, number: signal.Signals) -> None:
    with listening("--limit", "2") as (process, url):
        assert push(url, body_of(ROW)) == 200
        code, _, _ = end(process, number)
    assert code == 128 + number


def test_a_reader_that_goes_away_ends_it(scenario: Path) -> None:
    with listening() as (process, url):
        assert process.stdout is not None
        process.stdout.close()
        assert push(url, body_of(ROW)) == 200
        assert process.wait(30) == 141
        process.stdout = None
    assert kept_ids(LEDGER) == ["M-1"]


_KILLER = """
import os, signal, sys
from omnictl.__main__ import main
from omnictl.ledger.sqlite import SqliteLedger

original = SqliteLedger.add_reports

def add_reports(self, rows, *rest):
    dying = rows[0].report.message_id == "M-3"
    if dying and {before}:
        os.kill(os.getpid(), signal.SIGKILL)
    new = original(self, rows, *rest)
    if dying:
        os.kill(os.getpid(), signal.SIGKILL)
    return new

SqliteLedger.add_reports = add_reports
sys.argv[0] = "omnictl"
main()
"""


@pytest.mark.parametrize("before", [True, False])
def test_nothing_that_was_answered_is_missing_after_a_kill(scenario: Path, before: bool) -> None:
    """The one that was not answered comes again, and is there once, whether it had been kept or not."""
    bodies = {f"M-{number}": body_of({**ROW, "messageId": f"M-{number}"}) for number in range(4)}
    answered = []
    with listening(command=(sys.executable, "-c", _KILLER.format(before=before))) as (process, url):
        for name, body in bodies.items():
            try:
                assert push(url, body) == 200
                answered.append(name)
            except httpx.TransportError:
                break
        assert process.wait(30) == -signal.SIGKILL
    assert answered == ["M-0", "M-1", "M-2"]
    assert kept_ids(LEDGER) == [*answered, *([] if before else ["M-3"])]
    with listening("--limit", "4") as (process, url):
        for body in bodies.values():
            assert push(url, body) == 200
        assert end(process)[0] == 0
    assert kept_ids(LEDGER) == list(bodies)


# --- what goes wrong while it listens ------------------------------------------------------------------------------


class Listening:
    """The command in this process, and pushes from another thread."""

    def __init__(self, *words: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.words = ("reports", "listen", "--sandbox", "--port", str(self.port), *words)
        self.url = f"http://127.0.0.1:{self.port}/reports"

    def run(self, *bodies: bytes) -> tuple[Ran, list[int]]:
        statuses: list[int] = []
        pushing = threading.Thread(target=lambda: statuses.extend(map(self._push, bodies)))
        pushing.start()
        ran = omnictl(*self.words)
        pushing.join(30)
        return ran, statuses

    def _push(self, body: bytes) -> int:
        until = time.monotonic() + 30
        while True:
            try:
                return push(self.url, body)
            except httpx.ConnectError:
                assert time.monotonic() < until
                time.sleep(0.02)


def test_a_ledger_that_cannot_be_written_lets_the_push_come_again(
    scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_listening, "BUSY_SECONDS", 0.2)
    assert omnictl("reports", "log", "--sandbox").code == 0  # which makes the ledger
    original = Receiver.receive
    tries: list[str] = []

    def receive(self: Receiver, body: bytes) -> str:
        tries.append("")
        if len(tries) > 2:
            return original(self, body)
        with closing(sqlite3.connect(LEDGER, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            return original(self, body)

    monkeypatch.setattr(Receiver, "receive", receive)
    ran, statuses = Listening("--limit", "1").run(*[body_of(ROW)] * 3)
    assert (ran.code, statuses) == (0, [503, 503, 200])
    assert "error[push-not-kept]: A push could not be kept; it was answered with 503" in ran.err
    assert "Another process is writing the ledger: " in ran.err
    assert kept_ids(LEDGER) == ["M-1"]


def test_a_bug_is_told_and_logged_once_and_the_listening_goes_on(
    scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_NAME", SECRET)
    original = Receiver.receive
    tries: list[str] = []

    def receive(self: Receiver, body: bytes) -> str:
        tries.append("")
        if len(tries) < 3:
            raise KeyError(f"{SECRET} {json.dumps(SECRET)}")
        return original(self, body)

    monkeypatch.setattr(Receiver, "receive", receive)
    monkeypatch.setattr("tests.e2e.listening.JSON", {"Content-Type": "application/json", **_signed(body_of(ROW))})
    ran, statuses = Listening("--limit", "1", "--secret-env", "OTHER_NAME").run(*[body_of(ROW)] * 3)
    assert (ran.code, statuses) == (0, [500, 500, 200])
    assert "error[bug]: This is a bug in omnictl\n  KeyError in test_listen.py:" in ran.err
    assert "The push was answered with 500, so that it comes again." in ran.err
    logs = list((scenario / ".omnictl" / "logs").iterdir())
    assert len(logs) == 1
    assert find(ran.out + ran.err, [SECRET]) == []
    assert find_in_files(scenario, [SECRET]) == {}


def _signed(body: bytes) -> dict[str, str]:
    return {"x-hub-signature": sign(body, SECRET)}


def test_stories_that_cannot_be_read_are_shown_by_the_next(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from omnictl.errors import LedgerError
    from tests.builders import problem

    def fail(*arguments: object) -> None:
        raise LedgerError(problem("ledger-busy"))

    with patch("omnictl.cli.push_output.iterate_arrived", fail):
        ran, statuses = Listening("--limit", "1").run(body_of(ROW))
    assert (ran.code, statuses, len(ran.out.splitlines())) == (0, [200], 1)
    assert "warning[push-not-shown]: A push is in the ledger and was not shown" in ran.err
    assert "M-1" in omnictl("reports", "list", "--sandbox").out


def test_more_pushes_than_a_reader_takes_are_kept_all_the_same(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.cli.push_output._MOST_WAITING", 1)
    monkeypatch.setattr("omnictl.cli.push_output.PushOutput._show_stories", lambda *given: time.sleep(1.0))
    bodies = [body_of({**ROW, "messageId": f"M-{number}"}) for number in range(4)]
    ran, statuses = Listening("--limit", "2").run(*bodies)
    assert (ran.code, statuses) == (0, [200] * 4)
    assert "warning[push-not-shown]" in ran.err
    assert kept_ids(LEDGER) == ["M-0", "M-1", "M-2", "M-3"]


def test_a_server_that_dies_is_a_bug_and_not_a_silence(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.listener.server.Server._loop", lambda self: None)
    ran = omnictl("reports", "listen", "--sandbox")
    assert (ran.code, "RuntimeError in server.py" in ran.err) == (70, True)


# --- what it refuses to begin with ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "environ", "code", "said"),
    [
        (("--host", "0.0.0.0"), {}, 3, "error[unsigned-pushes]: Anybody could push here"),
        (("--host", ""), {}, 3, "error[unsigned-pushes]"),
        (("--host", "::"), {}, 3, "error[unsigned-pushes]"),
        (("--host", "example.com"), {}, 3, "Other machines can reach example.com"),
        (("--host", "192.0.2.1", "--unsigned"), {}, 1, "error[cannot-listen]: omnictl cannot listen on this address"),
        (("--host", "192.0.2.1"), {"OMNICTL_LISTEN_SECRET": SECRET}, 1, "error[cannot-listen]"),
        (("--secret-env", SECRET), {}, 64, "The variable that --secret-env names is not set."),
        (("--secret-env", "EMPTY"), {"EMPTY": " "}, 64, "The variable that --secret-env names is set, and empty."),
        ((), {"OMNICTL_LISTEN_SECRET": ""}, 64, "OMNICTL_LISTEN_SECRET is set, and empty."),
        (("--unsigned",), {"OMNICTL_LISTEN_SECRET": SECRET}, 64, "and --unsigned says that none is asked for."),
        (("--path", "reports"), {}, 64, "a path is as /reports or /a/b"),
        (("--path", "/a/../b"), {}, 64, "a path is as /reports or /a/b"),
        (("--path", "/a?b"), {}, 64, "a path is as /reports or /a/b"),
        (("--limit", "0"), {}, 64, "0 is not in the range x>=1"),
        (("--format", "csv"), {}, 64, "'csv' is not one of 'text', 'ndjson'"),
    ],
)
def test_a_listening_that_makes_no_sense_is_refused(
    scenario: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    environ: dict[str, str],
    code: int,
    said: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    ran = omnictl("reports", "listen", "--sandbox", *words)
    assert (ran.code, ran.out) == (code, "")
    assert said in " ".join(ran.err.split())
    assert find(ran.err, [SECRET]) == []


def test_a_taken_port_is_told(scenario: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = omnictl("reports", "listen", "--sandbox", "--port", str(port))
    assert (ran.code, f"127.0.0.1:{port}: Address already in use." in ran.err) == (1, True)
    assert "    omnictl reports listen --port 0 --sandbox\n" in ran.err


def test_a_pipeline_needs_a_ledger_that_lasts(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    ran = omnictl("reports", "listen")
    assert (ran.code, "error[ledger-in-ci]" in ran.err) == (3, True)


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("localhost", "http://localhost:"),
        pytest.param("::1", "http://[::1]:", marks=pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 here")),
    ],
)
def test_loopback_needs_no_secret(scenario: Path, host: str, shown: str) -> None:
    with listening("--host", host) as (process, url):
        assert url.startswith(shown)
        assert push(url, body_of(ROW)) == 200
        assert end(process, signal.SIGTERM)[0] == 0


def test_the_secret_stands_in_no_command_line(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNICTL_LISTEN_SECRET", SECRET)
    with listening("--host", "0.0.0.0", "--limit", "2", "-vv") as (process, url):
        here = url.replace("0.0.0.0", "127.0.0.1")
        path = Path(f"/proc/{process.pid}/cmdline")
        assert not path.exists() or find(path.read_text(), [SECRET]) == []
        for body in (body_of(ROW), body_of(SEEN)):
            assert push(here, body) == 401
            assert push(here, body, **{"x-hub-signature-256": sign(body, SECRET, "sha256")}) == 200
        code, out, err = end(process)
    assert code == 0
    assert "401: The push is not signed with the secret." in err
    assert find(out + err, [SECRET]) == []
    assert find_in_files(scenario, [SECRET]) == {}
