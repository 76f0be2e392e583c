"""Every switch and every fault of the sandbox does what it says, and nothing else."""

import pytest

from omnictl.sandbox.errors import ConnectionCutError
from tests.unit.sandbox.caller import OTHER, PATH, SCENARIO, Caller

# --- Switches ---------------------------------------------------------------------------------------------------


def test_latency(caller: Caller) -> None:
    caller.behave(latency_seconds=0.25).create()
    assert caller.slept == [0.25]


def test_a_list_that_lags_shows_a_write_later(caller: Caller) -> None:
    first = caller.create().key
    caller.behave(list_lag_seconds=5)
    caller.seconds += 10
    second = caller.create(OTHER, default=True).key
    caller.update(first, SCENARIO, name="New")
    assert [(row["key"], row["name"], row["default"]) for row in caller.rows()] == [(first, SCENARIO["name"], True)]
    assert caller.get(second).status == 200
    caller.update(second, SCENARIO)  # still unseen
    assert caller.keys() == [first]
    caller.seconds += 5
    shown = [(row["key"], row["name"], row["default"]) for row in caller.rows()]
    assert shown == [(first, "New", False), (second, SCENARIO["name"], True)]
    assert caller.keys("?default=true") == [second]


def test_list_orders(caller: Caller) -> None:
    keys = []
    for number in range(30):
        keys.append(caller.create(name=f"S {number}").key)
        caller.seconds += 1
    caller.update(keys[3], OTHER)
    assert caller.behave(list_order="updated").keys()[:2] == [keys[3], keys[29]]
    shuffled = caller.behave(list_order="shuffled").keys()
    assert shuffled == caller.keys()
    assert (sorted(shuffled), shuffled != keys) == (sorted(keys), True)
    changing = caller.behave(list_order="changing").keys()
    assert sorted(changing) == sorted(keys)
    assert changing != caller.keys()


def test_page_limit(caller: Caller) -> None:
    keys = [caller.create().key for _ in range(5)]
    caller.behave(page_limit=2)
    assert caller.keys("?limit=100") == keys[:2]
    assert caller.keys("?limit=100&page=2") == keys[4:]
    assert caller.keys("?limit=1") == keys[:1]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("kept", "  Ab\u00a0 ﬁn name"),
        ("trimmed", "Ab ﬁn name"),
        ("lower", "  ab\u00a0 ﬁn name"),
        ("upper", "  AB\u00a0 FIN NAME"),
        ("nfkc", "  Ab  fin name"),
        ("cut", "  Ab\u00a0 ﬁn n"),
    ],
)
def test_texts_are_normalised(caller: Caller, how: str, expected: str) -> None:
    text = "  Ab\u00a0 ﬁn name"
    reply = caller.behave(names=how, senders=how).create(name=text, flow=[{"channel": "SMS", "from": text}])
    assert (reply.document["name"], reply.document["flow"][0]["from"]) == (expected, expected)
    assert caller.rows() == [reply.document]


def test_put_that_merges(caller: Caller) -> None:
    key = caller.create().key
    assert caller.call("PUT", f"{PATH}/{key}", {"name": "New"}).status == 400
    caller.behave(put="merge")
    assert caller.call("PUT", f"{PATH}/{key}", {"name": "New"}).document == {
        **SCENARIO,
        "key": key,
        "name": "New",
        "default": True,
    }
    assert caller.call("PUT", f"{PATH}/{key}", {"flow": OTHER["flow"]}).document["name"] == "New"


def test_default_false_cleared(caller: Caller) -> None:
    caller.behave(default_false="cleared")
    key = caller.create(default=False).key
    assert not caller.get(key).document["default"]
    assert caller.update(key, SCENARIO, default=True).document["default"]
    assert caller.update(key, SCENARIO).document["default"]  # nothing said, nothing lost
    assert not caller.update(key, SCENARIO, default=False).document["default"]


def test_default_false_refused(caller: Caller) -> None:
    caller.behave(default_false="refused")
    first, second = caller.create().key, caller.create(default=False).key
    assert caller.update(second, SCENARIO, default=False).status == 200
    reply = caller.update(first, OTHER, default=False)
    assert (reply.status, caller.get(first).document["name"]) == (400, SCENARIO["name"])


def test_several_defaults(caller: Caller) -> None:
    caller.behave(defaults="several")
    caller.create()
    caller.create(default=True)
    assert [row["default"] for row in caller.rows()] == [True, True]


@pytest.mark.parametrize(
    ("how", "names"),
    [("default", {"default"}), ("defaultScenario", {"defaultScenario"}), ("both", {"default", "defaultScenario"})],
)
def test_default_field(caller: Caller, how: str, names: set[str]) -> None:
    assert set(caller.behave(default_field=how).create().document) - {"key", "name", "flow"} == names


def test_extra_fields_live_with_the_scenario(caller: Caller) -> None:
    caller.behave(extra_fields="present")
    made = caller.create().document
    assert made["trafficType"] == "TRANSACTIONAL"
    assert [step["waitSeconds"] for step in made["flow"]] == [3600, 3600]
    made["flow"][0]["waitSeconds"] = 60
    assert caller.update(made["key"], made).document == made  # sent back as read, kept
    bare = caller.update(made["key"], SCENARIO).document
    assert "trafficType" not in bare  # not sent back, lost
    assert "waitSeconds" not in bare["flow"][0]


# --- Faults -----------------------------------------------------------------------------------------------------


def test_a_status_does_nothing_and_may_say_when_to_come_again(caller: Caller) -> None:
    caller.fail("create:429=7", "create:409", "create:500", "create:503")
    replies = [caller.create() for _ in range(5)]
    assert [each.status for each in replies] == [429, 409, 500, 503, 200]
    assert replies[0].headers["Retry-After"] == "7"
    assert "Retry-After" not in replies[1].headers
    assert replies[2].text == "Something went wrong. Please contact support."
    assert len(caller.keys()) == 1


def test_a_status_after_the_work(caller: Caller) -> None:
    caller.fail("create:500-after", "update:418-after")
    assert caller.create().status == 500
    [key] = caller.keys()
    assert caller.update(key, OTHER).status == 418
    assert caller.get(key).document["name"] == "Other"


@pytest.mark.parametrize(("kind", "there"), [("cut-before", 0), ("cut-after", 1), ("cut-body", 1)])
def test_cuts(caller: Caller, kind: str, there: int) -> None:
    caller.fail(f"create:{kind}")
    with pytest.raises(ConnectionCutError):
        caller.create()
    assert len(caller.keys()) == there
    expected = 200 if kind == "cut-body" else 0
    assert caller.world.list_requests()[0] == {"at": 1000.0, "operation": "create", "status": expected}


def test_a_late_create_appears_later(caller: Caller) -> None:
    caller.fail("create:late-commit=10")
    with pytest.raises(ConnectionCutError):
        caller.create()
    assert caller.keys() == []
    caller.seconds += 9.9
    assert caller.keys() == []
    caller.seconds += 0.1
    assert [row["name"] for row in caller.rows()] == [SCENARIO["name"]]
    assert len(caller.keys()) == 1


def test_the_list_lags_behind_the_time_of_a_late_create_not_behind_the_next_request(caller: Caller) -> None:
    caller.behave(list_lag_seconds=5).fail("create:late-commit=10")
    with pytest.raises(ConnectionCutError):
        caller.create()
    caller.seconds += 14.9
    assert caller.keys() == []
    caller.seconds += 0.1
    assert len(caller.keys()) == 1


def test_a_late_update_appears_later(caller: Caller) -> None:
    key = caller.create().key
    caller.create()
    caller.fail("update:late-commit")
    with pytest.raises(ConnectionCutError):
        caller.update(key, OTHER, default=True)
    assert caller.get(key).document["name"] == SCENARIO["name"]
    caller.seconds += 5
    assert caller.get(key).document["name"] == "Other"


def test_a_late_create_of_nonsense_is_refused(caller: Caller) -> None:
    assert caller.fail("create:late-commit").create({"flow": []}).status == 400


def test_bodies_that_cannot_be_read(caller: Caller) -> None:
    caller.fail("create:no-key", "create:truncated", "create:not-json", "create:wrong-type")
    no_key, truncated, not_json, wrong_type = (caller.create() for _ in range(4))
    assert "key" not in no_key.document
    with pytest.raises(ValueError, match=r"line 1 column"):
        _ = truncated.document
    assert not_json.content == b"OK"
    assert (wrong_type.headers["Content-Type"], "key" in wrong_type.document) == ("text/html", True)
    assert len(caller.keys()) == 4
    assert {each.status for each in (no_key, truncated, not_json, wrong_type)} == {200}


def test_gateways(caller: Caller) -> None:
    caller.fail("create:html", "create:html=404", "create:redirect")
    page, lost, elsewhere = (caller.create() for _ in range(3))
    assert (page.status, page.headers["Content-Type"], b"<html>" in page.content) == (502, "text/html", True)
    assert lost.status == 404
    assert (elsewhere.status, elsewhere.headers["Location"]) == (302, "https://elsewhere.example.com/")
    assert caller.keys() == []


def test_slow(caller: Caller) -> None:
    assert caller.fail("create:slow=3").create().status == 200
    assert caller.slept == [3]


def test_pages_that_lie(caller: Caller) -> None:
    keys = [caller.create().key for _ in range(4)]
    caller.fail("list:repeated-page", "list:short-page")
    assert caller.keys("?limit=2&page=1") == keys[:2]
    assert caller.keys("?limit=2&page=0") == keys[:1]
    assert caller.keys("?limit=2&page=1") == keys[2:]


def test_times_skip_and_chance(caller: Caller) -> None:
    caller.fail("any:503,times=2,skip=1")
    assert [caller.create().status for _ in range(4)] == [200, 503, 503, 200]
    caller.fail("get:500,times=0")
    assert {caller.get("x").status for _ in range(3)} == {500}
    caller.world.clear_faults()
    caller.fail("get:500,times=0,chance=50")
    assert {caller.get("x").status for _ in range(100)} == {404, 500}
    caller.world.clear_faults()
    caller.fail("get:500,times=0,chance=0")
    assert caller.get("x").status == 404


def test_a_fault_for_any_operation_waits_for_one_that_it_fits(caller: Caller) -> None:
    caller.fail("any:no-key", "any:500-after")
    assert caller.rows() == []
    assert "key" not in caller.create().document
    assert caller.create().status == 500


def test_a_wrong_credential_meets_no_fault(caller: Caller) -> None:
    caller.fail("list:503")
    assert caller.call("GET", PATH, key=None).status == 401
    assert caller.call("GET", PATH).status == 503


def test_a_late_update_that_is_refused_by_then_is_lost_and_harms_nobody(caller: Caller) -> None:
    caller.behave(default_false="refused").fail("update:late-commit=5")
    first, second = caller.create().key, caller.create().key
    with pytest.raises(ConnectionCutError):
        caller.update(second, OTHER, default=False)
    caller.update(second, SCENARIO, default=True)
    caller.seconds += 6
    assert [(row["key"], row["name"]) for row in caller.rows()] == [
        (first, SCENARIO["name"]),
        (second, SCENARIO["name"]),
    ]
