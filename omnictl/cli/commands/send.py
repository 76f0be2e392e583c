"""``omnictl send``: a message through a scenario, in the ledger before it leaves, and to nobody twice by itself."""

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack, closing
from functools import partial

import click
from msgspec.structs import replace

from omnictl.cli.approval import ask, has_person
from omnictl.cli.completing import complete_ids
from omnictl.cli.context import Session, get_session
from omnictl.cli.durations import read_duration
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.messaging import ledger_option, open_ledger, open_post, refuse_lost_ledger, unmask_option
from omnictl.cli.options import global_options
from omnictl.cli.preparing import Prepared, SendOptions, prepare, show_dry_run, summarize
from omnictl.cli.progress import Progress
from omnictl.cli.run_choice import Intention, choose_run
from omnictl.cli.send_output import code_of_sending, show_sending
from omnictl.cli.signals import stopping
from omnictl.cli.system import make_token, utc_now
from omnictl.cli.waiting import WaitDisplay
from omnictl.codec.messages import encode_message
from omnictl.codec.shapes import write_json
from omnictl.config.message_options import MessageOptions
from omnictl.errors import OmnictlError
from omnictl.ledger.base import Run
from omnictl.model.message import MOST_IN_BATCH
from omnictl.model.outcome import Ending
from omnictl.model.sending import SendReport
from omnictl.model.shell import complete_command
from omnictl.model.story import Story
from omnictl.operations.looking import Post
from omnictl.operations.sending import Errand, send
from omnictl.operations.waiting import wait_for_stories
from omnictl.provider.base import StopSignal
from omnictl.render.words import count

USUAL_BATCH_SIZE = 100
USUAL_WAIT_SECONDS = 120.0


@click.command("send", epilog='Example: omnictl send vk-sms --to 41793026731 --text "Your order is on its way."')
@click.argument("scenario", metavar="ID", shell_complete=complete_ids)
@click.option(
    "--to",
    multiple=True,
    metavar="RECIPIENT",
    help="A phone number or e-mail address, or phone=…,email=…,push=…; - reads one a line from stdin.",
)
@click.option(
    "--recipients", type=click.Path(dir_okay=False), metavar="FILE.csv", help="Many: columns phone, email, push."
)
@click.option(
    "--text", "texts", multiple=True, metavar="[CHANNEL=]TEXT", help="The text of all steps, or that of one channel."
)
@click.option(
    "--message", "message_file", type=click.Path(dir_okay=False), metavar="FILE", help="A message file: all channels."
)
@click.option("--send-at", metavar="TIME", help="Start the first step then: 2026-12-01T09:00:00+01:00.")
@click.option("--callback-data", metavar="TEXT", help="Text that comes back with each report; else scenario and run.")
@click.option("--notify-url", metavar="URL", help="Where the API sends the reports of this message.")
@click.option("--intermediate-report", is_flag=True, help="Let the API send interim statuses there too.")
@click.option(
    "--batch-size",
    type=click.IntRange(1, MOST_IN_BATCH),
    default=USUAL_BATCH_SIZE,
    show_default=True,
    help="Recipients a request: so many are in doubt if its answer is lost.",
)
@click.option(
    "--bad-rows", type=click.Path(dir_okay=False), metavar="FILE.csv", help="Write the rows that cannot be used there."
)
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and the first request; send nothing.")
@click.option("--yes", is_flag=True, help="Approve without being asked.")
@click.option("--wait", is_flag=True, help="Follow each message in the logs until it has ended.")
@click.option(
    "--timeout", callback=read_duration, metavar="DURATION", help="Wait no longer than so; 2m where it is not said."
)
@click.option("--resume", metavar="RUN", help="Go on with a run that is not finished.")
@click.option("--new-run", is_flag=True, help="Begin anew, though an equal run is not finished.")
@click.option("--again", is_flag=True, help="Send a file once more, though an equal run is finished.")
@click.option(
    "--resend-unknown", is_flag=True, help="With --resume: repeat what may have arrived. Somebody may get it twice."
)
@ledger_option
@unmask_option
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="How it is shown.")
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    texts: tuple[str, ...],
    send_at: str | None,
    callback_data: str | None,
    notify_url: str | None,
    intermediate_report: bool,
    ledger_path: str | None,
    **rest: object,
) -> int:
    """Send a message through a scenario that was applied.

    omnictl never sends it twice on its own: what was sent to whom is in the ledger before it leaves, and what nobody
    knows the fate of is only repeated with --resend-unknown. Every real account asks first, or needs --yes.
    """
    said = MessageOptions(texts, send_at, callback_data, notify_url, True if intermediate_report else None)
    options = SendOptions(said=said, ledger=ledger_path, **rest)  # type: ignore[arg-type]
    _refuse_odd(options, ctx)
    session = get_session(ctx)
    if options.recipients is not None:
        refuse_lost_ledger(session, options.ledger, "--recipients was given")
    errand = prepare(session, options)
    if options.dry_run:
        show_dry_run(session, options, errand)
        return ExitCode.OK
    return _send(session, options, errand)


def _refuse_odd(options: SendOptions, ctx: click.Context) -> None:
    """Refuse options that do not go together."""
    mistakes = (
        (not options.to and options.recipients is None, "Say to whom: --to, or --recipients FILE.csv."),
        (bool(options.to) and options.recipients is not None, "--to and --recipients do not go together."),
        (options.bad_rows is not None and options.recipients is None, "--bad-rows goes with --recipients."),
        (options.wait and options.recipients is not None, "--wait goes with --to; of many, see omnictl reports list."),
        (options.timeout is not None and not options.wait, "--timeout goes with --wait."),
        (options.resend_unknown and options.resume is None, "--resend-unknown goes with --resume RUN."),
        (options.resume is not None and options.new_run, "--resume and --new-run do not go together."),
        (options.recipients == "-", "--recipients reads a file twice; people from stdin go with --to -."),
        (options.to.count("-") > 1, "--to - can be given once."),
    )
    for is_wrong, what in mistakes:
        if is_wrong:
            raise click.UsageError(what, ctx)


# --- sending ---------------------------------------------------------------------------------------------------


def _send(session: Session, options: SendOptions, prepared: Prepared) -> int:
    stop, progress = StopSignal(), Progress(session.output)
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(open_ledger(session, options.ledger)))
        stack.enter_context(progress)
        received = stack.enter_context(stopping(stop, progress.say, _in_danger, has_begun=progress.has_begun))
        post = stack.enter_context(open_post(session, ledger, stop, progress.observe))
        intention = Intention(options.resume, options.new_run, options.again, partial(_same_command, session, options))
        wanted = _new_run(options, prepared)
        equal = ledger.find_runs(wanted.scenario, wanted.message_digest, wanted.recipients_digest)
        run, is_new = choose_run(ledger, wanted, intention)
        _approve(session, options, prepared)
        errand = _make_errand(options, prepared, run, is_new=is_new)
        report = send(post, replace(errand, beside={each.id for each in equal}))
        report = replace(report, duplicates=prepared.audience.duplicates, bad_rows=prepared.audience.bad)
        stories = _wait(session, options, progress, post, report) if options.wait and report.accepted else None
        if received:
            reason = report.stop_reason or "a signal ended the waiting; what was sent stays sent"
            report = replace(report, ending=Ending.INTERRUPTED, signal=received[0], stop_reason=reason)
        code = code_of_sending(report, stories)
        show_sending(
            session,
            ledger,
            report,
            prepared.via,
            output_format=options.output_format,
            code=code,
            stories=stories,
            unmask=options.unmask,
        )
        if not report.is_finished:
            _say_how_to_go_on(session, options, report)
    return code


def _in_danger() -> str:
    return "Messages in flight are in the ledger as unknown; --resume looks for them before it sends anything."


def _new_run(options: SendOptions, prepared: Prepared) -> Run:
    said = write_json(encode_message(prepared.message), indent=None)
    digest = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
    audience = prepared.audience
    return Run(make_token(4), audience.kind, options.scenario, digest, audience.digest, utc_now())


def _make_errand(options: SendOptions, prepared: Prepared, run: Run, *, is_new: bool) -> Errand:
    audience = prepared.audience
    return Errand(
        run,
        prepared.via,
        prepared.message,
        audience.recipients(),
        audience.total,
        prepared.batch_size,
        is_new=is_new,
        resend_unknown=options.resend_unknown,
    )


def _approve(session: Session, options: SendOptions, prepared: Prepared) -> None:
    """Show what goes out to how many, and have it approved; the sandbox reaches nobody and does not ask."""
    is_reviewed = not session.sandbox and not options.yes and has_person()
    summary = summarize(prepared, session, on_stderr=True, show_texts=is_reviewed or options.unmask)
    session.output.say(summary) if is_reviewed else session.output.hint(summary)
    if options.resend_unknown:
        session.output.say("What has an unknown fate is sent once more, and somebody may get it twice.")
    if session.sandbox:
        return
    question = f"Send this to {count(prepared.audience.total, 'recipient')} through {prepared.via.scenario}"
    question += f" of {session.place.environment}?"
    ask(question, session.output, approved=options.yes, command=_same_command(session, options, "--yes"))


def _wait(
    session: Session, options: SendOptions, progress: Progress, post: Post, report: SendReport
) -> tuple[Story, ...]:
    """Follow the messages; a problem with the logs ends the waiting, and what was sent stays sent."""
    timeout = USUAL_WAIT_SECONDS if options.timeout is None else options.timeout
    try:
        with WaitDisplay(session.output, progress, unmask=options.unmask) as display:
            return wait_for_stories(post, report.run, timeout_seconds=timeout, tell=display.tell)
    except OmnictlError as error:
        session.output.diagnostics(error.diagnostics)
        return ()


def _say_how_to_go_on(session: Session, options: SendOptions, report: SendReport) -> None:
    """Say the command that goes on, and what it does."""
    words: Mapping[str, str] = {
        "--resume": "Go on; nobody gets two messages, and what is unknown is looked for first:",
        "--resend-unknown": "Or repeat what is still unknown; somebody may get it twice:",
    }
    again = _same_command(session, options, "--resume", report.run)
    session.output.say(f"{words['--resume']}\n    {again}")
    if report.unknown > report.unrepeatable:
        session.output.say(f"{words['--resend-unknown']}\n    {again} --resend-unknown")


def _same_command(session: Session, options: SendOptions, *words: str) -> str:
    """Return the command with more words; what it was given is personal data, and stays out of logs."""
    return complete_command(" ".join(["omnictl", "send", options.scenario, "…", *words]), session.options.here)
