"""Mending the state by hand, under its lock, and looking what it holds. Each change keeps the version before."""

from collections.abc import Callable, Iterable
from datetime import datetime
from difflib import get_close_matches

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.advance import record_absent, record_created
from omnictl.engine.surgery import Replaced
from omnictl.errors import RefusalKind, RefusedError, StateError, StateMovedError, UnreadableStateError
from omnictl.model.address import id_of, make_address
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Remote
from omnictl.model.state import Intent, Record, State, Tombstone, Writing
from omnictl.state.base import LockHolder, StateBackend


def change_state(
    backend: StateBackend,
    holder: LockHolder,
    change: Callable[[State | None], Replaced],
    *,
    timeout_seconds: float,
    on_wait: Callable[[LockHolder | None], None],
    on_set_aside: Callable[[Diagnostic], None] | None = None,
) -> Replaced:
    """Read, change and write the state under its lock; where nothing changes, nothing is written.

    With ``on_set_aside``, which is told of it, what is stored and cannot be read counts as no state, and is saved
    beside the user before another takes its place; and what is marked as taken elsewhere is in use here again.
    """
    with backend.lock(holder, timeout_seconds=timeout_seconds, on_wait=on_wait):
        stored = read_at_any_rate(backend) if on_set_aside is not None else Stored(backend.read())
        replaced = change(stored.state)
        if not replaced.is_changed and stored.moved_to is None:
            return replaced
        state = replaced.state
        if not replaced.is_changed:
            state = replace(state, serial=state.serial + 1)
        if on_set_aside is not None:
            state = _make_way(backend, stored, state, on_set_aside)
        state = replace(state, written=Writing(holder.since, holder.label))
        backend.write(state)
        return replace(replaced, state=state, is_changed=True)


class Stored(Struct, frozen=True):
    """What is stored, as far as it can be used; ``moved_to`` is where it says that it was taken."""

    state: State | None
    is_unreadable: bool = False
    moved_to: str | None = None


def read_at_any_rate(backend: StateBackend) -> Stored:
    """Return what is stored, also where it cannot be read, or says that it was taken elsewhere."""
    try:
        return Stored(backend.read())
    except UnreadableStateError:
        return Stored(None, is_unreadable=True)
    except StateMovedError as moved:
        return Stored(replace(moved.state, moved_to=None), moved_to=moved.state.moved_to)


def _make_way(backend: StateBackend, stored: Stored, state: State, tell: Callable[[Diagnostic], None]) -> State:
    """Save what cannot be used beside the user, and return the state with a serial that goes on from it."""
    if stored.moved_to is not None:
        tell(_in_use_again(backend.location, stored.moved_to))
    if not stored.is_unreadable:
        return state
    aside = backend.set_aside()
    tell(_set_aside(backend.location, aside.path))
    return replace(state, serial=max(state.serial, aside.serial + 1))


def _set_aside(where: str, path: str) -> Diagnostic:
    return Diagnostic(
        "set-aside",
        Severity.WARNING,
        "What was stored could not be read, and is set aside",
        f"It is saved as {path}, and another state takes its place in {where}. What only it knew is not known any "
        "more: keys of later creates, and creates that are open.",
        hint="look for the keys in the log of the last apply: state rebuild reads it, and adds what is missing",
        commands=("omnictl state rebuild --from-log apply.log --dry-run",),
    )


def _in_use_again(where: str, moved_to: str) -> Diagnostic:
    return Diagnostic(
        "in-use-again",
        Severity.WARNING,
        "A state that was taken elsewhere is in use again",
        f"{where} was marked as taken to {moved_to}. The mark is gone. What was done there since is not known here: "
        "with both in use each would create what only the other knows.",
        hint="make sure that nobody goes on with the other place",
    )


def find_intent(state: State, scenario_id: str) -> Intent:
    """Return the open intent of an id. Raises StateError where there is none."""
    address = make_address(scenario_id)
    for intent in state.intents:
        if intent.address == address:
            return intent
    open_ids = sorted(id_of(each.address) for each in state.intents)
    raise StateError(
        Diagnostic(
            "no-open-intent",
            Severity.ERROR,
            "There is no create with an unknown outcome under this id",
            f"{scenario_id} has none; open are: {', '.join(open_ids) or 'none'}.",
            hint=suggest(scenario_id, open_ids),
        )
    )


def find_records(state: State, scenario_ids: Iterable[str]) -> tuple[Record, ...]:
    """Return the records of ids, each once. Raises StateError where some are not recorded."""
    wanted = {each: make_address(each) for each in scenario_ids}
    unknown = [each for each, address in wanted.items() if address not in state.records]
    if unknown:
        raise StateError(*(_unrecorded(each, state) for each in unknown))
    return tuple(state.records[address] for address in wanted.values())


def suggest(word: str, known: Iterable[str]) -> str:
    """Return the question whether a word was meant that resembles it; empty where none does."""
    close = get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]}?" if close else ""


def settle_found(state: State, intent: Intent, remote: Remote) -> Replaced:
    """Record that this scenario is the one that the intent created. Raises RefusedError where it cannot be."""
    owners: tuple[Record | Tombstone, ...] = (*state.records.values(), *state.tombstones)
    owner = next((each for each in owners if each.key == remote.key), None)
    if owner is not None:
        raise RefusedError(RefusalKind.POLICY, _taken(remote.key, id_of(owner.address)))
    if remote.key in intent.known_keys:
        raise RefusedError(RefusalKind.POLICY, _older(remote.key))
    return _next(record_created(state, intent, remote, intent.created_at), state)


def settle_absent(state: State, intent: Intent, now: datetime) -> Replaced:
    """Drop an intent because a person says that its create did not happen; a late twin is watched for."""
    return _next(record_absent(state, intent, now), state)


def _next(changed: State, state: State) -> Replaced:
    return Replaced(replace(changed, serial=state.serial + 1), is_changed=True)


def _unrecorded(scenario_id: str, state: State) -> Diagnostic:
    meant = suggest(scenario_id, map(id_of, state.records))
    return Diagnostic(
        "not-recorded",
        Severity.ERROR,
        "The state has no scenario with this id",
        f"{scenario_id} is not recorded.",
        hint=meant or "those that are recorded are listed by",
        commands=() if meant else ("omnictl state list",),
    )


def _taken(key: str, owner: str) -> Diagnostic:
    return Diagnostic(
        "key-taken",
        Severity.ERROR,
        "The key belongs to another address",
        f"{key} is remembered as {owner}; a key belongs to one address.",
    )


def _older(key: str) -> Diagnostic:
    return Diagnostic(
        "key-older",
        Severity.ERROR,
        "The scenario was there before the create",
        f"{key} was on the account when the create was about to be sent, so the create did not make it.",
        hint="look for the other one of that name; if there is none, the create did not happen: --absent",
    )


CODES = {
    "set-aside": "With --set-aside push, rollback and rebuild put a state in the place of what cannot be read; that is "
    "saved in .omnictl/unreadable/ first. What only it knew has to be found again: by state rebuild, and the next plan "
    "shows what nobody manages.",
    "in-use-again": "With --set-aside push, rollback and rebuild take away the mark that state migrate left. That is "
    "for a new place that is lost; where it is there, migrate back from it.",
    "not-recorded": "No scenario is recorded under this id; state list shows those that are.",
    "no-open-intent": "state settle is for creates whose outcome is unknown; this id has none.",
    "key-taken": "A key belongs to one address at most. The one given is remembered under another id, or "
    "as a tombstone.",
    "key-older": "The key given to state settle was on the account before the create was sent, so it is another "
    "scenario that looks alike.",
}
