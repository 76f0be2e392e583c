"""Diagnostics: what is wrong, where, why, and what to do; the one shape of every message about a mistake."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How bad a diagnostic is; errors stop the command, warnings and notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a file: lines and columns count from 1, ``end_column`` is exclusive, on the same line.

    ``excerpt`` holds ``(line number, text)`` pairs around the place, for the renderer to show.
    """

    path: str
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    excerpt: tuple[tuple[int, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. ``summary`` never holds user data; ``detail`` does, and says why.

    ``label`` stands under the marked text of the excerpt ("did you mean SMS?"); ``hint`` says what to do,
    ``commands`` are lines to copy; one that begins with ``# `` says what those after it are for.
    """

    code: str
    severity: Severity
    summary: str
    detail: str = ""
    source: Source | None = None
    label: str = ""
    hint: str = ""
    commands: tuple[str, ...] = ()


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any of the diagnostics is an error."""
    return any(item.severity is Severity.ERROR for item in diagnostics)
