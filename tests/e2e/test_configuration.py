"""init, validate, fmt and render as a person or a pipeline uses them, bad input included."""

import json
import os
import re
import shlex
import stat
from pathlib import Path

import click
import pytest
import yaml

from omnictl.cli.main import cli
from omnictl.cli.workflows import SERVICES, make_workflow
from omnictl.state.location import parse_location
from tests.e2e.running import omnictl
from tests.projects import good, write

UGLY = "# about\n\nflow: # steps\n- {from: InfoSMS, channel: SMS} # cheap\n# the name\nname: 'x'   # shown\nid: a"
PRETTY = "# about\n\nid: a\n# the name\nname: 'x'   # shown\nflow: # steps\n  - {channel: SMS, from: InfoSMS} # cheap\n"


class TestInit:
    """A first project works at once, and asks nothing."""

    @pytest.mark.parametrize("ci", [None, "github", "gitlab"])
    def test_everything_it_writes_passes_the_checks_and_plans(self, project: Path, ci: str | None) -> None:
        ran = omnictl("init", *(("--ci", ci) if ci else ()))
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.endswith("Next:\n    omnictl plan --sandbox\n")
        checked = omnictl("validate")
        assert (checked.code, checked.out, checked.err) == (
            0,
            "0 errors, 0 warnings in 1 scenario. Nothing was sent.\n",
            "",
        )
        assert omnictl("fmt", "--check", "--diff").code == 0
        assert omnictl("fmt", "--check", "omnictl.yaml").code == 0
        assert omnictl("plan", "--sandbox").code == 0

    def test_nothing_is_written_where_one_of_its_files_cannot_be(
        self, project: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        outside = tmp_path_factory.mktemp("outside")
        (project / ".github").symlink_to(outside)
        ran = omnictl("init", "--ci", "github")
        assert ran.code == 1
        assert "error[cannot-write-file]" in ran.err
        assert [each.name for each in project.iterdir()] == [".github"]
        assert list(outside.iterdir()) == []

    def test_what_is_there_is_left_alone(self, project: Path) -> None:
        write(project, {"omnictl.yaml": "version: 1\n", "scenarios/deep/own.yaml": good("own")})
        ran = omnictl("init")
        assert ran.code == 0
        assert "omnictl.yaml is there and was left alone." in ran.err
        assert "scenarios is there and was left alone." in ran.err
        assert (project / "omnictl.yaml").read_text() == "version: 1\n"
        assert not (project / "scenarios/vk-sms.yaml").exists()
        assert omnictl("validate").code == 0

    def test_settings_beside_own_scenarios_declare_no_variable_of_ours(self, project: Path) -> None:
        write(project, {"scenarios/own.yaml": good("own")})
        assert omnictl("init").code == 0
        assert "0 errors, 0 warnings" in omnictl("validate").out

    def test_a_link_that_leads_nowhere_is_not_followed(
        self, project: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.yaml"
        (project / "omnictl.yaml").symlink_to(elsewhere)
        assert omnictl("init").code == 0
        assert not elsewhere.exists()

    @pytest.mark.parametrize("service", SERVICES)
    @pytest.mark.parametrize(
        "url", [None, "s3://bucket/omnictl/", "https://gitlab.example.com/s/", "git+ssh://g@h/r//"]
    )
    def test_workflows_are_yaml_and_name_commands_that_exist(self, service: str, url: str | None) -> None:
        path, text = make_workflow(service, parse_location(url, "test") if url else None)
        assert "@" not in re.sub(r"@v\d|users.noreply|@example|@\$\{CI", "", text.replace("omnictl@", ""))
        assert ("pip install 'omnictl[s3]'" in text) is (url is not None and url.startswith("s3"))
        assert ("git push" in text) is (url is None)
        before, apply, after = text.partition("# apply:")
        whole = before + apply[2:] + re.sub(r"^( *)# ", r"\1", after, flags=re.MULTILINE)
        for candidate in (text, whole):
            parsed = yaml.safe_load(candidate)
            assert isinstance(parsed, dict), path
            lines = re.findall(r"(?:run:|-) (omnictl .*)$", candidate, re.MULTILINE)
            for line in lines:
                _, name, *rest = shlex.split(line)
                with click.Context(cli) as ctx:
                    command = cli.get_command(ctx, name)
                    assert command is not None, line
                    command.make_context(name, rest, parent=ctx)
            assert {"omnictl validate", "omnictl fmt --check --diff", "omnictl plan --report markdown=plan.md"} <= set(
                lines
            )
        assert ("omnictl apply --yes" if url is None else "omnictl apply --yes --lock-timeout 10m") in lines

    @pytest.mark.parametrize("ci", SERVICES)
    def test_a_store_stands_in_the_settings_and_the_workflow_fits_it(self, project: Path, ci: str) -> None:
        ran = omnictl("init", "--ci", ci, "--state", "s3://bucket/omnictl/")
        assert (ran.code, ran.err) == (0, "")
        assert "0 errors, 0 warnings" in omnictl("validate").out
        assert omnictl("fmt", "--check", "--diff").code == 0
        assert omnictl("fmt", "--check", "omnictl.yaml").code == 0
        assert omnictl("plan", "--sandbox").code == 0
        text = (project / "omnictl.yaml").read_text()
        assert yaml.safe_load(text)["environments"]["test"] == {"state": "s3://bucket/omnictl/"}
        assert yaml.safe_load(text.replace("  # ", "  "))["environments"]["production"]["state"].endswith("omnictl/")
        (workflow,) = (each for each in project.rglob("*.yml"))
        assert "AWS_ACCESS_KEY_ID" in workflow.read_text()

    def test_a_store_of_one_environment_is_not_given_to_another(self, project: Path) -> None:
        assert omnictl("init", "--state", "s3://bucket/omnictl/test: x").code == 0
        text = (project / "omnictl.yaml").read_text()
        assert yaml.safe_load(text)["environments"]["test"] == {"state": "s3://bucket/omnictl/test: x"}
        assert text.count("state:") == 1

    def test_a_credential_in_the_url_of_a_store_is_refused_and_written_nowhere(self, project: Path) -> None:
        ran = omnictl("init", "--ci", "gitlab", "--state", "https://me:canary@host/state/")
        assert ran.code == 64
        assert "credentials-in-url" in ran.err
        assert list(project.iterdir()) == []


class TestValidate:
    """Offline, without credentials, and whole."""

    def test_all_mistakes_of_all_files_come_in_one_run(self, project: Path) -> None:
        write(project, {"scenarios/a.yaml": good("a", "nmae: x\n"), "scenarios/b.yaml": "flow: []\n"})
        ran = omnictl("validate")
        assert ran.code == 1
        assert re.findall(r"^error\[(.*)\]", ran.err, re.MULTILINE) == ["unknown-key", "missing-key", "empty-list"]
        assert (
            ran.out == "3 errors, 0 warnings in 2 scenarios. Nothing was sent. More:\n    omnictl explain unknown-key\n"
        )

    def test_warnings_and_notes_are_counted_and_pass(self, project: Path) -> None:
        write(project, {"scenarios/a.yaml": "name: x\nflow: [{channel: VIBER}]\n"})
        ran = omnictl("validate")
        assert ran.code == 0
        assert ran.out.startswith("0 errors, 1 warning, 1 note in 1 scenario. Nothing was sent. More:\n")
        assert ran.out.endswith("omnictl explain missing-sender\n")

    def test_the_document_has_all_of_a_diagnostic(self, project: Path) -> None:
        write(project, {"scenarios/a.yaml": good("a", "nmae: x\n")})
        ran = omnictl("validate", "--format", "json", "--report", "json=out/v.json", "--report", "text=out/v.txt")
        assert (ran.code, ran.document["exit_code"], ran.document["kind"]) == (1, 1, "validate")
        assert (ran.document["scenarios"], ran.document["files"]) == (1, 1)
        (found,) = ran.document["diagnostics"]
        assert (found["code"], found["severity"]) == ("unknown-key", "error")
        assert json.loads((project / "out/v.json").read_text()) == ran.document
        assert "did you mean name?" in (project / "out/v.txt").read_text()

    def test_paths_are_relative_to_the_working_directory(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        files = {
            "omnictl.yaml": "version: 1\n",
            "scenarios/a.yaml": good("a", "nmae: x\n"),
            "scenarios/b.yaml": good("b"),
        }
        write(project, files)
        monkeypatch.chdir(project / "scenarios")
        assert omnictl("validate", "b.yaml").code == 0
        assert omnictl("validate", "a.yaml").code == 1
        assert omnictl("validate", ".").code == 1
        assert omnictl("validate", "nope.yaml").code == 64

    def test_mistakes_of_the_settings_stop_it_and_are_in_the_report(self, project: Path) -> None:
        write(project, {"omnictl.yaml": "version: 2\nx: 1\n", "scenarios/a.yaml": good("a")})
        ran = omnictl("validate", "--report", "json=v.json")
        assert ran.code == 1
        codes = [each["code"] for each in json.loads((project / "v.json").read_text())["diagnostics"]]
        assert sorted(codes) == ["unknown-key", "wrong-value"]

    def test_lint_in_the_settings_counts_in_validate_and_errors_stop_a_plan(self, project: Path) -> None:
        write(project, {"scenarios/a.yaml": "name: x\nflow: [{channel: SMS, from: x}]\n"})
        for level, validated, planned in (("off", 0, 0), ("note", 0, 0), ("warning", 0, 0), ("error", 1, 1)):
            write(project, {"omnictl.yaml": f"version: 1\nlint: {{single-step: {level}}}\n"})
            assert omnictl("validate").code == validated, level
            ran = omnictl("plan", "--sandbox")
            assert ran.code == planned, level
            assert ("single-step" in ran.err) == (level == "error")

    def test_a_finding_that_environments_share_is_told_once(self, project: Path) -> None:
        settings = "version: 1\nenvironments: {eu: {}, us: {}}\n"
        write(project, {"omnictl.yaml": settings, "scenarios/a.yaml": "name: x\nflow: [{channel: SMS, from: x}]\n"})
        assert "0 errors, 0 warnings, 1 note in 1 scenario" in omnictl("validate").out

    def test_it_needs_no_credentials_and_no_network(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(project, {"scenarios/a.yaml": good("a")})
        monkeypatch.setattr("socket.socket", None)
        assert omnictl("validate").code == 0

    def test_a_misspelt_variable_of_the_command_line_is_told(self, project: Path) -> None:
        write(
            project,
            {
                "omnictl.yaml": "version: 1\nvariables: {sms_sender: x}\n",
                "scenarios/a.yaml": good("a").replace("InfoSMS", "${var.sms_sender}"),
            },
        )
        ran = omnictl("plan", "--sandbox", "--var", "sms_sendr=y")
        assert ran.code == 1
        assert "did you mean sms_sender?" in ran.err


class TestFmt:
    """Canonical layout, comments kept, nothing half written."""

    def test_a_file_is_written_with_its_comments_and_its_mode(self, project: Path) -> None:
        write(project, {"scenarios/a.yaml": UGLY})
        path = project / "scenarios/a.yaml"
        path.chmod(0o640)
        ran = omnictl("fmt")
        assert (ran.code, ran.out, ran.err) == (0, "scenarios/a.yaml\n", "")
        assert path.read_text() == PRETTY
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert [each.name for each in path.parent.iterdir()] == ["a.yaml"]
        assert (omnictl("fmt").out, omnictl("fmt", "--check").code) == ("", 0)

    def test_check_writes_nothing_and_ends_with_two(self, project: Path) -> None:
        write(project, {"scenarios/a.yaml": UGLY, "scenarios/b.yaml": good("b")})
        ran = omnictl("fmt", "--check")
        assert (ran.code, ran.out) == (2, "scenarios/a.yaml\n")
        assert (project / "scenarios/a.yaml").read_text() == UGLY
        shown = omnictl("fmt", "--check", "--diff")
        assert shown.code == 2
        assert "+id: a\n" in shown.out
        assert (project / "scenarios/a.yaml").read_text() == UGLY
        assert omnictl("fmt", "--diff").code == 0
        assert (project / "scenarios/a.yaml").read_text() == PRETTY

    def test_what_cannot_be_read_is_told_and_the_rest_is_written(self, project: Path) -> None:
        write(project, {"scenarios/a.yaml": UGLY, "scenarios/b.yaml": "name: [\n", "scenarios/c.yaml": b"\xff"})
        ran = omnictl("fmt")
        assert ran.code == 1
        assert re.findall(r"^error\[(.*)\]", ran.err, re.MULTILINE) == ["not-yaml", "not-utf-8"]
        assert (project / "scenarios/a.yaml").read_text() == PRETTY
        assert (project / "scenarios/b.yaml").read_text() == "name: [\n"

    def test_line_ends_stay_and_json_is_left_alone(self, project: Path) -> None:
        body = '{"flow":[{"channel":"SMS"}],  "name":"x"}'
        write(project, {"scenarios/a.yaml": UGLY.replace("\n", "\r\n"), "scenarios/b.json": body})
        assert omnictl("fmt").code == 0
        assert (project / "scenarios/a.yaml").read_bytes().decode() == PRETTY.replace("\n", "\r\n")
        assert (project / "scenarios/b.json").read_text() == body

    def test_folders_and_files_can_be_named(self, project: Path) -> None:
        write(project, {"x/a.yaml": UGLY, "x/_b.yaml": UGLY, "y.yaml": UGLY})
        assert omnictl("fmt", "x", "y.yaml", "./y.yaml").out == "x/a.yaml\ny.yaml\n"
        assert (project / "x/_b.yaml").read_text() == UGLY
        assert omnictl("fmt", "nope").code == 64

    def test_nothing_outside_the_project_is_written(
        self, project: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        outside = tmp_path_factory.mktemp("outside")
        write(outside, {"a.yaml": UGLY, "inner/omnictl.yaml": "version: 1\n", "inner/scenarios/b.yaml": UGLY})
        for path in (str(outside), str(outside / "a.yaml"), ".."):
            ran = omnictl("fmt", path)
            assert (ran.code, "outside-root" in ran.err, ran.out) == (1, True, "")
        assert (outside / "a.yaml").read_text() == UGLY
        assert omnictl("-C", str(outside / "inner"), "fmt").code == 0
        assert (outside / "inner" / "scenarios" / "b.yaml").read_text() != UGLY

    def test_links_are_kept_and_never_lead_out(self, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        outside = tmp_path_factory.mktemp("outside")
        write(outside, {"x.yaml": UGLY})
        write(project, {"kept/a.yaml": UGLY})
        (project / "scenarios").mkdir()
        (project / "scenarios/a.yaml").symlink_to("../kept/a.yaml")
        (project / "scenarios/x.yaml").symlink_to(outside / "x.yaml")
        for arguments in ((), ("scenarios/x.yaml", "scenarios/a.yaml"), ("scenarios",)):
            ran = omnictl("fmt", *arguments)
            assert (ran.code, "outside-root" in ran.err) == (1, True)
        assert (outside / "x.yaml").read_text() == UGLY
        assert (project / "scenarios/a.yaml").is_symlink()
        assert (project / "kept/a.yaml").read_text() == PRETTY

    def test_a_file_is_replaced_whole_or_not_at_all(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(project, {"scenarios/a.yaml": UGLY})

        def fail(_handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("omnictl.durable.os.fsync", fail)
        ran = omnictl("fmt")
        assert ran.code == 1
        assert "space left on device" in ran.err
        assert (project / "scenarios/a.yaml").read_text() == UGLY
        assert [each.name for each in (project / "scenarios").iterdir()] == ["a.yaml"]


class TestRender:
    """What will be sent, variables resolved; it can be read back."""

    @pytest.fixture(autouse=True)
    def files(self, project: Path) -> None:
        settings = "version: 1\nvariables: {s: '0123'}\nenvironments: {t: {}}\n"
        flow = "flow: [{channel: vkontakte, from: x}, {channel: sms, from: '${var.s}'}]\n"
        text = f"id: a\nname: no\n{flow}default: true\ndescription: ours\n"
        write(
            project,
            {
                "omnictl.yaml": settings,
                "scenarios/a.yaml": text,
                "scenarios/b.yaml": good("b"),
            },
        )

    def test_it_shows_what_is_sent_and_nothing_of_ours(self, project: Path) -> None:
        ran = omnictl("render", "a")
        assert ran.code == 0
        (document,) = yaml.safe_load_all(ran.out)
        assert document == {
            "id": "a",
            "name": "no",
            "flow": [{"channel": "VKONTAKTE", "from": "x"}, {"channel": "SMS", "from": "0123"}],
            "default": True,
        }

    def test_what_it_shows_is_a_configuration(self, project: Path) -> None:
        for arguments in ((), ("--sandbox",)):
            shown = omnictl("render", *arguments).out
            write(project, {"again/scenarios/all.yaml": shown})
            assert omnictl("-C", str(project / "again"), "render").out == omnictl("-C", str(project), "render").out
            os.chdir(project)

    def test_as_json_it_is_one_document(self, project: Path) -> None:
        document = omnictl("render", "--format", "json").document
        assert [each["id"] for each in document["items"]] == ["a", "b"]

    def test_an_id_that_does_not_exist_is_answered(self, project: Path) -> None:
        write(project, {"scenarios/b.yaml": good("vk-sms")})
        for command in (("render", "vk-smss"), ("plan", "--sandbox", "--only", "vk-smss")):
            ran = omnictl(*command)
            assert ran.code == 64
            assert "did you mean vk-sms?" in ran.err
        assert "label:KEY=VALUE" in omnictl("render", "label:x=y").err
