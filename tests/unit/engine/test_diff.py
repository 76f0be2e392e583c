"""The edit script of a flow: what it says, and that it leads from one flow to the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.engine.diff import diff_attributes, diff_flows
from omnictl.model.change import (
    FlowChanged,
    NameChanged,
    SenderChanged,
    StepEdit,
    StepInserted,
    StepMoved,
    StepRemoved,
)
from omnictl.model.scenario import Attributes, Step

VK = Step("VKONTAKTE")
SMS = Step("SMS", "InfoSMS")
BRAND = Step("SMS", "BRAND")
VIBER = Step("VIBER", "Acme")
EMAIL = Step("EMAIL", "o@acme.x")

steps = st.builds(Step, st.sampled_from(["SMS", "VIBER", "EMAIL"]), st.sampled_from([None, "a", "b"]))
flows = st.lists(steps, max_size=7).map(tuple)


@pytest.mark.parametrize(
    ("before", "after", "edits"),
    [
        ((VK, SMS), (VK, SMS), ()),
        ((VK, SMS), (VK, BRAND), (SenderChanged("SMS", "InfoSMS", "BRAND", 2, 2),)),
        ((VK, SMS), (EMAIL, VK, SMS), (StepInserted(1, EMAIL),)),
        ((EMAIL, VK, SMS), (VK, SMS), (StepRemoved(1, EMAIL),)),
        ((SMS, BRAND), (BRAND, SMS), (StepMoved(SMS, 1, 2),)),
        (
            (VK, SMS, VIBER),
            (VIBER, VK, BRAND),
            (StepMoved(VIBER, 3, 1), SenderChanged("SMS", "InfoSMS", "BRAND", 2, 3)),
        ),
        ((SMS,), (VIBER,), (StepRemoved(1, SMS), StepInserted(1, VIBER))),
        ((VK, SMS, VIBER, EMAIL), (VIBER, EMAIL, VK, SMS), (StepMoved(VK, 1, 3), StepMoved(SMS, 2, 4))),
        (
            (SMS, VIBER, VK, EMAIL),
            (EMAIL, VK, Step("VIBER"), BRAND),
            (
                StepMoved(VK, 3, 2),
                SenderChanged("VIBER", "Acme", None, 2, 3),
                SenderChanged("SMS", "InfoSMS", "BRAND", 1, 4),
            ),
        ),
        ((SMS, VIBER), (VIBER, BRAND), (SenderChanged("SMS", "InfoSMS", "BRAND", 1, 2),)),
    ],
)
def test_edit_script(before: tuple[Step, ...], after: tuple[Step, ...], edits: tuple[StepEdit, ...]) -> None:
    assert diff_flows(before, after) == edits


@given(flows, flows)
def test_script_leads_from_before_to_after(before: tuple[Step, ...], after: tuple[Step, ...]) -> None:
    assert apply_edits(before, diff_flows(before, after)) == after


@given(flows)
def test_equal_flows_have_no_edits(flow: tuple[Step, ...]) -> None:
    assert diff_flows(flow, flow) == ()


@given(flows, flows)
def test_no_step_is_both_removed_and_inserted(before: tuple[Step, ...], after: tuple[Step, ...]) -> None:
    edits = diff_flows(before, after)
    removed = {each.step.channel for each in edits if isinstance(each, StepRemoved)}
    inserted = {each.step.channel for each in edits if isinstance(each, StepInserted)}
    assert not removed & inserted


def test_attributes() -> None:
    changes = diff_attributes(Attributes("a", (SMS,)), Attributes("b", (SMS, VK)))
    assert changes == (NameChanged("a", "b"), FlowChanged((SMS,), (SMS, VK), (StepInserted(2, VK),)))


def apply_edits(before: tuple[Step, ...], edits: tuple[StepEdit, ...]) -> tuple[Step, ...]:
    """The oracle: take out what leaves its place, keep the rest in order, put in what has a place."""
    gone: set[int] = set()
    placed: dict[int, Step] = {}
    for edit in edits:
        match edit:
            case StepRemoved(position, _):
                gone.add(position)
            case StepInserted(position, step):
                placed[position] = step
            case StepMoved(step, was, now):
                gone.add(was)
                placed[now] = step
            case SenderChanged(channel, _, sender, was, now):
                gone.add(was)
                placed[now] = Step(channel, sender)
    kept = iter(step for i, step in enumerate(before, 1) if i not in gone)
    length = len(before) - len(gone) + len(placed)
    return tuple(placed[i] if i in placed else next(kept) for i in range(1, length + 1))
