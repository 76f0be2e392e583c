"""``omnictl drift``: what somebody else changed, and what nobody manages. Reads only, as plan does."""

from collections.abc import Mapping, Sequence

import click
from msgspec.structs import replace

from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.ignored import read_ignored
from omnictl.cli.memory import require_state
from omnictl.cli.options import global_options
from omnictl.cli.planning import Choices, make_circumstances, only_options
from omnictl.cli.progress import Progress
from omnictl.cli.provider import open_provider
from omnictl.cli.reports import Rendering, Report, report_option, reported_failures, show_rendering, write_reports
from omnictl.cli.system import utc_now
from omnictl.engine.unmanaged import note_idle_lines
from omnictl.errors import OmnictlError
from omnictl.lint.check import lint_endings
from omnictl.model.drift import Drift
from omnictl.operations.drift import drift_from_reading
from omnictl.operations.plan import Reading, read_and_settle
from omnictl.provider.base import StopSignal
from omnictl.render.drift_text import render_drift

DRIFT_FORMATS = ("text", "json", "markdown", "prometheus")


@click.command("drift", epilog="Example: omnictl drift --env production --report markdown=drift.md")
@click.option("--strict", is_flag=True, help="Exit with 2 for scenarios that nobody manages, too.")
@click.option("--all", "show_all", is_flag=True, help="Name every unmanaged scenario, ignored ones too; as -v.")
@click.option("--format", "output_format", type=click.Choice(DRIFT_FORMATS), default="text", help="How it is shown.")
@report_option(*DRIFT_FORMATS)
@only_options
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    strict: bool,
    show_all: bool,
    output_format: str,
    reports: Sequence[Report],
    only: tuple[str, ...],
    exclude: tuple[str, ...],
) -> int:
    """Show what somebody else changed on the account since it was recorded. Changes nothing.

    Edits of the files that are not applied yet are no drift. Scenarios that nobody manages are counted, and make a
    difference with --strict alone; .omnictlignore names those that may be.
    """
    session = get_session(ctx)
    with reported_failures(
        reports,
        sandbox=session.asks_for_sandbox,
        output=session.output,
        output_format=output_format,
        name_environment=lambda: _name_environment(session),
    ):
        drift = _find(session, Choices(only, exclude))
    code = ExitCode.DIFFERENCE if drift.differing or (strict and drift.not_managed) else ExitCode.OK
    write_reports(reports, lambda: _renderings(drift, code))
    if output_format != "text":
        show_rendering(session.output, output_format, _renderings(drift, code))
    else:
        output = session.output
        verbose = output.verbose > 0
        output.result(
            render_drift(drift, output.out_style, exit_code=code, show_all=show_all or verbose, verbose=verbose)
        )
    return code


def _renderings(drift: Drift, code: ExitCode) -> Mapping[str, Rendering]:
    from omnictl.cli import renderings  # late: most runs show text alone

    return renderings.drift_renderings(drift, code)


def _name_environment(session: Session) -> str:
    """Return which environment was asked for; "" where that is what failed."""
    try:
        return session.environment.name
    except OmnictlError:
        return session.options.env or session.environ.get("OMNICTL_ENV") or ""


def _find(session: Session, choices: Choices) -> Drift:
    configuration, stop = session.configuration, StopSignal()
    lines = read_ignored(session)
    state = session.backend.read()
    if state is None and session.in_ci and not session.sandbox:
        state = require_state(state, session)  # no green pipeline because its state was not there
    state = state or session.new_state()
    with Progress(session.output) as progress:
        provider = open_provider(session, state, stop, progress.observe, read_only=True)
        try:
            circumstances = make_circumstances(session, provider, state, choices, session.loaded.declared_beside)
            reading: Reading = read_and_settle(
                provider, state, circumstances, workers=session.workers, observe=progress.observe
            )
        finally:
            provider.close()
    drift = drift_from_reading(reading, configuration, circumstances, lines)
    endings = lint_endings(configuration, session.settings.lint, utc_now().date())
    idle = note_idle_lines(lines, drift.unmanaged) if session.output.verbose else ()
    return replace(drift, diagnostics=(*drift.diagnostics, *endings, *idle))
