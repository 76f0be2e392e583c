"""The pages of the documentation, read for the tests that hold them against the code."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]

_FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def all_pages() -> tuple[Path, ...]:
    """Every page that a reader may come to."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    return tuple(sorted(found))


@cache
def read(name: str) -> str:
    """Return a page of docs."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """Return a page without its examples and comments."""
    return _COMMENT.sub("", _FENCE.sub("", text))


def section(text: str, title: str) -> str:
    """Return what stands under a heading, up to the next of its level or above."""
    match = re.search(rf"^(#+) {re.escape(title)}$(.*?)(?=^#{{1,2}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"there is no heading {title}"
    level = len(match[1])
    return re.split(rf"^#{{1,{level}}} ", match[2], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    """Return the first cell of each row of the tables, where it is code."""
    return re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)


def headings(text: str) -> Iterator[tuple[int, str]]:
    """Return the level and the text of each heading."""
    for match in re.finditer(r"^(#+) (.+)$", _FENCE.sub("", text), re.MULTILINE):
        yield len(match[1]), match[2]


def anchors(text: str) -> set[str]:
    """Return what a link to a part of the page may name."""
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for _, title in headings(text))
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in plain}
