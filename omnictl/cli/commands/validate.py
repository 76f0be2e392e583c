"""``omnictl validate``: the files alone; no credentials, no network, safe for the pull requests of strangers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from omnictl import __version__
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.files import refuse_missing
from omnictl.cli.options import global_options
from omnictl.cli.reports import (
    Rendering,
    Report,
    report_option,
    reported_failures,
    show_rendering,
    to_text,
    write_reports,
)
from omnictl.cli.system import utc_now
from omnictl.codec.envelope import make_envelope
from omnictl.config.documents import in_order
from omnictl.config.ignoring import read_ignore_file
from omnictl.config.scenarios import Validation, validate_all
from omnictl.engine.contents import check_contents
from omnictl.engine.deliverable import check_fit
from omnictl.errors import UsageError
from omnictl.lint.check import lint
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic, Severity, Source, has_errors
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.words import count
from omnictl.state.location import is_url, parse_location

FORMATS = ("text", "json", "markdown", "sarif", "junit", "github", "gitlab-codequality")


@click.command("validate", epilog="Example: omnictl validate --report json=validate.json")
@click.argument("paths", nargs=-1, metavar="[PATH…]", type=click.Path(path_type=Path))
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", help="How it is shown.")
@report_option(*FORMATS)
@global_options
@click.pass_context
def command(ctx: click.Context, *, paths: Sequence[Path], output_format: str, reports: Sequence[Report]) -> int:
    """Check the files for every environment: schema, cross-file checks, lint. Offline, without credentials.

    With paths, only what is wrong with these files and folders is told; they are still compared with all others.
    """
    session = get_session(ctx)
    refuse_missing(ctx, paths)
    with reported_failures(reports, sandbox=False, output=session.output, output_format=output_format):
        validation = validate_all(session.settings, session.options.variables, session.environ, paths)
    beside = () if paths else (*_check_states(session), *read_ignore_file(session.settings.root)[1])
    diagnostics = (*validation.diagnostics, *beside, *_check_messages(validation), *_lint(validation, session))
    code = ExitCode.FAILED if has_errors(diagnostics) else ExitCode.OK
    write_reports(reports, lambda: _renderings(validation, diagnostics, code))
    if output_format != "text":
        show_rendering(session.output, output_format, _renderings(validation, diagnostics, code))
    else:
        session.output.diagnostics(diagnostics)
        session.output.result(_summary(validation, diagnostics))
    return code


def _check_states(session: Session) -> Iterator[Diagnostic]:
    """Yield what is wrong with the places of states: above all a credential, which is not shown."""
    for environment in session.settings.environments.values():
        if environment.state is None or not is_url(environment.state):
            continue
        try:
            parse_location(environment.state, environment.name)
        except UsageError as error:
            place = session.settings.places.get(f"environments.{environment.name}.state")
            source = Source(place.path, place.line, place.column) if place is not None else None
            yield from (replace(each, source=source) for each in error.diagnostics)


def _lint(validation: Validation, session: Session) -> tuple[Diagnostic, ...]:
    """Return what the rules find in each environment; what several share is told once."""
    found: dict[Diagnostic, None] = {}
    for configuration in validation.configurations.values():
        found.update(dict.fromkeys(lint(configuration, session.settings.lint, today=utc_now().date())))
    return tuple(each for each in found if validation.concerns(each))


def _check_messages(validation: Validation) -> tuple[Diagnostic, ...]:
    """Return what message files get wrong by themselves, and where one does not fit the flow of its scenario."""
    found = dict.fromkeys(each for message in validation.chosen_messages for each in check_contents(message))
    for name, configuration in validation.configurations.items():
        for address, message in validation.messages[name].items():
            found.update(dict.fromkeys(check_contents(message)))
            flow = configuration.resources[address].attributes.flow
            found.update(dict.fromkeys(check_fit(message, flow, scenario=id_of(address))))
    return in_order(each for each in found if validation.concerns(each))


def _renderings(validation: Validation, diagnostics: Sequence[Diagnostic], code: ExitCode) -> Mapping[str, Rendering]:
    from omnictl.cli.hiding import hide_in  # late: what is said as text is hidden where it is said
    from omnictl.cli.renderings import PLAIN, sarif_of
    from omnictl.render.github import render_github
    from omnictl.render.gitlab import render_gitlab_codequality
    from omnictl.render.junit import render_files_junit
    from omnictl.render.markdown import render_diagnostics_markdown

    diagnostics = hide_in(diagnostics)
    counts = _counts(validation, diagnostics)
    return {
        "text": lambda: render_diagnostics(diagnostics, PLAIN) + _summary(validation, diagnostics),
        "json": lambda: to_text(
            make_envelope(
                "validate",
                version=__version__,
                environment=None,
                sandbox=False,
                exit_code=code,
                diagnostics=diagnostics,
                scenarios=validation.scenarios,
                files=validation.files,
            )
        ),
        "markdown": lambda: render_diagnostics_markdown(diagnostics, title="omnictl validate", summary=counts),
        "sarif": lambda: sarif_of(diagnostics, "validate", code),
        "junit": lambda: render_files_junit(_cases(validation), diagnostics),
        "github": lambda: render_github(diagnostics, title="omnictl validate", summary=counts),
        "gitlab-codequality": lambda: render_gitlab_codequality(diagnostics),
    }


def _cases(validation: Validation) -> tuple[tuple[str, str], ...]:
    """Return each scenario as its path and its id."""
    found: dict[tuple[str, str], None] = {}
    for configuration in validation.configurations.values():
        for each in configuration.resources.values():
            if each.source:
                found[each.source.path, id_of(each.address)] = None
    return tuple(found)


def _counts(validation: Validation, diagnostics: Sequence[Diagnostic]) -> str:
    """Return errors, warnings (and notes, where there are some) in so many scenarios."""
    numbers = {level: sum(1 for each in diagnostics if each.severity is level) for level in Severity}
    found = f"{count(numbers[Severity.ERROR], 'error')}, {count(numbers[Severity.WARNING], 'warning')}"
    if numbers[Severity.NOTE]:
        found += f", {count(numbers[Severity.NOTE], 'note')}"
    return f"{found} in {count(validation.scenarios, 'scenario')}. Nothing was sent."


def _summary(validation: Validation, diagnostics: Sequence[Diagnostic]) -> str:
    """Return the last lines: the counts, and how to learn more of the worst that was found."""
    order = list(Severity)
    worst = min(diagnostics, key=lambda each: order.index(each.severity), default=None)
    counts = _counts(validation, diagnostics)
    return f"{counts} More:\n    omnictl explain {worst.code}" if worst else counts
