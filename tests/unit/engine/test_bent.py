"""After a lost state on a service that bends what it is sent: no second scenario without a word, and no wrong pair."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from omnictl.engine.adopting import choose_all
from omnictl.engine.bent import find_cut, names_of, way_of
from omnictl.engine.planner import make_plan
from omnictl.engine.rebuild import rebuild_state
from omnictl.model.address import make_address
from omnictl.model.adoption import Choice, Told
from omnictl.model.plan import Plan
from omnictl.model.scenario import Attributes, Remote
from omnictl.model.state import Record
from tests.builders import Scene, flow

NEAR = (Told.NEARLY_EQUAL,)


def lost(scene: Scene) -> Plan:
    """Plan with what the state knows, which was lost and built again."""
    return make_plan(replace(scene.view, state=replace(scene.state, knows_files=False)), scene.circumstances())


def codes(plan: Plan) -> set[str]:
    assert plan.risk is not None
    assert not plan.risk.is_safe
    return {each.code for each in plan.diagnostics} | {each.guard.value for each in plan.guards}


def shown(scene: Scene, *scenarios: tuple[str, str]) -> Scene:
    """Let the account show scenarios by name and flow, under the keys 0, 1, …"""
    for number, (name, steps) in enumerate(scenarios):
        scene.remotes[str(number)] = Remote(str(number), Attributes(name, flow(steps)))
    return scene


def import_all(scene: Scene, told: Sequence[Told] = ()) -> Choice:
    return choose_all(replace(scene.view, state=replace(scene.state, knows_files=False)), {}, told=told)


def taken(choice: Choice) -> dict[str, str]:
    """Return the key of each file that got one."""
    return {each.address.removeprefix("scenario."): each.remote.key for each in choice.adoptions if each.resource}


def test_what_is_compared() -> None:
    assert way_of(flow("SMS:Info Sms > VIBER:A Long Sender")) == way_of(flow("SMS:INFO  SMS > VIBER:a long s"))
    assert way_of(flow("SMS:A")) != way_of(flow("VIBER:A"))
    account = [Remote("k", Attributes(name, flow("SMS:A"))) for name in ("Order conf", "Sale")]
    assert find_cut(account) == len("order conf")
    assert find_cut(account[1:]) == 0
    assert names_of("Order  Confirmation", 10) == ("order confirmation", "order conf")
    assert names_of("Sale", 10) == ("sale",)


def test_a_copy_that_nearly_equals_what_the_first_file_was_is_told() -> None:
    scene = shown(
        Scene().declare("w1", "Greetings", "SMS:Shop").declare("w2", "Welcome", "SMS:Shop"), ("welcome", "SMS:SHOP")
    )
    [adoption] = import_all(scene, NEAR).adoptions
    was = adoption.remote.attributes
    scene.records["w2"] = Record(adoption.address, adoption.remote.key, was, was)
    assert "maybe-copied" in codes(lost(scene))


def test_an_edited_name_is_told_though_the_senders_are_bent() -> None:
    scene = shown(Scene().declare("w1", "Greetings", "SMS:Shop"), ("Welcome", "SMS:SHOP"))
    assert "maybe-unmanaged" in codes(lost(scene))
    choice = import_all(scene)
    assert (choice.adoptions, [each.if_told for each in choice.left_out]) == ((), [Told.FILES_ARE_NEW])


def test_a_new_id_and_name_is_told_though_what_is_recorded_is_bent() -> None:
    scene = shown(Scene().declare("z9", "Greetings", "SMS:Shop"), ("welcome", "SMS:SHOP"))
    was = Attributes("welcome", flow("SMS:SHOP"))
    scene.records["w1"] = Record(make_address("w1"), "0", was, was)
    assert codes(scene.plan()) & {"maybe-renamed", "likely-rename"}


def test_a_name_that_is_cut_short_is_told_whatever_the_flow() -> None:
    scene = shown(Scene().declare("a", "Order confirmation A", "SMS:Shop"), ("Order conf", "VIBER:X > SMS:Shop"))
    assert "maybe-unmanaged" in codes(lost(scene))
    choice = import_all(scene)
    assert (choice.adoptions, len(choice.left_out)) == ((), 1)


@pytest.mark.parametrize("told", [(), NEAR])
def test_a_short_new_name_does_not_take_the_key_of_one_that_was_cut(told: tuple[Told, ...]) -> None:
    scene = Scene().declare("order-confirmation-a", "Order confirmation A", "SMS:Shop")
    scene = shown(scene.declare("order-conf", "Order conf", "SMS:Shop"), ("Order conf", "SMS:Shop"))
    assert taken(import_all(scene, told)) == {}
    assert rebuild_state(scene.view, [], scene.circumstances()).taken == ()


@pytest.mark.parametrize("told", [(), NEAR])
@pytest.mark.parametrize(
    "account",
    [
        [("Order conf", "SMS:Shop"), ("Order conf", "VIBER:New")],
        [("Order conf", "SMS:B"), ("Order conf", "SMS:C")],
    ],
    ids=["a copy, and the first one edited", "senders moved on"],
)
def test_of_several_cut_names_none_is_taken(account: list[tuple[str, str]], told: tuple[Told, ...]) -> None:
    scene = Scene().declare("a", "Order confirmation A", "SMS:Shop").declare("b", "Order confirmation B", "SMS:B")
    assert taken(import_all(shown(scene, *account), told)) == {}


def test_one_longer_name_is_no_proof_that_names_are_cut() -> None:
    scene = Scene().declare("reminder", "Order paid reminder", "SMS:Shop").declare("login", "Login", "SMS:Auth")
    scene = shown(scene, ("order paid", "SMS:Shop"), ("login", "SMS:Auth"))
    assert taken(import_all(scene, NEAR)) == {"login": "1"}


def test_several_names_that_are_cut_at_one_length_are_taken() -> None:
    scene = Scene().declare("a", "Order confirmation", "SMS:Shop").declare("b", "Login code by message", "SMS:Auth")
    scene = shown(
        scene.declare("c", "Sale", "SMS:Sale"),
        ("Order conf", "SMS:Shop"),
        ("Login code", "SMS:Auth"),
        ("sale", "SMS:SALE"),
    )
    assert taken(import_all(scene, NEAR)) == {"a": "0", "b": "1", "c": "2"}
    scene = shown(scene, ("Order conf", "SMS:Shop"), ("Login code", "SMS:Auth"), ("a longer name than these", "VOICE"))
    assert taken(import_all(scene, NEAR)) == {}


def test_nearness_counts_all_that_are_there() -> None:
    scene = Scene().declare("one", "Order Paid", "SMS:Shop").declare("two", "order paid", "SMS:SHOP")
    scene = shown(scene, ("order paid", "SMS:SHOP"), ("ORDER paid", "SMS:SHOP"))
    assert taken(import_all(scene, NEAR)) == {}
    assert all(each.if_told is None for each in import_all(scene).left_out)


def test_a_name_that_begins_another_is_paired_with_its_own() -> None:
    scene = Scene().declare("sale", "Black Friday", "SMS:Shop").declare("sale-25", "Black Friday 2025", "SMS:Shop")
    scene = shown(scene, ("black friday", "SMS:SHOP"), ("black friday 2025", "SMS:SHOP"))
    assert taken(import_all(scene, NEAR)) == {"sale": "0", "sale-25": "1"}


def test_a_rebuilding_says_how_what_is_nearly_equal_is_brought_together() -> None:
    scene = shown(
        Scene().declare("a", "Alpha", "SMS:A").declare("b", "Beta", "SMS:B"), ("alpha", "SMS:A"), ("BETA", "SMS:B")
    )
    rebuilt = rebuild_state(scene.view, [], scene.circumstances())
    assert (rebuilt.taken, rebuilt.near) == ((), 2)
