"""Accepting where account and files both changed since it was applied: each side keeps what it alone changed."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from omnictl.engine.accepting import accept_account, differing_fields
from omnictl.engine.decide import NoOp, decide_declared
from omnictl.engine.normalised import Versions, read_versions
from omnictl.engine.rename import Renames
from omnictl.engine.rows import compare_versions
from omnictl.engine.view import RemovalRules, View
from omnictl.model.acceptance import Acceptance
from omnictl.model.address import make_address
from omnictl.model.change import Cause, Refresh, Update
from omnictl.model.drift import Verdict
from omnictl.model.scenario import Attributes, Configuration, Remote, Resource, Step
from omnictl.model.state import Account, Record, State
from tests.builders import flow

ADDRESS = make_address("a")


class Case:
    """One scenario as it was sent and answered, as the account has it, and as the file has it."""

    def __init__(self, applied: Attributes, observed: Attributes, actual: Attributes, file: Attributes) -> None:
        self.record, self.actual, self.file = Record(ADDRESS, "KEY", applied, observed), actual, file

    @property
    def versions(self) -> Versions:
        return read_versions(self.record, self.actual, self.file)

    def __repr__(self) -> str:
        return f"{self.record.applied}, {self.record.observed}, {self.actual}, {self.file}"

    def take(self, *fields: str) -> Acceptance:
        return accept_account(Resource(ADDRESS, self.file), self.record, self.actual, fields)

    def accept(self, *fields: str) -> "Case":
        """Return what it is once it was accepted."""
        return Case(self.record.applied, self.record.observed, self.actual, self.take(*fields).attributes)

    @property
    def fields(self) -> tuple[str, ...]:
        return self.take().fields

    @property
    def differing(self) -> tuple[str, ...]:
        return differing_fields(Resource(ADDRESS, self.file), self.record, self.actual)

    @property
    def verdicts(self) -> set[Verdict]:
        return {each.verdict for each in compare_versions(self.versions, declared=True)}

    @property
    def cause(self) -> Cause | None:
        """Why a plan would write it; None where it would not."""
        resource = Resource(ADDRESS, self.file)
        state = State("lineage", "default", 1, Account("host"), {ADDRESS: self.record})
        view = View(Configuration({ADDRESS: resource}), state, {"KEY": Remote("KEY", self.actual)})
        change = decide_declared(resource, view, Renames({}, {}), RemovalRules())
        assert isinstance(change, NoOp | Refresh | Update)
        assert not isinstance(change, Update) or change.fields, "an update without content"
        return change.cause if isinstance(change, Update) else None


def merge(applied: str, account: str, file: str) -> str:
    base, there, here = (Attributes("A", flow(each)) for each in (applied, account, file))
    merged = Case(base, base, there, here).accept().file.flow
    return " > ".join(f"{each.channel}:{each.sender or ''}".rstrip(":") for each in merged)


@pytest.mark.parametrize(
    ("applied", "account", "file", "merged"),
    [
        ("VK > SMS:A", "VK > SMS:C > SMS:A", "VK > SMS:B", "VK > SMS:C > SMS:B"),
        ("SMS:A", "SMS:C > SMS:A", "SMS:B", "SMS:C > SMS:B"),
        ("SMS:A > SMS:B > SMS:C > SMS:D", "SMS:A > SMS:C > SMS:D", "SMS:A > SMS:D > SMS:C", "SMS:A > SMS:D > SMS:C"),
        ("VIBER:A > VIBER:B > SMS:C", "VIBER:A > SMS:C > VIBER:B", "VIBER:B > SMS:C", "SMS:C > VIBER:B"),
        ("SMS:A", "SMS:C > SMS:A", "SMS:C > SMS:B", "SMS:C > SMS:B"),
        ("EMAIL:A", "EMAIL:A > SMS", "SMS:B > EMAIL:A", "EMAIL:A > SMS"),
        ("SMS:A", "SMS:A > SMS", "SMS:B > SMS:A", "SMS:B > SMS:A > SMS"),
        ("VK:B > EMAIL:A", "EMAIL:A", "VK:b > VK:B > EMAIL:A", "VK:b > EMAIL:A"),
        ("VK > VIBER:A", "VK", "VK > SMS:C > VIBER:A", "VK > SMS:C"),
        ("VK > SMS:A", "VK > SMS:A > EMAIL:a", "VK > SMS:A > PUSH:a", "VK > SMS:A > EMAIL:a > PUSH:a"),
        ("VK > SMS:A", "VK > SMS:A > EMAIL:a", "VK > SMS:A > EMAIL:b", "VK > SMS:A > EMAIL:a"),
        ("VK > SMS:A", "EMAIL:a > VK > SMS:A", "VK > SMS:A > EMAIL:a", "EMAIL:a > VK > SMS:A"),
        ("VK > SMS:A", "VK > SMS:B", "VK", "VK > SMS:B"),
        ("VK > SMS:A", "VK", "VK > SMS:B", "VK"),
        ("VK > SMS:A", "SMS:A > VK", "VK > SMS:B", "SMS:B > VK"),
        ("SMS:C", "SMS:A", "SMS > SMS:C", "SMS > SMS:A"),
        ("PUSH > EMAIL > VIBER", "PUSH > VIBER > EMAIL", "PUSH", "PUSH"),
        ("VK > SMS", "SMS > VK", "VK", "VK"),
        ("VK > SMS", "SMS > VK", "SMS", "SMS"),
        ("A > B > C > D", "D > A > B > C", "A > B > C", "A > B > C"),
        ("A > B > C > D", "B > A > C > D", "A > B > D > C", "B > A > D > C"),
        ("A > B > X > C > D", "X > A > B > C > D", "B > A > C > D > X", "X > B > A > C > D"),
        ("A > B > C", "B > A > C", "A > C > B", "B > A > C"),
        ("A > B", "A > E > B", "B > A", "B > A > E"),
        ("A > B", "A > E > B", "B > E > A", "B > A > E"),
    ],
)
def test_both_sides_changed_the_flow(applied: str, account: str, file: str, merged: str) -> None:
    assert merge(applied, account, file) == merged


def test_a_flow_that_can_be_read_in_two_ways_is_refused() -> None:
    base, there, here = (Attributes("A", flow(each)) for each in ("SMS:b > VK:a", "SMS:c", "SMS:b > VK:a > VK:a"))
    case = Case(base, base, there, here)
    refusal = case.take().refusal
    assert refusal is not None
    assert refusal.code == "ambiguous-merge"
    assert refusal.detail == (
        "A channel stands several times in the flow of a, and its steps can be read in two ways. Accepted twice, it "
        "would be another than accepted once: step 2 of the flow was VK a and is not there. Nothing was written."
    )
    assert refusal.hint == "name what to take with --field: flow, flow[0].from, flow[1], flow[2]; or edit by hand"
    assert [each.refusal for each in map(case.take, case.differing)] == [None] * 3
    assert case.accept("flow").file == there


def test_all_of_the_flow_is_the_account_whatever_both_moved() -> None:
    was, there, here = (
        Attributes("A", flow(each)) for each in ("PUSH:b > EMAIL > VIBER", "EMAIL > PUSH:b > VIBER", "PUSH:c > VIBER")
    )
    case = Case(was, was, there, here)
    assert case.accept("flow").file == case.accept(*case.differing).file == there


CHANNELS = ("VK", "SMS", "EMAIL", "VIBER")
SENDERS = (None, "A", "B", "a ", "B ")
ANY_FLOWS = st.lists(st.builds(Step, st.sampled_from(CHANNELS), st.sampled_from(SENDERS)), min_size=1, max_size=5)
OFTEN = st.lists(
    st.builds(Step, st.sampled_from(CHANNELS), st.sampled_from(SENDERS)), min_size=1, max_size=5, unique=True
)
"""Flows in which a channel may stand often, and no step twice."""
NAMES = st.sampled_from(("Nn", "NN", "Nn ", "Mm"))


@st.composite
def flows(draw: Any, *, moved: bool = True) -> tuple[Step, ...]:
    """Return a flow as people write them: no channel stands in it twice."""
    channels = draw(st.lists(st.sampled_from(CHANNELS), min_size=1, unique=True))
    channels = channels if moved else sorted(channels)
    return tuple(Step(each, draw(st.sampled_from(SENDERS))) for each in channels)


def plainly(applied: Sequence[Step], account: Sequence[Step], file: Sequence[Step]) -> Case:
    """Return a case of a service that keeps what it is sent."""
    was, there, here = (Attributes("A", tuple(each)) for each in (applied, account, file))
    return Case(was, was, there, here)


@given(ANY_FLOWS, ANY_FLOWS, ANY_FLOWS)
def test_nothing_appears_that_neither_side_has(applied: list[Step], account: list[Step], file: list[Step]) -> None:
    assert set(plainly(applied, account, file).accept().file.flow) <= {*account, *file}


@given(OFTEN, OFTEN, OFTEN)
def test_no_step_is_doubled_and_none_that_all_have_is_lost(
    applied: list[Step], account: list[Step], file: list[Step]
) -> None:
    counted = [Counter(each) for each in (applied, account, file)]
    merged = Counter(plainly(applied, account, file).accept().file.flow)
    assert not merged - (counted[1] | counted[2])
    for step in counted[0]:
        if all(step in each for each in counted):
            assert step in merged


@given(flows(), flows(), flows())
def test_each_step_is_as_the_side_left_it_that_changed_it(
    applied: tuple[Step, ...], account: tuple[Step, ...], file: tuple[Step, ...]
) -> None:
    merged = plainly(applied, account, file).accept().file.flow
    assert not [channel for channel, number in Counter(each.channel for each in merged).items() if number > 1]
    was, there, here, then = ({e.channel: e for e in each} for each in (applied, account, file, merged))
    for channel in CHANNELS:
        if there.get(channel) != was.get(channel):
            assert then.get(channel) == there.get(channel), "the account's value is taken"
        elif channel in here or channel not in was:
            assert then.get(channel) == here.get(channel), "the file's edit stays"
        else:
            assert channel not in then, "what the file alone removed stays removed, wherever the account took it"


@given(flows(), flows(), flows())
def test_steps_that_nobody_moved_keep_their_order(
    applied: tuple[Step, ...], account: tuple[Step, ...], file: tuple[Step, ...]
) -> None:
    merged = [each.channel for each in plainly(applied, account, file).accept().file.flow]
    orders = [[each.channel for each in one] for one in (applied, account, file)]
    shared = [each for each in orders[0] if all(each in order for order in orders) and each in merged]
    if all([each for each in order if each in shared] == shared for order in orders):
        for one, other in combinations(shared, 2):
            assert merged.index(one) < merged.index(other)


NORMALISATIONS = st.sampled_from((str, str.strip, str.upper, lambda text: text.strip().upper(), lambda text: text[:1]))


@st.composite
def bent(draw: Any, *, moved: bool = True) -> Case:
    """Return a case of a service that normalises names and senders, in whatever anybody writes."""
    normalise = draw(NORMALISATIONS)

    def answer(sent: Attributes) -> Attributes:
        steps = (Step(each.channel, each.sender and (normalise(each.sender) or None)) for each in sent.flow)
        return Attributes(normalise(sent.name), tuple(steps))

    applied = Attributes(draw(NAMES), draw(flows(moved=moved)))
    account = draw(st.just(applied) | st.builds(Attributes, st.just(applied.name) | NAMES, flows(moved=moved)))
    file = draw(st.just(applied) | st.builds(Attributes, st.just(applied.name) | NAMES, flows(moved=moved)))
    return Case(applied, answer(applied), answer(account), file)


@settings(max_examples=300)
@given(bent())
def test_drift_and_plan_agree_whatever_the_service_makes_of_it(case: Case) -> None:
    versions = case.versions
    drifted = versions.drifted and not versions.is_as_declared
    assert drifted == (case.cause in (Cause.DRIFT, Cause.CONFLICT))
    assert not versions.drifted or case.actual != case.record.observed
    assert (case.verdicts == set()) == (case.cause is None)


CASES = st.one_of(
    bent(),
    st.builds(plainly, flows(), flows(), flows()),
    st.builds(plainly, OFTEN, OFTEN, OFTEN),
    st.builds(plainly, ANY_FLOWS, ANY_FLOWS, ANY_FLOWS),
)


@settings(max_examples=300)
@example(plainly(flow("VK:A > VK"), flow("VK > VK:A > SMS > VK"), flow("VK")))
@given(CASES)
def test_accepting_twice_is_accepting_once(case: Case) -> None:
    taken = case.take()
    if taken.refusal is None and taken.flow:
        after = case.accept()
        assert (after.fields, after.file) == ((), after.accept().file)
        assert after.verdicts <= {Verdict.FILES}, "what is left is what the file alone edited"


@settings(max_examples=300)
@given(st.builds(plainly, flows(), flows(), flows()) | bent())
def test_nothing_is_ambiguous_where_no_channel_stands_twice(case: Case) -> None:
    assert case.take().refusal is None


@settings(max_examples=300)
@given(CASES)
def test_all_that_differs_is_the_account(case: Case) -> None:
    for fields in (case.differing, ("flow", *(["name"] if "name" in case.differing else []))):
        if case.versions.account.flow != case.versions.desired.flow:
            taken = case.take(*fields)
            assert tuple(each.step for each in taken.flow) == taken.attributes.flow == case.versions.account.flow
            assert case.accept(*fields).cause is None


@settings(max_examples=300)
@given(CASES)
def test_accept_takes_something_where_drift_says_that_the_account_changed_it(case: Case) -> None:
    if case.take().refusal is None:
        rows = [each for each in compare_versions(case.versions, declared=True) if each.verdict is not Verdict.FILES]
        assert bool(case.fields) == bool(rows)


@settings(max_examples=300)
@given(st.builds(plainly, OFTEN, OFTEN, OFTEN) | st.builds(plainly, ANY_FLOWS, ANY_FLOWS, ANY_FLOWS))
def test_what_one_side_alone_took_out_or_put_in_is_as_that_side_has_it(case: Case) -> None:
    if case.take().refusal is None:
        was, there, here, then = (
            Counter(one.flow) for one in (case.record.applied, case.actual, case.file, case.accept().file)
        )
        for step in {*was, *there, *here}:
            if was[step] == here[step]:
                assert then[step] == there[step], "all that the account changed is taken"
            elif was[step] == there[step]:
                assert then[step] <= here[step], "nothing comes back; a sender of both is the account's"


@given(st.builds(plainly, flows(), flows(), flows()))
def test_of_two_steps_the_order_is_taken_of_the_side_that_changed_it(case: Case) -> None:
    was, there, here, then = (
        [each.channel for each in one.flow] for one in (case.record.applied, case.actual, case.file, case.accept().file)
    )
    shared = [each for each in was if each in there and each in here]
    orders = [[each for each in one if each in shared] for one in (was, there, here, then)]
    for one, other in combinations(shared, 2):
        kept, theirs, mine, merged = (order.index(one) < order.index(other) for order in orders)
        if not theirs or kept == mine:
            assert merged == theirs, "changed on the account, or on neither side"
    if orders[1] == orders[0]:
        assert orders[3] == orders[2], "changed in the file alone"


@settings(max_examples=300)
@given(bent())
def test_where_the_account_alone_changed_nothing_is_left_after_accepting(case: Case) -> None:
    if not case.versions.edited:
        assert case.accept().cause is None


@settings(max_examples=300)
@given(bent())
def test_each_difference_that_drift_names_can_be_accepted_alone(case: Case) -> None:
    for row in compare_versions(case.versions, declared=True):
        if row.acceptable:
            assert case.accept(row.field).file != case.file
