"""Settling unknown creates."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from omnictl.engine.recover import believe_absence_at, settle
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


def test_owned_elsewhere_is_not_ours() -> None:
    assert settle(state(intent("a")), account(k1=BODY), owned_elsewhere=["k1"]).found == ()


@pytest.mark.parametrize(("ended", "expected"), [(-10, -10), (0, 0), (500, 0)])
def test_absence_counts_from_the_end_of_the_sender(ended: int, expected: int) -> None:
    at = believe_absence_at(intent("a"), sender_ended_at=NOW + timedelta(seconds=ended), settle_seconds=60)
    assert at == NOW + timedelta(seconds=expected + 60)
    assert isinstance(at, datetime)
