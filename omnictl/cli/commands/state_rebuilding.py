"""``state rebuild``: a lost state is made again from the files, the account, and the log of an apply."""

import sys
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import click

from omnictl.cli.context import Session, get_session
from omnictl.cli.durations import lock_timeout_option
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.mending import (
    Foretold,
    change_stored,
    dry_run_option,
    encode_foretold,
    format_option,
    say_foretold,
    set_aside_option,
    show_document,
)
from omnictl.cli.options import global_options
from omnictl.cli.planning import Choices, make_circumstances
from omnictl.cli.progress import Progress
from omnictl.cli.provider import open_provider
from omnictl.cli.saved import read_text
from omnictl.codec.apply_log import read_told_keys
from omnictl.codec.state import decode_state
from omnictl.durable import read_regular_file, shown
from omnictl.engine.rebuild import Claim, Evidence
from omnictl.engine.recover import owned_keys
from omnictl.engine.surgery import Replaced
from omnictl.errors import OmnictlError, RefusalKind, RefusedError, UsageError
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.scenario import Json
from omnictl.model.state import State
from omnictl.operations.rebuilding import Rebuilding
from omnictl.operations.rebuilding import rebuild as find_what_is_lost
from omnictl.operations.surgery import read_at_any_rate
from omnictl.provider.base import StopSignal
from omnictl.render.state_text import table
from omnictl.render.style import sanitize
from omnictl.render.words import count
from omnictl.state.location import shown_place

_EVIDENCE = {
    Evidence.LOG: "the log names it",
    Evidence.IMPORT: "import: in its file",
    Evidence.EQUAL: "equal in name and flow",
}

_WHAT_IT_IS = "it is what an apply says on stderr, as text or with --log-format json, or its report: --report json=FILE"


@click.command("rebuild", epilog="Example: omnictl state rebuild --from-log apply.log --dry-run")
@click.option("--from-log", metavar="FILE", help="What an apply said on stderr, or its JSON report; - is stdin.")
@dry_run_option
@set_aside_option
@lock_timeout_option
@format_option
@global_options
@click.pass_context
def rebuild(
    ctx: click.Context,
    *,
    from_log: str | None,
    dry_run: bool,
    set_aside: bool,
    lock_timeout: float | None,
    output_format: str,
) -> int:
    """Make a lost state again, from the files, the account and the log of an apply. Nothing is sent.

    Only what is certain is recorded; for the rest it prints the commands that choose. A record that is there is left
    as it is.
    """
    session = get_session(ctx)
    told, warnings = _read_log(session, from_log)
    found: list[Rebuilding] = []
    before: list[State | None] = []

    def change(current: State | None) -> Replaced:
        _refuse_beside_errored(session, current)
        before[:] = [current]
        found[:] = [_look(session, current or session.new_state(), told)]
        return found[0].replaced

    if dry_run:
        backend = session.backend
        change(read_at_any_rate(backend).state if set_aside else backend.read())
    else:
        change_stored(session, "state rebuild", change, lock_timeout, sets_aside=set_aside)
    kept = _name_kept_versions(session) if before == [None] else ()
    _tell(session, found[0], (*warnings, *kept), output_format, dry_run=dry_run)
    return ExitCode.OK


def _look(session: Session, state: State, told: Collection[Claim]) -> Rebuilding:
    configuration = session.configuration
    with Progress(session.output) as progress:
        provider = open_provider(session, state, StopSignal(), progress.observe, read_only=True)
        try:
            circumstances = make_circumstances(session, provider, state, Choices(), session.loaded.declared_beside)
            return find_what_is_lost(
                provider,
                state,
                configuration,
                told,
                circumstances,
                workers=session.workers,
                observe=progress.observe,
            )
        finally:
            provider.close()


def _read_log(session: Session, path: str | None) -> tuple[tuple[Claim, ...], tuple[Diagnostic, ...]]:
    """Return what a log says, and a warning where it says nothing."""
    if path is None:
        return (), ()
    content = sys.stdin.buffer.read() if path == "-" else _read_file(Path(path))
    environment = session.place.environment
    told = read_told_keys(content, environment)
    claims = tuple(Claim(each.address, each.key, Evidence.LOG, each.may_be_cut, each.ends) for each in told)
    return claims, () if claims else (_empty_log(path, environment),)


def _read_file(path: Path) -> bytes:
    try:
        return read_text(path)
    except UsageError as error:
        raise UsageError(*(replace(each, hint=_WHAT_IT_IS) for each in error.diagnostics)) from None


# --- better sources than a rebuilding -----------------------------------------------------------------------------


def _refuse_beside_errored(session: Session, current: State | None) -> None:
    """Refuse while a state that could not be written lies there and knows keys that the stored one does not."""
    known = owned_keys(current) if current is not None else frozenset()
    better = [
        path
        for path, state in _errored(session)
        if (current is None or state.lineage == current.lineage) and not owned_keys(state) <= known
    ]
    if better:
        raise RefusedError(RefusalKind.POLICY, _errored_is_better(session, better))


def _errored(session: Session) -> Iterator[tuple[Path, State]]:
    environment = session.place.environment
    for path in sorted((session.place.work_dir / "errored").glob(f"{environment}-*.json")):
        try:
            content = read_regular_file(path)
            state = decode_state(content, path=str(path)) if content is not None else None
        except (OSError, OmnictlError):
            continue
        if state is not None and state.environment == environment:
            yield path, state


def _errored_is_better(session: Session, paths: Collection[Path]) -> Diagnostic:
    return Diagnostic(
        "errored-state",
        Severity.ERROR,
        "An apply saved a state here that knows more than a rebuilding can find",
        f"{', '.join(shown(each) for each in paths)}: saved when the state could not be written, with every key.",
        hint="put it back first; move it away if it is not to be used",
        commands=tuple(session.command("state", "push", shown(each)) for each in paths),
    )


def _name_kept_versions(session: Session) -> tuple[Diagnostic, ...]:
    """Where there was no state: say that a kept version knows more."""
    try:
        versions = session.backend.history()
    except OmnictlError:
        return ()
    if not versions:
        return ()
    newest = versions[0]
    where = shown_place(newest.location)
    return (
        Diagnostic(
            "kept-version",
            Severity.WARNING,
            "A version of the state before is kept",
            f"Serial {newest.serial} of {newest.written_at:%Y-%m-%d %H:%M:%SZ} is in {where}. It knows what a "
            "rebuilding cannot find: tombstones, protections and creates that are open.",
            hint="if it is of this account, go back to it; what only the rebuilding found stays known as tombstones",
            commands=(session.command("state", "rollback", str(newest.serial), "--lineage", newest.lineage[:8]),),
        ),
    )


def _empty_log(path: str, environment: str) -> Diagnostic:
    return Diagnostic(
        "empty-log",
        Severity.WARNING,
        "The log names no key",
        f"No line tells a new key of {environment}.",
        Source("stdin" if path == "-" else path),
        hint=_WHAT_IT_IS,
    )


# --- telling ------------------------------------------------------------------------------------------------------


def _tell(
    session: Session, found: Rebuilding, warnings: Collection[Diagnostic], output_format: str, *, dry_run: bool
) -> None:
    foretold = Foretold(found.plan, found.why_not)
    diagnostics = (
        *warnings,
        *session.output.complete(found.diagnostics),
    )
    state = found.replaced.state
    if output_format == "json":
        items: list[Json] = [
            {"id": id_of(each.address), "key": each.key, "evidence": each.evidence.value}
            for each in found.rebuilt.taken
        ]
        show_document(
            session,
            "state-rebuild",
            diagnostics=diagnostics,
            items=items,
            dry_run=dry_run,
            changed=found.replaced.is_changed and not dry_run,
            lineage=state.lineage,
            serial=state.serial,
            next_plan=encode_foretold(foretold, ()),
        )
        return
    session.output.diagnostics(diagnostics)
    next_plan = say_foretold(foretold, (), session.output.out_style)
    session.show("\n".join((*_say_taken(session, found, dry_run=dry_run), next_plan)))


def _say_taken(session: Session, found: Rebuilding, *, dry_run: bool) -> Iterator[str]:
    taken, state = found.rebuilt.taken, found.replaced.state
    if not taken:
        yield "Nothing to record: no scenario without a record is certain."
        return
    rows = [(id_of(each.address), sanitize(each.key), _EVIDENCE[each.evidence]) for each in taken]
    yield from table((("ID", "KEY", "KNOWN BY"), *rows), session.output.out_style)
    yield ""
    if dry_run:
        yield f"{count(len(taken), 'scenario')} would be recorded. Nothing is written: this is a dry run."
    else:
        yield f"{count(len(taken), 'scenario')} recorded, as serial {state.serial} of lineage {state.lineage[:8]}."


CODES = {
    "errored-state": "An apply that could not write the state saved it beside you. It knows every key, and more than "
    "can be found again: put it back with state push.",
    "kept-version": "state rebuild made a state where there was none, though a version of the state before is kept. It "
    "is the better one if it is of this account.",
    "empty-log": "state rebuild reads what an apply says on stderr (text, or --log-format json) or its JSON report. "
    "This one names no key of the environment.",
}
