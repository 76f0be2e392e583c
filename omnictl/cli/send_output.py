"""The report of a sending on stdout, and the exit code that it means."""

from collections.abc import Sequence
from itertools import chain, islice

from omnictl import __version__
from omnictl.cli.context import Session
from omnictl.cli.exit_codes import ExitCode, strongest
from omnictl.codec.sending import MOST_ITEMS, encode_send_report
from omnictl.ledger.base import Ledger, MessageFilter
from omnictl.model.diagnostic import has_errors
from omnictl.model.message import MessageFate, Sent, Via
from omnictl.model.outcome import Ending
from omnictl.model.sending import SendReport
from omnictl.model.story import Story, StoryOutcome
from omnictl.render.send_text import render_send_report
from omnictl.render.stories import render_story


def code_of_sending(report: SendReport, stories: Sequence[Story] | None = None) -> ExitCode:
    """Return what a sending ends with; once a message may have left, only 0, 4, 6, 70 or a signal.

    ``stories`` are those of ``--wait``: 4 where one ended undelivered, 6 where one has not ended in time.
    """
    may_have_left = report.requests_sent or report.accepted or report.unknown
    failed = ExitCode.PARTIAL if may_have_left else ExitCode.FAILED
    codes: list[ExitCode] = []
    if report.signal is not None:
        codes.append(ExitCode(128 + report.signal))
    if report.denied and not (report.requests_sent or report.accepted or report.unknown):
        codes.append(ExitCode.NO_ACCESS)
    elif report.refused or report.unknown or has_errors(report.diagnostics):
        codes.append(failed)
    if report.ending is Ending.STOPPED:
        codes.append(ExitCode.STOPPED)
    elif report.not_tried and not report.denied:
        codes.append(failed)
    if stories is not None:
        ended = [each for each in stories if each.is_final]
        codes += [ExitCode.STOPPED] * (len(ended) < len(stories))
        codes += [ExitCode.PARTIAL] * any(each.outcome is not StoryOutcome.DELIVERED for each in ended)
    return strongest(codes)


_WORST_FIRST = (MessageFate.UNKNOWN, MessageFate.REFUSED, MessageFate.NOT_TRIED, MessageFate.ACCEPTED)


def _select_receipts(ledger: Ledger, run: str) -> list[Sent]:
    """Return the messages of a run in the order of sending; of very many, first those that somebody must look at."""
    found = list(islice(ledger.list_messages(MessageFilter(run=run)), MOST_ITEMS + 1))
    if len(found) <= MOST_ITEMS:
        return found
    worst_first = chain.from_iterable(ledger.list_messages(MessageFilter(run=run, fate=each)) for each in _WORST_FIRST)
    return list(islice(worst_first, MOST_ITEMS))


def show_sending(
    session: Session,
    ledger: Ledger,
    report: SendReport,
    via: Via,
    *,
    output_format: str,
    code: ExitCode,
    stories: Sequence[Story] | None,
    unmask: bool,
) -> None:
    """Write a report to stdout, its diagnostics to stderr."""
    receipts = _select_receipts(ledger, report.run)
    session.output.diagnostics(report.diagnostics)
    if output_format == "json":
        document = encode_send_report(
            report, via, receipts, version=__version__, exit_code=code, stories=stories, unmask=unmask
        )
        session.output.document(document)
        return
    style = session.output.out_style
    session.show(render_send_report(report, via, receipts, style, unmask=unmask))
    for each in stories or ():
        session.output.result(render_story(each, style, unmask=unmask).rstrip("\n"))
