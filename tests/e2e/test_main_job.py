"""The main job, as a stranger does it: init, validate, plan, apply, plan again, change, update."""

import json
from pathlib import Path

import pytest

from tests.e2e.running import omnictl, omnictl_process

SEED_BODY = {
    "name": "My VK-SMS scenario",
    "flow": [{"channel": "VKONTAKTE"}, {"from": "InfoSMS", "channel": "SMS"}],
    "default": True,
}


@pytest.fixture
def seeded(project: Path) -> Path:
    """A project with the seed's body, saved as it stands."""
    (project / "scenarios").mkdir()
    (project / "scenarios" / "vk-sms.json").write_text(json.dumps(SEED_BODY))
    return project


def test_whole_story(project: Path) -> None:
    assert omnictl("init").code == 0
    assert omnictl("validate").code == 0
    plan = omnictl("plan", "--sandbox", "--detailed-exitcode")
    assert plan.code == 2
    assert "+ create   vk-sms" in plan.out
    assert "Plan: 1 create; 0 unchanged." in plan.out
    applied = omnictl("apply", "--sandbox", "--yes")
    assert applied.code == 0
    assert "has key" in applied.err
    again = omnictl("plan", "--sandbox", "--detailed-exitcode")
    assert again.code == 0
    assert "No changes: 1 scenario in test is as declared." in again.out
    path = project / "scenarios" / "vk-sms.yaml"
    path.write_text(path.read_text().replace("My VK-SMS", "Our VK-SMS"))
    assert '"My VK-SMS scenario" -> "Our VK-SMS scenario"' in omnictl("plan", "--sandbox").out
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    assert omnictl("plan", "--sandbox", "--detailed-exitcode").code == 0
    assert "OMNI_SCENARIO_VK_SMS=" in omnictl("output", "--sandbox", "--format", "dotenv").out


def test_seed_body_is_a_valid_file(seeded: Path) -> None:
    assert omnictl("validate").code == 0
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    state = json.loads((seeded / ".omnictl/sandbox/default/state.json").read_text())
    assert state["records"]["vk-sms"]["applied"]["name"] == SEED_BODY["name"]


def test_saved_plan_is_applied_once(seeded: Path) -> None:
    assert omnictl("plan", "--sandbox", "--out", "plan.json").code == 0
    assert omnictl("show", "plan.json").out == omnictl("plan", "--sandbox").out
    assert omnictl("apply", "--sandbox", "plan.json").code == 0
    again = omnictl("apply", "--sandbox", "plan.json")
    assert again.code == 0
    assert "Already applied" in again.out


def test_edited_plan_is_refused(seeded: Path) -> None:
    omnictl("plan", "--sandbox", "--out", "plan.json")
    text = (seeded / "plan.json").read_text()
    (seeded / "plan.json").write_text(text.replace("InfoSMS", "Other"))
    ran = omnictl("apply", "--sandbox", "plan.json")
    assert ran.code == 64
    assert "damaged-plan" in ran.err


def test_plan_of_the_sandbox_applies_to_it_alone(seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    omnictl("plan", "--sandbox", "--out", "plan.json")
    monkeypatch.setenv("INFOBIP_BASE_URL", "https://xyz.api.infobip.com")
    monkeypatch.setenv("INFOBIP_API_KEY", "canary")
    ran = omnictl("apply", "plan.json")
    assert ran.code == 3
    assert "foreign-plan" in ran.err


def test_without_terminal_and_yes_it_refuses(seeded: Path) -> None:
    ran = omnictl("apply", "--sandbox", "--format", "json")
    assert ran.code == 3
    assert ran.document["refusal"]["kind"] == "approval"
    assert ran.document["refusal"]["command"] == "omnictl apply --sandbox --format json --yes"
    assert ran.document["items"][0]["action"] == "create"
    assert ran.document["exit_code"] == 3


def test_wrong_usage_is_one_json_document_too(project: Path) -> None:
    ran = omnictl("plan", "--format", "json", "--nonsense")
    assert ran.code == 64
    assert ran.document["diagnostics"][0]["code"] == "usage"


def test_keys_of_the_same_account_elsewhere_are_no_twins(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from omnictl.cli.context import Session
    from omnictl.cli.globals import GlobalOptions
    from omnictl.cli.planning import find_neighbours

    omnictl("init")
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    state = json.loads((project / ".omnictl/sandbox/test/state.json").read_text())
    (project / "omnictl.yaml").write_text(
        "version: 1\nvariables: {sms_sender: A}\nenvironments:\n  test: {account: acme}\n  other: {account: acme}\n"
    )
    (project / "state").mkdir()
    (project / "state" / "test.json").write_text(json.dumps(state))
    session = Session(GlobalOptions(env="other"), {})
    [neighbour] = find_neighbours(session, {})
    assert {record.key: neighbour.name for record in neighbour.state.records.values()} == {
        state["records"]["vk-sms"]["key"]: "test"
    }


def test_no_api_is_refused_and_says_how(seeded: Path) -> None:
    ran = omnictl("plan")
    assert ran.code == 5
    assert "no-api" in ran.err
    assert "omnictl plan --sandbox" in ran.err


def test_untrusted_host_gets_no_credentials(seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFOBIP_BASE_URL", "https://infobip.com.evil.example")
    monkeypatch.setenv("INFOBIP_API_KEY", "canary-0123456789")
    ran = omnictl("plan")
    assert ran.code == 5
    assert "untrusted-host" in ran.err
    assert "canary" not in ran.out + ran.err


def test_local_state_in_ci_is_refused(seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    ran = omnictl("apply", "--yes")
    assert ran.code == 3
    assert "local-state-in-ci" in ran.err


def test_json_plan_is_one_document(seeded: Path) -> None:
    ran = omnictl("plan", "--sandbox", "--format", "json")
    assert ran.document["kind"] == "plan"
    assert ran.document["sandbox"] is True
    assert ran.document["items"][0]["action"] == "create"


def test_mistakes_are_told_with_their_place(project: Path) -> None:
    (project / "scenarios").mkdir()
    (project / "scenarios" / "bad.yaml").write_text("name: x\nflow:\n  - chanel: SMS\n  - channel: VKONTAKE\nkey: A1\n")
    ran = omnictl("validate")
    assert ran.code == 1
    assert "scenarios/bad.yaml:3:5" in ran.err
    assert "did you mean channel?" in ran.err
    assert "pasted-key" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 0),
        (("--help",), 0),
        (("--version",), 0),
        (("state",), 64),
        (("nonsense",), 64),
        (("destroy",), 64),
        (("plan", "--nonsense"), 64),
        (("plan", "--env", "a", "-e", "b"), 64),
        (("explain", "no-api"), 0),
        (("explain", "64"), 0),
        (("explain", "nothing-such"), 64),
        (("schema", "scenario"), 0),
        (("completion", "bash"), 0),
        (("completion", "powershell"), 0),
        (("show", "missing.json"), 64),
        (("state", "list", "--sandbox"), 1),
        (("sandbox", "status"), 0),
        (("fmt",), 0),
    ],
)
def test_exit_codes(seeded: Path, arguments: tuple[str, ...], code: int) -> None:
    assert omnictl(*arguments).code == code


def test_another_word_answers_with_ours(project: Path) -> None:
    assert "omnictl plan shows" in omnictl("diff").err


def test_as_a_process(seeded: Path) -> None:
    ran = omnictl_process("apply", "--sandbox", "--yes", "--log-format", "json")
    assert ran.code == 0
    events = [json.loads(line) for line in ran.err.splitlines()]
    assert {"start", "key", "change"} <= {each["event"] for each in events}


def test_help_imports_little(project: Path) -> None:
    import subprocess
    import sys

    script = (
        "import sys\nfrom omnictl.cli.main import main\n"
        "sys.argv=['omnictl','--help']\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "heavy={'httpx','jsonschema','deepdiff','yaml','rich','werkzeug','msgspec'}&set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_state_commands(seeded: Path) -> None:
    omnictl("apply", "--sandbox", "--yes")
    assert "vk-sms" in omnictl("state", "list", "--sandbox").out
    assert omnictl("state", "list", "--sandbox", "--format", "json").document["items"][0]["id"] == "vk-sms"
    assert "InfoSMS" in omnictl("state", "show", "vk-sms", "--sandbox").out
    pulled = omnictl("state", "pull", "--sandbox").out
    (seeded / "copy.json").write_text(pulled)
    assert omnictl("state", "push", "copy.json", "--sandbox").code == 0
    versions = omnictl("state", "history", "--sandbox", "--format", "json").document["items"]
    assert versions
    assert omnictl("state", "rollback", str(versions[0]["serial"]), "--sandbox").code == 0
    assert omnictl("state", "unlock", "--sandbox").code == 0
    assert omnictl("plan", "--sandbox", "--detailed-exitcode").code == 0
    assert omnictl("doctor", "--sandbox").code == 0
    assert omnictl("render", "--format", "json").document["items"][0]["id"] == "vk-sms"
    assert omnictl("state", "show", "vk-smss", "--sandbox").code == 1


def test_output_check(seeded: Path) -> None:
    omnictl("apply", "--sandbox", "--yes")
    assert omnictl("output", "--sandbox", "--format", "shell", "--out", "keys.sh").code == 0
    assert omnictl("output", "--sandbox", "--format", "shell", "--check", "keys.sh").code == 0
    (seeded / "keys.sh").write_text("old\n")
    assert omnictl("output", "--sandbox", "--format", "shell", "--check", "keys.sh").code == 2


def test_fmt_keeps_comments(project: Path) -> None:
    (project / "scenarios").mkdir()
    path = project / "scenarios" / "a.yaml"
    path.write_text("# why\nflow:\n- channel: SMS # last\nname: A\n")
    assert omnictl("fmt", "--check").code == 2
    assert omnictl("fmt").code == 0
    text = path.read_text()
    assert "# last" in text
    assert text.index("name") < text.index("flow")
    assert omnictl("fmt", "--check").code == 0


def test_reports_are_written_on_failure_too(seeded: Path) -> None:
    ran = omnictl("plan", "--report", "json=out/plan.json", "--report", "markdown=out/plan.md")
    assert ran.code == 5
    document = json.loads((seeded / "out" / "plan.json").read_text())
    assert document["exit_code"] == 5
    assert document["diagnostics"][0]["code"] == "no-api"
    assert "no-api" in (seeded / "out" / "plan.md").read_text()
