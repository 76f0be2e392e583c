"""What only the operating system knows: the time, and chance. Everything below is given them."""

import os
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def make_token(size: int) -> str:
    """Return a random name of so many bytes, in hexadecimal digits."""
    return os.urandom(size).hex()
