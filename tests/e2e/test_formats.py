"""Every kind of --format and --report, of every command that has them, when all goes well and when nothing does."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from omnictl.cli import output
from omnictl.cli.apply_output import APPLY_FORMATS
from omnictl.cli.commands.drift import DRIFT_FORMATS
from omnictl.cli.commands.validate import FORMATS as VALIDATE_FORMATS
from omnictl.cli.plan_output import PLAN_FORMATS
from omnictl.errors import OutputError
from omnictl.model.diagnostic import Diagnostic, Severity
from tests.e2e.running import omnictl

GOOD = "id: vk-sms\nname: VK and SMS\nflow:\n  - channel: VKONTAKTE\n  - channel: SMS\n"
BAD = GOOD.replace("VKONTAKTE", "VKONTAKE")
COMMANDS = {"plan": PLAN_FORMATS, "apply": APPLY_FORMATS, "validate": VALIDATE_FORMATS, "drift": DRIFT_FORMATS}
KINDS = [(command, kind) for command, kinds in COMMANDS.items() for kind in kinds]
OPTIONS = {"plan": ("--sandbox",), "apply": ("--sandbox", "--yes"), "validate": (), "drift": ("--sandbox",)}


def declare(project: Path, text: str) -> None:
    (project / "scenarios").mkdir(exist_ok=True)
    (project / "scenarios" / "vk-sms.yaml").write_text(text)


def check(kind: str, text: str) -> None:
    """Check that a text is of a kind."""
    assert text.endswith("\n")
    match kind:
        case "json" | "sarif" | "gitlab" | "gitlab-codequality":
            json.loads(text)
        case "junit":
            assert ET.fromstring(text.encode()).tag == "testsuites"
        case "html":
            assert text.startswith("<!doctype html>")
            assert text.endswith("</html>\n")
        case "markdown":
            assert text.startswith("### omnictl")
        case "github":
            assert all(line.startswith("::") for line in text.splitlines())
        case "prometheus":
            assert all(line.startswith(("# ", "omnictl_")) for line in text.splitlines())
        case _:
            assert not text.startswith(("#", "<", "{", "::"))


@pytest.mark.parametrize(("command", "kind"), KINDS)
def test_a_format_is_all_of_stdout(project: Path, command: str, kind: str) -> None:
    declare(project, GOOD)
    ran = omnictl(command, *OPTIONS[command], "--format", kind)
    assert ran.code == 0
    check(kind, ran.out)


@pytest.mark.parametrize(("command", "kind"), KINDS)
def test_a_format_is_all_of_stdout_on_failure_too(project: Path, command: str, kind: str) -> None:
    declare(project, BAD)
    ran = omnictl(command, *OPTIONS[command], "--format", kind)
    assert ran.code == 1
    if kind == "text":
        assert "unknown-channel" in ran.err
    else:
        check(kind, ran.out)
        assert "unknown-channel" in ran.out


@pytest.mark.parametrize("text", [GOOD, BAD], ids=["good", "bad"])
@pytest.mark.parametrize("command", COMMANDS)
def test_all_reports_in_one_run(project: Path, command: str, text: str) -> None:
    declare(project, text)
    wanted = [f"--report={kind}=reports/{kind}" for kind in COMMANDS[command]]
    ran = omnictl(command, *OPTIONS[command], *wanted)
    assert ran.code == (0 if text is GOOD else 1)
    for kind in COMMANDS[command]:
        told = (project / "reports" / kind).read_text()
        check(kind, told)
        assert text is GOOD or "unknown-channel" in told


@pytest.mark.parametrize("broken", ["version: 2\n", "version: 1\nnope: 1\n"])
def test_reports_are_written_where_the_settings_are_wrong(project: Path, broken: str) -> None:
    (project / "omnictl.yaml").write_text(broken)
    for command in (each for each, kinds in COMMANDS.items() if "junit" in kinds):
        ran = omnictl(command, *OPTIONS[command], "--report", "junit=r.xml")
        assert ran.code == 1
        assert ET.fromstring((project / "r.xml").read_text()).attrib["failures"] != "0"
        (project / "r.xml").unlink()


@pytest.mark.parametrize("output_format", ["text", "json", "markdown"])
def test_reports_are_written_where_apply_refuses(project: Path, output_format: str) -> None:
    declare(project, GOOD)
    ran = omnictl("apply", "--sandbox", "--format", output_format, "--report", "json=r.json", "--report", "junit=r.xml")
    assert ran.code == 3
    document = json.loads((project / "r.json").read_text())
    assert document["refusal"] == {"kind": "approval"}
    assert document["sandbox"] is True
    assert (project / "r.xml").exists()
    if output_format == "json":
        assert ran.document["refusal"]["kind"] == "approval"


def test_people_still_see_the_plan_where_stdout_is_for_a_document(project: Path) -> None:
    declare(project, GOOD)
    ran = omnictl("apply", "--sandbox", "--yes", "--format", "junit")
    assert "+ create   vk-sms" in ran.err
    assert "+ create" not in ran.out
    assert omnictl("apply", "--sandbox", "--yes", "--format", "json", "--log-format", "json").code == 0


def test_a_json_log_is_json_whatever_happens(project: Path) -> None:
    declare(project, GOOD)
    runs = [
        omnictl("apply", "--sandbox", "--log-format", "json"),
        omnictl("apply", "--sandbox", "--yes", "--log-format", "json", "--format", "markdown"),
        omnictl("plan", "--sandbox", "--log-format", "json", "--out", "plan.json"),
        omnictl("plan", "--nope", "--log-format=json"),
        omnictl("state", "show", "nope", "--sandbox", "--log-format", "json"),
    ]
    assert [ran.code for ran in runs] == [3, 0, 0, 64, 1]
    for ran in runs:
        for line in ran.err.splitlines():
            assert json.loads(line)["event"]


def test_another_kind_is_wrong_usage_and_lists_those_that_are(project: Path) -> None:
    for arguments in (("--format", "nope"), ("--report", "nope=x"), ("--report", "sarif")):
        ran = omnictl("apply", *arguments)
        assert ran.code == 64
        assert "junit" in ran.err


def test_a_saved_plan_is_shown_in_every_format(project: Path) -> None:
    declare(project, GOOD)
    assert omnictl("plan", "--sandbox", "--out", "plan.json").code == 0
    for kind in PLAN_FORMATS:
        ran = omnictl("show", "plan.json", "--format", kind)
        assert ran.code == 0
        check(kind, ran.out)
    assert omnictl("apply", "--sandbox", "--report", "json=report.json", "plan.json").code == 0
    for kind in PLAN_FORMATS:
        ran = omnictl("show", "report.json", "--format", kind)
        assert ran.code == (0 if kind in APPLY_FORMATS else 64)
        if kind in APPLY_FORMATS:
            check(kind, ran.out)
    assert "omnictl apply --env default --sandbox plan.json" in omnictl("show", "plan.json", "--format", "markdown").out


@pytest.mark.parametrize("command", COMMANDS)
def test_a_report_that_cannot_be_written_is_wrong_usage_before_anything_is_done(
    project: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    declare(project, GOOD)
    (project / "file").write_text("")
    for path in ("file/below", "scenarios"):
        ran = omnictl(command, *OPTIONS[command], "--report", f"json={path}")
        assert ran.code == 64
        assert "cannot-write-file" in ran.err
    monkeypatch.setattr("os.access", lambda path, mode: False)
    ran = omnictl(command, *OPTIONS[command], "--report", "json=r.json")
    assert (ran.code, "permission denied" in ran.err) == (64, True)
    monkeypatch.undo()
    assert not (project / ".omnictl" / "sandbox").exists()


def test_a_report_that_cannot_be_written_in_the_end_hides_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, content: bytes, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    declare(project, GOOD)
    monkeypatch.setattr("omnictl.cli.files.replace_file", fail)
    ran = omnictl("apply", "--sandbox", "--yes", "--report", "json=r.json", "--format", "json")
    assert ran.code == 4
    assert ran.document["exit_code"] == 4
    assert ran.document["items"][0]["fate"] == "done"
    assert "No space left on device" in ran.document["diagnostics"][0]["detail"]
    assert omnictl("plan", "--sandbox", "--report", "json=r.json").code == 1
    declare(project, BAD)
    ran = omnictl("plan", "--sandbox", "--report", "json=r.json")
    assert ran.code == 1
    assert "unknown-channel" in ran.err
    assert "cannot-write-file" in ran.err


@pytest.mark.parametrize(("command", "kind"), KINDS)
def test_no_name_steers_a_runner_in_any_format(
    project: Path, monkeypatch: pytest.MonkeyPatch, command: str, kind: str
) -> None:
    declare(project, GOOD.replace("VK and SMS", "'::add-mask::x ##[add-mask]y\\n\\n  ::stop-commands::z'"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    ran = omnictl(command, *OPTIONS[command], "--format", kind)
    assert ran.code == 0
    check(kind, ran.out)
    ours = ("::error ", "::warning ", "::notice ")
    for line in (ran.out + ran.err).splitlines():
        assert not line.lstrip().startswith("::") or (kind == "github" and line.startswith(ours))


@pytest.mark.parametrize("again", ["r.json", "./r.json"])
def test_two_reports_in_one_file_are_wrong_usage(project: Path, again: str) -> None:
    declare(project, GOOD)
    ran = omnictl("plan", "--sandbox", "--report", "json=r.json", "--report", f"markdown={again}")
    assert (ran.code, (project / "r.json").exists()) == (64, False)
    assert "Two reports go to r.json" in ran.err


def test_an_apply_without_room_for_its_report_ends_with_4(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(project, GOOD)
    deliver = output._deliver

    def run_full(text: str) -> None:
        if "done" in text:
            raise OutputError(Diagnostic("cannot-write-output", Severity.ERROR, "The output cannot be written"))
        deliver(text)

    with monkeypatch.context() as patched:
        patched.setattr(output, "_deliver", run_full)
        ran = omnictl("apply", "--sandbox", "--yes")
    assert ran.code == 4
    assert "cannot-write-output" in ran.err
    assert "No changes" in omnictl("plan", "--sandbox").out


def test_a_failure_without_room_for_its_document_keeps_its_code(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(project, BAD)

    def run_full(text: str) -> None:
        raise OutputError(Diagnostic("cannot-write-output", Severity.ERROR, "The output cannot be written"))

    monkeypatch.setattr(output, "_deliver", run_full)
    ran = omnictl("plan", "--sandbox", "--format", "json")
    assert ran.code == 1
    assert "unknown-channel" in ran.err


def test_the_sandbox_of_a_variable_is_told_on_failure_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(project, GOOD)
    monkeypatch.setenv("OMNICTL_SANDBOX", "1")
    assert omnictl("output", "nope", "--format", "json").document["sandbox"] is True
