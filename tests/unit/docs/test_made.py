"""What the pages take from the code is what the code says now, and the examples print what their files say."""

import sys
from pathlib import Path

import pytest

from omnictl.cli.exit_codes import MEANINGS
from omnictl.cli.explanations import all_codes, codes_by_module
from tests.unit.docs.pages import read
from tools.doc_examples import EXAMPLES, find_environments, read_plans, run_lines
from tools.make_docs import find_pages, make_page

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the examples are lines of a POSIX shell")


@pytest.mark.parametrize("page", find_pages(), ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_a_page_holds_what_make_docs_would_write(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert make_page(text) == text, "run make docs"


def test_every_code_has_its_row_once() -> None:
    text = read("errors.md")
    for code, explanation in all_codes().items():
        row = f"\n| `{code}` | {explanation.replace('|', chr(92) + '|')} |\n"
        assert text.count(f"\n| `{code}` |") == 1
        assert row in text


def test_no_code_is_explained_twice() -> None:
    explained = [code for codes in codes_by_module().values() for code in codes]
    assert len(explained) == len(set(explained))


def test_every_exit_code_has_its_row() -> None:
    for code, meaning in MEANINGS.items():
        assert f"\n| {code.value} | {meaning} |\n" in read("exit-codes.md")


def test_the_plans_of_the_examples_are_what_plan_prints() -> None:
    plans = dict(read_plans())
    assert len(plans) >= 4
    for path, text in plans.items():
        assert path.read_text(encoding="utf-8") == text, "run make docs"


@pytest.mark.parametrize("example", sorted(each.name for each in EXAMPLES.iterdir()))
def test_an_example_is_valid_canonical_and_described(example: str) -> None:
    assert "# exit code" not in run_lines(example, ["omnictl validate", "omnictl fmt --check --diff"])
    assert (EXAMPLES / example / "README.md").is_file()


@pytest.mark.parametrize("example", sorted(each.name for each in EXAMPLES.iterdir()))
def test_an_example_applied_is_planned_again_as_no_changes(example: str) -> None:
    for name in find_environments(EXAMPLES / example) or ("",):
        chosen = f" --env {name}" if name else ""
        lines = [f"@omnictl apply --sandbox --yes{chosen}", f"omnictl plan --sandbox --detailed-exitcode{chosen}"]
        assert "# exit code" not in run_lines(example, lines)


def test_a_stale_block_is_made_anew() -> None:
    page = "before\n<!-- made exit-codes -->\nold row\n<!-- end -->\nafter\n"
    made = make_page(page)
    assert "old row" not in made
    assert made.startswith("before\n<!-- made exit-codes -->\n| code |")
    assert made.endswith("<!-- end -->\nafter\n")
    assert make_page(made) == made


def test_a_hidden_line_that_fails_is_no_example() -> None:
    with pytest.raises(RuntimeError, match="ended with 64"):
        run_lines("empty", ["@omnictl nonsense"])
