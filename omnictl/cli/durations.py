"""Durations on the command line, and the options that take one."""

import re

import click

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?", re.ASCII)
LONGEST_SECONDS = 30 * 86_400.0
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


def read_duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Return seconds from 90s, 45m, 2h or a bare number; 30 days at most, which every clock can count."""
    if value is None:
        return None
    match = _DURATION.fullmatch(value)
    if match is None:
        raise click.UsageError(f"{param.opts[-1]} takes a duration such as 90s, 45m or 2h, not {value!r}", ctx)
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > LONGEST_SECONDS:
        raise click.UsageError(f"{param.opts[-1]} takes 30 days at most, not {value!r}", ctx)
    return seconds


lock_timeout_option = click.option(
    "--lock-timeout",
    callback=read_duration,
    metavar="DURATION",
    envvar="OMNICTL_LOCK_TIMEOUT",
    help="Wait so long for the lock (OMNICTL_LOCK_TIMEOUT).",
)
