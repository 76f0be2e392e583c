"""Settling unknown creates."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from omnictl.engine.recover import Absent, believe_absence_at, settle
from omnictl.model.address import make_address
from omnictl.model.scenario import Attributes, Remote, Step
from omnictl.model.state import Intent, State
from tests.worlds import NOW

BODY = Attributes("Order updates", (Step("SMS", "A"),))


def intent(name: str, body: Attributes = BODY, known: tuple[str, ...] = ()) -> Intent:
    return Intent(make_address(name), body, default=False, run="r", created_at=NOW, not_after=NOW, known_keys=known)


def account(**rows: Attributes) -> dict[str, Remote]:
    return {key: Remote(key, attributes) for key, attributes in rows.items()}


def state(*intents: Intent) -> State:
    return State("lineage", "test", intents=intents)


def test_one_match_is_found() -> None:
    result = settle(state(intent("a")), account(k1=BODY))
    assert [(each.intent.address, each.remote.key) for each in result.found] == [("scenario.a", "k1")]


def test_nothing_is_absent() -> None:
    assert [each.intent.address for each in settle(state(intent("a")), {}).absent] == ["scenario.a"]


def test_known_before_is_not_ours() -> None:
    assert settle(state(intent("a", known=("k1",))), account(k1=BODY)).found == ()


def test_fewer_matches_than_intents_go_by_address() -> None:
    result = settle(state(intent("b"), intent("a")), account(k1=BODY))
    assert [each.intent.address for each in result.found] == ["scenario.a"]
    assert [each.intent.address for each in result.absent] == ["scenario.b"]


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_of_equal_ones_the_account_default_is_the_one_that_was_to_become_it(names: tuple[str, str]) -> None:
    leader, other = names
    open_state = state(intent(other), replace(intent(leader), default=True))
    remotes = {"k1": Remote("k1", BODY), "k2": Remote("k2", BODY, is_default=True)}
    found = {each.intent.address: each.remote.key for each in settle(open_state, remotes).found}
    assert found == {f"scenario.{leader}": "k2", f"scenario.{other}": "k1"}
    alone = settle(open_state, {"k2": remotes["k2"]})
    assert [each.intent.address for each in alone.found] == [f"scenario.{leader}"]
    assert [each.intent.address for each in alone.absent] == [f"scenario.{other}"]


def test_more_matches_than_intents_stop() -> None:
    result = settle(state(intent("a")), account(k1=BODY, k2=BODY))
    assert [near.key for near in result.ambiguous[0].candidates] == ["k1", "k2"]


@pytest.mark.parametrize("name", ["order updates", "Order  updates ", "Order updates and more", "Order up", "Оrder"])
def test_near_matches_stop(name: str) -> None:
    result = settle(state(intent("a")), account(k1=replace(BODY, name=name)))
    assert bool(result.ambiguous) == (name != "Оrder")
    assert bool(result.absent) == (name == "Оrder")


def test_a_near_match_that_is_somebodys_exact_one_does_not_count() -> None:
    other = replace(BODY, name="order updates")
    result = settle(state(intent("a"), intent("b", other)), account(k1=other))
    assert [each.intent.address for each in result.found] == ["scenario.b"]
    assert [each.intent.address for each in result.absent] == ["scenario.a"]


def test_a_near_match_beside_enough_exact_ones_stops_nothing() -> None:
    result = settle(state(intent("a")), account(k1=BODY, k2=replace(BODY, name="order updates")))
    assert [(each.intent.address, each.remote.key) for each in result.found] == [("scenario.a", "k1")]
    assert (result.absent, result.ambiguous) == ((), ())


def test_each_body_is_settled_by_itself() -> None:
    bodies = [replace(BODY, name=name) for name in ("One of them", "Two of them", "Another", "Last")]
    intents = [intent(name, body) for name, body in zip("abcd", bodies, strict=True)]
    seen = account(k1=bodies[0], k2=bodies[0], k3=bodies[1], k4=bodies[2])
    result = settle(state(*intents), seen)
    assert [each.intents for each in result.ambiguous] == [(intents[0],)]
    assert [(each.intent, each.remote.key) for each in result.found] == [(intents[1], "k3"), (intents[2], "k4")]
    assert [each.intent for each in result.absent] == [intents[3]]


def test_exact_candidates_are_named_before_near_ones() -> None:
    result = settle(state(intent("a"), intent("b")), account(k1=replace(BODY, name="order updates"), k2=BODY))
    assert [(near.key, near.exact) for near in result.ambiguous[0].candidates] == [("k2", True), ("k1", False)]


def test_only_what_every_one_of_equal_intents_knew_is_left_out() -> None:
    one, other = intent("a", known=("k1", "k2")), intent("b", known=("k2",))
    result = settle(state(one, other), account(k1=BODY, k2=BODY, k3=BODY))
    assert [each.remote.key for each in result.found] == ["k1", "k3"]


def test_what_another_environment_took_while_the_create_was_open_stops() -> None:
    result = settle(state(intent("a")), account(k1=BODY), owned_elsewhere=["k1"])
    assert (result.found, result.absent) == ((), ())
    assert [near.key for each in result.ambiguous for near in each.candidates] == ["k1"]


def test_what_another_environment_had_before_is_not_ours_and_stops_nothing() -> None:
    before = replace(intent("a"), known_keys=("k1",))
    assert settle(state(before), account(k1=BODY), owned_elsewhere=["k1"]).absent == (Absent(before),)
    both = settle(state(intent("a")), account(k1=BODY, k2=BODY), owned_elsewhere=["k1"])
    assert ([each.remote.key for each in both.found], both.ambiguous) == (["k2"], ())


@pytest.mark.parametrize(("ended", "expected"), [(-10, -10), (0, 0), (500, 0)])
def test_absence_counts_from_the_end_of_the_sender(ended: int, expected: int) -> None:
    at = believe_absence_at(intent("a"), sender_ended_at=NOW + timedelta(seconds=ended), settle_seconds=60)
    assert at == NOW + timedelta(seconds=expected + 60)
    assert isinstance(at, datetime)
