"""``omnictl apply``: create and update what differs; with a file, exactly what the saved plan says."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from msgspec.structs import replace

from omnictl.cli.apply_output import APPLY_FORMATS, APPLY_REPORTS, apply_renderings, code_of_report, show_report
from omnictl.cli.approval import check_confirmed_name
from omnictl.cli.completing import complete_environments
from omnictl.cli.context import Session, get_session
from omnictl.cli.durations import lock_timeout_option, read_duration
from omnictl.cli.exit_codes import ExitCode, strongest
from omnictl.cli.globals import command_line
from omnictl.cli.memory import refuse_lost_state
from omnictl.cli.options import global_options
from omnictl.cli.plan_approval import Flags, PlanApproval
from omnictl.cli.planning import Choices, make_circumstances, read_choices, selection_options
from omnictl.cli.progress import Progress
from omnictl.cli.reports import Report, report_option, reported_failures, try_reports
from omnictl.cli.saved import check_saved_plan, read_saved_plan
from omnictl.cli.signals import outlast_signals, stopping
from omnictl.cli.workshop import make_workshop
from omnictl.errors import OutputError
from omnictl.model.outcome import ApplyReport
from omnictl.model.plan import Plan
from omnictl.model.scenario import Configuration
from omnictl.operations.apply import Request, run_apply
from omnictl.operations.executing import mark_interrupted
from omnictl.provider.base import StopSignal
from omnictl.render.words import written_duration
from omnictl.threads import leaving_signals

PIPELINE_STOP_AFTER_SECONDS = 45 * 60.0
_SAYS_ITSELF = "A saved plan takes no --only, --exclude, --allow or --retire: it says itself what it does."


@click.command("apply", epilog="Example: omnictl apply --env production plan.json")
@click.argument("planfile", required=False, type=click.Path(dir_okay=False))
@click.option("--yes", is_flag=True, help="Approve without being asked.")
@click.option(
    "--yes-if-safe", is_flag=True, help="Approve without being asked where no guard fired and nothing was warned of."
)
@click.option(
    "--confirm",
    metavar="NAME",
    shell_complete=complete_environments,
    help="Name the environment; production needs it where nobody can be asked for it.",
)
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
    yes_if_safe: bool,
    confirm: str | None,
    stop_after: float | None,
    lock_timeout: float | None,
    output_format: str,
    reports: Sequence[Report],
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    allow: tuple[str, ...],
    retire: tuple[str, ...],
) -> int:
    """Create and update what differs, and remember the keys.

    Without a file it plans, shows the plan and asks. With a saved plan it does not ask: the plan was reviewed. It can
    be stopped at any time; the same command goes on, and nothing is done twice.
    """
    if planfile is not None and (only or exclude or allow or retire):
        raise click.UsageError(_SAYS_ITSELF, ctx)
    if yes and yes_if_safe:
        raise click.UsageError("--yes and --yes-if-safe: give one of them.", ctx)
    session = get_session(ctx)
    choices = read_choices(only, exclude, allow, retire)
    progress = Progress(session.output)
    outlast_signals(progress.say, _without_report, has_begun=progress.has_begun, announcement=_ENDED)
    with reported_failures(
        reports, sandbox=session.asks_for_sandbox, output=session.output, output_format=output_format
    ):
        check_confirmed_name(confirm, session.place.environment)
        refuse_lost_state(session)
        saved = _read_saved(session, planfile)
        is_production = _is_production(session, saved)
        approval = _make_approval(
            ctx, session, Flags(yes, yes_if_safe, confirm), output_format, reports, is_production=is_production
        )
        if saved is not None:
            approval.approve_saved(saved)
        report = _apply(
            session, progress, saved, choices, approval, stop_after=stop_after, lock_timeout=lock_timeout or 0.0
        )
    if report.is_unfinished:
        report = replace(report, again=session.command("plan") if report.has_moved else command_line(ctx))
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


def _is_production(session: Session, saved: Plan | None) -> bool:
    """Tell whether this reaches production, as the settings say it now or as they did when the plan was saved."""
    is_so_now = session.environment.production and not session.sandbox
    return is_so_now or (saved is not None and saved.production)


def _make_approval(
    ctx: click.Context,
    session: Session,
    flags: Flags,
    output_format: str,
    reports: Sequence[Report],
    *,
    is_production: bool,
) -> PlanApproval:
    """Return the approval of this run, with the command lines that approve and confirm where nobody can be asked."""
    confirm = ["--confirm", session.place.environment] if is_production and flags.confirmed is None else []
    yes = [] if flags.yes or ctx.params["planfile"] is not None else ["--yes"]
    approving = command_line(ctx, *yes, *confirm, without=("--yes-if-safe",))
    return PlanApproval(session, flags, output_format, reports, approving, command_line(ctx, *confirm), is_production)


def _apply(
    session: Session,
    progress: Progress,
    saved: Plan | None,
    choices: Choices,
    approval: PlanApproval,
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

        timer.start()
        new_state = session.new_state()
        report = run_apply(
            Request(
                look_around=lambda provider, state: make_circumstances(
                    session,
                    provider,
                    state,
                    choices,
                    session.loaded.declared_beside if saved is None else None,
                    judge_files=saved is None,
                ),
                approve=approve,
                new_state=new_state if saved is None else replace(new_state, lineage=saved.lineage),
                stop_after_seconds=stop_after,
                lock_timeout_seconds=lock_timeout if stop_after is None else min(lock_timeout, stop_after),
                saved_plan=saved,
                configuration=configuration,
            ),
            make_workshop(session, "apply", stack, stop, progress.observe, read_only=False, seconds=stop_after),
        )
        timer.cancel()
    return mark_interrupted(report, received[0]) if received else report


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
