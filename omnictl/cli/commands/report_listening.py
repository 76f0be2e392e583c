"""``reports listen``: pushed reports over HTTP, in the ledger before they are acknowledged."""

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import click

from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.listening import SECRET_VARIABLE, cannot_listen, read_path, read_secret, refuse_open_door
from omnictl.cli.messaging import ledger_option, locate_ledger, refuse_lost_ledger, unmask_option
from omnictl.cli.options import global_options
from omnictl.cli.signals import stopping
from omnictl.cli.system import utc_now
from omnictl.ledger.base import Ledger
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.operations.receiving import Receiver
from omnictl.provider.base import StopSignal
from omnictl.provider.message_wire import read_push

if TYPE_CHECKING:
    from omnictl.cli.push_output import PushOutput
    from omnictl.listener.server import Server

BUSY_SECONDS = 5.0
"""How long a push waits for another process that writes the ledger: the service would not wait, and comes again."""

_TURN_SECONDS = 0.2
_STOPPING = "Stopping: what has come in is kept and answered. Once more ends at once."
_IN_DANGER = "What was answered with 200 is in the ledger; the rest comes again."


@click.command("listen", epilog="Example: omnictl reports listen --port 8080 --sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free one.")
@click.option("--path", default="/reports", show_default=True, callback=read_path, help="Where pushes come to.")
@click.option(
    "--secret-env",
    metavar="NAME",
    help=f"The variable with the secret that pushes are signed with; else {SECRET_VARIABLE}, where it is set.",
)
@click.option("--unsigned", is_flag=True, help="Believe every push, also where other machines reach the address.")
@click.option("--limit", type=click.IntRange(min=1), help="End after so many pushes.")
@ledger_option
@unmask_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "ndjson"]),
    default="text",
    help="How the messages are shown that pushes are about, one a line.",
)
@global_options
@click.pass_context
def listen(
    ctx: click.Context,
    *,
    host: str,
    port: int,
    path: str,
    secret_env: str | None,
    unsigned: bool,
    limit: int | None,
    ledger_path: str | None,
    unmask: bool,
    output_format: str,
) -> int:
    """Receive pushed delivery and seen reports over HTTP until a signal comes.

    A push is answered with 200 when the ledger has it. The address for notifyUrl is the first line of stdout.
    """
    from omnictl.cli.push_output import PushOutput  # late: no other command listens

    session = get_session(ctx)
    refuse_lost_ledger(session, ledger_path, "reports listen keeps what is pushed once")
    secret = read_secret(session.environ, secret_env, unsigned=unsigned)
    refuse_open_door(host, secret, unsigned=unsigned)
    stop, pushes = StopSignal(), 0
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(_open_ledger(session, ledger_path)))
        say = session.output.hint
        received = stack.enter_context(stopping(stop, say, lambda: _IN_DANGER, announcement=_STOPPING))
        output = PushOutput(session, ledger, output_format=output_format, unmask=unmask)
        server = _open_server(ledger, output, host, port, path, secret)
        with server.serving():
            output.greet(server.url + path, signed=secret is not None)
            while not stop.is_set and (limit is None or pushes < limit):
                pushes += output.tell_next(_TURN_SECONDS)
                server.check()
        pushes += output.tell_rest()
    is_cut = limit is not None and pushes < limit
    return ExitCode(128 + received[0]) if received and is_cut else ExitCode.OK


def _open_ledger(session: Session, given: str | None) -> SqliteLedger:
    path = locate_ledger(session, given)
    return SqliteLedger(path, environment=session.place.environment, busy_seconds=BUSY_SECONDS)


def _open_server(ledger: Ledger, output: "PushOutput", host: str, port: int, path: str, secret: str | None) -> "Server":
    from omnictl.listener.app import Listener
    from omnictl.listener.server import Server

    receiver = Receiver(ledger, read_push, clock=utc_now, on_arrival=output.take)
    app = Listener(
        receiver.receive, path=path, secret=secret, on_refused=output.take_refusal, on_failed=output.take_failure
    )
    try:
        return Server(app, host, port, on_refused=output.take_refusal)
    except OSError as error:
        raise cannot_listen("omnictl", "reports listen", host, port, error) from None
