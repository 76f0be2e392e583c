"""``omnictl schema``: the JSON Schemas of the files, for editors and other tools."""

import click

from omnictl.cli.context import get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.options import global_options
from omnictl.config.schema import SCHEMA_KINDS, schema_text


@click.command("schema", epilog="Example: omnictl schema scenario > scenario.schema.json")
@click.argument("kind", required=False, type=click.Choice(SCHEMA_KINDS))
@global_options
@click.pass_context
def command(ctx: click.Context, kind: str | None) -> int:
    """Write a JSON Schema (2020-12). Without a kind, list the kinds."""
    output = get_session(ctx).output
    output.result("\n".join(SCHEMA_KINDS) if kind is None else schema_text(kind))
    return ExitCode.OK
