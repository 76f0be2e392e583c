"""One change of a saved plan against one present: to be done, done, or the words that say what moved."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

import pytest
from msgspec.structs import replace

from omnictl.engine.resume import resume
from omnictl.model.change import Cause, Change, Refresh, Update
from omnictl.model.plan import Guard, GuardFinding
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, Manage, OnRemoval, Protection, Remote
from omnictl.model.state import Intent, PlanMark, Record, State
from tests.builders import Scene
from tests.unit.engine.changes import (
    NEW,
    OLD,
    adopt,
    create,
    forget,
    record_of,
    refresh,
    rename,
    retire,
    set_default,
    update,
)
from tests.worlds import NOW, address

PLAN = replace(Scene().plan(), lineage="lineage", plan_id="this")
MEDDLED = Attributes("Meddled", OLD.flow)
REROUTED = Attributes("Old", NEW.flow)
WITHOUT_NAME = Lifecycle(ignore_changes=(IgnoredField("name"),))
WITHOUT_FLOW = Lifecycle(ignore_changes=(IgnoredField("flow"),))


def rec(
    scenario_id: str, key: str | None = None, applied: Attributes = OLD, observed: Attributes | None = None
) -> Record:
    record = record_of(scenario_id)
    return replace(record, key=key or record.key, applied=applied, observed=observed or applied)


class Case(NamedTuple):
    """A change, what the state has (records), what the account shows (key: attributes), and what is said."""

    change: Change
    records: tuple[Record, ...]
    account: dict[str, Attributes]
    says: str
    started: bool = False
    more: Mapping[str, Any] = MappingProxyType({})


def intent(scenario_id: str) -> Intent:
    return Intent(address(scenario_id), NEW, False, "run", NOW, NOW)


ELSE = 'its record was changed by another apply (the name was "Old" and is "Meddled")'
NOT_THERE = "its scenario is no longer on the account"
RENAMED, LONGER = ('the name was "Old" and is "Meddled"', "step 1 of the flow was not there and is VIBER Acme")
NAME, FLOW, BOTH = (f"it was changed on the account ({each})" for each in (RENAMED, LONGER, f"{RENAMED}, {LONGER}"))
TO_NEW = f'the name was "Old" and is "New", {LONGER}'
ELSE_NEW = f"its record was changed by another apply ({TO_NEW})"
BACK = 'the name was "New" and is "Old", step 1 of the flow was VIBER Acme and is not there'
WENT_BACK = f"it was changed on the account ({BACK})"
ELSEWHERE = "the environment staging manages its key now ({})"
NEAR_NEW = Attributes("new", NEW.flow)


def undo() -> Update:
    before = rec("edited", applied=NEW)
    return replace(update(), recorded=before, actual=MEDDLED, cause=Cause.DRIFT)


def staging(key: str) -> Mapping[str, Any]:
    return {"elsewhere": {key: "staging"}}


SEEN = GuardFinding(Guard.DEFAULT_CHANGE, "retired", "It is the account default.", allowed=True)
WATCHED = Lifecycle(manage=Manage.OBSERVE)


GUARDED = Lifecycle(protected=Protection.ALL)
LASTING = Lifecycle(protected=Protection.REMOVAL)
MARKED = Lifecycle(on_removal=OnRemoval.RETIRE)
TAKEN = replace(set_default(), previous_key="X")
LOSER_GUARDED = "x, which loses the default by it, is protected now"


def kept(scenario_id: str, lifecycle: Lifecycle, applied: Attributes = OLD) -> Record:
    return replace(rec(scenario_id, applied=applied), lifecycle=lifecycle)


def unguarding() -> Update:
    return replace(update(), recorded=kept("edited", GUARDED))


def known(*ids: str) -> Mapping[str, Any]:
    return {"guards": tuple(GuardFinding(Guard.PROTECTED, each, "It is protected.", allowed=True) for each in ids)}


def lifecycle_alone() -> Refresh:
    before = rec("stale")
    return Refresh(before.address, before, before.observed, before.applied, WATCHED)


def touched() -> Record:
    return replace(rec("edited", applied=NEW), updated_at=NOW)


CASES = [
    # create
    Case(create(), (), {}, "pending"),
    Case(create(), (rec("other"),), {"OTHER": OLD}, "pending"),
    Case(create(), (rec("new", "K", NEW),), {"K": NEW}, "it is recorded now (key K)"),
    Case(create(), (rec("new", "K", NEW),), {"K": NEW}, "done", started=True),
    Case(create(), (rec("new", "K", OLD),), {"K": OLD}, "it is recorded now (key K)", started=True),
    Case(create(replaces="NEW"), (rec("new"),), {}, "pending"),
    Case(create(replaces="NEW"), (rec("new"),), {"NEW": OLD}, "its scenario is on the account again"),
    Case(create(replaces="NEW"), (), {"NEW": OLD}, "its scenario is on the account again"),
    Case(create(replaces="NEW"), (rec("new", "K", NEW),), {"K": NEW}, "done", started=True),
    Case(create(first=True), (), {}, "pending"),
    Case(
        create(first=True),
        (),
        {"X": OLD},
        "the account is no longer empty, so it would not become the default",
    ),
    Case(create(first=True), (), {"X": OLD}, "pending", started=True),
    Case(create(), (), {"X": OLD}, "pending"),
    Case(create(), (), {"X": NEW}, "the account has a scenario like it now (key X)"),
    Case(create(), (), {"Y": NEW, "X": NEAR_NEW}, "the account has a scenario like it now (key X)"),
    Case(create(), (), {"X": NEW}, "the account has a scenario like it now (key X)", started=True),
    Case(create(), (), {"X": NEW}, "pending", more={"twins": {address("new"): ("X",)}}),
    Case(
        create(),
        (),
        {"X": NEW, "Y": NEW},
        "the account has a scenario like it now (key Y)",
        more={"twins": {address("new"): ("X",)}},
    ),
    Case(create(), (rec("other", "X"),), {"X": NEW}, "pending"),
    Case(create(), (), {"X": NEW}, "pending", more={"elsewhere": {"X": "staging"}}),
    Case(create(), (), {"X": NEW}, "pending", more={"intents": (intent("new"),)}),
    Case(
        create(),
        (),
        {"X": NEW},
        "the account has a scenario like it now (key X)",
        more={"intents": (intent("other"),)},
    ),
    # update
    Case(update(), (rec("edited"),), {"EDITED": OLD}, "pending"),
    Case(update(), (rec("edited"),), {"EDITED": OLD}, "pending", started=True),
    Case(update(), (), {"EDITED": OLD}, "its record is gone (key EDITED)"),
    Case(update(), (rec("edited", "K"),), {"EDITED": OLD}, "its record had the key EDITED and has K now"),
    Case(update(), (rec("edited", "K"),), {"EDITED": OLD}, "its record had the key EDITED and has K now", started=True),
    Case(update(), (rec("edited"),), {}, NOT_THERE),
    Case(update(), (rec("edited"),), {"EDITED": MEDDLED}, NAME),
    Case(update(), (rec("edited"),), {"EDITED": REROUTED}, FLOW),
    Case(update(), (rec("edited"),), {"EDITED": Attributes("Meddled", NEW.flow)}, BOTH),
    Case(update(), (rec("edited"),), {"EDITED": MEDDLED}, NAME, started=True),
    Case(update(), (rec("edited"),), {"EDITED": NEW}, f"it was changed on the account ({TO_NEW})"),
    Case(update(), (rec("edited"),), {"EDITED": NEW}, "pending", started=True),
    Case(update(), (rec("edited"),), {"EDITED": NEAR_NEW}, "pending", started=True),
    Case(update(), (rec("edited", applied=NEW),), {"EDITED": NEW}, "done", started=True),
    Case(update(), (rec("edited", applied=NEW),), {"EDITED": NEW}, ELSE_NEW),
    Case(update(), (rec("edited", applied=NEW),), {}, "done", started=True),
    Case(update(), (rec("edited", applied=NEW, observed=OLD),), {"EDITED": MEDDLED}, "done", started=True),
    Case(update(), (rec("edited", applied=MEDDLED),), {"EDITED": OLD}, ELSE),
    Case(update(), (rec("edited", applied=MEDDLED),), {"EDITED": OLD}, ELSE, started=True),
    Case(update(), (rec("edited", observed=MEDDLED),), {"EDITED": OLD}, ELSE),
    Case(update(lifecycle=WITHOUT_NAME), (rec("edited"),), {"EDITED": MEDDLED}, "pending"),
    Case(update(lifecycle=WITHOUT_NAME), (rec("edited"),), {"EDITED": REROUTED}, FLOW),
    Case(update(lifecycle=WITHOUT_FLOW), (rec("edited"),), {"EDITED": REROUTED}, "pending"),
    # an update that undoes drift: what is wanted was applied before, and the record is touched when a PUT leaves
    Case(undo(), (touched(),), {"EDITED": MEDDLED}, "pending", started=True),
    Case(undo(), (touched(),), {"EDITED": MEDDLED}, "pending"),
    Case(undo(), (touched(),), {"EDITED": NEW}, "done", started=True),
    Case(
        undo(),
        (touched(),),
        {"EDITED": NEW},
        f'it was changed on the account (the name was "Meddled" and is "New", {LONGER})',
    ),
    Case(undo(), (touched(),), {"EDITED": OLD}, "done", started=True),
    Case(undo(), (touched(),), {}, "done", started=True),
    Case(undo(), (replace(touched(), observed=NEAR_NEW),), {"EDITED": MEDDLED}, "done", started=True),
    Case(undo(), (rec("edited", applied=NEW),), {"EDITED": MEDDLED}, "pending", started=True),
    Case(undo(), (rec("edited", applied=NEW),), {"EDITED": NEW}, "pending", started=True),
    # rename
    Case(rename(), (rec("before"),), {"BEFORE": OLD}, "pending"),
    Case(rename(), (), {"BEFORE": OLD}, "before is no longer recorded with this key"),
    Case(rename(), (rec("before", "K"),), {"BEFORE": OLD}, "before is no longer recorded with this key"),
    Case(rename(), (rec("after", "BEFORE"),), {"BEFORE": OLD}, "its new address is recorded now"),
    Case(rename(), (rec("after", "BEFORE"),), {"BEFORE": OLD}, "done", started=True),
    Case(rename(), (rec("after", "K"),), {"BEFORE": OLD}, "its new address is recorded now", started=True),
    Case(rename(), (rec("before"),), {}, NOT_THERE),
    Case(rename(), (rec("before"),), {"BEFORE": MEDDLED}, NAME),
    Case(rename(differs=True), (rec("before"),), {"BEFORE": NEW}, "pending", started=True),
    # adopt
    Case(adopt(), (), {"ADOPTED": OLD}, "pending"),
    Case(adopt(), (rec("other"),), {"ADOPTED": OLD, "OTHER": OLD}, "pending"),
    Case(adopt(), (rec("adopted"),), {"ADOPTED": OLD}, "its address is recorded now"),
    Case(adopt(), (rec("adopted"),), {"ADOPTED": OLD}, "done", started=True),
    Case(adopt(), (rec("adopted", "K"),), {"ADOPTED": OLD}, "its address is recorded now", started=True),
    Case(adopt(), (rec("other", "ADOPTED"),), {"ADOPTED": OLD}, "the key ADOPTED belongs to another address now"),
    Case(adopt(), (), {}, NOT_THERE),
    Case(adopt(), (), {"ADOPTED": MEDDLED}, NAME),
    Case(adopt(differs=True), (), {"ADOPTED": NEW}, "pending", started=True),
    # forget, retire
    Case(forget(), (rec("gone"),), {}, "pending"),
    Case(forget(), (rec("gone"),), {"GONE": MEDDLED}, "pending"),
    Case(forget(), (), {}, "it is no longer recorded"),
    Case(forget(), (), {}, "done", started=True),
    Case(forget(), (rec("gone", "K"),), {}, "it is recorded with another key now"),
    Case(retire(), (rec("retired"),), {"RETIRED": OLD}, "pending"),
    Case(retire(), (rec("retired"),), {"RETIRED": MEDDLED}, NAME),
    Case(retire(), (rec("retired"),), {}, NOT_THERE),
    Case(
        retire(),
        (rec("retired"),),
        {"RETIRED": Attributes("[retired] Old", OLD.flow)},
        'it was changed on the account (the name was "Old" and is "[retired] Old")',
    ),
    Case(retire(), (rec("retired"),), {"RETIRED": Attributes("[retired] Old", OLD.flow)}, "pending", started=True),
    Case(retire(), (), {}, "done", started=True),
    Case(forget(), (rec("gone"),), {"*GONE": OLD}, "it became the account default"),
    Case(retire(), (rec("retired"),), {"*RETIRED": OLD}, "it became the account default"),
    Case(
        retire(),
        (rec("retired"),),
        {"*RETIRED": OLD},
        "pending",
        more={"guards": (SEEN,)},
    ),
    # another environment of the account took the key
    Case(adopt(), (), {"ADOPTED": OLD}, ELSEWHERE.format("ADOPTED"), more=staging("ADOPTED")),
    Case(
        update(),
        (rec("edited"),),
        {"EDITED": OLD},
        ELSEWHERE.format("EDITED"),
        more={"elsewhere": {"EDITED": "staging"}},
    ),
    Case(
        rename(),
        (rec("before"),),
        {"BEFORE": OLD},
        ELSEWHERE.format("BEFORE"),
        more={"elsewhere": {"BEFORE": "staging"}},
    ),
    Case(
        retire(),
        (rec("retired"),),
        {"RETIRED": OLD},
        ELSEWHERE.format("RETIRED"),
        more={"elsewhere": {"RETIRED": "staging"}},
    ),
    Case(forget(), (rec("gone"),), {"GONE": OLD}, "pending", more=staging("GONE")),
    # only the lifecycle is remembered anew
    Case(lifecycle_alone(), (rec("stale"),), {"STALE": MEDDLED}, "pending"),
    Case(lifecycle_alone(), (rec("stale"),), {}, "pending"),
    Case(lifecycle_alone(), (replace(rec("stale"), lifecycle=WATCHED),), {"STALE": MEDDLED}, "done", started=True),
    Case(lifecycle_alone(), (rec("stale", applied=MEDDLED),), {"STALE": OLD}, ELSE),
    Case(lifecycle_alone(), (kept("stale", WATCHED),), {}, "pending"),
    Case(lifecycle_alone(), (kept("stale", GUARDED),), {}, "it is protected now"),
    Case(lifecycle_alone(), (kept("stale", GUARDED),), {}, "it is protected now", started=True),
    # what was recorded since of how it is to be treated
    Case(update(), (kept("edited", GUARDED),), {"EDITED": OLD}, "it is protected now"),
    Case(update(), (kept("edited", WATCHED),), {"EDITED": OLD}, "it is only observed now"),
    Case(update(), (kept("edited", MARKED),), {"EDITED": OLD}, "its removal is to retire it now"),
    Case(
        update(),
        (kept("edited", Lifecycle(Protection.ALL, Manage.OBSERVE)),),
        {"EDITED": OLD},
        "it is protected now and it is only observed now",
    ),
    Case(update(), (kept("edited", GUARDED),), {"EDITED": OLD}, "it is protected now", started=True),
    Case(update(lifecycle=GUARDED), (kept("edited", GUARDED),), {"EDITED": OLD}, "it is protected now"),
    Case(update(lifecycle=GUARDED), (kept("edited", GUARDED),), {"EDITED": OLD}, "pending", started=True),
    Case(update(lifecycle=GUARDED), (kept("edited", GUARDED, NEW),), {"EDITED": NEW}, "done", started=True),
    Case(unguarding(), (kept("edited", GUARDED),), {"EDITED": OLD}, "pending"),
    Case(unguarding(), (rec("edited"),), {"EDITED": OLD}, "it is no longer protected"),
    Case(unguarding(), (kept("edited", LASTING),), {"EDITED": OLD}, "it is less protected now"),
    Case(undo(), (kept("edited", GUARDED, NEW),), {"EDITED": MEDDLED}, "it is protected now", started=True),
    Case(rename(), (kept("before", GUARDED),), {"BEFORE": OLD}, "it is protected now"),
    Case(rename(), (rec("before", applied=MEDDLED),), {"BEFORE": OLD}, ELSE),
    Case(forget(), (kept("gone", LASTING),), {"GONE": OLD}, "it is protected now"),
    Case(forget(), (kept("gone", WATCHED),), {"GONE": OLD}, "it is only observed now"),
    Case(forget(), (kept("gone", WATCHED),), {"GONE": OLD}, "it is only observed now", started=True),
    Case(forget(), (rec("gone", applied=MEDDLED),), {"GONE": MEDDLED}, ELSE),
    Case(forget(vanished=True), (rec("gone"),), {}, "pending"),
    Case(forget(vanished=True), (rec("gone"),), {"GONE": OLD}, "its scenario is on the account again"),
    Case(retire(), (kept("retired", WATCHED),), {"RETIRED": OLD}, "it is only observed now"),
    Case(refresh(), (kept("stale", GUARDED),), {"STALE": NEW}, "it is protected now"),
    Case(refresh(lifecycle=GUARDED), (kept("stale", GUARDED),), {"STALE": NEW}, "pending"),
    Case(set_default(), (kept("chosen", GUARDED),), {"CHOSEN": NEW}, "it is protected now"),
    Case(set_default(), (kept("chosen", GUARDED),), {"CHOSEN": NEW}, "pending", more=known("chosen")),
    Case(set_default(), (kept("chosen", LASTING),), {"CHOSEN": NEW}, "pending"),
    Case(set_default(), (kept("chosen", WATCHED),), {"CHOSEN": NEW}, "it is only observed now"),
    Case(TAKEN, (rec("chosen"), kept("x", LASTING)), {"CHOSEN": NEW, "*X": OLD}, LOSER_GUARDED),
    Case(TAKEN, (rec("chosen"), kept("x", LASTING)), {"CHOSEN": NEW, "*X": OLD}, "pending", more=known("x")),
    Case(TAKEN, (rec("chosen"), kept("x", WATCHED)), {"CHOSEN": NEW, "*X": OLD}, "pending"),
    # the account default
    Case(set_default(), (rec("chosen"),), {"CHOSEN": NEW}, "pending"),
    Case(
        set_default(),
        (rec("chosen"),),
        {"CHOSEN": NEW, "*X": OLD},
        'the account had no default, and "Old" (X) is it now',
    ),
    Case(set_default(), (rec("chosen"),), {"*CHOSEN": NEW}, "the account had no default, and chosen is it now"),
    Case(set_default(), (rec("chosen"),), {"*CHOSEN": NEW}, "done", started=True),
    Case(set_default(), (), {"*CHOSEN": NEW}, 'the account had no default, and "New" (CHOSEN) is it now', started=True),
    Case(replace(set_default(), previous_key="X"), (rec("chosen"),), {"CHOSEN": NEW, "*X": OLD}, "pending"),
    Case(
        replace(set_default(), previous_key="X"),
        (rec("chosen"),),
        {"X": OLD},
        'the account default was "Old" (X) and is nobody now',
    ),
    Case(
        replace(set_default(), previous_key="X"),
        (rec("chosen"),),
        {"*Y": OLD},
        'the account default was X and is "Old" (Y) now',
    ),
    Case(
        replace(set_default(), previous_key="X", previous=address("x")),
        (rec("chosen"), rec("y")),
        {"*Y": OLD},
        "the account default was x and is y now",
    ),
    Case(replace(set_default(), previous_key="X"), (rec("chosen"),), {"X": OLD, "*CHOSEN": NEW}, "done", started=True),
    # refresh
    Case(refresh(), (rec("stale"),), {"STALE": NEW}, "pending"),
    Case(refresh(), (), {"STALE": NEW}, "its record is gone (key STALE)"),
    Case(refresh(), (rec("stale", "K"),), {"STALE": NEW, "K": NEW}, "its record had the key STALE and has K now"),
    Case(refresh(), (rec("stale"),), {}, NOT_THERE),
    Case(refresh(), (rec("stale"),), {"STALE": OLD}, WENT_BACK),
    Case(refresh(), (rec("stale", applied=NEW),), {"STALE": NEW}, "pending"),
    Case(refresh(), (rec("stale", applied=NEW),), {"STALE": NEW}, "done", started=True),
    Case(refresh(), (rec("stale", applied=NEW, observed=OLD),), {"STALE": NEW}, "pending", started=True),
    Case(refresh(), (rec("stale", applied=OLD, observed=NEW),), {"STALE": NEW}, "pending", started=True),
    Case(refresh(), (rec("stale", applied=NEW),), {"STALE": OLD}, WENT_BACK, started=True),
]


@pytest.mark.parametrize("case", CASES)
def test_what_is_said_of_a_change(case: Case) -> None:
    marks = (PlanMark("another", NOW, NOW), *((PlanMark("this", NOW),) if case.started else ()))
    state = State(
        "lineage",
        "production",
        records={each.address: each for each in case.records},
        intents=case.more.get("intents", ()),
        plans=marks,
    )
    account = {
        key.removeprefix("*"): Remote(key.removeprefix("*"), each, key.startswith("*"))
        for key, each in case.account.items()
    }
    told = {name: case.more[name] for name in ("twins", "guards") if name in case.more}
    plan = replace(PLAN, changes=(case.change,), **told)
    result = resume(plan, state, account, case.more.get("elsewhere", {}))
    subject = case.change.address.removeprefix("scenario.")
    expected = (
        (case.change,) if case.says == "pending" else (),
        (case.change,) if case.says == "done" else (),
        () if case.says in ("pending", "done") else (f"{subject}: {case.says}.",),
    )
    assert (result.pending, result.done, tuple(each.detail for each in result.moved)) == expected
    assert not result.finished


def test_a_finished_plan_is_done_whatever_moved() -> None:
    changes: tuple[Change, ...] = (update(), create())
    state = State("another", "production", plans=(PlanMark("this", NOW, NOW),))
    result = resume(replace(PLAN, changes=changes), state, {})
    assert (result.pending, result.done, result.moved, result.finished) == ((), changes, (), True)


def test_what_the_plan_itself_recorded_of_the_winner_and_the_loser_is_no_move() -> None:
    """An earlier run of the plan wrote both lifecycles, and was cut before the default moved."""
    winner = replace(update("chosen"), lifecycle=GUARDED)
    loser = replace(refresh("x"), recorded=rec("x"), actual=OLD, desired=OLD, lifecycle=GUARDED)
    flip = replace(set_default(), previous_key="X")
    records = (kept("chosen", GUARDED, NEW), kept("x", GUARDED))
    state = State(
        "lineage",
        "production",
        records={each.address: each for each in records},
        plans=(PlanMark("this", NOW),),
    )
    account = {"CHOSEN": Remote("CHOSEN", NEW), "X": Remote("X", OLD, is_default=True)}
    result = resume(replace(PLAN, changes=(winner, loser, flip)), state, account)
    assert (result.pending, result.done, result.moved) == ((flip,), (winner, loser), ())
    later = replace(state, records={each.address: each for each in (records[0], kept("x", LASTING))})
    [told] = resume(replace(PLAN, changes=(winner, flip)), later, account).moved
    assert told.detail == f"chosen: {LOSER_GUARDED}."


def test_of_another_lineage_nothing_is_said_but_that() -> None:
    result = resume(replace(PLAN, changes=(update(), create())), State("another", "production"), {})
    assert (result.pending, result.done, result.finished) == ((), (), False)
    [told] = result.moved
    assert told.detail == "the state: it is another one (lineage)."
    assert (told.code, told.severity.value) == ("stale-plan", "error")
    assert told.summary == "The plan is stale: something that it touches has moved"
    assert told.hint == "make a new plan and have it reviewed"


def test_each_change_is_judged_by_itself() -> None:
    changes: tuple[Change, ...] = (update("a"), adopt("b"), forget("c"), rename("d", "e"))
    state = State(
        "lineage",
        "production",
        records={each.address: each for each in (rec("a"), rec("b"), rec("e", "K"))},
        plans=(PlanMark("this", NOW),),
    )
    result = resume(replace(PLAN, changes=changes), state, {"A": Remote("A", OLD), "B": Remote("B", OLD)})
    assert result.pending == changes[:1]
    assert result.done == changes[1:3]
    assert [each.detail for each in result.moved] == ["d: e is no longer recorded with this key."]


def test_every_kind_of_change_has_its_cases() -> None:
    assert {type(each.change) for each in CASES} == set(get_args(Change))
