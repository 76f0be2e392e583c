"""The composition root: from options and settings to environment, configuration, state backend and provider."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from omnictl.cli.globals import GlobalOptions, current_globals, is_on
from omnictl.cli.output import Output, make_output
from omnictl.errors import ConfigurationError, RefusalKind, RefusedError, StateError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.shell import complete_command, join_words

if TYPE_CHECKING:
    from omnictl.config.scenarios import LoadedConfiguration
    from omnictl.config.settings import Environment, Settings
    from omnictl.model.outcome import Event
    from omnictl.model.scenario import Configuration
    from omnictl.model.state import Account, State
    from omnictl.provider.base import Budget, Operation, StopSignal
    from omnictl.provider.omni import OmniProvider
    from omnictl.state.base import LockHolder, StateBackend


SANDBOX_BANNER = "SANDBOX: nothing leaves this machine"


def utc_now() -> datetime:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def make_token(size: int) -> str:
    """Return a random name of so many bytes, in hexadecimal digits."""
    return os.urandom(size).hex()


class Place(Struct, frozen=True):
    """Where the things of one environment lie: its name, the sandbox or not, its own part of the work directory."""

    environment: str
    sandbox: bool
    work_dir: Path
    state_path: Path
    world_path: Path


class Session:
    """One run of omnictl: everything is found on first use, from the command line, the environment, and the files."""

    def __init__(self, options: GlobalOptions, environ: Mapping[str, str]) -> None:
        self.options = options
        self.environ = environ
        directory = options.chdir or environ.get("OMNICTL_CHDIR")
        _enter(directory or ".")

    @cached_property
    def run_id(self) -> str:
        """What this run is called in locks and intents."""
        return make_token(4)

    @cached_property
    def output(self) -> Output:
        """The two streams."""
        return make_output(self.options, self.environ)

    @cached_property
    def settings(self) -> "Settings":
        """The settings; mistakes in them raise."""
        from omnictl.config.settings import find_settings, load_settings

        settings, diagnostics = load_settings(find_settings(Path.cwd()), Path.cwd())
        if has_errors(diagnostics):
            raise ConfigurationError.of(diagnostics)
        self.output.diagnostics(diagnostics)
        return settings

    @property
    def in_ci(self) -> bool:
        """Whether this runs in a pipeline."""
        return self.environ.get("CI", "").lower() not in ("", "0", "false")

    @property
    def asks_for_sandbox(self) -> bool:
        """Whether the command line or a variable names the sandbox, whatever the settings say."""
        return self.options.sandbox or is_on(self.environ, "OMNICTL_SANDBOX")

    @cached_property
    def sandbox(self) -> bool:
        """Whether the embedded sandbox stands in for the API: by the flag, a variable, or the settings."""
        if self.options.sandbox:
            return True
        if self.asks_for_sandbox and self.in_ci and not self.environment.sandbox:
            raise UsageError(_sandbox_in_ci())
        return self.asks_for_sandbox or self.environment.sandbox

    @cached_property
    def environment(self) -> "Environment":
        """The chosen environment."""
        name = self.options.env or self.environ.get("OMNICTL_ENV") or self.settings.default_environment
        environments = self.settings.environments
        if name is None:
            raise UsageError(_no_environment(tuple(environments)))
        if name not in environments:
            raise UsageError(_unknown_environment(name, tuple(environments)))
        return environments[name]

    @cached_property
    def place(self) -> Place:
        """Where the state and all that belongs to the environment lie."""
        return self._place_of(self.environment)

    def _place_of(self, environment: "Environment") -> Place:
        root = self.settings.root
        work = root / ".omnictl"
        if self.sandbox:
            work = work / "sandbox" / environment.name
            return Place(environment.name, True, work, work / "state.json", work / "world.sqlite")
        given = self.options.state or self.environ.get("OMNICTL_STATE")
        usual = root / (environment.state or f"state/{environment.name}.json")
        path = Path(given) if given and environment is self.environment else usual
        return Place(environment.name, False, work, path.absolute(), work / "world.sqlite")

    @cached_property
    def backend(self) -> "StateBackend":
        """The memory of the environment."""
        return self.backend_of(self.environment)

    def backend_of(self, environment: "Environment") -> "StateBackend":
        """Return the memory of any environment."""
        from omnictl.state.local import LocalBackend

        place = self._place_of(environment)
        return LocalBackend(place.state_path, work_dir=place.work_dir, environment=place.environment)

    def command(self, *words: str) -> str:
        """Return a command line that works where this run works, for people to copy."""
        return complete_command(join_words(["omnictl", *words]), self.options.here)

    def show(self, text: str) -> None:
        """Write a result for people; in the sandbox it says so first."""
        self.output.result(f"{SANDBOX_BANNER}\n{text}" if self.sandbox else text)

    @property
    def configuration(self) -> "Configuration":
        """What the files declare for the environment; any mistake in any file raises."""
        return self.loaded.configuration

    @cached_property
    def loaded(self) -> "LoadedConfiguration":
        """The files of the environment, the messages that they name too; any mistake in any file raises."""
        from omnictl.config.scenarios import load_configuration

        loaded = load_configuration(self.settings, self.environment.name, self.options.variables, self.environ)
        found = (*loaded.diagnostics, *self._lint_errors(loaded.configuration))
        if has_errors(found):
            raise ConfigurationError.of(found)
        self.output.diagnostics(found)
        return loaded

    def _lint_errors(self, configuration: "Configuration") -> tuple[Diagnostic, ...]:
        """Return what breaks the rules that the project made errors; validate tells the rest."""
        if Severity.ERROR.value not in self.settings.lint.values():
            return ()
        from omnictl.lint.check import lint

        return lint(configuration, self.settings.lint, today=utc_now().date(), only=(Severity.ERROR,))

    @cached_property
    def lint_findings(self) -> tuple[Diagnostic, ...]:
        """What the rules of lint warn of, as validate tells it; nobody is told here."""
        from omnictl.lint.check import lint

        return lint(self.configuration, self.settings.lint, only=(Severity.ERROR, Severity.WARNING))

    @property
    def budgets(self) -> "Mapping[Operation, Budget]":
        """The throttles: those of the environment, else the published ones; none in the sandbox."""
        from omnictl.provider.base import PUBLISHED_BUDGETS, Budget, Operation

        if self.sandbox:
            return {}
        own = {
            Operation(name): Budget(each.limit, each.window_seconds) for name, each in self.environment.budgets.items()
        }
        return {**PUBLISHED_BUDGETS, **own}

    @property
    def workers(self) -> int:
        """How many requests may be in flight."""
        return self.environment.workers

    def account(self, host: str) -> "Account":
        """Return which account this is."""
        from omnictl.model.state import Account

        return Account(host, self.environment.account)

    def new_state(self) -> "State":
        """Return the state of an environment that has none yet."""
        from omnictl.model.state import State

        return State(lineage=make_token(16), environment=self.place.environment)

    def holder(self, operation: str, expected_end: datetime | None = None) -> "LockHolder":
        """Return how this run presents itself to others who want the lock."""
        from omnictl.state.base import LockHolder

        link = self.environ.get("CI_JOB_URL", "")
        if not link and self.environ.get("GITHUB_RUN_ID"):
            parts = (self.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))
            link = "/".join((*parts, "actions/runs", self.environ["GITHUB_RUN_ID"]))
        return LockHolder(operation, self.run_id, utc_now(), expected_end, f"pid {os.getpid()}", link)

    def open_provider(
        self, state: "State", stop: "StopSignal", observe: "Callable[[Event], None]", *, read_only: bool
    ) -> "OmniProvider":
        """Return the provider of the environment; the caller closes it."""
        from omnictl.cli.provider import open_provider

        return open_provider(self, state, stop, observe, read_only=read_only)


def recent_requests(state: "State", now: datetime, window_seconds: float) -> "dict[Operation, Sequence[datetime]]":
    """Return when recent runs sent creates and updates at the latest, as the state remembers it.

    It remembers whole seconds: a request may have left almost a second after its time.
    """
    from omnictl.provider.base import Operation

    records = state.records.values()
    created = (*(each.created_at for each in records), *(each.created_at for each in state.intents))
    updated = (each.updated_at for each in records)

    def select(times: Iterable[datetime | None]) -> list[datetime]:
        latest = (each + timedelta(seconds=1) for each in times if each)
        return sorted(each for each in latest if each >= now - timedelta(seconds=window_seconds))

    return {Operation.CREATE: select(created), Operation.UPDATE: select(updated)}


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


def refuse_lost_state(session: Session) -> None:
    """In a pipeline a local state is lost with the machine, unless git keeps it."""
    if session.in_ci and not session.sandbox and session.backend.is_local and not session.environment.state_in_git:
        raise RefusedError(
            RefusalKind.POLICY,
            Diagnostic(
                "local-state-in-ci",
                Severity.ERROR,
                "A pipeline must not apply with a state that goes with its machine",
                f"The state of {session.place.environment} is the local file {session.backend.location}.",
                hint="if the pipeline commits it to git, say so in omnictl.yaml",
                commands=(f"environments: {{{session.place.environment}: {{state_in_git: true}}}}",),
            ),
        )


def get_session(ctx: click.Context) -> Session:
    """Return the session of this run; made once, when the options are known."""
    root = ctx.find_root()
    if not isinstance(root.obj, Session):
        root.obj = Session(current_globals(ctx), os.environ)
    return root.obj


def _enter(directory: str) -> None:
    """Go to a directory, and see that there is one: that of the shell may have been removed under it."""
    try:
        if directory != ".":
            os.chdir(directory)
        Path.cwd()
    except OSError as error:
        raise UsageError(_no_directory(directory, error)) from None


def _no_directory(directory: str, error: OSError) -> Diagnostic:
    if directory == ".":
        return Diagnostic(
            "no-directory",
            Severity.ERROR,
            "The working directory is gone",
            f"Where the command was started is no directory any more: {error.strerror}.",
            hint="go to a directory that exists, or name the project with an absolute path in -C",
        )
    return Diagnostic(
        "no-directory",
        Severity.ERROR,
        "The directory of -C or OMNICTL_CHDIR cannot be used",
        f"{directory}: {error.strerror}",
    )


def _no_environment(names: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "no-environment",
        Severity.ERROR,
        "No environment is chosen",
        f"omnictl.yaml has {', '.join(sorted(names))}, and none is the default.",
        hint="name one",
        commands=tuple(f"--env {name}" for name in sorted(names)),
    )


def _unknown_environment(name: str, names: Sequence[str]) -> Diagnostic:
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1)
    return Diagnostic(
        "unknown-environment",
        Severity.ERROR,
        "There is no such environment",
        f"{name} is not in omnictl.yaml; it has {', '.join(sorted(names)) or 'none'}.",
        hint=f"did you mean {close[0]}?" if close else "",
    )


def _sandbox_in_ci() -> Diagnostic:
    return Diagnostic(
        "sandbox-in-ci",
        Severity.ERROR,
        "In a pipeline the sandbox must be asked for by its flag or in the settings",
        "OMNICTL_SANDBOX is set and so is CI. A pipeline must not go green against a toy because of a variable.",
        hint="write it on the command line",
        commands=("omnictl plan --sandbox",),
    )


CODES = {
    "no-state": "The environment has no state yet, or --state names another place.",
    "local-state-in-ci": "With CI set, apply refuses a state in a local file: the machine of the pipeline goes, and "
    "the keys with it. Commit the state to git and say state_in_git: true.",
    "no-directory": "The directory given with -C does not exist or cannot be entered; or, without -C, the working "
    "directory was removed.",
    "no-environment": "omnictl.yaml has several environments and no default, so one must be named with --env.",
    "unknown-environment": "The environment named with --env or OMNICTL_ENV is not in omnictl.yaml.",
    "sandbox-in-ci": "With CI set, the variable OMNICTL_SANDBOX alone does not select the sandbox: the flag "
    "must, or sandbox: true of the environment in omnictl.yaml.",
}
