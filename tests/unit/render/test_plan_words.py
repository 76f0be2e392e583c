"""The words of a plan that every rendering shares."""

from msgspec.structs import replace

from omnictl.model.plan import Cost, Plan
from omnictl.model.state import Account
from omnictl.render.plan_words import say_time
from tests.builders import NOW


def test_each_budget_is_told_with_its_own_window() -> None:
    plan = Plan("p", NOW, "test", Account("h"), "l", 1, "d", cost=Cost(2, 1, 1, 9.0, 5, 3, 60.0, 6.0))
    assert say_time(plan) == "Time: about 9 s; 3 requests (2 of 5 creates per 1 min, 1 of 3 updates per 6 s)."
    same = replace(plan, cost=replace(plan.cost, update_window_seconds=60.0))
    assert say_time(same) == "Time: about 9 s; 3 requests (2 of 5 creates, 1 of 3 updates per 1 min)."
