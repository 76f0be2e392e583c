"""What the service makes of what it is sent, seen through: the account in the words of the files."""

from omnictl.engine.diff import align_flows
from omnictl.model.scenario import Attributes
from omnictl.model.state import Record


def see_through(record: Record, actual: Attributes) -> Attributes:
    """Return the account's attributes as they would be sent: where the service normalised what was sent, that."""
    name = record.applied.name if actual.name == record.observed.name else actual.name
    applied, observed = record.applied.flow, record.observed.flow
    if [each.channel for each in applied] != [each.channel for each in observed]:
        return Attributes(name, applied if actual.flow == observed else actual.flow)
    found = align_flows(observed, actual.flow)
    same = {j: i for i, j in (*found.kept, *found.moved) if observed[i] == actual.flow[j]}
    return Attributes(name, tuple(applied[same[j]] if j in same else step for j, step in enumerate(actual.flow)))
