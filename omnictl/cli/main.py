"""The entry point: the command tree, loaded late, and the one boundary where errors become exit codes."""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from omnictl import __version__
from omnictl.cli.catalogue import COMMANDS, GROUPS, OTHER_WORDS
from omnictl.cli.options import global_options

_COLLECT_AFTER = 100_000
"""New objects before cycles are looked for: reading many files makes many objects, and hardly a cycle."""


class CommandTree(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = import_module(entry.module).command
        if not isinstance(command, click.Command):
            raise TypeError(entry.module)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a word of another tool answers with ours."""
        word = args[0] if args else ""
        if ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        if word in OTHER_WORDS:
            raise click.UsageError(f"There is no command {word!r}. {OTHER_WORDS[word]}", ctx)
        if word not in COMMANDS and not word.startswith("-"):
            from difflib import get_close_matches  # late: only a mistake needs it

            close = get_close_matches(word, COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"There is no command {word!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by group, from the catalogue alone."""
        for group in GROUPS:
            rows = [(name, entry.summary) for name, entry in COMMANDS.items() if entry.group == group]
            with formatter.section(group):
                formatter.write_dl(rows, col_max=14)


@click.group(
    cls=CommandTree,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,
    invoke_without_command=True,
)
@click.version_option(__version__, "-V", "--version", message="omnictl %(version)s")
@global_options
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Scenario-as-code for the Infobip OMNI failover API.

    YAML files declare messaging scenarios; plan shows what differs from the account, apply creates and updates it.
    Just trying? omnictl plan --sandbox needs no account and no network.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> None:
    """Run omnictl and end the process with its exit code."""
    from omnictl.cli.boundary import leave, run  # late: --help must not pay for it

    gc.set_threshold(_COLLECT_AFTER)
    instruction = os.environ.get("_OMNICTL_COMPLETE")
    if instruction:
        from omnictl.cli.completing import answer

        leave(answer(cli, instruction))
    leave(run(cli, list(sys.argv[1:] if argv is None else argv)))
