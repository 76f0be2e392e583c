"""Times as the ledger keeps them: whole numbers, which sort."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_number(at: datetime) -> int:
    """Return a time as microseconds since 1970, which sort."""
    return (at - _EPOCH) // _MICROSECOND


def to_time(number: int) -> datetime:
    """Return the time of a number of microseconds since 1970, in UTC."""
    return _EPOCH + number * _MICROSECOND


def to_optional_time(number: int | None) -> datetime | None:
    """Return the time of a number, or None."""
    return None if number is None else to_time(number)
