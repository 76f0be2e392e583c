"""``omnictl sandbox``: served and in this process, with every way in which it can be misused."""

import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.e2e.running import omnictl
from tests.hostile.steering import find_steering


def test_consecutive_commands_share_a_world_and_reset_drops_it(project: Path) -> None:
    omnictl("init")
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    assert "scenarios  1\n" in omnictl("sandbox", "status").out
    ran = omnictl("sandbox", "reset")
    assert (ran.code, list((project / ".omnictl/sandbox").iterdir())) == (0, [])
    assert "scenarios  0\n" in omnictl("sandbox", "status").out
    assert "1 create" in omnictl("plan", "--sandbox").out


def test_status_in_json(project: Path) -> None:
    omnictl("init")
    omnictl("apply", "--sandbox", "--yes")
    found = omnictl("sandbox", "status", "--format", "json").document
    assert (found["kind"], found["sandbox"], found["scenarios"]) == ("sandbox", True, 1)
    assert found["requests"]["create"] == 1
    assert found["behaviour"]["throttle"] == "off"


def test_behave_is_kept_shown_and_switched_back(project: Path) -> None:
    omnictl("init")
    ran = omnictl("sandbox", "behave", "--put", "merge", "--fault", "list:503,times=2,skip=1,chance=50")
    assert ran.out.startswith("SANDBOX: nothing leaves this machine\n")
    assert f"{'--put':<22} merge  (usually replace)\n" in ran.out
    assert f"{'--fault':<22} list:503  (the next 2, after 1 more, by chance 50 %)\n" in ran.out
    assert "    --put                  merge  (usually replace)\n" in omnictl("sandbox", "status").out
    assert "usually" not in omnictl("sandbox", "behave", "--kind").out
    assert omnictl("sandbox", "behave").out.count("--fault") == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("behave", "--put", "mrge"), "'mrge' is not one of 'replace', 'merge'"),
        (("behave", "--latency", "-1"), "-1.0 is not in the range x>=0"),
        (("serve", "--latency", "inf"), "latency_seconds takes a number of at least 0, not inf."),
        (("behave", "--fault", "create:nonsense"), "There is no fault 'nonsense'; there are STATUS"),
        (("serve", "--port", "99999"), "99999 is not in the range"),
        (("advance", "2x"), "A duration is a number and ms, s, m, h or d, as 90s or 1h30m, not '2x'."),
        (("advance", "4000d"), "A duration is at most 3650d, not '4000d'."),
        (("recipient", "set", "41", "--outcome", "lost"), "'lost' is not one of 'delivered'"),
        (("recipient", "set", "41", "--outcome", "seen", "--status", "9"), "is of the group UNDELIVERABLE"),
        (("recipient", "drop", "41"), "There is no recipient 41."),
        (("recipient", "drop", "41", "--channel", "SMS"), "There is no recipient 41 with channel SMS."),
        (("recipient", "set", "41", "--channel", "FAX", "--outcome", "late"), "'FAX' is no channel; there are EMAIL,"),
        (("recipient", "drop"), "Name one recipient, or say --all."),
        (("recipient", "drop", "41", "--all"), "Name one recipient, or say --all."),
    ],
)
def test_wrong_usage_is_told(project: Path, arguments: tuple[str, ...], text: str) -> None:
    omnictl("init")
    ran = omnictl("sandbox", *arguments)
    assert (ran.code, ran.out) == (64, "")
    assert text in " ".join(ran.err.split())


def test_recipients_are_set_listed_and_dropped(project: Path) -> None:
    omnictl("init")
    assert "No recipients are set.\n" in omnictl("sandbox", "recipient", "list").out
    words = ("--outcome", "late", "--after", "2h", "--price", "0.5", "--status", "2", "--error", "0")
    ran = omnictl("sandbox", "recipient", "set", "41793026711", "--channel", "viber", *words)
    row = "  VIBER    late     2h     0.5    3/2 DELIVERED_TO_OPERATOR  0/0 NO_ERROR\n"
    assert (ran.code, ran.out.endswith(f"41793026711{row}")) == (0, True)
    assert omnictl("sandbox", "recipient", "drop", "41793026711", "--channel", "vk").code == 64
    assert "VKONTAKTE" in omnictl("sandbox", "recipient", "set", "41", "--channel", "VK", "--outcome", "late").out
    assert omnictl("sandbox", "recipient", "drop", "41").code == 0
    omnictl("sandbox", "recipient", "set", "a@example.com", "--outcome", "seen")
    listed = omnictl("sandbox", "recipient", "list").out
    assert f"\n41793026711  {row}" in listed
    assert "a@example.com  every    seen\n" in listed
    found = omnictl("sandbox", "recipient", "list", "--format", "json").document
    assert (found["kind"], found["sandbox"]) == ("sandbox-recipients", True)
    assert found["items"][1] == {"recipient": "a@example.com", "outcome": "seen"}
    assert "recipients 2 set\n" in omnictl("sandbox", "status").out
    assert omnictl("sandbox", "recipient", "drop", "41793026711", "--channel", "VIBER").err.endswith("1 dropped.\n")
    assert omnictl("sandbox", "recipient", "drop", "--all").err.endswith("1 dropped.\n")
    assert "No recipients are set.\n" in omnictl("sandbox", "recipient", "list").out


def test_the_clock_is_advanced_and_shown(project: Path) -> None:
    omnictl("init")
    omnictl("sandbox", "behave", "--clock", "manual")
    first = omnictl("sandbox", "status", "--format", "json").document["clock"]
    ran = omnictl("sandbox", "advance", "2d")
    second = omnictl("sandbox", "status", "--format", "json").document["clock"]
    assert ran.out.endswith(f"It is {second['now']} in the sandbox of test.\n")
    assert first["kind"] == second["kind"] == "manual"
    passed = datetime.fromisoformat(second["now"]) - datetime.fromisoformat(first["now"])
    assert passed.total_seconds() == 2 * 86_400
    assert f"clock      manual, {second['now']}\n" in omnictl("sandbox", "status").out


def test_messages_are_sent_by_the_clock_of_the_world(project: Path) -> None:
    omnictl("init")
    omnictl("apply", "--sandbox", "--yes")
    omnictl("sandbox", "behave", "--clock", "manual")
    omnictl("sandbox", "advance", "30d")
    now = datetime.fromisoformat(omnictl("sandbox", "status", "--format", "json").document["clock"]["now"])
    assert omnictl("send", "vk-sms", "--sandbox", "--to", "41793026700", "--text", "x", "--yes").code == 0
    omnictl("sandbox", "advance", "1h")
    omnictl("reports", "pull", "--sandbox")
    (story,) = omnictl("reports", "list", "--sandbox", "--format", "json").document["items"]
    assert 0 <= (datetime.fromisoformat(story["sent_at"]) - now).total_seconds() < 1
    assert 0 <= story["delivery_seconds"] <= 3600
    assert len(omnictl("reports", "list", "--sandbox", "--since", "90m", "--format", "json").document["items"]) == 1
    assert omnictl("reports", "list", "--sandbox", "--since", "30m", "--format", "json").document["items"] == []
    soon = (now + timedelta(days=179)).isoformat()
    words = ("vk-sms", "--sandbox", "--to", "41793026700", "--text", "x", "--dry-run", "--send-at")
    assert omnictl("send", *words, soon).code == 0
    assert omnictl("send", *words, (now - timedelta(days=1)).isoformat()).code == 1


@pytest.mark.parametrize(
    "spelled", ["0041793026700", "phone=+41 79 302 67 00", "41 (79) 302-67.00", "email=Ann@Example.COM"]
)
def test_recipients_are_spelled_as_for_sending(project: Path, spelled: str) -> None:
    omnictl("init")
    (project / "scenarios" / "mail.yaml").write_text(
        "id: mail\nname: Mail\nflow: [{channel: EMAIL, from: a@example.com}]\n"
    )
    omnictl("apply", "--sandbox", "--yes")
    assert omnictl("sandbox", "recipient", "set", spelled, "--outcome", "rejected").code == 0
    scenario = "mail" if "email" in spelled else "vk-sms"
    to = "ann@example.com" if "email" in spelled else "41793026700"
    omnictl("send", scenario, "--sandbox", "--to", to, "--text", "x")
    omnictl("reports", "pull", "--sandbox")
    (story,) = omnictl("reports", "list", "--sandbox", "--format", "json").document["items"]
    assert story["steps"][0]["state"] == "rejected"


def test_a_gap_is_permanent_when_the_world_is_two_days_older(project: Path) -> None:
    omnictl("init")
    omnictl("apply", "--sandbox", "--yes")
    omnictl("send", "vk-sms", "--sandbox", "--to", "41793026700", "--text", "x", "--yes")
    omnictl("sandbox", "behave", "--fault", "reports:cut-after", "--fault", "logs:503,times=99")
    assert omnictl("reports", "pull", "--sandbox").code == 4
    omnictl("sandbox", "behave", "--kind")
    omnictl("sandbox", "advance", "3d")
    omnictl("reports", "pull", "--sandbox")
    assert "1 pull lost for good" in omnictl("reports", "stats", "--sandbox").out


@pytest.mark.parametrize("host", ["\u202ex", "\udcff", "a\0b", "x" * 70, "..", "\x1b[2J"])
def test_a_host_that_is_no_address_is_told(project: Path, host: str) -> None:
    ran = omnictl("sandbox", "serve", "--host", host)
    assert ran.code == 1
    assert "error[cannot-listen]" in ran.err
    assert find_steering(ran.err) == ""


def test_a_reader_of_the_address_that_is_gone_is_no_taken_port(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("omnictl.cli.output._deliver", fail)
    monkeypatch.setattr("omnictl.cli.output.silence", lambda stream: None)
    ran = omnictl("sandbox", "serve")
    assert (ran.code, ran.err) == (141, "")


@pytest.mark.parametrize(
    "bend",
    [
        "UPDATE scenarios SET body = '{'",
        "UPDATE scenarios SET body = '[]'",
        "UPDATE scenarios SET body = '{}'",
        'UPDATE scenarios SET body = \'{"name": 1, "flow": []}\'',
        'UPDATE scenarios SET body = \'{"name": "a", "flow": [[]]}\'',
        "UPDATE scenarios SET body = x'ff'",
        "UPDATE scenarios SET body = 5",
        "UPDATE scenarios SET key = x'ff'",
        "UPDATE scenarios SET before = '{'",
        "UPDATE scenarios SET changed_at = 'soon'",
        "UPDATE requests SET operation = x'ff'",
        "INSERT INTO later (at, body) VALUES (9e9, '{')",
        "INSERT INTO faults (fault) VALUES ('[')",
        "INSERT INTO faults (fault) VALUES ('{}')",
        "INSERT INTO behaviour VALUES ('[]')",
        "INSERT INTO behaviour VALUES ('{')",
        "ALTER TABLE scenarios DROP COLUMN body",
    ],
)
def test_a_world_that_somebody_bent_names_the_cure(project: Path, bend: str) -> None:
    omnictl("init")
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    with closing(sqlite3.connect(project / ".omnictl/sandbox/test/world.sqlite")) as connection:
        connection.execute(bend)
        connection.commit()
    for arguments in (("plan", "--sandbox"), ("sandbox", "status"), ("sandbox", "behave"), ("apply", "--sandbox")):
        ran = omnictl(*arguments)
        assert ran.code == 1
        assert "error[sandbox-world]" in ran.err
    assert omnictl("sandbox", "reset").code == 0
    assert omnictl("plan", "--sandbox").code == 0


def test_what_a_world_holds_steers_nothing(project: Path) -> None:
    omnictl("init")
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    with closing(sqlite3.connect(project / ".omnictl/sandbox/test/world.sqlite")) as connection:
        connection.execute("UPDATE scenarios SET key = ?", ("\x1b[2J\u202e",))
        connection.execute("UPDATE requests SET operation = ?", ("\x1b[3J\rx",))
        connection.commit()
    ran = omnictl("sandbox", "status")
    assert ran.code == 0
    assert r"\x1b[2J\u202e" in ran.out
    assert find_steering(ran.out + ran.err) == ""


def test_a_damaged_world_names_the_cure(project: Path) -> None:
    omnictl("init")
    omnictl("plan", "--sandbox")
    (project / ".omnictl/sandbox/test/world.sqlite").write_bytes(b"x" * 5000)
    for arguments in (("plan", "--sandbox"), ("sandbox", "status")):
        ran = omnictl(*arguments)
        assert ran.code == 1
        assert "error[sandbox-world]" in ran.err
        assert "    omnictl sandbox reset\n" in ran.err
    assert omnictl("sandbox", "reset").code == 0
    assert omnictl("plan", "--sandbox").code == 0


def test_a_taken_port_is_told(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = omnictl("sandbox", "serve", "--port", str(port))
    assert ran.code == 1
    said = (
        f"error[cannot-listen]: The sandbox cannot listen on this address\n  127.0.0.1:{port}: Address already in use."
    )
    assert said in ran.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_its_address_and_ends_cleanly_on_a_signal(project: Path, number: signal.Signals) -> None:
    command = [
        sys.executable,
        "-m",
        "omnictl",
        "sandbox",
        "serve",
        "--world",
        "w.sqlite",
        "--api-key",
        "k",
        "--put",
        "merge",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    assert httpx.get(f"{url}/omni/1/scenarios", headers={"Authorization": "App other"}).status_code == 401
    assert httpx.get(f"{url}/omni/1/scenarios", headers={"Authorization": "App k"}).json() == {"scenarios": []}
    assert httpx.get(f"{url}/sandbox/behaviour").json()["put"] == "merge"
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert (project / "w.sqlite").exists()
