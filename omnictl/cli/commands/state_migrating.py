"""``state migrate``: take the state to another backend."""

import os
from contextlib import AbstractContextManager
from pathlib import Path

import click

from omnictl.cli.context import Session, get_session
from omnictl.cli.durations import lock_timeout_option
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.mending import dry_run_option, format_option, show_document, tell_waiting
from omnictl.cli.options import global_options
from omnictl.errors import UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.operations.migrating import Migrated, migrate_state
from omnictl.render.words import count
from omnictl.state.base import Hold, StateBackend
from omnictl.state.location import in_settings, is_url


@click.command("migrate", epilog="Example: omnictl state migrate --to s3://bucket/omnictl/production --dry-run")
@click.option("--to", "place", metavar="PATH-OR-URL", required=True, help="Where the state goes.")
@dry_run_option
@lock_timeout_option
@format_option
@global_options
@click.pass_context
def migrate(ctx: click.Context, *, place: str, dry_run: bool, lock_timeout: float | None, output_format: str) -> int:
    """Take the state to another place: copied, read again, and marked where it was, so that nobody goes on there.

    Nothing is sent to the account. Kept versions stay where they are.
    """
    session = get_session(ctx)
    if session.sandbox:
        raise UsageError(_sandbox())
    source = session.backend
    target = session.backend_at(place if is_url(place) else Path(place).absolute())
    holder = session.holder("state migrate")

    def lock(backend: StateBackend) -> AbstractContextManager[Hold]:
        return backend.lock(holder, timeout_seconds=lock_timeout or 0.0, on_wait=tell_waiting(session))

    moved_to = target.location if is_url(place) else _in_project(Path(place).absolute(), session.settings.root)
    migrated = migrate_state(source, target, holder, lock, moved_to=moved_to, is_real=not dry_run)
    _tell(session, source, target, migrated, moved_to, output_format, dry_run=dry_run)
    return ExitCode.OK


def _in_project(path: Path, root: Path) -> str:
    """Return a path as the settings name it: from their folder, where it lies there."""
    whole, root = Path(os.path.normpath(path)), root.absolute()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else str(whole)


def _tell(
    session: Session,
    source: StateBackend,
    target: StateBackend,
    migrated: Migrated,
    moved_to: str,
    output_format: str,
    *,
    dry_run: bool,
) -> None:
    state = migrated.state
    if output_format == "json":
        show_document(
            session,
            "state-migrate",
            changed=not dry_run,
            dry_run=dry_run,
            lineage=state.lineage,
            serial=state.serial,
            scenarios=len(state.records),
            source=source.location,
            target=target.location,
        )
        return
    name = session.place.environment
    verb, what = ("would be", "Nothing is written: this is a dry run.") if dry_run else ("is", "")
    copied = "was copied there before, and " if migrated.was_copied else ""
    told = [
        f"The state of {name}, with {count(len(state.records), 'scenario')}, {copied}{verb} in {target.location}, as "
        f"serial {state.serial}. {what}".rstrip()
    ]
    if not dry_run:
        told.append(f"{source.location} is marked: who still uses it is sent to the new place.")
        told.append(
            f"\nNext: name it in omnictl.yaml\n    environments: {{{name}: {{state: {in_settings(moved_to)}}}}}"
        )
    session.show("\n".join(told))


def _sandbox() -> Diagnostic:
    detail = "A sandbox keeps world and state together in .omnictl/, and drops them together."
    return Diagnostic("sandbox-migrate", Severity.ERROR, "The state of a sandbox stays where it is", detail)


CODES = {
    "sandbox-migrate": "state migrate takes the state of an account elsewhere; that of a sandbox belongs to its world.",
}
