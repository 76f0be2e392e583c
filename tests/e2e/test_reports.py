"""``omnictl reports`` as a person uses it: whose reports they are, what is shown, what is counted, what is purged."""

import csv
import io
import json
import signal
from pathlib import Path

import pytest

from omnictl.sandbox.faults import parse_fault
from omnictl.sandbox.store import World
from tests.e2e.conftest import ServeSandbox
from tests.e2e.processes import end, start, wait_for
from tests.e2e.running import Ran, omnictl

SEED, EASY, NOWHERE = "41793026731", "41793026700", "41793026701"


@pytest.fixture
def world(serve_sandbox: ServeSandbox) -> World:
    """A served account, which is a real one to omnictl."""
    return serve_sandbox()


@pytest.fixture
def sent(project: Path, world: World) -> Path:
    """A project from which three messages were sent."""
    omnictl("init")
    assert omnictl("apply", "--yes").code == 0
    to = [word for each in (SEED, EASY, NOWHERE) for word in ("--to", each)]
    assert omnictl("send", "vk-sms", *to, "--text", "Your order", "--yes").code == 0
    return project


def reports(*words: str) -> Ran:
    return omnictl("reports", *words)


def rows(ran: Ran) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(ran.out)))


# --- pull --------------------------------------------------------------------------------------------------------


def test_reports_of_an_account_are_not_taken_by_accident(sent: Path) -> None:
    ran = reports("pull")
    assert ran.code == 3
    assert "reports: {owner: omnictl}" in ran.err
    ran = reports("pull", "--take")
    assert ran.code == 0, ran.err
    assert "5 reports taken, 5 new." in ran.out
    assert "EC_ABSENT_SUBSCRIBER_SM" in ran.out
    assert SEED not in ran.out
    assert "0 reports taken" in reports("pull", "--take").out


def test_an_environment_may_say_that_its_reports_are_ours(sent: Path) -> None:
    settings = sent / "omnictl.yaml"
    settings.write_text(settings.read_text().replace("  test: {}", "  test: {reports: {owner: omnictl}}", 1))
    assert reports("pull").code == 0


def test_a_pipeline_needs_a_ledger_that_lasts(sent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    assert "ledger-in-ci" in reports("pull", "--take").err
    assert reports("pull", "--take", "--ledger", "kept.db").code == 0


def test_pages_are_taken_to_the_end(sent: Path, world: World) -> None:
    before = len([each for each in world.list_requests() if each["operation"] == "reports"])
    assert "5 reports taken, 5 new." in reports("pull", "--take", "--limit", "2").out
    assert len([each for each in world.list_requests() if each["operation"] == "reports"]) - before == 3


def test_a_lost_reply_is_said_aloud_and_filled_by_a_later_pull(
    sent: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_fault(parse_fault("reports:cut-after"))
    ran = reports("pull", "--take")
    assert ran.code == 4
    assert "report-reply-lost" in ran.err
    assert "1 gap" in ran.out
    assert "open" in ran.out
    listed = reports("list", "--format", "json").document["items"]
    assert all(each["is_final"] for each in listed), "the logs have them already"
    again = reports("pull", "--take", "--format", "json").document
    assert again["reports"] == 0


def test_what_a_pull_asks_for_is_handed_on(sent: Path) -> None:
    assert "2 reports taken" in reports("pull", "--take", "--channel", "sms").out
    assert "3 reports taken" in reports("pull", "--take").out


# --- list --------------------------------------------------------------------------------------------------------


def test_without_a_ledger_there_is_nothing_to_show(project: Path) -> None:
    omnictl("init")
    for words in (("list",), ("stats",), ("purge", "--before", "1d", "--yes")):
        ran = reports(*words)
        assert ran.code == 1
        assert "no-ledger" in ran.err
    assert not (project / ".omnictl").exists()


def test_stories_are_chosen_and_shown_in_every_format(sent: Path) -> None:
    reports("pull", "--take")
    assert "3 messages: 2 delivered, 1 undelivered." in reports("list").out
    assert len(reports("list", "vk-sms", "--outcome", "undelivered", "--format", "json").document["items"]) == 1
    assert reports("list", "otp").out == "No messages.\n"
    assert len(rows(reports("list", "--to", f"+{SEED}", "--format", "csv"))) == 2
    assert rows(reports("list", "--to", SEED, "--format", "csv", "--unmask"))[0]["phone"] == SEED
    lines = [json.loads(line) for line in reports("list", "--format", "ndjson").out.splitlines()]
    assert [each["outcome"] for each in lines] == ["delivered", "delivered", "undelivered"]
    one = lines[0]
    assert [each["channel"] for each in one["steps"]] == ["VKONTAKTE", "SMS"]
    assert reports("list", "--message-id", one["message_id"], "--format", "ndjson").out.count("\n") == 1
    assert reports("list", "--run", one["run"], "--limit", "2", "--format", "ndjson").out.count("\n") == 2
    assert reports("list", "--since", "1h").out == reports("list").out
    assert reports("list", "--until", "1h").out == "No messages.\n"
    for words in (("--follow", "--format", "json"), ("--since", "yesterday"), ("--since", "2026-11-25T09:00:00")):
        assert reports("list", *words).code == 64


def test_what_the_ledger_never_saw_is_said(sent: Path) -> None:
    ran = reports("list", "vk-sns")
    assert (ran.code, ran.out) == (0, "No messages.\n")
    assert "The ledger has no message of scenario vk-sns. Did you mean vk-sms?\n" in ran.err
    assert "no message of scenario otp. It knows vk-sms." in reports("stats", "otp").err
    assert "no message of a run none." in reports("list", "--run", "none").err
    assert "no message with the id gone." in reports("list", "--message-id", "gone").err
    known = reports("list", "--format", "json").document["items"][0]
    words = ("vk-sms", "--run", known["run"], "--message-id", known["message_id"], "--until", "1h")
    assert "The ledger" not in reports("list", *words).err


def test_following_goes_on_until_a_signal(sent: Path) -> None:
    words = ("--to", f"+{NOWHERE[:2]} {NOWHERE[2:]}", "--format", "ndjson", "--outcome", "undelivered")
    following = start("reports", "list", "--follow", *words)
    out = following.stdout
    assert out is not None
    wait_for(lambda: (sent / ".omnictl").exists())
    assert reports("pull", "--take").code == 0
    line = json.loads(out.readline())
    assert line["outcome"] == "undelivered"
    assert end(following, signal.SIGINT)[0] == 130


# --- log, stats, purge -------------------------------------------------------------------------------------------


def test_logs_can_be_narrowed(sent: Path) -> None:
    ran = reports("log", "--to", NOWHERE, "--channel", "sms")
    assert ran.code == 0
    assert len(ran.out.splitlines()) == 2
    assert NOWHERE not in ran.out
    assert "Your order" in reports("log", "--to", NOWHERE, "--unmask").out
    assert reports("log", "--status", "rejected").out == "No rows.\n"
    assert "--limit" in reports("log", "--limit", "2").err
    assert reports("log", "--mcc", "228", "--mnc", "01").code == 0
    assert reports("log", "--mnc", "abc").code == reports("log", "--mcc", "2").code == 64


def test_statistics_have_every_format_and_a_page(sent: Path) -> None:
    reports("pull", "--take")
    assert "EC_ABSENT_SUBSCRIBER_SM" in reports("stats").out
    assert reports("stats", "vk-sms", "--report", "html=stats.html", "--report", "csv=stats.csv").code == 0
    page = (sent / "stats.html").read_text()
    assert "<svg" in page
    assert "<script" not in page
    assert SEED not in page
    assert (sent / "stats.csv").read_text().splitlines()[1].startswith("vk-sms,")
    step = reports("stats", "--format", "json").document["items"][0]["revisions"][0]["steps"][0]
    assert step["attempted"] == 3


def test_a_purge_asks_and_takes_personal_data_away(sent: Path) -> None:
    reports("pull", "--take")
    assert reports("purge", "--before", "0s").code == 3
    ran = reports("purge", "--before", "0s", "--yes")
    assert ran.out == "Purged 3 messages and 5 reports.\n"
    for path in (sent / ".omnictl" / "ledger").iterdir():
        if path.is_file():
            content = path.read_bytes()
            assert SEED.encode() not in content
            assert b"Your order" not in content
    assert "purged" in reports("list").out


def test_empty_filters_are_mistakes_and_ask_for_nothing(sent: Path, world: World) -> None:
    before = len(world.list_requests())
    for words in (
        ("pull", "--take", "--message-id", ""),
        ("pull", "--take", "--bulk-id", " "),
        ("pull", "--take", "--channel", "fax"),
        ("log", "--bulk-id", ""),
        ("log", "--to", "phone=41793026700,email=a@example.com"),
        ("list", ""),
        ("list", "--run", ""),
        ("stats", ""),
    ):
        assert reports(*words).code == 64, words
    assert len(world.list_requests()) == before


def test_addresses_and_channels_are_spelled_as_for_sending(sent: Path) -> None:
    assert len(reports("log", "--to", "+41 79 302 67 31", "--format", "json").document["items"]) == 2
    assert len(reports("log", "--channel", "vk", "--format", "json").document["items"]) == 3
    reports("pull", "--take")
    assert len(reports("list", "--to", f"phone={SEED}", "--format", "json").document["items"]) == 1


def test_callback_data_of_logs_is_masked_too(sent: Path) -> None:
    words = ("--to", SEED, "--text", "geheim", "--callback-data", f"Ann {SEED}", "--yes")
    assert omnictl("send", "vk-sms", *words).code == 0
    (row, *_) = reports("log", "--to", SEED, "--limit", "1", "--format", "json").document["items"]
    assert (row["callback_data"], row["text"]) == ("*** (15 characters)", "*** (6 characters)")
    (row, *_) = reports("log", "--to", SEED, "--limit", "1", "--format", "json", "--unmask").document["items"]
    assert row["callback_data"] == f"Ann {SEED}"


def test_an_open_gap_is_shown_in_the_statistics(sent: Path, world: World) -> None:
    for fault in ("reports:cut-after", "logs:503,times=99"):
        world.add_fault(parse_fault(fault))
    assert reports("pull", "--take").code == 4
    assert "1 pull not answered yet" in reports("stats").out
    assert len(reports("stats", "--format", "json").document["open_gaps"]) == 1
    assert "1 pull not answered yet" in reports("stats", "--format", "csv").err
