"""The state of an environment as commands need it: there, and somewhere where it lasts."""

from typing import TYPE_CHECKING

from msgspec import Struct

from omnictl.cli.context import Session
from omnictl.errors import RefusalKind, RefusedError, StateError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.state.problems import no_such_version

if TYPE_CHECKING:
    from omnictl.model.state import State
    from omnictl.state.base import StateVersion


def require_state(state: "State | None", session: Session) -> "State":
    """Return the state, where there is one. Raises StateError."""
    if state is not None:
        return state
    raise StateError(
        Diagnostic(
            "no-state",
            Severity.ERROR,
            "There is no state yet",
            f"{session.backend.location} does not exist.",
            hint="apply makes it; check --env and --state",
        )
    )


class Kept(Struct, frozen=True):
    """A kept version of a lineage, and the highest serial that is kept of it."""

    version: "StateVersion"
    latest: int


def find_kept(session: Session, current: "State | None", serial: int, lineage: str) -> Kept:
    """Return the version of a serial that was written last, of a lineage that begins so. Raises StateError."""
    versions = session.backend.history()
    if not versions:
        require_state(current, session)
    of_lineage = [each for each in versions if each.lineage.startswith(lineage)]
    found = next((each for each in of_lineage if each.serial == serial), None)
    if found is None:
        raise StateError(no_such_version(serial, [each.serial for each in of_lineage]))
    return Kept(found, max(each.serial for each in versions if each.lineage == found.lineage))


def refuse_lost_state(session: Session, *, or_else: str = "", command: str = "") -> None:
    """In a pipeline a local state is lost with the machine, unless git keeps it.

    ``or_else`` and ``command`` are another way out, where there is one beside a store.
    """
    if session.in_ci and not session.sandbox and session.backend.is_local and not session.environment.state_in_git:
        raise RefusedError(
            RefusalKind.POLICY,
            Diagnostic(
                "local-state-in-ci",
                Severity.ERROR,
                "A pipeline must not keep a state that goes with its machine",
                f"The state of {session.place.environment} is the local file {session.backend.location}.",
                hint="keep it in a store that every run reaches (--state URL or OMNICTL_STATE, docs/backends.md), or, "
                f"if the pipeline commits it to git, say so in omnictl.yaml{or_else and f'; {or_else}'}",
                commands=(
                    f"environments: {{{session.place.environment}: {{state_in_git: true}}}}",
                    *([command] if command else []),
                ),
            ),
        )


CODES = {
    "no-state": "The environment has no state yet, or --state names another place.",
    "local-state-in-ci": "With CI set, apply and import refuse a state in a local file: the machine of the pipeline "
    "goes, and the keys with it. Keep the state in a store (state: URL), or commit it to git and say state_in_git: "
    "true; import --files-only writes none.",
}
