"""Plans as text, as people see them."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from omnictl.model.address import make_address
from omnictl.model.change import Adopt, Create, FlowChanged, Forget, NameChanged, Retire, SetDefault
from omnictl.model.diagnostic import Severity, Source
from omnictl.model.plan import DefaultMemory, Guard, Plan, Settled
from omnictl.model.scenario import Attributes, Lifecycle, Manage, OnRemoval, Protection
from omnictl.render.human import render_plan
from omnictl.render.style import Style
from tests.builders import Scene, example_scene, flow, key_of, problem
from tests.golden.golden import check_golden

PROTECTED = Lifecycle(Protection.ALL)


def selection() -> Plan:
    return example_scene().plan(only=("otp-*", "label:team=growth"), exclude=("otp-br",))


def selection_with_a_guard() -> Plan:
    return example_scene().plan(only=("vk-*", "label:team=a b"), exclude=("other-1",))


def nothing_selected_differs() -> Plan:
    return Scene().both("a").both("b").plan(only=("a",))


def no_changes() -> Plan:
    return Scene().both("a").both("b").plan()


def one_scenario_as_declared() -> Plan:
    return Scene(environment="test").both("a").plan(sandbox=True)


def refreshed() -> Plan:
    scene = Scene().declare("a", "New name").remember("a", "Old name", account=("New name", "VKONTAKTE > SMS:InfoSMS"))
    return scene.both("b").plan()


def refreshed_and_created() -> Plan:
    scene = Scene().declare("a", "New name").remember("a", "Old name", account=("New name", "VKONTAKTE > SMS:InfoSMS"))
    return scene.declare("b").plan()


def first_of_an_empty_account() -> Plan:
    return Scene(environment="test").declare("vk-sms", "My VK-SMS scenario", default=True).plan(sandbox=True)


def allowed_guard() -> Plan:
    return example_scene().plan(allowed=frozenset({(Guard.DEFAULT_CHANGE, "vk-sms")}))


def every_guard() -> Plan:
    scene = Scene().remember("gone", vanished=True).declare("gone").remember("old", "Same name", "SMS:A")
    scene.declare("new", "Same name", "VIBER:B").both("holder").holds_default("holder")
    scene.declare("less", steps="SMS:InfoSMS").remember("less")
    scene.remember("kept", lifecycle=Lifecycle(protected=Protection.REMOVAL))
    scene.declare("twin", "test").unmanaged("test").declare("claims", default=True).remember("claims")
    return scene.plan()


def nothing_declared() -> Plan:
    return Scene().remember("a").remember("b").plan()


def drift_and_conflict() -> Plan:
    scene = Scene().declare("drifted").remember("drifted", account=("drifted", "SMS:InfoSMS > VKONTAKTE"))
    scene.declare("edited", "New name").remember("edited")
    scene.declare("both", "From files").remember("both", account=("From account", "VKONTAKTE > SMS:PROMO"))
    scene.declare("renamed", "Ours").remember("old", "Ours", account=("By Bob", "VKONTAKTE > SMS:PROMO"))
    scene.declare("renamed-and-edited", "Files", previous_ids=("before",))
    return scene.remember("before", "Before", account=("By Bob", "VKONTAKTE > SMS:PROMO")).plan()


def edit_scripts() -> Plan:
    scene = Scene()
    before = "VKONTAKTE > VIBER:Acme > SMS:InfoSMS > EMAIL:a@acme.example"
    for name, after in (
        ("inserted", "VKONTAKTE > WHATSAPP:447700900123 > VIBER:Acme > SMS:InfoSMS > EMAIL:a@acme.example"),
        ("removed", "VKONTAKTE > VIBER:Acme > SMS:InfoSMS"),
        ("moved", "EMAIL:a@acme.example > VKONTAKTE > VIBER:Acme > SMS:InfoSMS"),
        ("senders", "VKONTAKTE:Acme > VIBER > SMS:BRAND > EMAIL:a@acme.example"),
        ("everything", "PUSH:app > SMS:BRAND > VKONTAKTE"),
    ):
        scene.declare(name, name, after).remember(name, name, before)
    return scene.plan()


def settled() -> Plan:
    found = Settled(make_address("found"), key_of("found"))
    return Scene().both("found").declare("lost").plan(settled=(found, Settled(make_address("lost"), None)))


def hostile_names() -> Plan:
    scene = Scene()
    names = {
        "wide": "重要なお知らせ 📣 전화",
        "combining": "Cafe\u0301 au lait",
        "controls": "bell\a escape\x1b[31m newline\nnul\0",
        "right-to-left": "שלום \u202eevil\u202c",
        "zero-width": "a\u200bb\ufeffc",
        "quotes": "\"double\" 'single' `back` <b> | # @team",
        "long": "A name that goes on and on " * 6,
        "unbroken": "x" * 150,
    }
    for scenario_id, name in names.items():
        scene.declare(scenario_id, name, f"SMS:{name[:11]} > VKONTAKTE")
    return scene.plan()


def long_ids_and_flows() -> Plan:
    scene = Scene()
    scene.declare("a-very-long-id-that-says-everything-about-the-campaign-of-2026-11", "Campaign", line=12)
    steps = " > ".join(f"{channel}:Sender{channel.title()}" for channel in ("WHATSAPP", "VIBER", "KAKAO_ALIM", "SMS"))
    return scene.declare("everything", "Everything", f"{steps} > VKONTAKTE > EMAIL:somebody@acme.example").plan()


def throttled() -> Plan:
    scene = Scene(serial=3)
    for number in range(45):
        scene.declare(f"campaign-{number:02}")
    return scene.plan()


def released_default() -> Plan:
    return Scene().both("a").holds_default("a").plan()


def rare_changes() -> Plan:
    """What later commands bring to the surface; the words for it are here already."""
    scene = Scene().remember("was", "Was here", vanished=True).remember("old", "Old one").declare("a")
    plan = scene.plan()
    was, old = (record for record in scene.records.values())
    name, steps = NameChanged("A", "B"), flow("SMS:A")
    changed = (name, FlowChanged(steps, flow("VIBER:A"), ()))
    extra = (
        Forget(make_address("was"), was, vanished=True),
        Retire(make_address("old"), old, old.applied, Attributes("[retired] Old one", old.applied.flow)),
        Adopt(make_address("b"), key_of("b"), Attributes("B", steps), Attributes("A", steps), changed),
        Adopt(make_address("c"), key_of("c"), Attributes("B", steps), Attributes("B", steps), (), from_tombstone=True),
        SetDefault(make_address("d"), key_of("d"), Attributes("D", steps)),
        SetDefault(make_address("e"), None, Attributes("E", steps), "KEY", None, Attributes('Not "ours"', steps)),
        Create(make_address("f"), Attributes("F", steps), source=Source("scenarios/f.yaml")),
    )
    kept = tuple(each for each in plan.changes if not isinstance(each, Forget))
    unmanaged = {"KEY1": "Not ours", "KEY2": "\x1b[31mnor this"}
    return replace(plan, changes=(*kept, *extra), unmanaged=unmanaged)


def nobody_holds_the_default() -> Plan:
    return replace(Scene().both("a").plan(), default=DefaultMemory(released=True))


def only_settled() -> Plan:
    return Scene().both("found").plan(settled=(Settled(make_address("found"), key_of("found")),))


def noted() -> Plan:
    note = problem("observed-differs", Severity.NOTE, summary="It is only observed", detail="welcome differs.")
    return replace(Scene().both("a").declare("b").plan(), diagnostics=(note,))


def removals() -> Plan:
    """What leaves: forgotten, retired by its lifecycle, retired on request, marked already, watched only, and gone."""
    scene = Scene().both("anchor").remember("forgotten", "Spring")
    scene.remember("retired", "Summer", lifecycle=Lifecycle(on_removal=OnRemoval.RETIRE))
    scene.remember("asked-for", "Autumn").remember("asked-for-again", "[retired] Winter")
    scene.remember("asked-for-watched", lifecycle=Lifecycle(manage=Manage.OBSERVE))
    scene.remember("asked-for-gone", vanished=True)
    return scene.plan(retire=("asked-for*",))


def the_default_retires() -> Plan:
    scene = Scene().remember("old", "Old one").holds_default("old").remember("less", lifecycle=PROTECTED)
    scene.declare("less", steps="SMS:InfoSMS").both("anchor")
    return scene.plan(retire=("o*",), allowed=frozenset({(Guard.CHANNEL_REMOVAL, "less")}))


def risky() -> Plan:
    """Nothing that a guard knows, and more than a line holds that somebody should look at."""
    place = Source("scenarios/b.yaml", 4, 5)
    lint = tuple(
        problem(f"rule-{number}", Severity.WARNING, detail=f'Step {number} is "odd" | <b>.', source=place)
        for number in range(25)
    )
    odd = problem("equal-scenarios", Severity.WARNING, detail="a and b are alike.")
    return Scene().both("a").declare("b").plan(lint=lint, warnings=(odd,), production=True)


PLANS: list[Callable[[], Plan]] = [
    selection,
    selection_with_a_guard,
    nothing_selected_differs,
    no_changes,
    one_scenario_as_declared,
    refreshed,
    refreshed_and_created,
    first_of_an_empty_account,
    allowed_guard,
    every_guard,
    nothing_declared,
    drift_and_conflict,
    edit_scripts,
    settled,
    hostile_names,
    long_ids_and_flows,
    throttled,
    released_default,
    rare_changes,
    nobody_holds_the_default,
    only_settled,
    noted,
    removals,
    the_default_retires,
    risky,
]


@pytest.mark.parametrize("make", PLANS, ids=lambda make: make.__name__)
def test_plan(make: Callable[[], Plan]) -> None:
    check_golden(f"plan-{make.__name__.replace('_', '-')}.txt", render_plan(make(), Style()))


@pytest.mark.parametrize("width", [60, 80, 140])
def test_plan_in_any_width(width: int) -> None:
    text = render_plan(example_scene().plan(), Style(width=width))
    check_golden(f"plan-example-{width}.txt", text)
    assert max(map(len, text.splitlines())) <= width


def test_plan_in_colour() -> None:
    check_golden("plan-example-colour.txt", render_plan(example_scene().plan(), Style(colour=True)))


def test_plan_without_unicode() -> None:
    text = render_plan(example_scene().plan(), Style(unicode=False))
    check_golden("plan-example-ascii.txt", text)
    assert text.isascii()


def test_plan_told_at_length() -> None:
    check_golden("plan-example-verbose.txt", render_plan(example_scene().plan(), Style(), verbose=True))
