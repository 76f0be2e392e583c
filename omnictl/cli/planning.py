"""What plan and apply share on the command line: selection, allowed guards, and the circumstances of a plan."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from omnictl import __version__
from omnictl.cli.completing import complete_allowances, complete_ids, complete_recorded_ids
from omnictl.cli.context import Session
from omnictl.cli.provider import recent_requests
from omnictl.cli.system import make_token, utc_now
from omnictl.codec.state import state_digest
from omnictl.engine.view import BudgetUse, Circumstances, RemovalRules, Thresholds
from omnictl.errors import StateError
from omnictl.model.address import Address
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Guard
from omnictl.model.state import Record, State
from omnictl.provider.base import Operation, Provider

if TYPE_CHECKING:
    from omnictl.config.settings import Environment

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


def _left_of(neighbours: Iterable[tuple[str, Record]], declared: Mapping[str, frozenset[Address]]) -> frozenset[str]:
    """Return the keys that another environment still manages though its files no longer declare them."""
    return frozenset(
        record.key for name, record in neighbours if name in declared and record.address not in declared[name]
    )


def find_neighbours(session: Session) -> Iterator[tuple[str, Record]]:
    """Yield what other environments of the same account manage, each with the name of its environment.

    Raises StateError where one of their states cannot be read: what it manages would look like nobody's.
    """
    own = session.environment
    if session.sandbox or own.account is None:
        return
    for environment in session.settings.environments.values():
        if environment.name == own.name or not _is_same_account(environment, own):
            continue
        try:
            state = session.backend_of(environment).read()
        except StateError as error:
            raise StateError(*_unreadable_neighbour(environment, error)) from None
        for record in state.records.values() if state is not None else ():
            yield environment.name, record


def _is_same_account(one: "Environment", other: "Environment") -> bool:
    """Tell whether two environments name the same account; a base URL may come from a variable, which is for all."""
    hosts = {each.base_url for each in (one, other) if each.base_url is not None}
    return one.account == other.account and len(hosts) < 2


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
    session: Session, provider: Provider, state: State, choices: Choices, *, judge_files: bool = False
) -> Circumstances:
    """Return what a plan depends on beside files, state and account.

    ``judge_files`` where the plan says its risk: what lint and the reading warned of is a part of it.
    """
    now = utc_now()
    budgets = session.budgets
    neighbours = tuple(find_neighbours(session))
    guards, removal = session.settings.guards, session.settings.removal

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
        elsewhere={record.key: name for name, record in neighbours},
        left_elsewhere=_left_of(neighbours, session.loaded.declared_beside) if judge_files else frozenset(),
        removal=RemovalRules(removal.retire_marker, removal.longest_name),
        retire=choices.retire,
        lint=session.lint_findings if judge_files else (),
        warnings=session.loaded.diagnostics if judge_files else (),
    )


CODES = {
    "neighbour-unreadable": "Environments with the same account: name know from their states whose a scenario is. One "
    "of these states cannot be read, or is of a newer omnictl, and nothing is planned without it.",
}
