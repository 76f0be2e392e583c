"""Choosing what is adopted: files that are there, ids of the others, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from omnictl.engine.adopting import (
    CODES,
    adopt_all,
    choose_all,
    choose_one,
    declares_default,
    find_holder,
    in_writing_order,
    refuse_open_intents,
    unmatched_words,
)
from omnictl.engine.planner import make_plan
from omnictl.engine.view import View
from omnictl.errors import OmnictlError, RefusedError, StateError
from omnictl.model.address import id_of
from omnictl.model.adoption import Choice, Draft, Told
from omnictl.model.change import Refresh
from omnictl.model.scenario import Attributes, Lifecycle, Manage, Protection, Step
from omnictl.model.state import Intent, Tombstone
from omnictl.render.importing import tell_left_out
from tests.builders import NOW
from tests.worlds import SMS, VIBER, VK, World, address, declare

BODY = Attributes("Theirs", (VK, SMS))


def view_of(world: World) -> View:
    return View(world.configuration, world.state, dict(world.account.rows))


def planted(*names: str, world: World | None = None) -> World:
    """An account on which somebody else made these, under keys in their order."""
    world = world or World()
    for number, name in enumerate(names):
        world.account.plant(Attributes(name, (VK, SMS)), key=f"{number:04X}KEY")
    return world


def chosen(choice: Choice) -> dict[str, str]:
    """Return the key of each id; one that has a file is marked."""
    return {
        each.address.removeprefix("scenario.") + ("*" if each.resource else ""): each.remote.key
        for each in choice.adoptions
    }


# --- everything -----------------------------------------------------------------------------------------------------


def test_names_that_are_told_apart_by_nothing_get_a_part_of_their_key() -> None:
    world = planted("Café", "cafe", "CAFÉ", "😀", "")
    assert chosen(choose_all(view_of(world), {})) == {
        "cafe": "0000KEY",
        "cafe-0001key": "0001KEY",
        "cafe-0002key": "0002KEY",
        "scenario-0003key": "0003KEY",
        "scenario-0004key": "0004KEY",
    }


def test_the_order_of_the_list_means_nothing() -> None:
    view = view_of(planted("A", "a", "B", "b", "A!"))
    turned = replace(view, remotes=dict(reversed(list(view.remotes.items()))))
    assert choose_all(view, {}) == choose_all(turned, {})


def test_what_has_an_owner_is_not_taken() -> None:
    world = World()
    world.declare("ours")
    world.apply()
    planted("Elsewhere", "Forgotten", "Free", world=world)
    tombstone = Tombstone(address("forgotten"), "0001KEY", BODY, NOW)
    view = view_of(world)
    view = replace(view, state=replace(view.state, tombstones=(tombstone,)))
    assert chosen(choose_all(view, {"0000KEY": "staging"})) == {"free": "0002KEY"}


def test_ids_that_mean_something_are_not_given_again() -> None:
    world = World()
    world.declare("declared", declare("declared", previous_ids=("previous",)))
    world.apply()
    planted("declared", "previous", "buried", "open", world=world)
    view = view_of(world)
    intent = Intent(address("open"), BODY, False, "run", NOW, NOW)
    state = replace(view.state, tombstones=(Tombstone(address("buried"), "OLD", BODY, NOW),), intents=(intent,))
    ids = chosen(choose_all(replace(view, state=state), {}))
    assert sorted(ids) == ["buried-0002key", "declared-0000key", "open-0003key", "previous-0001key"]


def test_a_file_that_names_the_key_is_its_file_whatever_it_says() -> None:
    world = planted("Theirs", "Theirs")
    world.declare("mine", declare("mine", "Other", import_key="0001KEY"))
    world.declare("equal", declare("equal", "Theirs"))
    assert chosen(choose_all(view_of(world), {})) == {"mine*": "0001KEY", "equal*": "0000KEY"}


def test_equal_files_are_paired_by_the_key_in_their_id_and_the_last_one_without_it() -> None:
    world = planted("Same", "Same", "Same")
    for each in ("same", "same-0001key"):
        world.declare(each, declare(each, "Same"))
    world.declare("same-0002key-2", declare("same-0002key-2", "Same"))
    assert chosen(choose_all(view_of(world), {})) == {
        "same*": "0000KEY",
        "same-0001key*": "0001KEY",
        "same-0002key-2*": "0002KEY",
    }


def test_a_file_with_the_id_of_the_name_alone_is_not_given_to_the_first_of_several() -> None:
    """It looks the same after a lost state and after an import that was cut, and only one of the two knows the key."""
    world = planted("Welcome", "Welcome", "Welcome")
    world.declare("welcome", declare("welcome", "Welcome"))
    choice = choose_all(view_of(world), {})
    assert choice.adoptions == ()
    assert [each.commands for each in choice.left_out] == [
        (f"omnictl import welcome {number:04X}KEY",) for number in range(3)
    ]
    assert "it equals welcome, which has no key yet" in choice.left_out[0].reason


def test_ids_that_are_cut_out_of_one_key_are_not_told_apart() -> None:
    world = World()
    for key in ("12345678A", "12345678B"):
        world.account.plant(Attributes("Same", (VK, SMS)), key=key)
    world.declare("same-12345678", declare("same-12345678", "Same"))
    choice = choose_all(view_of(world), {})
    assert choice.adoptions == ()
    assert len(choice.left_out) == 2


def held(world: World, *keys: str) -> World:
    """Let these, and no others, be shown as the account default."""
    rows = world.account.rows
    world.account.rows = {key: replace(row, is_default=key in keys) for key, row in rows.items()}
    return world


def test_who_holds_the_default_says_nothing_of_equal_ones_for_it_moves() -> None:
    world = held(planted("Same", "Same"), "0001KEY")
    for each in ("a", "b"):
        world.declare(each, declare(each, "Same", default=True if each == "b" else None))
    choice = choose_all(view_of(world), {})
    assert choice.adoptions == ()
    assert [each.key for each in choice.left_out] == ["0000KEY", "0001KEY"]
    assert choice.left_out[0].commands == ("omnictl import a 0000KEY", "omnictl import b 0000KEY")


def test_the_key_in_an_id_comes_before_the_default() -> None:
    world = held(planted("Same", "Same"), "0001KEY")
    world.declare("same-0000key", declare("same-0000key", "Same", default=True))
    world.declare("same-0001key", declare("same-0001key", "Same"))
    assert chosen(choose_all(view_of(world), {})) == {"same-0000key*": "0000KEY", "same-0001key*": "0001KEY"}


def test_an_id_with_another_key_is_not_given_to_an_equal_one() -> None:
    """The scenario of the file was renamed on the account, and a copy has its name now."""
    world = planted("Renamed", "Same")
    world.declare("same-0000key", declare("same-0000key", "Same"))
    choice = choose_all(view_of(world), {})
    assert choice.adoptions == ()
    assert [each.commands for each in choice.left_out] == [
        ("omnictl import same-0000key 0000KEY",),
        ("omnictl import same-0000key 0001KEY",),
    ]


@pytest.mark.parametrize(
    ("scenario_id", "name", "theirs", "told"),
    [
        ("beta", "Beta two", "Beta", "has the id that it would get"),
        ("beta-0000key", "Edited", "Beta", "has the beginning of its key in the id"),
        ("beta-0000key-2", "Edited", "Beta", "has the beginning of its key in the id"),
        ("scenario-con", "Edited", "con", "has the id that it would get"),
        ("scenario-0000key", "Edited", "😀", "has the beginning of its key in the id"),
        ("mine", "Ｂｅｔａ  two", "beta two", "nearly equals it"),
        ("mine", "Beta and many words", "Beta and m", "nearly equals it"),
        ("mine", "Entirely other", "Beta", "has its flow"),
    ],
)
def test_a_file_that_may_be_its_own_leaves_a_scenario_to_a_person(
    scenario_id: str, name: str, theirs: str, told: str
) -> None:
    """With a second file, the next apply would create what is there already."""
    world = planted(theirs, "Free")
    world.account.rows["0001KEY"] = replace(world.account.rows["0001KEY"], attributes=Attributes("Free", (VIBER,)))
    world.declare(scenario_id, declare(scenario_id, name, (VK, SMS)))
    choice = choose_all(view_of(world), {})
    assert chosen(choice) == {"free": "0001KEY"}
    (left,) = choice.left_out
    assert (left.key, left.commands) == ("0000KEY", (f"omnictl import {scenario_id} 0000KEY",))
    assert told in left.reason
    for word in (scenario_id, theirs):
        assert choose_all(view_of(world), {}, (word,)).left_out == (left,)
        assert unmatched_words(choice, world.state, (word,)) == ()


def test_several_files_that_may_be_its_own_are_all_named() -> None:
    world = planted("Beta beta beta")
    for number in range(5):
        world.declare(f"b{number}", declare(f"b{number}", f"Beta beta beta {number}", (VK, SMS)))
    (left,) = choose_all(view_of(world), {}).left_out
    assert left.reason.endswith("b2 nearly equals it and has no key yet; 2 more may be its file")
    assert left.commands == tuple(f"omnictl import b{number} 0000KEY" for number in range(5))


def worlds_of_one_flow(files: int, scenarios: int, *, applied: bool) -> World:
    world = World()
    if applied:
        world.declare("managed")
        world.apply()
    planted(*(f"Theirs {number}" for number in range(scenarios)), world=world)
    for number in range(files):
        world.declare(f"mine-{number}", declare(f"mine-{number}", f"Mine {number}", (VK, SMS)))
    return world


@pytest.mark.parametrize(("files", "scenarios"), [(2, 1), (1, 2), (3, 7)])
def test_an_equal_flow_alone_says_nothing_of_other_numbers_once_the_state_knows_an_apply(
    files: int, scenarios: int
) -> None:
    choice = choose_all(view_of(worlds_of_one_flow(files, scenarios, applied=True)), {})
    assert (len(choice.adoptions), choice.left_out) == (scenarios, ())


@pytest.mark.parametrize(("files", "scenarios"), [(2, 1), (1, 2), (3, 7), (2, 0), (0, 7)])
def test_where_no_state_knows_the_files_an_equal_flow_is_a_doubt_in_any_numbers(files: int, scenarios: int) -> None:
    """Somebody edited the name in the file, and made other scenarios of this flow; the state was lost."""
    choice = choose_all(view_of(worlds_of_one_flow(files, scenarios, applied=False)), {})
    left = scenarios if files else 0
    assert (len(choice.adoptions), len(choice.left_out)) == (scenarios - left, left)


def test_what_a_first_import_leaves_out_the_next_one_leaves_out_too() -> None:
    """It recorded what was certain, which says nothing of the other files."""
    world = planted("Same", world=worlds_of_one_flow(1, 2, applied=False))
    world.account.plant(Attributes("Sure", (VIBER,)), key="SURE")
    world.declare("sure", declare("sure", "Sure", (VIBER,)))
    view = view_of(world)
    first = choose_all(view, {})
    assert chosen(first) == {"sure*": "SURE"}
    state = adopt_all(view.state, first.adoptions, None, NOW)
    assert choose_all(replace(view, state=state), {}) == replace(first, adoptions=())


def test_a_file_that_may_be_another_one_may_be_one_of_its_flow_too() -> None:
    """Its name was edited and is now like that of a scenario of somebody else."""
    world = planted("Ours before", "Beta")
    world.account.rows["0001KEY"] = replace(world.account.rows["0001KEY"], attributes=Attributes("Beta", (VIBER,)))
    world.declare("mine", declare("mine", "Beta", (VK, SMS)))
    choice = choose_all(view_of(world), {})
    assert (choice.adoptions, [each.key for each in choice.left_out]) == ((), ["0000KEY", "0001KEY"])


def test_of_many_that_share_a_flow_five_are_named() -> None:
    world = worlds_of_one_flow(300, 200, applied=False)
    left_out = choose_all(view_of(world), {}).left_out
    assert len(left_out) == 200
    assert left_out[0].reason.startswith("mine-0, mine-1, mine-10, mine-100, mine-101 and 295 more have its flow")
    assert len(left_out[0].commands) == 5
    [told] = tell_left_out(left_out, lambda told: f"omnictl import --all {told}")
    assert told.detail.count("Theirs") == 10
    assert "and 190 more" in told.detail
    assert told.commands[:2] == ("omnictl import --all --files-are-new", "omnictl import mine-0 KEY")
    assert len(told.commands) == 6


@pytest.mark.parametrize("has_records", [False, True])
def test_as_many_files_as_scenarios_of_one_flow_may_be_the_same(has_records: bool) -> None:
    """A first import records what is certain; the next one knows no more of the rest."""
    world = World()
    if has_records:
        world.declare("managed")
        world.apply()
    planted("Renamed", "Renamed too", world=world)
    for each in ("mine", "other"):
        world.declare(each, declare(each, each, (VK, SMS)))
    choice = choose_all(view_of(world), {})
    assert choice.adoptions == ()
    assert choice.left_out[1].commands == ("omnictl import mine 0001KEY", "omnictl import other 0001KEY")


@pytest.mark.parametrize("original", ["Order paid", "ORDER  PAID", "Order paid!"])
def test_a_copy_is_not_taken_for_the_original_that_was_changed_since(original: str) -> None:
    """Somebody copied it and changed the first one; the file equals the copy."""
    world = planted("Order paid")
    world.account.plant(Attributes(original, (VIBER,)), key="0001KEY")
    world.declare("order-paid", declare("order-paid", "Order paid", (VK, SMS)))
    choice = choose_all(view_of(world), {})
    assert choice.adoptions == ()
    assert [each.commands for each in choice.left_out] == [
        ("omnictl import order-paid 0000KEY",),
        ("omnictl import order-paid 0001KEY",),
    ]


def test_a_pair_is_as_doubtful_as_those_that_have_its_name() -> None:
    """What is left without a file by one doubt may be the original of the next."""
    world = World()
    for number, (name, steps) in enumerate([("One!", (VK,)), ("One", (SMS,)), ("Other", (VIBER,)), ("One", (VIBER,))]):
        world.account.plant(Attributes(name, steps), key=f"{number:04X}KEY")
    world.declare("one", declare("one", "One", (SMS,)))
    world.declare("second", declare("second", "One", (VIBER,)))
    world.declare("other", declare("other", "Other", (VIBER,)))
    assert chosen(choose_all(view_of(world), {})) == {"other*": "0002KEY"}


def test_two_files_that_have_each_the_id_of_the_other_are_not_certain() -> None:
    """Somebody exchanged what the files say, or what the scenarios say; the ids are what is sent by."""
    world = planted("Alpha", "Beta", "Gamma")
    world.declare("beta", declare("beta", "Alpha"))
    world.declare("alpha", declare("alpha", "Beta"))
    world.declare("mine", declare("mine", "Gamma"))
    choice = choose_all(view_of(world), {})
    assert chosen(choice) == {"mine*": "0002KEY"}
    assert [each.commands for each in choice.left_out] == [
        ("omnictl import beta 0000KEY",),
        ("omnictl import alpha 0001KEY",),
    ]


def test_scenarios_of_one_name_that_have_a_file_each_are_certain() -> None:
    world = planted("Same")
    world.account.plant(Attributes("same", (VIBER,)), key="0001KEY")
    world.declare("a", declare("a", "Same"))
    world.declare("b", declare("b", "same", (VIBER,)))
    assert chosen(choose_all(view_of(world), {})) == {"a*": "0000KEY", "b*": "0001KEY"}


def test_of_equal_files_the_one_without_a_key_in_its_id_is_written_last() -> None:
    adoptions = choose_all(view_of(planted("Same", "Other", "Same", "Same")), {}).adoptions
    drafts = [Draft(each, "", id_of(each.address), "") for each in adoptions]
    assert [each.shown for each in in_writing_order(drafts)] == ["same-0003key", "same-0002key", "other", "same"]


def test_of_two_equal_ones_that_are_left_nothing_is_guessed() -> None:
    world = planted("Same", "Same")
    for each in ("e1", "e2"):
        world.declare(each, declare(each, "Same"))
    choice = choose_all(view_of(world), {})
    assert choice.adoptions == ()
    assert {each.key for each in choice.left_out} == {"0000KEY", "0001KEY"}


def test_a_file_that_is_being_renamed_is_not_paired() -> None:
    world = World()
    world.declare("old", declare("old", "Same"))
    world.apply()
    world.files.pop("old")
    world.declare("new", declare("new", "Same"))
    planted("Same", world=world)
    assert chosen(choose_all(view_of(world), {})) == {"same": "0000KEY"}


def test_a_file_that_its_tombstone_gives_a_key_is_not_paired_with_a_copy() -> None:
    world = planted("Theirs", "Theirs")
    world.declare("mine", declare("mine", "Theirs"))
    view = view_of(world)
    view = replace(view, state=replace(view.state, tombstones=(Tombstone(address("mine"), "0000KEY", BODY, NOW),)))
    assert chosen(choose_all(view, {})) == {"theirs": "0001KEY"}


def test_a_file_of_the_name_with_another_flow_is_not_covered_up() -> None:
    """With a second file of that name the guard would no longer see what the first is about to create."""
    world = planted("Theirs", "Free")
    world.declare("mine", declare("mine", "Theirs", (VIBER,)))
    choice = choose_all(view_of(world), {})
    assert chosen(choice) == {"free": "0001KEY"}
    (left,) = choice.left_out
    assert (left.key, left.commands) == ("0000KEY", ("omnictl import mine 0000KEY",))
    assert choose_all(view_of(world), {}, ("free",)).left_out == ()


@pytest.mark.parametrize(
    ("only", "ids", "missing"),
    [
        (("promo-*",), ["promo-a", "promo-b"], ()),
        (("Promo A",), ["promo-a"], ()),
        (("*a", "welcome"), ["promo-a", "welcome"], ()),
        (("nothing", "welcome"), ["welcome"], ("nothing",)),
        (("managed", "Name of man*"), [], ()),
    ],
)
def test_only_names_ids_and_names(only: tuple[str, ...], ids: list[str], missing: tuple[str, ...]) -> None:
    world = World()
    world.declare("managed")
    world.apply()
    view = view_of(planted("Promo A", "Promo B", "Welcome", world=world))
    choice = choose_all(view, {}, only)
    assert sorted(chosen(choice)) == ids
    assert unmatched_words(choice, view.state, only) == missing


def test_an_id_does_not_depend_on_what_is_chosen() -> None:
    view = view_of(planted("Same", "Same", "Other"))
    assert chosen(choose_all(view, {}, ("same-*",))) == {"same-0001key": "0001KEY"}


# --- one ------------------------------------------------------------------------------------------------------------


def test_one_is_adopted_under_a_new_id_or_for_its_file() -> None:
    world = planted("Theirs")
    assert chosen(choose_one(view_of(world), {}, address("new"), "0000KEY")) == {"new": "0000KEY"}
    world.declare("mine", declare("mine", "Other"))
    assert chosen(choose_one(view_of(world), {}, address("mine"), "0000KEY")) == {"mine*": "0000KEY"}


def test_what_was_forgotten_may_come_back_under_any_id() -> None:
    world = planted("Theirs")
    view = view_of(world)
    view = replace(view, state=replace(view.state, tombstones=(Tombstone(address("old"), "0000KEY", BODY, NOW),)))
    choice = choose_one(view, {}, address("new"), "0000KEY")
    assert chosen(choice) == {"new": "0000KEY"}
    assert adopt_all(view.state, choice.adoptions, None, NOW).tombstones == ()


def recorded() -> World:
    world = planted("Theirs")
    world.declare("a")
    world.apply()
    return world


def with_file(**more: Any) -> Callable[[], World]:
    def make() -> World:
        world = recorded()
        world.declare("b", declare("b", **more))
        return world

    return make


def renaming() -> World:
    world = recorded()
    world.files.pop("a")
    world.declare("b", declare("b", "Name of a"))
    return world


@pytest.mark.parametrize(
    ("make", "scenario_id", "key", "error", "code"),
    [
        (recorded, "b", "NOWHERE", StateError, "import-missing"),
        (recorded, "a", "0000KEY", RefusedError, "id-recorded"),
        (recorded, "b", "OF A", RefusedError, "import-taken"),
        (recorded, "b", "ELSEWHERE", RefusedError, "import-taken"),
        (with_file(import_key="0000KEY"), "c", "0000KEY", RefusedError, "import-taken"),
        (with_file(import_key="OTHER"), "b", "0000KEY", RefusedError, "import-differs"),
        (renaming, "b", "0000KEY", RefusedError, "id-recorded"),
    ],
)
def test_one_is_refused(
    make: Callable[[], World], scenario_id: str, key: str, error: type[OmnictlError], code: str
) -> None:
    world = make()
    key = world.keys()["a"] if key == "OF A" else key
    with pytest.raises(error) as caught:
        choose_one(view_of(world), {"ELSEWHERE": "staging"}, address(scenario_id), key)
    assert [each.code for each in caught.value.diagnostics] == [code]
    assert set(CODES) == {"id-recorded", "import-differs"}


def test_one_that_is_adopted_already_is_nothing_to_do_unless_its_file_is_gone() -> None:
    world = recorded()
    key = world.keys()["a"]
    assert choose_one(view_of(world), {}, address("a"), key) == Choice()
    world.files.clear()
    choice = choose_one(view_of(world), {}, address("a"), key)
    assert chosen(choice) == {"a": key}
    assert adopt_all(world.state, choice.adoptions, None, NOW) == world.state


def test_open_creates_are_settled_first() -> None:
    world = World()
    refuse_open_intents(world.state)
    intent = Intent(address("open"), BODY, False, "run", NOW, NOW)
    with pytest.raises(RefusedError) as caught:
        refuse_open_intents(replace(world.state, intents=(intent,)))
    assert caught.value.diagnostics[0].code == "open-intents"
    assert caught.value.diagnostics[0].commands == ("omnictl state settle open --key KEY",)


# --- the state ------------------------------------------------------------------------------------------------------


def test_what_is_adopted_is_recorded_as_the_account_shows_it_and_differs_in_the_next_plan() -> None:
    world = planted("Theirs", "Equal")
    lifecycle = Lifecycle(Protection.ALL)
    world.declare("mine", declare("mine", "Mine", import_key="0000KEY", lifecycle=lifecycle))
    world.declare("equal", declare("equal", "Equal", default=True))
    view = view_of(world)
    choice = choose_all(view, {})
    state = adopt_all(view.state, choice.adoptions, address("equal"), NOW)
    record = state.records[address("mine")]
    assert (record.applied, record.observed, record.key) == (BODY, BODY, "0000KEY")
    assert (record.created_at, record.updated_at, record.lifecycle) == (None, None, lifecycle)
    assert (state.account_default.address, state.account_default.key) == (address("equal"), "0001KEY")
    plan = make_plan(View(world.configuration, state, view.remotes), world.circumstances())
    assert [each.address for each in plan.changes if not isinstance(each, Refresh)][:1] == [address("mine")]
    assert plan.unmanaged == {}


def test_what_is_only_observed_is_adopted_too() -> None:
    world = planted("Theirs")
    world.declare("seen", declare("seen", "Other", import_key="0000KEY", lifecycle=Lifecycle(manage=Manage.OBSERVE)))
    view = view_of(world)
    state = adopt_all(view.state, choose_all(view, {}).adoptions, None, NOW)
    plan = make_plan(View(world.configuration, state, view.remotes), world.circumstances())
    assert plan.changes == ()
    assert [each.code for each in plan.diagnostics] == ["observed-differs"]


def test_the_holder_of_the_default_is_one_or_none() -> None:
    world = planted("A", "B")
    rows = world.account.rows
    world.account.rows = {key: replace(row, is_default=False) for key, row in rows.items()}
    assert find_holder(choose_all(view_of(world), {})) is None
    world.account.rows["0001KEY"] = replace(rows["0001KEY"], is_default=True)
    holder = find_holder(choose_all(view_of(world), {}))
    assert holder is not None
    assert holder.address == address("b")
    world.account.rows["0000KEY"] = replace(rows["0000KEY"], is_default=True)
    assert find_holder(choose_all(view_of(world), {})) is None


def test_a_default_is_declared_here_or_beside() -> None:
    world = World()
    world.declare("a")
    beside = {address("a"): None, address("b"): declare("b", default=True)}
    assert not declares_default(view_of(world))
    assert declares_default(view_of(world), [{}, beside])
    world.declare("c", declare("c", default=True))
    assert declares_default(view_of(world))


# --- a state that was lost, and files that were edited before --------------------------------------------------------


def lost(files: dict[str, str], *names: str, flow: tuple[Step, ...] = (VK, SMS)) -> World:
    """An account with scenarios of these names, and files by their ids, without a state."""
    world = planted(*names)
    for scenario_id, name in files.items():
        world.declare(scenario_id, declare(scenario_id, name, flow=flow))
    return world


def certain(world: World) -> dict[str, str]:
    """Return the ids that get a key, with the names of the scenarios."""
    choice = choose_all(view_of(world), {})
    return {id_of(each.address): each.remote.attributes.name for each in choice.adoptions}


def test_a_copied_file_does_not_get_the_key_of_the_original_that_was_edited_since() -> None:
    world = lost({"vip": "Welcome", "welcome": "Welcome all", "beta": "Beta"}, "Welcome", "Beta")
    assert certain(world) == {"beta": "Beta"}


def test_a_copied_file_does_not_get_the_key_of_the_original_whose_flow_was_edited_since() -> None:
    world = lost({"vip": "Welcome", "beta": "Beta"}, "Welcome", "Beta")
    world.declare("w", declare("w", "Welcome", flow=(VIBER,)))
    assert certain(world) == {"beta": "Beta"}


@pytest.mark.parametrize("names", [("Beta", "Alpha", "Gamma"), ("Beta", "Gamma", "Alpha")])
def test_names_that_were_exchanged_among_files_are_not_certain(names: tuple[str, ...]) -> None:
    world = lost(dict(zip(("alpha", "beta", "gamma"), names, strict=True)), "Alpha", "Beta", "Gamma")
    assert certain(world) == ({"gamma": "Gamma"} if names[2] == "Gamma" else {})


def test_files_that_are_said_to_be_new_leave_nothing_out_for_their_flow_and_all_else_as_before() -> None:
    world = lost({"own": "My own", "beta": "Beta two"}, "Alpha", "Beta")
    assert certain(world) == {}
    choice = choose_all(view_of(world), {}, told=(Told.FILES_ARE_NEW,))
    assert [each.remote.attributes.name for each in choice.adoptions] == ["Alpha"]
    assert [each.name for each in choice.left_out] == ["Beta"]


# --- a service that bends what it is sent, and a lost state ----------------------------------------------------------


def bent(*names: str) -> World:
    """Files, and their scenarios as a service made them; no state."""
    world = World()
    for number, name in enumerate(names):
        flow = (Step("SMS", f"Sender {number}"),)
        world.declare(f"file-{number}", declare(f"file-{number}", name, flow))
        flow = (Step("SMS", f"SENDER {number}"),)
        world.account.plant(Attributes(name.lower(), flow), key=f"{number:04X}KEY")
    return world


NEAR = (Told.NEARLY_EQUAL,)


def test_what_nearly_equals_one_file_alone_is_taken_where_somebody_says_so() -> None:
    world = bent("Alpha", "Beta", "Gamma")
    choice = choose_all(view_of(world), {})
    assert (choice.adoptions, [each.if_told for each in choice.left_out]) == ((), [Told.NEARLY_EQUAL] * 3)
    [told] = tell_left_out(choice.left_out, lambda told: f"omnictl import --all {told}")
    assert told.commands[0] == "omnictl import --all --nearly-equal"
    assert '"alpha" (0000KEY) and file-0; "beta" (0001KEY) and file-1' in told.detail
    taken = choose_all(view_of(world), {}, told=NEAR)
    assert chosen(taken) == {"file-0*": "0000KEY", "file-1*": "0001KEY", "file-2*": "0002KEY"}
    assert taken.left_out == ()


@pytest.mark.parametrize("more", ["alpha", "ALPHA", "Alpha"])
def test_what_nearly_equals_several_is_left_out_all_the_same(more: str) -> None:
    world = bent("Alpha", "Beta")
    world.account.plant(Attributes(more, (Step("SMS", "Sender 0"),)), key="MORE")
    taken = choose_all(view_of(world), {}, told=NEAR)
    assert chosen(taken).get("file-1*") == "0001KEY"
    assert "0000KEY" not in chosen(taken).values()
    world = bent("Alpha", "Beta")
    world.declare("other", declare("other", more.upper(), (Step("SMS", "sender 0"),)))
    assert chosen(choose_all(view_of(world), {}, told=NEAR)) == {"file-1*": "0001KEY"}


def test_what_nearly_equals_a_file_of_a_neighbour_too_is_left_out() -> None:
    world = bent("Alpha", "Beta")
    taken = choose_all(view_of(world), {}, (), (), {"0000KEY"}, told=NEAR)
    assert chosen(taken) == {"file-1*": "0001KEY"}
