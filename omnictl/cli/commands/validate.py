"""``omnictl validate``: the files alone; no credentials, no network, safe for the pull requests of strangers."""

from collections.abc import Mapping, Sequence

import click

from omnictl import __version__
from omnictl.cli.context import get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.globals import global_options
from omnictl.cli.reports import (
    Rendering,
    Report,
    report_option,
    reported_failures,
    show_rendering,
    to_text,
    write_reports,
)
from omnictl.codec.report import make_envelope
from omnictl.config.scenarios import LoadedConfiguration, validate_all
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Severity, has_errors
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.style import Style
from omnictl.render.words import count

FORMATS = ("text", "json", "markdown", "sarif", "junit", "github", "gitlab-codequality")


@click.command("validate", epilog="Example: omnictl validate --report json=validate.json")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", help="How it is shown.")
@report_option(*FORMATS)
@global_options
@click.pass_context
def command(ctx: click.Context, *, output_format: str, reports: Sequence[Report]) -> int:
    """Check the files for every environment: schema and cross-file checks. Offline, without credentials."""
    session = get_session(ctx)
    with reported_failures(reports, sandbox=False, output=session.output, output_format=output_format):
        loaded = validate_all(session.settings, session.options.variables, session.environ)
    code = ExitCode.FAILED if has_errors(loaded.diagnostics) else ExitCode.OK
    write_reports(reports, lambda: _renderings(loaded, code))
    if output_format != "text":
        show_rendering(session.output, output_format, _renderings(loaded, code))
    else:
        session.output.diagnostics(loaded.diagnostics)
        session.output.result(_summary(loaded))
    return code


def _renderings(loaded: LoadedConfiguration, code: int) -> Mapping[str, Rendering]:
    from omnictl.cli.renderings import sarif_of
    from omnictl.render.github import render_github
    from omnictl.render.gitlab import render_gitlab_codequality
    from omnictl.render.junit import render_files_junit
    from omnictl.render.markdown import render_diagnostics_markdown

    plain, told = Style(colour=False, unicode=True, width=100), loaded.diagnostics
    return {
        "text": lambda: render_diagnostics(loaded.diagnostics, plain) + _summary(loaded),
        "json": lambda: to_text(
            make_envelope(
                "validate",
                version=__version__,
                environment=None,
                sandbox=False,
                exit_code=code,
                diagnostics=loaded.diagnostics,
                scenarios=len(loaded.configuration.resources),
                files=loaded.files,
            )
        ),
        "markdown": lambda: render_diagnostics_markdown(told, title="omnictl validate", summary=_counts(loaded)),
        "sarif": lambda: sarif_of(told, "validate", code),
        "junit": lambda: render_files_junit(_cases(loaded), told),
        "github": lambda: render_github(told, title="omnictl validate", summary=_counts(loaded)),
        "gitlab-codequality": lambda: render_gitlab_codequality(told),
    }


def _cases(loaded: LoadedConfiguration) -> tuple[tuple[str, str], ...]:
    """Return each scenario as its path and its id."""
    resources = loaded.configuration.resources.values()
    return tuple((each.source.path, id_of(each.address)) for each in resources if each.source)


def _counts(loaded: LoadedConfiguration) -> str:
    numbers = {level: sum(1 for each in loaded.diagnostics if each.severity is level) for level in Severity}
    found = f"{count(numbers[Severity.ERROR], 'error')}, {count(numbers[Severity.WARNING], 'warning')}"
    return f"{found} in {count(loaded.files, 'file')}. Nothing was sent."


def _summary(loaded: LoadedConfiguration) -> str:
    first = next((each.code for each in loaded.diagnostics if each.severity is Severity.ERROR), None)
    return f"{_counts(loaded)} More:\n    omnictl explain {first}" if first else _counts(loaded)
