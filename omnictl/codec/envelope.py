"""The envelope: what every JSON document of omnictl says at its top. Light, for commands that say nothing else."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from omnictl.codec.diagnostics import decode_diagnostic, encode_diagnostic
from omnictl.codec.shapes import ShapeError, as_count, as_flag, as_list, as_optional_text, as_text
from omnictl.errors import UsageError
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.scenario import Json

FORMAT_VERSION = "1.0"
_MOST_DIGITS = 9


def make_envelope(
    kind: str,
    *,
    version: str,
    environment: str | None,
    sandbox: bool,
    exit_code: int,
    diagnostics: Iterable[Diagnostic],
    **fields: Json,
) -> dict[str, Json]:
    """Return the one JSON document of a run."""
    return {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "omnictl": version,
        "environment": environment,
        "sandbox": sandbox,
        "exit_code": int(exit_code),
        "diagnostics": [encode_diagnostic(each) for each in diagnostics],
        **fields,
    }


class Answer(Struct, frozen=True):
    """What every JSON document of omnictl says at its top."""

    kind: str
    omnictl: str
    environment: str | None
    sandbox: bool
    exit_code: int
    diagnostics: tuple[Diagnostic, ...]


def decode_envelope(document: Mapping[str, Json], *, path: str) -> Answer:
    """Return the top of a document. Raises UsageError where it is none, or of a newer omnictl."""
    try:
        return read_envelope(document, path)
    except ShapeError as error:
        raise UsageError(unreadable_report(path, str(error))) from None


def refuse_newer(document: Mapping[str, Json], path: str) -> None:
    """Refuse a document of a later major format. Raises UsageError, and ShapeError where there is no format."""
    version = as_text(document.get("format_version"), "format_version")
    major = version.partition(".")[0]
    if not major.isascii() or not major.isdigit() or len(major) > _MOST_DIGITS:
        raise ShapeError("format_version", "expected a version such as 1.0")
    if int(major) > int(FORMAT_VERSION.partition(".")[0]):
        raise UsageError(_newer(path, version))


def read_envelope(document: Mapping[str, Json], path: str) -> Answer:
    """Return the top of a document. Raises ShapeError where it is none, UsageError where it is of a newer omnictl."""
    refuse_newer(document, path)
    rows = as_list(document.get("diagnostics"), "diagnostics")
    return Answer(
        kind=as_text(document.get("kind"), "kind"),
        omnictl=as_text(document.get("omnictl"), "omnictl"),
        environment=as_optional_text(document.get("environment"), "environment"),
        sandbox=as_flag(document.get("sandbox"), "sandbox"),
        exit_code=as_count(document.get("exit_code"), "exit_code"),
        diagnostics=tuple(decode_diagnostic(each, f"diagnostics[{i}]") for i, each in enumerate(rows)),
    )


def _newer(path: str, version: str) -> Diagnostic:
    return Diagnostic(
        "newer-document",
        Severity.ERROR,
        "The file was written by a newer omnictl",
        f"Its format is {version[:20]}; this omnictl reads up to {FORMAT_VERSION}.",
        Source(path),
        hint="use the omnictl that wrote it, or a later one; or make the file anew with this one",
    )


def unreadable_report(path: str, why: str) -> Diagnostic:
    """Return what is wrong with a file that is no document of omnictl."""
    return Diagnostic(
        "unreadable-report",
        Severity.ERROR,
        "The report cannot be read",
        f"{why}.",
        Source(path),
        hint="a report comes from apply --report json=FILE or from --format json",
    )


CODES = {
    "newer-document": "A plan or a report says in format_version which format it has. This one is of a later omnictl, "
    "and may mean something that this one does not know.",
    "unreadable-report": "The file is no report that this omnictl reads: it was cut, edited, or is something else.",
}
