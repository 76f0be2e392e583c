"""Guards of creates that may be a scenario that is there already: unknown to the state, or under another id."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from omnictl.engine.recover import owned_keys
from omnictl.engine.rename import Likely
from omnictl.engine.view import Circumstances, View
from omnictl.model.address import Address, id_of
from omnictl.model.change import Adopt, Change, Create
from omnictl.model.plan import Guard, GuardFinding
from omnictl.model.shell import join_words


def find_unmanaged_twins(changes: Iterable[Change], view: View, circumstances: Circumstances) -> Iterator[GuardFinding]:
    """Yield a finding for each create whose name a scenario of the account has that the state does not know."""
    changes = tuple(changes)
    owned = owned_keys(view.state) | {each.key for each in changes if isinstance(each, Adopt)}
    creates = [each for each in changes if isinstance(each, Create) and each.replaces is None]
    unmanaged: dict[str, list[str]] = defaultdict(list)
    for key, remote in sorted(view.remotes.items()) if creates else ():
        if key not in owned and key not in circumstances.elsewhere:
            unmanaged[remote.attributes.name].append(key)
    for change in creates:
        twins = unmanaged.get(change.desired.name)
        scenario_id = id_of(change.address)
        if moved := _moved_twins(change, view, circumstances):
            yield GuardFinding(
                Guard.UNMANAGED_TWIN,
                scenario_id,
                f"{_say_moved(moved, circumstances)} A create would make a second one, and scenarios cannot be "
                "deleted. Let the other environment forget it first, then adopt it; or take it out of these files.",
                source=change.source,
                commands=tuple(each for key in moved for each in _ways_to_take_over(scenario_id, key, circumstances)),
            )
        elif twins:
            yield GuardFinding(
                Guard.UNMANAGED_TWIN,
                scenario_id,
                f'The account already has a scenario named "{change.desired.name}" that the state does not know '
                f"({', '.join(twins)}); a create would make a second one, and scenarios cannot be deleted. "
                "To adopt it, run the command; or write the line into its file, to have it reviewed.",
                source=change.source,
                commands=tuple(each for key in twins for each in _ways_to_adopt(scenario_id, key, circumstances)),
            )


def _moved_twins(change: Create, view: View, circumstances: Circumstances) -> list[str]:
    """Return the keys of scenarios that this one is, though another environment of the account has them.

    Equal names in two environments are nothing odd; that one of them was here before, or lost its file there, is.
    """
    if not circumstances.elsewhere:
        return []
    before = {each.key for each in view.state.tombstones if each.address == change.address}
    twins = {key for key in before if key in circumstances.elsewhere and key in view.remotes}
    left = (key for key in circumstances.left_elsewhere if key in view.remotes)
    return sorted(twins.union(key for key in left if view.remotes[key].attributes.name == change.desired.name))


def _say_moved(keys: Sequence[str], circumstances: Circumstances) -> str:
    return " ".join(
        f"The environment {circumstances.elsewhere[key]} manages {key}, and its files no longer declare it."
        if key in circumstances.left_elsewhere
        else f"The environment {circumstances.elsewhere[key]} manages {key} now, which this id stood for before."
        for key in keys
    )


def _ways_to_take_over(scenario_id: str, key: str, circumstances: Circumstances) -> tuple[str, str]:
    first = join_words(["omnictl", "apply", "--env", circumstances.elsewhere[key]])
    return first, _ways_to_adopt(scenario_id, key, circumstances)[0]


def _ways_to_adopt(scenario_id: str, key: str, circumstances: Circumstances) -> tuple[str, str]:
    """Return the command that adopts at once, and the line for the file, which every project can read."""
    chosen = ["--env", circumstances.environment, *(["--sandbox"] if circumstances.sandbox else [])]
    return join_words(["omnictl", "import", scenario_id, key, *chosen]), _import_line(key, circumstances)


def find_likely_renames(
    changes: Iterable[Change], likely: Mapping[Address, tuple[Likely, ...]], circumstances: Circumstances
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
            commands=tuple(line_for(each, circumstances) for each in found),
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


def line_for(each: Likely, circumstances: Circumstances) -> str:
    """Return what a file says to go on with a scenario; previous_ids acts only on what is recorded."""
    return f"previous_ids: [{id_of(each.address)}]" if each.is_recorded else _import_line(each.key, circumstances)


def _import_line(key: str, circumstances: Circumstances) -> str:
    return f"import: {{{circumstances.environment}: {key}}}"
