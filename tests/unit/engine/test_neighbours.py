"""Environments of one account: what moved between them is recognised, and nobody takes what another one waits for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from omnictl.engine.adopting import choose_all, choose_one, unmatched_words
from omnictl.engine.neighbours import Neighbourhood, leave_to_neighbours
from omnictl.engine.rebuild import rebuild_state
from omnictl.engine.view import Neighbour
from omnictl.errors import RefusedError
from omnictl.model.address import id_of, make_address
from omnictl.model.change import Forget, Retire
from omnictl.model.plan import Guard, Plan
from omnictl.model.scenario import Attributes, Lifecycle, OnRemoval
from omnictl.model.state import Intent, State, Tombstone
from tests.builders import NOW, Scene, flow, key_of

RETIRE = Lifecycle(on_removal=OnRemoval.RETIRE)


def neighbour(theirs: Scene, name: str = "blue") -> Neighbour:
    return Neighbour(name, theirs.state, {each.address: each for each in theirs.resources.values()})


def plan(ours: Scene, theirs: Scene, state: State | None = None, **more: Any) -> Plan:
    """Plan ours beside theirs, on the account that both show."""
    ours.remotes = {**ours.remotes, **theirs.remotes}
    there = replace(neighbour(theirs), state=state or theirs.state)
    return ours.plan(neighbours=(there,), **more)


def guards(made: Plan) -> Mapping[str, Guard]:
    return {each.subject: each.guard for each in made.guards}


# --- files that move ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        ({"scenario_id": "b", "name": "Beta"}, "Beta"),
        ({"scenario_id": "b", "name": "Beta neu"}, "Beta"),
        ({"scenario_id": "b", "name": "Beta"}, "Renamed on the account"),
        ({"scenario_id": "b2", "name": "Beta"}, "Renamed on the account"),
        ({"scenario_id": "b2", "name": "Beta neu", "previous_ids": ("b",)}, "Beta"),
        ({"scenario_id": "b2", "name": "  BETA "}, "Beta"),
    ],
    ids=["as it was", "name edited", "renamed there", "new id", "previous id", "bent"],
)
def test_a_file_that_moved_is_recognised_by_id_previous_id_or_name(declared: Any, shown: str) -> None:
    theirs = Scene().remember("b", "Beta", account=(shown, "VKONTAKTE > SMS:InfoSMS"))
    made = plan(Scene().declare(**declared), theirs)
    [found] = made.guards
    assert (found.guard, found.subject) == (Guard.UNMANAGED_TWIN, declared["scenario_id"])
    assert f"The environment blue manages {key_of('b')} as b" in found.message
    assert found.commands == (
        "omnictl apply --env blue --only b",
        f"omnictl import {declared['scenario_id']} {key_of('b')} --env production",
    )


def test_two_environments_may_have_the_same_id_and_name() -> None:
    assert plan(Scene().declare("b", "Beta"), Scene().both("b", "Beta")).guards == ()


def test_what_is_renamed_there_did_not_move() -> None:
    theirs = Scene().remember("b", "Beta").declare("b2", "Beta")
    assert plan(Scene().declare("b", "Beta"), theirs).guards == ()


def test_a_file_whose_id_and_name_changed_on_the_way_is_a_warning() -> None:
    made = plan(Scene().declare("other", "Other"), Scene().remember("b", "Beta").remember("c", "Gamma"))
    [told] = [each for each in made.diagnostics if each.code == "maybe-moved"]
    assert "b of blue, c of blue" in told.detail
    assert (made.guards, made.risk is not None and made.risk.is_safe) == ((), False)
    elsewhere = plan(Scene().declare("other", "Other", "SMS:Else"), Scene().remember("b", "Beta"))
    assert elsewhere.diagnostics == ()


def test_what_a_neighbour_retired_is_adopted_and_not_made_again() -> None:
    shown = ("[retired] Gamma", "SMS:Acme")
    theirs = Scene().remember("c", "Gamma", "SMS:Acme", account=shown)
    record = theirs.records.pop("c")
    stone = Tombstone(record.address, record.key, record.applied, NOW, retired=True, named="Gamma")
    made = plan(Scene().declare("c", "Gamma", "SMS:Acme"), theirs, replace(theirs.state, tombstones=(stone,)))
    [found] = made.guards
    assert "managed" in found.message
    assert found.commands[0] == f"omnictl import c {key_of('c')} --env production"
    assert dict(made.unmanaged) == {}
    forgotten = replace(stone, retired=False, named=None)
    made = plan(Scene().declare("x", "Other", "SMS:Acme"), theirs, replace(theirs.state, tombstones=(forgotten,)))
    assert list(made.unmanaged) == [key_of("c")]


@pytest.mark.parametrize(
    ("theirs", "retired"),
    [
        (Scene().declare("c", "Gamma"), False),
        (Scene().declare("c2", "Gamma"), False),
        (Scene().declare("c2", "Shown"), False),
        (Scene().declare("c2", "Delta", previous_ids=("c",)), False),
        (Scene().declare("c2", "Delta", import_key=key_of("c")), False),
        (Scene().both("c", "Gamma"), True),
        (Scene().declare("d", "Delta"), True),
        (Scene(), True),
    ],
    ids=["id", "name", "name on the account", "previous id", "import", "has its own", "another one", "none"],
)
def test_what_the_neighbour_declares_now_is_forgotten_and_not_retired(theirs: Scene, retired: bool) -> None:
    theirs.remotes = dict.fromkeys(["THEIRS"], *theirs.remotes.values()) if theirs.remotes else {}
    theirs.records = {name: replace(each, key="THEIRS") for name, each in theirs.records.items()}
    ours = Scene().both("a").remember("c", "Gamma", account=("Shown", "VKONTAKTE > SMS:InfoSMS"), lifecycle=RETIRE)
    made = plan(ours, theirs)
    [change] = made.changes
    assert isinstance(change, Retire if retired else Forget)
    assert [each.code for each in made.diagnostics] == ([] if retired else ["not-retired"])


@pytest.mark.parametrize(
    ("theirs", "only", "refused"),
    [
        (Scene().declare("c", "Gamma"), ("c",), False),
        (Scene().declare("c2", "Shown"), ("c",), False),
        (Scene().declare("x", "Other id and name", "SMS:Acme"), ("c",), False),
        (Scene().declare("x", "Another one", "PUSH"), ("c",), True),
        (Scene().declare("c", "Gamma"), ("c*",), True),
        (Scene().declare("c", "Gamma"), (), True),
    ],
    ids=["moved", "renamed there", "another id and name", "another one", "pattern", "all"],
)
def test_the_last_one_that_moved_to_a_neighbour_is_let_go_by_its_whole_id(
    theirs: Scene, only: tuple[str, ...], refused: bool
) -> None:
    """The command that the guard of the neighbour prints has to work, also where no file is left here."""
    ours = Scene().remember("c", "Gamma", "SMS:Acme", account=("Shown", "SMS:Acme"), lifecycle=RETIRE)
    made = plan(ours, theirs, only=only)
    assert guards(made) == ({"all": Guard.EMPTY_CONFIGURATION} if refused else {})


def buried(theirs: Scene, scenario_id: str, key: str, **more: Any) -> State:
    """Return their state with a tombstone of an id, which stands for a key."""
    stone = Tombstone(make_address(scenario_id), key, Attributes("Gamma", flow("SMS:Acme")), NOW, **more)
    return replace(theirs.state, tombstones=(stone,))


@pytest.mark.parametrize(
    ("theirs", "stands_for", "heir"),
    [
        (Scene().declare("c", "Gamma"), "c", "blue"),
        (Scene().declare("c", "Delta"), "c", "blue"),
        (Scene().declare("c", "Gamma"), "other", None),
        (Scene().declare("c", "Gamma", import_key=key_of("c")), "other", "blue"),
    ],
    ids=["came back", "renamed", "has another key", "names ours"],
)
def test_a_file_that_comes_back_to_a_neighbour_is_the_heir_though_it_was_forgotten_there(
    theirs: Scene, stands_for: str, heir: str | None
) -> None:
    """It moved here, was adopted here, and moves back: the tombstone there names the key that is recorded here."""
    ours = Scene().both("a").remember("c", "Gamma", lifecycle=RETIRE).remember("other", "Other", "PUSH")
    record = ours.records["c"]
    del ours.records["other"]
    made = plan(ours, theirs, buried(theirs, "c", key_of(stands_for)))
    [change] = made.changes
    assert isinstance(change, Forget if heir else Retire)
    there = replace(neighbour(theirs), state=buried(theirs, "c", key_of(stands_for)))
    assert Neighbourhood(ours.circumstances(neighbours=(there,)), ours.remotes).find_heir(record) == heir


def refusal(ours: Scene, hood: Neighbourhood, key: str) -> str:
    with pytest.raises(RefusedError) as refused:
        choose_one(ours.view, hood.claimed, make_address("s"), key)
    return refused.value.diagnostics[0].detail


# --- what is not free --------------------------------------------------------------------------------------------


def opened(body: Attributes, known: tuple[str, ...] = ()) -> State:
    intent = Intent(make_address("s"), body, False, "run", NOW, NOW + timedelta(minutes=1), known)
    return State("theirs", "blue", intents=(intent,))


def test_what_an_open_create_of_a_neighbour_may_have_made_is_left_alone() -> None:
    ours = Scene().unmanaged("Sale").unmanaged("Other")
    sale, other = ours.remotes
    there = Neighbour("blue", opened(Attributes("Sale", flow("SMS:InfoSMS"))), {})
    hood = Neighbourhood(ours.circumstances(neighbours=(there,)), ours.remotes)
    assert hood.spoken_for == {sale: "blue (an open create)"}
    assert [each.remote.key for each in choose_all(ours.view, hood.spoken_for).adoptions] == [other]
    assert "blue (an open create)" in refusal(ours, hood, sale)
    before = replace(there, state=opened(Attributes("Sale", flow("SMS:InfoSMS")), (sale,)))
    assert Neighbourhood(ours.circumstances(neighbours=(before,)), ours.remotes).spoken_for == {}


def test_a_key_that_a_file_of_a_neighbour_imports_is_its_own() -> None:
    ours = Scene().unmanaged("Sale")
    [sale] = ours.remotes
    there = neighbour(Scene().declare("s", "Whatever", import_key=sale))
    hood = Neighbourhood(ours.circumstances(neighbours=(there,)), ours.remotes)
    assert choose_all(ours.view, hood.spoken_for).adoptions == ()
    assert "blue (by its import: line)" in refusal(ours, hood, sale)


def test_what_a_file_of_a_neighbour_takes_back_from_its_tombstone_is_its_own() -> None:
    ours = Scene().unmanaged("Gamma", "SMS:Acme")
    [gamma] = ours.remotes
    theirs = Scene().declare("c", "Gamma", "SMS:Acme")
    there = replace(neighbour(theirs), state=buried(theirs, "c", gamma))
    hood = Neighbourhood(ours.circumstances(neighbours=(there,)), ours.remotes)
    assert choose_all(ours.view, hood.spoken_for).adoptions == ()
    assert "blue (by its tombstone: its file is there again)" in refusal(ours, hood, gamma)
    assert dict(plan(ours, theirs, there.state).unmanaged) == {}
    gone = replace(there, declared={})
    hood = Neighbourhood(ours.circumstances(neighbours=(gone,)), ours.remotes)
    assert [each.remote.key for each in choose_all(ours.view, hood.spoken_for).adoptions] == [gamma]


def test_what_a_file_of_a_neighbour_waits_for_is_left_out_with_the_ways() -> None:
    ours = Scene().unmanaged("Sale").unmanaged("Other")
    sale, other = ours.remotes
    there = neighbour(Scene().declare("s", "sale"))
    hood = Neighbourhood(ours.circumstances(neighbours=(there,)), ours.remotes)
    choice = leave_to_neighbours(choose_all(ours.view, hood.spoken_for), hood)
    assert [each.remote.key for each in choice.adoptions] == [other]
    [left] = choice.left_out
    assert left.commands == (f"omnictl import s {sale} --env blue", f"omnictl import sale {sale}")
    assert all(unmatched_words(choice, ours.state, (word,)) == () for word in ("s", "sale", "Sale"))
    ours.declare("mine", "Sale", "SMS:InfoSMS")
    choice = leave_to_neighbours(choose_all(ours.view, hood.spoken_for), hood)
    assert [id_of(each.address) for each in choice.adoptions] == ["mine", "other"]


@pytest.mark.parametrize("steps", ["SMS:InfoSMS", "PUSH"])
def test_what_is_left_out_anyway_may_be_that_of_a_neighbour_too(steps: str) -> None:
    """It equals a file of each, or a file here has its flow alone."""
    ours = Scene().unmanaged("Sale", steps).declare("mine", "Sale" if steps == "PUSH" else "Mine", steps)
    [sale] = ours.remotes
    there = neighbour(Scene().declare("s", "Sale", steps))
    hood = Neighbourhood(ours.circumstances(neighbours=(there,)), ours.remotes)
    choice = leave_to_neighbours(choose_all(ours.view, hood.spoken_for, contested=hood.contested), hood)
    assert choice.adoptions == ()
    [left] = choice.left_out
    assert left.reason.startswith("it may be s (scenarios/s.yaml) of the environment blue, which has no key yet; ")
    assert left.commands == (f"omnictl import s {sale} --env blue", f"omnictl import mine {sale}")


def test_a_lost_state_is_not_rebuilt_with_what_a_neighbour_waits_for_too() -> None:
    ours = Scene().unmanaged("Sale").declare("mine", "Sale", "SMS:InfoSMS")
    [sale] = ours.remotes
    alone = rebuild_state(ours.view, [], ours.circumstances())
    assert [each.key for each in alone.taken] == [sale]
    there = neighbour(Scene().declare("s", "Sale", "SMS:InfoSMS"))
    doubtful = rebuild_state(ours.view, [], ours.circumstances(neighbours=(there,)))
    assert (doubtful.taken, [id_of(each.address) for each in doubtful.left_out]) == ((), ["mine"])


@pytest.mark.parametrize("knows_files", [True, False])
def test_a_neighbour_that_lost_its_state_waits_for_every_scenario_of_its_flow(knows_files: bool) -> None:
    ours = Scene().unmanaged("Zet").unmanaged("Hand")
    theirs = Scene().declare("z", "Hello", "SMS:InfoSMS")
    there = replace(neighbour(theirs), state=replace(theirs.state, knows_files=knows_files))
    hood = Neighbourhood(ours.circumstances(neighbours=(there,)), ours.remotes)
    choice = leave_to_neighbours(choose_all(ours.view, hood.spoken_for), hood)
    assert (len(choice.adoptions), len(choice.left_out)) == ((2, 0) if knows_files else (0, 2))


def test_what_nearly_equals_a_file_of_a_neighbour_is_contested() -> None:
    ours = Scene().unmanaged("sale").unmanaged("Other")
    [sale, _] = ours.remotes
    there = neighbour(Scene().declare("s", "SALE", "SMS:InfoSMS"))
    hood = Neighbourhood(ours.circumstances(neighbours=(there,)), ours.remotes)
    assert (hood.contested, hood.nearly_contested) == (frozenset(), frozenset({sale}))
    assert Neighbourhood(ours.circumstances(), ours.remotes).nearly_contested == frozenset()
