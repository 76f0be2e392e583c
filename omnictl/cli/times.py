"""Times on the command line: a date, a time with an offset, or an age."""

import re
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import click

_AGE = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=100 * 366)
"""Nothing is older, and no clock is so young that a time before all times would come of it."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


Moment: TypeAlias = datetime | timedelta
"""A time in UTC, or how long ago it is: the sandbox has a clock of its own."""


def read_time(ctx: click.Context, param: click.Parameter, value: str | None) -> Moment | None:
    """Return a time in UTC from 2026-11-25 (its beginning in UTC), 2026-11-25T09:00:00+01:00, or an age such as 2h."""
    if value is None:
        return None
    age = _AGE.fullmatch(value)
    try:
        if age is not None:
            return min(int(age[1]) * _UNITS[age[2]], _LONGEST)
        at = datetime.fromisoformat(value)
        if at.tzinfo is None and not _DATE.fullmatch(value):
            raise click.UsageError(f"{param.opts[-1]} needs an offset from UTC: {value}Z, or {value}+01:00", ctx)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.UsageError(
            f"{param.opts[-1]} takes 2026-11-25, 2026-11-25T09:00:00Z, or an age such as 2h or 30d, not {value!r}", ctx
        ) from None
