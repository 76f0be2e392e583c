"""Selections: what --only and --exclude name, by id and by label, and by both ids of a rename."""

from typing import Any

import pytest

from omnictl.model.address import id_of
from tests.worlds import World, declare


def planned(world: World, **selection: Any) -> list[str]:
    """Return the ids that a plan changes."""
    return [id_of(each.address) for each in world.plan(**selection).changes]


def world_of_three() -> World:
    world = World()
    for name, team in (("otp-br", "growth"), ("otp-de", "core"), ("promo", "growth")):
        world.declare(name, declare(name, labels={"team": team}))
    return world


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        ({}, ["otp-br", "otp-de", "promo"]),
        ({"only": ("otp-*",)}, ["otp-br", "otp-de"]),
        ({"only": ("otp-*", "promo")}, ["otp-br", "otp-de", "promo"]),
        ({"exclude": ("otp-*",)}, ["promo"]),
        ({"only": ("label:team=growth",)}, ["otp-br", "promo"]),
        ({"only": ("label:team=growth",), "exclude": ("promo",)}, ["otp-br"]),
        ({"only": ("otp-*",), "exclude": ("label:team=co*",)}, ["otp-br"]),
        ({"only": ("label:tier=1",)}, []),
    ],
)
def test_words_choose_by_id_and_label(selection: dict[str, tuple[str, ...]], chosen: list[str]) -> None:
    assert planned(world_of_three(), **selection) == chosen


@pytest.mark.parametrize("previous_ids", [("old",), ()], ids=["by a line", "by name and flow"])
@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        ({"only": ("new",)}, ["new"]),
        ({"only": ("old",)}, ["new"]),
        ({"only": ("other",)}, []),
        ({"exclude": ("new",)}, []),
        ({"exclude": ("old",)}, []),
        ({"exclude": ("other",)}, ["new"]),
    ],
)
def test_who_is_renamed_goes_by_both_ids(
    previous_ids: tuple[str, ...], selection: dict[str, tuple[str, ...]], chosen: list[str]
) -> None:
    """To name the old one must neither read as no changes nor, excluded, be renamed all the same."""
    world = World()
    world.declare("old", declare("old", "Same"))
    world.declare("other")
    world.apply()
    del world.files["old"]
    world.declare("new", declare("new", "Same", previous_ids=previous_ids))
    assert planned(world, **selection) == chosen
