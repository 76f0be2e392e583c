"""What plan and apply share on the command line: selection, allowed guards, and the circumstances of a plan."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click
from msgspec import Struct

from omnictl import __version__
from omnictl.cli.completing import complete_allowances, complete_ids, complete_recorded_ids
from omnictl.cli.context import Session
from omnictl.cli.ignored import read_if_whole
from omnictl.cli.provider import recent_requests
from omnictl.cli.system import make_token, utc_now
from omnictl.codec.state import state_digest
from omnictl.config.accounts import accounts_beside
from omnictl.engine.view import BudgetUse, Circumstances, Neighbour, RemovalRules, Thresholds
from omnictl.errors import StateError
from omnictl.model.address import Address
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Guard
from omnictl.model.scenario import Resource
from omnictl.model.state import State
from omnictl.provider.base import Operation, Provider

if TYPE_CHECKING:
    from omnictl.config.settings import Environment

Declared: TypeAlias = Mapping[str, Mapping[Address, Resource | None]]
F = TypeVar("F", bound=Callable[..., Any])


class Choices(Struct, frozen=True):
    """What the command line chose for a plan."""

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    allowed: frozenset[tuple[Guard, str]] = frozenset()
    retire: tuple[str, ...] = ()


_of_ids: Any = {"multiple": True, "metavar": "GLOB", "shell_complete": complete_ids}


def selection_options(command: F) -> F:
    """Give a command --only, --exclude, --allow and --retire."""
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
            click.option(
                "--retire",
                multiple=True,
                metavar="GLOB",
                shell_complete=complete_recorded_ids,
                help="Retire what leaves the configuration and has such an id, instead of forgetting it.",
            ),
        )
    ):
        command = option(command)
    return command


def read_choices(
    only: tuple[str, ...], exclude: tuple[str, ...], allow: tuple[str, ...], retire: tuple[str, ...] = ()
) -> Choices:
    """Return the choices. Raises a usage error for a guard that does not exist."""
    return Choices(only, exclude, frozenset(_read_allowance(each) for each in allow), retire)


def only_options(command: F) -> F:
    """Give a command --only and --exclude, where there is nothing to allow."""
    command = click.option("--exclude", help="Not these: an id glob or label:KEY=VALUE.", **_of_ids)(command)
    return click.option("--only", help="Only these: an id glob or label:KEY=VALUE.", **_of_ids)(command)


def _read_allowance(text: str) -> tuple[Guard, str]:
    name, equals, subject = text.partition("=")
    if name not in list(Guard) or not equals or not subject:
        raise click.UsageError(f"--allow takes GUARD=ID, not {text!r}. The guards: {', '.join(sorted(Guard))}")
    return Guard(name), subject


def find_neighbours(session: Session, declared: Declared) -> Iterator[Neighbour]:
    """Yield the other environments of the same account that have a state or files.

    Raises StateError where one of their states cannot be read: what it manages would look like nobody's.
    """
    if session.sandbox:  # each environment has an account of its own there
        return
    for name in accounts_beside(session.environment.name, session.settings, session.environ):
        environment = session.settings.environments[name]
        try:
            state = session.backend_of(environment).read()
        except StateError as error:
            raise StateError(*_unreadable_neighbour(environment, error)) from None
        yield Neighbour(name, state or State(lineage="", environment=name), declared.get(name))


def _unreadable_neighbour(environment: "Environment", error: StateError) -> Iterator[Diagnostic]:
    """Yield whose state it is, and then what is wrong with it; what cures it is done in that environment."""
    yield Diagnostic(
        "neighbour-unreadable",
        Severity.ERROR,
        "The state of another environment of this account cannot be read",
        f"{environment.name} has the same account: {environment.account}. Without its state nobody knows which "
        "scenarios are its own, and none is touched.",
        hint="what is wrong with it follows; plan that environment by itself to see it alone",
        commands=(f"omnictl state list --env {environment.name}",),
    )
    for each in error.diagnostics:
        there = (
            f"{line} --env {environment.name}" if line.startswith("omnictl ") and "--env" not in line else line
            for line in each.commands
        )
        yield replace(each, commands=tuple(there))


def make_circumstances(
    session: Session,
    provider: Provider,
    state: State,
    choices: Choices,
    declared_beside: Declared | None = None,
    *,
    judge_files: bool = False,
) -> Circumstances:
    """Return what a plan depends on beside files, state and account.

    ``declared_beside`` is what other environments of the account declare; None where no file is read.
    ``judge_files`` where the plan says its risk: what lint and the reading warned of is a part of it.
    """
    now = utc_now()
    budgets = session.budgets
    guards, removal = session.settings.guards, session.settings.removal

    ignored, not_ignored = read_if_whole(session)

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
        ignored=ignored,
        neighbours=tuple(find_neighbours(session, declared_beside or {})),
        removal=RemovalRules(removal.retire_marker, removal.longest_name),
        retire=choices.retire,
        lint=session.lint_findings if judge_files else (),
        warnings=(*session.loaded.diagnostics, *not_ignored) if judge_files else (),
    )


CODES = {
    "neighbour-unreadable": "Environments with the same account: name know from their states whose a scenario is. One "
    "of these states cannot be read, or is of a newer omnictl, and nothing is planned without it.",
}
