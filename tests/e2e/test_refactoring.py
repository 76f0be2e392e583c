"""Files renamed, moved, merged, split and rewritten on disk: the account is not touched, and every key stays."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from omnictl.codec.state import decode_state
from omnictl.sandbox.store import World
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import omnictl

SCENARIOS = Path("scenarios")


def write(path: str, text: str) -> None:
    target = SCENARIOS / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def content(name: str, channel: str = "SMS") -> str:
    return f"name: {name}\nflow:\n  - channel: {channel}\n"


def keys() -> dict[str, str]:
    """Return the ids by their keys."""
    state = decode_state(Path("state/default.json").read_bytes(), path="x")
    return {each.key: address.removeprefix("scenario.") for address, each in state.records.items()}


@pytest.fixture
def world(project: Path, serve_sandbox: ServeSandbox) -> World:
    """a and b have ids of their own, c has that of its file."""
    world = serve_sandbox()
    write("a.yaml", f"id: a\n{content('A')}")
    write("b.yaml", f"id: b\n{content('B', 'VIBER')}")
    write("c.yaml", content("C", "VKONTAKTE"))
    assert omnictl("apply", "--yes").code == 0
    return world


def rename_a_file() -> None:
    (SCENARIOS / "a.yaml").rename(SCENARIOS / "zz.yaml")


def move_into_a_folder() -> None:
    (SCENARIOS / "deep").mkdir()
    for path in list(SCENARIOS.glob("*.yaml")):
        path.rename(SCENARIOS / "deep" / path.name)


def write_as_json() -> None:
    (SCENARIOS / "a.yaml").unlink()
    write("a.json", json.dumps({"id": "a", "name": "A", "flow": [{"channel": "SMS"}]}))


def merge() -> None:
    whole = f"id: a\n{content('A')}---\nid: b\n{content('B', 'VIBER')}---\nid: c\n{content('C', 'VKONTAKTE')}"
    for path in list(SCENARIOS.glob("*.yaml")):
        path.unlink()
    write("all.yaml", whole)


def merge_and_split() -> None:
    merge()
    parts = (SCENARIOS / "all.yaml").read_text().split("---\n")
    (SCENARIOS / "all.yaml").unlink()
    for number, part in enumerate(parts):
        write(f"part-{number}.yaml", part)


def change_the_order() -> None:
    merge()
    parts = (SCENARIOS / "all.yaml").read_text().split("---\n")
    write("all.yaml", "---\n".join(reversed(parts)))


def use_an_anchor() -> None:
    write("b.yaml", "id: b\nname: B\nflow: [&one {channel: VIBER}]\n")


NOTHING: list[Callable[[], None]] = [
    rename_a_file,
    move_into_a_folder,
    write_as_json,
    merge,
    merge_and_split,
    change_the_order,
    use_an_anchor,
]


@pytest.mark.parametrize("rewrite", NOTHING, ids=lambda each: each.__name__)
def test_where_a_scenario_stands_does_not_matter(world: World, rewrite: Callable[[], None]) -> None:
    before, requests = keys(), world.count_requests()
    rewrite()
    ran = omnictl("plan", "--detailed-exitcode")
    assert ran.code == 0, ran.out + ran.err
    assert omnictl("apply", "--yes").code == 0
    assert keys() == before
    after = world.count_requests()
    assert {name: after.get(name) for name in ("create", "update")} == {
        name: requests.get(name) for name in ("create", "update")
    }


def rename_a_file_that_gives_the_id() -> None:
    (SCENARIOS / "c.yaml").rename(SCENARIOS / "see.yaml")


def rename_an_id() -> None:
    write("c.yaml", f"id: see\n{content('C', 'VKONTAKTE')}")


def rename_an_id_and_edit() -> None:
    write("c.yaml", f"id: see\nprevious_ids: [c]\n{content('See', 'EMAIL')}")


def rename_the_file_the_id_and_merge() -> None:
    (SCENARIOS / "c.yaml").unlink()
    write("a.yaml", f"id: a\n{content('A')}---\nid: see\n{content('C', 'VKONTAKTE')}")


RENAMED: list[Callable[[], None]] = [
    rename_a_file_that_gives_the_id,
    rename_an_id,
    rename_an_id_and_edit,
    rename_the_file_the_id_and_merge,
]


@pytest.mark.parametrize("rewrite", RENAMED, ids=lambda each: each.__name__)
def test_an_id_that_changes_keeps_its_key(world: World, rewrite: Callable[[], None]) -> None:
    before = keys()
    rewrite()
    ran = omnictl("plan", "--format", "json")
    assert [each["action"] for each in ran.document["items"]] == ["rename"]
    assert omnictl("apply", "--yes", "--allow", "channel-removal=see").code == 0
    assert keys() == {key: "see" if each == "c" else each for key, each in before.items()}
    assert omnictl("plan", "--detailed-exitcode").code == 0
    assert world.count() == 3


def test_merging_files_without_ids_is_said_and_changes_nothing(world: World) -> None:
    before = keys()
    (SCENARIOS / "c.yaml").unlink()
    write("a.yaml", f"id: a\n{content('A')}---\n{content('C', 'VKONTAKTE')}")
    ran = omnictl("apply", "--yes")
    assert ran.code == 1
    assert "missing-id" in ran.err
    assert keys() == before


def test_two_commits_that_rename_make_no_second_scenario(world: World) -> None:
    """The pipeline applied the removal before the file came under its new id."""
    before = keys()
    text = (SCENARIOS / "c.yaml").read_text()
    (SCENARIOS / "c.yaml").unlink()
    assert omnictl("apply", "--yes").code == 0
    write("see.yaml", text)
    ran = omnictl("apply", "--yes", "--format", "json")
    assert ran.code == 3
    (told,) = (each for each in ran.document["diagnostics"] if each["code"] == "likely-rename")
    write("see.yaml", f"{told['commands'][0]}\n{text}")
    assert omnictl("apply", "--yes").code == 0
    assert keys() == {key: "see" if each == "c" else each for key, each in before.items()}
    assert omnictl("plan", "--detailed-exitcode").code == 0
    assert world.count() == 3
