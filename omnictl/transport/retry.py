"""How long to wait before a repeat. Whether to repeat at all is decided by the operation."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 3600.0
SHORTEST_RETRY_AFTER_SECONDS = 1.0

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


def backoff_seconds(failures: int, random: Callable[[], float]) -> float:
    """Return the pause after so many failures in a row (from 1): doubling, capped, and spread by half."""
    full = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 30))
    return full * (0.5 + random() / 2.0)


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Return what a Retry-After header asks for (seconds or an HTTP date), bounded to an hour.

    None where there is none, or where it makes no sense: unreadable, negative, less than a second, in the past.
    """
    if header is None:
        return None
    text = header.strip()
    seconds = float(text) if _SECONDS.fullmatch(text) else seconds_until(text, now)
    if seconds is None or seconds < SHORTEST_RETRY_AFTER_SECONDS:
        return None
    return min(seconds, LONGEST_RETRY_AFTER_SECONDS)


def seconds_until(text: str, now: datetime) -> float | None:
    """Return the seconds until an HTTP date, negative for one in the past; None where it is none."""
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return ((then if then.tzinfo else then.replace(tzinfo=UTC)) - now).total_seconds()
