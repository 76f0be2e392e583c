"""The state behind Terraform's HTTP protocol, as a user works with it."""

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.codec.state import encode_state
from tests.builders import example_scene
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import omnictl
from tests.terraform_server import Fault, Server, serving

CANARY = "a-canary-of-a-token"
PATH = "/api/v4/projects/42/terraform/state/default"
NAME = "7c9f,apply,2026-11-20T09:12:00Z,run-7"
FIRST_WRITES = 1
"""Those of an apply before its requests: the state itself, and the intents."""
STATE = replace(example_scene().state, environment="default")


@pytest.fixture
def server(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(f"Bearer {CANARY}") as made:
        monkeypatch.setenv("OMNICTL_STATE_TOKEN", CANARY)
        monkeypatch.setenv("OMNICTL_STATE", made.url + PATH)
        (project / "first.json").write_text(encode_state(STATE))
        yield made


def test_a_state_is_pushed_looked_at_and_rolled_back(server: Server, project: Path) -> None:
    assert omnictl("state", "push", "first.json").code == 0
    ran = omnictl("state", "list", "--format", "json")
    assert ran.document["lineage"] == STATE.lineage
    first = ran.document["serial"]
    assert omnictl("state", "mv", ran.document["items"][0]["id"], "another").code == 0
    assert [each["serial"] for each in omnictl("state", "history", "--format", "json").document["items"]] == [first]
    shutil.rmtree(project / ".omnictl")  # as on the machine of the next job: GitLab has it too
    ran = omnictl("state", "rollback", str(first))
    assert ran.code == 0, ran.err
    serials = sorted(json.loads(each)["serial"] for each in server.book.writes)
    assert len(set(serials)) == len(serials)
    record = server.book.records[PATH]
    assert record.lock is None
    assert sum(CANARY.encode() in each for each in server.book.writes) == 0


def test_a_lock_that_was_left_is_cleared_by_its_name_alone(server: Server) -> None:
    assert omnictl("state", "push", "first.json").code == 0
    record = server.book.records[PATH]
    record.lock = {
        "ID": "7c9f,apply,2026-11-20T09:12:00Z,run-7",
        "Who": "a-user",
        "Created": "2026-11-20T09:12:00.000Z",
    }
    ran = omnictl("state", "unlock")
    assert ran.code == 6
    assert "apply since 2026-11-20 09:12:00Z" in ran.err
    assert f"omnictl state unlock --force {NAME}" in ran.err
    assert omnictl("state", "unlock", "--force", "another").code == 6
    assert server.book.records[PATH].lock is not None
    assert omnictl("state", "push", "first.json").code == 6
    ran = omnictl("state", "unlock", "--force", NAME)
    assert ran.code == 0
    assert "Cleared what was left by apply since 2026-11-20 09:12:00Z" in ran.out
    assert server.book.records[PATH].lock is None
    assert omnictl("state", "unlock").code == 0


def test_other_locks_take_no_force(project: Path) -> None:
    ran = omnictl("state", "unlock", "--force", "x")
    assert ran.code == 64
    assert "needless-force" in ran.err


def test_the_doctor_says_that_only_the_lock_protects_it(server: Server, project: Path) -> None:
    assert omnictl("state", "push", "first.json").code == 0
    ran = omnictl("doctor", "--format", "json")
    found = {each["subject"]: each["found"] for each in ran.document["items"]}
    assert found["lock"] == "free"
    assert found["writes"] == "only the server's lock protects them"
    assert "no-conditional-writes" in {each["code"] for each in ran.document["diagnostics"]}


def test_credentials_that_are_refused_are_told_and_never_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    monkeypatch.setenv("OMNICTL_STATE_TOKEN", "another-canary")
    for words in (("state", "list"), ("state", "unlock"), ("state", "push", "first.json")):
        ran = omnictl(*words)
        assert ran.code == 1
        assert "state-server-refused" in ran.err
        assert "another-canary" not in ran.err + ran.out


@pytest.mark.parametrize(("status", "code"), [(503, "state-write-unknown"), (409, "lock-cleared")])
def test_an_apply_whose_state_cannot_be_stored_is_put_right_by_the_command_that_it_says(
    server: Server,
    serve_sandbox: ServeSandbox,
    monkeypatch: pytest.MonkeyPatch,
    project: Path,
    status: int,
    code: str,
) -> None:
    monkeypatch.setenv("OMNICTL_STATE", f"{server.url}/states/default")
    world = serve_sandbox()
    (project / "scenarios").mkdir()
    for scenario_id in ("a", "b"):
        (project / "scenarios" / f"{scenario_id}.yaml").write_text(f"name: {scenario_id}\nflow: [{{channel: SMS}}]\n")
    server.faults.extend([Fault("POST", 200)] * FIRST_WRITES)
    server.faults.extend([Fault("POST", status, is_done=False)] * 9)
    ran = omnictl("apply", "--yes")
    assert ran.code != 0
    assert code in ran.err
    made = [each.key for each in world.list_all()]
    server.faults.clear()
    (errored,) = (project / ".omnictl" / "errored").iterdir()
    commands = [shlex.split(each) for each in ran.err.splitlines() if each.startswith("    omnictl ")]
    is_ours = code != "lock-cleared"
    assert [each[2] for each in commands] == ["unlock"] * is_ours + ["push"]
    assert commands[-1][-1] == str(errored.relative_to(project))
    for words in commands:
        assert omnictl(*words[1:]).code == 0
    assert omnictl("apply", "--yes").code == 0
    listed = omnictl("state", "list", "--format", "json").document["items"]
    assert set(made) <= {each["key"] for each in listed}
    assert len(world.list_all()) == len(listed) == 2


def test_a_state_is_taken_there_and_back(server: Server, monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    there = server.url + PATH
    monkeypatch.delenv("OMNICTL_STATE")
    assert omnictl("state", "push", "first.json").code == 0
    ran = omnictl("state", "migrate", "--to", there)
    assert ran.code == 0, ran.err
    assert omnictl("state", "list").code == 1
    assert omnictl("state", "list", "--state", there).code == 0
    ran = omnictl("state", "migrate", "--to", "state/default.json", "--state", there)
    assert ran.code == 0, ran.err
    assert omnictl("state", "list").code == 0
    ran = omnictl("state", "list", "--state", there)
    assert ran.code == 1
    assert "state-moved-away" in ran.err
