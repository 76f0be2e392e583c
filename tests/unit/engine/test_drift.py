"""The table of drift: for each way in which files, state and account can differ, what is said of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.engine.drift import find_drift
from omnictl.engine.view import Circumstances, View
from omnictl.model.address import id_of, make_address
from omnictl.model.change import Cause, Refresh, Update
from omnictl.model.drift import Counts, Drift, Kind
from omnictl.model.scenario import Attributes, Configuration, IgnoredField, Lifecycle, Manage, Remote
from omnictl.model.state import Account, AccountDefault, PlanMark, State, Tombstone, Writing
from tests.builders import NOW, PLAN_ID, Scene, flow, key_of, managing

USUAL = "VKONTAKTE > SMS:InfoSMS"


def find(
    scene: Scene,
    *,
    state: State | None = None,
    at: datetime = NOW,
    elsewhere: Mapping[str, str] | None = None,
    **more: Any,
) -> Drift:
    resources = {each.address: each for each in scene.resources.values()}
    around = Circumstances(PLAN_ID, at, scene.environment, Account(scene.host), **more)
    around = replace(around, neighbours=managing(elsewhere or {}))
    return find_drift(View(Configuration(resources), state or scene.state, scene.remotes), around)


def versions(files: str | None, applied: str, observed: str, actual: str | None, **declared: Any) -> Scene:
    """Return one scenario "a" by its names; None where it is not declared, or not on the account."""
    scene = Scene().remember("a", applied)
    key = key_of("a")
    scene.records["a"] = replace(scene.records["a"], observed=Attributes(observed, flow(USUAL)))
    scene.remotes = {} if actual is None else {key: Remote(key, Attributes(actual, flow(USUAL)))}
    return scene if files is None else scene.declare("a", files, **declared)


IGNORES = Lifecycle(ignore_changes=(IgnoredField("name", "why", "2026-12-31"),))
WATCHED = Lifecycle(manage=Manage.OBSERVE)

# files, applied, observed, account; the kind, and whether it counts as as-declared, and as edited
TABLE = [
    ("A", "A", "A", "A", None, False, False),
    ("B", "A", "A", "A", None, False, True),
    ("A", "A", "A", "B", Kind.DRIFT, False, False),
    ("C", "A", "A", "B", Kind.CONFLICT, False, False),
    ("B", "A", "A", "B", None, True, False),
    ("a", "a", "A", "A", None, False, False),
    ("a", "a", "A", "a", None, True, False),
    ("b", "a", "A", "A", None, False, True),
    ("a", "a", "A", "B", Kind.DRIFT, False, False),
    ("b", "a", "A", "C", Kind.CONFLICT, False, False),
    (None, "A", "A", "A", None, False, False),
    (None, "A", "A", "B", Kind.DRIFT, False, False),
    (None, "a", "A", "A", None, False, False),
    ("A", "A", "A", None, Kind.VANISHED, False, False),
    ("B", "A", "A", None, Kind.VANISHED, False, True),
    (None, "A", "A", None, Kind.VANISHED, False, False),
]


@pytest.mark.parametrize(("files", "applied", "observed", "actual", "kind", "as_declared", "edited"), TABLE)
def test_the_table(
    files: str | None,
    applied: str,
    observed: str,
    actual: str | None,
    kind: Kind | None,
    *,
    as_declared: bool,
    edited: bool,
) -> None:
    drift = find(versions(files, applied, observed, actual))
    assert [each.kind for each in drift.items] == ([] if kind is None else [kind])
    assert (drift.counts.as_declared, drift.counts.edited) == (as_declared, edited)
    assert drift.counts.as_recorded == (kind is None and not as_declared)
    assert drift.differing == (kind is not None)
    for each in drift.items:
        assert each.declared == (files is not None)


@pytest.mark.parametrize(("files", "applied", "observed", "actual"), [row[:4] for row in TABLE if row[0] and row[3]])
def test_a_plan_says_the_same_of_the_cause(files: str, applied: str, observed: str, actual: str) -> None:
    scene = versions(files, applied, observed, actual)
    kinds = {each.kind.value for each in find(scene).items}
    causes = {each.cause.value for each in scene.plan().changes if isinstance(each, Update)}
    assert causes - {Cause.EDITED.value} == kinds


def test_files_and_account_that_differ_only_as_the_service_bends_it_are_no_conflict() -> None:
    scene = Scene().declare("a", "a", "SMS:New").remember("a", "a", "SMS:Old", account=("A", "SMS:New"))
    scene.records["a"] = replace(scene.records["a"], observed=Attributes("A", flow("SMS:Old")))
    assert find(scene).counts == Counts(managed=1, as_declared=1)
    assert not any(isinstance(each, Update) for each in scene.plan().changes)


@pytest.mark.parametrize(
    ("today", "kind"),
    [("2026-12-30", Kind.IGNORED), ("2026-12-31", Kind.IGNORED), ("2027-01-01", Kind.DRIFT)],
)
def test_an_ignored_field_until_its_last_day(today: str, kind: Kind) -> None:
    drift = find(versions("A", "A", "A", "B", lifecycle=IGNORES), at=datetime.fromisoformat(f"{today}T23:59:59+00:00"))
    (item,) = drift.items
    assert item.kind is kind
    assert item.ignored == (IGNORES.ignore_changes if kind is Kind.IGNORED else ())
    assert drift.differing == (kind is Kind.DRIFT)


AFTER = datetime.fromisoformat("2027-01-01T12:00:00+00:00")


def ignored_until(files: str, declared: str, actual: str, **more: Any) -> Scene:
    """Return "a" whose name was ignored: an apply brought the record up to date, and remembered what the file said."""
    scene = Scene().remember("a", "B", declared=declared).declare("a", files, **more)
    scene.remotes[key_of("a")] = Remote(key_of("a"), Attributes(actual, flow(USUAL)))
    return scene


@pytest.mark.parametrize("line", [{"lifecycle": IGNORES}, {}], ids=["the line has ended", "the line is gone"])
@pytest.mark.parametrize(
    ("files", "actual", "kind", "cause"),
    [("A", "B", Kind.DRIFT, Cause.DRIFT), ("C", "B", Kind.CONFLICT, Cause.CONFLICT), ("C", "A", None, Cause.EDITED)],
)
def test_what_was_recorded_while_a_field_was_ignored_does_not_hide_it_afterwards(
    files: str, actual: str, kind: Kind | None, cause: Cause, line: dict[str, Any]
) -> None:
    scene = ignored_until(files, "A", actual, **line)
    assert [each.kind for each in find(scene, at=AFTER).items] == ([] if kind is None else [kind])
    (change,) = scene.plan(created_at=AFTER).changes
    assert isinstance(change, Update)
    assert (change.cause, change.desired.name, change.declared) == (cause, files, None)


def test_an_edit_after_the_end_of_an_exception_that_never_mattered_is_no_drift() -> None:
    scene = versions("B", "A", "A", "A", lifecycle=IGNORES)
    assert find(scene, at=AFTER).items == ()
    (change,) = scene.plan(created_at=AFTER).changes
    assert isinstance(change, Update)
    assert change.cause is Cause.EDITED


def test_only_what_was_ignored_counts_as_its_file_said_it() -> None:
    """The service had made capitals of the sender, and the name was ignored: that is no drift of the sender."""
    scene = ignored_until("A", "A", "A")
    sent, shown = Attributes("B", flow("SMS:info")), Attributes("B", flow("SMS:INFO"))
    declared = Attributes("A", sent.flow)
    scene.records["a"] = replace(scene.records["a"], applied=sent, observed=shown, declared=declared)
    scene.remotes[key_of("a")] = Remote(key_of("a"), Attributes("A", shown.flow))
    scene.resources["a"] = replace(scene.resources["a"], attributes=declared)
    assert find(scene).items == ()
    assert [type(each) for each in scene.plan().changes] == [Refresh]


@pytest.mark.parametrize("today", ["2026-12-31", "2027-01-01"])
def test_a_plan_ignores_a_field_until_its_last_day_and_keeps_what_it_was_made_with(today: str) -> None:
    scene = versions("A", "A", "A", "B", lifecycle=IGNORES)
    scene.resources["a"] = replace(scene.resources["a"], attributes=Attributes("A", flow("SMS:InfoSMS")))
    (change,) = scene.plan(created_at=datetime.fromisoformat(f"{today}T12:00:00+00:00")).changes
    assert isinstance(change, Update)
    assert change.desired.name == ("B" if today == "2026-12-31" else "A")
    assert change.lifecycle.ignore_changes == (IGNORES.ignore_changes if today == "2026-12-31" else ())


def test_an_ignored_field_that_is_as_its_file_says_is_not_told() -> None:
    assert find(versions("B", "A", "A", "B", lifecycle=IGNORES)).counts == Counts(managed=1, as_recorded=1)


def test_a_field_that_is_ignored_beside_one_that_is_not() -> None:
    scene = Scene().declare("a", lifecycle=IGNORES).remember("a", account=("Other", "SMS:InfoSMS"))
    (item,) = find(scene).items
    assert (item.kind, item.ignored) == (Kind.DRIFT, IGNORES.ignore_changes)
    assert [row.field for row in item.rows] == ["flow[0]"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_watched_scenario_drifts_as_others_do(declared: bool) -> None:
    scene = Scene().remember("a", account=("B", USUAL), lifecycle=WATCHED)
    (item,) = find(scene.declare("a", lifecycle=WATCHED) if declared else scene).items
    assert (item.kind, item.observed, item.declared) == (Kind.DRIFT, True, declared)


def test_a_scenario_of_another_id_in_the_files() -> None:
    scene = Scene().declare("new", "A", previous_ids=("old",)).remember("old", "A", account=("B", USUAL))
    (item,) = find(scene, only=("new",)).items
    assert (item.address, item.recorded_as, item.declared) == (make_address("new"), make_address("old"), True)
    assert find(scene, only=("old",)).items == (item,), "it goes by both of its ids"


def test_what_is_only_declared_is_not_compared() -> None:
    drift = find(Scene().declare("a").declare("b", lifecycle=WATCHED))
    assert (drift.items, drift.counts) == ((), Counts())
    assert [each.code for each in drift.diagnostics] == ["nothing-recorded"]
    assert find(Scene()).diagnostics == find(Scene().both("a")).diagnostics == ()


def test_the_selection_leaves_the_rest_unseen() -> None:
    scene = Scene().declare("a", labels={"team": "x"}).remember("a", account=("B", USUAL))
    scene.declare("b").remember("b", vanished=True).both("c")
    assert find(scene, only=("label:team=x",)).counts == Counts(managed=1, drift=1)
    assert find(scene, exclude=("a", "b")).counts == Counts(managed=1, as_recorded=1)
    drift = find(scene, only=("c",))
    assert (drift.selection.selected, drift.selection.total, drift.on_account) == (1, 3, 2)


def test_the_order_is_by_kind_and_id() -> None:
    scene = Scene()
    for name in ("b", "a"):
        scene.declare(f"drift-{name}").remember(f"drift-{name}", account=("B", USUAL))
        scene.declare(f"conflict-{name}", "X").remember(f"conflict-{name}", account=("B", USUAL))
        scene.declare(f"vanished-{name}").remember(f"vanished-{name}", vanished=True)
        scene.declare(f"ignored-{name}", lifecycle=IGNORES).remember(f"ignored-{name}", account=("B", USUAL))
    kinds = ("conflict", "vanished", "drift", "ignored")
    expected = [f"{kind}-{name}" for kind in kinds for name in "ab"]
    assert [id_of(each.address) for each in find(scene).items] == expected


def move_default(scene: Scene, to: str | None) -> Scene:
    for key, remote in scene.remotes.items():
        scene.remotes[key] = replace(remote, is_default=key == to)
    return scene


def test_a_default_that_somebody_moved() -> None:
    scene = Scene().both("a").both("b").holds_default("a").unmanaged("Sales")
    assert find(scene).default is None
    other = next(key for key, remote in scene.remotes.items() if remote.attributes.name == "Sales")
    for key, name, now in ((key_of("b"), "b", make_address("b")), (other, "Sales", None), (None, "", None)):
        moved = find(move_default(scene, key)).default
        assert moved is not None
        assert (moved.address, moved.recorded_key) == (make_address("a"), key_of("a"))
        assert (moved.key, moved.name, moved.now, moved.source) == (key, name, now, None)
        assert find(scene).differing == 1
    assert find(scene, only=("b",)).default is None


def test_a_default_that_is_where_the_files_want_it_now() -> None:
    scene = Scene().both("a").both("b").holds_default("a")
    scene.declare("b", default=True)
    assert find(move_default(scene, key_of("b"))).default is None
    moved = find(move_default(scene, None)).default
    assert moved is not None
    assert moved.source is not None


def test_a_default_that_is_not_managed_cannot_move() -> None:
    scene = Scene().both("a").both("b")
    state = replace(scene.state, account_default=AccountDefault(None, key_of("a")))
    assert find(move_default(scene, key_of("b")), state=state).default is None


def test_unmanaged_scenarios_and_coverage() -> None:
    scene = Scene().both("a").both("b").remember("gone", vanished=True).unmanaged("one").unmanaged("two")
    first, second = (key for key in scene.remotes if key.startswith("0000"))
    drift = find(scene)
    assert [each.name for each in drift.unmanaged] == ["one", "two"]
    assert (drift.on_account, drift.coverage) == (2, 0.5)
    drift = find(scene, elsewhere={first: "staging", "GONE": "staging"})
    assert ([each.key for each in drift.unmanaged], dict(drift.elsewhere)) == ([second], {first: "staging"})
    assert drift.coverage == 0.75
    tombstones = (Tombstone(make_address("was"), second, Attributes("two", flow(USUAL)), NOW),)
    drift = find(scene, state=replace(scene.state, tombstones=tombstones), elsewhere={first: "staging"})
    assert (drift.unmanaged, drift.coverage) == ((), 1.0)
    assert find(Scene()).coverage == 1.0


def test_coverage_is_whole_only_where_nothing_is_missing() -> None:
    drift = find(Scene().unmanaged("x"))
    assert replace(drift, on_account=1_000_000).coverage == 0.9999
    assert drift.coverage == 0.0


def test_when_it_was_recorded() -> None:
    scene = Scene().both("a").both("b")
    assert find(scene).recorded_at == NOW
    later, latest = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    scene.records["b"] = replace(scene.records["b"], updated_at=later)
    assert find(scene).recorded_at == later
    plans = (PlanMark("x", NOW, latest), PlanMark("y", latest, None))
    assert find(scene, state=replace(scene.state, plans=plans)).recorded_at == latest
    assert find(Scene()).recorded_at is None
    by = find(scene, state=replace(scene.state, written=Writing(latest, "CI run 8790")))
    assert (by.recorded_at, by.recorded_by) == (latest, "CI run 8790")


NAMES = st.sampled_from(["A", "B", "a", "AA"])
FLOWS = st.lists(st.sampled_from(["SMS:A", "SMS:B", "SMS", "VIBER:A", "VKONTAKTE", "EMAIL:x"]), min_size=1, max_size=4)
ATTRIBUTES = st.builds(lambda name, steps: Attributes(name, flow(" > ".join(steps))), NAMES, FLOWS)


def _scene(applied: Attributes, observed: Attributes, actual: Attributes, desired: Attributes) -> Scene:
    scene = Scene().both("a")
    scene.resources["a"] = replace(scene.resources["a"], attributes=desired)
    scene.records["a"] = replace(scene.records["a"], applied=applied, observed=observed)
    scene.remotes[key_of("a")] = Remote(key_of("a"), actual)
    return scene


@given(ATTRIBUTES, ATTRIBUTES, ATTRIBUTES)
def test_where_nothing_was_bent_the_rows_say_all_that_differs(
    recorded: Attributes, actual: Attributes, desired: Attributes
) -> None:
    drift = find(_scene(recorded, recorded, actual, desired))
    assert bool(drift.items) == (actual not in (recorded, desired))
    for item in drift.items:
        assert item.rows
        sides = {row.verdict.value for row in item.rows}
        assert (sides == {"account only"}) if desired == recorded else sides
        assert any(row.account != row.files for row in item.rows)


@given(ATTRIBUTES, ATTRIBUTES, ATTRIBUTES)
def test_what_only_the_service_bent_is_never_drift(
    applied: Attributes, observed: Attributes, desired: Attributes
) -> None:
    drift = find(_scene(applied, observed, observed, desired))
    assert (drift.items, drift.differing, drift.counts.as_recorded) == ((), 0, 1)


@given(ATTRIBUTES, ATTRIBUTES, ATTRIBUTES, ATTRIBUTES)
def test_whatever_was_bent_drift_and_plan_agree(
    applied: Attributes, observed: Attributes, actual: Attributes, desired: Attributes
) -> None:
    scene = _scene(applied, observed, actual, desired)
    drift = find(scene)
    causes = [each.cause for each in scene.plan().changes if isinstance(each, Update)]
    assert [each.kind.value for each in drift.items] == [each.value for each in causes if each is not Cause.EDITED]
    assert drift.counts.edited == causes.count(Cause.EDITED)
    for item in drift.items:
        assert item.rows


@given(st.permutations(range(4)))
def test_the_order_of_input_does_not_matter(order: Iterable[int]) -> None:
    scene = Scene().declare("a").remember("a", account=("B", USUAL)).both("b").declare("c", "X").remember("c")
    scene.unmanaged("x").unmanaged("y")
    known = find(scene)
    shuffled = Scene(resources=dict(reversed(scene.resources.items())), records=dict(reversed(scene.records.items())))
    remotes = list(scene.remotes.items())
    shuffled.remotes = dict(remotes[index] for index in (*order, *range(4, len(remotes))))
    assert find(shuffled) == known


def test_files_of_what_is_only_observed_wait_for_no_apply() -> None:
    scene = Scene().declare("a", "Edited", lifecycle=WATCHED).remember("a", "Was", lifecycle=WATCHED)
    scene.declare("b", "Edited too").remember("b", "Was too")
    drift = find(scene)
    assert (drift.counts.edited, drift.counts.unlike, drift.differing) == (1, 1, 0)
