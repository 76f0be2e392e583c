"""The report of an apply in all its renderings, and the exit code that it means."""

from collections.abc import Mapping

from omnictl import __version__
from omnictl.cli.context import Session
from omnictl.cli.exit_codes import ExitCode, strongest
from omnictl.cli.reports import Rendering, to_text
from omnictl.codec.report import encode_report
from omnictl.model.diagnostic import has_errors
from omnictl.model.outcome import ApplyReport, Ending, Fate
from omnictl.render.apply_text import render_apply_report
from omnictl.render.apply_words import say_report
from omnictl.render.findings import report_findings
from omnictl.render.github import render_github
from omnictl.render.html import render_report_html
from omnictl.render.junit import render_report_junit
from omnictl.render.markdown import render_report_markdown
from omnictl.render.style import Style

APPLY_FORMATS = ("text", "json", "markdown", "html", "junit", "github")
APPLY_REPORTS = APPLY_FORMATS

_PLAIN = Style(colour=False, unicode=True, width=100)


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
    """Return every rendering of a report, made when it is asked for."""
    title = f"omnictl apply: {report.environment}{' (SANDBOX)' * report.sandbox}"
    return {
        "text": lambda: render_apply_report(report, _PLAIN, verbose=True),
        "json": lambda: to_text(encode_report(report, version=__version__, exit_code=code)),
        "markdown": lambda: render_report_markdown(report),
        "html": lambda: render_report_html(report),
        "junit": lambda: render_report_junit(report),
        "github": lambda: render_github(report_findings(report), title=title, summary=say_report(report)),
    }


def show_report(session: Session, report: ApplyReport, output_format: str, code: int) -> None:
    """Write a report to stdout, its diagnostics to stderr."""
    session.output.diagnostics(report.diagnostics)
    if output_format == "text":
        text = render_apply_report(report, session.output.out_style, verbose=session.output.verbose > 0)
        session.output.result(text)
    else:
        session.output.document(apply_renderings(report, code)[output_format]())
