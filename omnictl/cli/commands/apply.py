"""``omnictl apply``: create and update what differs; with a file, exactly what the saved plan says."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from omnictl.cli.apply_output import APPLY_FORMATS, APPLY_REPORTS, apply_renderings, code_of_report, show_report
from omnictl.cli.approval import ask
from omnictl.cli.context import Session, get_session, refuse_lost_state, utc_now
from omnictl.cli.durations import lock_timeout_option, read_duration
from omnictl.cli.exit_codes import ExitCode, strongest
from omnictl.cli.globals import command_line, global_options
from omnictl.cli.plan_output import show_plan
from omnictl.cli.planning import Choices, make_circumstances, read_choices, selection_options
from omnictl.cli.progress import Progress
from omnictl.cli.reports import Report, report_option, reported_failures, try_reports, write_failure
from omnictl.cli.saved import check_saved_plan, read_saved_plan
from omnictl.cli.signals import outlast_signals, stopping
from omnictl.codec.plan import encode_plan
from omnictl.errors import OutputError, RefusedError, StoppedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import ApplyReport
from omnictl.model.plan import Plan
from omnictl.model.scenario import Configuration, Json
from omnictl.model.state import State
from omnictl.operations.apply import Request, Workshop, mark_interrupted, refuse_guarded, run_apply
from omnictl.provider.base import StopSignal
from omnictl.render.human import render_plan
from omnictl.render.words import written_duration
from omnictl.threads import leaving_signals

if TYPE_CHECKING:
    from omnictl.provider.omni import OmniProvider

PIPELINE_STOP_AFTER_SECONDS = 45 * 60.0


@click.command("apply", epilog="Example: omnictl apply --env production plan.json")
@click.argument("planfile", required=False, type=click.Path(dir_okay=False))
@click.option("--yes", is_flag=True, help="Approve without being asked.")
@click.option(
    "--stop-after",
    callback=read_duration,
    metavar="DURATION",
    envvar="OMNICTL_STOP_AFTER",
    help="Stop in good order after so long; 45m where there is no terminal (OMNICTL_STOP_AFTER).",
)
@lock_timeout_option
@click.option("--format", "output_format", type=click.Choice(APPLY_FORMATS), default="text", help="How it is shown.")
@report_option(*APPLY_REPORTS)
@selection_options
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    planfile: str | None,
    yes: bool,
    stop_after: float | None,
    lock_timeout: float | None,
    output_format: str,
    reports: Sequence[Report],
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    allow: tuple[str, ...],
) -> int:
    """Create and update what differs, and remember the keys.

    Without a file it plans, shows the plan and asks. With a saved plan it does not ask: the plan was reviewed. It can
    be stopped at any time; the same command goes on, and nothing is done twice.
    """
    if planfile is not None and (only or exclude or allow):
        raise click.UsageError("A saved plan takes no --only, --exclude or --allow: it says itself what it does.", ctx)
    session = get_session(ctx)
    choices = read_choices(only, exclude, allow)
    progress = Progress(session.output)
    outlast_signals(progress.say, _without_report, has_begun=progress.has_begun, announcement=_ENDED)
    with reported_failures(
        reports, sandbox=session.asks_for_sandbox, output=session.output, output_format=output_format
    ):
        refuse_lost_state(session)
        saved = _read_saved(session, planfile)
        approval = _Approval(session, yes, output_format, reports, command_line(ctx, "--yes"))
        report = _apply(
            session, progress, saved, choices, approval, stop_after=stop_after, lock_timeout=lock_timeout or 0.0
        )
    if report.is_unfinished:
        report = replace(report, again=command_line(ctx))
    code = code_of_report(report)
    problems = try_reports(reports, lambda: apply_renderings(report, code))
    ended = strongest([code, ExitCode.PARTIAL if report.writes_sent else ExitCode.FAILED]) if problems else code
    try:
        said = replace(report, diagnostics=(*report.diagnostics, *problems))
        show_report(session, said, output_format, ended, follows_plan=saved is None)
    except OutputError as error:
        session.output.diagnostics(error.diagnostics)
        return strongest([ended, ExitCode.PARTIAL if report.writes_sent else ExitCode.FAILED])
    return ended


def _read_saved(session: Session, planfile: str | None) -> Plan | None:
    """Return the saved plan, if one was named and it may be applied here."""
    if planfile is None:
        return None
    saved = read_saved_plan(Path(planfile))
    check_saved_plan(saved, session)
    return saved


class _Approval(Struct, frozen=True):
    """Shows a plan and has it approved, by --yes or by a person; ``command`` is for where nobody can be asked."""

    session: Session
    is_given: bool
    output_format: str
    reports: Sequence[Report]
    command: str

    def ask_for(self, plan: Plan, stop: StopSignal) -> None:
        """Return where the plan may be applied; raise RefusedError, or end with one JSON document, where not.

        Raises StoppedError where the time was used up before anybody could be asked.
        """
        self._show(plan)
        try:
            refuse_guarded(plan)
            if plan.changes:
                if stop.is_set and self.session.output.is_interactive and not self.is_given:
                    raise StoppedError(_no_time_to_ask(stop.reason))
                question = f"Apply these changes to {plan.environment}?"
                ask(question, self.session.output, approved=self.is_given, command=self.command)
        except RefusedError as refused:
            if self.output_format != "json":
                raise
            self._answer(plan, refused)
            raise click.exceptions.Exit(ExitCode.REFUSED) from None

    def _show(self, plan: Plan) -> None:
        """Show what is about to happen; where stdout is kept for one document, people read it on stderr."""
        output = self.session.output
        if self.output_format == "text":
            show_plan(self.session, plan, "text", ExitCode.OK)
        elif not output.json_log:
            output.hint(render_plan(plan, output.err_style))

    def _answer(self, plan: Plan, refused: RefusedError) -> None:
        """Write the plan with the refusal and the command that approves, as the one document of the run."""
        output = self.session.output
        write_failure(self.reports, refused, sandbox=self.session.sandbox, output=output)
        refusal: dict[str, Json] = {"kind": refused.kind.value, "command": self.command}
        output.diagnostics(refused.diagnostics)
        said = replace(plan, diagnostics=(*plan.diagnostics, *refused.diagnostics))
        output.document({**encode_plan(said, exit_code=ExitCode.REFUSED), "refusal": refusal})


def _apply(
    session: Session,
    progress: Progress,
    saved: Plan | None,
    choices: Choices,
    approval: _Approval,
    *,
    stop_after: float | None,
    lock_timeout: float,
) -> ApplyReport:
    configuration = Configuration() if saved is not None else session.configuration
    stop, output = StopSignal(), session.output
    if stop_after is None and not output.is_interactive:
        stop_after = PIPELINE_STOP_AFTER_SECONDS

    def approve(plan: Plan) -> None:
        with timer.paused():
            approval.ask_for(plan, stop)

    timer = _Timer(stop, stop_after)
    with ExitStack() as stack:
        stack.enter_context(progress)
        received = stack.enter_context(stopping(stop, progress.say, _in_danger, has_begun=progress.has_begun))

        def open_provider(state: State) -> "OmniProvider":
            provider = session.open_provider(state, stop, progress.observe, read_only=False)
            stack.callback(_close_unless_stopped, provider, stop)
            return provider

        timer.start()
        new_state = session.new_state()
        report = run_apply(
            Request(
                look_around=lambda provider, state: make_circumstances(session, provider, state, choices),
                approve=approve,
                new_state=new_state if saved is None else replace(new_state, lineage=saved.lineage),
                stop_after_seconds=stop_after,
                lock_timeout_seconds=lock_timeout if stop_after is None else min(lock_timeout, stop_after),
                saved_plan=saved,
                configuration=configuration,
            ),
            Workshop(
                open_provider=open_provider,
                backend=session.backend,
                stop=stop,
                observe=progress.observe,
                clock=utc_now,
                monotonic=time.monotonic,
                workers=session.workers,
                holder=session.holder("apply"),
            ),
        )
        timer.cancel()
    return mark_interrupted(report, received[0]) if received else report


def _close_unless_stopped(provider: "OmniProvider", stop: StopSignal) -> None:
    """After a stop something may still be in flight; its connection is not cut by us."""
    if not stop.is_set:
        provider.close()


def _no_time_to_ask(reason: str) -> Diagnostic:
    return Diagnostic(
        "stopped-before-asking",
        Severity.ERROR,
        "Stopped before the plan could be approved",
        f"{reason}. The account took that long to read; nothing was changed.",
        hint="run the same command again, with more time",
    )


class _Timer:
    """Asks a run to stop after some seconds."""

    def __init__(self, stop: StopSignal, seconds: float | None) -> None:
        self._stop = stop
        self._reason = f"--stop-after {written_duration(seconds or 0.0)}"
        self._left = seconds
        self._started_at = 0.0
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        """Begin to count, or go on."""
        if self._left is None:
            return
        self._timer = threading.Timer(self._left, self._stop.request, [self._reason])
        self._timer.daemon = True
        self._started_at = time.monotonic()
        with leaving_signals():
            self._timer.start()

    def cancel(self) -> None:
        """Count no longer."""
        if self._timer is not None:
            self._timer.cancel()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count within the context: there a person is asked, who may take any time."""
        self.cancel()
        if self._left is not None:
            self._left = max(0.0, self._left - (time.monotonic() - self._started_at))
        yield
        self.start()


_ENDED = "The apply has ended, and its report is being written. Once more ends at once."


def _without_report() -> str:
    return "What was done is in the state; omnictl plan says what is left."


def _in_danger() -> str:
    return (
        "Requests in flight may have been taken without their keys being stored; their intents are in the state, "
        "and the same command looks for them."
    )


CODES = {
    "stopped-before-asking": "The time of --stop-after was used up before there was a plan to approve. Nothing was "
    "changed.",
}
