"""``omnictl show``: a saved plan, a report of an apply, or a state, rendered again."""

from pathlib import Path

import click

from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.globals import global_options
from omnictl.cli.plan_output import PLAN_FORMATS, show_plan
from omnictl.cli.saved import read_document, unusable
from omnictl.codec.plan import decode_plan
from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import UsageError
from omnictl.render.state_text import render_state


@click.command("show", epilog="Example: omnictl show plan.json --format markdown")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False))
@click.option("--format", "output_format", type=click.Choice(PLAN_FORMATS), default="text", help="How it is shown.")
@global_options
@click.pass_context
def command(ctx: click.Context, path: str, output_format: str) -> int:
    """Show a saved plan or a state."""
    session = get_session(ctx)
    document = read_document(Path(path))
    kind = document.get("kind")
    if kind == "plan":
        show_plan(session, decode_plan(document, path=path), output_format, ExitCode.OK)
    elif kind == "state":
        _show_state(session, Path(path), output_format)
    else:
        raise UsageError(unusable(Path(path), "it is neither a plan nor a state of omnictl"))
    return ExitCode.OK


def _show_state(session: Session, path: Path, output_format: str) -> None:
    if output_format not in ("text", "json"):
        raise click.UsageError("A state is shown as text or json.")
    state = decode_state(path.read_bytes(), path=str(path))
    text = encode_state(state) if output_format == "json" else render_state(state, session.output.out_style)
    session.output.result(text)
