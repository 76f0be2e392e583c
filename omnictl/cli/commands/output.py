"""``omnictl output``: the keys, for the applications that send with them."""

from pathlib import Path

import click

from omnictl import __version__
from omnictl.cli.completing import complete_recorded_ids
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.globals import global_options
from omnictl.cli.reports import to_text, write_text
from omnictl.cli.saved import read_text
from omnictl.codec.report import make_envelope
from omnictl.errors import StateError
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Json
from omnictl.render.outputs import Row, render_output

FORMATS = ("text", "json", "shell", "dotenv")


@click.command("output", epilog="Example: omnictl output --format dotenv --out scenarios.env")
@click.argument("scenario_id", metavar="[ID]", required=False, shell_complete=complete_recorded_ids)
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", help="How it is written.")
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write to a file.")
@click.option("--check", type=click.Path(dir_okay=False), metavar="FILE", help="Exit with 2 if FILE is out of date.")
@global_options
@click.pass_context
def command(
    ctx: click.Context, *, scenario_id: str | None, output_format: str, out: str | None, check: str | None
) -> int:
    """Show the keys of the managed scenarios, or of one.

    With an ID and the text format only the key is written, so that a script can use it. A file written with --out
    carries its command; --check says whether it is still what the state says.
    """
    session = get_session(ctx)
    rows = _read_rows(session, scenario_id)
    text = _render(session, rows, output_format, scenario_id)
    if check is not None:
        return _check(session, Path(check), text)
    if out is not None:
        write_text(Path(out), text)
    elif output_format == "text" and scenario_id is None:
        session.show(text)
    else:
        session.output.result(text)
    return ExitCode.OK


def _read_rows(session: Session, scenario_id: str | None) -> tuple[Row, ...]:
    state = session.backend.read()
    records = sorted(state.records.items()) if state is not None else []
    rows = tuple(Row(id_of(address), record.key, record.applied.name) for address, record in records)
    if scenario_id is None:
        return rows
    chosen = tuple(row for row in rows if row.scenario_id == scenario_id)
    if not chosen:
        raise StateError(
            Diagnostic(
                "not-recorded",
                Severity.ERROR,
                "The state has no scenario with this id",
                f"{scenario_id} is not recorded in {session.place.environment}.",
                hint="apply creates it; the recorded ones are listed by",
                commands=("omnictl state list",),
            )
        )
    return chosen


def _render(session: Session, rows: tuple[Row, ...], output_format: str, scenario_id: str | None) -> str:
    if output_format == "text" and scenario_id is not None:
        return rows[0].key
    if output_format == "json":
        items: list[Json] = [{"id": row.scenario_id, "key": row.key, "name": row.name} for row in rows]
        return to_text(
            make_envelope(
                "output",
                version=__version__,
                environment=session.place.environment,
                sandbox=session.sandbox,
                exit_code=0,
                diagnostics=(),
                items=items,
            )
        )
    words = ["omnictl", "output", scenario_id or "", "--env", session.place.environment, "--format", output_format]
    return render_output(output_format, rows, command=" ".join(filter(None, words)), style=session.output.out_style)


def _check(session: Session, path: Path, text: str) -> int:
    """Compare a generated file with what would be generated now."""
    found = read_text(path).decode("utf-8", "replace").replace("\r\n", "\n")
    expected = text if text.endswith("\n") else text + "\n"
    if found == expected:
        session.output.hint(f"{path} is up to date.")
        return ExitCode.OK
    session.output.say(f"{path} is out of date: the state says something else. Write it anew with --out {path}")
    return ExitCode.DIFFERENCE
