"""How long a pause is."""

from datetime import UTC, datetime

import pytest

from omnictl.transport.retry import backoff_seconds, retry_after_seconds

NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


def test_pauses_double_up_to_half_a_minute_and_are_spread() -> None:
    assert [backoff_seconds(n, lambda: 1.0) for n in (1, 2, 3, 6, 7, 8, 10_000)] == [
        0.5,
        1.0,
        2.0,
        16.0,
        30.0,
        30.0,
        30.0,
    ]
    assert backoff_seconds(3, lambda: 0.0) == 1.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("12", 12.0),
        (" 2.5 ", 2.5),
        ("0", None),
        ("0.2", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("٣", None),
        ("99999", 3600.0),
        ("9" * 30, None),
        ("Sat, 01 Aug 2026 12:01:00 GMT", 60.0),
        ("Sat, 01 Aug 2026 12:01:00 -0000", 60.0),
        ("Sat, 01 Aug 2026 14:01:00 +0200", 60.0),
        ("Sat, 01 Aug 2026 11:59:00 GMT", None),
        ("Sat, 01 Aug 2099 12:00:00 GMT", 3600.0),
        ("Sat, 99 Aug 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_and_bounded(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds
