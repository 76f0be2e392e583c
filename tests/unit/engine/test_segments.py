"""How many parts an SMS has, by the alphabet of GSM and by UCS-2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.engine.segments import Coding, Segments, count_segments

GSM, UCS2 = Coding.GSM, Coding.UCS2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments(GSM, 0, 0)),
        ("a", Segments(GSM, 1, 1)),
        ("a" * 160, Segments(GSM, 160, 1)),
        ("a" * 161, Segments(GSM, 161, 2)),
        ("a" * 306, Segments(GSM, 306, 2)),
        ("a" * 307, Segments(GSM, 307, 3)),
        ("€" * 80, Segments(GSM, 160, 1)),
        ("€" * 81, Segments(GSM, 162, 2)),
        ("€" * 153, Segments(GSM, 306, 3)),  # 76 of two septets in 153, none is split
        ("a" + "€" * 152 + "a", Segments(GSM, 306, 2)),
        ("éÅäñ¿Δ£@\n\r", Segments(GSM, 10, 1)),
        ("ç", Segments(UCS2, 1, 1)),
        ("Ж" * 70, Segments(UCS2, 70, 1)),
        ("Ж" * 71, Segments(UCS2, 71, 2)),
        ("Ж" * 134, Segments(UCS2, 134, 2)),
        ("Ж" * 135, Segments(UCS2, 135, 3)),
        ("😀" * 35, Segments(UCS2, 70, 1)),
        ("😀" * 67, Segments(UCS2, 134, 3)),  # 33 pairs in 67, none is split
        ("a" * 69 + "“", Segments(UCS2, 70, 1)),
        ("a" * 70 + "“", Segments(UCS2, 71, 2)),
    ],
)
def test_parts_are_counted(text: str, expected: Segments) -> None:
    assert count_segments(text) == expected


@given(st.text(max_size=400))
def test_parts_hold_all_units_and_hardly_more(text: str) -> None:
    counted = count_segments(text)
    single, joined = (160, 153) if counted.coding is GSM else (70, 67)
    if counted.units <= single:
        assert counted.parts == (1 if text else 0)
    else:
        assert counted.units <= counted.parts * joined
        assert (counted.parts - 1) * (joined - 1) < counted.units
    assert counted.units >= len(text)
