"""Global options before and after the command, their variables, and that no variable stands for an approval."""

import json
import sys
from pathlib import Path

import pytest

from tests.e2e.running import omnictl

SCENARIO = "id: vk-sms\nname: My scenario\nflow: [{channel: SMS, from: '${var.sender}'}]\ndefault: true\n"


@pytest.fixture(autouse=True)
def declared(project: Path) -> Path:
    (project / "scenarios").mkdir()
    (project / "scenarios" / "vk-sms.yaml").write_text(SCENARIO)
    (project / "omnictl.yaml").write_text(
        "version: 1\nvariables: {sender: FileDefault}\n"
        "environments: {test: {variables: {sender: FromEnvironment}}, production: {production: true}}\n"
    )
    return project


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sandbox", "--env", "test", "plan"],
        ["plan", "--sandbox", "--env", "test"],
        ["-e", "test", "plan", "--sandbox", "-e", "test"],
    ],
)
def test_they_stand_before_or_after_the_command(arguments: list[str]) -> None:
    ran = omnictl(*arguments)
    assert ran.code == 0
    assert "test (127.0.0.1)" in ran.out


@pytest.mark.parametrize(
    "arguments",
    [["-e", "test", "plan", "-e", "production"], ["--var", "a=1", "plan", "--var", "a=2"], ["plan", "--var", "a"]],
)
def test_two_values_are_wrong_usage(arguments: list[str]) -> None:
    assert omnictl(*arguments).code == 64


def test_variables_of_the_environment_stand_for_options(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    monkeypatch.setenv("OMNICTL_CHDIR", str(project))
    monkeypatch.setenv("OMNICTL_ENV", "test")
    monkeypatch.setenv("OMNICTL_SANDBOX", "1")
    monkeypatch.setenv("OMNICTL_QUIET", "1")
    monkeypatch.setenv("OMNICTL_COLOR", "always")
    ran = omnictl("plan", "--out", "plan.json")
    assert ran.code == 0
    assert "Saved" not in ran.err
    assert "\x1b[" in ran.out
    assert (project / "plan.json").exists()


@pytest.mark.parametrize(
    ("options", "variables", "sender"),
    [
        (["--var", "sender=Flag"], {"OMNICTL_VAR_SENDER": "Variable"}, "Flag"),
        ([], {"OMNICTL_VAR_SENDER": "Variable"}, "Variable"),
        ([], {}, "FromEnvironment"),
        (["--env", "production"], {}, "FileDefault"),
        (["--env", "production"], {"OMNICTL_ENV": "test"}, "FileDefault"),
    ],
)
def test_flag_then_variable_then_file_then_default(
    options: list[str], variables: dict[str, str], sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    chosen = options if "--env" in options else [*options, "--env", "test"]
    assert f"from: {sender}\n" in omnictl("render", *chosen).out


@pytest.mark.parametrize("prefix", ["OMNICTL_", "OMNICTL_APPLY_", "OMNICTL_PLAN_"])
def test_no_variable_stands_for_an_approval(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("YES", "YES_IF_SAFE", "ALLOW", "CONFIRM", "RETIRE"):
        monkeypatch.setenv(prefix + name, "1")
    assert omnictl("apply", "--sandbox", "--env", "test").code == 3


def test_no_directory_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert omnictl("-C", "nowhere", "plan").code == 64
    monkeypatch.setenv("OMNICTL_CHDIR", "nowhere")
    assert "no-directory" in omnictl("plan").err


@pytest.mark.parametrize("command", ["validate", "fmt"])
def test_paths_lead_from_the_directory_that_was_named(
    command: str, project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    for words in (["-C", str(project), command], [command, "-C", str(project)]):
        assert omnictl(*words, "scenarios/vk-sms.yaml").code == 0
        ran = omnictl(*words, "nowhere.yaml")
        assert ran.code == 64
        assert "Path 'nowhere.yaml' does not exist." in ran.err
    assert omnictl(command, str(project / "nowhere")).code == 64


@pytest.mark.parametrize("text", ["\u0663s", "\uff13m", "3s\n", "\u00b2"])
def test_a_duration_has_digits_of_ascii(text: str) -> None:
    ran = omnictl("apply", "--sandbox", "--env", "test", "--yes", "--stop-after", text)
    assert ran.code == 64
    assert "takes a duration such as 90s" in ran.err


def test_numbers_have_digits_of_ascii(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert omnictl("explain", "\u00b2").code == 64
    assert omnictl("explain", "\u0664").code == 64
    assert omnictl("sandbox", "behave", "--env", "test", "--fault", "create:500,times=\u0663").code == 64
    monkeypatch.setenv("OMNICTL_SETTLE", "\u0663")
    ran = omnictl("plan", "--sandbox", "--env", "test")
    assert ran.code == 64
    assert "bad-seconds" in ran.err


VANISHED = [
    "plan", "validate", "fmt", "apply --yes", "doctor", "show x", "state list", "init", "render", "output", "explain 4",
    "sandbox status", "sandbox serve --port 0", "plan --out x --report json=y", "-C . plan",
]  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="a directory in use cannot be removed there")
@pytest.mark.parametrize("command", VANISHED)
def test_a_working_directory_that_is_gone(command: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = project / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    ran = omnictl(*command.split())
    assert ran.code == 64, ran.err
    assert ran.err.startswith("error[no-directory]: The working directory is gone\n")
    assert omnictl("-C", str(project), "render", "--env", "test").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a directory in use cannot be removed there")
@pytest.mark.parametrize("command", ["--help", "--version", "plan --help"])
def test_help_needs_no_directory(command: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = project / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert omnictl(*command.split()).code == 0


def test_the_state_may_lie_elsewhere(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    monkeypatch.setenv("OMNICTL_STATE", "kept/elsewhere.json")
    assert str(project / "kept" / "elsewhere.json") in omnictl("doctor", "--env", "test").out
    ran = omnictl("doctor", "--env", "test", "--state", "other.json")
    assert str(project / "other.json") in ran.out


def test_a_chosen_environment_is_never_guessed(project: Path) -> None:
    ran = omnictl("plan", "--sandbox")
    assert ran.code == 64
    assert "--env production" in ran.err
    ran = omnictl("plan", "--sandbox", "--env", "tst")
    assert ran.code == 64
    assert "did you mean test?" in ran.err


def test_each_request_is_told_where_somebody_asks(project: Path) -> None:
    quiet = omnictl("plan", "--sandbox", "--env", "test")
    told = omnictl("plan", "--sandbox", "--env", "test", "-v")
    assert "request" not in quiet.err
    assert " request  GET /omni/1/scenarios?limit=100&page=0: 200 in 0." in told.err
    assert quiet.out == told.out
    event = json.loads(omnictl("-v", "plan", "--sandbox", "--env", "test", "--log-format", "json").err.splitlines()[0])
    assert (event["event"], event["method"], event["result"]) == ("request", "GET", "200")


@pytest.mark.parametrize("duration", ["99999999999h", "721h", "nan", "-1", "1e9", "45 m", ""])
def test_a_duration_that_no_clock_can_count_is_wrong_usage(duration: str) -> None:
    for option in ("--stop-after", "--lock-timeout"):
        ran = omnictl("apply", "--sandbox", "--env", "test", "--yes", option, duration)
        assert ran.code == 64
        assert option in ran.err


def test_the_settings_may_name_the_sandbox_in_a_pipeline_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    settings = (project / "omnictl.yaml").read_text()
    (project / "omnictl.yaml").write_text(settings.replace("test: {", "test: {sandbox: true, "))
    ran = omnictl("apply", "--env", "test", "--yes")
    assert ran.code == 0
    assert ran.out.startswith("SANDBOX")
    assert (project / ".omnictl" / "sandbox" / "test" / "state.json").exists()
    monkeypatch.setenv("OMNICTL_SANDBOX", "1")
    assert omnictl("plan", "--env", "test").code == 0
    refused = omnictl("plan", "--env", "production")
    assert (refused.code, "sandbox-in-ci" in refused.err) == (64, True)
