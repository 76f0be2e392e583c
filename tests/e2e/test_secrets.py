"""A canary planted where a credential comes from appears in nothing that omnictl says or writes, however a run ends."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import pytest

from omnictl.cli.apply_output import APPLY_REPORTS
from omnictl.cli.plan_output import PLAN_REPORTS
from omnictl.codec.state import encode_state
from omnictl.model.address import make_address
from omnictl.model.scenario import Attributes, Step
from omnictl.model.state import Record, State
from tests.e2e.canaries import KEY, PAIR, PASSWORD, TOKEN, USER, account, find, find_in_files
from tests.e2e.running import Ran, omnictl

SOURCES: dict[str, tuple[Mapping[str, str], str, str]] = {
    "key": ({"INFOBIP_API_KEY": KEY}, "", f"App {KEY}"),
    "key with its scheme": ({"INFOBIP_API_KEY": f"App {KEY}"}, "", f"App {KEY}"),
    "token": ({"INFOBIP_TOKEN": TOKEN}, "", f"Bearer {TOKEN}"),
    "session": ({"INFOBIP_TOKEN": f"IBSSO {TOKEN}"}, "", f"IBSSO {TOKEN}"),
    "session that is renewed": (
        {"INFOBIP_TOKEN": f"IBSSO {TOKEN}", "INFOBIP_USERNAME": USER, "INFOBIP_PASSWORD": PASSWORD},
        "",
        f"IBSSO {TOKEN}",
    ),
    "user and password": ({"INFOBIP_USERNAME": USER, "INFOBIP_PASSWORD": PASSWORD}, "", f"Basic {PAIR}"),
    "variable of an own name": ({"ACME_ACCESS": KEY}, "credentials: {api_key_env: ACME_ACCESS}", f"App {KEY}"),
    "pair of own names": (
        {"ACME_USER": USER, "ACME_WORD": PASSWORD},
        "credentials: {username_env: ACME_USER, password_env: ACME_WORD}",
        f"Basic {PAIR}",
    ),
    "command": ({"OMNICTL_ALLOW_COMMANDS": "1"}, f"credentials: {{command: [{sys.executable}, key.py]}}", f"App {KEY}"),
    "keyring": ({}, "credentials: {keyring: omnictl/test}", f"App {KEY}"),
}
"""Every place that credentials come from: the environment, what the settings say, and what the account is sent."""

WAYS = (
    "401", "403", "400", "404", "409", "429", "500", "302", "html401", "html403", "html502", "garbage", "odd-fields",
    "half", "cut", "silent", "writes:401", "writes:400", "writes:500", "writes:302", "writes:garbage",
    "writes:odd-fields", "writes:half", "writes:cut",
)  # fmt: skip
"""How the account answers, every request or only writes; refusals and failures echo what they were sent everywhere."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing: what is looked for is in the words."""
    monkeypatch.setattr("omnictl.provider.exchange.MOST_TRIES", 1)
    monkeypatch.setattr("omnictl.transport.retry.FIRST_BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr("omnictl.provider.exchange.retry_after_seconds", lambda header, now: None)
    monkeypatch.setenv("OMNICTL_TIMEOUT", "20")
    monkeypatch.setenv("OMNICTL_SETTLE", "0")


def plant(project: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> str:
    """Plant the canary of a source; return what the account is to be sent."""
    environ, settings, sent = SOURCES[source]
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("keyring.get_password", lambda service, user: KEY)
    (project / "key.py").write_text(f"import sys\nprint({KEY!r})\nprint({KEY!r}, file=sys.stderr)\n")
    (project / "omnictl.yaml").write_text(f"version: 1\nenvironments:\n  test:\n    account: acme\n    {settings}\n")
    (project / "scenarios").mkdir()
    for number in range(3):
        (project / "scenarios" / f"s-{number}.yaml").write_text(f"name: S {number}\nflow: [{{channel: SMS}}]\n")
    return sent


def assert_unseen(project: Path, *ran: Ran) -> None:
    """Assert that no canary is in what was said or written; the file that prints the key is the source itself."""
    (project / "key.py").unlink(missing_ok=True)
    for each in ran:
        assert find(each.out) == []
        assert find(each.err) == []
    assert find_in_files(project) == {}


def run_all(kinds: Callable[[Sequence[str]], Sequence[str]]) -> list[Ran]:
    """Run every command that asks the account, at the highest verbosity, with reports of some kinds."""
    plan_reports = [part for kind in kinds(PLAN_REPORTS) for part in ("--report", f"{kind}=plan.{kind}")]
    apply_reports = [part for kind in kinds(APPLY_REPORTS) for part in ("--report", f"{kind}=apply.{kind}")]
    return [
        omnictl("plan", "-vv", "--out", "plan.json", *plan_reports),
        omnictl("plan", "--format", "json", "--log-format", "json", "-vv"),
        omnictl("doctor"),
        omnictl("doctor", "--format", "json"),
        omnictl("apply", "--yes", "-vv", "--color", "always", *apply_reports),
        omnictl("apply", "--yes", "--format", "json", "--log-format", "json", "-vv"),
    ]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("way", ["scenarios", "401"])
def test_canary_appears_nowhere(project: Path, monkeypatch: pytest.MonkeyPatch, source: str, way: str) -> None:
    sent = plant(project, monkeypatch, source)
    with account(way) as service:
        monkeypatch.setenv("INFOBIP_BASE_URL", service.url)
        # the renderings are the same for all sources, and take most of the time
        ran = run_all((lambda kinds: kinds) if source == "key" or way == "401" else (lambda kinds: kinds[1:2]))
        assert sent in service.authorizations
        if way == "401":
            assert {each.code for each in ran} == {5}
    assert_unseen(project, *ran)


@pytest.mark.parametrize(
    ("way", "source"), list(zip(WAYS, cycle(["user and password", "session that is renewed", "key"]), strict=False))
)
def test_canary_appears_nowhere_however_the_account_echoes_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, source: str, way: str
) -> None:
    sent = plant(project, monkeypatch, source)
    if way == "silent":
        monkeypatch.setenv("OMNICTL_TIMEOUT", "0.2")
    with account(way) as service:
        monkeypatch.setenv("INFOBIP_BASE_URL", service.url)
        ran = [
            omnictl("plan", "-vv", "--format", "json", "--log-format", "json", "--report", "html=plan.html"),
            omnictl("apply", "-vv", "--yes", "--report", "json=apply.json", "--report", "github=apply.txt"),
        ]
        assert sent in service.authorizations
        assert ran[-1].code in (1, 4, 5, 6)
    assert_unseen(project, *ran)


@pytest.mark.parametrize(
    ("way", "source"),
    list(zip(("rows", *WAYS), cycle(["key", "user and password", "session that is renewed"]), strict=False)),
)
def test_canary_appears_in_no_message_and_no_ledger_however_the_account_echoes_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, source: str, way: str
) -> None:
    sent = plant(project, monkeypatch, source)
    flow = Attributes("S 0", (Step("SMS"),))
    state = State(
        "lineage", "test", 1, records={make_address("s-0"): Record(make_address("s-0"), "K" * 32, flow, flow)}
    )
    (project / "state").mkdir()
    (project / "state" / "test.json").write_text(encode_state(state))
    if way == "silent":
        monkeypatch.setenv("OMNICTL_TIMEOUT", "0.2")
    with account(way) as service:
        monkeypatch.setenv("INFOBIP_BASE_URL", service.url)
        words = ("send", "s-0", "--to", "41793026731", "--text", "Hi", "--yes", "-vv", "--wait", "--timeout", "0s")
        ran = [
            omnictl(*words),
            omnictl(*words, "--new-run", "--format", "json", "--log-format", "json"),
            omnictl("reports", "pull", "--take", "-vv"),
            omnictl("reports", "log", "-vv", "--unmask"),
            omnictl("reports", "log", "--format", "json", "--unmask"),
            omnictl("reports", "list", "--unmask", "--format", "json"),
            omnictl("reports", "list", "--unmask", "--format", "csv"),
            omnictl("reports", "stats"),
        ]
        assert sent in service.authorizations
        assert all(each.code != 70 for each in ran)
    assert_unseen(project, *ran)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("place", ["omnictl.transport.client.HttpClient._send", "omnictl.transport.trust._parse"])
def test_canary_appears_in_no_log_of_a_bug(
    project: Path, monkeypatch: pytest.MonkeyPatch, source: str, place: str
) -> None:
    """The worst of bugs: one whose error quotes all that it can reach."""
    sent = plant(project, monkeypatch, source)

    def fail(*arguments: object) -> None:
        quoted = f"{sent!r} {sent} {SOURCES[source][0]} {PASSWORD}" if "PASSWORD" in str(SOURCES[source]) else sent
        raise RuntimeError(f"{quoted} {json.dumps(quoted)}") from KeyError(quoted)

    monkeypatch.setattr(place, fail)
    monkeypatch.setenv("INFOBIP_BASE_URL", "http://127.0.0.1:9")
    ran = [omnictl("plan", "-vv"), omnictl("apply", "--yes", "--format", "json", "--report", "json=apply.json")]
    assert {each.code for each in ran} == {70}
    logs = list((project / ".omnictl" / "logs").iterdir())
    assert len(logs) == 2
    assert all("[hidden]" in each.read_text() for each in logs)
    assert_unseen(project, *ran)


_WAITING_COMMAND = """
import pathlib, sys, time
pathlib.Path("begun").touch()
while not pathlib.Path("go").exists():
    time.sleep(0.02)
print({key!r})
"""


def _command_lines() -> str:
    """Return the command lines of all processes, as anybody on the machine can read them."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return "\n".join(lines)


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="command lines are read from /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("source", ["command", "user and password"])
def test_canary_appears_in_no_process_list_and_after_no_signal(
    project: Path, monkeypatch: pytest.MonkeyPatch, source: str, number: signal.Signals
) -> None:
    """While the command runs, while a request is on its way, and in what an end in the middle leaves behind."""
    sent = plant(project, monkeypatch, source)
    (project / "key.py").write_text(_WAITING_COMMAND.format(key=KEY))
    monkeypatch.setenv("OMNICTL_TIMEOUT", "30")
    with account("writes:silent") as service:
        monkeypatch.setenv("INFOBIP_BASE_URL", service.url)
        process = subprocess.Popen(
            [sys.executable, "-m", "omnictl", "apply", "--yes", "-vv"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if source == "command":
            _wait_for((project / "begun").exists)
            assert "key.py" in _command_lines()
            assert find(_command_lines()) == []
            (project / "go").touch()
        _wait_for(lambda: any(method == "POST" for method, _, _ in service.asked))
        assert find(_command_lines()) == []
        process.send_signal(number)
        service.gate.set()
        out, err = process.communicate(timeout=30)
    assert sent in service.authorizations
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert_unseen(project, Ran(0, out, err))
