"""What accept needs of the outside world: the scenarios that are named, their records, and what the account shows."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from omnictl.cli.context import Session
from omnictl.cli.memory import require_state
from omnictl.cli.progress import Progress
from omnictl.cli.provider import open_provider
from omnictl.cli.system import utc_now
from omnictl.config.accepting import Project
from omnictl.config.scenarios import validate_all
from omnictl.engine.accepting import is_field
from omnictl.engine.compare import without_ended
from omnictl.engine.drift import find_moved_default
from omnictl.engine.rename import find_renames
from omnictl.engine.view import View
from omnictl.errors import ConfigurationError, RefusalKind, RefusedError, StateError, UsageError
from omnictl.model.address import Address, id_of, make_address
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.state import State
from omnictl.operations.account import read_account
from omnictl.provider.base import StopSignal

DEFAULT = "default"
_MOVE_DEFAULT = (
    "take default: true out of that file, write it into the one of the scenario that is the default now, then"
)


def read_project(session: Session) -> Project:
    """Read the files for every environment. Raises ConfigurationError for a mistake in any: none could be compared."""
    _ = session.configuration  # tells what plan tells
    options = session.options.variables
    validation = validate_all(session.settings, options, session.environ)
    if has_errors(validation.diagnostics):
        raise ConfigurationError.of(validation.diagnostics)
    return Project(session.settings, session.environment.name, validation, options, session.environ)


def find_addresses(ids: Sequence[str], project: Project, session: Session) -> tuple[State, tuple[Address, ...]]:
    """Return the state and the addresses that are named. Raises UsageError for one that nobody knows."""
    state = require_state(session.backend.read(), session)
    addresses = tuple(dict.fromkeys(make_address(each) for each in ids))
    unknown = [each for each in addresses if each not in project.resources and each not in state.records]
    if unknown:
        known = [id_of(each) for each in {**project.resources, **state.records}]
        raise UsageError(*(_unknown(id_of(each), known, project.environment) for each in unknown))
    return state, addresses


def read_view(session: Session, project: Project, state: State) -> View:
    """Read the whole account; what is ignored no longer is compared, as a plan of today would."""
    with Progress(session.output) as progress:
        provider = open_provider(session, state, StopSignal(), progress.observe, read_only=True)
        try:
            remotes = read_account(provider, state, workers=session.workers, observe=progress.observe)
        finally:
            provider.close()
    configuration = project.validation.configurations[project.environment]
    return View(without_ended(configuration, utc_now().date()), state, remotes)


def refuse_unusable(addresses: Sequence[Address], view: View, session: Session) -> None:
    """Raise StateError for scenarios without a file, without a record, or no longer on the account."""
    problems = [*_find_unusable(addresses, view, session)]
    if problems:
        raise StateError(*problems)


def _find_unusable(addresses: Sequence[Address], view: View, session: Session) -> Iterator[Diagnostic]:
    resources, records = view.configuration.resources, view.state.records
    renames = find_renames(view).pairs
    declared_as = {old: new for new, old in renames.items()}
    for each in addresses:
        if each in declared_as:
            yield _renamed(id_of(each), id_of(declared_as[each]), session)
        elif each in renames:
            yield _renamed(id_of(renames[each]), id_of(each), session)
        elif each not in resources:
            yield _no_file(id_of(each), session.place.environment)
        elif each not in records:
            yield _unrecorded(id_of(each), session)
        elif records[each].key not in view.remotes:
            yield _vanished(id_of(each), records[each].key, session)


def find_default_note(addresses: Sequence[Address], view: View, project: Project) -> tuple[Diagnostic, ...]:
    """Say of a default that moved to or from one of the scenarios that it is not accepted with it."""
    moved = find_moved_default(view, view.state.records, {})
    if moved is None or not {moved.address, moved.now} & set(addresses):
        return ()
    now = f"{id_of(moved.now)} has it" if moved.now is not None else "a scenario has it that is not managed here"
    said = f"It was recorded with {id_of(moved.address)}, and {now if moved.key is not None else 'nobody has it'} now."
    return (_default_moved(said, project),)


def refuse_fields(fields: Sequence[str], project: Project) -> None:
    """Refuse what is no field, and the account default, which is no field of one scenario."""
    if DEFAULT in fields:
        raise RefusedError(RefusalKind.POLICY, _default_refused(project))
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


def _say_default(project: Project) -> str:
    declared = [each for each in project.resources.values() if each.default]
    places = ", ".join(
        f"{id_of(each.address)} ({place.path}:{place.line})"
        for each in declared
        if (place := each.sources.get("default")) is not None
    )
    where = f"Here it is {places}." if places else "Here no file declares it."
    return f"It is one for the whole account, and moving it is an edit of two files. {where}"


def _default_refused(project: Project) -> Diagnostic:
    return Diagnostic(
        "default-not-accepted",
        Severity.ERROR,
        "The account default is not accepted, it is declared",
        f"{_say_default(project)} Nothing was written.",
        hint=_MOVE_DEFAULT,
        commands=("omnictl plan",),
    )


def _default_moved(said: str, project: Project) -> Diagnostic:
    return Diagnostic(
        "default-moved",
        Severity.WARNING,
        "The account default moved, and is not accepted with a scenario",
        f"{said} {_say_default(project)}",
        hint=_MOVE_DEFAULT,
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


def _renamed(old: str, new: str, session: Session) -> Diagnostic:
    return Diagnostic(
        "renamed-in-files",
        Severity.ERROR,
        "The scenario has another id in the files",
        f"It is recorded as {old}, and the files call it {new} now, which is not applied yet.",
        hint=f"give it its new id in the state, then accept {new}",
        commands=(session.command("state", "mv", old, new),),
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
    "default-moved": "A scenario was named that had the account default or has it now. Accept takes over fields, and "
    "the default is none: it is moved by hand, out of one file and into another.",
    "unknown-scenario": "The scenario that is named is neither declared in the environment nor recorded in its state.",
    "renamed-in-files": "The scenario that is named is recorded under one id and declared under another one, and the "
    "rename is not applied yet; accept goes by the id that is recorded and declared.",
    "not-declared": "The scenario is recorded, but its file is gone, or is not read in this environment.",
    "not-managed-yet": "A scenario of the files has no record yet: it is still to be created, adopted or renamed.",
    "vanished-scenario": "The key of the scenario does not exist on the account any more.",
}
