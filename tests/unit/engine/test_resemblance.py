"""New scenarios that have the flow of one that left: who is brought together with whom, and what is said of it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from omnictl.engine import resemblance
from omnictl.engine.planner import make_plan
from omnictl.model.diagnostic import Source
from omnictl.model.plan import Plan
from omnictl.model.scenario import Lifecycle, Manage
from omnictl.model.state import Tombstone
from tests.builders import NOW, Scene, key_of
from tests.worlds import address


def left(*named: tuple[str, str], vanished: bool = False) -> Scene:
    """Scenarios of one flow that no file declares any more, by id and name."""
    scene = Scene().both("anchor", "Anchor", "PUSH")
    for scenario_id, name in named:
        scene.remember(scenario_id, name, vanished=vanished)
    return scene


def said(plan: Plan) -> dict[str, str]:
    """Return what is said of renames: the kind and the lines, by the file that it is said of."""
    told = {each.subject: ("guard", each.commands) for each in plan.guards if each.guard == "likely-rename"}
    for each in plan.diagnostics:
        assert each.source is not None
        name = each.source.path.removeprefix("scenarios/").removesuffix(".yaml")
        told[name] = (each.code, each.commands)
    return {
        name: " ".join((kind, *(line.removeprefix("previous_ids: ") for line in lines)))
        for name, (kind, lines) in told.items()
    }


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (("old", "Order confirmation Brazil"), ("new", "Order confirmation Brasil")),
        (("old", "Orders"), ("new", "Orders of 2027")),
        (("old", "Orders of 2027"), ("new", "orders")),
        (("old", "Order confirmation"), ("new", "Order-Confirmations")),
        (("e", "Name e"), ("x", "Name g")),
        (("e", "Orders"), ("e2", "Black Friday")),
        (("otp-br", "Orders"), ("otp-br-viber", "Black Friday")),
        (("new-otp", "Orders"), ("otp", "Black Friday")),
    ],
)
def test_a_name_or_an_id_like_it_is_a_guard(was: tuple[str, str], now: tuple[str, str]) -> None:
    assert said(left(was).declare(*now).plan()) == {now[0]: f"guard [{was[0]}]"}


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (("old", "Orders"), ("new", "Alerts")),
        (("old", "Orders"), ("new", "")),
        (("old", ""), ("new", "Orders")),
        (("promo-11", "Winter"), ("promo-12", "Summer")),
        (("promo-1", "Winter"), ("promo-12", "Summer")),
        (("otp-br", "Brazil"), ("otp-cl", "Chile")),
        (("old", "Promo November"), ("new", "Promo December")),
    ],
)
def test_nothing_but_the_flow_is_a_warning(was: tuple[str, str], now: tuple[str, str]) -> None:
    plan = left(was).declare(*now).plan()
    assert said(plan) == {now[0]: f"maybe-renamed [{was[0]}]"}
    assert plan.risk is not None
    assert not plan.risk.is_safe


def test_what_a_guard_says_is_why() -> None:
    [finding] = left(("e", "Orders")).declare("e2", "Orders of 2027").plan().guards
    assert finding.message == (
        'e2 may be e, which left the configuration: the flow is the same, and its name is like "Orders". '
        "If it is the same scenario, say so in its file, and it keeps its key."
    )


def test_a_file_is_like_the_id_that_it_is_named_after() -> None:
    scene = left(("vk-sms", "Orders")).declare("new", "Alerts")
    sources = {"": Source("scenarios/vk-sms.yaml", 1, 1)}
    scene.resources["new"] = replace(scene.resources["new"], sources=sources)
    [finding] = scene.plan().guards
    assert "it stands in the file of vk-sms" in finding.message
    scene.resources["new"] = replace(scene.resources["new"], sources={})
    plan = scene.plan()
    assert (plan.guards, [each.code for each in plan.diagnostics]) == ((), ["maybe-renamed"])


def test_several_at_once_are_brought_together_one_to_one() -> None:
    scene = left(("a", "Orders"), ("b", "Alerts"), ("c", "Codes"))
    scene.declare("x", "Codes 2").declare("y", "Welcome").declare("z", "Orders 2")
    assert said(scene.plan()) == {
        "z": "guard [a] [c] [b]",
        "x": "guard [c] [a] [b]",
        "y": "maybe-renamed [b] [c] [a]",
    }


def test_more_new_ones_than_left_are_told_together() -> None:
    scene = left(("old", "Orders"))
    for number in range(7):
        scene.declare(f"n{number}", f"{number * 1111}")
    plan = scene.plan()
    assert said(plan) == {"n0": "maybe-renamed [old]", "n1": "maybe-renamed [old]"}
    assert plan.diagnostics[1].detail == (
        "n1, n2, n3, n4, n5 and 1 more are created with the flow of old, which left the configuration. "
        "If one of them is the same scenario, say so in its file, and it keeps its key."
    )
    few = left(("old", "Orders")).declare("n0", "1").declare("n1", "2").declare("n2", "3").plan()
    assert few.diagnostics[1].detail.startswith("n1 and n2 are created with")


def test_more_that_left_than_new_ones_are_counted() -> None:
    scene = left(*((f"old{number}", f"{number}") for number in range(7))).declare("new", "Orders")
    [told] = scene.plan().diagnostics
    assert len(told.commands) == 5
    assert told.detail.startswith("new is created with the flow of old0 (left the configuration) and of ")
    assert " and 2 more. If it is the same scenario, say so in its file with one of these lines" in told.detail
    assert told.hint == "if it is the same scenario, add one of these lines"


def test_very_many_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resemblance, "MOST_COMPARED", 3)
    scene = left(("a", "Orders"), ("b", "Alerts")).declare("x", "Alerts 2").declare("y", "Orders 2")
    assert said(scene.plan()) == {"x": "maybe-renamed [a]", "y": "maybe-renamed [b]"}


@pytest.mark.parametrize(
    "scene",
    [
        left(("old", "Orders")).declare("new", "Alerts", "SMS"),
        left(("old", "Orders"), vanished=True).declare("new", "Orders 2"),
        left(("old", "Orders")).declare("new", "Orders 2", previous_ids=("old",)),
        left(("old", "Orders")).declare("new", "Orders 2", lifecycle=Lifecycle(manage=Manage.OBSERVE)),
    ],
    ids=["another flow", "vanished", "said", "only observed"],
)
def test_what_is_no_second_one_is_not_told(scene: Scene) -> None:
    assert {*said(scene.plan()).values()} <= {"observed-differs"}


def test_what_is_not_selected_is_not_told() -> None:
    scene = left(("old", "Orders")).declare("new", "Orders 2")
    assert said(scene.plan(only=("anchor",))) == {}
    assert said(scene.plan(only=("new",))) == {"new": "guard [old]"}
    assert said(scene.plan(exclude=("old",))) == {"new": "guard [old]"}


def forgotten(days: int, *, name: str = "Alerts", retired: bool = False, declared: str = "new") -> Plan:
    scene = left(("old", "Orders")).declare(declared, name)
    state = scene.state
    record = state.records[address("old")]
    tombstone = Tombstone(record.address, record.key, record.applied, NOW - timedelta(days=days), retired)
    records = {where: each for where, each in state.records.items() if each is not record}
    view = replace(scene.view, state=replace(state, records=records, tombstones=(tombstone,)))
    return make_plan(view, scene.circumstances())


def test_what_was_forgotten_lately_is_told_with_its_key() -> None:
    line = f"import: {{production: {key_of('old')}}}"
    assert said(forgotten(30)) == {"new": f"maybe-renamed {line}"}
    assert said(forgotten(0, name="Orders 2")) == {"new": f"guard {line}"}
    assert said(forgotten(31)) == said(forgotten(31, name="Orders 2")) == {}
    assert said(forgotten(1, retired=True)) == said(forgotten(1, name="Orders 2", retired=True)) == {}
    assert said(forgotten(1, declared="old")) == {}
