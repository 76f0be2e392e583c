"""The global options: they stand before or after the command, and mean the same in both places."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from omnictl.cli.globals import current_globals

F = TypeVar("F", bound=Callable[..., Any])


def global_options(command: F) -> F:
    """Give a command the global options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _keep_one(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Remember a value; given twice with different values it is wrong usage."""
    if value is None:
        return
    options, name = current_globals(ctx), param.name or ""
    before = getattr(options, name)
    if before is not None and before != value:
        raise click.UsageError(f"{param.opts[-1]} is given twice with different values: {before} and {value}", ctx)
    setattr(options, name, value)


def _keep_flag(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        setattr(current_globals(ctx), param.name or "", True)


def _keep_count(ctx: click.Context, param: click.Parameter, value: int) -> None:
    options = current_globals(ctx)
    options.verbose = max(options.verbose, value)


def _keep_variables(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> None:
    variables = current_globals(ctx).variables
    for each in value:
        name, equals, text = each.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--var takes NAME=VALUE, not {each!r}", ctx)
        if variables.get(name, text) != text:
            raise click.UsageError(f"--var {name} is given twice with different values", ctx)
        variables[name] = text


def _option(*names: str, callback: Callable[..., None], **settings: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, is_eager=True, callback=callback, **settings)


def _complete_environments(ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
    from omnictl.cli.completing import complete_environments  # late: only a shell that completes pays for it

    return complete_environments(ctx, param, incomplete)


_OPTIONS = (
    _option("-C", "--chdir", metavar="DIR", callback=_keep_one, help="Work as if started in DIR (OMNICTL_CHDIR)."),
    _option(
        "-e",
        "--env",
        metavar="NAME",
        callback=_keep_one,
        shell_complete=_complete_environments,
        help="The environment (OMNICTL_ENV).",
    ),
    _option("--sandbox", is_flag=True, callback=_keep_flag, help="Use the embedded sandbox (OMNICTL_SANDBOX)."),
    _option("--state", metavar="PATH-OR-URL", callback=_keep_one, help="Where the state is (OMNICTL_STATE)."),
    _option(
        "--var",
        "variables",
        metavar="NAME=V",
        multiple=True,
        callback=_keep_variables,
        help="Set a variable (OMNICTL_VAR_NAME).",
    ),
    _option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        callback=_keep_one,
        help="Colours (OMNICTL_COLOR, NO_COLOR, FORCE_COLOR).",
    ),
    _option("-q", "--quiet", is_flag=True, callback=_keep_flag, help="No progress, no hints (OMNICTL_QUIET)."),
    _option(
        "-v",
        "--verbose",
        count=True,
        callback=_keep_count,
        help="Say more: each request, each unmanaged scenario (OMNICTL_VERBOSE).",
    ),
    _option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        callback=_keep_one,
        help="How stderr is written (OMNICTL_LOG_FORMAT).",
    ),
)
