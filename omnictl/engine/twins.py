"""Guards of creates that may be a scenario that is there already: unknown to the state, or under another id."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from omnictl.engine.compare import fold
from omnictl.engine.neighbours import Left, Neighbourhood, describe_left
from omnictl.engine.recover import owned_keys
from omnictl.engine.rename import Likely
from omnictl.engine.view import Circumstances, View
from omnictl.model.address import Address, id_of
from omnictl.model.change import Adopt, Change, Create
from omnictl.model.pasting import import_line, previous_ids_line
from omnictl.model.plan import Guard, GuardFinding
from omnictl.model.scenario import Remote, Resource
from omnictl.model.shell import join_words


def find_unmanaged_twins(
    changes: Iterable[Change], view: View, circumstances: Circumstances, neighbourhood: Neighbourhood
) -> Iterator[GuardFinding]:
    """Yield a finding for each create whose scenario the account has: under its name, or left by a neighbour."""
    changes = tuple(changes)
    creates = [each for each in changes if isinstance(each, Create) and each.replaces is None]
    unmanaged = _names_of_unmanaged(changes, view, neighbourhood) if creates else {}
    for change in creates:
        scenario_id, resource = id_of(change.address), view.configuration.resources[change.address]
        alike = unmanaged.get(fold(change.desired.name), ())
        named = list_first([_name(each, change) for each in alike])
        twins = [each.key for each in alike[:_MOST_NAMED]]
        left = neighbourhood.find_left(resource)
        taken = [] if left else _taken_over(change, view, neighbourhood)
        if left:
            message = f"{' '.join(map(describe_left, left))} {_NO_SECOND} {_say_how(left)}"
            ways = [way for each in left for way in ways_to_take_over(resource, each, circumstances)]
            twins = [key for key in twins if key not in {each.key for each in left}]
            ways += [way for key in twins for way in _ways_to_adopt(resource, key, circumstances)]
        elif taken:
            message = f"{_say_taken(taken, neighbourhood)} {_NO_SECOND} Take it out of the files here or there."
            ways = []
        elif twins:
            message = (
                f'The account already has a scenario named "{change.desired.name}" that the state does not know '
                f"({named}); a create would make a second one, and scenarios cannot be deleted. {_say_which(alike)}"
            )
            ways = [way for key in twins for way in _ways_to_adopt(resource, key, circumstances)]
        else:
            continue
        yield GuardFinding(
            Guard.UNMANAGED_TWIN, scenario_id, message, source=change.source, commands=tuple(dict.fromkeys(ways))
        )


_NO_SECOND = "A create would make a second one, and scenarios cannot be deleted."


_MOST_NAMED = 5


def list_first(named: Sequence[str]) -> str:
    """Return the first of some, and how many there are beside them."""
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return ", ".join(named[:_MOST_NAMED]) + more


def _say_which(alike: Sequence[Remote]) -> str:
    """Return what to do about scenarios of one name."""
    if len(alike) == 1:
        return "To adopt it, run the command; or write the line into its file, to have it reviewed."
    return (
        "To adopt the one that it is, run its command, or write its line into the file. Where a state was lost, "
        "`omnictl state rebuild` with the log of an apply knows which it is."
    )


def _name(twin: Remote, change: Create) -> str:
    """Return the key of a twin, with its name where that is another one."""
    return twin.key if twin.attributes.name == change.desired.name else f'{twin.key}, "{twin.attributes.name}"'


def _names_of_unmanaged(
    changes: Iterable[Change], view: View, neighbourhood: Neighbourhood
) -> Mapping[str, list[Remote]]:
    """Return what nobody manages by its name, without what a service bends."""
    found: dict[str, list[Remote]] = defaultdict(list)
    for remote in iterate_unmanaged(changes, view, neighbourhood):
        found[fold(remote.attributes.name)].append(remote)
    return found


def iterate_unmanaged(changes: Iterable[Change], view: View, neighbourhood: Neighbourhood) -> Iterator[Remote]:
    """Yield what no state stands for, and no change takes, in the order of the keys."""
    owned = owned_keys(view.state) | {each.key for each in changes if isinstance(each, Adopt)}
    for key, remote in sorted(view.remotes.items()):
        if key not in owned and key not in neighbourhood.spoken_for:
            yield remote


def _taken_over(change: Create, view: View, neighbourhood: Neighbourhood) -> list[str]:
    """Return the keys that this id stood for before, and that a neighbour manages now."""
    before = {each.key for each in view.state.tombstones if each.address == change.address}
    return sorted(key for key in before if key in neighbourhood.elsewhere and key in view.remotes)


def _say_taken(keys: Iterable[str], neighbourhood: Neighbourhood) -> str:
    return " ".join(
        f"The environment {neighbourhood.elsewhere[key]} manages {key} now, which this id stood for before."
        for key in keys
    )


def _say_how(left: Iterable[Left]) -> str:
    if any(each.is_recorded for each in left):
        return "Let the other environment forget it first, then adopt it; or take it out of these files."
    return "To adopt it, run the command; or write the line into its file, to have it reviewed."


def ways_to_take_over(resource: Resource, left: Left, circumstances: Circumstances) -> tuple[str, ...]:
    """Return the commands that bring what a neighbour gives up under an id of ours."""
    ways = _ways_to_adopt(resource, left.key, circumstances)
    if not left.is_recorded:
        return ways
    return join_words(["omnictl", "apply", "--env", left.environment, "--only", id_of(left.address)]), ways[0]


def _ways_to_adopt(resource: Resource, key: str, circumstances: Circumstances) -> tuple[str, str]:
    """Return the command that adopts at once, and the line for the file, which every project can read."""
    return way_to_adopt(id_of(resource.address), key, circumstances), import_line(
        circumstances.environment, key, resource
    )


def way_to_adopt(scenario_id: str, key: str, circumstances: Circumstances) -> str:
    """Return the command that adopts a scenario at once."""
    chosen = ["--env", circumstances.environment, *(["--sandbox"] if circumstances.sandbox else [])]
    return join_words(["omnictl", "import", scenario_id, key, *chosen])


def find_likely_renames(
    changes: Iterable[Change], view: View, likely: Mapping[Address, tuple[Likely, ...]], circumstances: Circumstances
) -> Iterator[GuardFinding]:
    """Yield a finding for each create that may be a scenario under another id."""
    for change in changes:
        found = likely.get(change.address, ())
        if not isinstance(change, Create) or not found:
            continue
        is_named_so = all(each.name == change.desired.name for each in found)
        verb, joined = ("has the name of", " and of ") if is_named_so else ("may be", " or ")
        why = f": the flow is the same, and {found[0].evidence}" if found[0].evidence else ""
        yield GuardFinding(
            Guard.LIKELY_RENAME,
            id_of(change.address),
            f"{id_of(change.address)} {verb} {name_likely(found, joined)}{why}. {say_likely(found)}",
            source=change.source,
            commands=lines_for(found, view.configuration.resources[change.address], circumstances),
        )


def name_likely(found: Sequence[Likely], joined: str) -> str:
    """Return what a create may be, each with when it left."""
    ends = {True: "left the configuration", False: "was forgotten before"}
    if len(found) == 1:
        return f"{id_of(found[0].address)}, which {ends[found[0].is_recorded]}"
    return joined.join(f"{id_of(each.address)} ({ends[each.is_recorded]})" for each in found)


def say_likely(found: tuple[Likely, ...], which_one: str = "it") -> str:
    """Return what to do where a create is one of these."""
    if not any(each.is_there for each in found):
        return "If it is the same scenario, say so in its file; it is no longer on the account, so its key changes."
    which = " with one of these lines" if len(found) > 1 else ""
    return f"If {which_one} is the same scenario, say so in its file{which}, and it keeps its key."


def lines_for(found: Sequence[Likely], resource: Resource, circumstances: Circumstances) -> tuple[str, ...]:
    """Return what a file says to go on with each of these; previous_ids acts only on what is recorded.

    What the file says of ids that are none of these stays.
    """
    ids = {id_of(each.address) for each in found}
    older = [each for each in resource.previous_ids if each not in ids]
    return tuple(
        previous_ids_line((*older, id_of(each.address)), resource)
        if each.is_recorded
        else import_line(circumstances.environment, each.key, resource)
        for each in found
    )
