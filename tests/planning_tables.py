"""The tables of docs/planning.md as values: tests hold every row, and every row has a test."""

from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "planning.md"

Row = tuple[str, ...]


def read_table(heading: str) -> tuple[Row, tuple[Row, ...]]:
    """Return the head and the rows of the one table under a heading."""
    _, found, rest = DOCUMENT.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    assert found, f"docs/planning.md has no heading {heading!r}"
    section = rest.partition("\n## ")[0]
    lines = [line.strip() for line in section.splitlines() if line.startswith("|")]
    head, rule, *rows = (tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines)
    assert all(set(cell) == {"-"} for cell in rule), f"more or less than one table under {heading!r}"
    assert all(len(each) == len(head) for each in rows)
    return head, tuple(rows)
