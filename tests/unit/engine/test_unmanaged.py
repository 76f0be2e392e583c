"""What nobody manages, and which lines of .omnictlignore name it."""

import pytest

from omnictl.engine.unmanaged import compile_glob, find_unmanaged, note_idle_lines
from omnictl.model.diagnostic import Source
from omnictl.model.drift import IgnoreLine
from omnictl.model.state import State
from tests.builders import Scene

NOBODY = State("x", "test")


def lines(*texts: str) -> tuple[IgnoreLine, ...]:
    return tuple(IgnoreLine(text, Source(".omnictlignore", number, 1)) for number, text in enumerate(texts, start=1))


@pytest.mark.parametrize(
    ("glob", "name", "fits"),
    [
        ("test", "test", True),
        ("test", "Test", False),
        ("test", "tests", False),
        ("test*", "test", True),
        ("test*", "tests and more", True),
        ("*test", "a test", True),
        ("*test", "a test or two", False),
        ("a*b*c", "abbc", True),
        ("a*b*c", "a b b c c", True),
        ("a*c", "abcd", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a?c", "a👩c", True),
        ("**", "", True),
        ("*", "line\nline", True),
        ("[old] *", "[old] one", True),
        ("[old] *", "o one", False),
        ("a.c", "abc", False),
        (r"\*", "*", True),
        (r"\*", "x", False),
        (r"\?", "?", True),
        (r"\#1", "#1", True),
        (r"a\\b", r"a\b", True),
        ("a\\", "a\\", True),
        (r"*\**", "a*b", True),
        (r"*\**", "ab", False),
    ],
)
def test_a_glob(glob: str, name: str, fits: bool) -> None:
    assert bool(compile_glob(glob).fullmatch(name)) == fits


def test_no_name_takes_long() -> None:
    assert compile_glob("*a" * 60 + "b").fullmatch("a" * 3000) is None


def test_what_is_ignored_is_marked() -> None:
    scene = Scene().unmanaged("test").unmanaged("[old] one").unmanaged("Sales")
    keys = list(scene.remotes)
    found = find_unmanaged(NOBODY, scene.remotes, {}, lines("[old] *", keys[2]))
    assert [(each.name, each.ignored) for each in found] == [("test", False), ("[old] one", True), ("Sales", True)]
    assert [each.name for each in find_unmanaged(NOBODY, scene.remotes, {keys[0]: "staging"}, ())] == [
        "[old] one",
        "Sales",
    ]


def test_a_key_is_no_glob() -> None:
    scene = Scene().unmanaged("x")
    (key,) = scene.remotes
    (found,) = find_unmanaged(NOBODY, scene.remotes, {}, lines(f"{key[:-1]}*"))
    assert not found.ignored


def test_lines_that_name_nothing_are_noted() -> None:
    scene = Scene().unmanaged("test")
    given = lines("test", "nothing *", next(iter(scene.remotes)), "TEST")
    found = note_idle_lines(given, find_unmanaged(NOBODY, scene.remotes, {}, given))
    assert [(each.code, each.source) for each in found] == [
        ("ignore-line-idle", given[1].source),
        ("ignore-line-idle", given[3].source),
    ]
