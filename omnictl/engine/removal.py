"""What leaves the configuration: forgotten, or retired under a marked name; and how a retired name comes back."""

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase

from msgspec.structs import replace

from omnictl.engine.compare import fold
from omnictl.engine.neighbours import Neighbourhood
from omnictl.engine.view import Circumstances, RemovalRules, View
from omnictl.model.address import Address, id_of
from omnictl.model.change import Adopt, Change, Forget, NameChanged, Rename, Retire, Update
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
    marked = mark_name(remote.attributes.name, circumstances.removal)
    return Retire(record.address, record, remote.attributes, replace(remote.attributes, name=marked))


def without_taken_tombstones(view: View, elsewhere: Collection[str]) -> View:
    """Return the view without the tombstones of scenarios that another environment of the account manages now."""
    kept = tuple(each for each in view.state.tombstones if each.key not in elsewhere)
    return view if kept == view.state.tombstones else replace(view, state=replace(view.state, tombstones=kept))


def mark_name(name: str, rules: RemovalRules) -> str:
    """Return a name with the marker, once; cut at its end where it would be longer than a name may be."""
    if _is_marked(name, rules.marker):
        return name
    return (rules.marker + name)[: max(rules.longest_name, len(name))]


def before_retirement(shown: Attributes, tombstone: Tombstone, rules: RemovalRules) -> Attributes:
    """Return what the account shows of a retired scenario with the name that it had; a name edited since stays."""
    was = tombstone.named or tombstone.applied.name
    if tombstone.retired and fold(shown.name) == fold(tombstone.retired_as or mark_name(was, rules)):
        return replace(shown, name=was)
    if not tombstone.retired or not _is_marked(shown.name, rules.marker):
        return shown
    return replace(shown, name=shown.name[len(rules.marker) :].lstrip() or was)


def kept_as_read(change: Update | Adopt | Rename) -> tuple[IgnoredField, ...]:
    """Return the ignored fields that a change leaves as the account has them: all, but a name that is un-retired."""
    is_named_again = isinstance(change, Adopt) and change.from_tombstone
    is_named_again &= any(isinstance(each, NameChanged) for each in change.fields)
    return tuple(each for each in change.lifecycle.ignore_changes if not (is_named_again and each.field == "name"))


def was_seen_as_default(address: Address, plan: Plan) -> bool:
    """Tell whether a plan knew that what leaves is the account default: then its guard fired, and was allowed."""
    return any(each.guard is Guard.DEFAULT_CHANGE and each.subject == id_of(address) for each in plan.guards)


def names_to_retire(word: str, address: Address) -> bool:
    """Tell whether a word of ``--retire`` names an address."""
    return fnmatchcase(id_of(address), word)


def note_spared(
    changes: tuple[Change, ...], circumstances: Circumstances, neighbourhood: Neighbourhood
) -> Iterator[Diagnostic]:
    """Say what somebody wants to be retired and is only forgotten, and why."""
    for change in changes:
        if not isinstance(change, Forget) or not _is_asked_for(change.recorded, circumstances):
            continue
        why = _why_spared(change.recorded, neighbourhood)
        if change.vanished:
            why = "it is no longer on the account" if _is_named(change.address, circumstances) else ""
        if not why:
            continue
        yield Diagnostic(
            "not-retired",
            Severity.WARNING,
            "A scenario that is to be retired is only forgotten",
            f"{id_of(change.address)}: {why}.",
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
    return f"the files of the environment {heir} declare it now, without a key" if heir else ""


def _is_marked(name: str, marker: str) -> bool:
    """Tell whether a name has the marker, as it is or as a service bent it."""
    return fold(name).startswith(fold(marker))


CODES = {
    "not-retired": "--retire, or its file, asks for a scenario to be retired whose name is not changed: it is only "
    "observed, another environment of the account manages or declares it, or it is gone. It is forgotten.",
}
