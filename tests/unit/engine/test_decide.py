"""Every row of the table "Deciding" of docs/planning.md, through whole plans, and that each row is here."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from omnictl.engine.rebuild import rebuild_state
from omnictl.engine.view import View
from omnictl.model.address import id_of, make_address
from omnictl.model.change import (
    Adopt,
    Change,
    Create,
    FlowChanged,
    Forget,
    NameChanged,
    Refresh,
    Rename,
    Retire,
    SetDefault,
    Update,
)
from omnictl.model.diagnostic import Source
from omnictl.model.plan import Plan
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, Manage, OnRemoval, Protection, Resource
from tests.builders import Scene, flow, key_of
from tests.planning_tables import read_table
from tests.worlds import SMS, VIBER, VK, World, declare

RETIRE = Lifecycle(on_removal=OnRemoval.RETIRE)
BY_HAND = Attributes("Name of b", (VK, SMS))


@dataclass(frozen=True, slots=True)
class Case:
    """A world that stands in one row of the table, and what its plan says."""

    row: tuple[str, str, str, str]
    world: Callable[[], World]
    says: tuple[str, ...]
    warns: tuple[str, ...] = ()


def anchor_and(*ids: str, lifecycle: Lifecycle = Lifecycle()) -> World:
    """Return a world in which "anchor", the account default, and more are applied."""
    world = World()
    world.declare("anchor")
    for each in ids:
        world.declare(each, declare(each, lifecycle=lifecycle))
    world.apply()
    return world


def declared_only() -> World:
    world = anchor_and()
    world.declare("b")
    return world


def twin(attributes: Attributes) -> World:
    world = declared_only()
    world.account.plant(attributes, key="TWIN")
    return world


def imported(name: str) -> World:
    world = anchor_and()
    world.account.plant(Attributes("By hand", (SMS,)), key="THEIRS")
    world.declare("b", declare("b", name, (SMS,), import_key="THEIRS"))
    return world


def come_back(lifecycle: Lifecycle, name: str | None = None) -> World:
    world = anchor_and("b", lifecycle=lifecycle)
    del world.files["b"]
    world.apply()
    world.declare("b", declare("b", name, lifecycle=lifecycle))
    return world


def forgotten_twice() -> World:
    """The same id left twice: the younger tombstone counts."""
    world = come_back(Lifecycle())
    old = world.state.tombstones[0]
    younger = world.account.plant(Attributes("Younger", (SMS,)), key="YOUNGER")
    tombstone = replace(old, key=younger.key, applied=younger.attributes, removed_at=world.clock())
    world.backend.stored = replace(world.state, tombstones=(tombstone, old))
    return world


def forgotten_and_moved(new: Resource) -> World:
    """An apply forgot the file before it came back under another id."""
    world = come_back(Lifecycle())
    del world.files["b"]
    world.declare("new", new)
    return world


def edited_here(world: World, name: str = "Edited", scenario_id: str = "b") -> World:
    world.declare(scenario_id, declare(scenario_id, name))
    return world


def edited_there(world: World, name: str = "Drifted", scenario_id: str = "b") -> World:
    key = world.keys()[scenario_id]
    old = world.account.rows[key]
    world.account.rows[key] = replace(old, attributes=replace(old.attributes, name=name))
    return world


def bent() -> World:
    """The service stores other names than it is sent: that is no difference."""
    world = World()
    world.account.normalise = lambda each: replace(each, name=each.name.lower())
    world.declare("anchor")
    world.declare("b")
    world.apply()
    return world


def protection_changed() -> World:
    world = anchor_and("b")
    world.declare("b", declare("b", lifecycle=RETIRE))
    return world


def gone_there(world: World, scenario_id: str = "b") -> World:
    del world.account.rows[world.keys()[scenario_id]]
    return world


def gone_here(world: World, scenario_id: str = "b") -> World:
    del world.files[scenario_id]
    return world


def moved(
    *, name: str = "Name of old", flow: tuple[object, ...] = (VK, SMS), previous: bool = False, vanished: bool = False
) -> World:
    """The file of "old" is now the file of "new"."""
    world = anchor_and("old")
    if vanished:
        gone_there(world, "old")
    gone_here(world, "old")
    world.declare("new", declare("new", name, flow, previous_ids=("old",) if previous else ()))  # type: ignore[arg-type]
    return world


def in_the_old_file() -> World:
    """The id stood in the file, and it and the name were edited there."""
    world = moved(name="Other")
    source = Source("scenarios/old.yaml", 1, 1)
    world.files["new"] = replace(world.files["new"], sources={"": source})
    return world


def moved_together(*, names: tuple[str, str], ids: tuple[str, str] = ("new", "newer")) -> World:
    """Two files of equal flows got another id and another name in one commit."""
    world = anchor_and("old", "older")
    gone_here(gone_here(world, "old"), "older")
    for scenario_id, name in zip(ids, names, strict=True):
        world.declare(scenario_id, declare(scenario_id, name))
    return world


def two_candidates() -> World:
    """Two old ids equal in name and flow: which of them moved, nobody can say."""
    world = anchor_and("old", "older")
    for each in ("old", "older"):
        world.declare(each, declare(each, "Same"))
    world.apply()
    gone_here(gone_here(world, "old"), "older")
    world.declare("new", declare("new", "Same"))
    return world


def unmanaged() -> World:
    world = anchor_and()
    world.account.plant(BY_HAND, key="THEIRS")
    return world


def copy_of_b() -> World:
    """The file of b was copied as a, and edited; the state was lost."""
    world = World()
    world.declare("a", declare("a", BY_HAND.name))
    world.declare("b", declare("b", "Edited"))
    world.account.plant(BY_HAND, key="THEIRS")
    view = View(world.configuration, world.state, dict(world.account.rows))
    world.backend.stored = rebuild_state(view, [], world.circumstances()).state
    return world


CREATE = ("yes", "–", "–", "create")
TWIN = (
    "yes",
    "–",
    "unmanaged, same name but for case and spaces, any flow",
    "guard `unmanaged-twin`, with the command and the line that adopt it",
)
UNMANAGED_FLOW = (
    "yes",
    "–",
    "unmanaged, same flow (once all were applied: as many as creates), a name that gives its id, or one cut short",
    "create, and the warning `maybe-unmanaged` with the command that adopts",
)
COPIED = (
    "yes",
    "–",
    "managed by another file of the same flow, in a state built again, by equality alone; its id says nothing",
    "create, and the warning `maybe-copied` with the command that moves the record",
)
IMPORT = ("yes, `import:`", "–", "that key", "adopt, and update where it differs")
TOMBSTONE = ("yes", "tombstone", "there", "adopt from the tombstone; retired, it gets its name back")
SAME = ("yes", "yes", "equal to desired, observed and applied", "nothing")
REFRESH = ("yes", "yes", "equal to desired, not to the record", "nothing; the record is brought up to date")
UPDATE = ("yes", "yes", "different from desired", "update: edited, drift or conflict is said")
VANISHED = ("yes", "yes", "vanished", "guard `vanished`; allowed, it is created anew with another key")
RENAME = (
    "yes, equal name and flow, or in `previous_ids`",
    "under the old id, which no file declares",
    "there",
    "rename, and update where it differs: edited, drift or conflict is said",
)
LIKELY = ("yes, same name only", "under an old id", "", "guard `likely-rename`, with the line to paste")
LOST = ("yes, in `previous_ids`", "under the old id, which no file declares", "vanished", "guard `vanished`, as above")
FORGOTTEN = (
    "yes, same name or in `previous_ids`",
    "tombstone of an id that no file declares",
    "there",
    "guard `likely-rename`, with the `import:` line that keeps the key",
)
ALIKE = (
    "yes, same flow, and a name, an id or a file like it",
    "under an old id, or forgotten in the last 30 days",
    "there",
    "guard `likely-rename`, with the line to paste",
)
SAME_FLOW = (
    "yes, same flow only",
    "under an old id, or forgotten in the last 30 days",
    "there",
    "create, and the warning `maybe-renamed` with the lines to paste",
)
REMOVED = ("–", "yes", "there", "forget, or retire; leaves a tombstone")
GONE = ("–", "yes", "vanished", "forget")
UNMANAGED = ("–", "–", "there", "unmanaged: counted, never touched")

ADOPTING = "guard unmanaged-twin=b: omnictl import b TWIN --env test: import: {test: TWIN}"

CASES = {
    "new": Case(CREATE, declared_only, ("create b",)),
    "a twin with the same flow": Case(TWIN, lambda: twin(BY_HAND), ("create b", ADOPTING, "unmanaged TWIN")),
    "a twin with another flow": Case(
        TWIN,
        lambda: twin(Attributes("Name of b", (VIBER,))),
        ("create b", ADOPTING, "unmanaged TWIN"),
    ),
    "a twin whose name a service bent": Case(
        TWIN, lambda: twin(Attributes("NAME  OF B", (VK, SMS))), ("create b", ADOPTING, "unmanaged TWIN")
    ),
    "another name and another flow is no twin": Case(
        CREATE, lambda: twin(Attributes("Name of c", (VIBER,))), ("create b", "unmanaged TWIN")
    ),
    "a twin in the flow alone": Case(
        UNMANAGED_FLOW,
        lambda: twin(Attributes("Name of c", (VK, SMS))),
        ("create b", "unmanaged TWIN"),
        ("maybe-unmanaged: omnictl import b TWIN --env test",),
    ),
    "a copy got the key after a lost state": Case(
        COPIED, copy_of_b, ("create b",), ("maybe-copied: omnictl state mv a b",)
    ),
    "an equal scenario is imported": Case(IMPORT, lambda: imported("By hand"), ("adopt b",)),
    "another scenario is imported": Case(IMPORT, lambda: imported("Mine"), ("adopt b, and update",)),
    "a forgotten id comes back": Case(TOMBSTONE, lambda: come_back(Lifecycle()), ("adopt b from its tombstone",)),
    "a forgotten id comes back changed": Case(
        TOMBSTONE, lambda: come_back(Lifecycle(), "Other"), ("adopt b from its tombstone, and update",)
    ),
    "a retired id comes back and loses the marker": Case(
        TOMBSTONE, lambda: come_back(RETIRE), ("adopt b from its tombstone, and update",)
    ),
    "the younger tombstone counts": Case(
        TOMBSTONE, forgotten_twice, ("adopt b from its tombstone, and update", "key YOUNGER")
    ),
    "a tombstone of what is gone": Case(CREATE, lambda: gone_of_tombstone(), ("create b",)),
    "as applied": Case(SAME, lambda: anchor_and("b"), ()),
    "as applied, bent by the service": Case(SAME, bent, ()),
    "the same edit on both sides": Case(
        REFRESH, lambda: edited_there(edited_here(anchor_and("b"), "Same"), "Same"), ("refresh b",)
    ),
    "only the remembered lifecycle differs": Case(REFRESH, protection_changed, ("refresh b",)),
    "edited": Case(UPDATE, lambda: edited_here(anchor_and("b")), ("update b (edited)",)),
    "drifted": Case(UPDATE, lambda: edited_there(anchor_and("b")), ("update b (drift)",)),
    "edited and drifted": Case(UPDATE, lambda: edited_there(edited_here(anchor_and("b"))), ("update b (conflict)",)),
    "edited, bent by the service": Case(UPDATE, lambda: edited_here(bent()), ("update b (edited)",)),
    "drifted, bent by the service": Case(UPDATE, lambda: edited_there(bent()), ("update b (drift)",)),
    "vanished": Case(VANISHED, lambda: gone_there(anchor_and("b")), ("create b anew", "guard vanished=b")),
    "an equal scenario under a new id": Case(RENAME, moved, ("rename old to new",)),
    "previous_ids and equal": Case(RENAME, lambda: moved(previous=True), ("rename old to new",)),
    "previous_ids and edited": Case(
        RENAME, lambda: moved(name="Other", previous=True), ("rename old to new, and update (edited)",)
    ),
    "a renamed scenario drifted": Case(RENAME, lambda: drifted_and_moved(), ("rename old to new, and update (drift)",)),
    "a renamed scenario edited and drifted": Case(
        RENAME, lambda: drifted_and_moved("Edited"), ("rename old to new, and update (conflict)",)
    ),
    "a renamed scenario edited the same on both sides": Case(
        RENAME, lambda: drifted_and_moved("Drifted"), ("rename old to new",)
    ),
    "same name, another flow": Case(
        LIKELY,
        lambda: moved(flow=(SMS,)),
        ("create new", "forget old", "guard likely-rename=new: previous_ids: [old]"),
    ),
    "same name and flow, two candidates": Case(
        LIKELY,
        two_candidates,
        (
            "create new",
            "forget old",
            "forget older",
            "guard likely-rename=new: previous_ids: [old]: previous_ids: [older]",
        ),
    ),
    "same name, and the old one vanished": Case(
        LIKELY,
        lambda: moved(vanished=True),
        ("create new", "forget old, which vanished", "guard likely-rename=new: previous_ids: [old]"),
    ),
    "in previous_ids, and vanished": Case(
        LOST,
        lambda: moved(name="Other", previous=True, vanished=True),
        ("create new anew", "forget old, which vanished", "guard vanished=new"),
    ),
    "forgotten before, same name": Case(
        FORGOTTEN,
        lambda: forgotten_and_moved(declare("new", "Name of b", (SMS,))),
        ("create new", f"guard likely-rename=new: import: {{test: {2:032X}}}"),
    ),
    "forgotten before, in previous_ids": Case(
        FORGOTTEN,
        lambda: forgotten_and_moved(declare("new", "Other", previous_ids=("b",))),
        ("create new", f"guard likely-rename=new: import: {{test: {2:032X}}}"),
    ),
    "same flow, and a name like it": Case(
        ALIKE,
        lambda: moved(name="Name of old, 2027"),
        ("create new", "forget old", "guard likely-rename=new: previous_ids: [old]"),
    ),
    "same flow, and an id like it": Case(
        ALIKE,
        lambda: forgotten_and_moved(declare("new-b", "Other")),
        ("create new-b", f"guard likely-rename=new-b: import: {{test: {2:032X}}}"),
    ),
    "same flow, and the file is named so": Case(
        ALIKE, in_the_old_file, ("create new", "forget old", "guard likely-rename=new: previous_ids: [old]")
    ),
    "several of equal flows, and names like them": Case(
        ALIKE,
        lambda: moved_together(names=("Name of older!", "Name of old!")),
        (
            "create new",
            "create newer",
            "forget old",
            "forget older",
            "guard likely-rename=new: previous_ids: [older]: previous_ids: [old]",
            "guard likely-rename=newer: previous_ids: [old]: previous_ids: [older]",
        ),
    ),
    "same flow and nothing else": Case(
        SAME_FLOW,
        lambda: moved(name="Other"),
        ("create new", "forget old"),
        ("maybe-renamed: previous_ids: [old]",),
    ),
    "several of equal flows and nothing else": Case(
        SAME_FLOW,
        lambda: moved_together(names=("Other", "Another")),
        ("create new", "create newer", "forget old", "forget older"),
        (
            "maybe-renamed: previous_ids: [older]: previous_ids: [old]",
            "maybe-renamed: previous_ids: [old]: previous_ids: [older]",
        ),
    ),
    "forgotten before, same flow and nothing else": Case(
        SAME_FLOW,
        lambda: forgotten_and_moved(declare("new", "Other")),
        ("create new",),
        (f"maybe-renamed: import: {{test: {2:032X}}}",),
    ),
    "removed": Case(REMOVED, lambda: gone_here(anchor_and("b")), ("forget b",)),
    "removed, to be retired": Case(REMOVED, lambda: gone_here(anchor_and("b", lifecycle=RETIRE)), ("retire b",)),
    "removed here and gone there": Case(
        GONE, lambda: gone_here(gone_there(anchor_and("b"))), ("forget b, which vanished",)
    ),
    "retired here and gone there": Case(
        GONE, lambda: gone_here(gone_there(anchor_and("b", lifecycle=RETIRE))), ("forget b, which vanished",)
    ),
    "somebody else's": Case(UNMANAGED, unmanaged, ("unmanaged THEIRS",)),
}

each_case = pytest.mark.parametrize("case", [pytest.param(each, id=name) for name, each in CASES.items()])


def gone_of_tombstone() -> World:
    world = come_back(Lifecycle())
    del world.account.rows[world.state.tombstones[0].key]
    return world


def drifted_and_moved(name: str = "Name of old") -> World:
    world = anchor_and("old")
    edited_there(world, scenario_id="old")
    gone_here(world, "old")
    world.declare("new", declare("new", name, previous_ids=() if name == "Name of old" else ("old",)))
    return world


def said(plan: Plan) -> tuple[str, ...]:
    """Return what a plan says, in words that are short enough to be compared."""
    guards = (": ".join((f"guard {each.guard}={each.subject}", *each.commands)) for each in plan.guards)
    keys = (f"key {each.key}" for each in plan.changes if isinstance(each, Adopt) and each.key == "YOUNGER")
    return (*map(word, plan.changes), *guards, *keys, *(f"unmanaged {key}" for key in plan.unmanaged))


def word(change: Change) -> str:
    name = id_of(change.address)
    update = ", and update" if getattr(change, "fields", ()) else ""
    match change:
        case Create(replaces=replaces):
            return f"create {name}{' anew' if replaces else ''}"
        case Update(cause=cause):
            return f"update {name} ({cause})"
        case Adopt(from_tombstone=from_tombstone):
            return f"adopt {name}{' from its tombstone' if from_tombstone else ''}{update}"
        case Rename(previous=previous, cause=cause):
            return f"rename {id_of(previous)} to {name}{update}{f' ({cause})' if cause else ''}"
        case Forget(vanished=vanished):
            return f"forget {name}{', which vanished' if vanished else ''}"
        case Retire():
            return f"retire {name}"
        case Refresh():
            return f"refresh {name}"
        case SetDefault():
            return f"default {name}"


def test_the_table_of_the_documents_is_the_table_of_this_test() -> None:
    head, rows = read_table("Deciding")
    assert head == ("desired", "recorded", "actual", "what the plan says")
    assert len(set(rows)) == len(rows)
    assert set(rows) == {each.row for each in CASES.values()}


@each_case
def test_a_row_is_decided_as_it_says(case: Case) -> None:
    plan = case.world().plan()
    assert sorted(said(plan)) == sorted(case.says)
    assert tuple(": ".join((each.code, *each.commands)) for each in plan.diagnostics) == case.warns


@each_case
def test_a_decision_that_is_carried_out_leaves_nothing_to_decide(case: Case) -> None:
    world = case.world()
    before, theirs = dict(world.account.rows), set(world.plan().unmanaged)
    posts = sum(isinstance(each, Create) for each in world.plan().changes)
    world.apply()
    assert world.plan().changes == ()
    assert len(world.account.rows) == len(before) + posts
    assert {key: world.account.rows[key] for key in theirs} == {key: before[key] for key in theirs}
    keys = list(world.keys().values())
    assert len(keys) == len(set(keys)) == len(world.files)


@each_case
def test_only_the_guards_of_a_row_hold_it_back_until_they_are_allowed(case: Case) -> None:
    guards = [each for each in case.says if each.startswith("guard ")]
    plan = case.world().plan()
    assert len(plan.open_guards) == len(guards)
    allowed = frozenset((each.guard, each.subject) for each in plan.guards)
    assert case.world().plan(allowed=allowed).open_guards == ()


@pytest.mark.parametrize("name", ["removed", "removed, to be retired"])
def test_what_is_removed_leaves_a_tombstone(name: str) -> None:
    world = CASES[name].world()
    key = world.keys()["b"]
    world.apply()
    [tombstone] = world.state.tombstones
    assert (tombstone.address, tombstone.key) == ("scenario.b", key)
    assert tombstone.retired == (name == "removed, to be retired")
    assert world.account.rows[key].attributes.name == "[retired] Name of b"[0 if tombstone.retired else 10 :]


def test_what_vanished_and_is_created_anew_has_another_key() -> None:
    world = CASES["vanished"].world()
    before = world.keys()["b"]
    world.apply()
    assert world.keys()["b"] != before


def test_a_rename_of_what_the_service_bent_leaves_nothing_to_decide() -> None:
    world = bent()
    gone_here(world, "b")
    world.declare("new", declare("new", "Name of b", previous_ids=("b",)))
    world.account.requests.clear()
    world.apply()
    assert world.plan().changes == ()


# --- what a change says, field by field ------------------------------------------------------------------------


def bent_record(name: str, steps: str, *, answered: tuple[str, str]) -> Scene:
    """A scenario that was sent so and answered otherwise; the account shows the answer."""
    scene = Scene().remember("b", name, steps)
    observed = Attributes(answered[0], flow(answered[1]))
    scene.records["b"] = replace(scene.records["b"], observed=observed)
    scene.remotes[key_of("b")] = replace(scene.remotes[key_of("b")], attributes=observed)
    return scene


SENT, ANSWERED = ("Name", "VK > SMS:Info"), ("name", "VK > SMS:info")


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize(
    ("files", "shown", "fields"),
    [
        (("New", SENT[1]), ANSWERED, ("name",)),
        ((SENT[0], "VK"), ANSWERED, ("flow",)),
        (("New", "VK"), ANSWERED, ("name", "flow")),
        (SENT, ("drifted", ANSWERED[1]), ("name",)),
        (SENT, (ANSWERED[0], "VK > SMS:drifted"), ("flow",)),
        (("New", SENT[1]), ("drifted", ANSWERED[1]), ("name",)),
        ((SENT[0], "VK"), (ANSWERED[0], "VK > SMS:drifted"), ("flow",)),
        (("New", SENT[1]), (ANSWERED[0], "VK > SMS:drifted"), ("name", "flow")),
    ],
)
def test_what_the_service_bends_is_not_told_as_a_difference(
    files: tuple[str, str], shown: tuple[str, str], fields: tuple[str, ...], renamed: bool
) -> None:
    scene = bent_record(*SENT, answered=ANSWERED).both("anchor")
    scene.remotes[key_of("b")] = replace(scene.remotes[key_of("b")], attributes=Attributes(shown[0], flow(shown[1])))
    scene.declare("new" if renamed else "b", *files, previous_ids=("b",) if renamed else ())
    [change] = scene.plan().changes
    assert isinstance(change, Rename if renamed else Update)
    desired = Attributes(files[0], flow(files[1]))
    assert change.desired == desired
    assert change.actual == Attributes(shown[0], flow(shown[1]))
    assert change.recorded == scene.records["b"]
    names = {NameChanged: "name", FlowChanged: "flow"}
    assert tuple(names[type(each)] for each in change.fields) == fields
    assert [each.after for each in change.fields] == [getattr(desired, each) for each in fields]
    assert [each.before for each in change.fields] == [getattr(change.actual, each) for each in fields]


OBSERVED = Lifecycle(Protection.ALL, Manage.OBSERVE, OnRemoval.RETIRE)
GUARDED = Lifecycle(Protection.ALL, on_removal=OnRemoval.RETIRE, ignore_changes=(IgnoredField("name"),))


@pytest.mark.parametrize("lifecycle", [GUARDED, OBSERVED])
def test_every_change_bears_the_lifecycle_and_the_place_of_its_file(lifecycle: Lifecycle) -> None:
    scene = (
        Scene()
        .both("anchor")
        .unmanaged("Theirs", "SMS:A")
        .remember("old", steps="SMS:A")
        .remember("lost", vanished=True)
    )
    theirs = next(key for key in scene.remotes if key not in {each.key for each in scene.records.values()})
    scene.declare("lost", line=7, lifecycle=lifecycle)
    scene.declare("mine", line=8, steps="SMS:B", lifecycle=lifecycle, import_key=theirs)
    scene.declare("new", line=9, steps="SMS:B", lifecycle=lifecycle, previous_ids=("old",))
    scene.declare("created", line=10, lifecycle=lifecycle)
    scene.declare("edited", line=11, steps="SMS:B", lifecycle=lifecycle).remember("edited", steps="SMS:A")
    changes = {id_of(each.address): each for each in scene.plan().changes}
    kinds = {"lost": Create, "mine": Adopt, "new": Rename, "created": Create, "edited": Update}
    if lifecycle is OBSERVED:
        del kinds["created"], kinds["lost"]
        kinds["edited"] = Refresh  # what is remembered is that it is only watched from now on
    assert {name: type(each) for name, each in changes.items()} == kinds
    for name, change in changes.items():
        if isinstance(change, Refresh):
            assert (change.desired, change.actual) == (change.recorded.applied, change.recorded.observed)
            assert change.lifecycle == lifecycle
            continue
        assert not isinstance(change, Forget | Retire | SetDefault)
        assert change.lifecycle == lifecycle
        assert change.source == scene.resources[name].source


def test_what_is_only_observed_is_taken_as_the_account_has_it() -> None:
    scene = Scene().both("anchor").unmanaged("Theirs", "SMS:A").remember("old", "Old", "SMS:A")
    theirs = next(key for key in scene.remotes if key not in {each.key for each in scene.records.values()})
    scene.declare("mine", steps="SMS:B", lifecycle=OBSERVED, import_key=theirs)
    scene.declare("new", steps="SMS:B", lifecycle=OBSERVED, previous_ids=("old",))
    adopt, rename = scene.plan().changes
    assert isinstance(adopt, Adopt)
    assert isinstance(rename, Rename)
    for change, actual in ((adopt, scene.remotes[theirs].attributes), (rename, scene.records["old"].applied)):
        assert (change.desired, change.actual, change.fields) == (actual, actual, ())


def test_a_rename_and_an_adoption_leave_alone_what_is_ignored() -> None:
    scene = Scene().both("anchor").unmanaged("Theirs", "SMS:A").remember("old", "Old", "SMS:A")
    theirs = next(key for key in scene.remotes if key not in {each.key for each in scene.records.values()})
    scene.declare("mine", steps="SMS:B", lifecycle=GUARDED, import_key=theirs)
    scene.declare("new", steps="SMS:B", lifecycle=GUARDED, previous_ids=("old",))
    for change in scene.plan().changes:
        assert isinstance(change, Adopt | Rename)
        assert change.desired == Attributes(change.actual.name, flow("SMS:B"))
        assert [type(each) for each in change.fields] == [FlowChanged]


@pytest.mark.parametrize(
    ("field", "value"),
    [("protected", Protection.ALL), ("on_removal", OnRemoval.RETIRE), ("manage", Manage.OBSERVE)],
)
def test_a_lifecycle_that_changed_is_remembered_without_a_request(field: str, value: object) -> None:
    lifecycle = replace(Lifecycle(), **{field: value})
    scene = Scene().declare("b", lifecycle=lifecycle).remember("b")
    attributes = scene.records["b"].applied
    assert scene.plan().changes == (Refresh(make_address("b"), scene.records["b"], attributes, attributes, lifecycle),)
    assert scene.plan().cost.updates == 0


def test_ignored_fields_alone_change_nothing_that_is_remembered() -> None:
    ignoring = Lifecycle(ignore_changes=(IgnoredField("name"),))
    scene = Scene().declare("b", "Other", lifecycle=ignoring).remember("b", "B", declared="Other")
    assert scene.plan().changes == ()


@pytest.mark.parametrize("was", [None, "Another"])
def test_what_the_file_says_of_an_ignored_field_is_remembered_without_a_request(was: str | None) -> None:
    ignoring = Lifecycle(ignore_changes=(IgnoredField("name"),))
    scene = Scene().declare("b", "Other", lifecycle=ignoring).remember("b", "B", declared=was)
    (change,) = scene.plan().changes
    assert isinstance(change, Refresh)
    assert change.desired.name == "B"
    assert change.declared == replace(change.desired, name="Other")


def test_a_file_that_takes_over_what_it_ignored_is_remembered_as_any_other() -> None:
    scene = Scene().declare("b", "B").remember("b", "B", declared="Other")
    (change,) = scene.plan().changes
    assert isinstance(change, Refresh)
    assert change.declared is None


@pytest.mark.parametrize(("name", "marked"), [("Old", "[retired] Old"), ("[retired] Old", "[retired] Old")])
def test_a_retired_scenario_bears_the_marker_once(name: str, marked: str) -> None:
    scene = Scene().both("anchor").remember("b", name, lifecycle=RETIRE)
    was = scene.records["b"].applied
    assert scene.plan().changes == (Retire(make_address("b"), scene.records["b"], was, replace(was, name=marked)),)


def test_what_is_only_observed_is_never_retired() -> None:
    scene = Scene().both("anchor").remember("b", lifecycle=OBSERVED)
    assert scene.plan().changes == (Forget(make_address("b"), scene.records["b"]),)
