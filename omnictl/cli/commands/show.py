"""``omnictl show``: a saved plan, a report, or a state, rendered again."""

from pathlib import Path

import click

from omnictl.cli.apply_output import APPLY_FORMATS, show_report
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.options import global_options
from omnictl.cli.plan_output import PLAN_FORMATS, show_plan
from omnictl.cli.saved import read_document, unusable
from omnictl.codec.envelope import decode_envelope
from omnictl.codec.plan import decode_plan
from omnictl.codec.report import decode_report
from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import UsageError
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.state_text import render_state


@click.command("show", epilog="Example: omnictl show plan.json --format markdown")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False))
@click.option("--format", "output_format", type=click.Choice(PLAN_FORMATS), default="text", help="How it is shown.")
@global_options
@click.pass_context
def command(ctx: click.Context, path: str, output_format: str) -> int:
    """Show a saved plan, the report of an apply, or a state."""
    session = get_session(ctx)
    document = read_document(Path(path))
    match document.get("kind"):
        case "plan":
            plan = decode_plan(document, path=path)
            show_plan(session, plan, output_format, decode_envelope(document, path=path).exit_code, saved_as=path)
        case "apply":
            _refuse_other_formats("A report", output_format, *APPLY_FORMATS)
            report = decode_report(document, path=path)
            show_report(session, report, output_format, decode_envelope(document, path=path).exit_code)
        case "error":
            answer = decode_envelope(document, path=path)
            _refuse_other_formats("A failure", output_format, "text")
            session.output.result(render_diagnostics(answer.diagnostics, session.output.out_style))
        case "state":
            _show_state(session, Path(path), output_format)
        case _:
            raise UsageError(unusable(Path(path), "it is neither a plan, a report nor a state of omnictl"))
    return ExitCode.OK


def _show_state(session: Session, path: Path, output_format: str) -> None:
    _refuse_other_formats("A state", output_format, "text", "json")
    state = decode_state(path.read_bytes(), path=str(path))
    text = encode_state(state) if output_format == "json" else render_state(state, session.output.out_style)
    session.output.result(text)


def _refuse_other_formats(subject: str, output_format: str, *formats: str) -> None:
    if output_format not in formats:
        raise click.UsageError(f"{subject} is shown as {', '.join(formats)}, not as {output_format}.")
