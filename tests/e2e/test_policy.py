"""What an apply may do by itself: safe plans, production, guards; flags alone approve, and the plan says why not."""

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from omnictl.cli.approval import has_person
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import Ran, omnictl
from tests.projects import good, write

SAFE = "Risk: none; no guard fired, and nothing was warned of."
SETTINGS = """\
version: 1
lint: {last-resort: warning}
default_environment: test
environments:
  test: {}
  live: {production: true}
"""


@pytest.fixture
def applied(project: Path) -> Path:
    """Three scenarios, applied in the sandbox."""
    write(project, {"omnictl.yaml": SETTINGS})
    write(project, {f"scenarios/{each}.yaml": good(each) for each in ("anchor", "b", "c")})
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    return project


def edit(project: Path, name: str = "b", *, text: str = "") -> None:
    path = project / f"scenarios/{name}.yaml"
    path.write_text(text or path.read_text().replace(f"name: {name}", f"name: {name} edited"))


def risk(*more: str) -> Any:
    ran = omnictl("plan", "--sandbox", "--format", "json", *more)
    assert ran.code == 0, ran.err
    return ran.document["risk"]


VIBER_LAST = "id: b\nname: b\nflow: [{channel: VKONTAKTE}, {channel: SMS, from: InfoSMS}, {channel: VIBER, from: A}]\n"


# --- risk and --yes-if-safe ------------------------------------------------------------------------------------------


def test_a_safe_plan_goes_on_and_says_that_it_is_safe(applied: Path) -> None:
    edit(applied)
    assert risk() == {"safe": True, "reasons": []}
    assert "Risk:" not in omnictl("plan", "--sandbox", "--report", "markdown=plan.md").out
    assert SAFE in (applied / "plan.md").read_text()
    assert omnictl("apply", "--sandbox", "--yes-if-safe").code == 0


def test_a_rule_of_lint_stops_it_with_the_reason_and_the_command(applied: Path) -> None:
    edit(applied, text=VIBER_LAST)
    [reason] = risk()["reasons"]
    assert (reason["kind"], reason["code"], reason["source"]["path"]) == ("lint", "last-resort", "scenarios/b.yaml")
    assert "Risk: lint last-resort (scenarios/b.yaml:" in omnictl("plan", "--sandbox").out
    ran = omnictl("apply", "--sandbox", "--yes-if-safe", "--report", "json=failed.json")
    assert ran.code == 3
    assert "error[not-safe]" in ran.err
    assert "lint last-resort (scenarios/b.yaml:" in ran.err
    assert "    omnictl apply --sandbox --report json=failed.json --yes\n" in ran.err
    assert json.loads((applied / "failed.json").read_text())["refusal"]["kind"] == "approval"
    assert omnictl("plan", "--sandbox", "--detailed-exitcode").code == 2
    assert omnictl("apply", "--sandbox", "--yes").code == 0


@pytest.mark.parametrize("severity", ["note", "off"])
def test_a_rule_that_the_project_does_not_mind_is_no_risk(applied: Path, severity: str) -> None:
    write(applied, {"omnictl.yaml": SETTINGS.replace("last-resort: warning", f"last-resort: '{severity}'")})
    edit(applied, text=VIBER_LAST)
    assert risk() == {"safe": True, "reasons": []}


def test_a_warning_about_the_files_is_a_reason(applied: Path) -> None:
    edit(applied, "c", text=good("b").replace("id: b", "id: c"))
    assert [(each["kind"], each["code"]) for each in risk()["reasons"]] == [("warning", "equal-scenarios")]


def test_a_guard_that_is_allowed_still_wants_a_person(applied: Path) -> None:
    edit(applied, text="id: b\nname: b\nflow: [{channel: SMS, from: InfoSMS}]\n")
    allow = ("--allow", "channel-removal=b")
    [reason] = [each for each in risk(*allow)["reasons"] if each["kind"] == "guard"]
    assert (reason["code"], reason["subject"]) == ("channel-removal", "b")
    assert omnictl("apply", "--sandbox", "--yes-if-safe", *allow).code == 3
    assert omnictl("apply", "--sandbox", "--yes", *allow).code == 0


def test_an_open_guard_is_refused_as_a_guard(applied: Path) -> None:
    edit(applied, text="id: b\nname: b\nflow: [{channel: SMS, from: InfoSMS}]\n")
    ran = omnictl("apply", "--sandbox", "--yes-if-safe", "--format", "json")
    assert (ran.code, ran.document["refusal"]["kind"], ran.document["risk"]["safe"]) == (3, "guard", False)


def test_a_refusal_is_one_document_with_reasons_and_command(applied: Path) -> None:
    edit(applied, text=VIBER_LAST)
    ran = omnictl("apply", "--sandbox", "--yes-if-safe", "--format", "json")
    assert (ran.code, ran.document["refusal"]["kind"]) == (3, "approval")
    assert ran.document["refusal"]["command"] == "omnictl apply --sandbox --format json --yes"
    assert [each["code"] for each in ran.document["risk"]["reasons"]] == ["last-resort"]


def test_a_saved_plan_goes_on_only_if_it_is_safe_where_that_is_asked(applied: Path) -> None:
    edit(applied)
    assert omnictl("plan", "--sandbox", "--out", "safe.json").code == 0
    assert omnictl("apply", "--sandbox", "--yes-if-safe", "safe.json").code == 0
    edit(applied, text=VIBER_LAST)
    assert omnictl("plan", "--sandbox", "--out", "plan.json").code == 0
    ran = omnictl("apply", "--sandbox", "--yes-if-safe", "plan.json")
    assert (ran.code, "    omnictl apply --sandbox plan.json\n" in ran.err) == (3, True)
    assert omnictl("apply", "--sandbox", "plan.json").code == 0


def test_records_alone_are_brought_up_to_date_whatever_is_warned_of(applied: Path) -> None:
    """Nothing is sent and nothing leaves: there is nothing to look at."""
    edit(applied, text=VIBER_LAST)
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    edit(applied, text=f"{VIBER_LAST}lifecycle: {{protected: true}}\n")
    assert risk()["safe"] is False
    assert omnictl("apply", "--sandbox", "--yes-if-safe").code == 0
    state = json.loads((applied / ".omnictl/sandbox/test/state.json").read_text())
    assert state["records"]["b"]["lifecycle"] == {"protected": "removal"}


def test_both_approvals_are_wrong_usage(applied: Path) -> None:
    assert omnictl("apply", "--sandbox", "--yes", "--yes-if-safe").code == 64


def test_nothing_to_do_needs_no_approval(applied: Path) -> None:
    assert omnictl("apply", "--sandbox").code == 0
    assert omnictl("apply", "--sandbox", "--yes-if-safe").code == 0


# --- production ------------------------------------------------------------------------------------------------------


@pytest.fixture
def live(project: Path, serve_sandbox: ServeSandbox) -> Path:
    """A project whose production is a served account."""
    serve_sandbox()
    write(project, {"omnictl.yaml": SETTINGS, "scenarios/a.yaml": good("a")})
    return project


def state_exists(project: Path) -> bool:
    return (project / "state/live.json").exists()


@pytest.mark.parametrize("approval", ["--yes", "--yes-if-safe"])
def test_production_without_a_terminal_is_confirmed_by_its_name(live: Path, approval: str) -> None:
    ran = omnictl("apply", "--env", "live", approval)
    assert (ran.code, state_exists(live)) == (3, False)
    assert "error[confirmation-needed]" in ran.err
    assert f"    omnictl apply --env live {approval} --confirm live\n" in ran.err
    assert omnictl("apply", "--env", "live", approval, "--confirm", "live").code == 0


def test_a_confirmation_is_no_approval(live: Path) -> None:
    ran = omnictl("apply", "--env", "live", "--confirm", "live")
    assert (ran.code, state_exists(live)) == (3, False)
    assert "    omnictl apply --env live --confirm live --yes\n" in ran.err
    assert "    omnictl apply --env live --yes --confirm live\n" in omnictl("apply", "--env", "live").err


def test_a_saved_plan_is_confirmed_too(live: Path) -> None:
    assert omnictl("plan", "--env", "live", "--out", "plan.json", "--report", "markdown=plan.md").code == 0
    assert "omnictl apply --env live plan.json --confirm live" in (live / "plan.md").read_text()
    ran = omnictl("apply", "--env", "live", "plan.json")
    assert (ran.code, state_exists(live)) == (3, False)
    assert "    omnictl apply --env live plan.json --confirm live\n" in ran.err
    assert omnictl("apply", "--env", "live", "plan.json", "--confirm", "live").code == 0


def test_a_plan_for_production_stays_one_whatever_the_settings_say_since(live: Path) -> None:
    assert omnictl("plan", "--env", "live", "--out", "plan.json").code == 0
    write(live, {"omnictl.yaml": SETTINGS.replace("{production: true}", "{}")})
    assert "error[confirmation-needed]" in omnictl("apply", "--env", "live", "plan.json").err
    assert omnictl("apply", "--env", "live", "plan.json", "--confirm", "live").code == 0


def test_on_a_terminal_a_saved_plan_that_is_not_safe_is_shown_and_asked_about(
    live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnictl.cli.approval.is_terminal", lambda stream: True)
    write(live, {"scenarios/b.yaml": VIBER_LAST})
    assert omnictl("plan", "--env", "live", "--out", "plan.json").code == 0
    ran = typed("live", "apply", "--env", "live", "plan.json", "--yes-if-safe")
    assert (ran.code, "+ create   b" in ran.out) == (0, True)


@pytest.mark.parametrize("environment", ["live", "test"])
def test_another_name_is_wrong_usage_anywhere(live: Path, environment: str) -> None:
    ran = omnictl("apply", "--env", environment, "--yes", "--confirm", "production")
    assert (ran.code, state_exists(live)) == (64, False)
    assert f"--confirm names production, and the environment is {environment}." in ran.err


def test_what_is_not_production_may_be_confirmed_and_need_not_be(live: Path) -> None:
    assert omnictl("apply", "--env", "test", "--yes", "--confirm", "test").code == 0
    assert omnictl("apply", "--env", "live", "--sandbox", "--yes").code == 0


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("environment", "word"), [("live", "live"), ("test", "yes")])
@pytest.mark.parametrize("answer", ["live", "yes"])
def test_on_a_terminal_production_is_typed_by_its_name(
    live: Path, environment: str, word: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnictl.cli.approval.is_terminal", lambda stream: True)
    ran = typed(answer, "apply", "--env", environment)
    assert ran.code == (0 if answer == word else 3)
    said = "the name live" if environment == "live" else "the word yes"
    assert f"Apply these changes to {environment}? Only {said} goes on." in ran.err


def test_on_a_terminal_a_flag_is_enough_and_a_saved_plan_asks_nothing(
    live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnictl.cli.approval.is_terminal", lambda stream: True)
    assert has_person()
    assert omnictl("plan", "--env", "live", "--out", "plan.json").code == 0
    assert omnictl("apply", "--env", "live", "plan.json").code == 0
    edit(live, "a")
    assert omnictl("apply", "--env", "live", "--yes").code == 0


def test_on_a_terminal_an_unsafe_plan_is_asked_about(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.cli.approval.is_terminal", lambda stream: True)
    write(live, {"scenarios/b.yaml": VIBER_LAST})
    assert typed("no", "apply", "--env", "test", "--yes-if-safe").code == 3
    assert typed("yes", "apply", "--env", "test", "--yes-if-safe").code == 0


def typed(answer: str, *words: str) -> Ran:
    """Run omnictl where a person types an answer."""
    from unittest.mock import patch

    with patch("tests.e2e.running.io.StringIO", lambda: _Terminal(f"{answer}\n")):
        return omnictl(*words)


def test_the_streams_of_these_tests_are_no_terminal() -> None:
    assert not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty())


def test_production_is_never_chosen_by_itself(project: Path) -> None:
    write(project, {"omnictl.yaml": "version: 1\nenvironments: {live: {production: true}}\n"})
    write(project, {"scenarios/a.yaml": good("a")})
    ran = omnictl("plan", "--sandbox")
    assert (ran.code, "no-environment" in ran.err) == (64, True)
    assert omnictl("plan", "--sandbox", "--env", "live").code == 0
