"""``omnictl send`` as a person uses it: what it asks, what it refuses, what it says, and with which code it ends."""

import io
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from omnictl.sandbox.faults import parse_fault
from omnictl.sandbox.store import World
from tests.e2e.conftest import ServeSandbox
from tests.e2e.processes import OMNICTL
from tests.e2e.running import Ran, omnictl

SEED = "41793026731"
TEXTS = ("--text", "VKONTAKTE=This is VK message.", "--text", "SMS=This is the SMS failover message")


@pytest.fixture
def world(serve_sandbox: ServeSandbox) -> World:
    """A served account, which is a real one to omnictl."""
    return serve_sandbox()


@pytest.fixture
def applied(project: Path, world: World) -> Path:
    """A project whose scenario is applied to it."""
    omnictl("init")
    assert omnictl("apply", "--yes").code == 0
    return project


def send(*words: str) -> Ran:
    return omnictl("send", "vk-sms", *words)


def sent() -> list[dict[str, Any]]:
    """Return what the account took, as its control endpoint tells it."""
    messages: list[dict[str, Any]] = httpx.get(f"{os.environ['INFOBIP_BASE_URL']}/sandbox/messages").json()["messages"]
    return messages


# --- options -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "Say to whom"),
        ("--to 41 --recipients r.csv", "do not go together"),
        ("--to 41 --bad-rows b.csv", "--bad-rows goes with --recipients"),
        ("--recipients r.csv --wait", "--wait goes with --to"),
        ("--to 41 --timeout 3s", "--timeout goes with --wait"),
        ("--to 41 --resend-unknown", "--resend-unknown goes with --resume"),
        ("--to 41 --resume a --new-run", "do not go together"),
        ("--to - --to -", "--to - can be given once"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(project: Path, words: str, said: str) -> None:
    ran = send("--sandbox", *words.split())
    assert ran.code == 64
    assert said in ran.err


def test_a_scenario_that_was_not_applied_is_told(project: Path) -> None:
    omnictl("init")
    assert "There is no state yet" in send("--sandbox", "--to", SEED, "--text", "Hi").err
    omnictl("apply", "--sandbox", "--yes")
    ran = omnictl("send", "vk-sm", "--sandbox", "--to", SEED, "--text", "Hi")
    assert ran.code == 64
    assert "did you mean vk-sms?" in ran.err
    ran = omnictl("send", "otp", "--sandbox", "--to", SEED, "--text", "Hi")
    assert "omnictl apply --sandbox" in ran.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--to", SEED), 1, "no-content"),
        (("--to", SEED, "--text", "SMS=Hi"), 1, "no-content"),
        (("--to", SEED, "--text", "Hi", "--send-at", "2020-01-01T00:00:00Z"), 1, "wrong-send-at"),
        (("--to", SEED, "--text", "Hi", "--message", "gone.yaml"), 1, "gone.yaml"),
        (("--to", "0793026731", "--text", "Hi"), 64, "not international"),
        (("--to", "e@example.com", "--text", "Hi"), 64, "no-address"),
        (("--recipients", "gone.csv", "--text", "Hi"), 64, "recipients-unusable"),
        (("--recipients", "/dev/null", "--text", "Hi"), 64, "it is not a file"),
        (("--recipients", "empty.csv", "--text", "Hi"), 1, "empty.csv"),
        (("--recipients", "bad.csv", "--text", "Hi"), 1, "nobody"),
        (("--recipients", "texts.csv", "--text", "Hi"), 1, "text"),
        (("--recipients", "bad.csv", "--text", "Hi", "--bad-rows", "bad.csv"), 64, "the file of recipients itself"),
        (("--recipients", "bad.csv", "--text", "Hi", "--bad-rows", "no/such/folder.csv"), 64, "No such file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_leaves(
    applied: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    (applied / "empty.csv").write_text("")
    (applied / "bad.csv").write_text("phone\n12\n")
    (applied / "texts.csv").write_text(f"phone,text\n{SEED},Hi\n")
    ran = send(*words, "--yes")
    assert ran.code == code, ran.err
    assert said in ran.err
    assert SEED not in ran.err
    assert sent() == []


# --- approval ----------------------------------------------------------------------------------------------------


def test_a_real_account_asks_and_the_command_that_approves_holds_no_personal_data(applied: Path) -> None:
    ran = send("--to", SEED, *TEXTS)
    assert ran.code == 3
    assert "This is VK message." not in ran.err, "nobody is there to review it"
    assert "To 1 recipient, in 1 request." in ran.err
    assert "omnictl send vk-sms … --yes" in ran.err
    assert SEED not in ran.err + ran.out
    assert sent() == []
    ran = send("--to", SEED, *TEXTS, "--yes")
    assert ran.code == 0, ran.err
    assert SEED not in ran.err + ran.out
    assert len(sent()) == 1


def test_who_is_asked_sees_the_texts(applied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.cli.approval.is_terminal", lambda _: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    ran = send("--to", SEED, *TEXTS)
    assert ran.code == 3
    assert '"This is VK message."' in ran.err
    assert "not-approved" in ran.err
    assert SEED not in ran.err


def test_unmask_shows_to_whom(applied: Path) -> None:
    assert SEED in send("--to", SEED, *TEXTS, "--yes", "--unmask").out


def test_a_pipeline_needs_a_ledger_that_lasts_for_a_file(applied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (applied / "r.csv").write_text(f"phone\n{SEED}\n")
    monkeypatch.setenv("CI", "true")
    ran = send("--recipients", "r.csv", *TEXTS, "--yes")
    assert ran.code == 3
    assert "ledger-in-ci" in ran.err
    assert send("--recipients", "r.csv", *TEXTS, "--yes", "--ledger", "kept.db").code == 0
    monkeypatch.setenv("OMNICTL_LEDGER", "kept.db")
    assert "sent-before" in send("--recipients", "r.csv", *TEXTS, "--yes").err


# --- content -----------------------------------------------------------------------------------------------------


def test_the_message_file_of_the_scenario_is_the_default(applied: Path) -> None:
    scenario = applied / "scenarios" / "vk-sms.yaml"
    scenario.write_text(scenario.read_text() + "message_file: vk-sms.message.yaml\n")
    (applied / "scenarios" / "vk-sms.message.yaml").write_text("vKontakte: {text: By VK}\nsms: {text: By SMS}\n")
    (applied / "other.yaml").write_text("vKontakte: {text: Other}\nsms: {text: Other, validityPeriod: 90}\n")
    assert send("--to", SEED, "--yes").code == 0
    assert send("--to", SEED, "--yes", "--message", "other.yaml", "--text", "SMS=Mine").code == 0
    ran = send("--to", SEED, "--message", "other.yaml", "--text", "SMS=Mine", "--dry-run", "--format", "json")
    body = ran.document["request"]["body"]
    assert body["sms"] == {"text": "Mine", "validityPeriod": 90}
    assert body["vKontakte"] == {"text": "Other"}
    log = omnictl("reports", "log", "--format", "json", "--unmask").document["items"]
    assert {each["text"] for each in log} >= {"By VK", "By SMS", "Other", "Mine"}


def test_a_dry_run_shows_the_request_and_sends_nothing(applied: Path) -> None:
    ran = send("--to", SEED, *TEXTS, "--dry-run")
    assert ran.code == 0
    assert "POST /omni/1/advanced" in ran.out
    assert '"phoneNumber": "41*******31"' in ran.out
    assert "Nothing was sent." in ran.out
    assert SEED in send("--to", SEED, *TEXTS, "--dry-run", "--unmask").out
    assert sent() == []
    assert not (applied / ".omnictl" / "ledger").exists()


def test_recipients_come_from_stdin(applied: Path) -> None:
    lines = f"{SEED}\n\n+41 79 302 67 27\n{SEED}\n"
    words = ("send", "vk-sms", "--to", "-", *TEXTS, "--yes")
    done = subprocess.run([*OMNICTL, *words], input=lines, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "same-recipient" in done.stderr
    assert len(sent()) == 2


def test_everybody_is_checked_however_much_there_is_to_say_of_others(applied: Path) -> None:
    lines = [f"phone=417930{10000 + n},email=a{n}@example.com" for n in range(120)]
    words = ("send", "vk-sms", "--to", "-", *TEXTS, "--yes")
    given = "\n".join([*lines, "email=z@example.com"])
    done = subprocess.run([*OMNICTL, *words], input=given, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 64
    assert "recipient 121: it has no phone number" in done.stderr
    assert sent() == []


def test_without_a_stdin_there_is_nobody_to_send_to(applied: Path) -> None:
    closed = 'exec "$@" <&-'
    command = ["sh", "-c", closed, "sh", *OMNICTL, "send", "vk-sms", "--to", "-", *TEXTS, "--yes"]
    done = subprocess.run(command, text=True, capture_output=True, timeout=60, check=False)
    assert (done.returncode, "error[nobody]" in done.stderr) == (1, True)


def test_receipts_are_one_document(applied: Path) -> None:
    document = send("--to", SEED, "--to", "41793026700", *TEXTS, "--yes", "--format", "json").document
    assert document["accepted"] == 2
    assert [each["fate"] for each in document["items"]] == ["accepted", "accepted"]
    assert document["items"][0]["to"] == {"phone": "41*******31"}
    assert document["scenario"]["id"] == "vk-sms"
    assert {each["bulk_id"] for each in document["items"]} == {document["items"][0]["bulk_id"]}


# --- how it ends -------------------------------------------------------------------------------------------------


def test_a_refused_message_ends_with_4(applied: Path) -> None:
    ran = send("--to", "41793026708", *TEXTS, "--yes")
    assert ran.code == 4
    assert "1 refused" in ran.out


def test_wrong_credentials_end_with_5_and_nobody_was_tried(applied: Path, world: World) -> None:
    world.add_fault(parse_fault("send:401,times=0"))
    ran = send("--to", SEED, *TEXTS, "--yes")
    assert ran.code == 5, ran.err
    assert "1 not tried" in ran.out
    assert "--resume" in ran.err


def test_a_lost_answer_ends_with_4_and_says_how_to_go_on(applied: Path, world: World) -> None:
    world.add_fault(parse_fault("send:cut-before"))
    ran = send("--to", SEED, *TEXTS, "--yes")
    assert ran.code == 4
    assert "1 unknown" in ran.out
    assert "--resume" in ran.err
    assert "--resend-unknown" in ran.err
    again = send("--to", SEED, *TEXTS, "--yes")
    assert again.code == 3
    assert "unfinished-run" in again.err
    run = again.err.split("Run ")[1].split()[0]
    assert send("--to", SEED, *TEXTS, "--yes", "--resume", run).code == 4
    assert sent() == []
    ended = send("--to", SEED, *TEXTS, "--yes", "--resume", run, "--resend-unknown")
    assert ended.code == 0, ended.err
    assert len(sent()) == 1
    assert send("--to", SEED, *TEXTS, "--yes", "--resume", "none").code == 64
    assert "other-run" in send("--to", SEED, "--text", "x", "--yes", "--resume", run).err


def test_a_taken_message_whose_answer_was_lost_is_found_in_the_logs(applied: Path, world: World) -> None:
    world.add_fault(parse_fault("send:cut-after"))
    ran = send("--to", SEED, *TEXTS, "--yes")
    assert "1 accepted" in ran.out
    assert len(sent()) == 1


def test_waiting_tells_the_story(applied: Path) -> None:
    ran = send("--to", SEED, *TEXTS, "--yes", "--wait")
    assert ran.code == 0, ran.err
    assert "delivered by SMS" in ran.out
    ran = send("--to", "41793026701", *TEXTS, "--yes", "--wait")
    assert ran.code == 4
    assert "undelivered" in ran.out
    ran = send("--to", "41793026707", *TEXTS, "--yes", "--wait", "--timeout", "0s")
    assert ran.code == 6


def test_a_file_is_sent_once_and_bad_rows_are_kept_apart(applied: Path) -> None:
    rows = f"phone;_name\n{SEED};A\n0041 79 302 67 27;B\n12;=C()\n+{SEED};D\n"
    (applied / "r.csv").write_text(rows)
    ran = send("--recipients", "r.csv", *TEXTS, "--yes", "--bad-rows", "bad.csv")
    assert ran.code == 0, ran.err
    assert "line 4" in ran.err
    assert "2 accepted" in ran.out
    assert "Left out: 1 row for somebody who was named before." in ran.err
    assert (applied / "bad.csv").read_text().splitlines()[1].endswith("12,'=C()")
    assert (applied / "bad.csv").stat().st_mode & 0o777 == 0o600
    assert len(sent()) == 2
    assert "sent-before" in send("--recipients", "r.csv", *TEXTS, "--yes").err
    assert len(sent()) == 2
    assert send("--recipients", "r.csv", *TEXTS, "--yes", "--again", "--batch-size", "1").code == 0
    assert len(sent()) == 4
