"""Cutting excerpts."""

from omnictl.config.documents import split_lines


def test_a_text_is_split_once_however_many_mistakes_it_has() -> None:
    text = "name: A\r\nflow: []\n"
    assert split_lines(text) == ("name: A", "flow: []", "")
    assert split_lines(text) is split_lines(text)
