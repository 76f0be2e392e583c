"""Whether a state that was read is the one to work with."""

from omnictl.errors import StateError, StateMovedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.state import State
from omnictl.state.location import in_settings
from omnictl.state.problems import other_environment


def refuse_unusable(state: State, where: str, environment: str) -> None:
    """Raise StateError for the state of another environment, StateMovedError for one that was taken elsewhere."""
    if state.environment != environment:
        raise StateError(other_environment(where, state.environment, environment))
    if state.moved_to is not None:
        raise StateMovedError(state, _moved_away(where, state.moved_to, environment))


def _moved_away(where: str, moved_to: str, environment: str) -> Diagnostic:
    return Diagnostic(
        "state-moved-away",
        Severity.ERROR,
        "The state was moved to another place",
        f"{where} was taken to {moved_to} by state migrate, and is kept as it was then. What is done with it would be "
        "lost there.",
        hint="name the new place in omnictl.yaml, or with --state; to take it back, migrate it from there to here; "
        "where the new place is lost, go back to a version that was kept here",
        commands=(
            f"environments: {{{environment}: {{state: {in_settings(moved_to)}}}}}",
            "omnictl state rollback SERIAL --set-aside",
        ),
    )


CODES = {
    "state-moved-away": "state migrate took the state elsewhere and left a mark in its old place, so that nobody goes "
    "on with what is no longer kept up. Name the new place, or migrate back.",
}
