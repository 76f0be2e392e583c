"""``omnictl fmt``: canonical layout, comments kept."""

import difflib
from pathlib import Path

import click

from omnictl.cli.context import get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.globals import global_options
from omnictl.cli.reports import write_text
from omnictl.cli.saved import read_text
from omnictl.config.format import format_text
from omnictl.config.scenarios import find_scenario_files
from omnictl.model.diagnostic import Diagnostic, has_errors


@click.command("fmt", epilog="Example: omnictl fmt --check --diff")
@click.argument("paths", nargs=-1, metavar="[PATH…]")
@click.option("--check", is_flag=True, help="Write nothing; exit with 2 if a file would change.")
@click.option("--diff", is_flag=True, help="Show what changes.")
@global_options
@click.pass_context
def command(ctx: click.Context, *, paths: tuple[str, ...], check: bool, diff: bool) -> int:
    """Bring scenario files into canonical layout. Comments stay, and so does what the files say."""
    session = get_session(ctx)
    files = [Path(each) for each in paths] or list(find_scenario_files(session.settings))
    diagnostics: list[Diagnostic] = []
    changed = 0
    for path in files:
        before = read_text(path).decode("utf-8", "surrogateescape")
        after, problems = format_text(before, str(path))
        diagnostics += problems
        if before == after:
            continue
        changed += 1
        if diff:
            lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), str(path), lineterm="")
            session.output.result("\n".join(lines))
        if not check:
            write_text(path, after)
        if not diff:
            session.output.result(str(path))
    session.output.diagnostics(diagnostics)
    if has_errors(diagnostics):
        return ExitCode.FAILED
    return ExitCode.DIFFERENCE if check and changed else ExitCode.OK
