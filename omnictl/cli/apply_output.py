"""The report of an apply in all its renderings, and the exit code that it means."""

from collections.abc import Mapping

from omnictl.cli.context import Session
from omnictl.cli.exit_codes import ExitCode, strongest
from omnictl.cli.reports import Rendering, show_rendering
from omnictl.model.diagnostic import has_errors
from omnictl.model.outcome import ApplyReport, Ending, Fate
from omnictl.render.apply_text import render_apply_report

APPLY_FORMATS = ("text", "json", "markdown", "html", "junit", "github")
APPLY_REPORTS = APPLY_FORMATS


def code_of_report(report: ApplyReport) -> ExitCode:
    """Return what an apply ends with; once a write has left, only 0, 4, 6, 70 or a signal."""
    codes: list[ExitCode] = []
    if report.signal is not None:
        codes.append(ExitCode(128 + report.signal))
    if report.count(Fate.FAILED) or report.count(Fate.UNKNOWN) or has_errors(report.diagnostics):
        codes.append(ExitCode.PARTIAL if report.writes_sent else ExitCode.FAILED)
    if report.ending is Ending.STOPPED:
        codes.append(ExitCode.STOPPED)
    elif report.count(Fate.NOT_TRIED):
        codes.append(ExitCode.PARTIAL if report.writes_sent else ExitCode.FAILED)
    return strongest(codes)


def apply_renderings(report: ApplyReport, code: int) -> Mapping[str, Rendering]:
    """Return every rendering of a report; loaded late, for most runs show text alone."""
    from omnictl.cli import renderings

    return renderings.apply_renderings(report, code)


def show_report(
    session: Session, report: ApplyReport, output_format: str, code: int, *, follows_plan: bool = False
) -> None:
    """Write a report to stdout, its diagnostics to stderr; ``follows_plan`` where the plan stands there already."""
    session.output.diagnostics(report.diagnostics)
    if output_format == "text":
        verbose = session.output.verbose > 0
        text = render_apply_report(report, session.output.out_style, verbose=verbose, follows_plan=follows_plan)
        session.output.result(text)
    else:
        show_rendering(session.output, output_format, apply_renderings(report, code))
