"""``omnictl reports``: collect delivery reports into the ledger, and show what became of each message."""

import click

from omnictl.cli.commands.report_collecting import log, pull, purge
from omnictl.cli.commands.report_listening import listen
from omnictl.cli.commands.report_showing import list_stories, stats
from omnictl.cli.options import global_options


@click.group("reports", epilog="Example: omnictl reports pull --sandbox")
@global_options
def command() -> None:
    """Collect delivery reports into the ledger, and show what became of each message.

    The API hands a report out once. What was taken is in the ledger before it is shown.
    """


for _each in (pull, listen, list_stories, stats, log, purge):
    command.add_command(_each)
