"""Accepting what somebody changed on the account: files written and nothing else; refusals; races."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omnictl.durable import replace_files
from omnictl.sandbox.store import World
from tests.e2e.running import omnictl
from tests.projects import write
from tests.unit.codec.schemas import mistakes

SETTINGS = """\
version: 1
environments:
  test:
    variables:
      sender: Info   # of the test account
  production: {production: true, variables: {sender: BRAND}}
default_environment: test
"""
WELCOME = """\
# Everybody gets this one.
id: welcome
name: Welcome
flow:
  # cheap
  - channel: VKONTAKTE
  - channel: SMS
    from: ${var.sender}   # each environment has its own
"""
CAMPAIGN = "id: campaign\nname: Campaign  # ours\nflow: [{channel: SMS, from: Shop}]\nonly_in: [test]\n"
FILES = {"omnictl.yaml": SETTINGS, "scenarios/welcome.yaml": WELCOME, "scenarios/campaign.yaml": CAMPAIGN}


@pytest.fixture
def shop(project: Path) -> Path:
    """A project with two environments, applied to the sandboxes of both."""
    write(project, FILES)
    for name in ("test", "production"):
        assert omnictl("apply", "--env", name, "--sandbox", "--yes").code == 0
    return project


def change(project: Path, scenario_id: str, environment: str = "test", **body: Any) -> None:
    """Change a scenario as somebody does it in the web interface."""
    place = project / ".omnictl" / "sandbox" / environment
    key = json.loads((place / "state.json").read_text())["records"][scenario_id]["key"]
    world = World(place / "world.sqlite")
    stored = world.get(key)
    assert stored is not None
    world.put(replace(stored, body={**stored.body, **body}))
    world.close()


def steps(*flow: tuple[str, str | None]) -> list[dict[str, str]]:
    return [{"channel": channel, **({"from": sender} if sender else {})} for channel, sender in flow]


def texts(project: Path) -> Mapping[str, str]:
    return {name: (project / name).read_text() for name in FILES}


def memory(project: Path) -> Sequence[bytes]:
    """Return the state, which accept never writes."""
    return [(project / ".omnictl/sandbox" / name / "state.json").read_bytes() for name in ("test", "production")]


def test_what_is_accepted_leaves_an_empty_plan(shop: Path) -> None:
    change(shop, "welcome", flow=steps(("SMS", "0800"), ("VKONTAKTE", None)))
    change(shop, "campaign", name="Black Friday", flow=steps(("VIBER", "Acme"), ("SMS", "Shop")))
    before, remembered = texts(shop), memory(shop)
    refused = omnictl("accept", "welcome", "campaign", "--sandbox")
    assert (refused.code, texts(shop)) == (3, before)  # the order of its steps is that of production too
    assert "welcome in production (flow)" in refused.err
    assert "Not written:" in refused.out
    assert "    from: ${var.sender}   # each environment has its own" in refused.out
    shown = omnictl("accept", "campaign", "--sandbox", "--dry-run")
    assert (shown.code, texts(shop)) == (0, before)
    assert "Would accept: campaign (name, flow[0])" in shown.out
    assert "Write it with\n    omnictl accept campaign --sandbox" in shown.err
    done = omnictl("accept", "campaign", "--sandbox")
    assert done.code == 0
    assert "Accepted: campaign (name, flow[0])" in done.out
    assert "Next:\n    omnictl plan --sandbox" in done.err
    assert memory(shop) == remembered
    after = omnictl("plan", "--sandbox", "--format", "json", "--only", "campaign").document
    assert [each["action"] for each in after["items"]] == ["refresh"]
    assert texts(shop) == {
        **before,
        "scenarios/campaign.yaml": "id: campaign\nname: Black Friday  # ours\n"
        "flow: [{channel: VIBER, from: Acme}, {channel: SMS, from: Shop}]\nonly_in: [test]\n",
    }
    again = omnictl("accept", "campaign", "--sandbox")
    assert (again.code, again.err) == (0, "")
    assert "No drift: campaign" in again.out


def test_a_variable_of_one_environment(shop: Path) -> None:
    change(shop, "welcome", flow=steps(("VKONTAKTE", None), ("SMS", "0800")))
    before = texts(shop)
    assert omnictl("accept", "welcome", "--sandbox").code == 0
    assert texts(shop) == {**before, "omnictl.yaml": SETTINGS.replace("Info ", '"0800" ')}
    for name in ("test", "production"):
        assert omnictl("plan", "--env", name, "--sandbox", "--detailed-exitcode").code == 0


def test_a_variable_that_two_scenarios_use(shop: Path) -> None:
    write(shop, {"scenarios/campaign.yaml": CAMPAIGN.replace("Shop", "'${var.sender}'")})
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    change(shop, "welcome", flow=steps(("VKONTAKTE", None), ("SMS", "0800")))
    before = texts(shop)
    refused = omnictl("accept", "welcome", "--sandbox")
    assert (refused.code, texts(shop)) == (3, before)
    assert "campaign in test (flow)" in refused.err
    assert '+      sender: "0800"' in refused.out
    change(shop, "campaign", flow=steps(("SMS", "0800")))
    assert omnictl("accept", "welcome", "campaign", "--sandbox").code == 0
    assert omnictl("plan", "--sandbox", "--detailed-exitcode").code == 0


def test_one_step_of_a_conflict(shop: Path) -> None:
    edited = CAMPAIGN.replace("Shop", "BRAND")
    write(shop, {"scenarios/campaign.yaml": edited})
    change(shop, "campaign", flow=steps(("SMS", "PROMO"), ("EMAIL", "o@acme.example")))
    assert omnictl("accept", "campaign", "--field", "flow[1]", "--sandbox").code == 0
    expected = edited.replace("BRAND}", "BRAND}, {channel: EMAIL, from: o@acme.example}")
    assert texts(shop)["scenarios/campaign.yaml"] == expected


def test_an_edit_of_the_file_is_no_drift(shop: Path) -> None:
    write(shop, {"scenarios/campaign.yaml": CAMPAIGN.replace("Campaign", "Edited")})
    before = texts(shop)
    ran = omnictl("accept", "campaign", "--sandbox")
    assert (ran.code, texts(shop)) == (0, before)
    assert "    omnictl accept campaign --field name --sandbox" in ran.out
    assert omnictl("accept", "campaign", "--field", "name", "--sandbox").code == 0
    assert texts(shop)["scenarios/campaign.yaml"] == CAMPAIGN


def test_a_variable_that_is_used_no_more_is_told(shop: Path) -> None:
    settings = SETTINGS.replace("      sender: Info", "      shop: One\n      sender: Info")
    write(shop, {"omnictl.yaml": settings, "scenarios/campaign.yaml": CAMPAIGN.replace("Campaign", "Shop ${var.shop}")})
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    change(shop, "campaign", name="Black Friday")
    ran = omnictl("accept", "campaign", "--sandbox")
    assert ran.code == 0
    assert "warning[unused-variable]" in ran.err
    assert texts(shop)["scenarios/campaign.yaml"] == CAMPAIGN.replace("Campaign", "Black Friday")


def test_ignored_fields_are_left_alone(shop: Path) -> None:
    ignoring = f"{CAMPAIGN}lifecycle: {{ignore_changes: [{{field: name, reason: theirs}}]}}\n"
    write(shop, {"scenarios/campaign.yaml": ignoring})
    change(shop, "campaign", name="Black Friday")
    ran = omnictl("accept", "campaign", "--sandbox")
    assert (ran.code, texts(shop)["scenarios/campaign.yaml"]) == (0, ignoring)
    assert "in fields that its file ignores" in ran.out
    assert "    omnictl accept campaign --field name --sandbox" in ran.out
    assert omnictl("accept", "campaign", "--field", "name", "--sandbox").code == 0
    assert texts(shop)["scenarios/campaign.yaml"] == ignoring.replace("Campaign", "Black Friday")


def test_after_the_last_day_a_field_is_ignored_no_longer(shop: Path) -> None:
    ended = f"{CAMPAIGN}lifecycle: {{ignore_changes: [{{field: name, reason: theirs, until: 2026-01-31}}]}}\n"
    write(shop, {"scenarios/campaign.yaml": ended})
    change(shop, "campaign", name="Black Friday")
    assert omnictl("drift", "--sandbox").code == 2
    assert "Accepted: campaign (name)" in omnictl("accept", "campaign", "--sandbox").out
    assert texts(shop)["scenarios/campaign.yaml"] == ended.replace("Campaign", "Black Friday")
    assert omnictl("drift", "--sandbox").code == 0


def test_those_that_can_be_written_are_named_where_others_are_refused(shop: Path) -> None:
    change(shop, "welcome", name="Hello")
    change(shop, "campaign", name="Black Friday")
    before = texts(shop)
    ran = omnictl("accept", "welcome", "campaign", "--sandbox")
    assert (ran.code, texts(shop)) == (3, before)
    assert "1 of 2 scenarios can be written without the others:\n    omnictl accept campaign --sandbox" in ran.err
    assert "can be written" not in omnictl("accept", "welcome", "--sandbox").err


def test_a_default_that_moved_is_said_with_the_file_that_declares_it(shop: Path) -> None:
    write(shop, {"scenarios/campaign.yaml": f"{CAMPAIGN}default: true\n"})
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    world = World(shop / ".omnictl/sandbox/test/world.sqlite")
    for stored in world.list_page(default=None, limit=10, offset=0):
        world.put(replace(stored, is_default=stored.body["name"] == "Welcome"))
    world.close()
    ran = omnictl("accept", "campaign", "welcome", "--sandbox")
    assert ran.code == 0
    said = " ".join(ran.err.split())
    assert "It was recorded with campaign, and welcome has it now." in said
    assert "campaign (scenarios/campaign.yaml:5)" in said
    document = omnictl("accept", "welcome", "--sandbox", "--format", "json").document
    assert [each["code"] for each in document["diagnostics"]] == ["default-moved"]


@pytest.mark.parametrize("named", ["campaign", "new"])
def test_a_scenario_that_has_another_id_in_the_files(shop: Path, named: str) -> None:
    write(shop, {"scenarios/campaign.yaml": CAMPAIGN.replace("id: campaign", "id: new\nprevious_ids: [campaign]")})
    change(shop, "campaign", name="Black Friday")
    ran = omnictl("accept", named, "--sandbox")
    assert ran.code == 1
    assert "    omnictl state mv campaign new --sandbox" in ran.err
    assert omnictl("state", "mv", "campaign", "new", "--sandbox").code == 0
    assert omnictl("accept", "new", "--sandbox").code == 0


def test_documents(shop: Path) -> None:
    change(shop, "campaign", name="Black Friday")
    change(shop, "welcome", name="Hello")
    for words, code, written in (
        (("campaign", "--dry-run"), 0, False),
        (("welcome",), 3, False),
        (("campaign",), 0, True),
        (("campaign",), 0, False),
    ):
        ran = omnictl("accept", *words, "--sandbox", "--format", "json")
        assert mistakes(ran.document) == []
        assert (ran.code, ran.document["exit_code"], ran.document["written"]) == (code, code, written)
    assert ran.document["unchanged"] == ["campaign"]
    refused = omnictl("accept", "welcome", "--sandbox", "--format", "json").document
    assert refused["refusal"] == {"kind": "policy"}
    assert [each["code"] for each in refused["diagnostics"]] == ["edit-reaches-further"]
    assert refused["items"][0]["fields"] == [{"id": "welcome", "field": "name"}]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("campain", 64, "did you mean campaign?"),
        ("nothing-like-it", 64, "omnictl state list"),
        ("campaign --field nam", 64, "did you mean name?"),
        ("campaign --field flow[0]", 64, "Nothing of it differs."),
        ("campaign --field default", 3, "moving it is an edit of two files"),
        ("", 64, "Missing argument"),
    ],
)
def test_what_cannot_be_named(shop: Path, words: str, code: int, said: str) -> None:
    before = texts(shop)
    ran = omnictl("accept", *words.split(), "--sandbox")
    assert (ran.code, texts(shop)) == (code, before)
    assert said in ran.err


def test_the_default_is_said_with_its_file(shop: Path) -> None:
    write(shop, {"scenarios/campaign.yaml": f"{CAMPAIGN}default: true\n"})
    ran = omnictl("accept", "welcome", "--field", "default", "--sandbox")
    assert "campaign (scenarios/campaign.yaml:5)" in " ".join(ran.err.split())


def test_scenarios_that_cannot_be_accepted(shop: Path) -> None:
    write(shop, {"scenarios/new.yaml": CAMPAIGN.replace("ampaign", "new")})
    (shop / "scenarios" / "campaign.yaml").unlink()
    ran = omnictl("accept", "Cnew".lower(), "campaign", "--sandbox")
    assert ran.code == 1
    assert "not-managed-yet" in ran.err
    assert "not-declared" in ran.err


def test_a_scenario_that_vanished(shop: Path) -> None:
    place = shop / ".omnictl/sandbox/test"
    world = World(place / "world.sqlite")
    world.remove(json.loads((place / "state.json").read_text())["records"]["campaign"]["key"])
    world.close()
    ran = omnictl("accept", "campaign", "--sandbox")
    assert ran.code == 1
    assert "vanished-scenario" in ran.err


def test_without_a_state(project: Path) -> None:
    write(project, FILES)
    ran = omnictl("accept", "campaign", "--sandbox")
    assert (ran.code, "no-state" in ran.err) == (1, True)


def test_a_mistake_in_the_files_of_another_environment(shop: Path) -> None:
    """Nothing could be said about what the edit does there."""
    other = "id: other\nname: ${var.unknown}\nflow: [{channel: SMS}]\nonly_in: [production]\n"
    write(shop, {"scenarios/other.yaml": other})
    change(shop, "campaign", name="Black Friday")
    before = texts(shop)
    ran = omnictl("accept", "campaign", "--sandbox")
    assert (ran.code, texts(shop)) == (1, before)
    assert "unknown-variable" in ran.err


def test_a_rule_that_the_account_breaks(shop: Path) -> None:
    write(shop, {"omnictl.yaml": f"{SETTINGS}lint: {{duplicate-step: error}}\n"})
    change(shop, "campaign", flow=steps(("SMS", "Shop"), ("SMS", "Shop")))
    before = texts(shop)
    ran = omnictl("accept", "campaign", "--sandbox")
    assert (ran.code, texts(shop)) == (3, before)
    assert "duplicate-step" in ran.err


def test_a_file_that_changes_before_it_is_written(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = replace_files

    def late(replacements: Any) -> None:
        (shop / "scenarios/campaign.yaml").write_text("# of somebody else\n" + CAMPAIGN)
        original(replacements)

    monkeypatch.setattr("omnictl.cli.commands.accept.replace_files", late)
    change(shop, "campaign", name="Black Friday")
    ran = omnictl("accept", "campaign", "--sandbox", "--format", "json")
    assert (ran.code, ran.document["refusal"]) == (3, {"kind": "stale"})
    assert texts(shop)["scenarios/campaign.yaml"].startswith("# of somebody else\n")


def test_a_file_that_cannot_be_written(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(replacements: Any) -> None:
        raise OSError(28, "No space left on device", str(shop / "scenarios/campaign.yaml"))

    monkeypatch.setattr("omnictl.cli.commands.accept.replace_files", fails)
    change(shop, "campaign", name="Black Friday")
    ran = omnictl("accept", "campaign", "--sandbox")
    assert ran.code == 1
    assert "scenarios/campaign.yaml: No space left on device." in ran.err


KILLED = """
import os, signal, sys
from pathlib import Path
from omnictl.__main__ import main
original = Path.replace
def replace(path, target):
    done = original(path, target)
    if Path(target).name == "omnictl.yaml":
        os.kill(os.getpid(), signal.SIGKILL)
    return done
Path.replace = replace
sys.argv[0] = "omnictl"
main()
"""


def test_a_kill_between_two_renames(shop: Path) -> None:
    """Files of both kinds are left, each whole; the same command writes the rest."""
    change(shop, "campaign", name="Black Friday")
    change(shop, "welcome", flow=steps(("VKONTAKTE", None), ("SMS", "0800")))
    words = ["accept", "welcome", "campaign", "--sandbox"]
    done = subprocess.run([sys.executable, "-c", KILLED, *words], check=False, timeout=60, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert '"0800"' in texts(shop)["omnictl.yaml"]
    assert texts(shop)["scenarios/campaign.yaml"] == CAMPAIGN
    assert omnictl(*words).code == 0
    assert omnictl("plan", "--sandbox", "--detailed-exitcode").code == 0
    assert "Black Friday" in texts(shop)["scenarios/campaign.yaml"]


def test_names_of_the_account_steer_no_terminal(shop: Path) -> None:
    change(shop, "campaign", name="a\x1b[2Jb\u202ec")
    ran = omnictl("accept", "campaign", "--sandbox")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert 'name: "a\\u001b[2Jb\\u202ec"  # ours' in texts(shop)["scenarios/campaign.yaml"]
    assert omnictl("plan", "--sandbox", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("switches", [("--senders", "upper"), ("--names", "lower"), ("--names", "upper")])
def test_after_an_accept_on_a_service_that_normalises_nothing_is_left_to_do(
    project: Path, switches: tuple[str, str]
) -> None:
    file = "id: a\nname: MiXed\nflow:\n  - channel: VKONTAKTE\n  - channel: SMS\n    from: BrAnD\n"
    write(project, {"omnictl.yaml": "version: 1\n", "scenarios/a.yaml": file})
    omnictl("sandbox", "behave", *switches)
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    sender = "BRAND" if "--senders" in switches else "BrAnD"
    change(project, "a", "default", flow=steps(("VKONTAKTE", None), ("SMS", sender), ("EMAIL", "e@e.example")))
    assert omnictl("accept", "a", "--sandbox").code == 0
    assert (project / "scenarios" / "a.yaml").read_text() == f"{file}  - channel: EMAIL\n    from: e@e.example\n"
    assert omnictl("plan", "--sandbox", "--detailed-exitcode").code == 0
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    assert omnictl("plan", "--sandbox", "--detailed-exitcode").code == 0


def test_steps_that_moved_on_a_service_that_normalises_are_no_drift_once_accepted(project: Path) -> None:
    file = 'id: a\nname: Mixed\nflow:\n  - channel: SMS\n    from: "Shop "\n  - channel: VIBER\n    from: Shop\n'
    write(project, {"omnictl.yaml": "version: 1\n", "scenarios/a.yaml": file})
    omnictl("sandbox", "behave", "--senders", "trimmed")
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    change(project, "a", "default", flow=steps(("VIBER", "Shop"), ("SMS", "Shop")))
    assert omnictl("drift", "--sandbox").code == 2
    assert omnictl("accept", "a", "--sandbox").code == 0
    assert omnictl("plan", "--sandbox", "--detailed-exitcode").code == 0
    ran = omnictl("drift", "--sandbox")
    assert (ran.code, "edited" in ran.out) == (0, False)


@pytest.mark.parametrize("steps", ["EMAIL", "SMS VIBER EMAIL", "VIBER SMS", "LINE"])
def test_all_of_what_is_only_observed_is_accepted(project: Path, steps: str) -> None:
    """Its file lost, moved or exchanged steps, which no apply brings to the account."""

    def declare(channels: str, more: str = "") -> None:
        flow = "".join(f"  - channel: {each}\n    from: S\n" for each in channels.split())
        write(project, {"scenarios/o.yaml": f"id: o\nname: O\nflow:\n{flow}{more}"})

    declare("VIBER EMAIL SMS")
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    declare(steps, "lifecycle: {manage: observe}\n")
    ran = omnictl("drift", "--sandbox")
    assert (ran.code, "accept takes that over" in " ".join(ran.out.split())) == (0, True)
    ran = omnictl("accept", "o", "--sandbox")
    assert ran.code == 0, ran.err
    assert "only observed" not in omnictl("drift", "--sandbox").out
