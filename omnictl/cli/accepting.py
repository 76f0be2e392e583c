"""What accept needs of the outside world: the scenarios that are named, their records, and what the account shows."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from omnictl.cli.context import Session
from omnictl.cli.memory import require_state
from omnictl.cli.progress import Progress
from omnictl.cli.provider import open_provider
from omnictl.config.accepting import Project
from omnictl.config.scenarios import validate_all
from omnictl.engine.accepting import is_field
from omnictl.errors import ConfigurationError, RefusalKind, RefusedError, StateError, UsageError
from omnictl.model.address import Address, id_of, make_address
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.scenario import Remote
from omnictl.model.state import State
from omnictl.operations.account import read_account
from omnictl.provider.base import StopSignal

DEFAULT = "default"


def read_project(session: Session) -> Project:
    """Read the files for every environment. Raises ConfigurationError for a mistake in any: none could be compared."""
    _ = session.configuration  # tells what plan tells
    options = session.options.variables
    validation = validate_all(session.settings, options, session.environ)
    if has_errors(validation.diagnostics):
        raise ConfigurationError.of(validation.diagnostics)
    return Project(session.settings, session.environment.name, validation, options, session.environ)


def find_addresses(ids: Sequence[str], project: Project, session: Session) -> tuple[State, tuple[Address, ...]]:
    """Return the state and the addresses that are named. Raises UsageError and StateError for what cannot be."""
    state = require_state(session.backend.read(), session)
    addresses = tuple(dict.fromkeys(make_address(each) for each in ids))
    unknown = [each for each in addresses if each not in project.resources and each not in state.records]
    if unknown:
        known = [id_of(each) for each in {**project.resources, **state.records}]
        raise UsageError(*(_unknown(id_of(each), known, project.environment) for each in unknown))
    problems = [*_find_unusable(addresses, project, state, session)]
    if problems:
        raise StateError(*problems)
    return state, addresses


def _find_unusable(
    addresses: Sequence[Address], project: Project, state: State, session: Session
) -> Iterator[Diagnostic]:
    for each in addresses:
        if each not in project.resources:
            yield _no_file(id_of(each), project.environment)
        elif each not in state.records:
            yield _unrecorded(id_of(each), session)


def read_remotes(session: Session, state: State, addresses: Sequence[Address]) -> dict[Address, Remote]:
    """Read the whole account, and return what it shows of the addresses. Raises StateError for one that vanished."""
    with Progress(session.output) as progress:
        provider = open_provider(session, state, StopSignal(), progress.observe, read_only=True)
        try:
            remotes = read_account(provider, state, workers=session.workers, observe=progress.observe)
        finally:
            provider.close()
    vanished = [each for each in addresses if state.records[each].key not in remotes]
    if vanished:
        raise StateError(*(_vanished(id_of(each), state.records[each].key, session) for each in vanished))
    return {each: remotes[state.records[each].key] for each in addresses}


def refuse_fields(fields: Sequence[str], project: Project) -> None:
    """Refuse what is no field, and the account default, which is no field of one scenario."""
    if DEFAULT in fields:
        raise RefusedError(RefusalKind.POLICY, _default(project))
    wrong = [each for each in fields if not is_field(each)]
    if wrong:
        raise UsageError(*map(_no_field, wrong))


def _no_field(field: str) -> Diagnostic:
    close = get_close_matches(field, ("name", "flow", "flow[0]", "flow[0].from"), n=1)
    return Diagnostic(
        "no-such-field",
        Severity.ERROR,
        "There is no such field to accept",
        f"--field takes name, flow, flow[N] or flow[N].from, where N counts from 0, not {field}.",
        hint=f"did you mean {close[0]}?" if close else "",
    )


def _default(project: Project) -> Diagnostic:
    declared = [each for each in project.resources.values() if each.default]
    places = ", ".join(
        f"{id_of(each.address)} ({place.path}:{place.line})"
        for each in declared
        if (place := each.sources.get("default")) is not None
    )
    where = f"Here it is {places}." if places else "Here no file declares it."
    return Diagnostic(
        "default-not-accepted",
        Severity.ERROR,
        "The account default is not accepted, it is declared",
        f"It is one for the whole account, and moving it is an edit of two files. {where} Nothing was written.",
        hint="take default: true out of that file, write it into the one of the scenario that is the default now, then",
        commands=("omnictl plan",),
    )


def _unknown(scenario_id: str, known: Sequence[str], environment: str) -> Diagnostic:
    close = get_close_matches(scenario_id, known, n=1)
    return Diagnostic(
        "unknown-scenario",
        Severity.ERROR,
        "There is no such scenario",
        f"{scenario_id} is neither in the files nor in the state of {environment}.",
        hint=f"did you mean {close[0]}?" if close else "those that are managed are listed by",
        commands=() if close else ("omnictl state list",),
    )


def _no_file(scenario_id: str, environment: str) -> Diagnostic:
    return Diagnostic(
        "not-declared",
        Severity.ERROR,
        "No file declares the scenario",
        f"{scenario_id} is recorded, and no file of {environment} has it: there is no place to write to.",
        hint="bring its file back from git, then accept again",
    )


def _unrecorded(scenario_id: str, session: Session) -> Diagnostic:
    return Diagnostic(
        "not-managed-yet",
        Severity.ERROR,
        "The scenario is not managed yet",
        f"{scenario_id} is in the files, and the state does not know which scenario of the account it is.",
        hint="the plan says what becomes of it; once it is created, adopted or renamed, its changes can be accepted",
        commands=(session.command("plan"),),
    )


def _vanished(scenario_id: str, key: str, session: Session) -> Diagnostic:
    return Diagnostic(
        "vanished-scenario",
        Severity.ERROR,
        "The scenario is no longer on the account",
        f"The account does not know the key {key} of {scenario_id}, so there is nothing to take over.",
        hint="remove its file to forget it, or see what a plan would do about it",
        commands=(session.command("plan"),),
    )


CODES = {
    "no-such-field": "accept --field takes name, flow, flow[N] or flow[N].from. N counts from 0, as in ignore_changes.",
    "default-not-accepted": "The account default belongs to no scenario alone: it is moved by hand, out of one file "
    "and into another.",
    "unknown-scenario": "The scenario that is named is neither declared in the environment nor recorded in its state.",
    "not-declared": "The scenario is recorded, but its file is gone, or is not read in this environment.",
    "not-managed-yet": "A scenario of the files has no record yet: it is still to be created, adopted or renamed.",
    "vanished-scenario": "The key of the scenario does not exist on the account any more.",
}
