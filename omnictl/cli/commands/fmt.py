"""``omnictl fmt``: canonical layout, comments kept."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.files import refuse_missing, write_bytes
from omnictl.cli.options import global_options
from omnictl.config.discovery import find_below, find_scenario_files
from omnictl.config.documents import MistakeError
from omnictl.config.format import format_text
from omnictl.config.reading import decode, read_bytes
from omnictl.model.diagnostic import Diagnostic, Severity, Source, has_errors
from omnictl.render.difference import render_difference
from omnictl.render.style import sanitize


@click.command("fmt", epilog="Example: omnictl fmt --check --diff")
@click.argument("paths", nargs=-1, metavar="[PATH…]", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with 2 if a file would change.")
@click.option("--diff", is_flag=True, help="Show what changes.")
@global_options
@click.pass_context
def command(ctx: click.Context, *, paths: Sequence[Path], check: bool, diff: bool) -> int:
    """Bring scenario files into canonical layout. Comments stay, and so does what the files say.

    Without paths: the scenario files of all environments.
    """
    session = get_session(ctx)
    refuse_missing(ctx, paths)
    diagnostics: list[Diagnostic] = []
    changed = 0
    for path, shown in _find(paths, session, diagnostics):
        try:
            before = decode(read_bytes(path, shown), shown)
        except MistakeError as found:
            diagnostics.append(found.diagnostic)
            continue
        after, problems = format_text(before, shown)
        diagnostics += problems
        if before == after:
            continue
        changed += 1
        session.output.result(render_difference(before, after, shown) if diff else sanitize(shown))
        if not check:
            write_bytes(path, after.encode())
    session.output.diagnostics(diagnostics)
    if has_errors(diagnostics):
        return ExitCode.FAILED
    return ExitCode.DIFFERENCE if check and changed else ExitCode.OK


def _find(paths: Sequence[Path], session: Session, diagnostics: list[Diagnostic]) -> Iterator[tuple[Path, str]]:
    """Return the files, each once, with their names for people; what cannot be followed is told."""
    if not paths:
        files, problems = find_scenario_files(session.settings)
        diagnostics += problems
        yield from ((Path(each.path), each.shown) for each in files)
        return
    root = Path(os.path.realpath(session.settings.root))
    seen: set[str] = set()
    for path in paths:
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links in it are kept
        if not absolute.resolve().is_relative_to(root):
            diagnostics.append(_outside(path))
            continue
        below, problems = find_below(path, session.settings) if path.is_dir() else ((), ())
        diagnostics += problems
        found = [(each.path, each.shown) for each in below] if path.is_dir() else [(str(absolute), path.as_posix())]
        yield from ((Path(name), shown) for name, shown in found if name not in seen)
        seen.update(name for name, _ in found)


def _outside(path: Path) -> Diagnostic:
    return Diagnostic(
        "outside-root",
        Severity.ERROR,
        "A path leads out of the project",
        "What it names lies outside the folder of omnictl.yaml, and is not written.",
        Source(path.as_posix()),
        hint="to work on another project, go there with -C",
    )
