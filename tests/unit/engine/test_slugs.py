"""Ids from names: readable, valid, never twice, and the same in every run."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.engine.slugs import choose_id, slug_of

KEY = "CD265875E3A6EA43478D5F37A635BE4A"
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My VK-SMS scenario", "my-vk-sms-scenario"),
        ("  spaces / and \\ slashes  ", "spaces-and-slashes"),
        ("Crème brûlée", "creme-brulee"),
        ("Straße", "strasse"),
        ("Łódź Øst Æble", "lodz-ost-aeble"),
        ("Заказ оплачен", "zakaz-oplachen"),
        ("Підтвердження", "pidtverdzhennya"),
        ("Съёмка и Йога", "semka-i-yoga"),
        ("Καλημέρα", "kalimera"),
        ("ＦＵＬＬ width ﬁne", "full-width-fine"),
        ("O'Reilly’s", "oreillys"),
        ("注文 order", "order"),
        ("😀", ""),
        ("שלום", ""),
        ("2024", ""),
        ("", ""),
        ("\x00\u202e", ""),
        ("x" * 300, "x" * 48),
        ("word " * 60, "word-word-word-word-word-word-word-word-word"),
        ("a " + "b" * 300, "a-" + "b" * 46),
    ],
)
def test_a_name_in_the_characters_of_an_id(name: str, expected: str) -> None:
    assert slug_of(name) == expected


@pytest.mark.parametrize(
    ("name", "key", "taken", "expected"),
    [
        ("Welcome", KEY, (), "welcome"),
        ("Welcome", KEY, ("welcome",), "welcome-cd265875"),
        ("Welcome", KEY, ("welcome", "welcome-cd265875"), "welcome-cd265875-2"),
        ("Welcome", KEY, ("welcome", "welcome-cd265875", "welcome-cd265875-2"), "welcome-cd265875-3"),
        ("😀", KEY, (), "scenario-cd265875"),
        ("", "ключ", (), "scenario-x"),
        ("con", KEY, (), "scenario-con"),
        ("LPT1", KEY, (), "scenario-lpt1"),
        ("all", KEY, ("scenario-all",), "scenario-all-cd265875"),
        ("con man", KEY, (), "con-man"),
    ],
)
def test_an_id_that_is_free(name: str, key: str, taken: tuple[str, ...], expected: str) -> None:
    assert choose_id(name, key, taken) == expected


@given(st.text(), st.text(min_size=1), st.sets(st.sampled_from(["a", "b", "scenario-x", "aux", "a-a"])))
def test_every_name_and_key_gives_an_id(name: str, key: str, taken: set[str]) -> None:
    chosen = choose_id(name, key, taken)
    assert ID.fullmatch(chosen)
    assert chosen not in taken
    assert choose_id(name, key, taken) == chosen
    assert ID.fullmatch(choose_id(name, key, {*taken, chosen}))
