"""Which addresses ``--only`` and ``--exclude`` choose."""

import pytest

from omnictl.engine.selection import matches, select, unmatched
from omnictl.model.address import id_of
from tests.worlds import address, declare

RESOURCES = {
    address(name): declare(name, labels=labels)
    for name, labels in (
        ("otp-br", {"team": "growth", "tier": "1"}),
        ("otp-de", {"team": "core"}),
        ("welcome", {"team": "growth", "note": "a=b"}),
    )
}
ADDRESSES = (*RESOURCES, address("recorded-only"))


@pytest.mark.parametrize(
    ("only", "exclude", "chosen"),
    [
        ((), (), {"otp-br", "otp-de", "welcome", "recorded-only"}),
        (("otp-*",), (), {"otp-br", "otp-de"}),
        (("otp-br", "welcome"), (), {"otp-br", "welcome"}),
        ((), ("otp-*",), {"welcome", "recorded-only"}),
        ((), ("welcome", "otp-de"), {"otp-br", "recorded-only"}),
        (("otp-*",), ("otp-de",), {"otp-br"}),
        (("otp-*",), ("*",), set()),
        (("label:team=growth",), (), {"otp-br", "welcome"}),
        (("label:team=g*",), ("otp-*",), {"welcome"}),
        (("label:note=a=b",), (), {"welcome"}),
        (("label:team",), (), set()),
        (("label:tier=*",), (), {"otp-br"}),
        ((), ("label:team=*",), {"recorded-only"}),
        (("OTP-BR",), (), set()),
    ],
)
def test_what_is_chosen(only: tuple[str, ...], exclude: tuple[str, ...], chosen: set[str]) -> None:
    assert {id_of(each) for each in select(ADDRESSES, RESOURCES, only, exclude, {})} == chosen


def test_a_label_that_is_missing_matches_nothing() -> None:
    assert not matches("label:tier=*", address("otp-de"), RESOURCES)
    assert not matches("label:tier=*", address("recorded-only"), RESOURCES)


def test_words_that_name_nothing_are_told() -> None:
    words = ("otp-*", "otb-*", "label:team=growth", "label:team=none", "recorded-only")
    assert unmatched(words, iter(ADDRESSES), RESOURCES) == ("otb-*", "label:team=none")
