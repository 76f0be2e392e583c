"""Taking a state to another backend: copied, read again, and marked in its old place, under the locks of both."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.surgery import refuse_open_intents
from omnictl.errors import RefusalKind, RefusedError, StateError, StateMovedError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.state import State, Writing
from omnictl.state.base import Hold, LockHolder, StateBackend

Lock = Callable[[StateBackend], AbstractContextManager[Hold]]


class Migrated(Struct, frozen=True):
    """What is in the new place, and whether a run before had copied it already."""

    state: State
    was_copied: bool


def migrate_state(
    source: StateBackend, target: StateBackend, holder: LockHolder, lock: Lock, *, moved_to: str, is_real: bool
) -> Migrated:
    """Copy the state of ``source`` to ``target``, and mark it there with ``moved_to``.

    Cut after the copy, the same call goes on with the mark. Raises UsageError where both are one place, StateError
    where there is no state, RefusedError where creates are open or the target holds something else, and what the
    backends raise.
    """
    if target.location == source.location:
        raise UsageError(_same_place(source.location))
    if not is_real:
        return _copy(source, target, holder, is_real=False)[1]
    with lock(source):
        _copy(source, target, holder, is_real=False)  # one place by two names could not be locked twice
        with lock(target):
            state, migrated = _copy(source, target, holder, is_real=True)
            written = Writing(holder.since, holder.label)
            source.write(replace(state, serial=state.serial + 1, moved_to=moved_to, written=written))
            return migrated


def _copy(source: StateBackend, target: StateBackend, holder: LockHolder, *, is_real: bool) -> tuple[State, Migrated]:
    state = source.read()
    if state is None:
        raise StateError(_nothing_to_migrate(source.location))
    refuse_open_intents(state)
    there = _read_target(target)
    if there == state:  # what migrate copies has a serial of its own, so this is the source by another name
        raise UsageError(_same_place(target.location, state))
    is_same = there is not None and there.moved_to is None and there.content == state.content
    if there is not None and is_same and there.serial > state.serial:
        return state, Migrated(there, was_copied=True)
    if there is not None and not is_same and (there.lineage != state.lineage or there.moved_to is None):
        raise RefusedError(RefusalKind.POLICY, _target_is_used(target.location, there, state))
    serial = max(state.serial, there.serial if there else 0) + 1
    copied = replace(state, serial=serial, written=Writing(holder.since, holder.label))
    if is_real:
        target.write(copied)
        if target.read() != copied:
            raise StateError(_not_as_written(target.location))
    return state, Migrated(copied, was_copied=False)


def _read_target(target: StateBackend) -> State | None:
    try:
        return target.read()
    except StateMovedError as moved:  # it comes back
        return moved.state


def _nothing_to_migrate(where: str) -> Diagnostic:
    return Diagnostic(
        "no-state",
        Severity.ERROR,
        "There is no state yet",
        f"{where} does not exist, so there is nothing to take elsewhere.",
        hint="name the new place in omnictl.yaml; apply makes the state there",
    )


def _same_place(where: str, state: State | None = None) -> Diagnostic:
    why = f" What is there is this very state, with its serial {state.serial}: this is the same place." if state else ""
    return Diagnostic(
        "same-place",
        Severity.ERROR,
        "The state is there already",
        f"It is in {where}.{why} Nothing was changed.",
        hint="name it in omnictl.yaml as you like; a copy that was made by hand has to go before migrate makes its own"
        if state
        else "",
    )


def _target_is_used(where: str, there: State, state: State) -> Diagnostic:
    what = "a state of another origin" if there.lineage != state.lineage else "another version of this state"
    return Diagnostic(
        "migrate-target-used",
        Severity.ERROR,
        "The place to migrate to holds a state already",
        f"{where} has {what}: serial {there.serial}, {len(there.records)} scenarios. Nothing was changed.",
        hint="choose a place that is empty; or look at both, and push the one that is right over the other",
    )


def _not_as_written(where: str) -> Diagnostic:
    return Diagnostic(
        "migrate-differs",
        Severity.ERROR,
        "The state that was copied reads differently",
        f"{where} does not give back what was written to it. The old place was not marked, and holds.",
        hint="check the store; something between here and there changes what passes",
    )


CODES = {
    "same-place": "state migrate was given the place where the state is, perhaps by another name: the very same state "
    "is there, with the same serial. A place is never marked as moved to itself.",
    "migrate-target-used": "state migrate copies to a place that is empty, or that the same state was taken from "
    "before.",
    "migrate-differs": "After copying, state migrate reads the new place again and compares. It was not the same; the "
    "old place is still the right one.",
}
