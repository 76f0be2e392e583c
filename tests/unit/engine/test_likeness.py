"""Creates that may be a scenario that is there already, where only a sign says so: told, and never in vain."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from omnictl.engine.planner import make_plan
from omnictl.engine.rebuild import rebuild_state
from omnictl.engine.view import Neighbour
from omnictl.model.address import id_of, make_address
from omnictl.model.diagnostic import Diagnostic, Source
from omnictl.model.drift import IgnoreLine
from omnictl.model.state import Tombstone
from tests.builders import NOW, Scene, key_of

THERE = "VKONTAKTE > SMS:InfoSMS"


def told(scene: Scene, code: str = "maybe-unmanaged", **circumstances: Any) -> list[Diagnostic]:
    plan = scene.plan(**circumstances)
    found = [each for each in plan.diagnostics if each.code == code]
    assert plan.risk is not None
    assert plan.risk.is_safe == (not found and not plan.guards)
    return found


# --- a state that was lost, and a name that was edited -------------------------------------------------------------


@pytest.mark.parametrize("others", [0, 1, 3])
def test_without_any_record_one_with_the_flow_is_enough_however_many_there_are(others: int) -> None:
    scene = Scene().declare("otp", "Login code").unmanaged("Code", THERE)
    for number in range(others):
        scene.unmanaged(f"Made by hand {number}", THERE)
    [found] = told(scene)
    assert '"Code"' in found.detail


def test_a_new_file_beside_it_does_not_hide_it() -> None:
    scene = Scene().declare("otp", "Login code").declare("extra", "Something new").unmanaged("Code", THERE)
    [found] = told(scene)
    assert "extra, otp" in found.detail


def test_what_is_not_selected_does_not_hide_it() -> None:
    scene = Scene().declare("a", "Neu").declare("b", "Auch neu").unmanaged("Alt", THERE).unmanaged("Auch alt", THERE)
    [found] = told(scene, only=("a",))
    assert found.detail.startswith("a: ")


def test_an_id_that_a_name_gives_is_a_sign_whatever_the_flow() -> None:
    scene = Scene().both("anchor", "Anchor", "SMS:Acme").declare("welcome", "Hello").unmanaged("Welcome!", "SMS:Else")
    [found] = told(scene)
    assert "whose name gives this id" in found.detail
    assert found.commands[0].startswith("omnictl import welcome FACE") is False
    assert " welcome 0000" in found.commands[0]


@pytest.mark.parametrize(("unmanaged", "warns"), [(1, True), (2, False)])
def test_beside_records_the_flow_counts_where_the_numbers_are_equal(unmanaged: int, warns: bool) -> None:
    scene = Scene().both("anchor").declare("neu", "Neu")
    for number in range(unmanaged):
        scene.unmanaged(f"By hand {number}", THERE)
    assert bool(told(scene)) is warns


def test_what_the_project_lets_be_is_no_sign() -> None:
    scene = Scene().declare("neu", "Neues Szenario").unmanaged("Support team tries", THERE)
    assert told(scene)
    assert not told(scene, ignored=(IgnoreLine("Support*", Source(".omnictlignore")),))


def test_what_a_guard_names_is_not_told_of_another_create() -> None:
    scene = Scene().declare("a", "Alt").declare("b", "Neu").unmanaged("Alt", THERE)
    assert [each.subject for each in scene.plan().guards] == ["a"]
    assert not told(scene)


def test_another_flow_and_another_name_is_no_sign() -> None:
    assert not told(Scene().declare("a", "Neu").unmanaged("Alt", "SMS:Else"))


# --- what a neighbour gave up ---------------------------------------------------------------------------------------


def beside(ours: Scene, theirs: Scene, *stones: Tombstone, files: tuple[str, ...] = ()) -> list[Diagnostic]:
    """Return the warnings of a plan of ours beside a neighbour with tombstones; ``files`` are what it declares."""
    ours.remotes = {**ours.remotes, **theirs.remotes}
    declared = {each.address: each for name, each in theirs.resources.items() if name in files or not files}
    state = replace(theirs.state, tombstones=stones)
    return told(ours, "maybe-moved", neighbours=(Neighbour("blue", state, declared),))


def forgotten(theirs: Scene, scenario_id: str, **more: Any) -> Tombstone:
    record = theirs.records.pop(scenario_id)
    return Tombstone(record.address, record.key, record.applied, NOW - timedelta(days=2), **more)


def test_what_a_neighbour_let_go_lately_may_be_ours() -> None:
    theirs = Scene().remember("b", "Beta")
    [found] = beside(Scene().declare("g", "Gamma"), theirs, forgotten(theirs, "b"))
    assert "b of blue" in found.detail


def test_a_scenario_that_a_guard_says_to_be_another_create_is_offered_to_no_second_one() -> None:
    theirs = Scene().remember("b", "Beta")
    stone = forgotten(theirs, "b")
    ours = Scene().declare("b", "Beta").declare("g", "Gamma")
    assert not beside(ours, theirs, stone)
    assert key_of("b") in str(
        ours.plan(neighbours=(Neighbour("blue", replace(theirs.state, tombstones=(stone,)), {}),)).guards
    )


def test_what_a_neighbour_retired_was_ended_for_good() -> None:
    theirs = Scene().remember("b", "Beta")
    assert not beside(Scene().declare("g", "Gamma"), theirs, forgotten(theirs, "b", retired=True, named="Beta"))


def test_what_was_made_here_since_answers_it() -> None:
    theirs = Scene().remember("b", "Beta")
    ours = Scene().both("made-since").declare("g", "Gamma")
    assert not beside(ours, theirs, forgotten(theirs, "b"))


def test_records_that_a_rebuilding_brought_back_do_not_make_a_lost_state_know_its_files() -> None:
    scene = Scene().both("b", "Beta").declare("a", "Alpha two").unmanaged("Alpha", THERE).unmanaged("Fourth", THERE)
    state = replace(scene.state, knows_files=False)
    plan = make_plan(replace(scene.view, state=state), scene.circumstances())
    assert "maybe-unmanaged" in [each.code for each in plan.diagnostics]


# --- a state that was built again, and a copy ------------------------------------------------------------------------


def rebuilt(scene: Scene) -> Scene:
    """Lose the state, and let each id have what is equal to its file: nobody knows the files any more."""
    state = replace(scene.state, records={}, knows_files=False)
    found = rebuild_state(replace(scene.view, state=state), [], scene.circumstances()).state
    scene.records = {id_of(each.address): each for each in found.records.values()}
    return scene


def copies(scene: Scene) -> list[Diagnostic]:
    plan = make_plan(replace(scene.view, state=replace(scene.state, knows_files=False)), scene.circumstances())
    found = [each for each in plan.diagnostics if each.code == "maybe-copied"]
    assert plan.risk is not None
    assert not (plan.risk.is_safe and found)
    return found


def copied(copy: str = "welcome-vip", name: str = "Welcome message") -> Scene:
    """A file was copied, the first one edited, the state lost: what equals the account is the copy."""
    return rebuilt(Scene().unmanaged(name, THERE).declare(copy, name).declare("welcome", "Edited"))


def test_a_copy_that_got_the_key_of_the_first_file_is_told_before_that_is_created() -> None:
    scene = copied()
    assert list(scene.records) == ["welcome-vip"]
    [found] = copies(scene)
    assert found.detail.startswith("welcome: welcome-vip (")
    assert found.commands == ("omnictl state mv welcome-vip welcome",)


def test_the_command_mends_it_and_nothing_is_told_any_more() -> None:
    scene = copied()
    record = scene.records.pop("welcome-vip")
    scene.records["welcome"] = replace(record, address=make_address("welcome"))
    assert not copies(scene)


@pytest.mark.parametrize("copy", ["welcome-message", "vip-00000000"])
def test_an_id_of_the_name_or_the_key_says_whose_it_is(copy: str) -> None:
    scene = copied(copy)
    assert list(scene.records) == [copy]
    assert not copies(scene)


def test_a_state_that_knows_its_files_has_no_copies_to_tell() -> None:
    scene = copied()
    assert not told(scene, "maybe-copied")


def test_what_a_run_made_or_an_import_line_names_is_no_copy() -> None:
    made, named = copied(), copied()
    made.records["welcome-vip"] = replace(made.records["welcome-vip"], created_at=NOW)
    named.resources["welcome-vip"] = replace(
        named.resources["welcome-vip"], import_key=named.records["welcome-vip"].key
    )
    assert not copies(made)
    assert not copies(named)


def test_many_new_files_beside_many_are_told_once() -> None:
    scene = Scene()
    for number in range(30):
        scene.unmanaged(f"Theirs {number}", THERE).declare(f"file-{number}", f"Theirs {number}")
    scene = rebuilt(scene.declare("new", "New").declare("newer", "Newer"))
    assert len(scene.records) == 30
    [found] = copies(scene)
    assert found.detail.startswith("new, newer: file-0 (")
    assert "and 25 more" in found.detail
    assert found.commands == ("omnictl state mv OTHER ID",)
