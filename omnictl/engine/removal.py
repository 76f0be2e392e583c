"""What leaves the configuration: forgotten, or retired under a marked name; and how a retired name comes back."""

from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase

from msgspec.structs import replace

from omnictl.engine.compare import fold
from omnictl.engine.moves import describe_moves
from omnictl.engine.neighbours import Neighbourhood
from omnictl.engine.view import Circumstances, RemovalRules, View
from omnictl.model.address import Address, id_of
from omnictl.model.change import Adopt, Change, Forget, NameChanged, Rename, Retire, SetDefault, Update
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Guard, Plan
from omnictl.model.scenario import Attributes, IgnoredField, Manage, OnRemoval
from omnictl.model.state import Record, Tombstone


def decide_removed(
    record: Record, view: View, circumstances: Circumstances, neighbourhood: Neighbourhood
) -> Forget | Retire:
    """Decide for a recorded address that no file declares any more. Retired is only what somebody asked for."""
    remote = view.remotes.get(record.key)
    if remote is None:
        return Forget(record.address, record, vanished=True)
    if not _is_asked_for(record, circumstances) or _why_spared(record, neighbourhood):
        return Forget(record.address, record)
    actual, rules = remote.attributes, circumstances.removal
    before = before_marking(actual, record, rules).name
    desired = replace(actual, name=mark_name(actual.name, rules))
    return Retire(record.address, record, actual, desired, before if before != actual.name else None)


def spare_default(changes: tuple[Change, ...], view: View) -> tuple[Change, ...]:
    """Let the account default be forgotten and not renamed, unless the plan gives the default to another first."""
    if any(isinstance(each, SetDefault) for each in changes):
        return changes
    return tuple(
        Forget(each.address, each.recorded)
        if isinstance(each, Retire) and each.recorded.key in view.default_keys
        else each
        for each in changes
    )


def find_tombstone_of(key: str, view: View) -> Tombstone | None:
    """Return the newest tombstone of a scenario, whichever id it had."""
    return max((each for each in view.state.tombstones if each.key == key), key=_by_age, default=None)


def _by_age(tombstone: Tombstone) -> datetime:
    return tombstone.removed_at


def mark_name(name: str, rules: RemovalRules) -> str:
    """Return a name with the marker, once; cut at its end where it would be longer than a name may be."""
    if _is_marked(name, rules.marker):
        return name
    return (rules.marker + name)[: max(rules.longest_name, len(name))]


def before_marking(shown: Attributes, record: Record, rules: RemovalRules) -> Attributes:
    """Return what the account shows with the name that it had before a run that was cut marked it.

    The record does not know of that run: it has the name without the marker. A name that was recorded with it keeps it.
    """
    was = record.observed.name
    if _is_marked(was, rules.marker) or fold(shown.name) != fold(mark_name(was, rules)):
        return shown
    return replace(shown, name=was)


def before_retirement(shown: Attributes, tombstone: Tombstone, rules: RemovalRules) -> Attributes:
    """Return what the account shows of a retired scenario with the name that it had; a name edited since stays."""
    was, marker = tombstone.named or tombstone.applied.name, _marker_of(tombstone, rules)
    if tombstone.retired and fold(shown.name) == fold(tombstone.retired_as or mark_name(was, rules)):
        return replace(shown, name=was)
    if not tombstone.retired or not marker or not _is_marked(shown.name, marker):
        return shown
    return replace(shown, name=shown.name[len(marker) :].lstrip() or was)


def _marker_of(tombstone: Tombstone, rules: RemovalRules) -> str:
    """Return what a name got when it was retired: the setting may be another today; "" where it had it before."""
    named, marked = tombstone.named, tombstone.retired_as
    if named is None or marked is None:
        return rules.marker
    return next(marked[:end] for end in range(len(marked) + 1) if named.startswith(marked[end:]))


def kept_as_read(change: Update | Adopt | Rename) -> tuple[IgnoredField, ...]:
    """Return the ignored fields that a change leaves as the account has them: all, but a name that is un-retired.

    An ignored name is wanted as the account has it, so it changes only where it loses the marker.
    """
    is_named_again = any(isinstance(each, NameChanged) for each in change.fields)
    return tuple(each for each in change.lifecycle.ignore_changes if not (is_named_again and each.field == "name"))


def was_seen_as_default(address: Address, plan: Plan) -> bool:
    """Tell whether a plan knew that what leaves is the account default: then its guard fired, and was allowed."""
    return any(each.guard is Guard.DEFAULT_CHANGE and each.subject == id_of(address) for each in plan.guards)


def names_to_retire(word: str, address: Address) -> bool:
    """Tell whether a word of ``--retire`` names an address."""
    return fnmatchcase(id_of(address), word)


def note_spared(
    changes: tuple[Change, ...], view: View, circumstances: Circumstances, neighbourhood: Neighbourhood
) -> Iterator[Diagnostic]:
    """Say what somebody wants to be retired and is only forgotten, and why."""
    for change in changes:
        if not isinstance(change, Forget) or not _is_asked_for(change.recorded, circumstances):
            continue
        why = _why_spared(change.recorded, neighbourhood)
        if change.vanished:
            why = "it is no longer on the account" if _is_named(change.address, circumstances) else ""
        elif change.recorded.key in view.default_keys:
            why = why or _DEFAULT_IS_SPARED
        if not why:
            continue
        yield Diagnostic(
            "not-retired",
            Severity.WARNING,
            "A scenario that is to be retired is only forgotten",
            f"{id_of(change.address)}: {why}.",
        )


def note_returns(changes: tuple[Change, ...], view: View, rules: RemovalRules) -> Iterator[Diagnostic]:
    """Say what somebody changed of a scenario while nobody here managed it, where its file comes back over that."""
    for change in changes:
        tombstone = find_tombstone_of(change.key, view) if isinstance(change, Adopt) and change.fields else None
        if not isinstance(change, Adopt) or tombstone is None:
            continue
        shown = before_retirement(change.actual, tombstone, rules)
        moves = describe_moves(_as_left(tombstone, shown, change.desired), shown)
        if moves:
            yield Diagnostic(
                "changed-while-gone",
                Severity.WARNING,
                "A scenario that comes back was changed on the account since it was let go",
                f"{id_of(change.address)}: since it was last applied, {moves}. Its file comes back over that.",
                change.source,
                hint="to keep what is on the account, write it into the file",
            )


def _as_left(tombstone: Tombstone, shown: Attributes, desired: Attributes) -> Attributes:
    """Return what a scenario was when it was let go; what its file does not write over, as the account has it."""
    was = tombstone.observed or tombstone.applied
    name = was.name if tombstone.named is None else tombstone.named
    return Attributes(
        shown.name if desired.name == shown.name else name, shown.flow if desired.flow == shown.flow else was.flow
    )


_DEFAULT_IS_SPARED = (
    "it is the account default, which is never renamed. Give the default to another scenario (default: true in its "
    "file), in this apply or before it"
)


def unretired_words(changes: tuple[Change, ...], view: View, circumstances: Circumstances) -> tuple[str, ...]:
    """Return the words of ``--retire`` that name nothing that leaves now, nor anything retired by an earlier run."""
    leaving = [each.address for each in changes if isinstance(each, Forget | Retire)]
    retired = [each.address for each in view.state.tombstones if each.retired]
    return tuple(
        word for word in circumstances.retire if not any(names_to_retire(word, each) for each in (*leaving, *retired))
    )


def _is_asked_for(record: Record, circumstances: Circumstances) -> bool:
    return record.lifecycle.on_removal is OnRemoval.RETIRE or _is_named(record.address, circumstances)


def _is_named(address: Address, circumstances: Circumstances) -> bool:
    return any(names_to_retire(word, address) for word in circumstances.retire)


def _why_spared(record: Record, neighbourhood: Neighbourhood) -> str:
    """Return why the name of a scenario that leaves is not ours to change; "" where it is."""
    if record.lifecycle.manage is Manage.OBSERVE:
        return "lifecycle.manage was observe, so nothing of it is written"
    if record.key in neighbourhood.elsewhere:
        return f"the environment {neighbourhood.elsewhere[record.key]} manages it"
    heir = neighbourhood.find_heir(record)
    return f"the files of the environment {heir} declare it now, and have not taken it over yet" if heir else ""


def _is_marked(name: str, marker: str) -> bool:
    """Tell whether a name has the marker, as it is or as a service bent it."""
    return fold(name).startswith(fold(marker))


CODES = {
    "changed-while-gone": "The file of a forgotten or retired scenario came back, and somebody changed it on the "
    "account meanwhile: the apply writes over that. Look whether it is still wanted.",
    "not-retired": "--retire, or its file, asks for a scenario to be retired whose name is not changed: it is only "
    "observed, another environment of the account manages or declares it, it is the account default, or it is gone. It "
    "is forgotten.",
}
