"""What the tests of kills mean: each of them fails for an omnictl that is broken on purpose."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.cases import Case, tell_case
from tests.faults.mails import SEND_FEW, SEND_MANY
from tests.faults.points import Death, Way
from tests.faults.pulls import PULL
from tests.faults.sabotage import SABOTAGES
from tests.faults.stage import Launcher
from tests.faults.stories import BUSY, FRESH
from tests.faults.unkind import Unkindness

TAKEN = Death("POST: answered, not read", 1)
LATE = Unkindness("late", {}, ("create:late-commit=0.9",))
LAG = Unkindness("lag", {"list_lag_seconds": 0.9})

CAUGHT: dict[str, Case] = {
    "no intents": Case(FRESH, 1, (TAKEN,)),
    "late intents": Case(FRESH, 1, (TAKEN,)),
    "skipped writes": Case(BUSY, 1, (TAKEN,)),
    "forgotten keys": Case(FRESH, 1, ()),
    "written in place": Case(FRESH, 1, (Death("state: before its directory flushed", 2),)),
    "unflushed directory": Case(FRESH, 1, (replace(TAKEN, way=Way.CUT),)),
    "unflushed file": Case(FRESH, 1, (replace(TAKEN, way=Way.CUT_KEEPING_NAMES),)),
    "no patience": Case(FRESH, 1, (Death("POST: sent", 1),), LATE),
    "no patience, lag": Case(FRESH, 1, (TAKEN,), LAG),
    "never looks": Case(FRESH, 1, (TAKEN,)),
    "late ledger": Case(SEND_MANY, 1, (TAKEN,)),
    "lost receipts": Case(SEND_FEW, 1, ()),
    "everybody is new": Case(SEND_MANY, 1, (Death("ledger: after COMMIT", 9),)),
    "resends by itself": Case(SEND_FEW, 1, (), Unkindness("late", {}, ("send:late-commit=1.5",))),
    "unknown is not tried": Case(SEND_FEW, 1, (), Unkindness("cut", {}, ("send:cut-after",))),
    "looks for no message": Case(SEND_FEW, 1, (), Unkindness("cut", {}, ("send:cut-after",))),
    "late gaps": Case(PULL, 1, (Death("GET: answered, not read", 3),)),
    "gaps of the lost are closed": Case(PULL, 1, (), Unkindness("cut", {}, ("reports:cut-after",))),
    "gaps fill themselves": Case(PULL, 1, (), Unkindness("cut", {}, ("reports:cut-after",))),
}


def test_every_sabotage_is_tried() -> None:
    assert {name.partition(",")[0] for name in CAUGHT} | {"no lock", "no conditions", "hands unheld"} == set(SABOTAGES)


@pytest.mark.parametrize("name", CAUGHT)
def test_a_broken_omnictl_is_caught(name: str, launcher: Launcher, tmp_path: Path) -> None:
    """And the same case with an omnictl that is whole is not: it is the sabotage that is caught."""
    case = CAUGHT[name]
    assert not tell_case(launcher, tmp_path, case).wrong
    told = tell_case(launcher, tmp_path, replace(case, sabotage=name.partition(",")[0]))
    assert told.wrong, f"{name} went unnoticed"
