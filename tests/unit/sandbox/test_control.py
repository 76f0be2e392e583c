"""The control endpoint, and how switches and faults are read."""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from omnictl.sandbox.behaviour import SWITCHES, Behaviour, SwitchError, read_behaviour
from omnictl.sandbox.faults import Fault, FaultError, parse_fault, read_fault, write_fault
from omnictl.sandbox.store import World, WorldError
from tests.unit.sandbox.caller import OTHER, SCENARIO, Caller


def control(caller: Caller, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Ask without credentials."""
    reply = caller.call(method, f"/sandbox/{path}", body, key=None)
    return reply.status, reply.document


def test_status_says_everything(caller: Caller) -> None:
    key = caller.create().key
    caller.rows()
    caller.fail("create:500")
    status, found = control(caller, "GET", "status")
    assert status == 200
    assert found["scenarios"] == 1
    assert found["defaults"] == [key]
    assert found["requests"] == {"create": 1, "list": 1}
    assert found["faults"] == [
        {"operation": "create", "kind": "500", "value": None, "times": 1, "skip": 0, "chance": 100}
    ]
    assert found["behaviour"]["put"] == "replace"


def test_behaviour_is_changed_in_part(caller: Caller) -> None:
    assert control(caller, "PATCH", "behaviour", {"put": "merge", "created_status": "201"})[0] == 200
    status, found = control(caller, "PATCH", "behaviour", {"latency_seconds": 1})
    assert (found["put"], found["created_status"], found["latency_seconds"]) == ("merge", 201, 1.0)
    assert control(caller, "GET", "behaviour") == (status, found)


def test_faults_are_added_shown_and_dropped(caller: Caller) -> None:
    status, found = control(caller, "POST", "faults", [{"operation": "list", "kind": "slow", "value": 2}, "get:500"])
    assert (status, [each["kind"] for each in found["faults"]]) == (201, ["slow", "500"])
    assert control(caller, "GET", "faults") == (200, found)
    assert control(caller, "POST", "faults", "update:cut-after")[0] == 201
    assert control(caller, "DELETE", "faults") == (200, {"faults": []})


def test_of_several_faults_all_or_none_are_added(caller: Caller) -> None:
    status, found = control(caller, "POST", "faults", ["get:500", "get:nonsense"])
    assert (status, found["error"][:29]) == (400, "There is no fault 'nonsense';")
    assert caller.world.list_faults() == []


def test_requests_are_shown_in_order(caller: Caller) -> None:
    caller.create()
    caller.seconds += 1
    caller.get("x")
    assert control(caller, "GET", "requests")[1]["requests"] == [
        {"at": 1000.0, "operation": "create", "status": 200},
        {"at": 1001.0, "operation": "get", "status": 404},
    ]


def test_somebody_else_creates_and_a_scenario_vanishes(caller: Caller) -> None:
    caller.behave(throttle="published").fail("create:500,times=0")
    status, made = control(caller, "POST", "scenarios", SCENARIO)
    assert (status, made["default"]) == (201, True)
    assert caller.keys() == [made["key"]]
    assert control(caller, "POST", "scenarios", {})[0] == 400
    assert control(caller, "DELETE", f"scenarios/{made['key']}")[0] == 200
    assert control(caller, "DELETE", f"scenarios/{made['key']}")[0] == 404
    assert caller.keys() == []
    assert control(caller, "GET", "requests")[1]["requests"][0]["operation"] == "list"


def test_reset_keeps_the_behaviour(caller: Caller) -> None:
    caller.behave(put="merge").create()
    status, found = control(caller, "POST", "reset")
    assert (status, found["scenarios"], found["requests"], found["behaviour"]["put"]) == (200, 0, {}, "merge")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", "nothing", None, 404, "There is no /sandbox/nothing; there are /sandbox/status"),
        ("GET", "", None, 404, "There is no /sandbox/; there are"),
        ("POST", "status", None, 405, "/sandbox/status takes GET"),
        ("PATCH", "behaviour", b"{", 400, "The body is no JSON"),
        ("PATCH", "behaviour", [], 400, "The switches are an object"),
        ("PATCH", "behaviour", {"pt": "merge"}, 400, "There is no switch 'pt'; did you mean put?"),
        ("PATCH", "behaviour", {"zzz": 1}, 400, "There is no switch 'zzz'; there are latency_seconds"),
        ("PATCH", "behaviour", {"put": "mrge"}, 400, "put takes replace, merge, not 'mrge'"),
        ("PATCH", "behaviour", {"latency_seconds": -1}, 400, "latency_seconds takes a number of at least 0, not -1"),
        ("PATCH", "behaviour", {"page_limit": 1.5}, 400, "page_limit takes a whole number of at least 0, not 1.5"),
        ("PATCH", "behaviour", {"page_limit": True}, 400, "page_limit takes a whole number"),
        ("POST", "faults", 5, 400, "A fault is an object with operation and kind"),
        ("POST", "faults", {"op": "get"}, 400, "A fault has no 'op'; it has operation, kind"),
    ],
)
def test_what_is_wrong_is_said(caller: Caller, method: str, path: str, body: Any, status: int, text: str) -> None:
    found, document = control(caller, method, path, body)
    assert found == status
    assert document["error"].startswith(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("create:500", Fault("create", "500")),
        ("create:429=30", Fault("create", "429", 30.0)),
        ("any:cut-after,times=0", Fault("any", "cut-after", None, 0)),
        ("update:late-commit=0.5,times=3,skip=2,chance=10", Fault("update", "late-commit", 0.5, 3, 2, 10)),
        ("list:slow", Fault("list", "slow", 5.0)),
        ("get:html", Fault("get", "html", 502.0)),
    ],
)
def test_faults_are_read_from_text_and_back_from_json(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault
    assert read_fault(json.loads(json.dumps(write_fault(fault)))) == fault


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("create", "A fault is OPERATION:KIND"),
        ("pull:500", "The operation of a fault is create, update, get, list, send, reports, logs or any, not 'pull'"),
        ("create:600", "There is no fault '600'"),
        ("create:STATUS", "There is no fault 'STATUS'"),
        ("create:cut-befor", "There is no fault 'cut-befor'; did you mean cut-before?"),
        ("create:short-page", "short-page is a fault of list, not of create"),
        ("list:500-after", "500-after is a fault of create, update, send, reports, not of list"),
        ("list:slow=x", "value of a fault is a number, not 'x'"),
        ("list:slow=-1", "value of a fault is a number of at least 0, not -1.0"),
        ("list:500,times=x", "times of a fault is a number, not 'x'"),
        ("list:500,times=-1", "times of a fault is a whole number of at least 0, not -1"),
        ("list:500,often=1", "A fault has no 'often'"),
        ("list:500,times", "times of a fault is a number, not ''"),
    ],
)
def test_faults_that_cannot_be_read(text: str, why: str) -> None:
    with pytest.raises(FaultError) as caught:
        parse_fault(text)
    assert str(caught.value).startswith(why)


def test_every_switch_has_a_usual_value_that_it_takes_itself() -> None:
    for switch in SWITCHES:
        assert getattr(read_behaviour(Behaviour(), {switch.name: switch.default}), switch.name) == switch.default
        assert switch.text.endswith(".")
        assert not switch.choices or switch.default in switch.choices


def test_consecutive_worlds_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    first = Caller(World(path)).behave(put="merge").fail("create:500,skip=1")
    key = first.create().key
    first.world.close()
    second = Caller(World(path))
    assert second.get(key).document["name"] == SCENARIO["name"]
    assert second.world.behaviour.put == "merge"
    assert second.create(OTHER).status == 500
    second.world.close()


def test_a_new_world_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        world = World(tmp_path / "world.sqlite")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    world.close()


def test_what_is_no_world_is_told(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    path.write_text("no database at all, but long enough to look like one" * 50)
    with pytest.raises(WorldError, match="not a database"):
        World(path)
    with pytest.raises(WorldError, match="unable to open"):
        World(tmp_path / "missing" / "world.sqlite")


def test_a_world_of_another_version_is_told(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(WorldError, match="format 99"):
        World(path)


def test_a_world_from_before_there_were_messages_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE scenarios (key TEXT PRIMARY KEY, position INTEGER NOT NULL, body TEXT NOT NULL,"
        " is_default INTEGER NOT NULL, changed_at REAL NOT NULL, before TEXT, was_default INTEGER);"
        "CREATE TABLE later (id INTEGER PRIMARY KEY, at REAL NOT NULL, key TEXT, body TEXT NOT NULL, flag INTEGER);"
        "CREATE TABLE requests (at REAL NOT NULL, operation TEXT NOT NULL, status INTEGER NOT NULL);"
        "CREATE TABLE faults (id INTEGER PRIMARY KEY AUTOINCREMENT, fault TEXT NOT NULL);"
        "CREATE TABLE behaviour (switches TEXT NOT NULL);"
        'INSERT INTO scenarios VALUES (\'K\', 1, \'{"flow": [{"channel": "SMS"}]}\', 1, 900.0, NULL, 0);'
        'INSERT INTO behaviour VALUES (\'{"put": "merge"}\');'
        "PRAGMA user_version=1;"
    )
    connection.close()
    caller = Caller(World(path))
    assert caller.keys() == ["K"]
    assert (caller.world.behaviour.put, caller.world.behaviour.clock) == ("merge", "instant")
    caller.sent("41790000001")
    assert len(caller.reports()) == 1
    caller.world.close()
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (2,)


def test_switches_of_another_version_are_told(tmp_path: Path) -> None:
    world = World(tmp_path / "world.sqlite")
    world.behaviour = Behaviour()
    connection = sqlite3.connect(tmp_path / "world.sqlite")
    connection.execute("UPDATE behaviour SET switches = '{\"gone\": 1}'")
    connection.commit()
    connection.close()
    with pytest.raises(WorldError, match="There is no switch 'gone'"):
        _ = world.behaviour
    world.close()


def test_a_transaction_is_all_or_nothing(caller: Caller) -> None:
    caller.create()

    def fail() -> None:
        with caller.world.transaction():
            caller.world.reset()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert caller.world.count() == 1


def test_switches_are_refused_as_text() -> None:
    with pytest.raises(SwitchError, match="latency_seconds takes a number"):
        read_behaviour(Behaviour(), {"latency_seconds": "1"})
