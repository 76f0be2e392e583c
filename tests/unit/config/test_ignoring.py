"""Reading .omnictlignore: which lines it has, and what is refused."""

from pathlib import Path

import pytest

from omnictl.config.ignoring import IGNORE_FILE, LONGEST_LINE, MOST_LINES, read_ignore_file
from tests.projects import told, write


def read(project: Path, content: str | bytes) -> tuple[list[tuple[str, int | None]], list[str]]:
    write(project, {IGNORE_FILE: content})
    lines, diagnostics = read_ignore_file(project)
    return [(each.text, each.source.line) for each in lines], told(diagnostics)


def test_without_a_file_there_are_no_lines(project: Path) -> None:
    assert read_ignore_file(project) == ((), ())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", []),
        ("# all of it\n\n", []),
        ("test\n", [("test", 1)]),
        ("\ufefftest", [("test", 1)]),
        ("a\r\n\r\n# x\r\nb b \r\n", [("a", 1), ("b b", 4)]),
        ("  a # no comment\n\tb\n", [("a # no comment", 1), ("b", 2)]),
        ("\\#1\n\\!2\n", [("\\#1", 1), ("\\!2", 2)]),
        ("😀 party\n注文 *\n", [("😀 party", 1), ("注文 *", 2)]),
    ],
)
def test_its_lines(project: Path, content: str, expected: list[tuple[str, int]]) -> None:
    assert read(project, content) == (expected, [])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("!keep\n", [".omnictlignore:1:1 wrong-ignore-line"]),
        ("a\n\n  a\n", [".omnictlignore:3:3 wrong-ignore-line"]),
        ("a\u200bb\n", [".omnictlignore:1:1 wrong-ignore-line"]),
        ("a\x1b[31m\n!b\n", [".omnictlignore:1:1 wrong-ignore-line", ".omnictlignore:2:1 wrong-ignore-line"]),
        ("x" * (LONGEST_LINE + 1), [".omnictlignore:1:1 wrong-ignore-line"]),
        ("\n".join(map(str, range(MOST_LINES + 1))), [f".omnictlignore:{MOST_LINES + 1}:1 wrong-ignore-line"]),
        (b"\xff", [".omnictlignore:1:1 not-utf-8"]),
        (b"a" * 1_100_000, [".omnictlignore file-too-large"]),
    ],
)
def test_what_is_refused(project: Path, content: str | bytes, expected: list[str]) -> None:
    assert read(project, content)[1] == expected


def test_what_is_no_file_is_refused(project: Path) -> None:
    (project / IGNORE_FILE).mkdir()
    assert told(read_ignore_file(project)[1]) == [".omnictlignore not-a-file"]


def test_a_link_out_of_the_project_is_not_followed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "file"
    other.write_text("secret\n")
    (project / IGNORE_FILE).symlink_to(other)
    assert told(read_ignore_file(project)[1]) == [".omnictlignore outside-root"]
    (project / IGNORE_FILE).unlink()
    (project / IGNORE_FILE).symlink_to(project / "gone")
    assert told(read_ignore_file(project)[1]) == [".omnictlignore unreadable-file"]
    write(project, {"gone": "a\n"})
    assert [each.text for each in read_ignore_file(project)[0]] == ["a"]
