"""``omnictl output``: the keys, for the applications that send with them."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import click
from msgspec import Struct

from omnictl import __version__
from omnictl.cli.completing import complete_recorded_ids
from omnictl.cli.context import SANDBOX_BANNER, Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.files import refuse_unwritable, write_text
from omnictl.cli.memory import require_state
from omnictl.cli.options import global_options
from omnictl.cli.reports import to_text
from omnictl.cli.saved import read_text
from omnictl.codec.envelope import make_envelope
from omnictl.errors import StateError, UsageError
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.scenario import Json
from omnictl.model.shell import quote_word
from omnictl.render.outputs import Row, render_output

FORMATS = ("text", "json", "shell", "dotenv")
_MADE_BY = re.compile(r"^# made by: (omnictl output .*); do not edit$", re.MULTILINE)


class Recipe(Struct, frozen=True):
    """What a file of keys was made from: its command, taken apart."""

    environment: str
    output_format: str
    scenario_id: str | None = None
    sandbox: bool = False

    @property
    def command_line(self) -> str:
        """The command that makes the file."""
        words = ["omnictl", "output", *([self.scenario_id] if self.scenario_id else []), "--env", self.environment]
        words += ["--format", self.output_format, *(["--sandbox"] if self.sandbox else [])]
        return shlex.join(words)


@click.command("output", epilog="Example: omnictl output --format dotenv --out scenarios.env")
@click.argument("scenario_id", metavar="[ID]", required=False, shell_complete=complete_recorded_ids)
@click.option("--format", "output_format", type=click.Choice(FORMATS), help="How it is written.  [default: text]")
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write to a file.")
@click.option("--check", type=click.Path(dir_okay=False), metavar="FILE", help="Exit with 2 if FILE is out of date.")
@global_options
@click.pass_context
def command(
    ctx: click.Context, *, scenario_id: str | None, output_format: str | None, out: str | None, check: str | None
) -> int:
    """Show the keys of the managed scenarios, or of one.

    With an ID and the text format only the key is written, so that a script can use it. A file made by --out carries
    its command, so that --check FILE knows what it should be and says whether it still is.
    """
    if check is not None and out is not None:
        raise click.UsageError("--check compares and --out writes: give one of them.", ctx)
    session = get_session(ctx)
    given = Recipe(session.place.environment, output_format or "text", scenario_id, session.sandbox)
    if check is not None:
        return _check(session, Path(check), given, is_chosen=output_format is not None or scenario_id is not None)
    if out is not None:
        refuse_unwritable([Path(out)])
    text = _make(session, given)
    if out is not None:
        write_text(Path(out), text)
    else:
        session.output.result(text)
        if session.sandbox and given.output_format == "text" and scenario_id is not None:
            session.output.say(SANDBOX_BANNER)
    return ExitCode.OK


def _check(session: Session, path: Path, given: Recipe, *, is_chosen: bool) -> int:
    """Compare a generated file with what would be generated now."""
    found = read_text(path).decode("utf-8", "replace").replace("\r\n", "\n")
    recipe = given if is_chosen else _recipe_of(found) or given
    if (recipe.environment, recipe.sandbox) != (given.environment, given.sandbox):
        raise UsageError(_of_another_environment(path, recipe, given))
    text = _make(session, recipe)
    if found == (text if text.endswith("\n") else text + "\n"):
        session.output.hint(f"{path} is up to date.")
        return ExitCode.OK
    again = f"{recipe.command_line} --out {quote_word(str(path))}"
    session.output.say(f"{path} is out of date: the state says something else. Write it anew with\n    {again}")
    return ExitCode.DIFFERENCE


def _recipe_of(text: str) -> Recipe | None:
    """Return how a file was made, as it says itself; None where it does not say."""
    match = _MADE_BY.search(text[:1000])
    try:
        words = shlex.split(match[1]) if match else shlex.split(str(json.loads(text)["made_by"]))
        options = dict(zip(words[words.index("--env") :: 2], words[words.index("--env") + 1 :: 2], strict=False))
        scenario_id = words[2] if not words[2].startswith("--") else None
        recipe = Recipe(options["--env"], options["--format"], scenario_id, "--sandbox" in words)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
    return recipe if recipe.output_format in FORMATS else None


def _make(session: Session, recipe: Recipe) -> str:
    """Return the keys in the format of the recipe."""
    rows = _read_rows(session, recipe.scenario_id)
    if recipe.output_format == "json":
        return to_text(_to_document(session, rows, recipe))
    if recipe.output_format == "text" and recipe.scenario_id is not None:
        return rows[0].key
    made = render_output(
        recipe.output_format,
        rows,
        command=recipe.command_line,
        style=session.output.out_style,
    )
    banner = SANDBOX_BANNER if recipe.output_format == "text" else f"# {SANDBOX_BANNER}"
    return f"{banner}\n{made}" if recipe.sandbox else made


def _to_document(session: Session, rows: Sequence[Row], recipe: Recipe) -> Mapping[str, Json]:
    items: list[Json] = [{"id": row.scenario_id, "key": row.key, "name": row.name} for row in rows]
    return make_envelope(
        "output",
        version=__version__,
        environment=session.place.environment,
        sandbox=session.sandbox,
        exit_code=0,
        diagnostics=(),
        made_by=recipe.command_line,
        items=items,
    )


def _read_rows(session: Session, scenario_id: str | None) -> tuple[Row, ...]:
    state = require_state(session.backend.read(), session)
    records = sorted(state.records.items())
    rows = tuple(Row(id_of(address), record.key, record.applied.name) for address, record in records)
    if scenario_id is None:
        return rows
    chosen = tuple(row for row in rows if row.scenario_id == scenario_id)
    if not chosen:
        raise StateError(_unrecorded(scenario_id, session, [row.scenario_id for row in rows]))
    return chosen


def _unrecorded(scenario_id: str, session: Session, known: Sequence[str]) -> Diagnostic:
    close = get_close_matches(scenario_id, known, n=1)
    return Diagnostic(
        "not-recorded",
        Severity.ERROR,
        "The state has no scenario with this id",
        f"{scenario_id} is not recorded in {session.place.environment}.",
        hint=f"did you mean {close[0]}?" if close else "apply creates it; the recorded ones are listed by",
        commands=(session.command("output", close[0]) if close else session.command("state", "list"),),
    )


def _of_another_environment(path: Path, made: Recipe, given: Recipe) -> Diagnostic:
    words = [f"{each.environment}{' in the sandbox' * each.sandbox}" for each in (made, given)]
    option = f"--env {made.environment}{' --sandbox' * made.sandbox}"
    return Diagnostic(
        "file-of-another-environment",
        Severity.ERROR,
        "The file was made for another environment",
        f"It says that it holds the keys of {words[0]}; the environment here is {words[1]}.",
        Source(str(path)),
        hint="check it against its own",
        commands=(f"omnictl output {option} --check {quote_word(str(path))}",),
    )


CODES = {
    "file-of-another-environment": "A file of keys says in its head for which environment it was made, and it is "
    "compared with that one only.",
}
