"""``omnictl sandbox``: the embedded stand-in for the API, in this process or as a server."""

import shutil
import threading

import click

from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.globals import global_options
from omnictl.cli.signals import stopping
from omnictl.provider.base import StopSignal


@click.group("sandbox", epilog="Example: omnictl sandbox serve --port 8080")
@global_options
def command() -> None:
    """The embedded stand-in for the API, for demos and tests. Nothing leaves this machine."""


@command.command("serve", epilog="Example: omnictl sandbox serve --port 0 --throttle published")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free one.")
@click.option("--throttle", type=click.Choice(["published", "off"]), default="off", show_default=True)
@click.option("--created-status", type=click.Choice(["200", "201"]), default="200", show_default=True)
@click.option("--api-key", "api_keys", multiple=True, help="Accept only these keys; any, if none is given.")
@global_options
@click.pass_context
def serve(
    ctx: click.Context, *, host: str, port: int, throttle: str, created_status: str, api_keys: tuple[str, ...]
) -> int:
    """Serve the sandbox over HTTP until a signal comes. The address is the first line of stdout."""
    from omnictl.sandbox.app import Options, make_app
    from omnictl.sandbox.server import serve as serve_app

    session = get_session(ctx)
    options = Options(api_keys, throttle == "published", int(created_status))
    stop, ended = StopSignal(), threading.Event()
    app = make_app(None, options=options)
    with stopping(stop, session.output.hint, lambda: "The world of a served sandbox is in memory."):
        watcher = threading.Thread(target=_end_with, args=(stop, ended), daemon=True)
        watcher.start()
        serve_app(app, host, port, on_ready=session.output.result, stop=ended)
    return ExitCode.OK


def _end_with(stop: StopSignal, ended: threading.Event) -> None:
    while not stop.wait(1.0):
        pass
    ended.set()


@command.command("reset", epilog="Example: omnictl sandbox reset")
@global_options
@click.pass_context
def reset(ctx: click.Context) -> int:
    """Drop the sandbox of the environment: its scenarios, its state, all together."""
    session = _in_sandbox(ctx)
    shutil.rmtree(session.place.work_dir, ignore_errors=True)
    session.output.say(f"The sandbox of {session.place.environment} is empty.")
    return ExitCode.OK


@command.command("status", epilog="Example: omnictl sandbox status")
@global_options
@click.pass_context
def status(ctx: click.Context) -> int:
    """Say what the sandbox of the environment holds."""
    import time

    from omnictl.sandbox.store import World

    session = _in_sandbox(ctx)
    if not session.place.world_path.exists():
        session.output.result(f"The sandbox of {session.place.environment} is empty.")
        return ExitCode.OK
    world = World(session.place.world_path, time.time)
    found = world.status()
    world.close()
    session.output.result(
        f"{found.scenarios} scenarios, default {found.default_key or 'none'}, {found.requests} requests seen"
    )
    return ExitCode.OK


def _in_sandbox(ctx: click.Context) -> Session:
    session = get_session(ctx)
    session.options.sandbox = True
    return session
