"""What the command line said of the global options, and what it said at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import click

from omnictl.errors import UsageError
from omnictl.model.shell import Options, join_words

_META_KEY = "omnictl.globals"
_ARGUMENTS_KEY = "omnictl.arguments"


@dataclass(slots=True)
class GlobalOptions:
    """What the command line said of the global options, wherever it said it; None where it was silent."""

    chdir: str | None = None
    env: str | None = None
    sandbox: bool = False
    state: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    color: str | None = None
    quiet: bool = False
    verbose: int = 0
    log_format: str | None = None

    @property
    def here(self) -> Options:
        """What decides where a command works: one to copy needs it in the same words, unless it may be a credential."""
        state = self.state if self.state and not _is_refused(self.state) else None
        given = [("-C", self.chdir), ("--env", self.env), ("--state", state)]
        given += [("--var", f"{name}={value}") for name, value in self.variables.items()]
        said = [(name, value) for name, value in given if value and not _may_be_secret(value)]
        return (*said, *([("--sandbox", "")] if self.sandbox else []))


def _may_be_secret(value: str) -> bool:
    from omnictl.config.documents import looks_like_credential  # late: --help says nothing of this

    return looks_like_credential(value)


def _is_refused(state: str) -> bool:
    """Tell whether a place is a URL that is refused unseen: a credential may stand anywhere in it."""
    from omnictl.state.location import is_url, parse_location

    try:
        if is_url(state):
            parse_location(state, "")
    except UsageError:
        return True
    return False


def current_globals(ctx: click.Context) -> GlobalOptions:
    """Return the global options of this run."""
    root = ctx.find_root()
    found = root.meta.setdefault(_META_KEY, GlobalOptions())
    if not isinstance(found, GlobalOptions):
        raise TypeError(_META_KEY)
    return found


def is_on(environ: Mapping[str, str], name: str) -> bool:
    """Tell whether a variable of the environment switches something on."""
    return environ.get(name, "").strip().lower() in ("1", "true", "yes", "on")


def remember_arguments(ctx: click.Context, arguments: Sequence[str]) -> None:
    """Keep the words of the command line, for the lines that say which command goes on."""
    ctx.find_root().meta[_ARGUMENTS_KEY] = tuple(arguments)


def command_line(ctx: click.Context, *more: str, without: Sequence[str] = ()) -> str:
    """Return the command line of this run as a shell takes it, without some words and with more at its end."""
    said = ctx.find_root().meta.get(_ARGUMENTS_KEY, ())
    return join_words(["omnictl", *(each for each in said if each not in without), *more])
