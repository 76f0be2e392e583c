"""The main job against every unkindness of the sandbox: nothing doubled, nothing lost, and then nothing to do."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from omnictl.sandbox.faults import parse_fault
from omnictl.sandbox.store import World
from tests.e2e.running import Ran, omnictl

SETTLE = "1"
STOPPED_OR_UNSURE = (1, 4, 5, 6)

SWITCHES = [
    {"created_status": 201},
    {"list_lag_seconds": 0.1},
    {"list_order": "updated"},
    {"list_order": "shuffled"},
    {"page_limit": 2},
    {"put": "merge"},
    {"default_false": "cleared"},
    {"default_false": "refused"},
    {"defaults": "several"},
    {"default_field": "defaultScenario"},
    {"default_field": "both"},
    {"extra_fields": "present"},
    {"names": "upper"},
    {"names": "cut"},
    {"names": "trimmed"},
    {"senders": "lower"},
    {"senders": "nfkc"},
]

FAULTS = [
    "create:429=0",
    "create:429",
    "create:409",
    "create:500",
    "create:500-after",
    "create:503",
    "create:503-after",
    "create:html",
    "create:html=404",
    "create:redirect",
    "create:cut-before",
    "create:cut-after",
    "create:cut-body",
    "create:late-commit=0.3",
    "create:no-key",
    "create:truncated",
    "create:not-json",
    "create:wrong-type",
    "create:cut-after,times=2",
    "create:408",
    "create:409,skip=1",
    "create:slow=0.1",
    "create:401",
    "update:401",
    "update:403",
    "update:408",
    "update:409-after",
    "update:503",
    "update:503-after",
    "update:html",
    "update:not-json",
    "update:slow=0.1",
    "update:429",
    "update:409",
    "update:500",
    "update:500-after",
    "update:html=404",
    "update:redirect",
    "update:cut-before",
    "update:cut-after",
    "update:cut-body",
    "update:late-commit=0.3",
    "update:no-key",
    "update:truncated",
    "update:wrong-type",
    "get:500",
    "get:cut-before",
    "get:truncated",
    "get:no-key",
    "get:401",
    "get:404",
    "get:409",
    "get:429=0",
    "get:html=404",
    "get:redirect",
    "get:cut-after",
    "get:cut-body",
    "get:not-json",
    "get:wrong-type",
    "list:401",
    "list:404",
    "list:409",
    "list:429=0",
    "list:html",
    "list:cut-after",
    "list:cut-body",
    "list:wrong-type",
    "list:500",
    "list:cut-before",
    "list:truncated",
    "list:not-json",
    "list:redirect",
    "list:repeated-page,skip=1",
    "list:short-page",
]


@pytest.fixture
def files(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five scenarios, one of them the default."""
    monkeypatch.setenv("OMNICTL_SETTLE", SETTLE)
    (project / "scenarios").mkdir()
    for number in range(5):
        write(project, number, f"My  Scenario number {number}")
    return project


def write(project: Path, number: int, name: str, *, default: bool = False) -> None:
    fields = {
        "name": name,
        "flow": [{"channel": "VIBER", "from": f"Acme{number}"}, {"channel": "SMS", "from": "InfoSMS"}],
        **({"default": True} if default else {}),
    }
    (project / "scenarios" / f"s-{number}.json").write_text(json.dumps(fields))


def open_world(project: Path) -> World:
    path = project / ".omnictl/sandbox/default/world.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    return World(path)


def apply_until_done(tries: int = 4) -> list[Ran]:
    """Apply as a person would: the same command again, as long as it says so."""
    runs = []
    for _ in range(tries):
        runs.append(omnictl("apply", "--sandbox", "--yes", "--allow", "default-change=s-3"))
        if runs[-1].code == 0:
            return runs
        assert runs[-1].code in STOPPED_OR_UNSURE, runs[-1].err
        time.sleep(0.1)
    raise AssertionError([(each.code, each.err, each.out) for each in runs])


def check_converged(project: Path, names: list[str]) -> None:
    """Nothing to do, as many scenarios as files, a key for each, all of them there."""
    ran = omnictl("plan", "--sandbox", "--detailed-exitcode")
    assert ran.code == 0, ran.out
    state = json.loads((project / ".omnictl/sandbox/default/state.json").read_text())
    keys = {record["key"] for record in state["records"].values()}
    world = open_world(project)
    rows = world.list_all()
    world.close()
    assert len(rows) == len(keys) == len(names)
    assert {row.key for row in rows} == keys
    assert sorted(row.body["name"] for row in rows) == sorted(names)
    assert not state.get("intents")


def run_main_job(project: Path) -> list[Ran]:
    """Create all, then change a name and move the default."""
    runs = apply_until_done()
    write(project, 1, "Another  name 1")
    write(project, 3, "My  Scenario number 3", default=True)
    return runs + apply_until_done()


NAMES = [f"My  Scenario number {number}" for number in (0, 2, 3, 4)] + ["Another  name 1"]
KEPT_AS: dict[object, Callable[[str], str]] = {
    "upper": str.upper,
    "cut": lambda name: name[:10],
    "trimmed": lambda name: " ".join(name.split()),
}


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda each: "-".join(f"{k}={v}" for k, v in each.items()))
def test_the_main_job_in_a_world_that_is_otherwise(files: Path, switches: dict[str, object]) -> None:
    flags = [f"--{name.removesuffix('_seconds').replace('_', '-')}={value}" for name, value in switches.items()]
    assert omnictl("sandbox", "behave", *flags).code == 0
    run_main_job(files)
    time.sleep(0.1)
    kept = KEPT_AS.get(switches.get("names"))
    check_converged(files, [kept(name) for name in NAMES] if kept else NAMES)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_main_job_with_a_fault(files: Path, fault: str) -> None:
    operation = fault.partition(":")[0]
    if operation in ("update", "get"):
        apply_until_done()
    world = open_world(files)
    world.add_fault(parse_fault(fault))
    world.close()
    run_main_job(files)
    check_converged(files, NAMES)
    world = open_world(files)
    assert world.list_faults() == [], "the fault never happened"
    world.close()


@pytest.mark.parametrize(
    ("fault", "switches"),
    [
        ("create:late-commit=0.3", ("--list-lag", "0.1")),
        ("create:cut-after,times=2", ("--page-limit", "2", "--list-order", "shuffled")),
        ("create:500-after", ("--created-status", "201", "--extra-fields", "present")),
        ("update:cut-after", ("--put", "merge", "--default-field", "defaultScenario")),
        ("any:cut-after,times=6,skip=2", ()),
    ],
)
def test_the_main_job_with_a_fault_in_a_world_that_is_otherwise(
    files: Path, fault: str, switches: tuple[str, ...]
) -> None:
    assert omnictl("sandbox", "behave", "--fault", fault, *switches).code == 0
    run_main_job(files)
    time.sleep(0.1)
    world = open_world(files)
    world.clear_faults()
    world.close()
    check_converged(files, NAMES)


@pytest.mark.parametrize(("fault", "how"), [("create:409-after", "kept"), ("create:cut-after", "upper")])
def test_a_create_that_only_a_person_can_judge_stops_and_is_not_sent_again(files: Path, fault: str, how: str) -> None:
    omnictl("sandbox", "behave", "--fault", fault, "--names", how)
    runs = [omnictl("apply", "--sandbox", "--yes") for _ in range(3)]
    assert [each.code for each in runs[1:]] == [3, 3]
    world = open_world(files)
    names = [row.body["name"].upper() for row in world.list_all()]
    world.close()
    assert len(names) == len(set(names)) <= 5
    assert "MY  SCENARIO NUMBER 0" in names


def test_a_changing_list_is_never_taken_for_the_truth(files: Path) -> None:
    apply_until_done()
    assert omnictl("sandbox", "behave", "--list-order", "changing", "--page-limit", "2").code == 0
    for _ in range(5):
        ran = omnictl("plan", "--sandbox", "--detailed-exitcode")
        assert ran.code in (0, 1)
        assert ran.code == 0 or re.search(r"error\[(incomplete-listing|restless-listing)\]", ran.err)
    omnictl("sandbox", "behave", "--kind")
    check_converged(files, [f"My  Scenario number {number}" for number in range(5)])
