"""``omnictl sandbox``: the embedded stand-in for the API, in this process or as a server."""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omnictl import __version__
from omnictl.cli.commands import sandbox_recipient
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.listening import cannot_listen
from omnictl.cli.options import global_options
from omnictl.cli.provider import open_world
from omnictl.cli.signals import stopping
from omnictl.codec.envelope import make_envelope
from omnictl.provider.base import StopSignal
from omnictl.render.words import count
from omnictl.sandbox.behaviour import SWITCHES, Behaviour, Switch, SwitchError, read_behaviour
from omnictl.sandbox.clock import ClockError, advance_clock, read_clock, read_duration, show_time, to_ms
from omnictl.sandbox.faults import Fault, FaultError, parse_fault

if TYPE_CHECKING:
    from omnictl.sandbox.store import World


_COLUMN = max(len(each.flag) for each in SWITCHES)


@click.group("sandbox", epilog="Example: omnictl sandbox serve --port 8080")
@global_options
def command() -> None:
    """The embedded stand-in for the API, for demos and tests. Nothing leaves this machine."""


command.add_command(sandbox_recipient.command)


def _unkind(takes: Callable[..., int]) -> Callable[..., int]:
    """Give a command one option for each switch, and --fault."""

    def read(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[Fault, ...]:
        try:
            return tuple(parse_fault(each) for each in value)
        except FaultError as error:
            raise click.BadParameter(f"{error}.", ctx, param) from None

    option = click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="OPERATION:KIND",
        callback=read,
        help="What goes wrong with the next request, as create:late-commit=5,times=2 (docs/sandbox.md lists all).",
    )
    for switch in reversed(SWITCHES):
        takes = _option_of(switch)(takes)
    return option(takes)


def _option_of(switch: Switch) -> Callable[[Callable[..., int]], Callable[..., int]]:
    kind: click.ParamType[Any] = click.IntRange(min=0) if isinstance(switch.default, int) else click.FloatRange(min=0)
    if switch.choices:
        kind = click.Choice([str(each) for each in switch.choices])
    text = f"{switch.text}  [default: {switch.default}]"
    return click.option(switch.flag, switch.name, type=kind, default=None, metavar=switch.unit or None, help=text)


def _given(switches: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in switches.items() if value is not None}


@command.command(
    "serve", epilog="Example: omnictl sandbox serve --port 0 --throttle published --fault create:cut-after"
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free one.")
@click.option("--world", type=click.Path(path_type=Path), help="Keep the world in this file; else in memory.")
@click.option("--api-key", "api_keys", multiple=True, metavar="KEY", help="Accept only these keys; else any.")
@click.option("--push-secret", metavar="SECRET", help="Sign every push with this secret, in x-hub-signature.")
@_unkind
@global_options
@click.pass_context
def serve(
    ctx: click.Context,
    /,
    *,
    host: str,
    port: int,
    world: Path | None,
    api_keys: tuple[str, ...],
    push_secret: str | None,
    faults: tuple[Fault, ...],
    **switches: Any,
) -> int:
    """Serve the sandbox over HTTP until a signal comes. The address is the first line of stdout."""
    from omnictl.sandbox.app import Sandbox
    from omnictl.sandbox.server import serve as serve_app

    session = get_session(ctx)
    kept = f"The world is kept in {world}." if world else "The world of this sandbox is in memory and ends with it."
    stop, ended = StopSignal(), threading.Event()
    with (
        closing(open_world(world)) as opened,
        stopping(stop, session.output.hint, lambda: kept, announcement=f"Stopping. {kept}"),
    ):
        _change(opened, switches, faults)
        threading.Thread(target=_end_with, args=(stop, ended), daemon=True).start()
        app = Sandbox(opened, api_keys, push_secret=push_secret)
        try:
            serve_app(app, host, port, on_ready=session.output.result, stop=ended, on_tick=app.catch_up)
        except BrokenPipeError:
            raise  # whoever should have read the address is gone
        except OSError as error:
            raise cannot_listen("The sandbox", "sandbox serve", host, port, error) from None
    return ExitCode.OK


def _end_with(stop: StopSignal, ended: threading.Event) -> None:
    while not stop.wait(1.0):
        pass
    ended.set()


@command.command("behave", epilog="Example: omnictl sandbox behave --fault create:cut-after --list-lag 3")
@click.option("--kind", is_flag=True, help="First forget all switches and faults.")
@_unkind
@global_options
@click.pass_context
def behave(ctx: click.Context, /, *, kind: bool, faults: tuple[Fault, ...], **switches: Any) -> int:
    """Make the sandbox as unkind as the real service may be. It is the one of the environment.

    What is switched stays until it is switched back; without options it says how the sandbox behaves now.
    """
    session = _in_sandbox(ctx)
    with closing(open_world(session.place.world_path)) as world:
        if kind:
            world.behaviour = Behaviour()
            world.clear_faults()
        _change(world, switches, faults)
        session.show("\n".join(_say_behaviour(world)))
    return ExitCode.OK


def _change(world: "World", switches: Mapping[str, Any], faults: tuple[Fault, ...]) -> None:
    try:
        world.behaviour = read_behaviour(world.behaviour, _given(switches))
    except SwitchError as error:
        raise click.UsageError(f"{error}.") from None
    read_clock(world, world.behaviour, time.time())  # a clock that is stopped stops now
    for each in faults:
        world.add_fault(each)


def _say_behaviour(world: "World") -> list[str]:
    behaviour = world.behaviour
    lines = []
    for each in SWITCHES:
        value = getattr(behaviour, each.name)
        lines.append(f"{each.flag:<{_COLUMN}} {value}{'' if value == each.default else f'  (usually {each.default})'}")
    for fault in world.list_faults():
        rest = f", after {fault.skip} more" if fault.skip else ""
        by_chance = f", by chance {fault.chance} %" if fault.chance < 100 else ""
        value = "" if fault.value is None else f"={fault.value:g}"
        times = f"the next {fault.times}" if fault.times else "always"
        lines.append(f"{'--fault':<{_COLUMN}} {fault.operation}:{fault.kind}{value}  ({times}{rest}{by_chance})")
    return lines


@command.command("advance", epilog="Example: omnictl sandbox advance 2h")
@click.argument("duration", metavar="DURATION")
@global_options
@click.pass_context
def advance(ctx: click.Context, duration: str) -> int:
    """Move the clock of the sandbox ahead, by 90s, 2h or 1h30m. What becomes due is pushed."""
    from omnictl.sandbox.app import Sandbox

    session = _in_sandbox(ctx)
    with closing(open_world(session.place.world_path)) as world:
        try:
            now = advance_clock(world, world.behaviour, time.time(), read_duration(duration))
        except ClockError as error:
            raise click.UsageError(f"{error}.") from None
        Sandbox(world).catch_up()
    session.show(f"It is {show_time(to_ms(now))} in the sandbox of {session.place.environment}.")
    return ExitCode.OK


@command.command("reset", epilog="Example: omnictl sandbox reset")
@global_options
@click.pass_context
def reset(ctx: click.Context) -> int:
    """Drop the sandbox of the environment. Its scenarios, messages, state and behaviour go together."""
    session = _in_sandbox(ctx)
    shutil.rmtree(session.place.work_dir, ignore_errors=True)
    session.output.say(f"The sandbox of {session.place.environment} is empty.")
    return ExitCode.OK


@command.command("status", epilog="Example: omnictl sandbox status --format json")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="How it is shown.")
@global_options
@click.pass_context
def status(ctx: click.Context, *, output_format: str) -> int:
    """Say what the sandbox of the environment holds and how it behaves."""
    from omnictl.sandbox.control import describe_world

    session = _in_sandbox(ctx)
    exists = session.place.world_path.exists()
    with closing(open_world(session.place.world_path if exists else None)) as world:
        found = describe_world(world, time.time())
        unkind = [each for each in _say_behaviour(world) if "(" in each]
    if output_format == "json":
        session.output.document(
            make_envelope(
                "sandbox",
                version=__version__,
                environment=session.place.environment,
                sandbox=True,
                exit_code=ExitCode.OK,
                diagnostics=(),
                **found,
            )
        )
        return ExitCode.OK
    requests = ", ".join(f"{number} {name}" for name, number in found["requests"].items()) or "none"
    lines = [
        f"The sandbox of {session.place.environment}",
        f"scenarios  {found['scenarios']}",
        f"default    {', '.join(found['defaults']) or 'none'}",
        f"requests   {requests}",
        f"messages   {found['messages']} taken, {count(found['unread_reports'], 'report')} unread",
        f"pushes     {found['pushes_due']} due",
        f"recipients {found['recipients']} set",
        f"clock      {found['clock']['kind']}, {found['clock']['now']}",
        *([] if not unkind else ["unkind", *(f"    {each}" for each in unkind)]),
    ]
    session.show("\n".join(lines))
    return ExitCode.OK


def _in_sandbox(ctx: click.Context) -> Session:
    session = get_session(ctx)
    session.options.sandbox = True
    return session
