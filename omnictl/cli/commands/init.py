"""``omnictl init``: a first project that works at once."""

from collections.abc import Iterator
from os.path import lexists
from pathlib import Path

import click

from omnictl.cli.approval import is_wanted
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.files import find_obstacle, unwritable, write_text
from omnictl.cli.options import global_options
from omnictl.cli.workflows import SERVICES, make_workflow
from omnictl.config.endings import is_scenario_name
from omnictl.errors import OmnictlError, OutputError
from omnictl.state.location import in_settings, is_url, parse_location

_SETTINGS = """\
# The settings of omnictl. Everything here has a usual value; all of it: omnictl schema settings
version: 1
default_environment: test
{variables}
environments:
  test:{test}
  # production:
  #   base_url: https://xxxxx.api.infobip.com
  #   credentials: {{api_key_env: INFOBIP_API_KEY_PRODUCTION}}
  #   production: true
{production}"""

_ENVIRONMENT = "test"

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
"""


@click.command("init", epilog="Example: omnictl init --ci github")
@click.option("--ci", type=click.Choice(SERVICES), help="Also write a workflow: validate, fmt, plan.")
@global_options
@click.pass_context
def command(ctx: click.Context, ci: str | None) -> int:
    """Write omnictl.yaml and a first scenario. Files that are there are left alone.

    Where an account is configured, it offers to import the scenarios that the account has in place of a first one.
    Without a terminal nothing is asked. With --state URL the settings name that store, and the workflow fits it.
    """
    session = get_session(ctx)
    store = _find_store(session)
    output = session.output
    host = _find_account(session)
    question = f"{host} is configured. Import the scenarios that it has, in place of a first example?"
    imports = host is not None and output.is_interactive and is_wanted(question, output)
    is_new = not _has_scenarios()
    _write_files({Path(name): text for name, text in _wanted(ci, store, imports=imports, host=host)}, session)
    if imports:
        return _import(session)
    output.result(f"\nNext:\n    {session.command('plan', '--sandbox')}")
    if host is not None:
        words = ("import", "--all", *(("--files-are-new",) if is_new else ()))  # the example is none of the account's
        output.result(f"or, to adopt the scenarios that {host} has:\n    {session.command(*words)}")
    return ExitCode.OK


def _write_files(files: dict[Path, str], session: Session) -> None:
    output = session.output
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


def _find_store(session: Session) -> str | None:
    """Return the URL of a store that the command line names. Raises UsageError where it cannot be used."""
    place = session.options.state
    if not place or not is_url(place):
        return None
    parse_location(place, _ENVIRONMENT)
    return place


def _settings(store: str | None, variables: str) -> str:
    """Return the settings; one place for all environments where it ends with a slash, else of the first alone."""
    if store is None:
        return _SETTINGS.format(variables=variables, test=" {}", production="")
    quoted = in_settings(store)
    production = f"  #   state: {quoted}\n" if store.partition("?")[0].endswith("/") else ""
    return _SETTINGS.format(variables=variables, test=f"\n    state: {quoted}", production=production)


def _find_account(session: Session) -> str | None:
    """Return the host of the account that is configured here; None where there is none, or none that can be used."""
    from omnictl.cli.provider import find_api, trusted_hosts
    from omnictl.transport.trust import check_base_url

    try:
        if session.sandbox:
            return None
        return check_base_url(find_api(session)[0], trusted_hosts(session)).host
    except OmnictlError:
        return None


def _import(session: Session) -> int:
    """Import everything, by the settings that were just written."""
    from omnictl.cli.commands.import_ import code_of_import, show_import
    from omnictl.cli.importing import Wish, import_scenarios

    fresh = session.afresh()
    report = import_scenarios(fresh, Wish())
    code = code_of_import(report)
    show_import(fresh, report, "text", code)
    return code


def _is_there(path: Path) -> bool:
    return lexists(path) or (path.parent.name == "scenarios" and _has_scenarios())


def _wanted(ci: str | None, store: str | None, *, imports: bool, host: str | None) -> Iterator[tuple[str, str]]:
    """Return the files and what stands in them, in the order in which they are written.

    An account that is in use has a default already, which an example must not take away.
    """
    variables = "" if imports or _has_scenarios() else _VARIABLES
    yield "omnictl.yaml", _settings(store, variables)
    if not imports:
        yield "scenarios/vk-sms.yaml", _SCENARIO if host is not None else f"{_SCENARIO}default: true\n"
    if ci is not None:
        yield make_workflow(ci, parse_location(store, _ENVIRONMENT) if store else None)


def _has_scenarios() -> bool:
    """Tell whether there are scenarios; a first one would only be in their way."""
    return any(is_scenario_name(each.name) for each in Path("scenarios").rglob("*"))
