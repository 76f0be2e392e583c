"""``omnictl plan``: what differs from the account. Reads only; the client refuses to send anything else than GET."""

from collections.abc import Sequence
from pathlib import Path

import click

from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.files import write_text
from omnictl.cli.options import global_options
from omnictl.cli.plan_output import PLAN_FORMATS, PLAN_REPORTS, plan_renderings, show_plan
from omnictl.cli.planning import Choices, make_circumstances, read_choices, selection_options
from omnictl.cli.progress import Progress
from omnictl.cli.provider import open_provider
from omnictl.cli.reports import Report, report_option, reported_failures, to_text, write_reports
from omnictl.codec.plan import encode_plan
from omnictl.model.change import Refresh
from omnictl.model.plan import Plan
from omnictl.operations.plan import plan_from_reading, read_and_settle
from omnictl.provider.base import StopSignal


@click.command("plan", epilog="Example: omnictl plan --env production --out plan.json")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if there are changes.")
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Save the plan.")
@click.option("--format", "output_format", type=click.Choice(PLAN_FORMATS), default="text", help="How it is shown.")
@report_option(*PLAN_REPORTS)
@selection_options
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    detailed_exitcode: bool,
    out: str | None,
    output_format: str,
    reports: Sequence[Report],
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    allow: tuple[str, ...],
    retire: tuple[str, ...],
) -> int:
    """Show what differs from the account. Changes nothing.

    The plan is the whole truth: apply does what it says and nothing else. Save it with --out, have it reviewed, and
    apply exactly that file.
    """
    session = get_session(ctx)
    choices = read_choices(only, exclude, allow, retire)
    outs = () if out is None else (out,)
    with reported_failures(
        reports, sandbox=session.asks_for_sandbox, output=session.output, output_format=output_format, outs=outs
    ):
        plan = _make_plan(session, choices)
    has_changes = any(not isinstance(each, Refresh) for each in plan.changes)
    code = ExitCode.DIFFERENCE if detailed_exitcode and has_changes else ExitCode.OK
    if out is not None:
        write_text(Path(out), to_text(encode_plan(plan, exit_code=code)))
    write_reports(reports, lambda: plan_renderings(plan, code, saved_as=out))
    show_plan(session, plan, output_format, code, saved_as=out)
    if out is not None and not plan.open_guards:
        session.output.hint(f"\nSaved. Apply exactly this plan with\n    {session.command('apply', out)}")
    return code


def _make_plan(session: Session, choices: Choices) -> Plan:
    configuration, stop = session.configuration, StopSignal()
    state = session.backend.read() or session.new_state()
    with Progress(session.output) as progress:
        provider = open_provider(session, state, stop, progress.observe, read_only=True)
        try:
            circumstances = make_circumstances(
                session, provider, state, choices, session.loaded.declared_beside, judge_files=True
            )
            reading = read_and_settle(provider, state, circumstances, workers=session.workers, observe=progress.observe)
            return plan_from_reading(reading, configuration, circumstances)
        finally:
            provider.close()
