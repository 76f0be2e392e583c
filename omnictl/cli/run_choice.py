"""Which run a send is: a new one, or one that goes on; an equal one is never begun by accident."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from omnictl.errors import RefusalKind, RefusedError, UsageError
from omnictl.ledger.base import Ledger, Run, RunKind
from omnictl.model.diagnostic import Diagnostic, Severity


class Intention(Struct, frozen=True):
    """What the command line says about runs; ``command`` returns it with options added, for people to copy."""

    resume: str | None
    new_run: bool
    again: bool
    command: Callable[..., str]


def choose_run(ledger: Ledger, wanted: Run, intention: Intention) -> tuple[Run, bool]:
    """Return the run to send, and whether it is new. ``wanted`` is the new one.

    Raises RefusedError (policy) where an equal run is unfinished or was finished, and nobody said what to do.
    """
    if intention.resume is not None:
        return _resume(ledger, wanted, intention.resume), False
    equal = ledger.find_runs(wanted.scenario, wanted.message_digest, wanted.recipients_digest)
    unfinished = [each for each in equal if each.finished_at is None]
    if unfinished and not intention.new_run:
        raise RefusedError(RefusalKind.POLICY, _unfinished(unfinished, ledger, intention))
    finished = [each for each in equal if each.finished_at is not None]
    if finished and wanted.kind is RunKind.FILE and not (intention.again or intention.new_run):
        raise RefusedError(RefusalKind.POLICY, _sent_before(finished[0], intention))
    return wanted, True


def _resume(ledger: Ledger, wanted: Run, name: str) -> Run:
    run = ledger.get_run(name)
    if run is None:
        known = [each.id for each in ledger.list_runs() if each.finished_at is None]
        raise UsageError(_no_such_run(name, known))
    if run in ledger.find_runs(wanted.scenario, wanted.message_digest, wanted.recipients_digest):
        return run
    pairs = (
        ("the scenario", run.scenario, wanted.scenario),
        ("the message", run.message_digest, wanted.message_digest),
        ("the recipients", run.recipients_digest, wanted.recipients_digest),
    )
    raise RefusedError(RefusalKind.POLICY, _other_run(run, [what for what, one, other in pairs if one != other]))


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"


def _unfinished(runs: Sequence[Run], ledger: Ledger, intention: Intention) -> Diagnostic:
    run = runs[0]
    tally = ledger.tally(run.id)
    counts = f"{tally.accepted} accepted, {tally.refused} refused, {tally.unknown} unknown"
    return Diagnostic(
        "unfinished-run",
        Severity.ERROR,
        "An equal run was begun and is not finished",
        f"Run {run.id} of {_said(run.started_at)} has the same scenario, message and recipients: {counts}. "
        "Nothing was sent.",
        hint="go on with it: nobody gets two messages; or begin anew, and those who had one get another",
        commands=(intention.command("--resume", run.id), intention.command("--new-run")),
    )


def _sent_before(run: Run, intention: Intention) -> Diagnostic:
    ended = f", finished {_said(run.finished_at)}" if run.finished_at else ""
    return Diagnostic(
        "sent-before",
        Severity.ERROR,
        "This was sent before",
        f"Run {run.id} of {_said(run.started_at)}{ended}, had the same scenario, message and file. Nothing was sent.",
        hint="to send it to everybody once more",
        commands=(intention.command("--again"),),
    )


def _no_such_run(name: str, known: Sequence[str]) -> Diagnostic:
    listed = f"Unfinished are {', '.join(known[:10])}." if known else "No run is unfinished."
    return Diagnostic("unknown-run", Severity.ERROR, "There is no such run", f"The ledger has no run {name}. {listed}")


def _other_run(run: Run, differing: Sequence[str]) -> Diagnostic:
    # After a purge digests cannot be compared one by one.
    what = " or ".join(differing) or "what it was"
    return Diagnostic(
        "other-run",
        Severity.ERROR,
        "The run to resume was of something else",
        f"Run {run.id} of {_said(run.started_at)} differs in {what}. Nothing was sent.",
        hint="resume it with the command that began it; without --resume this is another run, and those who had a "
        "message get another",
    )


CODES = {
    "unfinished-run": "A run with the same scenario, message and recipients was begun and not finished. --resume goes "
    "on with it, and nobody gets two messages; --new-run begins another one.",
    "sent-before": "A file was sent with the same message through the same scenario before, and the run is finished. "
    "--again sends it to everybody once more.",
    "unknown-run": "--resume names a run that the ledger of this environment does not have.",
    "other-run": "--resume names a run of another scenario, message or recipients. A run goes on only with what it was "
    "begun with.",
}
