"""Which scenario belongs to which id when the state is lost: what is certain is recorded, the rest is left out."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from omnictl.engine.pairing import Likeness
from omnictl.engine.rebuild import Claim, Doubt, Evidence, Rebuilt, describe_left_out, rebuild_state
from omnictl.engine.view import Neighbour
from omnictl.errors import RefusedError
from omnictl.model.address import id_of
from omnictl.model.key import Ends
from omnictl.model.scenario import Lifecycle, Manage, OnRemoval, Protection, Remote
from omnictl.model.state import AccountDefault, Tombstone
from tests.builders import NOW, Scene, key_of
from tests.worlds import address


def lost(scene: Scene, *ids: str) -> Scene:
    """Forget the records of ids, or all: the account keeps their scenarios."""
    for each in ids or tuple(scene.records):
        del scene.records[each]
    return scene


def rebuilt(scene: Scene, told: Mapping[str, str] | None = None, elsewhere: Mapping[str, str] | None = None) -> Rebuilt:
    """Rebuild with what a log told: ids by key."""
    claims = [Claim(address(each), key, Evidence.LOG) for key, each in (told or {}).items()]
    return rebuild_state(scene.view, claims, scene.circumstances(elsewhere=elsewhere or {}))


def found(result: Rebuilt) -> dict[str, tuple[str, str]]:
    return {id_of(each.address): (each.key, each.evidence.value) for each in result.taken}


def doubts(result: Rebuilt) -> dict[str, tuple[Doubt, list[str]]]:
    return {
        id_of(each.address): (each.doubt, sorted(one.remote.key for one in each.candidates)) for each in result.left_out
    }


A, B = key_of("a"), key_of("b")


@pytest.mark.parametrize(
    ("scene", "told", "taken"),
    [
        (lost(Scene().both("a").both("b")), {}, {"a": (A, "equal"), "b": (B, "equal")}),
        (lost(Scene().both("a").both("b")), {A: "a"}, {"a": (A, "log"), "b": (B, "equal")}),
        (lost(Scene().declare("a", "New").remember("a", "Old")), {A: "a"}, {"a": (A, "log")}),
        (lost(Scene().declare("a", "New", import_key=A).remember("a", "Old")), {}, {"a": (A, "import")}),
        (lost(Scene().both("a", "S").both("b", "S")), {A: "a"}, {"a": (A, "log"), "b": (B, "equal")}),
        (lost(Scene().both("a", "S").both("b", "S")), {A: "b", B: "a"}, {"a": (B, "log"), "b": (A, "log")}),
        (lost(Scene().both("a").both("b"), "b"), {A: "b", B: "a"}, {"b": (B, "equal")}),
        (lost(Scene().remember("a")), {A: "a"}, {"a": (A, "log")}),
        (lost(Scene().both("a")), {A: "a", "GONE": "a"}, {"a": (A, "log")}),
        (Scene().both("a"), {A: "a"}, {}),
        (Scene().declare("a"), {}, {}),
    ],
)
def test_what_is_certain_is_taken(scene: Scene, told: dict[str, str], taken: dict[str, tuple[str, str]]) -> None:
    result = rebuilt(scene, told)
    assert found(result) == taken
    assert result.left_out == ()
    assert set(result.state.records) == {address(each) for each in {*taken, *scene.records}}


@pytest.mark.parametrize(
    ("scene", "told", "left"),
    [
        (
            lost(Scene().both("a", "S").both("b", "S")),
            {},
            {"a": (Doubt.NOT_ALONE, [A, B]), "b": (Doubt.NOT_ALONE, [A, B])},
        ),
        (lost(Scene().both("a", "S")).declare("c", "S"), {}, dict.fromkeys("ac", (Doubt.NOT_ALONE, [A]))),
        (lost(Scene().declare("a", "Name").remember("a", "NAME")), {}, {"a": (Doubt.NOT_EQUAL, [A])}),
        (lost(Scene().declare("a", "N", "SMS").remember("a", "N")), {}, {"a": (Doubt.NOT_EQUAL, [A])}),
        (lost(Scene().declare("c", "Edited").remember("a")), {}, {"c": (Doubt.NOT_EQUAL, [A])}),
        (
            lost(Scene().declare("c", "C").declare("d", "D").remember("a").remember("b", "B", "PUSH")),
            {},
            dict.fromkeys("cd", (Doubt.NOT_EQUAL, [A])),
        ),
        (
            lost(Scene().both("a", "S").remember("b", "S", "PUSH")),
            {},
            {"a": (Doubt.NOT_ALONE, [A, B])},
        ),
        (
            lost(Scene().both("a").remember("b", "A!", "PUSH")),
            {},
            {"a": (Doubt.NOT_ALONE, [A, B])},
        ),
        (lost(Scene().both("a").both("b")), {A: "a", B: "a"}, {"a": (Doubt.SEVERAL_KEYS, [A, B])}),
        (
            lost(Scene().declare("c", "C", import_key=A).both("a")),
            {A: "a"},
            {"a": (Doubt.SHARED_KEY, [A]), "c": (Doubt.SHARED_KEY, [A])},
        ),
    ],
)
def test_what_is_in_doubt_is_left_to_a_person(
    scene: Scene, told: dict[str, str], left: dict[str, tuple[Doubt, list[str]]]
) -> None:
    result = rebuilt(scene, told)
    assert doubts(result) == left
    assert not set(left) & set(found(result))
    assert not {key for _, keys in left.values() for key in keys} & {key for key, _ in found(result).values()}


def test_an_id_with_the_beginning_of_a_key_is_not_given_another() -> None:
    """Somebody exchanged the flows of two scenarios of one name."""
    first, second = "3E975A7D" + "0" * 24, "6A89AF86" + "0" * 24
    scene = Scene().declare("order-paid", "Order paid").declare("order-paid-6a89af86", "Order paid", "SMS")
    bodies = [each.attributes for each in scene.resources.values()]
    same = {key: Remote(key, body) for key, body in zip((first, second), bodies, strict=True)}
    exchanged = {key: Remote(key, body) for key, body in zip((second, first), bodies, strict=True)}
    scene.remotes = same
    assert found(rebuilt(scene)) == {"order-paid": (first, "equal"), "order-paid-6a89af86": (second, "equal")}
    scene.remotes = exchanged
    result = rebuilt(scene)
    assert found(result) == {}
    assert doubts(result) == {
        "order-paid": (Doubt.NOT_ALONE, [first, second]),
        "order-paid-6a89af86": (Doubt.NOT_ALONE, [first, second]),
    }


def test_the_likeliest_is_named_first_and_of_many_five() -> None:
    scene = Scene().declare("mine", "Mine", "SMS")
    for number in range(7):
        scene.unmanaged(f"Theirs {number}", "SMS")
    scene.unmanaged("Mine", "PUSH")
    [left] = rebuilt(scene).left_out
    assert [each.likeness for each in left.candidates] == [Likeness.NAME, *[Likeness.FLOW] * 7]
    told = describe_left_out(left)
    assert told.detail.splitlines()[1].endswith('"Mine"  the same name, another flow')
    assert told.detail.endswith("and 3 more")
    assert len(told.commands) == 5


def test_no_key_goes_to_two_ids() -> None:
    """What two ids claim goes to neither, nor to a third that is equal to it."""
    scene = lost(Scene().both("a").both("b")).declare("c", "b")
    result = rebuilt(scene, {A: "a", B: "a"})
    assert found(result) == {}
    assert set(doubts(result)) == {"a"}


def test_an_import_line_older_than_a_rename_does_not_contradict_the_log() -> None:
    scene = lost(Scene().declare("new", "N", import_key=A, previous_ids=("a",)).remember("a", "O"))
    assert found(rebuilt(scene, {A: "a"})) == {"a": (A, "log")}


def test_what_is_owned_stays_with_its_owner() -> None:
    scene = Scene().both("a").declare("c", "a").unmanaged("T", "PUSH")
    (theirs,) = (key for key in scene.remotes if key != A)
    assert found(rebuilt(scene, {A: "c"})) == {}
    other = rebuilt(scene.declare("t", "T", "PUSH"), {theirs: "t"}, {theirs: "test"})
    assert found(other) == {}
    assert [each.key for each in other.elsewhere] == [theirs]
    assert found(rebuilt(scene, {}, {theirs: "test"})) == {}
    assert found(rebuilt(scene)) == {"t": (theirs, "equal")}


def test_a_tombstone_is_left_to_the_next_plan() -> None:
    scene = lost(Scene().both("a").both("b"), "a")
    tombstone = Tombstone(address("a"), A, scene.resources["a"].attributes, NOW)
    view = scene.view
    view = replace(view, state=replace(view.state, tombstones=(tombstone,)))
    claims = [Claim(address("a"), A, Evidence.LOG)]
    assert rebuild_state(view, claims, scene.circumstances()).taken == ()


def test_a_key_that_is_told_by_its_ends_is_taken_where_one_of_the_account_has_them() -> None:
    scene = lost(Scene().declare("x", "New").remember("a", "Old"))
    claim = Claim(address("x"), f"{A[:4]}\u2026{A[-4:]}", Evidence.LOG, ends=Ends(A[:4], A[-4:]))
    result = rebuild_state(scene.view, [claim], scene.circumstances())
    assert result.taken == (Claim(address("x"), A, Evidence.LOG),)
    absent = replace(claim, key="9\u20269", ends=Ends("9999", "9999"))
    assert rebuild_state(scene.view, [claim, absent], scene.circumstances()).absent == (absent,)
    with pytest.raises(RefusedError):
        rebuild_state(scene.view, [absent], scene.circumstances())
    alike = A[:4] + "F" * 24 + A[-4:]
    scene.remotes[alike] = replace(scene.remotes[A], key=alike)
    assert rebuild_state(scene.view, [claim], scene.circumstances()).taken == ()


def test_a_key_that_may_be_cut_is_taken_only_if_it_is_whole() -> None:
    scene = lost(Scene().both("a").both("b"))
    for key, taken in ((A, {"x": (A, "log"), "b": (B, "equal")}), (A[:-1], {"a": (A, "equal"), "b": (B, "equal")})):
        claim = Claim(address("x"), key, Evidence.LOG, may_be_cut=True)
        result = rebuild_state(scene.view, [claim], scene.circumstances())
        assert (found(result), result.absent) == (taken, ())
    longer = f"{A}00"
    scene.remotes[longer] = replace(scene.remotes[B], key=longer)
    cut = rebuild_state(scene.view, [Claim(address("x"), A, Evidence.LOG, may_be_cut=True)], scene.circumstances())
    assert "x" not in found(cut)


def test_a_log_of_another_account_is_refused() -> None:
    with pytest.raises(RefusedError):
        rebuilt(lost(Scene().both("a")), {"K1": "a", "K2": "b"})
    result = rebuilt(lost(Scene().both("a")), {"K1": "b", A: "a"})
    assert [(id_of(each.address), each.key) for each in result.absent] == [("b", "K1")]


def test_a_record_is_as_the_account_shows_it_and_as_the_file_protects_it() -> None:
    lifecycle = Lifecycle(Protection.ALL, Manage.OBSERVE, OnRemoval.RETIRE)
    scene = lost(Scene().declare("a", "New", default=True, lifecycle=lifecycle).remember("a", "Old").holds_default("a"))
    scene.default = None
    state = rebuilt(scene, {A: "a"}).state
    record = state.records[address("a")]
    assert (record.applied.name, record.observed.name, record.lifecycle) == ("Old", "Old", lifecycle)
    assert (record.created_at, record.updated_at) == (None, None)
    assert state.account_default == AccountDefault(address("a"), A)


def test_a_default_that_nobody_declares_is_not_remembered_as_ours() -> None:
    scene = lost(Scene().both("a").both("b").holds_default("a"))
    scene.default = None
    assert rebuilt(scene).state.account_default == AccountDefault()
    scene.declare("b", default=True)
    assert rebuilt(scene).state.account_default == AccountDefault()


def test_an_id_whose_logged_key_another_environment_has_is_not_given_another_for_being_equal() -> None:
    """The log is the wrong one: what equals the file may be that of the neighbour."""
    theirs = Scene().remember("x", "X", "SMS:S")
    [key] = theirs.remotes
    ours = Scene().unmanaged("X", "SMS:S").declare("x", "X", "SMS:S")
    ours.remotes |= theirs.remotes
    there = Neighbour("a", theirs.state, {each.address: each for each in theirs.resources.values()})
    told = [Claim(address("x"), key, Evidence.LOG)]
    rebuilt = rebuild_state(ours.view, told, ours.circumstances(neighbours=(there,)))
    assert (rebuilt.taken, [each.key for each in rebuilt.elsewhere]) == ((), [key])
