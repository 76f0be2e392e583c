"""``omnictl doctor``: is everything there that an apply needs?"""

import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from msgspec import Struct

from omnictl import __version__
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode, code_of, strongest
from omnictl.cli.hiding import hide_all, hide_in
from omnictl.cli.memory import refuse_lost_state
from omnictl.cli.options import global_options
from omnictl.cli.progress import Progress
from omnictl.cli.provider import open_provider
from omnictl.codec.envelope import make_envelope
from omnictl.errors import OmnictlError, StateError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Json
from omnictl.operations.account import read_account
from omnictl.operations.apply import describe_holder
from omnictl.provider.base import StopSignal
from omnictl.render.style import sanitize
from omnictl.render.words import count, duration
from omnictl.state.base import Triable

CLOCK_SECONDS = 30.0
"""How far the clocks may differ. Records and throttles are counted by ours, Retry-After dates by theirs."""


class Finding(Struct, frozen=True):
    """One check: what was looked at, whether it is well, and what was found."""

    subject: str
    is_well: bool
    found: str
    code: ExitCode = ExitCode.OK
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def verdict(self) -> str:
        """The word before the subject: a note is worth knowing and fails nothing."""
        return "ok" if self.is_well else "wrong" if self.code else "note"


@click.command("doctor", epilog="Example: omnictl doctor --env production")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="How it is shown.")
@click.option(
    "--no-probe", is_flag=True, help="Write nothing to the store of the state, not even an object that is thrown away."
)
@global_options
@click.pass_context
def command(ctx: click.Context, output_format: str, no_probe: bool) -> int:
    """Check settings, files, state, lock, credentials, clock and the account. Changes nothing of them.

    A state in an object store or a git remote: an object of its own is written beside it, to see whether the store
    refuses what would overwrite another run's, and removed. PostgreSQL is asked whether the user may write. The account
    is only read: that the credentials of the API may also write is not tried, for there is no request that writes and
    leaves nothing behind.
    """
    session = get_session(ctx)
    findings = tuple(_examine(session, probe=not no_probe))
    code = strongest(each.code for each in findings)
    if output_format == "json":
        session.output.document(_to_document(session, findings, code))
        return code
    for each in findings:
        session.output.diagnostics(each.diagnostics)
    rows = (f"{each.verdict:<5}  {each.subject:<12} {sanitize(each.found)}" for each in findings)
    session.show("\n".join(rows))
    return code


def _to_document(session: Session, findings: tuple[Finding, ...], code: int) -> dict[str, Json]:
    items: list[Json] = [{"subject": each.subject, "ok": each.is_well, "found": each.found} for each in findings]
    return make_envelope(
        "doctor",
        version=__version__,
        environment=session.place.environment,
        sandbox=session.sandbox,
        exit_code=code,
        diagnostics=[problem for each in findings for problem in each.diagnostics],
        items=items,
    )


def _examine(session: Session, *, probe: bool) -> Iterator[Finding]:
    checks: list[tuple[str, Callable[[Session], str]]] = [
        ("program", _check_program),
        ("settings", _check_settings),
        ("files", _check_files),
    ]
    for subject, check in checks:
        yield _find(subject, lambda check=check: check(session))  # type: ignore[misc]
    state = _find("state", lambda: _check_state(session))
    yield state
    yield _find("lock", lambda: _check_lock(session))
    if state.is_well:
        yield from _examine_writes(session, probe=probe)
    if session.in_ci:
        yield _find("pipeline", lambda: _check_pipeline(session))
    access = _find("credentials", lambda: _check_credentials(session))
    yield access
    if access.is_well:
        yield from _examine_account(session)


def _find(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, is_well=True, found=hide_all(check()))
    except OmnictlError as error:
        return _failed(subject, error)


def _failed(subject: str, error: OmnictlError) -> Finding:
    summary = error.diagnostics[0].summary if error.diagnostics else str(error)
    return Finding(subject, is_well=False, found=summary, code=code_of(error), diagnostics=hide_in(error.diagnostics))


def _check_program(session: Session) -> str:
    return f"omnictl {__version__}, Python {platform.python_version()}, {platform.system()}"


def _check_settings(session: Session) -> str:
    where = session.settings.path or "no omnictl.yaml; scenarios/ is read"
    production = ", production" if session.environment.production else ""
    return f"{where}, environment {session.environment.name}{' in the sandbox' * session.sandbox}{production}"


def _check_files(session: Session) -> str:
    return f"{count(len(session.configuration.resources), 'scenario')} declared"


def _check_state(session: Session) -> str:
    state, where = session.backend.read(), session.backend.location
    if session.backend.is_local:
        _refuse_unwritable(Path(where))
    if state is None:
        return f"{where}: none yet"
    unknown = f", {count(len(state.intents), 'create')} with unknown outcome" if state.intents else ""
    return f"{where}: serial {state.serial}, {count(len(state.records), 'scenario')}{unknown}"


def _refuse_unwritable(path: Path) -> None:
    """The first thing that an apply writes is the state; that it cannot is better known before."""
    nearest = next(each for each in path.parents if each.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return
    raise StateError(
        Diagnostic(
            "unwritable-state",
            Severity.ERROR,
            "The state could not be written",
            f"{nearest} cannot be written by this user.",
            hint="mend its permissions, or name another place with --state",
        )
    )


def _check_lock(session: Session) -> str:
    holder = session.backend.describe_lock()
    return describe_holder(holder) if holder else "free"


def _examine_writes(session: Session, *, probe: bool) -> Iterator[Finding]:
    """Say what keeps two runs from writing over each other, where that is not certain by its nature."""
    backend = session.backend
    if not backend.has_conditional_writes:
        note = Diagnostic(
            "no-conditional-writes",
            Severity.NOTE,
            "Only the server's lock protects the state",
            f"{backend.location}: a write cannot be made to depend on the version that was read.",
            hint="let nothing write it without the lock, and clear a lock only where its holder is surely gone",
        )
        yield Finding("writes", is_well=False, found="only the server's lock protects them", diagnostics=(note,))
    elif probe and isinstance(backend, Triable):
        yield _try_writes(backend)


def _try_writes(backend: Triable) -> Finding:
    try:
        tried = backend.try_conditions()
    except OmnictlError as error:
        return _failed("writes", error)
    notes = (tried.note,) if tried.note else ()
    if not tried.is_tried:
        found = "not tried: the credentials may only read"
        return Finding("writes", is_well=False, found=found, diagnostics=notes)
    kept = "the store refuses one that would overwrite another run's"
    return Finding("writes", is_well=not notes, found=kept, diagnostics=notes)


def _check_pipeline(session: Session) -> str:
    refuse_lost_state(session)
    if session.sandbox:
        return "the sandbox needs no lasting state"
    return "the state is kept in git" if session.backend.is_local else "the state is kept where every run finds it"


def _check_credentials(session: Session) -> str:
    from omnictl.cli.provider import find_api, trusted_hosts
    from omnictl.transport.trust import check_base_url

    if session.sandbox:
        return "none are needed in the sandbox"
    base_url, credentials = find_api(session)
    base = check_base_url(base_url, trusted_hosts(session))
    return f"{credentials.scheme} from {credentials.source}, for {base.text}"


def _examine_account(session: Session) -> Iterator[Finding]:
    offsets: list[float] = []

    def read() -> str:
        state = session.backend.read() or session.new_state()
        with Progress(session.output) as progress:
            provider = open_provider(session, state, StopSignal(), progress.observe, read_only=True)
            try:
                remotes = read_account(provider, state, workers=session.workers, observe=progress.observe)
            finally:
                provider.close()
                offsets.extend([] if provider.clock_offset_seconds is None else [provider.clock_offset_seconds])
        return f"{provider.host}: {count(len(remotes), 'scenario')} can be read"

    yield _find("account", read)
    yield from map(_judge_clock, offsets)


def _judge_clock(offset: float) -> Finding:
    if abs(offset) <= CLOCK_SECONDS:
        return Finding("clock", is_well=True, found=f"within {duration(CLOCK_SECONDS)} of the API's")
    side = "behind" if offset > 0 else "ahead of"
    warning = Diagnostic(
        "clock-differs",
        Severity.WARNING,
        "The clock of this machine differs from the API's",
        f"It is {duration(abs(offset))} {side} the API's.",
        hint="set it by NTP: throttles of recent runs are counted by it",
    )
    return Finding("clock", is_well=False, found=f"{duration(abs(offset))} {side} the API's", diagnostics=(warning,))


CODES = {
    "no-conditional-writes": "The backend of the state cannot refuse a write that replaces another version than "
    "the one that was read. Its lock keeps two runs apart, and nothing else does.",
    "unwritable-state": "The folder of the state cannot be written, so an apply would end before its first request.",
    "clock-differs": "The clock of this machine and that of the API differ by more than half a minute. What recent "
    "runs used of a throttle is counted by ours.",
}
