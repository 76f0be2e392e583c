"""``omnictl doctor``: is everything there that an apply needs? Reads only."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from omnictl import __version__
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode, code_of, strongest
from omnictl.cli.globals import global_options
from omnictl.codec.report import make_envelope
from omnictl.errors import OmnictlError
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.scenario import Json
from omnictl.operations.account import read_account
from omnictl.provider.base import StopSignal


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, whether it is well, and what was found."""

    subject: str
    is_well: bool
    found: str
    code: ExitCode = ExitCode.OK
    diagnostics: tuple[Diagnostic, ...] = ()


@click.command("doctor", epilog="Example: omnictl doctor --env production")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="How.")
@global_options
@click.pass_context
def command(ctx: click.Context, output_format: str) -> int:
    """Check settings, files, state, lock, credentials and the account. Changes nothing."""
    session = get_session(ctx)
    findings = tuple(_examine(session))
    code = strongest(each.code for each in findings)
    if output_format == "json":
        items: list[Json] = [{"subject": each.subject, "ok": each.is_well, "found": each.found} for each in findings]
        diagnostics = [problem for each in findings for problem in each.diagnostics]
        session.output.document(
            make_envelope(
                "doctor",
                version=__version__,
                environment=session.place.environment,
                sandbox=session.sandbox,
                exit_code=code,
                diagnostics=diagnostics,
                items=items,
            )
        )
        return code
    for each in findings:
        session.output.diagnostics(each.diagnostics)
    rows = (f"{'ok   ' if each.is_well else 'wrong'}  {each.subject:<12}{each.found}" for each in findings)
    session.show("\n".join(rows))
    return code


def _examine(session: Session) -> Iterator[Finding]:
    checks: tuple[tuple[str, Callable[[Session], str]], ...] = (
        ("settings", _check_settings),
        ("files", _check_files),
        ("state", _check_state),
        ("lock", _check_lock),
        ("account", _check_account),
    )
    for subject, check in checks:
        try:
            yield Finding(subject, is_well=True, found=check(session))
        except OmnictlError as error:
            summary = error.diagnostics[0].summary if error.diagnostics else str(error)
            yield Finding(subject, is_well=False, found=summary, code=code_of(error), diagnostics=error.diagnostics)


def _check_settings(session: Session) -> str:
    where = session.settings.path or "no omnictl.yaml; scenarios/ is read"
    return f"{where}, environment {session.environment.name}{' in the sandbox' * session.sandbox}"


def _check_files(session: Session) -> str:
    return f"{len(session.configuration.resources)} scenarios declared"


def _check_state(session: Session) -> str:
    state = session.backend.read()
    if state is None:
        return f"{session.backend.location}: none yet"
    unknown = f", {len(state.intents)} creates with unknown outcome" if state.intents else ""
    return f"{session.backend.location}: serial {state.serial}, {len(state.records)} scenarios{unknown}"


def _check_lock(session: Session) -> str:
    holder = session.backend.describe_lock()
    return f"{holder.operation} since {holder.since:%Y-%m-%d %H:%M:%SZ} ({holder.process})" if holder else "free"


def _check_account(session: Session) -> str:
    state = session.backend.read() or session.new_state()
    provider = session.open_provider(state, StopSignal(), lambda _: None, read_only=True)
    try:
        remotes = read_account(provider, state, workers=session.workers, observe=lambda _: None)
    finally:
        provider.close()
    return f"{provider.host}: {len(remotes)} scenarios can be read"
