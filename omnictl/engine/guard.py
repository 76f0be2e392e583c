"""Guards: the kinds of change that a plan refuses until they are allowed by name."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec.structs import replace

from omnictl.engine.cost import sends_update
from omnictl.engine.neighbours import Neighbourhood
from omnictl.engine.rename import Likely
from omnictl.engine.twins import find_likely_renames, find_unmanaged_twins
from omnictl.engine.view import Circumstances, View
from omnictl.model.address import RESERVED_ID, Address, id_of
from omnictl.model.change import Adopt, Change, Create, Forget, Rename, Retire, SetDefault, Update
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Guard, GuardFinding
from omnictl.model.scenario import Attributes, Protection, Step

WHOLE_PLAN = RESERVED_ID
"""The subject of a guard that concerns the plan and not one scenario."""


def find_guards(
    changes: tuple[Change, ...],
    view: View,
    circumstances: Circumstances,
    likely_renames: Mapping[Address, tuple[Likely, ...]],
    selected: Collection[Address],
    neighbourhood: Neighbourhood,
) -> tuple[GuardFinding, ...]:
    """Return every guard that fires, marked where it is allowed."""
    findings = (
        *_default_change(changes, view, neighbourhood),
        *_protected(changes, view),
        *_channel_removal(changes),
        *find_unmanaged_twins(changes, view, circumstances, neighbourhood),
        *_vanished(changes),
        *find_likely_renames(changes, view, likely_renames, circumstances),
        *_mass_change(changes, view, circumstances),
        *_empty_configuration(changes, view, circumstances, selected, neighbourhood),
    )
    once = dict.fromkeys(findings)
    return tuple(replace(each, allowed=(each.guard, each.subject) in circumstances.allowed) for each in once)


def render_flow(flow: Iterable[Step]) -> str:
    """Return a flow in one line: ``VKONTAKTE -> SMS InfoSMS``."""
    return " -> ".join(f"{step.channel} {step.sender}" if step.sender else step.channel for step in flow)


def _default_change(changes: tuple[Change, ...], view: View, neighbourhood: Neighbourhood) -> Iterator[GuardFinding]:
    heir = next((id_of(each.address) for each in changes if isinstance(each, SetDefault)), None)
    after = f"it moves to {heir} before this" if heir else "sends without a key still go to it after this"
    for change in changes:
        match change:
            case SetDefault(previous_attributes=Attributes() as loser):
                yield GuardFinding(
                    Guard.DEFAULT_CHANGE,
                    id_of(change.address),
                    f"Sends without a key go to {id_of(change.address)} ({render_flow(change.attributes.flow)}) "
                    f"instead of {id_of(change.previous) if change.previous else repr(loser.name)} "
                    f"({render_flow(loser.flow)}).",
                    source=change.source,
                )
            case Forget(recorded=record) | Retire(recorded=record) if (
                record.key in view.default_keys and record.key not in neighbourhood.elsewhere
            ):
                yield GuardFinding(
                    Guard.DEFAULT_CHANGE,
                    id_of(change.address),
                    f"{id_of(change.address)} is the account default and leaves the configuration; {after}.",
                )


def _protected(changes: Iterable[Change], view: View) -> Iterator[GuardFinding]:
    for change in changes:
        for address, loses in _written(change):
            record = view.state.records.get(address)
            protection = record.lifecycle.protected if record else Protection.NONE
            if protection.forbids(loses=loses):
                yield GuardFinding(
                    Guard.PROTECTED,
                    id_of(address),
                    f"{id_of(address)} is protected{' against every change' * (not loses)} (remembered in the state).",
                )


def _written(change: Change) -> tuple[tuple[Address, bool], ...]:
    """Return the addresses that a change writes, and whether they lose their place or the default by it."""
    match change:
        case Forget() | Retire():
            return ((change.address, True),)
        case Update() | Create(replaces=str()):
            return ((change.address, False),)
        case Rename() if change.fields:
            return ((change.previous, False),)
        case SetDefault(previous=previous):
            return ((change.address, False), *(((previous, True),) if previous else ()))
        case _:
            return ()


def _channel_removal(changes: Iterable[Change]) -> Iterator[GuardFinding]:
    for change in changes:
        if not isinstance(change, Update | Adopt | Rename):
            continue
        left = {step.channel for step in change.desired.flow}
        lost = [step.channel for step in change.actual.flow if step.channel not in left]
        if lost:
            yield GuardFinding(
                Guard.CHANNEL_REMOVAL,
                id_of(change.address),
                f"{id_of(change.address)} no longer sends through {', '.join(dict.fromkeys(lost))}.",
                source=change.source,
            )


def _vanished(changes: Iterable[Change]) -> Iterator[GuardFinding]:
    for change in changes:
        if isinstance(change, Create) and change.replaces is not None:
            yield GuardFinding(
                Guard.VANISHED,
                id_of(change.address),
                f"The scenario of {id_of(change.address)} (key {change.replaces}) is no longer on the account. "
                "Creating it again gives it another key: everything that sends with the old one has to change.",
                source=change.source,
            )


def _mass_change(changes: Iterable[Change], view: View, circumstances: Circumstances) -> Iterator[GuardFinding]:
    changes = tuple(changes)
    adopted = {each.address for each in changes if isinstance(each, Adopt)}
    existing = len(view.state.records.keys() | adopted)
    touched = len({each.address for each in changes if _changes_existing(each)})
    limits = circumstances.thresholds
    if view.state.records and touched >= limits.count and touched > limits.share * existing:
        yield GuardFinding(
            Guard.MASS_CHANGE,
            WHOLE_PLAN,
            f"{touched} of {existing} existing scenarios change at once "
            f"(guard: {limits.count} or more, and over {limits.share:.0%}).",
        )


def _changes_existing(change: Change) -> bool:
    """Tell whether a change writes a scenario that is there already, or lets one go."""
    if isinstance(change, SetDefault) and change.key is None:
        return False
    return isinstance(change, Forget | Retire) or sends_update(change)


def _empty_configuration(
    changes: Iterable[Change],
    view: View,
    circumstances: Circumstances,
    selected: Collection[Address],
    neighbourhood: Neighbourhood,
) -> Iterator[GuardFinding]:
    """Fire where nothing that was selected is declared.

    To remove what is named by its whole id is no mistake, as long as any scenario is declared, or a neighbour has it.
    """
    declared = view.configuration.resources
    leaving = [each.recorded for each in changes if isinstance(each, Forget | Retire)]
    if not leaving or any(each in declared for each in selected):
        return
    is_named = all(id_of(each.address) in circumstances.only for each in leaving)
    if is_named and (declared or all(map(neighbourhood.may_take, leaving))):
        return
    words = (*circumstances.only, *(f"not {each}" for each in circumstances.exclude))
    chosen = f" under the names that were selected ({', '.join(words)})" if words else ""
    recorded = sum(1 for each in view.state.records if each in selected)
    yield GuardFinding(
        Guard.EMPTY_CONFIGURATION,
        WHOLE_PLAN,
        f"No scenario is declared for {view.state.environment}{chosen}, but the state has {recorded}.",
    )


def note_unused_allowances(
    allowed: Iterable[tuple[Guard, str]], findings: Iterable[GuardFinding]
) -> Iterator[Diagnostic]:
    """Say which allowances allow nothing: usually a typing error, and a guard that still refuses."""
    fired = {(each.guard, each.subject) for each in findings}
    for guard, subject in sorted(set(allowed) - fired):
        known = sorted(other for kind, other in fired if kind is guard)
        detail = f"--allow {guard.value}={subject} allows nothing: this guard did not fire for {subject}."
        yield Diagnostic(
            "unused-allowance",
            Severity.WARNING,
            "An allowance is not needed",
            f"{detail} It fired for {', '.join(known)}." if known else detail,
        )


CODES = {
    "unused-allowance": "--allow names a guard that did not fire, or an id that it did not fire for. Check the "
    "spelling; what is not needed is better left out, so that a reviewer sees what is.",
}

EXPLANATIONS: Mapping[Guard, str] = {
    Guard.DEFAULT_CHANGE: "The account default moves, or its holder leaves the configuration. Every send without a key "
    "follows the default, so this changes live traffic of callers that omnictl does not know.",
    Guard.PROTECTED: "The scenario has lifecycle.protected, as the state remembers it. true guards removal and loss of "
    "the default, all guards every write. Lifting it in the file takes effect in the apply after.",
    Guard.CHANNEL_REMOVAL: "The flow no longer has a channel that it has on the account.",
    Guard.MASS_CHANGE: "More of the existing scenarios change at once than the settings find normal.",
    Guard.EMPTY_CONFIGURATION: "No scenario is declared although the state has some, or none under the patterns of "
    "--only and --exclude: usually a wrong directory, not a wish to forget everything. What --only names by its whole "
    "id is let go without this guard, as long as any other scenario is declared, or a neighbour declares it.",
    Guard.UNMANAGED_TWIN: "The account has a scenario with the name of one that is about to be created. Names are not "
    "unique and scenarios cannot be deleted, so a second one would stay for ever.",
    Guard.VANISHED: "A recorded scenario is no longer on the account. Creating it again changes its key.",
    Guard.LIKELY_RENAME: "A new id has the name of one that left the configuration, now or before, or its flow and a "
    "name, an id or a file like it, or names one in previous_ids that was forgotten since. A rename keeps the key, a "
    "create does not.",
}
"""What each guard means, for ``explain`` and the documents."""
