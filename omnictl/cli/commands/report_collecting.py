"""``reports pull``, ``log`` and ``purge``: what comes into the ledger, and what leaves it."""

import re
from collections.abc import Sequence
from contextlib import ExitStack, closing
from itertools import islice

import click

from omnictl import __version__
from omnictl.cli.approval import ask
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode, strongest
from omnictl.cli.filters import read_channel, read_filter, read_to
from omnictl.cli.globals import command_line
from omnictl.cli.messaging import ledger_option, open_ledger, open_post, refuse_lost_ledger, resolve_time, unmask_option
from omnictl.cli.options import global_options
from omnictl.cli.progress import Progress
from omnictl.cli.signals import stopping
from omnictl.cli.times import Moment, read_time
from omnictl.codec.collecting import encode_log_rows, encode_pull
from omnictl.codec.envelope import make_envelope
from omnictl.errors import RefusalKind, RefusedError
from omnictl.ledger.base import Ledger
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.pulling import PullReport
from omnictl.model.report import LogQuery, ReportQuery, StatusGroup
from omnictl.operations.looking import keep_rows
from omnictl.operations.pulling import pull as pull_reports
from omnictl.operations.stories import find_reported, iterate_reported
from omnictl.provider.base import StopSignal
from omnictl.render.collecting import render_log_rows, render_pull
from omnictl.render.words import count

USUAL_LIMIT = 200
MOST_ROWS = 1000
_SHOWN = 50
_MOST_ITEMS = 10_000
"""How many stories a pull shows; reports list has all of them."""
_formats = click.option(
    "--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="How it is shown."
)


@click.command("pull", epilog="Example: omnictl reports pull --sandbox")
@click.option("--message-id", callback=read_filter, metavar="ID", help="Only those of one message.")
@click.option("--bulk-id", callback=read_filter, metavar="ID", help="Only those of one request.")
@click.option("--channel", callback=read_channel, metavar="CHANNEL", help="Only those of one channel.")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_ROWS),
    default=USUAL_LIMIT,
    show_default=True,
    help="Reports a request: so many are missing, until logs fill them, if its reply is lost.",
)
@click.option("--take", is_flag=True, help="Take the account's reports, though others may wait for them.")
@ledger_option
@unmask_option
@_formats
@global_options
@click.pass_context
def pull(
    ctx: click.Context,
    *,
    message_id: str | None,
    bulk_id: str | None,
    channel: str | None,
    limit: int,
    take: bool,
    ledger_path: str | None,
    unmask: bool,
    output_format: str,
) -> int:
    """Take the delivery reports that nobody has taken yet, and keep them in the ledger.

    The API hands each report out once, to whoever asks first. A pull is written down before its request; where its
    reply is lost, the gap is said aloud and filled from the logs.
    """
    session = get_session(ctx)
    refuse_lost_ledger(session, ledger_path, "reports pull takes reports that are handed out once")
    _refuse_foreign_reports(session, take=take)
    query = ReportQuery(message_id, bulk_id, channel, limit)
    stop, progress = StopSignal(), Progress(session.output)
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(open_ledger(session, ledger_path)))
        stack.enter_context(progress)
        received = stack.enter_context(stopping(stop, progress.say, _in_danger))
        post = stack.enter_context(open_post(session, ledger, stop, progress.observe))
        before = ledger.last_position()
        report = pull_reports(post, query)
        code = _code_of_pull(report, received)
        _show_pull(session, ledger, report, before, code, output_format=output_format, unmask=unmask)
    return code


def _in_danger() -> str:
    return "Reports of a request in flight may be lost to us; the next pull fills them from the logs."


def _code_of_pull(report: PullReport, received: Sequence[int]) -> ExitCode:
    codes = [ExitCode(128 + received[0])] if received else []
    if has_errors(report.diagnostics) or report.may_have_lost:
        codes.append(ExitCode.PARTIAL)
    if report.stop_reason:
        codes.append(ExitCode.STOPPED)
    return strongest(codes)


def _show_pull(
    session: Session, ledger: Ledger, report: PullReport, before: int, code: int, *, output_format: str, unmask: bool
) -> None:
    session.output.diagnostics(report.diagnostics)
    ids = find_reported(ledger, before)
    most = _SHOWN if output_format == "text" else _MOST_ITEMS
    stories = list(islice(iterate_reported(ledger, before, ids), most))
    if output_format == "json":
        session.output.document(
            encode_pull(
                report,
                stories,
                version=__version__,
                environment=session.place.environment,
                sandbox=session.sandbox,
                exit_code=code,
                unmask=unmask,
            )
        )
    else:
        more = max(0, len(ids) - len(stories))
        session.show(render_pull(report, stories, session.output.out_style, more=more, unmask=unmask))


def _refuse_foreign_reports(session: Session, *, take: bool) -> None:
    """Reports belong to whoever reads the account's: they are not taken from anybody by accident."""
    if take or session.sandbox or session.environment.owns_reports:
        return
    name = session.place.environment
    raise RefusedError(
        RefusalKind.POLICY,
        Diagnostic(
            "reports-of-others",
            Severity.ERROR,
            "A pull takes the reports of every reader of the account",
            f"The API hands each report out once, and nothing says that those of {name} are omnictl's to take.",
            hint="if no other program reads them, say so in omnictl.yaml; or take them this once with --take",
            commands=(f"environments: {{{name}: {{reports: {{owner: omnictl}}}}}}",),
        ),
    )


# --- log ---------------------------------------------------------------------------------------------------------


def _read_digits(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the code of a country or of a network; anything else would match nothing, and look like no rows."""
    if value is not None and not re.fullmatch(r"[0-9]{2,3}", value):
        raise click.BadParameter("it is two or three digits", ctx, param)
    return value


@click.command("log", epilog="Example: omnictl reports log --sandbox --to 41793026731")
@click.option("--from", "sender", callback=read_filter, metavar="SENDER", help="Only those from one sender.")
@click.option("--to", callback=read_to, metavar="ADDRESS", help="Only those to one address.")
@click.option(
    "--message-id", "message_ids", multiple=True, callback=read_filter, metavar="ID", help="Only those of this message."
)
@click.option(
    "--bulk-id", "bulk_ids", multiple=True, callback=read_filter, metavar="ID", help="Only those of this request."
)
@click.option(
    "--status",
    type=click.Choice([each.value for each in StatusGroup], case_sensitive=False),
    help="Only those with a status of this group.",
)
@click.option("--channel", callback=read_channel, metavar="CHANNEL", help="Only those of one channel.")
@click.option("--since", callback=read_time, metavar="TIME", help="Sent since then: 2026-11-25, 2026-11-25T09:00Z, 2h.")
@click.option("--until", callback=read_time, metavar="TIME", help="Sent before then.")
@click.option("--mcc", callback=_read_digits, metavar="DIGITS", help="Only those of one country's networks.")
@click.option("--mnc", callback=_read_digits, metavar="DIGITS", help="Only those of one network.")
@click.option(
    "--limit", type=click.IntRange(1, MOST_ROWS), default=50, show_default=True, help="The newest so many rows."
)
@ledger_option
@unmask_option
@_formats
@global_options
@click.pass_context
def log(
    ctx: click.Context,
    *,
    sender: str | None,
    to: str | None,
    message_ids: tuple[str, ...],
    bulk_ids: tuple[str, ...],
    status: str | None,
    channel: str | None,
    since: Moment | None,
    until: Moment | None,
    mcc: str | None,
    mnc: str | None,
    limit: int,
    ledger_path: str | None,
    unmask: bool,
    output_format: str,
) -> int:
    """Read the logs of the account, newest first. They can be read again and again, and go back 48 hours.

    What they show of messages is kept in the ledger too.
    """
    session = get_session(ctx)
    begin, end = resolve_time(session, since), resolve_time(session, until)
    query = LogQuery(sender, to, bulk_ids, message_ids, status, channel, begin, end, mcc, mnc, limit)
    stop, progress = StopSignal(), Progress(session.output)
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(open_ledger(session, ledger_path)))
        stack.enter_context(progress)
        post = stack.enter_context(open_post(session, ledger, stop, progress.observe))
        page = post.messenger.read_logs(query)
        keep_rows(post, page)
    rows = [each.report for each in page.rows]
    if output_format == "json":
        session.output.document(
            encode_log_rows(
                rows,
                unreadable=page.unreadable,
                is_full=page.is_full,
                version=__version__,
                environment=session.place.environment,
                sandbox=session.sandbox,
                unmask=unmask,
            )
        )
    else:
        session.show(render_log_rows(rows, session.output.out_style, unmask=unmask))
        if page.is_full:
            session.output.hint(f"There may be older rows: these are the newest {limit}. Narrow it, or raise --limit.")
        if page.unreadable:
            session.output.say(f"{count(page.unreadable, 'row')} could not be read.")
    return ExitCode.OK


# --- purge -------------------------------------------------------------------------------------------------------


@click.command("purge", epilog="Example: omnictl reports purge --before 30d --sandbox --yes")
@click.option(
    "--before",
    callback=read_time,
    required=True,
    metavar="TIME",
    help="Everything older: a date, a time with an offset, or an age such as 30d.",
)
@click.option("--yes", is_flag=True, help="Approve without being asked.")
@ledger_option
@_formats
@global_options
@click.pass_context
def purge(ctx: click.Context, *, before: Moment, yes: bool, ledger_path: str | None, output_format: str) -> int:
    """Take addresses, texts and raw replies of old messages out of the ledger, for good.

    Ids, times, statuses, prices and keyed hashes stay: nobody gets a message twice because of a purge.
    """
    session = get_session(ctx)
    with closing(open_ledger(session, ledger_path, must_exist=True)) as ledger:
        end = resolve_time(session, before)
        assert end is not None
        question = f"Take all personal data before {end:%Y-%m-%d %H:%M:%SZ} out of {ledger.location}, for good?"
        ask(question, session.output, approved=yes, command=command_line(ctx, "--yes"))
        purged = ledger.purge(end)
    if output_format == "json":
        session.output.document(
            make_envelope(
                "reports-purge",
                version=__version__,
                environment=session.place.environment,
                sandbox=session.sandbox,
                exit_code=ExitCode.OK,
                diagnostics=(),
                messages=purged.messages,
                reports=purged.reports,
                unknown=purged.unknown,
            )
        )
        return ExitCode.OK
    done = f"Purged {count(purged.messages, 'message')} and {count(purged.reports, 'report')}."
    if purged.unknown:
        done += f" The fate of {purged.unknown} is unknown, and they cannot be sent again any more."
    session.show(done)
    return ExitCode.OK


CODES = {
    "reports-of-others": "A delivery report is handed out once per account. reports pull refuses to take them unless "
    "the environment says reports: {owner: omnictl}, or --take is given.",
}
