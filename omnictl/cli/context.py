"""The composition root: from options and settings to environment, configuration, state backend and provider."""

import os
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from omnictl.cli.choosing import choose_environment, enter, sandbox_in_ci
from omnictl.cli.globals import GlobalOptions, current_globals, is_on
from omnictl.cli.output import Output, make_output
from omnictl.cli.pipeline import link_to_run, name_run
from omnictl.cli.system import make_token, utc_now
from omnictl.errors import ConfigurationError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.shell import complete_command, join_words

if TYPE_CHECKING:
    from omnictl.config.scenarios import LoadedConfiguration
    from omnictl.config.settings import Environment, Settings
    from omnictl.model.scenario import Configuration
    from omnictl.model.state import Account, State
    from omnictl.provider.base import Budget, Operation
    from omnictl.state.base import LockHolder, StateBackend


SANDBOX_BANNER = "SANDBOX: nothing leaves this machine"


class Place(Struct, frozen=True):
    """Where the things of one environment lie: its name, the sandbox or not, its own part of the work directory."""

    environment: str
    sandbox: bool
    work_dir: Path
    state: str | Path
    world_path: Path


class Session:
    """One run of omnictl: everything is found on first use, from the command line, the environment, and the files."""

    def __init__(self, options: GlobalOptions, environ: Mapping[str, str], *, is_entered: bool = False) -> None:
        self.options = options
        self.environ = environ
        directory = options.chdir or environ.get("OMNICTL_CHDIR")
        enter("." if is_entered else directory or ".")

    def afresh(self) -> "Session":
        """Return the same run, in the folder where it is, with nothing read yet: files were written meanwhile."""
        return Session(self.options, self.environ, is_entered=True)

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
            raise UsageError(sandbox_in_ci())
        return self.asks_for_sandbox or self.environment.sandbox

    @cached_property
    def environment(self) -> "Environment":
        """The chosen environment."""
        name = self.options.env or self.environ.get("OMNICTL_ENV") or self.settings.default_environment
        return choose_environment(name, self.settings.environments)

    @cached_property
    def place(self) -> Place:
        """Where the state and all that belongs to the environment lie."""
        return self._place_of(self.environment)

    def _place_of(self, environment: "Environment") -> Place:
        from omnictl.state.location import is_url

        root = self.settings.root
        work = root / ".omnictl"
        if self.sandbox:
            work = work / "sandbox" / environment.name
            return Place(environment.name, True, work, work / "state.json", work / "world.sqlite")
        given = self.options.state or self.environ.get("OMNICTL_STATE")
        usual = environment.state or f"state/{environment.name}.json"
        chosen, base = (given, Path()) if given and environment is self.environment else (usual, root)
        state = chosen if is_url(chosen) else (base / chosen).absolute()
        return Place(environment.name, False, work, state, work / "world.sqlite")

    @cached_property
    def backend(self) -> "StateBackend":
        """The memory of the environment."""
        return self.backend_of(self.environment)

    def backend_of(self, environment: "Environment") -> "StateBackend":
        """Return the memory of any environment."""
        place = self._place_of(environment)
        return self._open_backend(place, environment, self._environ_of(environment, place.state))

    def backend_at(self, state: str | Path) -> "StateBackend":
        """Return the memory of the environment as it would be in another place, with the token that is meant for it."""
        from omnictl.state.terraform.meant import (
            TARGET_TOKEN_VARIABLE,
            TOKEN_VARIABLE,
            environ_beside,
            server_of,
            token_variable_of,
        )

        is_ours = server_of(self.place.state) in (None, server_of(state))
        environ = environ_beside(self.environ, is_ours=is_ours)
        own = self.environ.get(token_variable_of(self.environment.name)) if is_ours else None
        token = self.environ.get(TARGET_TOKEN_VARIABLE) or own
        environ |= {TOKEN_VARIABLE: token} if token else {}
        return self._open_backend(replace(self.place, state=state), self.environment, environ)

    def _environ_of(self, environment: "Environment", state: str | Path) -> Mapping[str, str]:
        """Return the variables for the state of an environment: credentials for one server go to no other one.

        They are for that of the chosen environment; where that one has none, for the only one that there is.
        """
        from omnictl.state.terraform.meant import TOKEN_VARIABLE, environ_beside, server_of, token_variable_of

        own, server = server_of(self.place.state), server_of(state)
        if server is None:
            return self.environ
        others = {server_of(each.state) for each in self.settings.environments.values() if each.state} - {None}
        is_ours = server == own if own is not None else len(others) == 1
        is_chosen = environment is self.environment
        environ = dict(self.environ) if is_chosen else environ_beside(self.environ, is_ours=is_ours)
        token = self.environ.get(token_variable_of(environment.name))
        return {**environ, **({TOKEN_VARIABLE: token} if token else {})}

    def ca_file_of(self, environment: "Environment") -> str | None:
        """Where certificate authorities are: the variable, else the settings, to which their path is relative."""
        given, named = self.environ.get("OMNICTL_CA_FILE"), environment.ca_file
        return given or (str(self.settings.root / named) if named else None)

    def _open_backend(self, place: Place, environment: "Environment", environ: Mapping[str, str]) -> "StateBackend":
        from omnictl.state.factory import open_backend

        return open_backend(
            place.state,
            work_dir=place.work_dir,
            environment=place.environment,
            environ=environ,
            make_token=lambda: make_token(16),
            ca_file=self.ca_file_of(environment),
        )

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

        today = utc_now().date()
        return lint(self.configuration, self.settings.lint, today=today, only=(Severity.ERROR, Severity.WARNING))

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

        label, link = (name_run(self.environ), link_to_run(self.environ)) if self.in_ci else ("", "")
        return LockHolder(operation, self.run_id, utc_now(), expected_end, f"pid {os.getpid()}", link, label)


def get_session(ctx: click.Context) -> Session:
    """Return the session of this run; made once, when the options are known."""
    root = ctx.find_root()
    if not isinstance(root.obj, Session):
        root.obj = Session(current_globals(ctx), os.environ)
    return root.obj
