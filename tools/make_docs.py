"""Write what the pages take from the code: tables, options, and the real output of commands. ``make docs`` runs it.

A page holds blocks. ``<!-- made NAME ARGUMENT -->`` to ``<!-- end -->`` is a table of the code. ``<!-- run EXAMPLE``,
lines of shell, ``-->`` to ``<!-- end -->`` is what they print in a copy of an example. All else is written by hand.
"""

import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.doc_examples import EXAMPLES, read_plans, run_lines
from tools.doc_tables import (
    command_block,
    errors_block,
    exit_codes_block,
    formats_block,
    guards_block,
    lint_block,
    message_block,
)

ROOT = Path(__file__).parents[1]

_BLOCK = re.compile(r"(<!-- (made|run) (.*?)\s?-->\n)(.*?)(<!-- end -->)", re.DOTALL)
_TABLES: dict[str, Callable[[str], str]] = {
    "errors": lambda _: errors_block(),
    "exit-codes": lambda _: exit_codes_block(),
    "lint": lambda _: lint_block(),
    "formats": lambda _: formats_block(),
    "guards": lambda _: guards_block(),
    "command": command_block,
    "message": message_block,
}


def find_pages() -> tuple[Path, ...]:
    """Return every page of the documentation that may hold blocks."""
    return (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(EXAMPLES.glob("*/README.md")))


def make_page(text: str) -> str:
    """Return a page with all of its blocks made anew."""
    matches = list(_BLOCK.finditer(text))
    with ThreadPoolExecutor(4) as pool:
        made = iter(list(pool.map(lambda match: _make(match[2], match[3]), matches)))
    return _BLOCK.sub(lambda match: f"{match[1]}{next(made)}{match[5]}", text)


def _make(kind: str, rest: str) -> str:
    if kind == "run":
        example, *lines = rest.strip().splitlines()
        printed = run_lines(example.strip(), lines)
        fence = "````" if "```" in printed else "```"
        return f"{fence}console\n{printed}{fence}\n"
    name, _, argument = rest.strip().partition(" ")
    return _TABLES[name](argument)


def make_files() -> Iterator[tuple[Path, str]]:
    """Return every file that is made, wholly or in part, with the text that it should have."""
    for page in find_pages():
        text = page.read_text(encoding="utf-8")
        if _BLOCK.search(text):
            yield page, make_page(text)
    yield from read_plans()


def main() -> None:
    """Write what is out of date, and name it."""
    for path, text in make_files():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
