"""``omnictl state mv``, ``rm`` and ``rebuild`` as a user runs them: records moved, forgotten, found again."""

import io
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from omnictl.codec.state import decode_state, encode_state
from omnictl.model.address import make_address
from omnictl.model.scenario import Lifecycle, Protection
from omnictl.model.state import AccountDefault, State
from omnictl.sandbox.store import World
from tests.contract.backends.bucket import Bucket, served_bucket
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import Ran, omnictl
from tests.e2e.test_import import plant
from tests.e2e.test_state import intent
from tests.unit.codec.schemas import mistakes


@pytest.fixture
def world(project: Path, serve_sandbox: ServeSandbox) -> World:
    """A project with the scenarios a, b and c, and the account that will have them."""
    (project / "scenarios").mkdir()
    for each in "abc":
        declare(each)
    return serve_sandbox()


def declare(scenario_id: str, name: str | None = None, more: str = "") -> Path:
    path = Path("scenarios") / f"{scenario_id}.yaml"
    path.write_text(f"id: {scenario_id}\nname: {name or scenario_id.upper()}\nflow: [{{channel: SMS}}]\n{more}")
    return path


def stored() -> State:
    return decode_state(Path("state/default.json").read_bytes(), path="x")


def store(state: State) -> None:
    Path("state").mkdir(exist_ok=True)
    Path("state/default.json").write_text(encode_state(state))


def keys() -> dict[str, str]:
    return {address.removeprefix("scenario."): each.key for address, each in stored().records.items()}


def answer(*words: str, code: int = 0) -> Any:
    """Return the JSON answer of a command, held against its schema."""
    ran = omnictl(*words, "--format", "json")
    assert ran.code == code, ran.err
    document = ran.document
    assert mistakes(document) == []
    return document


def is_planned_nothing() -> bool:
    return omnictl("plan", "--detailed-exitcode").code == 0


def lose_the_disk() -> None:
    shutil.rmtree("state")
    shutil.rmtree(".omnictl", ignore_errors=True)


def codes(document: Any) -> list[str]:
    return [each["code"] for each in document["diagnostics"]]


# --- mv -----------------------------------------------------------------------------------------------------------


def test_mv_with_the_file_leaves_nothing_to_do(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    before = keys()
    Path("scenarios/a.yaml").unlink()
    declare("z", "Another name", "labels: {team: x}\n")
    dry = answer("state", "mv", "a", "z", "--dry-run")
    assert (dry["id"], dry["previous_id"], dry["key"], dry["changed"]) == ("z", "a", before["a"], False)
    assert dry["next_plan"]["items"] == [{"id": "z", "action": "update"}]
    assert keys() == before
    serial = stored().serial
    done = answer("state", "mv", "a", "z")
    assert (done["changed"], done["serial"], done["next_plan"], codes(done)) == (True, serial + 1, None, [])
    assert keys() == {"b": before["b"], "c": before["c"], "z": before["a"]}
    assert str(serial) in omnictl("state", "history").out
    assert omnictl("apply", "--yes").code == 0
    assert is_planned_nothing()
    assert (keys()["z"], world.count()) == (before["a"], 3)


def test_mv_says_what_the_files_do_not(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    ran = omnictl("state", "mv", "a", "z", "--dry-run")
    assert "a would be z, with the same key" in ran.out
    assert "Nothing is written" in ran.out
    assert "> rename   a            was z; same key" in ran.out
    assert "warning[still-declared]" in ran.err
    assert codes(answer("state", "mv", "a", "z")) == ["still-declared"]
    Path("scenarios/a.yaml").unlink()
    assert codes(answer("state", "mv", "z", "y", "--dry-run")) == ["declared-nowhere"]
    assert ". forget   y " in omnictl("state", "mv", "z", "y", "--dry-run").out
    declare("q", "A")
    assert "The next plan would change nothing of it." in omnictl("state", "mv", "z", "q", "--dry-run").out


def test_two_ids_change_places_by_way_of_a_third(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    before = keys()
    a, b = Path("scenarios/a.yaml").read_text(), Path("scenarios/b.yaml").read_text()
    Path("scenarios/a.yaml").write_text(b.replace("id: b", "id: a\nprevious_ids: [b]"))
    Path("scenarios/b.yaml").write_text(a.replace("id: a", "id: b\nprevious_ids: [a]"))
    ran = omnictl("plan", "--format", "json")
    assert ran.code == 1
    told = ran.document["diagnostics"]
    assert [each["code"] for each in told] == ["previous-id-declared"] * 2
    for command in told[0]["commands"]:
        words = command.split()
        assert omnictl(*words[1:]).code == 0, command
    for each in "ab":
        path = Path(f"scenarios/{each}.yaml")
        path.write_text("".join(x for x in path.read_text().splitlines(keepends=True) if "previous" not in x))
    assert is_planned_nothing()
    assert keys() == {**before, "a": before["b"], "b": before["a"]}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("aa", "z"), 1, "did you mean a?"),
        (("a", "b"), 3, "id-recorded"),
        (("a", "No Id"), 64, "is no id"),
        (("a", "-z"), 64, "No such option"),
        (("a", "a"), 64, "same id"),
        (("a",), 64, "Missing argument"),
    ],
)
def test_mv_of_the_wrong_thing(world: World, words: tuple[str, ...], code: int, said: str) -> None:
    assert omnictl("apply", "--yes").code == 0
    before = stored()
    for more in ((), ("--dry-run",)):
        ran = omnictl("state", "mv", *words, *more)
        assert ran.code == code
        assert said in ran.err
        assert stored() == before


def test_without_the_account_a_dry_run_still_shows_the_state(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert omnictl("apply", "--yes").code == 0
    monkeypatch.delenv("INFOBIP_API_KEY")
    ran = omnictl("state", "mv", "a", "z", "--dry-run")
    assert ran.code == 0
    assert "cannot be said: No Infobip API is configured for this command (no-api)" in ran.out
    assert answer("state", "mv", "a", "z", "--dry-run")["next_plan"] is None
    assert omnictl("state", "mv", "a", "z").code == 0


def test_files_with_mistakes_do_not_keep_the_state_from_being_mended(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    Path("scenarios/b.yaml").write_text("id: b\nflow: 3\n")
    assert omnictl("state", "mv", "b", "z").code == 0
    assert omnictl("state", "rm", "z").code == 0
    assert "cannot be said" in omnictl("state", "rm", "c", "--dry-run").out


# --- rm -----------------------------------------------------------------------------------------------------------


def test_rm_leaves_a_tombstone_that_a_file_takes_up_again(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    before = keys()
    dry = answer("state", "rm", "b", "c", "--dry-run")
    assert dry["items"] == [{"id": each, "key": before[each]} for each in "bc"]
    assert dry["next_plan"]["items"] == [{"id": each, "action": "adopt"} for each in "bc"]
    assert keys() == before
    ran = omnictl("state", "rm", "b", "c", "b")
    assert ran.code == 0
    assert "Forgot 2 scenarios." in ran.out
    assert "Whoever holds the key can still send through them" in ran.out
    assert ran.err.count("warning[still-declared]") == 2
    assert [each.key for each in stored().tombstones] == [before["b"], before["c"]]
    assert omnictl("apply", "--yes").code == 0
    assert (keys(), world.count()) == (before, 3)


def test_rm_is_all_or_none(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    before = stored()
    document = answer("state", "rm", "b", "bb", "zz", code=1)
    assert [each["detail"] for each in document["diagnostics"]] == ["bb is not recorded.", "zz is not recorded."]
    assert stored() == before
    assert omnictl("state", "rm").code == 64


def test_rm_obeys_the_guards(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    state = stored()
    record = state.records[make_address("b")]
    kept = replace(record, lifecycle=Lifecycle(protected=Protection.REMOVAL))
    holder = AccountDefault(record.address, record.key)
    store(replace(state, records={**state.records, record.address: kept}, account_default=holder))
    before = stored()
    document = answer("state", "rm", "a", "b", code=3)
    assert document["refusal"]["kind"] == "guard"
    assert codes(document) == ["protected", "default-change"]
    assert stored() == before
    assert codes(answer("state", "rm", "b", "--allow", "protected=b", code=3)) == ["default-change"]
    assert omnictl("state", "rm", "b", "--allow", "nonsense=b").code == 64
    allowed = ("--allow", "protected=b", "--allow", "default-change=b")
    assert answer("state", "rm", "b", *allowed)["changed"] is True
    assert stored().account_default == AccountDefault(None, record.key)


def test_open_creates_forbid_all_of_it(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    store(replace(stored(), intents=(intent(),)))
    before = stored()
    for words in (("mv", "a", "z"), ("rm", "a"), ("rebuild",)):
        for more in ((), ("--dry-run",)):
            assert codes(answer("state", *words, *more, code=3)) == ["open-intents"]
    assert stored() == before


# --- rebuild ------------------------------------------------------------------------------------------------------


def piped(content: bytes, *arguments: str) -> Ran:
    with patch("tests.e2e.running.io.StringIO", return_value=io.TextIOWrapper(io.BytesIO(content))):
        return omnictl(*arguments)


@pytest.mark.parametrize("options", [("--log-format", "text"), ("--log-format", "json"), ("--quiet",)])
def test_the_log_of_an_apply_makes_a_lost_state_again(world: World, options: tuple[str, ...]) -> None:
    for each in ("t1", "t2"):
        declare(each, "Same")
    ran = omnictl("apply", "--yes", *options)
    assert ran.code == 0
    before = keys()
    lineage = stored().lineage
    lose_the_disk()
    noisy = "".join(f"2026-11-20T14:12:04.1234567Z {line}\r\n" for line in ran.err.splitlines())
    rebuilt = piped(noisy.encode(), "state", "rebuild", "--from-log", "-")
    assert rebuilt.code == 0, rebuilt.err
    assert "5 scenarios recorded, as serial 1 of lineage" in rebuilt.out
    assert "The next plan would say: No changes: 5 scenarios in default are as declared." in rebuilt.out
    assert keys() == before
    assert stored().lineage != lineage
    assert is_planned_nothing()
    assert world.count() == 5


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_log_tells_what_was_adopted_and_what_was_moved_by_hand(world: World, log_format: str) -> None:
    plant(world, "Theirs", flow=[{"channel": "SMS"}])
    declare("w", "Adopted", f"import: {world.list_all()[0].key}\n")
    log = omnictl("apply", "--yes", "--log-format", log_format).err
    assert omnictl("state", "mv", "a", "moved").code == 0
    Path("scenarios/a.yaml").unlink()
    declare("moved", "Edited")
    log += omnictl("apply", "--yes", "--log-format", log_format).err
    before = keys()
    assert before.keys() == {"b", "c", "moved", "w"}
    declare("moved", "Edited again")
    declare("w", "Edited too")
    lose_the_disk()
    Path("log").write_text(log)
    document = answer("state", "rebuild", "--from-log", "log")
    assert codes(document) == []
    assert keys() == before
    assert {each["action"] for each in document["next_plan"]["items"]} == {"update"}


@pytest.mark.parametrize("where", ["stdout", "report"])
def test_the_report_of_an_apply_does_too(world: World, where: str) -> None:
    for each in ("t1", "t2"):
        declare(each, "Same")
    ran = omnictl("apply", "--yes", "--format", "json", "--report", "json=report.json")
    before = keys()
    lose_the_disk()
    Path("log").write_text(ran.out if where == "stdout" else Path("report.json").read_text())
    document = answer("state", "rebuild", "--from-log", "log")
    assert {each["evidence"] for each in document["items"]} == {"log"}
    assert keys() == before
    assert is_planned_nothing()


def test_without_a_log_what_is_equal_is_found_and_twins_are_left_to_a_person(world: World) -> None:
    for each in ("t1", "t2"):
        declare(each, "Same")
    assert omnictl("apply", "--yes").code == 0
    before = keys()
    lose_the_disk()
    dry = answer("state", "rebuild", "--dry-run")
    assert not Path("state").exists()
    document = answer("state", "rebuild")
    assert dry["items"] == document["items"]
    assert document["items"] == [{"id": each, "key": before[each], "evidence": "equal"} for each in "abc"]
    assert codes(document) == ["rebuild-in-doubt"] * 2
    twins = {before["t1"], before["t2"]}
    for told, scenario_id in zip(document["diagnostics"], ("t1", "t2"), strict=True):
        assert {tuple(each.split()) for each in told["commands"]} == {
            ("omnictl", "import", scenario_id, key) for key in twins
        }
    assert [each["id"] for each in document["next_plan"]["items"]] == ["t1", "t2"]
    assert {each["guard"] for each in document["next_plan"]["guards"]} == {"unmanaged-twin"}
    assert keys() == {each: before[each] for each in "abc"}
    again = omnictl("state", "rebuild")
    assert "Nothing to record" in again.out
    assert stored().serial == 1
    assert world.count() == 5


def test_import_lines_and_protections_are_taken_from_the_files(world: World) -> None:
    declare("d", "Shown otherwise")
    assert omnictl("apply", "--yes").code == 0
    before = keys()
    lose_the_disk()
    declare("d", "D", f"import: {before['d']}\nlifecycle: {{protected: all}}\n")
    document = answer("state", "rebuild")
    assert {each["id"]: each["evidence"] for each in document["items"]}["d"] == "import"
    record = stored().records[make_address("d")]
    assert (record.key, record.lifecycle.protected) == (before["d"], Protection.ALL)
    assert record.applied.name == "Shown otherwise"
    assert document["next_plan"]["items"] == [{"id": "d", "action": "update"}]


def test_a_rename_since_the_log_is_still_one(world: World) -> None:
    ran = omnictl("apply", "--yes")
    before = keys()
    lose_the_disk()
    Path("scenarios/a.yaml").unlink()
    declare("z", "New name", "previous_ids: [a]\n")
    Path("log").write_text(ran.err)
    document = answer("state", "rebuild", "--from-log", "log")
    assert document["next_plan"]["items"] == [{"id": "z", "action": "rename"}]
    assert omnictl("apply", "--yes").code == 0
    assert (keys()["z"], world.count()) == (before["a"], 3)


def test_rebuild_adds_and_changes_nothing_else(world: World) -> None:
    ran = omnictl("apply", "--yes")
    state = stored()
    records = {address: each for address, each in state.records.items() if address != make_address("b")}
    store(replace(state, records=records))
    Path("log").write_text(ran.err)
    document = answer("state", "rebuild", "--from-log", "log")
    assert [each["id"] for each in document["items"]] == ["b"]
    assert (document["lineage"], document["serial"]) == (state.lineage, state.serial + 1)
    assert {address: stored().records[address] for address in records} == records
    assert is_planned_nothing()


def test_a_log_of_another_account_is_refused(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    before = stored()
    Path("log").write_text("14:12:03Z key      d has key 00FF\n")
    document = answer("state", "rebuild", "--from-log", "log", code=3)
    assert codes(document) == ["foreign-log"]
    assert stored() == before


def test_what_a_log_names_and_is_not_there_is_said(world: World) -> None:
    ran = omnictl("apply", "--yes")
    lose_the_disk()
    Path("log").write_text(f"{ran.err}14:12:03Z key      d has key 00FF\n")
    document = answer("state", "rebuild", "--from-log", "log")
    assert codes(document) == ["rebuild-absent"]
    assert "d (00FF)" in document["diagnostics"][0]["detail"]
    assert sorted(keys()) == ["a", "b", "c"]


def test_a_log_without_keys_is_said(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    Path("log").write_text("Nothing to do.\n")
    assert codes(answer("state", "rebuild", "--from-log", "log")) == ["empty-log"]
    gone = omnictl("state", "rebuild", "--from-log", "gone.log")
    assert gone.code == 64
    assert "it is what an apply says on stderr" in gone.err


def test_what_another_environment_manages_is_left_out(world: World, project: Path) -> None:
    settings = "version: 1\nenvironments:\n  one: {account: shared}\n  two: {account: shared}\n"
    (project / "omnictl.yaml").write_text(settings)
    ran = omnictl("apply", "--yes", "--env", "one")
    assert ran.code == 0
    Path("log").write_text(ran.err)
    document = answer("state", "rebuild", "--env", "two", "--from-log", "log")
    assert (document["items"], codes(document)) == ([], ["empty-log"])
    Path("log").write_text("".join(line for line in ran.err.splitlines(keepends=True) if " start " not in line))
    document = answer("state", "rebuild", "--env", "two", "--from-log", "log")
    assert document["items"] == []
    assert codes(document) == ["rebuild-elsewhere"]
    assert "managed in one" in document["diagnostics"][0]["detail"]
    assert not Path("state/two.json").exists()


def test_a_state_that_could_not_be_written_is_better(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    state = stored()
    before = keys()
    shutil.rmtree("state")
    errored = Path(".omnictl/errored/default-9.json")
    errored.parent.mkdir(parents=True)
    errored.write_text(encode_state(state))
    Path(".omnictl/errored/default-8.json").write_text("cut")
    document = answer("state", "rebuild", code=3)
    assert codes(document) == ["errored-state"]
    (command,) = document["diagnostics"][0]["commands"]
    assert omnictl(*command.split()[1:]).code == 0
    assert keys() == before
    assert answer("state", "rebuild")["items"] == []


@pytest.mark.parametrize("where", ["file", "store"])
def test_a_kept_version_comes_back_by_the_command_that_is_named(
    world: World, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket()
    with served_bucket(bucket) as endpoint:
        if where == "store":
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            monkeypatch.setenv("OMNICTL_STATE", f"s3://omni/team/?endpoint={endpoint}")
        assert omnictl("apply", "--yes").code == 0
        declare("d")
        assert omnictl("apply", "--yes").code == 0
        before = pulled()
        lose_the_state(bucket)
        assert codes(answer("state", "rebuild", "--dry-run")) == ["kept-version"]
        document = answer("state", "rebuild")
        assert codes(document) == ["kept-version"]
        (command,) = document["diagnostics"][0]["commands"]
        assert omnictl(*command.split()[1:]).code == 0
        assert (pulled().lineage, pulled().lineage == before.lineage) == (document["lineage"], False)
        assert pulled().serial > document["serial"]
        assert omnictl("apply", "--yes").code == 0
        assert {address: each.key for address, each in pulled().records.items()} == {
            address: each.key for address, each in before.records.items()
        }
        assert len(world.list_all()) == 4
        assert is_planned_nothing()


def pulled() -> State:
    return decode_state(omnictl("state", "pull").out, path="x")


def lose_the_state(bucket: Bucket) -> None:
    shutil.rmtree("state", ignore_errors=True)
    bucket.objects.pop("team/default/state.json", None)


def test_a_kept_version_comes_back_where_the_state_is_lost(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    before = stored()
    versions = answer("state", "history")["items"]
    shutil.rmtree("state")
    assert omnictl("state", "rollback", "99").code == 1
    assert omnictl("state", "rollback", str(versions[0]["serial"]), "--lineage", "zz").code == 1
    assert omnictl("state", "rollback", str(versions[0]["serial"])).code == 0
    assert stored().lineage == before.lineage
    assert stored().serial == max(each["serial"] for each in versions) + 1


def test_a_state_that_cannot_be_read_is_not_written_over(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    path = Path("state/default.json")
    path.write_text("cut")
    assert omnictl("state", "rebuild").code == 1
    assert path.read_text() == "cut"


def test_a_rebuilding_sends_nothing(world: World) -> None:
    assert omnictl("apply", "--yes").code == 0
    lose_the_disk()
    before = world.count_requests()
    assert omnictl("state", "rebuild").code == 0
    assert omnictl("state", "mv", "b", "z").code == 0
    assert omnictl("state", "rm", "z").code == 0
    after = world.count_requests()
    assert {name for name in after if after[name] != before.get(name)} <= {"list", "get"}
