"""Which declared address is a recorded one under another id: pairs, likely pairs, and what is said."""

import pytest
from msgspec.structs import replace

from omnictl.engine.rename import find_renames
from omnictl.engine.view import View
from omnictl.model.address import id_of
from omnictl.model.scenario import Configuration
from omnictl.model.state import State, Tombstone
from tests.builders import NOW, Scene
from tests.worlds import address


def found(scene: Scene, state: State | None = None) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Return pairs, likely pairs (new id: old id) and the codes of what is said."""
    resources = {each.address: each for each in scene.resources.values()}
    renames = find_renames(View(Configuration(resources), state or scene.state, scene.remotes))
    pairs = {id_of(new): id_of(old) for new, old in renames.pairs.items()}
    likely = {id_of(new): " ".join(id_of(each.address) for each in found) for new, found in renames.likely.items()}
    return pairs, likely, [each.code for each in renames.diagnostics]


def left(*ids: str, vanished: bool = False) -> Scene:
    """Scenarios "Same" that no file declares any more."""
    scene = Scene().both("anchor")
    for each in ids:
        scene.remember(each, "Same", vanished=vanished)
    return scene


@pytest.mark.parametrize(
    ("scene", "pairs", "likely", "codes"),
    [
        (left("old").declare("new", "Same"), {"new": "old"}, {}, []),
        (left("old").declare("new", "Same", "SMS"), {}, {"new": "old"}, []),
        (left("old").declare("new", "Other"), {}, {}, []),
        (left("old").declare("new", "Other", "SMS"), {}, {}, []),
        (left("old").declare("new", "Same", import_key="K"), {}, {"new": "old"}, []),
        (left("old", vanished=True).declare("new", "Same"), {}, {"new": "old"}, []),
        (left("b", "a").declare("new", "Same"), {}, {"new": "a b"}, []),
        (left("old").declare("n1", "Same").declare("n2", "Same"), {}, {"n1": "old", "n2": "old"}, []),
        (left("old").declare("n1", "Same").declare("n2", "Same", "SMS"), {"n1": "old"}, {}, []),
        (
            left("old").remember("o2", "Second").declare("n2", "Second").declare("n1", "Same"),
            {"n1": "old", "n2": "o2"},
            {},
            [],
        ),
        (Scene().remember("old", "").declare("new", "", "SMS"), {}, {}, []),
        (left("old").both("old", "Same").declare("new", "Same"), {}, {}, []),
    ],
)
def test_equal_scenarios_are_paired_where_there_is_one_on_each_side(
    scene: Scene, pairs: dict[str, str], likely: dict[str, str], codes: list[str]
) -> None:
    assert found(scene) == (pairs, likely, codes)


def test_an_id_that_comes_back_is_no_rename() -> None:
    scene = left("old").declare("new", "Same").unmanaged("Was new")
    key = next(each.key for each in scene.remotes.values() if each.attributes.name == "Was new")
    state = replace(scene.state, tombstones=(Tombstone(address("new"), key, scene.records["old"].applied, NOW),))
    assert found(scene, state) == ({}, {"new": "old"}, [])
    gone = replace(state, tombstones=(replace(state.tombstones[0], key="K"),))
    assert found(scene, gone) == ({"new": "old"}, {}, [])
    other = replace(state, tombstones=(Tombstone(address("else"), "K", scene.records["old"].applied, NOW),))
    assert found(scene, other) == ({"new": "old"}, {}, [])


@pytest.mark.parametrize(
    ("scene", "pairs", "likely", "codes"),
    [
        (left("old").declare("new", "N", "SMS", previous_ids=("old",)), {"new": "old"}, {}, []),
        (left("old").declare("new", "N", previous_ids=("never", "old")), {"new": "old"}, {}, []),
        (left("o1", "o2").declare("new", "N", previous_ids=("o2", "o1")), {"new": "o2"}, {}, []),
        (left("old", vanished=True).declare("new", "N", previous_ids=("old",)), {}, {}, []),
        (left("old").declare("new", "N", previous_ids=("old",), import_key="K"), {"new": "old"}, {}, []),
        (left("old").both("new", "N").declare("new", "N", previous_ids=("old",)), {}, {}, ["previous-id-recorded"]),
        (Scene().both("old").declare("new", "N", previous_ids=("old",)), {}, {}, ["previous-id-declared"]),
        (
            left("old").declare("n1", "N", previous_ids=("old",)).declare("n2", "M", previous_ids=("old",)),
            {},
            {},
            ["previous-id-claimed-twice"],
        ),
        (
            left("old").declare("n1", "N", previous_ids=("old",)).declare("n2", "Same"),
            {"n1": "old"},
            {},
            [],
        ),
        (
            left("old").declare("n1", "N", previous_ids=("old",)).declare("n2", "Same", "SMS"),
            {"n1": "old"},
            {},
            [],
        ),
        (
            left("o1", "o2").declare("n1", "N", previous_ids=("o1",)).declare("n2", "Same"),
            {"n1": "o1", "n2": "o2"},
            {},
            [],
        ),
        (
            left("o1", "o2").declare("n1", "Same", previous_ids=("o1",)).declare("n2", "Same"),
            {"n1": "o1", "n2": "o2"},
            {},
            [],
        ),
    ],
)
def test_a_previous_id_says_it(scene: Scene, pairs: dict[str, str], likely: dict[str, str], codes: list[str]) -> None:
    assert found(scene) == (pairs, likely, codes)
