"""What somebody else changed, field by field, in a few words: for what is refused because it moved."""

from collections.abc import Iterator
from typing import assert_never

from omnictl.engine.diff import diff_attributes
from omnictl.model.change import FlowChanged, NameChanged, SenderChanged, StepInserted, StepMoved, StepRemoved
from omnictl.model.scenario import Attributes, Step


def describe_moves(seen: Attributes, now: Attributes) -> str:
    """Return each field that is no longer what was seen, with both values; positions are those of the flow."""
    return ", ".join(_describe(seen, now))


def _describe(seen: Attributes, now: Attributes) -> Iterator[str]:
    for change in diff_attributes(seen, now):
        match change:
            case NameChanged():
                yield f'the name was "{change.before}" and is "{change.after}"'
            case FlowChanged():
                yield from _describe_flow(change)
            case _:
                assert_never(change)


def _describe_flow(change: FlowChanged) -> Iterator[str]:
    removed = {each.position: each.step for each in change.edits if isinstance(each, StepRemoved)}
    inserted = {each.position: each.step for each in change.edits if isinstance(each, StepInserted)}
    for position in sorted({*removed, *inserted}):
        was, now = (_name(each.get(position)) for each in (removed, inserted))
        yield f"step {position} of the flow was {was} and is {now}"
    for each in change.edits:
        match each:
            case SenderChanged():
                was, now = (_name(Step(each.channel, sender)) for sender in (each.before, each.after))
                where = f", as step {each.position_after}" if each.position_after != each.position_before else ""
                yield f"step {each.position_before} of the flow was {was} and is {now}{where}"
            case StepMoved():
                yield f"step {each.before} of the flow, {_name(each.step)}, is step {each.after} now"
            case StepInserted() | StepRemoved():
                continue
            case _:
                assert_never(each)


def _name(step: Step | None) -> str:
    if step is None:
        return "not there"
    return f"{step.channel} {step.sender}" if step.sender else step.channel
