"""The clock of a world: the real one, moved ahead by who wants to wait for nothing, or standing still."""

import re
from datetime import UTC, datetime

from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.store import World

RETENTION_MS = 48 * 3_600_000
_DAY_MS = 86_400_000
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": _DAY_MS}
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,3})?(?:ms|s|m|h|d))+")
_PART = re.compile(r"([0-9.]+)(ms|s|m|h|d)")
_LONGEST_MS = 3650 * _DAY_MS
_LAST = 200_000_000_000.0
_FOREVER_MS = 2**62
_FORM = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?([.,]\d{1,9})? ?(Z|z|[+-]?\d\d:?\d\d)?")


class ClockError(ValueError):
    """A duration that is none, or that the clock cannot go."""


def read_clock(world: World, behaviour: Behaviour, wall: float) -> float:
    """Return the time of the world in seconds; a clock that stands still stands since somebody first looked at it."""
    stopped_at, ahead = world.clock
    if behaviour.clock == "manual":
        if stopped_at is None:
            stopped_at = wall + ahead
            world.clock = (stopped_at, ahead)
        return stopped_at
    if stopped_at is not None:
        ahead = max(0.0, stopped_at - wall)
        world.clock = (None, ahead)
    return wall + ahead


def advance_clock(world: World, behaviour: Behaviour, wall: float, milliseconds: int) -> float:
    """Move the clock ahead, whatever kind it is, and return its time. Raises ClockError."""
    with world.transaction():
        now = read_clock(world, behaviour, wall) + milliseconds / 1000
        if now > _LAST:
            raise ClockError("The clock of the world cannot go that far")
        stopped_at, ahead = world.clock
        if stopped_at is None:
            world.clock = (None, ahead + milliseconds / 1000)
        else:
            world.clock = (now, ahead)
    return now


def to_ms(seconds: float) -> int:
    """Return whole milliseconds: what the times of messages are kept in."""
    return int(seconds * 1000)


def horizon(behaviour: Behaviour, now: float) -> int:
    """Return up to when, in milliseconds, what happens to messages can be seen."""
    return _FOREVER_MS if behaviour.clock == "instant" else to_ms(now)


def read_duration(text: str) -> int:
    """Read 90s, 1h30m, 250ms or 2d as milliseconds. Raises ClockError."""
    if not _DURATION.fullmatch(text):
        raise ClockError(f"A duration is a number and ms, s, m, h or d, as 90s or 1h30m, not {text!r}")
    total = sum(int(float(number) * _UNITS_MS[unit]) for number, unit in _PART.findall(text))
    if total > _LONGEST_MS:
        raise ClockError(f"A duration is at most {_LONGEST_MS // _DAY_MS}d, not {text!r}")
    return total


def write_duration(milliseconds: int) -> str:
    """Return a duration as it is given: 1h30m, 250ms."""
    rest, parts = milliseconds, []
    for unit in ("d", "h", "m", "s", "ms"):
        number, rest = divmod(rest, _UNITS_MS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0ms"


def read_time(text: str) -> int | None:
    """Read a date-time with an offset in any usual spelling (none is UTC) as milliseconds; None where it is none."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        return None
    day, minute, second, fraction, offset = match.groups()
    sign = "" if not offset or offset in "Zz" or offset[0] in "+-" else "+"  # a plus in a query may have become a space
    zone = "+00:00" if not offset or offset in "Zz" else sign + offset
    try:
        parsed = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}{zone}")
        return int(parsed.timestamp()) * 1000 + int(f"{(fraction or '.0')[1:]:0<3}"[:3])
    except (ValueError, OverflowError):
        return None


def write_time(milliseconds: int) -> str:
    """Return a time as the API writes it: ``2016-02-23T17:41:11.833+0000``."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}+0000"


def show_time(milliseconds: int) -> str:
    """Return a time for people."""
    return write_time(milliseconds).replace("+0000", "Z")
