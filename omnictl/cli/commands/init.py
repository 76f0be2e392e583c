"""``omnictl init``: a first project that works at once."""

from collections.abc import Iterator
from os.path import lexists
from pathlib import Path

import click

from omnictl.cli.context import get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.files import find_obstacle, unwritable, write_text
from omnictl.cli.globals import global_options
from omnictl.cli.workflows import WORKFLOWS
from omnictl.config.discovery import is_scenario_name
from omnictl.errors import OutputError

_SETTINGS = """\
# The settings of omnictl. Everything here has a usual value; all of it: omnictl schema settings
version: 1
default_environment: test
{variables}
environments:
  test: {{}}
  # production:
  #   base_url: https://xxxxx.api.infobip.com
  #   credentials: {{api_key_env: INFOBIP_API_KEY_PRODUCTION}}
  #   production: true
"""

_VARIABLES = """
variables:
  sms_sender: InfoSMS
"""

_SCENARIO = """\
# A first scenario: VK, and SMS where VK does not deliver.
id: vk-sms
name: My VK-SMS scenario
flow:
  - channel: VKONTAKTE
  - channel: SMS
    from: ${var.sms_sender}
default: true
"""


@click.command("init", epilog="Example: omnictl init --ci github")
@click.option("--ci", type=click.Choice(sorted(WORKFLOWS)), help="Also write a workflow: validate, fmt, plan.")
@global_options
@click.pass_context
def command(ctx: click.Context, ci: str | None) -> int:
    """Write omnictl.yaml and a first scenario. Files that are there are left alone, and nothing is asked."""
    output = get_session(ctx).output
    files = {Path(name): text for name, text in _wanted(ci)}
    missing = [path for path in files if not _is_there(path)]
    for path in missing:
        if why := find_obstacle(path):
            raise OutputError(unwritable(path, why))
    for path, text in files.items():
        if path in missing:
            write_text(path, text)
            output.result(f"wrote {path.as_posix()}")
        else:
            there = path if lexists(path) else path.parent
            output.say(f"{there.as_posix()} is there and was left alone.")
    output.result("\nNext:\n    omnictl plan --sandbox")
    return ExitCode.OK


def _is_there(path: Path) -> bool:
    return lexists(path) or (path.parent.name == "scenarios" and _has_scenarios())


def _wanted(ci: str | None) -> Iterator[tuple[str, str]]:
    """Return the files and what stands in them, in the order in which they are written."""
    yield "omnictl.yaml", _SETTINGS.format(variables="" if _has_scenarios() else _VARIABLES)
    yield "scenarios/vk-sms.yaml", _SCENARIO
    if ci is not None:
        yield WORKFLOWS[ci]


def _has_scenarios() -> bool:
    """Tell whether there are scenarios; a first one would only be in their way."""
    return any(is_scenario_name(each.name) for each in Path("scenarios").rglob("*"))
