"""How wide characters are, what is made visible, and where text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.render.style import pad, sanitize, truncate, width_of


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("plain", 5),
        ("重要", 4),
        ("Cafe\u0301", 4),
        ("전화", 4),
        ("\u1112\u1161\u11ab", 2),
        ("📣", 2),
        ("👍🏽", 2),
        ("👩\u200d🚀", 2),
        ("👩🏽\u200d🚀", 2),
        ("👨\u200d👩\u200d👧\u200d👦!", 3),
        ("❤\ufe0f", 2),
        ("❤\ufe0f\u200d🔥", 2),
        ("📣\ufe0f", 2),
        ("a\ufe0f", 1),
        ("🇧🇷", 2),
    ],
)
def test_width(text: str, columns: int) -> None:
    assert width_of(text) == columns
    assert width_of(pad(text, 10)) == 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("a\u200db", "a\\u200db"),
        ("👩\u200d", "👩\\u200d"),
        ("\u200d👩", "\\u200d👩"),
        ("\u202eevil", "\\u202eevil"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("a\u00a0b", "a\\xa0b"),
        ("a\u034fb", "a\\u034fb"),
        ("a\u2800\u3164b", "a\\u2800\\u3164b"),
        ("a\U000e0100b", "a\\U000e0100b"),
        ("a\ufe0fb", "a\\ufe0fb"),
        ("\ufe0f", "\\ufe0f"),
        ("+\ufe0f", "+\\ufe0f"),
        ("❤\ufe0f❤\ufe0e", "❤\ufe0f❤\ufe0e"),
        ("↔\ufe0f‼\ufe0f", "↔\ufe0f‼\ufe0f"),
        ("🙂\u200d↔\ufe0f", "🙂\u200d↔\ufe0f"),
        ("1\ufe0f\u20e3#\ufe0f\u20e3", "1\ufe0f\u20e3#\ufe0f\u20e3"),
        ("x\ufe0f\u20e3", "x\\ufe0f\u20e3"),
        ("\ufe0f\u20e3", "\\ufe0f\u20e3"),
    ],
)
def test_what_could_hide_is_made_visible(text: str, shown: str) -> None:
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    ("text", "columns", "cut"),
    [
        ("plain", 5, "plain"),
        ("plainer", 5, "plai…"),
        ("重要なお", 5, "重要…"),
        ("重要なお", 4, "重…"),
        ("Cafe\u0301s", 4, "Caf…"),
        ("cafe\u0301 etc", 5, "cafe\u0301…"),
        ("x", 0, "…"),
        ("ab👩\u200d🚀", 3, "ab…"),
    ],
)
def test_cut(text: str, columns: int, cut: str) -> None:
    assert truncate(text, columns, "…") == cut


@given(st.text(), st.integers(1, 20))
def test_a_cut_text_fits_and_is_safe(text: str, columns: int) -> None:
    safe = sanitize(text)
    assert width_of(truncate(safe, columns, "…")) <= columns
    assert sanitize(safe) == safe
