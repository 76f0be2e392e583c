"""Durations, names in quotes, and lines that are wrapped."""

import pytest

from omnictl.render.words import duration, quote, wrap, written_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (372, "6 min 12 s"),
        (3000, "50 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "0.5s"), (62, "62s"), (60, "1m"), (2700, "45m"), (5400, "90m"), (7200, "2h")]
)
def test_a_duration_as_it_is_written(seconds: float, text: str) -> None:
    assert written_duration(seconds) == text


def test_quotes_in_a_name_are_marked() -> None:
    assert quote('a "b"') == '"a \\"b\\""'


def test_wrapping_counts_columns() -> None:
    assert wrap("重要 重要 重要 重要 重要 重要", 20) == "重要 重要 重要 重要\n重要 重要"
    assert wrap("a  b" + " " * 3 + "c", 40) == "a  b   c"
