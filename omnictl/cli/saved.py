"""Saved plans: read from a file, and held against the environment they are to be applied to."""

from collections.abc import Mapping
from pathlib import Path

from omnictl.cli.context import Session
from omnictl.codec.plan import decode_plan
from omnictl.codec.shapes import ShapeError, as_object, parse_json
from omnictl.errors import RefusalKind, RefusedError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.plan import Plan
from omnictl.model.scenario import Json

_LARGEST_BYTES = 256 * 1024 * 1024


def read_saved_plan(path: Path) -> Plan:
    """Return the plan of a file. Raises OmnictlError where it is none."""
    return decode_plan(read_document(path), path=str(path))


def read_text(path: Path) -> bytes:
    """Return the bytes of a file that somebody named."""
    try:
        if not path.is_file():
            raise UsageError(unusable(path, "it is not a file" if path.exists() else "it does not exist"))
        if path.stat().st_size > _LARGEST_BYTES:
            raise UsageError(unusable(path, "it is too large"))
        return path.read_bytes()
    except OSError as error:
        raise UsageError(unusable(path, error.strerror or "it cannot be read")) from None


def read_document(path: Path) -> Mapping[str, Json]:
    """Return the JSON object of a file that somebody named."""
    try:
        return as_object(parse_json(read_text(path)), "")
    except ShapeError as error:
        raise UsageError(unusable(path, str(error))) from None


def check_saved_plan(plan: Plan, session: Session) -> None:
    """Refuse a plan that was made for another environment, or for the sandbox."""
    if plan.environment != session.place.environment:
        raise _refused("it was made for another environment", plan.environment, session.place.environment)
    if plan.sandbox != session.sandbox:
        kinds = ("the sandbox", "the account")
        made, now = kinds if plan.sandbox else kinds[::-1]
        raise _refused("a plan of one is never applied to the other", made, now)


def _refused(why: str, made_for: str, applied_to: str) -> RefusedError:
    return RefusedError(
        RefusalKind.STALE,
        Diagnostic(
            "foreign-plan",
            Severity.ERROR,
            "The plan was made for something else",
            f"Made for {made_for}, applied to {applied_to}: {why}.",
            hint="check --env and --sandbox, or make a new plan",
        ),
    )


def unusable(path: Path, why: str) -> Diagnostic:
    """Return what is wrong with a file that somebody named."""
    return Diagnostic(
        "unusable-file",
        Severity.ERROR,
        "A file named on the command line cannot be used",
        f"{why}.",
        Source(str(path)),
        hint="a plan comes from omnictl plan --out FILE",
    )


CODES = {
    "foreign-plan": "A saved plan names its environment, and whether it was made in the sandbox. It applies to that "
    "alone.",
    "unusable-file": "A file named on the command line is missing, is no file, or is not JSON.",
}
