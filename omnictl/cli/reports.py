"""``--format`` and ``--report KIND=PATH``: one result in several renderings, written on failure too."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from omnictl import __version__
from omnictl.cli.context import SANDBOX_BANNER
from omnictl.cli.exit_codes import code_of
from omnictl.cli.output import Output
from omnictl.codec.report import make_envelope
from omnictl.errors import OmnictlError, RefusedError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Json
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.github import render_github
from omnictl.render.gitlab import render_gitlab_codequality, render_gitlab_failure
from omnictl.render.html import render_diagnostics_html
from omnictl.render.junit import render_failure_junit
from omnictl.render.markdown import render_diagnostics_markdown
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
def reported_failures(
    reports: Sequence[Report], *, sandbox: bool, output: Output, output_format: str
) -> Iterator[None]:
    """Write reports and stdout on failure too: what went wrong, in place of the result, each in its own format."""
    try:
        yield
    except OmnictlError as error:
        write_failure(reports, error, sandbox=sandbox)
        if output_format not in ("text", "json"):  # text is said on stderr, and the one JSON document, at the boundary
            output.document(failure_renderings(error, sandbox=sandbox)[output_format]())
        raise


def write_failure(reports: Sequence[Report], error: OmnictlError, *, sandbox: bool) -> None:
    """Write what ended a run into every report that was asked for."""
    write_reports(reports, failure_renderings(error, sandbox=sandbox))


def failure_renderings(error: OmnictlError, *, sandbox: bool) -> Mapping[str, Rendering]:
    """Return every rendering of an error that ended a run, made when it is asked for."""
    code, told = code_of(error), error.diagnostics
    summary = f"Failed (exit {int(code)})."

    def make_text() -> str:
        return f"{SANDBOX_BANNER}\n\n" * sandbox + render_diagnostics(told, Style())

    def make_json() -> str:
        fields: dict[str, Json] = {"refusal": {"kind": error.kind.value}} if isinstance(error, RefusedError) else {}
        envelope = make_envelope(
            "error",
            version=__version__,
            environment=None,
            sandbox=sandbox,
            exit_code=code,
            diagnostics=told,
            **fields,
        )
        return to_text(envelope)

    title = f"omnictl{' (SANDBOX)' * sandbox}"
    return {
        "text": make_text,
        "json": make_json,
        "markdown": lambda: render_diagnostics_markdown(told, title=title, summary=summary),
        "html": lambda: render_diagnostics_html(told, title=title, summary=summary),
        "sarif": lambda: sarif_of(told, "error", code),
        "junit": lambda: render_failure_junit(told),
        "github": lambda: render_github(told, title=title, summary=summary),
        "gitlab": lambda: render_gitlab_failure(told),
        "gitlab-codequality": lambda: render_gitlab_codequality(told),
    }


def sarif_of(findings: Sequence[Diagnostic], category: str, exit_code: int) -> str:
    """Return findings as SARIF, with the explanations of their codes."""
    from omnictl.cli.explanations import all_codes
    from omnictl.render.sarif import render_sarif

    return render_sarif(findings, version=__version__, category=category, explanations=all_codes(), exit_code=exit_code)


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
