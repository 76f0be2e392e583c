"""Mending the state by hand, under its lock: push, rollback, settle. Each keeps the version before."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from omnictl.engine.advance import drop_intent, record_created
from omnictl.errors import RefusalKind, RefusedError, StateError
from omnictl.model.address import id_of, make_address
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Remote
from omnictl.model.state import Intent, State
from omnictl.state.base import LockHolder, StateBackend


def hold(backend: StateBackend, holder: LockHolder, timeout_seconds: float) -> AbstractContextManager[None]:
    """Hold the lock of a state for surgery."""
    return backend.lock(holder, timeout_seconds=timeout_seconds, on_wait=lambda _: None)


def change_state(
    backend: StateBackend, holder: LockHolder, change: Callable[[State | None], State], *, timeout_seconds: float = 0.0
) -> State:
    """Read, change and write the state under its lock; return what is stored now."""
    with hold(backend, holder, timeout_seconds):
        following = change(backend.read())
        backend.write(following)
        return following


def find_intent(state: State, scenario_id: str) -> Intent:
    """Return the open intent of an id. Raises StateError where there is none."""
    address = make_address(scenario_id)
    for intent in state.intents:
        if intent.address == address:
            return intent
    open_ids = ", ".join(id_of(each.address) for each in state.intents) or "none"
    raise StateError(
        Diagnostic(
            "no-open-intent",
            Severity.ERROR,
            "There is no create with an unknown outcome under this id",
            f"{scenario_id} has none; open are: {open_ids}.",
        )
    )


def settle_found(state: State, intent: Intent, remote: Remote) -> State:
    """Record that this scenario is the one that the intent created. Raises RefusedError where it is somebody's."""
    owner = next((each for each in state.records.values() if each.key == remote.key), None)
    if owner is not None:
        raise RefusedError(
            RefusalKind.POLICY,
            Diagnostic(
                "key-taken",
                Severity.ERROR,
                "The key belongs to another address",
                f"{remote.key} is recorded as {id_of(owner.address)}; a key belongs to one address.",
            ),
        )
    return record_created(state, intent, remote, intent.created_at)


def settle_absent(state: State, intent: Intent) -> State:
    """Drop an intent because a person says that its create did not happen."""
    return drop_intent(state, intent.address)


CODES = {
    "no-open-intent": "state settle is for creates whose outcome is unknown; this id has none.",
    "key-taken": "A key belongs to one address at most. The one given is recorded under another id.",
}
