"""``--format`` and ``--report KIND=PATH``: one result in several renderings, written on failure too."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from omnictl import __version__
from omnictl.cli.exit_codes import code_of
from omnictl.codec.report import make_envelope
from omnictl.errors import OmnictlError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Json
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.style import Style

F = TypeVar("F", bound=Callable[..., Any])

Rendering = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Report:
    """One ``--report``: the kind of rendering and where it goes."""

    kind: str
    path: Path


def report_option(*kinds: str) -> Callable[[F], F]:
    """Give a command --report, with the kinds that make sense for it."""

    def read(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[Report, ...]:
        return tuple(_read_report(each, kinds) for each in value)

    return click.option(
        "--report",
        "reports",
        multiple=True,
        metavar="KIND=PATH",
        callback=read,
        help=f"Also write a rendering to a file: {', '.join(kinds)}.",
    )


def _read_report(text: str, kinds: Sequence[str]) -> Report:
    kind, equals, path = text.partition("=")
    if not equals or not path or kind not in kinds:
        raise click.UsageError(f"--report takes KIND=PATH, not {text!r}. The kinds here: {', '.join(kinds)}")
    return Report(kind, Path(path))


def write_reports(reports: Sequence[Report], renderings: Mapping[str, Rendering]) -> None:
    """Write every report that was asked for."""
    for each in reports:
        write_text(each.path, renderings[each.kind]())


@contextmanager
def reported_failures(reports: Sequence[Report], *, sandbox: bool) -> Iterator[None]:
    """Write the reports on failure too: what went wrong, in place of the result."""
    try:
        yield
    except OmnictlError as error:
        code = code_of(error)
        envelope = make_envelope(
            "error",
            version=__version__,
            environment=None,
            sandbox=sandbox,
            exit_code=code,
            diagnostics=error.diagnostics,
        )
        told = render_diagnostics(error.diagnostics, Style())
        for each in reports:
            write_text(each.path, to_text(envelope) if each.kind == "json" else _as_block(each.kind, told))
        raise


def _as_block(kind: str, text: str) -> str:
    """Return the text of a failure as it stands in a report of this kind."""
    return f"```text\n{text}```\n" if kind == "markdown" else text


def to_text(document: Mapping[str, Json]) -> str:
    """Return a JSON document as text."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a file; a path that cannot be written is told before anything else happens with it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(
            Diagnostic(
                "cannot-write-file",
                Severity.ERROR,
                "A file cannot be written",
                f"{path}: {error.strerror or error}.",
                hint="check the path and its permissions",
            )
        ) from None


CODES = {"cannot-write-file": "A file named on the command line (--out, --report) cannot be written."}
