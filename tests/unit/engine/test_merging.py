"""Accepting where account and files both changed since it was applied: each side keeps what it alone changed."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnictl.engine.accepting import accept_account
from omnictl.engine.decide import NoOp, decide_declared
from omnictl.engine.normalised import Versions, read_versions
from omnictl.engine.rename import Renames
from omnictl.engine.rows import compare_versions
from omnictl.engine.view import RemovalRules, View
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

    def accept(self, *fields: str) -> "Case":
        """Return what it is once it was accepted."""
        accepted = accept_account(Resource(ADDRESS, self.file), self.record, self.actual, fields)
        return Case(self.record.applied, self.record.observed, self.actual, accepted.attributes)

    @property
    def fields(self) -> tuple[str, ...]:
        return accept_account(Resource(ADDRESS, self.file), self.record, self.actual, ()).fields

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
    ],
)
def test_both_sides_changed_the_flow(applied: str, account: str, file: str, merged: str) -> None:
    assert merge(applied, account, file) == merged


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
            assert then.get(channel) in (None, there[channel]), "it comes back only where somebody moved it"


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


@settings(max_examples=300)
@given(flows(moved=False), flows(moved=False), flows(moved=False))
def test_what_is_left_after_accepting_is_what_the_file_alone_edited(
    applied: tuple[Step, ...], account: tuple[Step, ...], file: tuple[Step, ...]
) -> None:
    after = plainly(applied, account, file).accept()
    assert after.fields == ()
    assert after.verdicts <= {Verdict.FILES}


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


@settings(max_examples=300)
@given(bent(moved=False))
def test_what_was_accepted_is_no_drift_any_more(case: Case) -> None:
    assert case.accept().verdicts <= {Verdict.FILES}


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
