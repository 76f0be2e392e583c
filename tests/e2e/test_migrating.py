"""A state that is taken elsewhere: from any folder, with the right token for each server, and back whatever comes."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.codec.state import encode_state
from tests.builders import example_scene
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import omnictl
from tests.projects import good, write
from tests.terraform_server import Server, serving

STATE = replace(example_scene().state, environment="default")
HERE = Path("state/default.json")


@pytest.fixture
def stored(project: Path) -> Path:
    """A project whose state is a file; it has a version that was kept."""
    write(project, {"omnictl.yaml": "version: 1\n", "first.json": encode_state(STATE)})
    assert omnictl("state", "push", "first.json").code == 0
    first = min(STATE.records).removeprefix("scenario.")
    assert omnictl("state", "mv", first, "moved").code == 0
    return project


def serial_of(path: Path) -> int:
    found = json.loads(path.read_bytes())["serial"]
    assert isinstance(found, int)
    return found


def credentials_at(server: Server) -> set[str | None]:
    return {headers.get("Authorization") for _, _, headers, _ in server.seen}


def test_from_a_folder_inside_the_place_is_named_as_the_settings_read_it(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stored / "tools").mkdir()
    monkeypatch.chdir(stored / "tools")
    ran = omnictl("state", "migrate", "--to", "kept/x.json")
    assert ran.code == 0, ran.err
    assert "environments: {default: {state: tools/kept/x.json}}" in ran.out
    assert json.loads((stored / HERE).read_bytes())["moved_to"] == "tools/kept/x.json"
    write(stored, {"omnictl.yaml": "version: 1\nenvironments: {default: {state: tools/kept/x.json}}\n"})
    assert omnictl("state", "list").code == 0


def test_outside_of_the_project_the_whole_path_is_named(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("elsewhere") / "x.json"
    ran = omnictl("state", "migrate", "--to", str(target))
    assert ran.code == 0, ran.err
    assert f"{{state: {target}}}" in ran.out


def test_a_mark_is_never_put_back(stored: Path) -> None:
    """Nobody could get out of a circle of places that name each other, or of one that names itself."""
    assert omnictl("state", "migrate", "--to", "other.json").code == 0
    marked = serial_of(HERE)
    assert omnictl("state", "migrate", "--to", str(HERE), "--state", "other.json").code == 0
    assert omnictl("state", "rollback", str(marked)).code == 0
    assert omnictl("state", "list").code == 0
    for words in (("push", "other.json", "--state", "third.json"), ("push", "--force", "other.json")):
        ran = omnictl("state", *words)
        assert ran.code == 0, ran.err
    assert omnictl("state", "list").code == 0
    assert omnictl("state", "list", "--state", "third.json").code == 0


@pytest.mark.parametrize("words", [("rollback", "SERIAL"), ("push", "first.json")])
def test_where_the_new_place_is_lost_the_mark_is_taken_away_on_request(stored: Path, words: tuple[str, ...]) -> None:
    before = serial_of(HERE)
    assert omnictl("state", "migrate", "--to", "other.json").code == 0
    Path("other.json").unlink()
    words = tuple(str(before) if each == "SERIAL" else each for each in words)
    refused = omnictl("state", *words)
    assert (refused.code, "state-moved-away" in refused.err) == (1, True)
    assert "omnictl state rollback SERIAL --set-aside" in refused.err
    ran = omnictl("state", *words, "--set-aside")
    assert ran.code == 0, ran.err
    assert "warning[in-use-again]" in ran.err
    assert serial_of(HERE) > before + 1
    listed = omnictl("state", "list", "--format", "json").document["items"]
    assert len(listed) == len(STATE.records)
    assert omnictl("state", "list").code == 0


def test_each_of_two_servers_gets_its_own_token_and_no_other(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, {"first.json": encode_state(STATE)})
    with serving("Bearer token-of-a") as a, serving("Bearer token-of-b") as b:
        source, target = f"{a.url}/states/x", f"{b.url}/states/x"
        monkeypatch.setenv("OMNICTL_STATE_TOKEN", "token-of-a")
        assert omnictl("state", "push", "first.json", "--state", source).code == 0
        refused = omnictl("state", "migrate", "--state", source, "--to", target)
        assert refused.code == 1
        assert "state-server-refused" in refused.err
        assert credentials_at(b) == {None}
        monkeypatch.setenv("OMNICTL_STATE_TOKEN_TO", "token-of-b")
        ran = omnictl("state", "migrate", "--state", source, "--to", target)
        assert ran.code == 0, ran.err
        assert credentials_at(a) == {"Bearer token-of-a"}
        assert credentials_at(b) == {None, "Bearer token-of-b"}


def test_user_and_password_for_a_named_server_go_before_the_token_of_another(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, {"first.json": encode_state(STATE)})
    with serving("Basic dTpw") as server:
        monkeypatch.setenv("TF_HTTP_ADDRESS", f"{server.url}/states/x")
        monkeypatch.setenv("TF_HTTP_USERNAME", "u")
        monkeypatch.setenv("TF_HTTP_PASSWORD", "p")
        monkeypatch.setenv("OMNICTL_STATE_TOKEN", "of-another")
        assert omnictl("state", "push", "first.json", "--state", f"{server.url}/states/x").code == 0
        assert credentials_at(server) == {"Basic dTpw"}


def test_commands_to_copy_are_for_the_same_state(stored: Path) -> None:
    assert omnictl("state", "push", "first.json", "--state", "kept/other.json").code == 0
    assert omnictl("state", "push", str(HERE), "--state", "kept/other.json").code == 0
    ran = omnictl("state", "push", "first.json", "--state", "kept/other.json")
    assert "    omnictl state push --force first.json --state kept/other.json\n" in ran.out
    write(stored, {"less.json": encode_state(replace(STATE, records={}, serial=900))})
    ran = omnictl("state", "push", "less.json", "--state", "kept/other.json")
    assert "    omnictl plan --state kept/other.json\n" in ran.out


def test_what_went_on_in_the_old_place_is_copied_again_and_the_serial_rises(stored: Path) -> None:
    """Its mark was taken away; the copy of before says the same, with a serial that is too small by now."""
    before = serial_of(HERE)
    assert omnictl("state", "migrate", "--to", "other.json").code == 0
    assert omnictl("state", "rollback", str(before), "--set-aside").code == 0
    for one, other in (("moved", "again"), ("again", "moved")) * 3:
        assert omnictl("state", "mv", one, other).code == 0
    went_on = serial_of(HERE)
    ran = omnictl("state", "migrate", "--to", "other.json")
    assert ran.code == 0, ran.err
    assert serial_of(Path("other.json")) > went_on


def test_neighbours_on_several_servers_get_no_token_that_is_not_theirs(
    project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_sandbox()
    with serving("Bearer token-of-a") as a, serving("Bearer token-of-b") as b:
        places = {"a": f"{a.url}/states/a", "b": f"{b.url}/states/b", "here": "state/here.json"}
        lines = "".join(f"  {name}: {{account: one, state: '{place}'}}\n" for name, place in places.items())
        write(project, {"omnictl.yaml": f"version: 1\nenvironments:\n{lines}", "scenarios/x.yaml": good("x")})
        monkeypatch.setenv("OMNICTL_STATE_TOKEN", "token-of-a")
        monkeypatch.setenv("TF_HTTP_LOCK_ADDRESS", f"{a.url}/states/a/lock")
        ran = omnictl("plan", "--env", "a")
        assert (ran.code, credentials_at(a), credentials_at(b)) == (1, {"Bearer token-of-a"}, {None})
        assert "are for another server; OMNICTL_STATE_TOKEN_ENV" in " ".join(ran.err.split())
        a.seen.clear()
        assert omnictl("plan", "--env", "here").code == 1
        assert credentials_at(a) | credentials_at(b) == {None}
        monkeypatch.delenv("TF_HTTP_LOCK_ADDRESS")
        monkeypatch.setenv("OMNICTL_STATE_TOKEN_A", "token-of-a")
        monkeypatch.setenv("OMNICTL_STATE_TOKEN_B", "token-of-b")
        for name in places:
            assert omnictl("plan", "--env", name).code == 0
        assert credentials_at(a) == {None, "Bearer token-of-a"}
        assert credentials_at(b) == {None, "Bearer token-of-b"}


def test_the_token_of_an_environment_is_for_another_place_on_its_server_too(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, {"first.json": encode_state(STATE)})
    with serving("Bearer its-own") as server:
        monkeypatch.setenv("OMNICTL_STATE_TOKEN_DEFAULT", "its-own")
        one, other = f"{server.url}/states/one", f"{server.url}/states/other"
        assert omnictl("state", "push", "first.json", "--state", one).code == 0
        assert omnictl("state", "migrate", "--state", one, "--to", other).code == 0
