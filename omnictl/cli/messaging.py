"""What the commands about messages share: the ledger of the environment, the messenger, and their options."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import click

from omnictl.cli.context import Session
from omnictl.cli.provider import open_messenger, open_world
from omnictl.cli.times import Moment
from omnictl.errors import RefusalKind, RefusedError, UsageError
from omnictl.ledger.base import Ledger
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import Event
from omnictl.operations.looking import Post
from omnictl.provider.base import StopSignal

F = TypeVar("F", bound=Callable[..., Any])

ledger_option = click.option(
    "--ledger",
    "ledger_path",
    type=click.Path(dir_okay=False),
    help="Where messages and reports are kept (OMNICTL_LEDGER).",
)
unmask_option = click.option(
    "--unmask", is_flag=True, help="Show phone numbers, e-mail addresses and texts in full: they are personal data."
)


def locate_ledger(session: Session, given: str | None) -> Path:
    """Return where the ledger of the environment is; the sandbox always has one of its own."""
    place = session.place
    if place.sandbox and given:
        raise UsageError(_sandbox_has_its_own())
    if place.sandbox:
        return place.work_dir / "ledger.db"
    named = _named(session, given)
    return Path(named).absolute() if named else place.work_dir / "ledger" / f"{place.environment}.db"


def _named(session: Session, given: str | None) -> str | None:
    """Return the ledger that the command line or the environment names."""
    return given or session.environ.get("OMNICTL_LEDGER")


def open_ledger(session: Session, given: str | None, *, must_exist: bool = False) -> SqliteLedger:
    """Return the ledger; the caller closes it. Raises LedgerError."""
    return SqliteLedger(locate_ledger(session, given), environment=session.place.environment, must_exist=must_exist)


def refuse_lost_ledger(session: Session, given: str | None, what: str) -> None:
    """In a pipeline a ledger in the work directory goes with the machine, and with it what was sent and collected."""
    if session.in_ci and not session.sandbox and not _named(session, given):
        raise RefusedError(
            RefusalKind.POLICY,
            Diagnostic(
                "ledger-in-ci",
                Severity.ERROR,
                "A pipeline must not use a ledger that goes with its machine",
                f"{what}, and the ledger would be {locate_ledger(session, None)}.",
                hint="name a file that lasts, and is private: it holds personal data",
                commands=("export OMNICTL_LEDGER=/path/that/lasts/ledger.db",),
            ),
        )


def _sandbox_has_its_own() -> Diagnostic:
    return Diagnostic(
        "sandbox-ledger",
        Severity.ERROR,
        "The sandbox has a ledger of its own",
        "--ledger names the ledger of an account; what is sent in the sandbox reaches nobody, and is kept with it.",
        hint="leave --ledger out",
    )


@contextmanager
def open_post(session: Session, ledger: Ledger, stop: StopSignal, observe: Callable[[Event], None]) -> Iterator[Post]:
    """Yield what messages are sent and reports are collected with; the ledger belongs to this account from now on."""
    with ExitStack() as stack:
        messenger = stack.enter_context(closing(open_messenger(session, stop, observe)))
        ledger.bind_account(messenger.host)
        yield Post(
            ledger,
            messenger,
            stop,
            observe,
            clock=stack.enter_context(_open_clock(session)),
            monotonic=time.monotonic,
            make_id=lambda: str(uuid4()),
            environment=session.place.environment,
            sandbox=session.sandbox,
        )


@contextmanager
def _open_clock(session: Session) -> Iterator[Callable[[], datetime]]:
    """Yield what tells the time to the microsecond: how long a delivery took is counted from it.

    In the sandbox it is the time of its world, which may stand still or be ahead.
    """
    if not session.sandbox:
        yield lambda: datetime.now(UTC)
        return
    from omnictl.sandbox.clock import read_clock

    path = session.place.world_path
    with closing(open_world(path if path.exists() else None)) as world:
        yield lambda: datetime.fromtimestamp(read_clock(world, world.behaviour, time.time()), UTC)


def read_now(session: Session) -> datetime:
    """Return the time of the account, which in the sandbox is that of its world."""
    with _open_clock(session) as clock:
        return clock()


def resolve_time(session: Session, moment: Moment | None) -> datetime | None:
    """Return the time that the command line named, an age counted back from the time of the account."""
    return read_now(session) - moment if isinstance(moment, timedelta) else moment


CODES = {
    "sandbox-ledger": "--ledger was given together with the sandbox, which keeps its messages in its own ledger.",
    "ledger-in-ci": "With CI set, --recipients and reports pull need --ledger or OMNICTL_LEDGER: a file under .omnictl "
    "goes with the machine of the pipeline, and then nobody knows who got a message, and reports that are handed out "
    "once are lost.",
}
