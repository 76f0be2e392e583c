"""What is left for a person to decide: which file may be that of a scenario, and why, in words."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from omnictl.engine.pairing import Likeness, Rival
from omnictl.model.address import id_of
from omnictl.model.adoption import LeftOut, Told
from omnictl.model.scenario import Remote
from omnictl.model.shell import join_words

MOST_NAMED = 5
"""How many of those that may be meant are named, each with a command."""
_RIVALS_TOLD = 3
_ELSE_APPLY = "where they are the same scenario, adopt it under that id; else give it another id, or apply the file"
_HINTS = {
    Likeness.EQUAL: "say which of them it is; where the state was lost, state rebuild with the log of an apply knows",
    Likeness.KEY_IN_ID: _ELSE_APPLY,
    Likeness.NAME: "where they are the same scenario, adopt it under that id; else give one of them another name",
    Likeness.NEAR: _ELSE_APPLY,
    Likeness.ID: _ELSE_APPLY,
    Likeness.FLOW: "where no file is one of the account's, the first command imports it under an id of its own; where "
    "they are the same scenario, adopt it under the id of that file",
}

_ALL_NEAR = (
    "where the service bends what it is sent, they are the same, and the first command adopts them all; else adopt the "
    "right ones, and give the others other names"
)


def leave_out(remote: Remote, rivals: Sequence[Rival], own_id: str) -> LeftOut:
    """Leave a scenario to a person: with a second file of its own, the one that is there would be created again."""
    likely = [each for each in rivals if each.likeness <= Likeness.KEY_IN_ID] or rivals
    ids = [id_of(each.resource.address) for each in likely[:MOST_NAMED]]
    return LeftOut(
        remote.key,
        remote.attributes.name,
        "; ".join(_say_rivals(likely)),
        _HINTS[likely[0].likeness],
        tuple(join_words(["omnictl", "import", each, remote.key]) for each in ids),
        (*(id_of(each.resource.address) for each in rivals), own_id),
        Told.FILES_ARE_NEW if likely[0].likeness is Likeness.FLOW else None,
    )


def take_as_near(left_out: LeftOut) -> LeftOut:
    """Say of a scenario that it and one file nearly equal each other, and nothing else: a person may take them all."""
    return replace(left_out, hint=_ALL_NEAR, if_told=Told.NEARLY_EQUAL)


def _say_rivals(likely: Sequence[Rival]) -> Iterator[str]:
    """Yield why these may be its files: what is alike in one sentence, the others one by one."""
    equal = [each for each in likely if each.likeness is Likeness.EQUAL]
    flow = [each for each in likely if each.likeness is Likeness.FLOW]
    others = [each for each in likely if each.likeness not in (Likeness.EQUAL, Likeness.FLOW)]
    if equal:
        verb = "has" if len(equal) == 1 else "have"
        yield f"it equals {_list(equal)}, which {verb} no key yet and may stand for another scenario as well"
    yield from map(_say_rival, others[:_RIVALS_TOLD])
    if len(others) > _RIVALS_TOLD:
        yield f"{len(others) - _RIVALS_TOLD} more may be its file"
    if flow:
        verb, they = ("has", "it was") if len(flow) == 1 else ("have", "they were")
        yield f"{_list(flow)} {verb} its flow and no key yet, and no state says which scenario {they} applied as"


def _list(rivals: Sequence[Rival]) -> str:
    """Return the first of some, and how many there are beside them; one alone with its file."""
    if len(rivals) == 1:
        return _name(rivals[0])
    more = f" and {len(rivals) - MOST_NAMED} more" if len(rivals) > MOST_NAMED else ""
    return ", ".join(id_of(each.resource.address) for each in rivals[:MOST_NAMED]) + more


def _name(rival: Rival) -> str:
    source = rival.resource.source
    return f"{id_of(rival.resource.address)}{f' ({source.path})' if source else ''}"


def _say_rival(rival: Rival) -> str:
    named = _name(rival)
    match rival.likeness:
        case Likeness.KEY_IN_ID:
            return f"{named} has the beginning of its key in the id and no key yet, and differs in name or flow"
        case Likeness.NAME:
            return f"{named} has its name and no key yet, and differs in the flow"
        case Likeness.NEAR:
            return f"{named} nearly equals it and has no key yet"
        case _:
            return f"{named} has the id that it would get and no key yet, and another name"
