"""``omnictl render``: what will be sent, with every variable resolved; offline."""

from collections.abc import Sequence
from difflib import get_close_matches

import click

from omnictl import __version__
from omnictl.cli.completing import complete_ids
from omnictl.cli.context import SANDBOX_BANNER, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.options import global_options
from omnictl.codec.envelope import make_envelope
from omnictl.codec.parts import encode_attributes
from omnictl.engine.selection import matches, unmatched
from omnictl.errors import UsageError
from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Json, Resource


@click.command("render", epilog="Example: omnictl render vk-sms --env production")
@click.argument("globs", metavar="[ID…]", nargs=-1, shell_complete=complete_ids)
@click.option("--format", "output_format", type=click.Choice(["yaml", "json"]), default="yaml", help="How it is shown.")
@global_options
@click.pass_context
def command(ctx: click.Context, globs: tuple[str, ...], output_format: str) -> int:
    """Show the scenarios as they will be sent: variables resolved, in canonical spelling. Offline."""
    session = get_session(ctx)
    resources = session.configuration.resources
    missing = unmatched(globs, resources, resources)
    if missing:
        raise UsageError(_no_scenario(missing, [id_of(each) for each in resources]))
    chosen = [
        each for each in resources.values() if not globs or any(matches(g, each.address, resources) for g in globs)
    ]
    items: list[Json] = [_to_document(each) for each in chosen]
    if output_format == "json":
        session.output.document(
            make_envelope(
                "render",
                version=__version__,
                environment=session.place.environment,
                sandbox=session.sandbox,
                exit_code=0,
                diagnostics=(),
                items=items,
            )
        )
    else:
        import yaml

        banner = f"# {SANDBOX_BANNER}\n" if session.sandbox else ""
        text = yaml.safe_dump_all(items, sort_keys=False, allow_unicode=True, explicit_start=True, width=1000)
        session.output.result(banner + text)
    return ExitCode.OK


def _no_scenario(missing: Sequence[str], known: Sequence[str]) -> Diagnostic:
    close = [each for word in missing for each in get_close_matches(word, known, n=1)]
    return Diagnostic(
        "empty-selection",
        Severity.ERROR,
        "A selection names no scenario",
        f"Nothing matches {', '.join(missing)}: no id of the files, and no label.",
        hint=f"did you mean {', '.join(close)}?" if close else "an id glob (otp-*) or label:KEY=VALUE",
    )


def _to_document(resource: Resource) -> dict[str, Json]:
    document: dict[str, Json] = {"id": id_of(resource.address), **encode_attributes(resource.attributes)}
    if resource.default is not None:
        document["default"] = resource.default
    return document
