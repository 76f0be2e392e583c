"""``omnictl init``: a first project that works at once."""

from pathlib import Path

import click

from omnictl.cli.context import get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.globals import global_options
from omnictl.cli.reports import write_text

_SETTINGS = """\
# The settings of omnictl. Everything here has a usual value; see docs/settings.md.
version: 1
default_environment: test

variables:
  sms_sender: InfoSMS

environments:
  test: {}
  # production:
  #   base_url: https://xxxxx.api.infobip.com
  #   credentials: {api_key_env: INFOBIP_API_KEY_PRODUCTION}
  #   production: true
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

_GITHUB = """\
name: omnictl
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  validate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.11"}
      - run: pip install omnictl
      - run: omnictl validate
      - run: omnictl fmt --check --diff
"""

_GITLAB = """\
validate:
  image: python:3.11
  script:
    - pip install omnictl
    - omnictl validate
    - omnictl fmt --check --diff
"""

_WORKFLOWS = {"github": (".github/workflows/omnictl.yml", _GITHUB), "gitlab": (".gitlab-ci.yml", _GITLAB)}


@click.command("init", epilog="Example: omnictl init --ci github")
@click.option("--ci", type=click.Choice(sorted(_WORKFLOWS)), help="Also write a workflow that validates.")
@global_options
@click.pass_context
def command(ctx: click.Context, ci: str | None) -> int:
    """Write omnictl.yaml and a first scenario. Files that are there are left alone."""
    output = get_session(ctx).output
    wanted = [("omnictl.yaml", _SETTINGS), ("scenarios/vk-sms.yaml", _SCENARIO)]
    if ci is not None:
        wanted.append(_WORKFLOWS[ci])
    for name, text in wanted:
        path = Path(name)
        if path.exists():
            output.say(f"{name} is there and was left alone.")
            continue
        write_text(path, text)
        output.result(f"wrote {name}")
    output.result("\nNext:\n    omnictl plan --sandbox")
    return ExitCode.OK
