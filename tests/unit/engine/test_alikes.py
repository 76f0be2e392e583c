"""The index of scenarios that look alike finds what comparing each with each finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.engine.alikes import Alikes
from omnictl.engine.compare import is_near
from omnictl.model.plan import Near
from omnictl.model.scenario import Attributes, Remote, Step

# Names that are equal, near (case, width, spaces), cut from one another, or cut too short to say so.
PARTS = (
    "order",
    "Order",
    " updates",
    " UPDATES",
    "  updates",
    " for the shop",
    "\uff36K",
    "Stra\u00dfe",
    "strasse",
    "",
)
names = st.lists(st.sampled_from(PARTS), max_size=4).map("".join)
steps = st.builds(Step, st.sampled_from(("SMS", "PUSH")), st.sampled_from((None, "A", "a", "b")))
bodies = st.builds(Attributes, names, st.lists(steps, min_size=1, max_size=2).map(tuple))
accounts = st.lists(bodies, max_size=12).map(
    lambda each: {f"K{n:02}": Remote(f"K{n:02}", attributes) for n, attributes in enumerate(each)}
)


@given(accounts, bodies, st.sets(st.sampled_from([f"K{n:02}" for n in range(12)]), max_size=4))
def test_the_index_finds_what_comparing_each_with_each_finds(
    remotes: dict[str, Remote], body: Attributes, owned: set[str]
) -> None:
    expected = tuple(
        Near(key, remote.attributes, remote.attributes == body)
        for key, remote in sorted(remotes.items())
        if key not in owned and (remote.attributes == body or is_near(remote.attributes, body))
    )
    assert Alikes(remotes, owned).of(body) == expected


def test_a_name_that_is_cut_short_is_found_from_both_sides() -> None:
    step = (Step("SMS"),)
    account = {
        key: Remote(key, Attributes(name, step))
        for key, name in {
            "K1": "Order updates",
            "K2": "order upd",
            "K3": "Order updates for the shop",
            "K4": "Order",
        }.items()
    }
    alikes = Alikes(account, ("K3",))
    assert [(each.key, each.exact) for each in alikes.of(account["K1"].attributes)] == [("K1", True), ("K2", False)]
    assert [each.key for each in alikes.of(account["K2"].attributes)] == ["K1", "K2"]
    assert [each.key for each in alikes.of(account["K4"].attributes)] == ["K4"]


@pytest.mark.parametrize(("short", "found"), [("order u", False), ("order up", True), ("order upd", True)])
def test_a_cut_name_says_something_from_eight_characters_on(short: str, *, found: bool) -> None:
    account = {
        "K1": Remote("K1", Attributes(short, (Step("SMS"),))),
        "K2": Remote("K2", Attributes("order updates", (Step("SMS"),))),
    }
    alikes = Alikes(account, ())
    assert [each.key for each in alikes.of(account["K1"].attributes)] == (["K1", "K2"] if found else ["K1"])
    assert [each.key for each in alikes.of(account["K2"].attributes)] == (["K1", "K2"] if found else ["K2"])
