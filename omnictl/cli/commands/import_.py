"""``omnictl import``: take scenarios that the account has into files and state. Sends nothing but readings."""

import re

import click

from omnictl import __version__
from omnictl.cli.completing import complete_ids
from omnictl.cli.context import Session, get_session
from omnictl.cli.durations import lock_timeout_option
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.importing import Wish, import_scenarios
from omnictl.cli.options import global_options
from omnictl.codec.envelope import make_envelope
from omnictl.codec.importing import encode_import
from omnictl.model.address import RESERVED_ID
from omnictl.model.adoption import ImportReport, Told
from omnictl.render.importing import render_import

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@click.command("import", epilog="Example: omnictl import --all --dry-run")
@click.argument("scenario_id", metavar="[ID]", required=False, shell_complete=complete_ids)
@click.argument("key", metavar="[KEY]", required=False)
@click.option("--all", "takes_all", is_flag=True, help="Everything on the account that nobody manages.")
@click.option("--only", multiple=True, metavar="GLOB", help="With --all: these alone, by the id or the name.")
@click.option("--write", "folder", metavar="DIR", help="Where the files go; else the first folder of the environment.")
@click.option(
    "--files-are-new",
    is_flag=True,
    help="With --all: no file without a key is one of the account's, whatever its flow.",
)
@click.option(
    "--nearly-equal",
    is_flag=True,
    help="With --all: a file and a scenario that differ in case and spaces, or are cut short, are the same.",
)
@click.option("--files-only", is_flag=True, help="Write import: into the files, and leave the state to the next apply.")
@click.option("--dry-run", is_flag=True, help="Show what would be imported, with -v the files too; write nothing.")
@lock_timeout_option
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="How it is shown.")
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    scenario_id: str | None,
    key: str | None,
    takes_all: bool,
    only: tuple[str, ...],
    folder: str | None,
    files_are_new: bool,
    nearly_equal: bool,
    files_only: bool,
    dry_run: bool,
    lock_timeout: float | None,
    output_format: str,
) -> int:
    """Adopt scenarios that the account has: write their files, record their keys, check that the plan is empty.

    One by its key, under the id that you choose; or --all that nobody manages, each under an id made from its name.
    Nothing on the account is changed, and no file that is there. Cut at any point, the same command goes on.
    """
    flags = {Told.FILES_ARE_NEW: files_are_new, Told.NEARLY_EQUAL: nearly_equal}
    told = tuple(each for each, is_said in flags.items() if is_said)
    _refuse_nonsense(ctx, scenario_id, key, takes_all=takes_all, only=only, told=told)
    session = get_session(ctx)
    wish = Wish(scenario_id, key, only, folder, files_only, dry_run, lock_timeout or 0.0, told)
    report = import_scenarios(session, wish)
    code = code_of_import(report)
    show_import(session, report, output_format, code)
    return code


def _refuse_nonsense(
    ctx: click.Context,
    scenario_id: str | None,
    key: str | None,
    *,
    takes_all: bool,
    only: tuple[str, ...],
    told: tuple[Told, ...],
) -> None:
    if takes_all == (scenario_id is not None) or (scenario_id is not None and not key):
        raise click.UsageError("Give ID and KEY, or --all.", ctx)
    if scenario_id == RESERVED_ID:
        detail = f"{RESERVED_ID} is no id: --allow GUARD={RESERVED_ID} is for a whole plan. Choose another, or --all."
        raise click.UsageError(detail, ctx)
    if told and not takes_all:
        raise click.UsageError(f"{told[0]} goes with --all: ID and KEY leave nothing out.", ctx)
    if only and not takes_all:
        raise click.UsageError("--only goes with --all: ID and KEY name one scenario already.", ctx)
    if scenario_id is not None and not _ID.fullmatch(scenario_id):
        raise click.UsageError(
            f"{scenario_id!r} is no id: lower case letters, digits and dashes, at most 63, no dash first.", ctx
        )


def code_of_import(report: ImportReport) -> ExitCode:
    """Return what an import ends with: where something was left out, the same command takes it later.

    A dry run ends as the run that it shows.
    """
    if report.differing is None or report.left_out:
        return ExitCode.PARTIAL if report.rows else ExitCode.FAILED
    return ExitCode.OK


def show_import(session: Session, report: ImportReport, output_format: str, code: ExitCode) -> None:
    """Say what was imported: reasons on stderr, the rest on stdout, with the next command."""
    output = session.output
    output.diagnostics(report.diagnostics)
    if output_format == "json":
        output.document(
            make_envelope(
                "import",
                version=__version__,
                environment=report.environment,
                sandbox=session.sandbox,
                exit_code=code,
                diagnostics=report.diagnostics,
                **encode_import(report),
            )
        )
        return
    session.show(render_import(report, output.out_style, verbose=output.verbose > 0).rstrip("\n"))
    if (report.rows or report.others) and not report.dry_run:
        output.hint(f"\nNext:\n    {session.command('plan')}")
