"""Environments that share an account, and other people's edits between a look and a write."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omnictl.provider.omni import OmniProvider
from omnictl.sandbox.store import World
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import omnictl
from tests.projects import good, write

SETTINGS = """\
version: 1
environments:
  blue: {account: acme, scenarios: [blue]}
  green: {account: acme, scenarios: [green]}
  alone: {account: other, scenarios: [green]}
"""


@pytest.fixture
def shared(project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch) -> World:
    """One account, of which blue has applied a, and b, which is the default; green has declared nothing of its own."""
    monkeypatch.setenv("OMNICTL_SETTLE", "0")
    world = serve_sandbox()
    write(project, {"omnictl.yaml": SETTINGS, "green/z.yaml": good("z")})
    write(project, {f"blue/{each}.yaml": good(each) for each in "ab"})
    assert omnictl("apply", "--env", "blue", "--yes").code == 0
    return world


def state(name: str) -> Any:
    return json.loads(Path(f"state/{name}.json").read_text())


def key(name: str, scenario_id: str) -> str:
    return str(state(name)["records"][scenario_id]["key"])


def rename(world: World, wanted: str, name: str) -> None:
    """Edit a scenario as somebody in the web interface would."""
    stored = world.get(wanted)
    assert stored is not None
    world.query("UPDATE scenarios SET body = ? WHERE key = ?", json.dumps({**stored.body, "name": name}), wanted)


# --- environments that share an account --------------------------------------------------------------------------


def test_what_the_neighbour_manages_is_neither_unmanaged_nor_a_twin(shared: World) -> None:
    write(Path(), {"green/z.yaml": good("z").replace("name: z", "name: a")})
    ran = omnictl("plan", "--env", "green", "--format", "json")
    assert (ran.document["unmanaged"], ran.document["guards"]) == ([], [])
    alone = omnictl("plan", "--env", "alone", "--format", "json")
    assert len(alone.document["unmanaged"]) == 2
    assert [each["guard"] for each in alone.document["guards"]] == ["unmanaged-twin"]


def test_a_file_that_moves_to_the_neighbour_is_no_second_scenario(shared: World) -> None:
    wanted, before = key("blue", "a"), shared.count()
    Path("blue/a.yaml").rename("green/a.yaml")
    ran = omnictl("apply", "--env", "green", "--only", "a", "--yes")
    assert ran.code == 3, ran.out
    assert "The environment blue manages" in ran.out
    assert shared.count() == before
    assert omnictl("apply", "--env", "blue", "--yes", "--allow", "default-change=a").code == 0
    assert omnictl("import", "a", wanted, "--env", "green").code == 0
    assert (key("green", "a"), shared.count()) == (wanted, before)


@pytest.mark.parametrize("retires", [False, True])
def test_the_commands_of_a_moved_file_bring_it_over_with_its_key(shared: World, retires: bool) -> None:
    """Id and name are edited on the way, and the service's name was too; what the guard prints is run as it stands."""
    lifecycle = "lifecycle: {on_removal: retire}\n" if retires else ""
    write(Path(), {"blue/b.yaml": good("b", lifecycle)})
    assert omnictl("apply", "--env", "blue", "--yes").code == 0
    wanted, before = key("blue", "b"), shared.count()
    rename(shared, wanted, "Renamed by somebody")
    Path("blue/b.yaml").unlink()
    write(Path(), {"green/bb.yaml": good("bb", f"previous_ids: [b]\n{lifecycle}").replace("name: bb", "name: New")})
    guard = next(
        each
        for each in omnictl("plan", "--env", "green", "--only", "bb", "--format", "json").document["guards"]
        if each["guard"] == "unmanaged-twin"
    )
    leave, adopt = (command.split()[1:] for command in guard["commands"])
    assert omnictl(*leave, "--yes").code == 0
    stored = shared.get(wanted)
    assert stored is not None
    assert stored.body["name"] == "Renamed by somebody"
    assert omnictl(*adopt).code == 0
    assert omnictl("apply", "--env", "green", "--yes").code == 0
    stored = shared.get(wanted)
    assert stored is not None
    assert (stored.body["name"], key("green", "bb"), shared.count()) == ("New", wanted, before + 1)  # z is new


def test_two_files_that_change_places_between_environments(shared: World) -> None:
    assert omnictl("apply", "--env", "green", "--yes").code == 0
    wanted = {"b": key("blue", "b"), "z": key("green", "z")}
    Path("blue/b.yaml").rename("green/b.yaml")
    Path("green/z.yaml").rename("blue/z.yaml")
    for name, scenario_id in (("green", "b"), ("blue", "z")):
        [guard] = omnictl("plan", "--env", name, "--format", "json").document["guards"]
        assert guard["subject"] == scenario_id
        for command in guard["commands"]:
            words = command.split()[1:]
            assert omnictl(*words, *(["--yes"] if words[0] == "apply" else [])).code == 0, command
    assert (key("green", "b"), key("blue", "z")) == (wanted["b"], wanted["z"])
    for name in ("blue", "green"):
        assert omnictl("plan", "--env", name, "--detailed-exitcode").code == 0


def test_what_a_neighbour_waits_for_is_not_taken_by_an_import_of_everything(shared: World) -> None:
    Path("state/blue.json").unlink()
    ran = omnictl("import", "--all", "--env", "green")
    assert ran.code != 0, ran.out
    assert "of the environment blue, which has no key yet" in " ".join(ran.err.split())
    assert omnictl("import", "--all", "--env", "blue").code == 0
    assert omnictl("plan", "--env", "blue", "--detailed-exitcode").code == 0


def test_what_the_neighbour_took_over_is_not_made_again_when_its_file_comes_back(shared: World) -> None:
    wanted, before = key("blue", "b"), shared.count()
    kept = Path("blue/b.yaml").read_text()
    Path("blue/b.yaml").unlink()
    assert omnictl("apply", "--env", "blue", "--yes").code == 0
    write(Path(), {"green/b.yaml": kept})
    assert omnictl("import", "b", wanted, "--env", "green").code == 0
    write(Path(), {"blue/b.yaml": kept})
    ran = omnictl("apply", "--env", "blue", "--yes")
    assert ran.code == 3, ran.out
    assert "which this id stood for before" in " ".join(ran.out.split())
    assert shared.count() == before


def test_a_key_of_the_neighbour_is_not_adopted_and_its_name_is_told(shared: World) -> None:
    write(Path(), {"green/z.yaml": good("z", f"import: {{green: {key('blue', 'a')}}}\n")})
    for command in (("plan",), ("apply", "--yes")):
        ran = omnictl(*command, "--env", "green")
        assert ran.code == 1
        assert "error[import-taken]" in ran.err
        assert "managed in the environment blue" in ran.err


def test_two_environments_that_adopt_the_same_key_in_the_same_moment(shared: World) -> None:
    """Both plan, each in its branch, before either applies: the second is refused, with the name of the first."""
    theirs = omnictl("plan", "--env", "alone", "--format", "json").document["unmanaged"]
    assert len(theirs) == 2
    made = shared.list_all()[0].key
    Path("state/blue.json").unlink()
    for name in ("blue", "green"):
        for path in Path(name).iterdir():
            path.unlink()
        write(Path(), {f"{name}/mine.yaml": good("mine", f"import: {{{name}: {made}}}\n")})
        assert omnictl("plan", "--env", name, "--out", f"{name}.json").code == 0
        Path(name, "mine.yaml").unlink()
    assert omnictl("apply", "--env", "blue", "blue.json").code == 0
    ran = omnictl("apply", "--env", "green", "green.json")
    assert ran.code == 3
    assert "error[stale-plan]" in ran.err
    assert f"mine: the environment blue manages its key now ({made})." in " ".join(ran.err.split())
    assert not Path("state/green.json").exists()


def test_a_key_that_both_record_is_refused_until_one_lets_it_go(shared: World) -> None:
    document = {**state("blue"), "environment": "green", "lineage": "another"}
    Path("state/green.json").write_text(json.dumps(document))
    write(Path(), {"green/a.yaml": good("a"), "green/b.yaml": good("b")})
    ran = omnictl("plan", "--env", "green")
    assert (ran.code, ran.err.count("error[managed-twice]")) == (1, 2)
    assert "so it is in the environment blue" in " ".join(ran.err.split())
    Path("green/a.yaml").unlink()
    Path("green/b.yaml").unlink()
    before = [row.body for row in shared.list_all()]
    plan = omnictl("apply", "--env", "green", "--yes", "--retire", "*", "--allow", "default-change=a")
    assert (plan.code, plan.out.count("warning[not-retired]")) == (0, 2)
    assert [row.body for row in shared.list_all()][:2] == before
    assert omnictl("plan", "--env", "blue", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "unreadable-state"),
        (b'{"format_version": 9, "kind": "state"}', "newer-state"),
    ],
)
def test_a_state_of_the_neighbour_that_cannot_be_read_is_not_passed_over(
    shared: World, content: bytes, code: str
) -> None:
    Path("state/blue.json").write_bytes(content)
    for command in (("plan",), ("apply", "--yes")):
        ran = omnictl(*command, "--env", "green")
        assert ran.code in (1, 3)
        assert "error[neighbour-unreadable]" in ran.err
        assert "blue has the same account: acme." in ran.err
        assert f"error[{code}]" in ran.err
        assert "--env green" not in ran.err
    assert omnictl("plan", "--env", "alone").code == 0
    assert not Path("state/green.json").exists()


def test_hosts_tell_accounts_of_one_name_apart(shared: World) -> None:
    elsewhere = "{account: acme, base_url: 'http://127.0.0.1:9', scenarios: [green]}"
    settings = SETTINGS.replace("{account: acme, scenarios: [blue]}", "{account: acme, base_url: 'http://127.0.0.1:8'}")
    write(Path(), {"omnictl.yaml": settings.replace("{account: other, scenarios: [green]}", elsewhere)})
    Path("state/blue.json").write_text("{")
    for name in ("alone", "green"):
        assert "neighbour-unreadable" not in omnictl("plan", "--env", name).err


@pytest.mark.parametrize("spelled", ["{}/", "HTTP{}", "{} "])
def test_one_host_is_one_account_however_it_is_spelled(
    shared: World, monkeypatch: pytest.MonkeyPatch, spelled: str
) -> None:
    base_url = os.environ["INFOBIP_BASE_URL"]
    written = spelled.format(base_url.removeprefix("http") if "HTTP" in spelled else base_url)
    settings = SETTINGS.replace("blue: {account", f"blue: {{base_url: '{written}', account")
    write(Path(), {"omnictl.yaml": settings})
    Path("blue/a.yaml").rename("green/a.yaml")
    assert "The environment blue manages" in omnictl("plan", "--env", "green").out


# --- edits of others between a look and a write ------------------------------------------------------------------


def meddle_before_the_write(monkeypatch: pytest.MonkeyPatch, edit: Callable[[str], None]) -> None:
    """Let somebody edit each scenario just before it is read for its PUT."""
    inner = OmniProvider.get

    def get(provider: OmniProvider, wanted: str) -> Any:
        edit(wanted)
        return inner(provider, wanted)

    monkeypatch.setattr(OmniProvider, "get", get)


@pytest.mark.parametrize("saved", [False, True])
def test_an_edit_between_the_plan_and_the_write_is_left_alone_and_told(
    shared: World, saved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Path(), {"blue/b.yaml": good("b").replace("name: b", "name: Ours")})
    assert omnictl("plan", "--env", "blue", "--out", "plan.json").code == 0
    meddle_before_the_write(monkeypatch, lambda wanted: rename(shared, wanted, "Theirs"))
    ran = omnictl("apply", "--env", "blue", *(("plan.json",) if saved else ("--yes",)))
    assert ran.code == 1
    said = " ".join(ran.out.split())
    assert 'is no longer what the plan saw: the name was "b" and is "Theirs". It was left as it is.' in said
    stored = shared.get(key("blue", "b"))
    assert stored is not None
    assert stored.body["name"] == "Theirs"


def test_a_stale_plan_says_what_moved_field_by_field(shared: World) -> None:
    write(Path(), {"blue/b.yaml": good("b").replace("name: b", "name: Ours")})
    assert omnictl("plan", "--env", "blue", "--out", "plan.json").code == 0
    wanted = key("blue", "b")
    flow = json.dumps({"name": "Theirs", "flow": [{"channel": "SMS", "from": "PROMO"}]})
    shared.query("UPDATE scenarios SET body = ? WHERE key = ?", flow, wanted)
    ran = omnictl("apply", "--env", "blue", "plan.json")
    assert ran.code == 3
    said = " ".join(ran.err.split())
    assert (
        'b: it was changed on the account (the name was "b" and is "Theirs", step 1 of the flow was VKONTAKTE and is '
        "not there, step 2 of the flow was SMS InfoSMS and is SMS PROMO, as step 1)."
    ) in said


def test_what_the_service_makes_of_a_write_is_told_once(shared: World) -> None:
    write(Path(), {"blue/b.yaml": good("b").replace("name: b", "name: Our  Name")})
    shared.behaviour = type(shared.behaviour)(names="trimmed")
    ran = omnictl("apply", "--env", "blue", "--yes")
    assert (ran.code, "note[normalised]" in ran.err) == (0, True)
    assert "was sent as 'Our Name' and is 'Our Name'" in " ".join(ran.err.split())
    assert omnictl("plan", "--env", "blue", "--detailed-exitcode").code == 0
