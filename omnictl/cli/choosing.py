"""What a run works on: the directory, the environment, and whether the sandbox stands in for the API."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omnictl.errors import UsageError
from omnictl.model.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from omnictl.config.settings import Environment


def enter(directory: str) -> None:
    """Go to a directory, and see that there is one: that of the shell may have been removed under it.

    Raises UsageError.
    """
    try:
        if directory != ".":
            os.chdir(directory)
        Path.cwd()
    except OSError as error:
        raise UsageError(_no_directory(directory, error)) from None


def choose_environment(name: str | None, environments: "Mapping[str, Environment]") -> "Environment":
    """Return the environment of a name. Raises UsageError where there is none, or no name."""
    if name is None:
        raise UsageError(_no_environment(tuple(environments)))
    if name not in environments:
        raise UsageError(_unknown_environment(name, tuple(environments)))
    return environments[name]


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


def sandbox_in_ci() -> Diagnostic:
    """Return why a variable alone does not select the sandbox in a pipeline."""
    return Diagnostic(
        "sandbox-in-ci",
        Severity.ERROR,
        "In a pipeline the sandbox must be asked for by its flag or in the settings",
        "OMNICTL_SANDBOX is set and so is CI. A pipeline must not go green against a toy because of a variable.",
        hint="write it on the command line",
        commands=("omnictl plan --sandbox",),
    )


CODES = {
    "no-directory": "The directory given with -C does not exist or cannot be entered; or, without -C, the working "
    "directory was removed.",
    "no-environment": "omnictl.yaml has several environments and no default, so one must be named with --env.",
    "unknown-environment": "An environment is named, with --env, by OMNICTL_ENV or in a file, that omnictl.yaml does "
    "not have.",
    "sandbox-in-ci": "With CI set, the variable OMNICTL_SANDBOX alone does not select the sandbox: the flag "
    "must, or sandbox: true of the environment in omnictl.yaml.",
}
