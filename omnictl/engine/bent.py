"""What a service may make of names and senders that it is sent, as far as an account shows it: case, spaces, the end.

Signs go by this: a scenario may be that of a file though neither its name nor its senders are spelled as there.
"""

from collections.abc import Iterable

from omnictl.engine.compare import SHORTEST_CUT, fold
from omnictl.model.scenario import Remote, Step

Way = tuple[tuple[str, str], ...]
"""A flow without what a service may bend of it."""


def way_of(flow: Iterable[Step]) -> Way:
    """Return the channels of a flow and the beginnings of their senders, folded."""
    return tuple((step.channel, fold(step.sender or "")[:SHORTEST_CUT]) for step in flow)


def find_cut(remotes: Iterable[Remote]) -> int:
    """Return the length at which the account may cut names: no name of it is longer; 0 where all are short."""
    longest = max((len(fold(each.attributes.name)) for each in remotes), default=0)
    return longest if longest >= SHORTEST_CUT else 0


def names_of(name: str, cut: int) -> tuple[str, ...]:
    """Return what a name in a file may be on the account, folded: as it is, and cut short where it is longer."""
    whole = fold(name)
    return (whole, whole[:cut].rstrip()) if 0 < cut < len(whole) else (whole,)
