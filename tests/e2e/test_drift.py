"""``omnictl drift`` on the sandbox, whose account somebody edits behind omnictl's back."""

import json
import os
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from omnictl.sandbox.store import Stored, World
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import Ran, omnictl
from tests.projects import write
from tests.unit.codec.schemas import mistakes

NAMES = ("otp-br", "promo", "welcome")
FILE = "id: {id}\nname: {id}\nflow:\n  - channel: VKONTAKTE\n  - channel: SMS\n    from: InfoSMS\n{more}"


def declare(project: Path, scenario_id: str, more: str = "", **fields: str) -> None:
    text = FILE.format(id=scenario_id, more=more)
    for old, new in fields.items():
        text = text.replace(old, new)
    write(project, {f"scenarios/{scenario_id}.yaml": text})


@pytest.fixture
def applied(project: Path) -> Path:
    """Return a project of three scenarios, applied to the sandbox."""
    write(project, {"omnictl.yaml": "version: 1\nenvironments:\n  test: {}\n"})
    for each in NAMES:
        declare(project, each)
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    return project


def edit(project: Path, change: Callable[[Stored], Stored | None], *, new: str | None = None) -> None:
    """Change every scenario of the account as somebody else would; None takes one away."""
    with closing(World(project / ".omnictl/sandbox/test/world.sqlite")) as world:
        for stored in world.list_all():
            changed = change(stored)
            if changed is None:
                world.remove(stored.key)
            else:
                world.put(changed)
        if new is not None:
            body = {"name": new, "flow": [{"channel": "SMS"}]}
            world.put(Stored(f"{len(new):032X}", body, is_default=False, changed_at=0.0))


def named(known: str, /, **fields: Any) -> Callable[[Stored], Stored]:
    """Return a change of the scenario with a name."""

    def change(stored: Stored) -> Stored:
        return replace(stored, body={**stored.body, **fields}) if stored.body["name"] == known else stored

    return change


def same(stored: Stored) -> Stored:
    return stored


def drift(*words: str) -> Ran:
    return omnictl("drift", "--sandbox", *words)


def test_nothing_has_drifted(applied: Path) -> None:
    ran = drift()
    assert ran.code == 0
    assert "No drift: 3 scenarios in test are as recorded." in ran.out
    assert "coverage 100.0 %" in ran.out


def test_an_edit_of_the_account_is_drift_and_one_of_the_files_is_not(applied: Path) -> None:
    declare(applied, "welcome", InfoSMS="BRAND")
    ran = drift()
    assert ran.code == 0
    assert "1 of them differs in its file from what was recorded, and is not applied yet." in ran.out
    edit(applied, named("promo", flow=[{"channel": "SMS", "from": "InfoSMS"}]))
    ran = drift()
    assert ran.code == 2
    assert "DRIFT     promo" in ran.out
    assert "removed VKONTAKTE  (was step 1)" in ran.out
    assert "3 managed: 2 as recorded, 1 drift. 1 differs (exit 2)." in ran.out
    assert "\n    omnictl accept promo --env test --sandbox\n" in ran.out
    assert "welcome   " not in ran.out
    assert omnictl("apply", "--sandbox", "--yes", "--allow", "channel-removal=promo").code == 0
    assert drift().code == 0


def test_a_conflict_field_by_field(applied: Path) -> None:
    flow = [
        {"channel": "VKONTAKTE"},
        {"channel": "SMS", "from": "PROMO"},
        {"channel": "EMAIL", "from": "o@acme.example"},
    ]
    edit(applied, named("otp-br", flow=flow))
    declare(applied, "otp-br", **{"name: otp-br": "name: OTP BR", "InfoSMS": "BRAND"})
    ran = drift("--format", "json")
    assert ran.code == 2
    assert mistakes(ran.document) == []
    (item,) = ran.document["items"]
    assert (item["kind"], item["changed_by"]) == ("conflict", None)
    assert [(each["field"], each["verdict"]) for each in item["fields"]] == [
        ("flow[1].from", "conflict"),
        ("name", "files only"),
        ("flow[2]", "account only"),
    ]
    assert item["source"] == {"path": "scenarios/otp-br.yaml", "line": 5, "column": 5}
    assert "omnictl accept otp-br --field 'flow[2]' --env test --sandbox" in drift().out


def test_an_edit_on_both_sides_to_the_same_is_none(applied: Path) -> None:
    edit(applied, named("promo", name="Promotion"))
    declare(applied, "promo", **{"name: promo": "name: Promotion"})
    ran = drift()
    assert ran.code == 0
    assert "3 managed: 2 as recorded, 1 as declared. None differs." in ran.out


def test_what_the_service_bends_is_no_drift(project: Path) -> None:
    write(project, {"omnictl.yaml": "version: 1\nenvironments:\n  test: {}\n"})
    assert omnictl("sandbox", "behave", "--names", "upper", "--senders", "lower").code == 0
    declare(project, "welcome")
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    with closing(World(project / ".omnictl/sandbox/test/world.sqlite")) as world:
        assert [each.body["name"] for each in world.list_all()] == ["WELCOME"]
    assert drift("--format", "json").document["counts"]["as_recorded"] == 1
    edit(project, named("WELCOME", name="OTHER"))
    (item,) = drift("--format", "json").document["items"]
    assert [each["field"] for each in item["fields"]] == ["name"]


def test_vanished_and_a_moved_default(applied: Path) -> None:
    declare(applied, "promo", "default: true\n")
    assert omnictl("apply", "--sandbox", "--yes", "--allow", "default-change=promo").code == 0
    edit(applied, lambda each: replace(each, is_default=each.body["name"] == "welcome"))
    edit(applied, lambda each: None if each.body["name"] == "otp-br" else each)
    ran = drift()
    assert ran.code == 2
    assert "DEFAULT   promo     the account default moved: promo -> welcome" in ran.out
    assert "scenarios/promo.yaml:7" in ran.out
    assert "VANISHED  otp-br    no longer on the account" in ran.out
    assert "1 vanished; the account default moved. 2 differ (exit 2)." in ran.out
    assert "omnictl plan --env test --sandbox --allow vanished=otp-br --out plan.json" in ran.out


def test_a_scenario_whose_file_is_gone(applied: Path) -> None:
    (applied / "scenarios/promo.yaml").unlink()
    assert drift().code == 0
    edit(applied, named("promo", name="Other"))
    ran = drift()
    assert ran.code == 2
    assert "DRIFT     promo     changed on the account only; no file declares it any more" in ran.out
    assert "omnictl accept" not in ran.out
    assert "omnictl apply" not in ran.out


def test_a_watched_scenario(applied: Path) -> None:
    declare(applied, "promo", "lifecycle: {manage: observe}\n")
    edit(applied, named("promo", name="Other"))
    ran = drift()
    assert ran.code == 2
    assert "changed on the account only; only observed" in ran.out
    assert "omnictl accept promo" in ran.out
    assert "omnictl apply" not in ran.out


def ignoring(days: int) -> str:
    until = datetime.now(UTC).date() + timedelta(days=days)
    return f'lifecycle:\n  ignore_changes:\n    - {{field: name, reason: campaign, until: "{until}"}}\n'


@pytest.mark.parametrize(("days", "code", "told"), [(60, 0, None), (9, 0, "ignore-ends-soon"), (-2, 2, "ignore-ended")])
def test_an_ignored_field_before_and_after_its_last_day(applied: Path, days: int, code: int, told: str | None) -> None:
    declare(applied, "promo", ignoring(days))
    edit(applied, named("promo", name="Other"))
    ran = drift("--format", "json")
    assert ran.code == code
    (item,) = ran.document["items"]
    assert item["kind"] == ("ignored" if days > 0 else "drift")
    codes = [each["code"] for each in ran.document["diagnostics"]]
    assert codes == ([told] if told else [])
    assert (told or "0 warnings") in omnictl("validate").err + omnictl("validate").out
    assert omnictl("plan", "--sandbox", "--detailed-exitcode").code == code
    assert ("IGNORED" in drift().out) == (days > 0)


def test_a_saved_plan_keeps_what_was_ignored_when_it_was_made(applied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(applied, "promo", ignoring(0), InfoSMS="BRAND")
    edit(applied, named("promo", name="Other"))
    assert omnictl("plan", "--sandbox", "--out", "plan.json").code == 0
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    monkeypatch.setattr("omnictl.cli.planning.utc_now", lambda: later)
    fresh = omnictl("plan", "--sandbox", "--format", "json").document
    assert [each["field"] for each in fresh["items"][0]["fields"]] == ["name", "flow"]
    assert omnictl("apply", "--sandbox", "plan.json").code == 0
    with closing(World(applied / ".omnictl/sandbox/test/world.sqlite")) as world:
        names = {each.body["name"] for each in world.list_all()}
    assert names == {"otp-br", "Other", "welcome"}


def test_unmanaged_scenarios_count_with_strict_alone(applied: Path) -> None:
    edit(applied, same, new="Black Friday")
    edit(applied, same, new="test")
    ran = drift()
    assert ran.code == 0
    assert '2 not managed, coverage 60.0 %: "test", "Black Friday"; to import all of it\n' in ran.out
    assert "    omnictl import --all --env test --sandbox\n" in ran.out
    ran = drift("--strict")
    assert ran.code == 2
    assert "as recorded. What nobody manages counts with --strict (exit 2)." in ran.out
    write(applied, {".omnictlignore": "# theirs\nBlack *\nnobody\n"})
    ran = drift("--strict")
    assert ran.code == 2
    assert "1 not managed, coverage 75.0 %" in ran.out
    assert "1 more not managed and ignored by .omnictlignore; to list them\n" in ran.out
    assert "    omnictl drift --all --env test --sandbox\n" in ran.out
    assert "ignore-line-idle" not in ran.out
    assert ".omnictlignore:3:1" in drift("-v").out
    assert f'    {12:032X}  "Black Friday"\n' in drift("--all").out
    write(applied, {".omnictlignore": "Black *\ntest\n"})
    assert drift("--strict").code == 0
    write(applied, {".omnictlignore": "!test\n"})
    ran = drift("--strict")
    assert (ran.code, "wrong-ignore-line" in ran.err) == (1, True)


def test_the_selection(applied: Path) -> None:
    edit(applied, named("promo", name="Other"))
    assert drift("--only", "otp-*").code == 0
    assert "1 managed in test (only promo): 1 drift. 1 differs (exit 2)." in drift("--only", "promo").out.replace(
        "0 as recorded, ", ""
    )
    assert "--only promo" in drift("--only", "promo").out
    ran = drift("--only", "nothing")
    assert (ran.code, "empty-selection" in ran.err) == (64, True)


def test_every_report_and_format(applied: Path) -> None:
    edit(applied, named("promo", name="Other"))
    kinds = ("text", "json", "markdown", "prometheus")
    assert drift(*(f"--report={kind}=told/{kind}" for kind in kinds)).code == 2
    assert (applied / "told/text").read_text().startswith("SANDBOX: nothing leaves this machine\n")
    assert (applied / "told/markdown").read_text().startswith("### omnictl drift: test (SANDBOX)\n")
    document = json.loads((applied / "told/json").read_text())
    assert (document["kind"], document["exit_code"]) == ("drift", 2)
    metrics = (applied / "told/prometheus").read_text()
    assert 'omnictl_drift_scenarios{environment="test",sandbox="true",kind="drift"} 1\n' in metrics
    for kind in kinds:
        ran = drift("--format", kind)
        assert ran.code == 2
        assert ran.out.endswith("\n")
    assert drift("--format", "prometheus").out.startswith("# SANDBOX: nothing leaves this machine\n# HELP ")


def test_a_report_is_written_on_failure_too(applied: Path) -> None:
    declare(applied, "promo", VKONTAKTE="NOPE")
    kinds = ("text", "json", "markdown", "prometheus")
    assert drift(*(f"--report={kind}=told/{kind}" for kind in kinds)).code == 1
    for kind in kinds[:3]:
        assert "unknown-channel" in (applied / "told" / kind).read_text()
    metrics = (applied / "told/prometheus").read_text()
    assert metrics.endswith('omnictl_drift_check_success{environment="test",sandbox="true"} 0\n')
    assert "omnictl_drift_scenarios" not in metrics
    assert drift("--format", "prometheus").out == metrics
    (applied / "omnictl.yaml").write_text("version: 2\n")
    assert drift("--env", "other", "--report", "prometheus=told/prometheus").code == 1
    assert 'environment="other"' in (applied / "told/prometheus").read_text()


def test_metrics_replace_the_file_whole(applied: Path) -> None:
    path = applied / "told/omnictl.prom"
    path.parent.mkdir()
    path.write_text("old")
    path.chmod(0o644)
    before = path.stat()
    assert drift("--report", f"prometheus={path}").code == 0
    assert path.stat().st_ino != before.st_ino, "a reader sees the old file or the new one"
    assert path.stat().st_mode == before.st_mode
    assert [each.name for each in path.parent.iterdir()] == ["omnictl.prom"]


def test_without_a_state_a_pipeline_is_not_green(
    project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_sandbox()
    declare(project, "welcome")
    ran = omnictl("drift")
    assert ran.code == 0
    assert "nothing-recorded" in ran.out
    monkeypatch.setenv("CI", "true")
    ran = omnictl("drift")
    assert (ran.code, "no-state" in ran.err) == (1, True)


def test_it_writes_nothing_and_only_reads(
    project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = serve_sandbox()
    declare(project, "welcome")
    assert omnictl("apply", "--yes").code == 0
    (stored,) = world.list_all()
    base = os.environ["INFOBIP_BASE_URL"]
    body = {**stored.body, "name": "Edited by hand"}
    answered = httpx.put(f"{base}/omni/1/scenarios/{stored.key}", json=body, headers={"Authorization": "App key"})
    assert answered.status_code == 200
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    sent = len(world.list_requests())
    ran = omnictl("drift", "--format", "json")
    assert ran.code == 2
    assert ran.document["items"][0]["name"] == "Edited by hand"
    assert {each["operation"] for each in world.list_requests()[sent:]} <= {"list", "get"}
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_environments_that_share_an_account(
    project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_sandbox()
    named = "".join(f"  {name}: {{account: acme, scenarios: [{name}]}}\n" for name in ("one", "two"))
    write(project, {"omnictl.yaml": f"version: 1\nenvironments:\n{named}"})
    for name in ("one", "two"):
        write(project, {f"{name}/{name}.yaml": FILE.format(id=name, more="")})
    for name in ("one", "two"):
        assert omnictl("apply", "--yes", "--env", name).code == 0
    ran = omnictl("drift", "--env", "one", "--strict")
    assert ran.code == 0
    assert "1 managed elsewhere, on the same account (two)." in ran.out
    assert "coverage 100.0 %" in ran.out


def test_an_open_create_is_settled_in_memory(
    project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_sandbox("create:cut-after")
    monkeypatch.setenv("OMNICTL_SETTLE", "0")
    declare(project, "welcome")
    assert omnictl("apply", "--yes").code in (0, 4)
    state = project / "state/default.json"
    document = json.loads(state.read_text())
    record = document["records"].pop("welcome")
    document["intents"] = [
        {
            "id": "welcome",
            "body": record["applied"],
            "default": False,
            "run": "x",
            "created_at": "2026-01-01T00:00:00Z",
            "not_after": "2026-01-01T00:01:00Z",
        }
    ]
    state.write_text(json.dumps(document))
    before = state.read_bytes()
    ran = omnictl("drift")
    assert ran.code == 0
    assert "? unknown  welcome an earlier create, found on the account" in ran.out
    assert "No drift: 1 scenario in default is as recorded." in ran.out
    assert state.read_bytes() == before


HOSTILE = '::error::x ##[error]y **b** | # @team [l](http://evil.example) `c` <!-- --> \u202eevil \x1b[31m "q" \\'


@pytest.mark.parametrize("kind", ["text", "json", "markdown", "prometheus"])
def test_no_name_steers_what_it_stands_in(applied: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    edit(applied, named("promo", name=HOSTILE), new=HOSTILE)
    declare(applied, "promo", **{"name: promo": "name: Edited"})
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    ran = drift("--format", kind)
    assert ran.code == 2
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert not any(line.lstrip().startswith("::") for line in ran.out.splitlines())
    if kind == "markdown":
        spans = re.sub(r"(`+)(?:(?!\1).)*?\1(?!`)", "", ran.out)
        assert not any(each in spans for each in ("@team", "evil", "**b**", "<!--"))
    if kind == "prometheus":
        assert "evil" not in ran.out


def test_a_mistake_in_the_ignore_file_is_a_risk_of_a_plan_and_an_error_of_drift(applied: Path) -> None:
    write(applied, {".omnictlignore": "!keep\n"})
    declare(applied, "new")
    ran = omnictl("plan", "--sandbox")
    assert (ran.code, "Risk: warning wrong-ignore-line (.omnictlignore:1)." in ran.out) == (0, True)
    assert omnictl("apply", "--sandbox", "--yes-if-safe").code == 3
    assert omnictl("drift", "--sandbox").code == 1


def test_what_is_only_observed_is_put_right_by_the_command_that_drift_says(applied: Path) -> None:
    declare(applied, "promo", "lifecycle: {manage: observe}\n", InfoSMS="Edited")
    edit(applied, named("promo", name="Theirs"))
    ran = omnictl("drift", "--sandbox")
    assert (ran.code, "omnictl accept promo --env test --sandbox" in ran.out) == (2, True)
    assert omnictl("accept", "promo", "--sandbox").code == 0
    ran = omnictl("drift", "--sandbox")
    assert (ran.code, "promo" in ran.out) == (0, False)
    assert "name: Theirs" in (applied / "scenarios/promo.yaml").read_text()
