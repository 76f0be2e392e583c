"""``omnictl import``: an account made by hand becomes files and a state, and the plan after it is empty."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pexpect
import pytest
from msgspec.structs import replace

from omnictl.cli.files import create_texts
from omnictl.codec.state import decode_state, encode_state
from omnictl.config.endings import ENDINGS
from omnictl.model.address import make_address
from omnictl.model.scenario import Attributes, Step
from omnictl.model.state import Intent
from omnictl.sandbox.store import Stored, World
from tests.builders import NOW
from tests.e2e.conftest import ServeSandbox
from tests.e2e.processes import BOUND_SECONDS
from tests.e2e.running import omnictl
from tests.projects import good, write

ODD = [
    "Black Friday",
    "black friday",
    "Black  Friday",
    "Crème brûlée",
    "Creme brulee",
    "Заказ оплачен",
    "שלום עולם",
    "مرحبا",
    "😀 👩‍👩‍👧",
    "promo/2026\\summer",
    "x" * 300,
    "con",
    "LPT1",
    "all",
    "no",
    "0123",
    "${var.sender}",
    "$${x}",
    "tab\tand\nline",
    "a\u2028b\u202ec",
    " ",
    "../../etc/passwd",
    "-rf",
    "welcome.message",
    "_hidden",
    "::error::x",
    "\x1b[31mred",
]
FLOW: list[dict[str, str]] = [{"channel": "VKONTAKTE"}, {"channel": "SMS", "from": "InfoSMS"}]
TWO = "version: 1\ndefault_environment: test\nenvironments:\n  test: {}\n  production: {production: true}\n"


def plant(world: World, *names: str, default: str | None = None, flow: Sequence[dict[str, str]] = FLOW) -> None:
    """Let somebody have made these by hand; keys come in the order of the names."""
    first = world.count()
    with world.transaction():
        for number, name in enumerate(names, first):
            body: dict[str, Any] = {"name": name, "flow": list(flow)}
            world.put(Stored(key_of(number), body, name == default, 0.0))


def key_of(number: int) -> str:
    return f"{number:04X}{0xABCDEF0123456789ABCDEF012345:028X}"


def written(project: Path) -> dict[str, str]:
    """Return the scenario files by their path."""
    return {
        each.relative_to(project).as_posix(): each.read_text()
        for each in sorted(project.rglob("*"))
        if each.name.endswith(ENDINGS) and each.name != "omnictl.yaml" and "state" not in each.parts
    }


def records(project: Path, environment: str = "default") -> dict[str, str]:
    """Return the recorded keys by id."""
    document = json.loads((project / "state" / f"{environment}.json").read_text())
    return {name: record["key"] for name, record in document["records"].items()}


@pytest.fixture
def world(project: Path, serve_sandbox: ServeSandbox) -> World:
    """An account of two scenarios, one of them the default."""
    world = serve_sandbox()
    plant(world, "Welcome", "Order paid", default="Order paid")
    return world


# --- everything -----------------------------------------------------------------------------------------------------


def test_an_account_becomes_files_and_the_plan_is_empty(project: Path, world: World) -> None:
    ran = omnictl("import", "--all")
    assert ran.code == 0, ran.err
    assert "Imported 2 scenarios: 2 files written; state serial 1." in ran.out
    assert "Account default: order-paid; its file says default: true." in ran.out
    assert "The plan is empty: nothing differs for them." in ran.out
    assert records(project) == {"welcome": key_of(0), "order-paid": key_of(1)}
    assert list(written(project)) == ["scenarios/order-paid.yaml", "scenarios/welcome.yaml"]
    assert "default: true" in written(project)["scenarios/order-paid.yaml"]
    assert "default" not in written(project)["scenarios/welcome.yaml"]
    plan = omnictl("plan", "--detailed-exitcode")
    assert (plan.code, plan.out) == (0, "No changes: 2 scenarios in default are as declared.\n")
    assert omnictl("fmt", "--check").code == 0
    assert set(world.count_requests()) == {"list"}


def test_the_second_run_has_nothing_to_do(project: Path, world: World) -> None:
    omnictl("import", "--all")
    before, state = written(project), (project / "state/default.json").read_bytes()
    ran = omnictl("import", "--all")
    assert ran.code == 0
    assert "Nothing is left to import." in ran.out
    assert (written(project), (project / "state/default.json").read_bytes()) == (before, state)


def test_a_thousand_with_odd_names_in_one_step(project: Path, serve_sandbox: ServeSandbox) -> None:
    world = serve_sandbox()
    plant(world, *ODD, *(f"Scenario {number % 400}" for number in range(1000 - len(ODD))), default="😀 👩‍👩‍👧")
    ran = omnictl("import", "--all", "--format", "json")
    assert ran.code == 0, ran.err
    assert ran.document["plan"] == {"empty": True, "differing": [], "others": []}
    assert len({each["id"] for each in ran.document["items"]}) == 1000
    assert sorted(records(project).values()) == [key_of(number) for number in range(1000)]
    assert len(written(project)) == 1000
    assert world.count_requests() == {"list": 11}
    assert "1000 scenarios in default are as declared." in omnictl("plan", "--detailed-exitcode").out
    assert omnictl("fmt", "--check").code == 0
    names = {each["key"]: each["name"] for each in ran.document["items"]}
    assert [names[key_of(number)] for number in range(3)] == ODD[:3]
    ids = {each["key"]: each["id"] for each in ran.document["items"]}
    assert ids[key_of(ODD.index("../../etc/passwd"))] == "etc-passwd"
    assert {path.rpartition("/")[0] for path in written(project)} == {"scenarios"}


def test_names_on_the_screen_steer_nothing(project: Path, serve_sandbox: ServeSandbox) -> None:
    plant(serve_sandbox(), *ODD)
    out = omnictl("import", "--all").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert r"\x1b[31mred" in out


def test_a_dry_run_shows_the_same_and_writes_nothing(project: Path, world: World) -> None:
    dry = omnictl("import", "--all", "--dry-run")
    assert dry.code == 0
    assert "Would import 2 scenarios: 2 files to write. Nothing was written." in dry.out
    assert "The plan is empty" in dry.out
    assert list(project.iterdir()) == []
    real = omnictl("import", "--all")
    assert [line for line in real.out.splitlines() if line.startswith("<")] == [
        line for line in dry.out.splitlines() if line.startswith("<")
    ]


def test_a_dry_run_can_show_the_files(project: Path, world: World) -> None:
    shown = omnictl("import", "--all", "--dry-run", "-v").out
    document = omnictl("import", "--all", "--dry-run", "--format", "json").document
    omnictl("import", "--all")
    assert {each["file"]: each["text"] for each in document["items"]} == written(project)
    for path, text in written(project).items():
        assert "\n".join((path, *(f"    {line}" for line in text.splitlines()))) in shown


def test_only_some_by_id_or_name(project: Path, world: World) -> None:
    plant(world, "Promo A", "Promo B")
    assert omnictl("import", "--all", "--only", "promo-*", "--write", "scenarios/promo").code == 0
    assert list(written(project)) == ["scenarios/promo/promo-a.yaml", "scenarios/promo/promo-b.yaml"]
    assert omnictl("import", "--all", "--only", "promo-*").code == 0
    wrong = omnictl("import", "--all", "--only", "nothing", "--only", "welcome")
    assert wrong.code == 64
    assert "Nothing that is not managed matches nothing" in wrong.err
    assert "welcome" not in records(project)


def test_what_the_project_lets_be_is_left_but_for_a_file_that_names_it(project: Path, world: World) -> None:
    write(project, {".omnictlignore": "Wel*\nNothing\n"})
    ran = omnictl("import", "--all")
    assert ran.code == 0, ran.err
    assert ".omnictlignore names 1 more scenario." in ran.out
    assert list(records(project)) == ["order-paid"]
    assert omnictl("import", "--all", "--only", "welcome").code == 64
    write(project, {"scenarios/mine.yaml": good("mine", f"import: {key_of(0)!r}\n")})
    assert omnictl("import", "--all", "--format", "json").document["ignored"] == 0
    assert "mine" in records(project)
    write(project, {".omnictlignore": "twice\ntwice\n"})
    wrong = omnictl("import", "--all")
    assert wrong.code == 1
    assert "wrong-ignore-line" in wrong.err


def test_files_that_are_there_are_kept_and_adopted(project: Path, world: World) -> None:
    mine = "# mine\nid: hello\nname: Welcome\nflow: [{channel: VKONTAKTE}, {channel: SMS, from: InfoSMS}]\n"
    named = f"id: paid\nname: Paid\nflow: [{{channel: SMS}}]\nimport: {key_of(1)}\n"
    write(project, {"scenarios/a.yaml": mine, "scenarios/b.yaml": named, "scenarios/order-paid.yaml": good("other")})
    ran = omnictl("import", "--all")
    assert ran.code == 0, ran.err
    assert records(project) == {"hello": key_of(0), "paid": key_of(1)}
    assert written(project)["scenarios/a.yaml"] == mine
    assert "Imported 2 scenarios: 0 files written, 2 are there; state serial 1." in ran.out
    assert "The plan is not empty: the next apply sends 1 change for what was imported." in ran.out
    assert "Other scenarios: 1 create." in ran.out
    assert '"Order paid" -> "Paid"' in ran.out
    assert "Account default" not in ran.out


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_plan_that_other_files_fill_is_not_called_empty(project: Path, world: World, dry: list[str]) -> None:
    omnictl("init")
    write(project, {"scenarios/vk-sms.yaml": good("vk-sms", "default: true\n").replace("VKONTAKTE", "VIBER")})
    ran = omnictl("import", "--all", *dry)
    assert ran.code == 0, ran.err
    assert "The plan is not empty, though nothing differs for them.\n" in ran.out
    assert "Other scenarios: 1 create, 1 default change.\n" in ran.out
    again = omnictl("import", "--all", *dry, "--format", "json").document
    assert again["plan"] == {
        "empty": False,
        "differing": [],
        "others": [{"id": "vk-sms", "action": "default"}, {"id": "vk-sms", "action": "create"}],
    }


def test_what_is_only_observed_is_told(project: Path, world: World) -> None:
    write(project, {"scenarios/o.yaml": good("o", "lifecycle: {manage: observe}\n")})
    ran = omnictl("import", "o", key_of(0))
    assert ran.code == 0, ran.err
    assert "o is only observed: no plan sends anything for it. The account differs from the file of o." in ran.out
    assert "nothing differs" not in ran.out


def test_a_name_that_waits_for_another_flow_is_left_out(project: Path, world: World) -> None:
    write(project, {"scenarios/mine.yaml": "id: mine\nname: Welcome\nflow: [{channel: SMS}]\n"})
    ran = omnictl("import", "--all")
    assert ran.code == 4
    assert "warning[left-out]" in ran.err
    assert f"omnictl import mine {key_of(0)}" in ran.err
    assert list(records(project)) == ["order-paid"]
    assert "unmanaged-twin" in omnictl("plan").out
    assert omnictl("import", "mine", key_of(0)).code == 0
    assert omnictl("import", "--all").code == 0


def test_what_no_file_can_hold_is_left_out_with_its_cure(project: Path, world: World) -> None:
    plant(world, "New channel", flow=[{"channel": "RCS"}])
    plant(world, "")
    assert omnictl("import", "--all", "--dry-run").code == 4
    ran = omnictl("import", "--all", "--format", "json")
    assert ran.code == 4
    assert [each["id"] for each in ran.document["items"]] == ["order-paid", "welcome"]
    assert [each["reason"] for each in ran.document["left_out"]] == [
        "this omnictl does not know the channel RCS",
        "it has no name",
    ]
    assert "extra_channels: [RCS]" in ran.err
    assert omnictl("import", "--all", "--dry-run").code == 1
    assert omnictl("import", "--all").code == 1
    write(project, {"omnictl.yaml": "version: 1\nextra_channels: [RCS]\n"})
    assert omnictl("import", "--all", "--only", "new-channel").code == 0
    assert "new-channel" in records(project)


def test_what_breaks_a_rule_of_the_project_is_left_out(project: Path, world: World) -> None:
    plant(world, "Alone", flow=[{"channel": "VIBER"}])
    write(project, {"omnictl.yaml": "version: 1\nlint: {missing-sender: error}\n"})
    ran = omnictl("import", "--all")
    assert ran.code == 4
    assert "it breaks the rule missing-sender" in ran.err
    assert sorted(records(project)) == ["order-paid", "welcome"]
    assert omnictl("plan", "--detailed-exitcode").code == 0


def test_mistakes_of_other_files_are_told_before_anything_is_read(project: Path, world: World) -> None:
    write(project, {"scenarios/bad.yaml": "name: x\nflow: [{channel: VKONTAKE}]\n"})
    ran = omnictl("import", "--all")
    assert ran.code == 1
    assert "unknown-channel" in ran.err
    assert world.count_requests() == {}


@pytest.mark.parametrize("settings", ["scenarios: [scenarios, other]", "scenarios: [other, scenarios]"])
def test_a_folder_that_is_missing_beside_the_one_written_to_is_a_mistake(
    project: Path, world: World, settings: str
) -> None:
    write(project, {"omnictl.yaml": f"version: 1\n{settings}\n"})
    ran = omnictl("import", "--all")
    assert ran.code == 1
    assert "missing-path" in ran.err
    assert not (project / "scenarios").exists()


# --- cut ------------------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
import {module} as module
from omnictl.cli.main import main
original, left = module.{name}, [{left}]
def cut(*arguments, **named):
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return original(*arguments, **named)
module.{name} = cut
main(["import", "--all"])
"""


@pytest.mark.parametrize(
    ("module", "name", "left", "files"),
    [
        ("omnictl.cli.files", "create_file", 0, 0),
        ("omnictl.cli.files", "create_file", 17, 17),
        ("omnictl.durable", "_mode_of", 17, 17),
        ("omnictl.cli.files", "sync_directory", 0, 60),
        ("omnictl.operations.importing", "adopt_all", 0, 60),
    ],
)
def test_a_run_that_was_killed_is_gone_on_with(
    project: Path,
    serve_sandbox: ServeSandbox,
    tmp_path_factory: pytest.TempPathFactory,
    *,
    module: str,
    name: str,
    left: int,
    files: int,
) -> None:
    world = serve_sandbox()
    plant(world, *ODD, *(["Same"] * (60 - len(ODD))), default="con")
    whole = tmp_path_factory.mktemp("whole")
    assert omnictl("import", "--all", "-C", str(whole)).code == 0
    os.chdir(project)
    code = KILLED.format(module=module, name=name, left=left)
    killed = subprocess.run([sys.executable, "-c", code], cwd=project, check=False, timeout=BOUND_SECONDS)
    assert killed.returncode == -signal.SIGKILL
    assert len(written(project)) == files
    assert not (project / "state/default.json").exists()
    ran = omnictl("import", "--all")
    assert ran.code == 0, ran.err
    assert "The plan is empty" in ran.out
    assert written(project) == written(whole)
    assert list(project.rglob("*.tmp")) == []
    assert records(project) == records(whole)
    assert omnictl("plan", "--detailed-exitcode").code == 0


def test_after_a_lost_state_a_file_is_not_given_the_key_of_a_copy(project: Path, serve_sandbox: ServeSandbox) -> None:
    world = serve_sandbox()
    welcome = "id: welcome\nname: Welcome\nflow: [{channel: VKONTAKTE}, {channel: SMS, from: InfoSMS}]\n"
    write(project, {"scenarios/welcome.yaml": welcome})
    assert omnictl("apply", "--yes").code == 0
    mine = records(project)["welcome"]
    plant(world, *["Welcome"] * 6)
    (project / "state/default.json").unlink()
    ran = omnictl("import", "--all")
    assert ran.code == 1
    assert "KEY is one of those above\n    omnictl import welcome KEY\n" in ran.err
    assert mine in ran.err
    assert not (project / "state/default.json").exists()
    assert omnictl("import", "welcome", mine).code == 0
    assert omnictl("import", "--all").code == 0
    assert records(project)["welcome"] == mine
    assert len(records(project)) == 7
    assert omnictl("plan", "--detailed-exitcode").code == 0


def test_after_a_lost_state_an_edited_file_gets_no_second_one(project: Path, world: World) -> None:
    plant(world, "con", "Welcome")
    assert omnictl("import", "--all").code == 0
    before = records(project)
    edited = {path: text.replace("name: ", "name: Edited ") for path, text in written(project).items()}
    write(project, edited)
    (project / "state/default.json").unlink()
    ran = omnictl("import", "--all")
    assert ran.code == 1
    assert written(project) == edited
    for scenario_id, key in before.items():
        assert f"    omnictl import {scenario_id} {key}" in ran.err


def test_a_name_that_the_service_bent_gets_no_second_file(project: Path, serve_sandbox: ServeSandbox) -> None:
    world = serve_sandbox()
    plant(world, "Beta two")
    flow = "flow: [{channel: VKONTAKTE}, {channel: SMS, from: InfoSMS}]\n"
    write(project, {"scenarios/mine.yaml": f'id: mine\nname: "Ｂｅｔａ  two"\n{flow}'})
    ran = omnictl("import", "--all")
    assert ran.code == 1
    assert f"omnictl import mine {key_of(0)}" in ran.err
    assert list(written(project)) == ["scenarios/mine.yaml"]


def test_a_state_that_cannot_be_written_leaves_files_that_the_next_run_takes(project: Path, world: World) -> None:
    (project / "state").write_text("in the way")
    ran = omnictl("import", "--all")
    assert ran.code == 1
    assert len(written(project)) in (0, 2)
    (project / "state").unlink()
    assert omnictl("import", "--all").code == 0
    assert len(written(project)) == 2
    assert len(records(project)) == 2


def test_a_file_that_breaks_the_project_meanwhile_does_not_hide_what_was_imported(
    project: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_and_break(files: Iterable[tuple[Path, str]]) -> None:
        create_texts(files)
        write(project, {"scenarios/bad.yaml": "name: x\nflow: [{channel: VKONTAKE}]\n"})

    monkeypatch.setattr("omnictl.cli.importing.create_texts", write_and_break)
    ran = omnictl("import", "--all", "--format", "json")
    assert ran.code == 4
    assert ran.document["plan"] is None
    assert [each["code"] for each in ran.document["diagnostics"]] == ["unknown-channel"]
    assert len(records(project)) == 2


# --- files alone, and several environments ------------------------------------------------------------------------


def test_files_alone_are_adopted_by_the_apply_that_was_reviewed(
    project: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    ran = omnictl("import", "--all", "--files-only")
    assert ran.code == 0, ran.err
    assert "The plan adopts them and sends nothing." in ran.out
    assert not (project / "state").exists()
    assert f'import: "{key_of(0)}"' in written(project)["scenarios/welcome.yaml"]
    assert omnictl("fmt", "--check").code == 0
    again = omnictl("import", "--all", "--files-only")
    assert "0 files written, 2 are there" in again.out
    plan = omnictl("plan", "--detailed-exitcode")
    assert plan.code == 2
    assert '< adopt    welcome      "Welcome", key 0000…2345, from the account' in plan.out
    assert "Plan: 2 adopts; 0 unchanged." in plan.out
    monkeypatch.delenv("CI")
    assert omnictl("apply", "--yes").code == 0
    assert set(world.count_requests()) == {"list"}
    assert omnictl("plan", "--detailed-exitcode").code == 0


def test_a_line_for_each_environment_is_reviewed_by_itself(project: Path, world: World) -> None:
    keys = f"import:\n  test: {key_of(0)!r}\n  production: {key_of(1)!r}\n"
    write(project, {"omnictl.yaml": TWO, "scenarios/welcome.yaml": good("welcome", keys)})
    for environment, name, key in (("test", "Welcome", key_of(0)), ("production", "Order paid", key_of(1))):
        text = omnictl("plan", "--env", environment).out
        assert f'< adopt    welcome      "{name}", key {key[:4]}…{key[-4:]}, from the account' in text
        assert f'name       "{name}" -> "welcome"' in text
        markdown = omnictl("plan", "--env", environment, "--format", "markdown").out
        assert "- **adopt** `welcome`" in markdown
        assert f"{key[:4]}…{key[-4:]}" in markdown
        (change,) = omnictl("plan", "--env", environment, "--format", "json").document["items"]
        assert (change["action"], change["key"], change["actual"]["name"]) == ("adopt", key, name)


def test_a_file_without_its_key_is_no_file_to_be_reviewed(project: Path, world: World) -> None:
    omnictl("import", "--all")
    (project / "state/default.json").unlink()
    ran = omnictl("import", "--all", "--files-only", "--only", "welcome")
    assert ran.code == 1
    assert f"import: {{default: {key_of(0)}}}" in ran.err


def test_an_import_changes_no_plan_of_another_environment(project: Path, world: World) -> None:
    write(project, {"omnictl.yaml": TWO})
    ran = omnictl("import", "--all")
    assert ran.code == 0, ran.err
    assert "only_in: [test]" in ran.out
    assert "only_in: [test]\n" in written(project)["scenarios/welcome.yaml"]
    assert "0 scenarios in production" in omnictl("plan", "--env", "production").out


def test_the_second_environment_gets_the_same_ids(project: Path, world: World) -> None:
    write(project, {"omnictl.yaml": TWO})
    omnictl("import", "--all")
    ran = omnictl("import", "--all", "--env", "production", "--files-only")
    assert ran.code == 0, ran.err
    assert " · marked production · " in ran.out
    assert sorted(written(project)) == [
        "scenarios/order-paid-production.yaml",
        "scenarios/order-paid.yaml",
        "scenarios/welcome-production.yaml",
        "scenarios/welcome.yaml",
    ]
    assert "id: welcome\n" in written(project)["scenarios/welcome-production.yaml"]
    assert f'import:\n  production: "{key_of(0)}"\n' in written(project)["scenarios/welcome-production.yaml"]
    assert omnictl("validate").code == 0
    assert omnictl("plan", "--detailed-exitcode").code == 0


def test_what_another_environment_of_the_account_manages_is_left_to_it(project: Path, world: World) -> None:
    settings = "version: 1\ndefault_environment: one\nenvironments:\n  one: {account: a}\n  two: {account: a}\n"
    write(project, {"omnictl.yaml": settings})
    assert omnictl("import", "--all", "--only", "welcome").code == 0
    ran = omnictl("import", "--all", "--env", "two")
    assert ran.code == 0, ran.err
    assert list(records(project, "two")) == ["order-paid"]
    taken = omnictl("import", "mine", key_of(0), "--env", "two")
    assert taken.code == 3
    assert "in the environment one" in taken.err


def test_a_default_that_another_environment_declares_is_not_declared_again(project: Path, world: World) -> None:
    settings = "version: 1\ndefault_environment: one\nenvironments:\n  one: {account: a}\n  two: {account: a}\n"
    write(project, {"omnictl.yaml": settings, "scenarios/x.yaml": good("x", "default: true\nonly_in: [two]\n")})
    assert omnictl("import", "--all", "--files-are-new").code == 0
    assert "default" not in written(project)["scenarios/order-paid.yaml"]
    assert omnictl("validate").code == 0


# --- one ------------------------------------------------------------------------------------------------------------


def test_one_gets_the_id_that_was_chosen(project: Path, world: World) -> None:
    ran = omnictl("import", "hello", key_of(0))
    assert ran.code == 0, ran.err
    assert "The plan is empty: nothing differs for it." in ran.out
    assert records(project) == {"hello": key_of(0)}
    assert list(written(project)) == ["scenarios/hello.yaml"]
    again = omnictl("import", "hello", key_of(0))
    assert again.code == 0
    assert "Nothing is left to import." in again.out


def test_one_with_a_file_that_differs_is_an_update_of_the_next_apply(project: Path, world: World) -> None:
    write(project, {"scenarios/mine.yaml": good("mine")})
    ran = omnictl("import", "mine", key_of(0))
    assert ran.code == 0
    assert '"Welcome" -> "mine"' in ran.out
    plan = omnictl("plan")
    assert "~ update   mine" in plan.out
    assert "Plan: 1 update; 0 unchanged." in plan.out


def test_the_command_of_the_guard_can_be_run_as_it_stands(project: Path, world: World) -> None:
    write(project, {"scenarios/mine.yaml": good("mine").replace("name: mine", "name: Welcome")})
    plan = omnictl("plan", "--format", "json")
    (guard,) = plan.document["guards"]
    command, line = guard["commands"]
    assert line == f"import: {{default: {key_of(0)}}}"
    assert omnictl(*command.split()[1:]).code == 0
    assert omnictl("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 64, "Give ID and KEY, or --all."),
        (("welcome",), 64, "Give ID and KEY, or --all."),
        (("welcome", "KEY", "--all"), 64, "Give ID and KEY, or --all."),
        (("welcome", "KEY", "--only", "x"), 64, "--only goes with --all"),
        (("Bad Id", "KEY"), 64, "is no id"),
        (("all", "KEY"), 64, "Choose another, or --all."),
        (("new", "NOWHERE"), 1, "import-missing"),
        (("other", key_of(0)), 3, "import-taken"),
        (("welcome", key_of(1)), 3, "id-recorded"),
        (("--all", "--write", "elsewhere"), 64, "unread-folder"),
        (("--all", "--write", "scenarios/_hidden"), 64, "unread-folder"),
        (("--all", "--write", "scenarios/welcome.yaml"), 64, "unread-folder"),
        (("--all", "--write", "../scenarios"), 64, "unread-folder"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    project: Path, world: World, arguments: tuple[str, ...], code: int, told: str
) -> None:
    assert omnictl("import", "welcome", key_of(0)).code == 0
    before = written(project), (project / "state/default.json").read_bytes()
    ran = omnictl("import", *arguments)
    assert ran.code == code, ran.err
    assert told in ran.err
    assert (written(project), (project / "state/default.json").read_bytes()) == before


def test_a_folder_that_leads_out_of_the_project_is_not_written_to(
    project: Path, world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (project / "scenarios").symlink_to(outside)
    assert omnictl("import", "--all").code == 64
    assert list(outside.iterdir()) == []


def test_a_pipeline_must_not_lose_what_it_imports(project: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    ran = omnictl("import", "--all")
    assert ran.code == 3
    assert "local-state-in-ci" in ran.err
    assert "    omnictl import --all --files-only\n" in ran.err
    one = omnictl("import", "welcome", key_of(0), "--write", "scenarios/a b")
    assert f"    omnictl import welcome {key_of(0)} --write 'scenarios/a b' --files-only\n" in one.err
    assert written(project) == {}
    assert omnictl("import", "--all", "--dry-run").code == 0


def test_open_creates_are_settled_first(project: Path, world: World) -> None:
    omnictl("import", "welcome", key_of(0))
    path = project / "state/default.json"
    state = decode_state(path.read_text(), path=str(path))
    intent = Intent(make_address("lost"), Attributes("Lost", (Step("SMS"),)), False, "run", NOW, NOW)
    path.write_text(encode_state(replace(state, intents=(intent,))))
    ran = omnictl("import", "--all")
    assert ran.code == 3
    assert "omnictl state settle lost --key KEY" in ran.err
    assert len(written(project)) == 1


# --- init -----------------------------------------------------------------------------------------------------------


def test_init_names_the_command_where_nobody_can_be_asked(project: Path, world: World) -> None:
    ran = omnictl("init")
    assert ran.code == 0
    assert ran.out.endswith(
        "or, to adopt the scenarios that 127.0.0.1 has:\n    omnictl import --all --files-are-new\n"
    )
    example = Path("scenarios/vk-sms.yaml")
    assert list(written(project)) == [str(example)]
    as_told = omnictl("import", "--all", "--files-are-new", "--dry-run")
    assert (as_told.code, "2 scenarios to import" in as_told.out) == (0, True), as_told
    left = omnictl("import", "--all")
    assert left.code == 1
    assert "vk-sms (scenarios/vk-sms.yaml) has its flow and no key yet" in " ".join(left.err.split())
    example.write_text(example.read_text().replace("${var.sms_sender}", "ExampleShop"))
    assert omnictl("import", "--all").code == 0
    assert "Plan: 1 create; 2 unchanged." in omnictl("plan").out


def init(answer: str, *options: str) -> tuple[int, str]:
    """Run init on a terminal and answer its question."""
    words = ["-m", "omnictl", "init", *options]
    terminal = pexpect.spawn(sys.executable, words, encoding="utf-8", timeout=BOUND_SECONDS)
    terminal.expect("Import the scenarios that it has, in place of a first example")
    terminal.sendline(answer)
    terminal.expect(pexpect.EOF)
    terminal.close()
    return terminal.exitstatus, terminal.before or ""


@pytest.mark.parametrize("options", [(), ("-C", "deep")])
def test_what_init_says_next_works_where_it_ran(project: Path, world: World, options: tuple[str, ...]) -> None:
    (project / "deep").mkdir()
    code, said = init("y", *options)
    assert code == 0, said
    assert said.replace("\r", "").endswith(f"\nNext:\n    omnictl plan{' -C deep' * bool(options)}\n")
    assert omnictl("plan", "--detailed-exitcode", *options).code == 0


def test_init_imports_where_somebody_says_yes(project: Path, world: World) -> None:
    code, said = init("Yes")
    assert code == 0, said
    assert "The plan is empty" in said
    assert sorted(written(project)) == ["scenarios/order-paid.yaml", "scenarios/welcome.yaml"]
    assert omnictl("validate").out.startswith("0 errors, 0 warnings in 2 scenarios.")
    assert omnictl("plan", "--detailed-exitcode").code == 0


def test_init_writes_the_example_where_somebody_says_no(project: Path, world: World) -> None:
    code, said = init("no")
    assert code == 0, said
    assert list(written(project)) == ["scenarios/vk-sms.yaml"]
    assert world.count_requests() == {}
