"""Every diagnostic and guard of a plan, word for word, with its place and its cure."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from omnictl.engine.view import Thresholds
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Source
from omnictl.model.plan import Guard, Plan
from omnictl.model.scenario import IgnoredField, Lifecycle, Manage, OnRemoval, Protection, Resource
from omnictl.model.state import RepeatedCreate, State, Tombstone
from tests.builders import NOW, Scene, key_of
from tests.golden.golden import check_golden
from tests.golden.words import found, told
from tests.worlds import address

PLACES = ("default", "previous_ids", "import", "lifecycle")


def placed(resource: Resource) -> Resource:
    """Return a resource whose every line has its place."""
    path = f"scenarios/{resource.address.removeprefix('scenario.')}.yaml"
    sources = {key: Source(path, line, 3) for line, key in enumerate(PLACES, 10)}
    return replace(resource, sources={"": Source(path, 1, 1), **sources})


def bare(resource: Resource) -> Resource:
    """Return a resource of which only the beginning has a place."""
    return replace(resource, sources={"": resource.sources[""]})


def words(plans: Iterable[Plan]) -> str:
    parts = [
        "\n".join((*(told(each) for each in plan.diagnostics), *(found(each) for each in plan.guards)))
        for plan in plans
    ]
    return "\n---\n\n".join(parts)


def anchored() -> Scene:
    return Scene().both("anchor", "Anchor", "SMS:InfoSMS").holds_default("anchor")


def renames() -> Scene:
    scene = anchored().both("used").remember("old").remember("left").remember("n3")
    scene.declare("n1", "One", previous_ids=("old", "used"))
    scene.declare("n2", "Two", previous_ids=("old",))
    scene.declare("n3", previous_ids=("left",))
    return scene


def imports() -> Scene:
    scene = anchored().unmanaged("Theirs").unmanaged("Staging's")
    scene.declare("x", import_key="NOWHERE").declare("y", import_key=key_of("anchor"))
    theirs = next(key for key, each in scene.remotes.items() if each.attributes.name == "Theirs")
    for name, key in (("ours", theirs), ("ours2", key_of("anchor")), ("ours3", "00000000")):
        scene.declare(name, import_key=key).remember(name)
    return scene.declare(
        "z", import_key=next(key for key, each in scene.remotes.items() if each.attributes.name[0] == "S")
    )


def watched() -> Scene:
    lifecycle = Lifecycle(manage=Manage.OBSERVE)
    scene = anchored().declare("seen", "Here", lifecycle=lifecycle).remember("seen", "There")
    scene.declare("unseen", lifecycle=lifecycle)
    for protection in (Protection.ALL, Protection.REMOVAL):
        scene.declare(protection.value).remember(protection.value, lifecycle=Lifecycle(protection))
    return scene.declare("kept", lifecycle=Lifecycle(Protection.REMOVAL)).remember(
        "kept", lifecycle=Lifecycle(Protection.ALL)
    )


def defaults() -> Scene:
    scene = Scene().declare("a", "A", default=False).remember("a", "A").both("b", "B")
    return scene.holds_default("b").holds_default("a")


def twins() -> Plan:
    scene = anchored().both("twice", "Twice", "SMS:InfoSMS").unmanaged("Twice").unmanaged("twice ")
    scene.unmanaged("Once")
    repeats = tuple(
        RepeatedCreate(address(each), replace(scene.resources["twice"].attributes, name=name), NOW)
        for each, name in (("twice", "Twice"), ("lost", "Once"))
    )
    return plan_of(scene, replace(scene.state, repeated_creates=repeats))


def plan_of(scene: Scene, state: State) -> Plan:
    """Return the plan of a scene whose state is another than it remembers."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Scene, "state", state)
        return scene.plan()


def with_places(scene: Scene, place: object = placed) -> Scene:
    scene.resources = {name: place(each) for name, each in scene.resources.items()}  # type: ignore[operator]
    return scene


def test_what_is_said_of_files_state_and_account() -> None:
    elsewhere = {f"{0xFACE0002:032X}": "staging"}
    plans = [
        *(with_places(renames(), place).plan() for place in (placed, bare)),
        *(with_places(imports(), place).plan(elsewhere=elsewhere) for place in (placed, bare)),
        *(with_places(watched(), place).plan() for place in (placed, bare)),
        *(with_places(defaults(), place).plan() for place in (placed, bare)),
        with_places(defaults().declare("b", "B", default=True)).plan(),
        twins(),
        with_places(anchored().declare("new", "N", "PUSH").remember("old", "O", "PUSH")).plan(),
        with_places(imports()).plan(allowed=frozenset({(Guard.PROTECTED, "a"), (Guard.VANISHED, "all")})),
    ]
    assert {each.code for plan in plans for each in plan.diagnostics} == {
        "previous-id-declared",
        "previous-id-recorded",
        "previous-id-claimed-twice",
        "maybe-renamed",
        "import-missing",
        "import-taken",
        "import-ignored",
        "observed-differs",
        "protection-lifted",
        "late-twin",
        "several-defaults",
        "default-not-unset",
        "unused-allowance",
    }
    check_golden("engine-diagnostics.txt", words(replace(each, guards=()) for each in plans))


def protected() -> Scene:
    scene = anchored()
    for protection in (Protection.ALL, Protection.REMOVAL):
        for each in ("written", "removed", "renamed"):
            name = f"{each}-{protection.value}"
            scene.remember(name, lifecycle=Lifecycle(protection))
            if each == "written":
                scene.declare(name, "Edited", lifecycle=Lifecycle(protection))
            if each == "renamed":
                scene.declare(f"{name}-too", "Edited", previous_ids=(name,), lifecycle=Lifecycle(protection))
    return scene


def default_moves(loser: str | None) -> Scene:
    scene = Scene().both("a", "A", "SMS:InfoSMS").declare("b", "B", "VIBER:Acme > SMS", default=True).remember("b", "B")
    if loser is None:
        scene.unmanaged("Theirs", "PUSH")
        key = next(reversed(scene.remotes))
        scene.remotes[key] = replace(scene.remotes[key], is_default=True)
        return scene
    scene.records["a"] = replace(scene.records["a"], lifecycle=Lifecycle(Protection.REMOVAL))
    return scene.holds_default(loser)


def default_leaves(on_removal: OnRemoval) -> Scene:
    return Scene().both("a").remember("b", lifecycle=Lifecycle(on_removal=on_removal)).holds_default("b")


def channels_go() -> Scene:
    scene = anchored().declare("edited", "E", "SMS").remember("edited", "E", "VIBER > PUSH > VIBER > SMS")
    scene.declare("renamed", "R", "SMS", previous_ids=("before",)).remember("before", "R", "SMS > EMAIL:a@b.c")
    scene.unmanaged("Theirs", "VOICE")
    return scene.declare("adopted", "Theirs", "SMS", import_key=next(reversed(scene.remotes)))


def several_twins() -> Scene:
    scene = anchored().unmanaged("Twin", "VOICE").unmanaged("Twin", "PUSH").unmanaged("Adopted")
    scene.declare("b", "Twin").declare("c", "Adopted", import_key=next(reversed(scene.remotes)))
    return scene.declare("d", "Adopted")


def likely_renames() -> tuple[Scene, ...]:
    two = anchored().declare("new", "Same", "PUSH").remember("o1", "Same").remember("o2", "Same")
    vanished = anchored().declare("new", "Same", "PUSH").remember("old", "Same", vanished=True)
    lost = anchored().declare("new", "New", previous_ids=("old",)).remember("old", vanished=True)
    ignoring = Lifecycle(ignore_changes=(IgnoredField("name"),))
    other_name = anchored().declare("new", "New", lifecycle=ignoring).remember("old", "Old")
    return two, vanished, lost, other_name


def forgotten_before() -> Plan:
    scene = anchored().declare("new", "Same", "PUSH").declare("other", "Another", "VIBER", previous_ids=("gone",))
    scene.remember("old", "Same").remember("gone", "Gone")
    state = scene.state
    left = [each for each in state.records.values() if id_of(each.address) in ("old", "gone")]
    tombstones = tuple(Tombstone(each.address, each.key, each.applied, NOW) for each in left)
    records = {name: each for name, each in state.records.items() if each not in left}
    return plan_of(scene, replace(state, records=records, tombstones=tombstones))


def test_what_the_guards_say() -> None:
    strict = Thresholds(0.3, 2)
    mass = anchored().remember("gone").declare("edited", "Edited").remember("edited").both("same").both("same-too")
    plans = [
        with_places(protected()).plan(),
        *(with_places(default_moves(each)).plan() for each in ("a", None)),
        *(with_places(default_leaves(each)).plan() for each in OnRemoval),
        with_places(channels_go()).plan(),
        with_places(several_twins()).plan(),
        with_places(anchored().declare("lost").remember("lost", vanished=True)).plan(),
        with_places(anchored().declare("new", "Old name", "PUSH").remember("old", "Old name")).plan(),
        *(with_places(each).plan() for each in likely_renames()),
        forgotten_before(),
        with_places(mass).plan(thresholds=strict),
        anchored().plan(thresholds=strict),
        Scene().remember("a").remember("b").plan(allowed=frozenset({(Guard.EMPTY_CONFIGURATION, "all")})),
    ]
    assert {each.guard for plan in plans for each in plan.guards} == set(Guard)
    check_golden("engine-guards.txt", words(replace(each, diagnostics=()) for each in plans))
