"""Removal as people do it: files deleted, reverted, retired; and everything that looks like it and is none."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omnictl.sandbox.store import World
from tests.e2e.running import Ran, omnictl
from tests.projects import good, write

SETTINGS = "version: 1\ndefault_environment: test\nenvironments: {test: {}, other: {}}\n"
STAYS = "whoever holds its key can still send through it"


@pytest.fixture
def applied(project: Path) -> Path:
    """Three scenarios, applied in the sandbox; anchor is the account default."""
    write(project, {"omnictl.yaml": SETTINGS})
    write(project, {f"scenarios/{each}.yaml": good(each) for each in ("anchor", "b", "c")})
    assert omnictl("apply", "--sandbox", "--yes").code == 0
    return project


def state(project: Path) -> Any:
    return json.loads((project / ".omnictl/sandbox/test/state.json").read_text())


def names(project: Path) -> dict[str, str]:
    """Return what the account shows, by key."""
    world = World(project / ".omnictl/sandbox/test/world.sqlite")
    rows = {row.key: row.body["name"] for row in world.list_all()}
    world.close()
    return rows


def apply(*more: str) -> Ran:
    return omnictl("apply", "--sandbox", "--yes", *more)


# --- forget, retire, come back --------------------------------------------------------------------------------------


def test_a_deleted_file_is_forgotten_and_its_return_takes_the_same_key(applied: Path) -> None:
    key, before = state(applied)["records"]["b"]["key"], names(applied)
    text = (applied / "scenarios/b.yaml").read_text()
    (applied / "scenarios/b.yaml").unlink()
    plan = omnictl("plan", "--sandbox")
    assert ". forget   b            no longer declared; stays on the account and can still be sent through" in plan.out
    assert f"Left behind: 1 scenario stays on the account; {STAYS}." in plan.out
    ran = apply()
    assert (ran.code, f"Left behind: 1 scenario stays on the account; {STAYS}." in ran.out) == (0, True)
    assert names(applied) == before
    assert [(each["id"], each["key"]) for each in state(applied)["tombstones"]] == [("b", key)]
    (applied / "scenarios/b.yaml").write_text(text)
    assert "again, from its tombstone" in omnictl("plan", "--sandbox").out
    assert apply().code == 0
    assert (state(applied)["records"]["b"]["key"], names(applied)) == (key, before)
    assert "tombstones" not in state(applied)


def test_every_rendering_says_that_it_stays(applied: Path) -> None:
    (applied / "scenarios/b.yaml").unlink()
    reports = [word for kind in ("markdown", "html") for word in ("--report", f"{kind}={kind}")]
    assert omnictl("plan", "--sandbox", "--retire", "b", *reports).code == 0
    assert all(STAYS in (applied / kind).read_text() for kind in ("markdown", "html"))
    assert apply("--retire", "b", *reports).code == 0
    assert all(STAYS in (applied / kind).read_text() for kind in ("markdown", "html"))


def test_retired_on_request_it_is_renamed_and_the_revert_un_renames_it(applied: Path) -> None:
    key = state(applied)["records"]["b"]["key"]
    text = (applied / "scenarios/b.yaml").read_text()
    (applied / "scenarios/b.yaml").unlink()
    assert apply("--retire", "b*").code == 0
    assert names(applied)[key] == "[retired] b"
    assert state(applied)["tombstones"][0]["retired"] is True
    (applied / "scenarios/b.yaml").write_text(text)
    assert '"[retired] b" -> "b"' in omnictl("plan", "--sandbox").out
    assert apply().code == 0
    assert (names(applied)[key], state(applied)["records"]["b"]["key"]) == ("b", key)


def test_a_saved_plan_holds_what_is_to_be_retired(applied: Path) -> None:
    (applied / "scenarios/b.yaml").unlink()
    (applied / "scenarios/c.yaml").unlink()
    assert omnictl("plan", "--sandbox", "--retire", "b", "--out", "plan.json").code == 0
    document = json.loads((applied / "plan.json").read_text())
    assert document["retire"] == ["b"]
    assert [(each["action"], each["id"]) for each in document["items"]] == [("retire", "b"), ("forget", "c")]
    assert "x retire   b" in omnictl("show", "plan.json").out
    wrong = omnictl("apply", "--sandbox", "plan.json", "--retire", "c")
    assert (wrong.code, "--allow or --retire: it says itself" in wrong.err) == (64, True)
    assert omnictl("apply", "--sandbox", "plan.json").code == 0
    assert sorted(names(applied).values()) == ["[retired] b", "anchor", "c"]


def test_the_marker_is_a_setting_and_the_removal_is_remembered(applied: Path) -> None:
    removal = "removal: {retire_marker: 'zz old: ', longest_name: 50}\n"
    write(applied, {"omnictl.yaml": SETTINGS + removal})
    file = f"id: b\nname: {'x' * 49}\nflow: [{{channel: SMS}}]\nlifecycle: {{on_removal: retire}}\n"
    write(applied, {"scenarios/b.yaml": file})
    assert apply("--allow", "channel-removal=b").code == 0
    key = state(applied)["records"]["b"]["key"]
    (applied / "scenarios/b.yaml").unlink()
    assert apply().code == 0
    assert names(applied)[key] == "zz old: " + "x" * 42


@pytest.mark.parametrize("marker", ["''", "'   '", '"a\\nb"', "'" + "x" * 41 + "'", "7: 7"])
def test_a_marker_that_marks_nothing_is_a_mistake(project: Path, marker: str) -> None:
    write(
        project, {"omnictl.yaml": f"version: 1\nremoval: {{retire_marker: {marker}}}\n", "scenarios/a.yaml": good("a")}
    )
    assert omnictl("validate").code == 1


def test_a_word_of_retire_that_names_nothing_is_wrong_usage_and_the_same_command_again_is_none(applied: Path) -> None:
    ran = omnictl("plan", "--sandbox", "--retire", "b")
    assert (ran.code, "error[nothing-to-retire]" in ran.err) == (64, True)
    (applied / "scenarios/b.yaml").unlink()
    assert apply("--retire", "b").code == 0
    assert apply("--retire", "b").code == 0


def test_the_default_leaves_only_with_the_guard_and_is_never_renamed(applied: Path) -> None:
    (applied / "scenarios/anchor.yaml").unlink()
    ran = apply("--retire", "anchor")
    assert (ran.code, "default-change" in ran.err) == (3, True)
    assert "[retired] anchor" not in names(applied).values()
    ran = apply("--retire", "anchor", "--allow", "default-change=anchor")
    assert (ran.code, "not-retired" in ran.out, "is never renamed" in ran.out) == (0, True, True)
    assert "[retired] anchor" not in names(applied).values()


def test_a_saved_plan_does_not_go_through_a_protection_that_was_applied_after_it(applied: Path) -> None:
    write(applied, {"scenarios/b.yaml": good("b").replace("name: b", "name: New name")})
    assert omnictl("plan", "--sandbox", "--out", "p.json").code == 0
    write(applied, {"scenarios/b.yaml": good("b", "lifecycle: {protected: all}\n")})
    assert apply().code == 0
    ran = omnictl("apply", "--sandbox", "p.json")
    assert (ran.code, "b: it is protected now." in ran.err) == (3, True)
    assert "New name" not in names(applied).values()


# --- what never reads as "remove everything" ------------------------------------------------------------------------


def _no_folder(project: Path) -> tuple[str, ...]:
    (project / "scenarios").rename(project / "moved")
    return ()


def _dangling_link_in_place_of_the_folder(project: Path) -> tuple[str, ...]:
    (project / "scenarios").rename(project / "moved")
    (project / "scenarios").symlink_to(project / "nowhere")
    return ()


def _link_to_itself(project: Path) -> tuple[str, ...]:
    (project / "scenarios").rename(project / "moved")
    (project / "scenarios").symlink_to("scenarios")
    return ()


def _links_to_nothing_in_place_of_the_files(project: Path) -> tuple[str, ...]:
    for path in (project / "scenarios").iterdir():
        path.unlink()
        path.symlink_to(project / "nowhere.yaml")
    return ()


def _link_out_of_the_project(project: Path) -> tuple[str, ...]:
    (project / "scenarios").rename(project / "moved")
    (project / "scenarios").symlink_to(project.parent)
    return ()


def _all_files_empty(project: Path) -> tuple[str, ...]:
    for path in (project / "scenarios").iterdir():
        path.write_text("")
    return ()


def _all_files_are_rubbish(project: Path) -> tuple[str, ...]:
    for path in (project / "scenarios").iterdir():
        path.write_bytes(b"\x00\xff\xfe")
    return ()


def _conflict_marks(project: Path) -> tuple[str, ...]:
    for path in (project / "scenarios").iterdir():
        path.write_text(f"<<<<<<< HEAD\n{path.read_text()}=======\n>>>>>>> other\n")
    return ()


def _files_are_folders(project: Path) -> tuple[str, ...]:
    for path in list((project / "scenarios").iterdir()):
        path.unlink()
        path.mkdir()
    return ()


def _a_path_of_the_settings_is_misspelt(project: Path) -> tuple[str, ...]:
    write(project, {"omnictl.yaml": f"{SETTINGS}scenarios: [scenario]\n"})
    return ()


def _the_settings_are_empty(project: Path) -> tuple[str, ...]:
    write(project, {"omnictl.yaml": ""})
    return ()


def _nothing_for_this_environment(project: Path) -> tuple[str, ...]:
    for path in (project / "scenarios").iterdir():
        path.write_text(path.read_text() + "only_in: [other]\n")
    return ()


def _all_files_gone(project: Path) -> tuple[str, ...]:
    for path in (project / "scenarios").iterdir():
        path.unlink()
    return ()


def _all_files_hidden(project: Path) -> tuple[str, ...]:
    for path in list((project / "scenarios").iterdir()):
        path.rename(path.with_name(f"_{path.name}"))
    return ()


def _other_endings(project: Path) -> tuple[str, ...]:
    for path in list((project / "scenarios").iterdir()):
        path.rename(path.with_suffix(".yaml.bak"))
    return ()


def _an_empty_folder_of_the_settings(project: Path) -> tuple[str, ...]:
    (project / "empty").mkdir()
    write(project, {"omnictl.yaml": f"{SETTINGS}scenarios: [empty]\n"})
    return ()


def _only_one_of_nothing(project: Path) -> tuple[str, ...]:
    _all_files_gone(project)
    return ("--only", "b")


def _all_but_one_of_nothing(project: Path) -> tuple[str, ...]:
    _all_files_gone(project)
    return ("--exclude", "anchor")


def _only_a_label_that_no_file_has(project: Path) -> tuple[str, ...]:
    _all_files_gone(project)
    return ("--only", "label:team=growth")


def _retire_everything(project: Path) -> tuple[str, ...]:
    _all_files_gone(project)
    return ("--retire", "*")


BREAKAGES: list[Callable[[Path], tuple[str, ...]]] = [
    _no_folder,
    _dangling_link_in_place_of_the_folder,
    _link_to_itself,
    _links_to_nothing_in_place_of_the_files,
    _link_out_of_the_project,
    _all_files_empty,
    _all_files_are_rubbish,
    _conflict_marks,
    _files_are_folders,
    _a_path_of_the_settings_is_misspelt,
    _the_settings_are_empty,
    _nothing_for_this_environment,
    _all_files_gone,
    _all_files_hidden,
    _other_endings,
    _an_empty_folder_of_the_settings,
    _only_one_of_nothing,
    _all_but_one_of_nothing,
    _only_a_label_that_no_file_has,
    _retire_everything,
]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda each: each.__name__.strip("_").replace("_", "-"))
def test_a_broken_configuration_removes_nothing(applied: Path, breakage: Callable[[Path], tuple[str, ...]]) -> None:
    """Not with --yes, and not with every other guard allowed."""
    before, shown = state(applied), names(applied)
    more = breakage(applied)
    allow = [word for each in ("anchor", "b", "c") for word in ("--allow", f"default-change={each}")]
    ran = omnictl("apply", "--sandbox", "--env", "test", "--yes", *more, *allow, "--allow", "mass-change=all")
    assert ran.code in (1, 3, 64), (ran.out, ran.err)
    assert ran.err.count("error[") >= 1
    assert (state(applied), names(applied)) == (before, shown)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_that_may_not_be_read_remove_nothing(applied: Path) -> None:
    before = state(applied)
    (applied / "scenarios").chmod(0)
    try:
        assert apply().code == 1
    finally:
        (applied / "scenarios").chmod(0o755)
    assert state(applied) == before


@pytest.mark.parametrize("has_folder", [False, True])
def test_a_wrong_directory_removes_nothing(applied: Path, has_folder: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another project, or none: its environment has no state of its own, and the one of this is refused to it."""
    (applied / "wrong").mkdir()
    write(applied, {"wrong/omnictl.yaml": "version: 1\n"})
    if has_folder:
        (applied / "wrong/scenarios").mkdir()
    before, path = state(applied), applied / ".omnictl/sandbox/test/state.json"
    monkeypatch.setenv("INFOBIP_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("INFOBIP_API_KEY", "key")
    wrong = str(applied / "wrong")
    assert omnictl("-C", wrong, "apply", "--sandbox", "--yes").code == (0 if has_folder else 1)
    ran = omnictl("-C", wrong, "apply", "--yes", "--state", str(path))
    assert (ran.code, ("other-environment" if has_folder else "missing-path") in ran.err) == (1, True)
    assert state(applied) == before


def test_an_empty_configuration_that_is_meant_is_allowed_by_name(applied: Path) -> None:
    _all_files_gone(applied)
    plan = omnictl("plan", "--sandbox")
    assert "--allow empty-configuration=all" in plan.out
    ran = apply("--allow", "empty-configuration=all", "--allow", "default-change=anchor")
    assert ran.code == 0
    assert "Left behind: 3 scenarios stay on the account" in ran.out
    assert len(names(applied)) == 3
