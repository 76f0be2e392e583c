"""``--format`` and ``--report KIND=PATH``: one result in several renderings, written on failure too."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import Struct

from omnictl.cli.files import refuse_unwritable, write_text
from omnictl.cli.output import Output
from omnictl.codec.shapes import write_json
from omnictl.errors import OmnictlError, OutputError
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.scenario import Json

F = TypeVar("F", bound=Callable[..., Any])

Rendering = Callable[[], str]
_FOR_PEOPLE = ("text", "markdown", "html", "junit")


class Report(Struct, frozen=True):
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


def _refuse_same_place(reports: Sequence[Report]) -> None:
    """Refuse two reports to one file, as the paths lead from the directory that -C named."""
    paths = [os.path.realpath(each.path) for each in reports if each.path.is_file() or not each.path.exists()]
    for each in reports:
        if paths.count(os.path.realpath(each.path)) > 1:
            raise click.UsageError(
                f"Two reports go to {each.path}; the second would replace the first.", click.get_current_context()
            )


def write_reports(reports: Sequence[Report], make_renderings: Callable[[], Mapping[str, Rendering]]) -> None:
    """Write every report that was asked for; renderings are made, and their modules loaded, only if there is one."""
    renderings = make_renderings() if reports else {}
    for each in reports:
        write_text(each.path, renderings[each.kind]())


def show_rendering(output: Output, kind: str, renderings: Mapping[str, Rendering]) -> None:
    """Write one rendering to stdout: for people, where no line may steer a runner, or for programs, as it is."""
    text = renderings[kind]()
    if kind in _FOR_PEOPLE:
        output.result(text)
    else:
        output.document(text)


def try_reports(
    reports: Sequence[Report], make_renderings: Callable[[], Mapping[str, Rendering]]
) -> tuple[Diagnostic, ...]:
    """Write the reports after something was done; what cannot be written is returned, for nothing may be lost by it."""
    problems: list[Diagnostic] = []
    renderings = make_renderings() if reports else {}
    for each in reports:
        try:
            write_text(each.path, renderings[each.kind]())
        except OutputError as error:
            problems += error.diagnostics
    return tuple(problems)


@contextmanager
def reported_failures(
    reports: Sequence[Report],
    *,
    sandbox: bool,
    output: Output,
    output_format: str,
    outs: Sequence[str] = (),
    name_environment: Callable[[], str] = str,
) -> Iterator[None]:
    """Write reports and stdout on failure too: what went wrong, in place of the result, each in its own format.

    ``name_environment`` is for metrics, and asked on failure alone. Raises UsageError at once where a report, or one of
    the other files that are to be written, cannot be, or where two reports go to one file.
    """
    _refuse_same_place(reports)
    refuse_unwritable((*(each.path for each in reports), *(Path(each) for each in outs)))
    try:
        yield
    except OmnictlError as error:
        renderings = partial(_failure_renderings, error, sandbox=sandbox, environment=name_environment())
        output.diagnostics(try_reports(reports, renderings))
        if output_format not in ("text", "json"):  # text is said on stderr, and the one JSON document, at the boundary
            show_rendering(output, output_format, renderings())
        raise


def write_failure(reports: Sequence[Report], error: OmnictlError, *, sandbox: bool, output: Output) -> None:
    """Write what ended a run into every report that was asked for; a report that fails does not hide the failure."""
    output.diagnostics(try_reports(reports, lambda: _failure_renderings(error, sandbox=sandbox)))


def _failure_renderings(error: OmnictlError, *, sandbox: bool, environment: str = "") -> Mapping[str, Rendering]:
    from omnictl.cli.renderings import failure_renderings  # late: most runs do not fail

    return failure_renderings(error, sandbox=sandbox, environment=environment)


def to_text(document: Mapping[str, Json]) -> str:
    """Return a JSON document as text."""
    return write_json(document) + "\n"
