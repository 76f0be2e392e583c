"""An account of a thousand scenarios as teams have it: some by hand, some edited by others, some under a new id."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from omnictl.sandbox.store import Stored, World
from tests.e2e.conftest import ServeSandbox
from tests.e2e.running import omnictl

MANAGED, UNMANAGED = 700, 300
DRIFTED, CONFLICTS, RENAMED = 50, 10, 20

IDS = [f"s-{number:04d}" for number in range(MANAGED)]
EDITED_THERE = IDS[:DRIFTED]
EDITED_TWICE = IDS[DRIFTED : DRIFTED + CONFLICTS]
MOVED = IDS[100 : 100 + RENAMED]
"""Half of them say so with previous_ids, half are known by their name and flow."""


def write(project: Path, scenario_id: str, name: str, sender: str = "InfoSMS", more: str = "") -> None:
    text = (
        f"id: {scenario_id}\nname: {name}\nflow:\n  - channel: VKONTAKTE\n  - channel: SMS\n    from: {sender}\n{more}"
    )
    (project / "scenarios" / f"{scenario_id}.yaml").write_text(text)


def keys(project: Path) -> dict[str, str]:
    """Return the key of each id that the state has."""
    listed = omnictl("state", "list", "--format", "json").document["items"]
    return {each["id"]: each["key"] for each in listed}


def edit_there(world: World, key: str, name: str) -> None:
    """Let somebody rename a scenario in the web interface."""
    stored = world.get(key)
    assert stored is not None
    world.put(replace(stored, body={**stored.body, "name": name}))


@pytest.fixture
def account(project: Path, serve_sandbox: ServeSandbox, monkeypatch: pytest.MonkeyPatch) -> World:
    """An account with 700 scenarios of ours, of which others edited 60, and 300 that somebody made by hand."""
    monkeypatch.setenv("OMNICTL_SETTLE", "0")
    world = serve_sandbox()
    omnictl("init")
    settings = project / "omnictl.yaml"
    quick = "{limit: 100000, window_seconds: 1}"
    budgets = f"  test: {{budgets: {{create: {quick}, update: {quick}}}}}"
    settings.write_text(settings.read_text().replace("  test: {}", budgets))
    for path in (project / "scenarios").iterdir():
        path.unlink()
    for each in IDS:
        write(project, each, f"Scenario {each}")
    assert omnictl("apply", "--yes").code == 0
    for number in range(UNMANAGED):
        flow = [{"channel": "VIBER", "from": f"Acme {number % 7}"}, {"channel": "SMS", "from": "InfoSMS"}]
        name = f"Made by hand {number // 3}" if number % 10 else f"Нова акція №{number} 🎉 / v2"
        world.put(Stored(f"{number:032X}", {"name": name, "flow": flow}, is_default=False, changed_at=0.0))
    return world


def kinds(changes: list[dict[str, str]]) -> Counter[str]:
    """Count what a plan sends or remembers anew; that records are brought up to date is no change."""
    return Counter(each["action"] for each in changes if each["action"] != "refresh")


def test_it_is_brought_in_order_and_no_key_changes(project: Path, account: World) -> None:
    before = keys(project)
    assert len(before) == MANAGED
    for each in (*EDITED_THERE, *EDITED_TWICE):
        edit_there(account, before[each], f"Edited by marketing {each}")
    for each in EDITED_TWICE:
        write(project, each, f"Edited in git {each}")
    for place, each in enumerate(MOVED):
        (project / "scenarios" / f"{each}.yaml").unlink()
        more = f"previous_ids: [{each}]\n" if place % 2 else ""
        write(project, f"{each}-new", f"Scenario {each}", sender="BRAND" if place % 2 else "InfoSMS", more=more)

    drift = omnictl("drift", "--format", "json")
    assert drift.code == 2
    found = drift.document
    assert Counter(each["kind"] for each in found["items"]) == {"drift": DRIFTED, "conflict": CONFLICTS}
    assert len(found["unmanaged"]) == UNMANAGED
    assert found["coverage"] == 0.7
    plan = omnictl("plan", "--format", "json").document
    assert kinds(plan["items"]) == {"rename": RENAMED, "update": DRIFTED + CONFLICTS}
    assert plan["summary"]["unchanged"] == MANAGED - RENAMED - DRIFTED - CONFLICTS

    accepted = omnictl("accept", *EDITED_THERE)
    assert accepted.code == 0, accepted.err
    assert kinds(omnictl("plan", "--format", "json").document["items"]) == {"rename": RENAMED, "update": CONFLICTS}

    imported = omnictl("import", "--all", "--format", "json")
    assert imported.code == 0, imported.err
    assert len(list((project / "scenarios").iterdir())) == MANAGED + UNMANAGED
    plan = omnictl("plan", "--format", "json").document
    assert kinds(plan["items"]) == {"rename": RENAMED, "update": CONFLICTS}
    assert plan["unmanaged"] in ([], {})

    posts = account.count_requests().get("create", 0)
    assert omnictl("apply", "--yes").code == 0
    assert omnictl("plan", "--detailed-exitcode").code == 0
    assert omnictl("drift", "--strict").code == 0
    assert (account.count(), account.count_requests()["create"]) == (MANAGED + UNMANAGED, posts)
    after = keys(project)
    assert len(after) == len(set(after.values())) == MANAGED + UNMANAGED
    assert {f"{each}-new" if each in MOVED else each: key for each, key in before.items()}.items() <= after.items()
