"""What plan and apply share on the command line: selection, allowed guards, and the circumstances of a plan."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from msgspec import Struct

from omnictl import __version__
from omnictl.cli.completing import complete_allowances, complete_ids
from omnictl.cli.context import Session, make_token, recent_requests, utc_now
from omnictl.codec.state import state_digest
from omnictl.engine.view import BudgetUse, Circumstances, Thresholds
from omnictl.model.plan import Guard
from omnictl.model.state import State
from omnictl.provider.base import Operation, Provider

F = TypeVar("F", bound=Callable[..., Any])


class Choices(Struct, frozen=True):
    """What the command line chose for a plan."""

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    allowed: frozenset[tuple[Guard, str]] = frozenset()


_of_ids: Any = {"multiple": True, "metavar": "GLOB", "shell_complete": complete_ids}


def selection_options(command: F) -> F:
    """Give a command --only, --exclude and --allow."""
    for option in reversed(
        (
            click.option("--only", help="Only these: an id glob or label:KEY=VALUE.", **_of_ids),
            click.option("--exclude", help="Not these: an id glob or label:KEY=VALUE.", **_of_ids),
            click.option(
                "--allow",
                multiple=True,
                metavar="GUARD=ID",
                shell_complete=complete_allowances,
                help="Allow what a guard refuses.",
            ),
        )
    ):
        command = option(command)
    return command


def read_choices(only: tuple[str, ...], exclude: tuple[str, ...], allow: tuple[str, ...]) -> Choices:
    """Return the choices. Raises a usage error for a guard that does not exist."""
    return Choices(only, exclude, frozenset(_read_allowance(each) for each in allow))


def only_options(command: F) -> F:
    """Give a command --only and --exclude, where there is nothing to allow."""
    command = click.option("--exclude", help="Not these: an id glob or label:KEY=VALUE.", **_of_ids)(command)
    return click.option("--only", help="Only these: an id glob or label:KEY=VALUE.", **_of_ids)(command)


def _read_allowance(text: str) -> tuple[Guard, str]:
    name, equals, subject = text.partition("=")
    if name not in list(Guard) or not equals or not subject:
        raise click.UsageError(f"--allow takes GUARD=ID, not {text!r}. The guards: {', '.join(sorted(Guard))}")
    return Guard(name), subject


def managed_elsewhere(session: Session) -> dict[str, str]:
    """Return the keys that other environments of the same account manage, with the names of these environments."""
    own = session.environment
    if session.sandbox or own.account is None:
        return {}
    keys: dict[str, str] = {}
    for environment in session.settings.environments.values():
        if environment.name == own.name or environment.account != own.account:
            continue
        state = session.backend_of(environment).read()
        records = state.records.values() if state is not None else ()
        keys.update({record.key: environment.name for record in records})
    return keys


def make_circumstances(session: Session, provider: Provider, state: State, choices: Choices) -> Circumstances:
    """Return what a plan depends on beside files, state and account."""
    now = utc_now()
    budgets = session.budgets
    guards = session.settings.guards

    def use(operation: Operation) -> BudgetUse:
        budget = budgets.get(operation)
        if budget is None:
            return BudgetUse(None)
        recent = recent_requests(state, now, budget.window_seconds)[operation]
        ages = tuple(max(0.0, (now - at).total_seconds()) for at in recent)
        return BudgetUse(budget.limit, budget.window_seconds, ages)

    return Circumstances(
        plan_id=make_token(8),
        created_at=now,
        environment=session.place.environment,
        account=session.account(provider.host),
        state_digest=state_digest(state),
        omnictl_version=__version__,
        production=session.environment.production and not session.sandbox,
        sandbox=session.sandbox,
        only=choices.only,
        exclude=choices.exclude,
        allowed=choices.allowed,
        thresholds=Thresholds(guards.mass_change_share, guards.mass_change_count),
        creates=use(Operation.CREATE),
        updates=use(Operation.UPDATE),
        page_size=provider.capabilities.page_size,
        elsewhere=managed_elsewhere(session),
    )
