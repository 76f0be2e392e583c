"""Every link of every page leads somewhere, every page can be found, and none names a place of one machine."""

import re
from pathlib import Path

import pytest

from tests.unit.docs.pages import ROOT, all_pages, anchors, prose, read

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_MACHINE = re.compile(r"/(?:home|root|Users|work|tmp|var/folders)/[\w.]")


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for link in _LINK.findall(prose(page.read_text(encoding="utf-8"))):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_place_of_one_machine(page: Path) -> None:
    assert _MACHINE.search(page.read_text(encoding="utf-8")) is None


def test_the_readme_leads_to_every_page() -> None:
    linked = set(_LINK.findall(prose((ROOT / "README.md").read_text(encoding="utf-8"))))
    for page in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page.name}" in linked, page.name


def test_the_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(page.name[:4]) for page in sorted((ROOT / "docs" / "adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
    for page in (ROOT / "docs" / "adr").glob("*.md"):
        assert page.read_text(encoding="utf-8").startswith(f"# {int(page.name[:4])}. ")


def test_what_the_walk_and_the_table_of_the_architecture_name_is_there() -> None:
    text = read("architecture.md")
    for name in re.findall(r"`(omnictl/[\w/]+\.py)`", text):
        assert (ROOT / name).is_file(), name
    folders = {each.name for each in (ROOT / "omnictl").iterdir() if (each / "__init__.py").is_file()}
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == folders
