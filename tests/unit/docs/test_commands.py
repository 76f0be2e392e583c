"""Every command has help, an example, and a section in docs with a run of it; every option has its line."""

import re
import shlex

import click
import pytest

from omnictl.cli.catalogue import COMMANDS, GROUPS
from omnictl.cli.main import cli
from tests.e2e.running import omnictl
from tests.unit.docs.pages import headings, read, section
from tools.doc_tables import own_options, walk_commands

COMMAND_TREE = dict(walk_commands())
PATHS = sorted(COMMAND_TREE)


def test_the_tree_is_whole() -> None:
    assert set(COMMANDS) <= set(PATHS)
    assert {"state list", "sandbox serve"} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_a_command_has_help_and_an_example(path: str) -> None:
    command = COMMAND_TREE[path]
    assert (command.help or "").strip().endswith(".")
    epilog = command.epilog or ""
    assert epilog.startswith("Example: ")
    assert f"omnictl {path}" in epilog


@pytest.mark.parametrize("path", PATHS)
def test_every_option_has_help(path: str) -> None:
    for option in (each for each in COMMAND_TREE[path].params if isinstance(each, click.Option)):
        words = re.sub(r" +\[.*\]$", "", option.help or "")
        assert words.endswith("."), f"{option.name}: {option.help}"


@pytest.mark.parametrize("path", PATHS)
def test_the_example_of_the_help_can_be_parsed(path: str) -> None:
    """What a help shows must not be wrong usage: every option of it exists."""
    example = re.sub(r'^eval "\$\((.*)\)"$', r"\1", (COMMAND_TREE[path].epilog or "").removeprefix("Example: "))
    words = shlex.split(example.partition(" > ")[0])[1 + len(path.split()) :]
    context = click.Context(COMMAND_TREE[path], info_name=path, resilient_parsing=True)
    COMMAND_TREE[path].parse_args(context, words)


@pytest.mark.parametrize("path", PATHS)
def test_a_command_has_a_section_with_a_run_of_it(path: str) -> None:
    text = section(read("commands.md"), path)
    assert f"<!-- made command {path} -->" in text
    assert "Ends with:" in text or "ends with 64" in text
    shown = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
    assert any(line.startswith(f"omnictl {path}") for line in shown)
    for option in own_options(COMMAND_TREE[path]):
        assert f"`{option.opts[-1]}" in text


def test_the_page_has_no_command_that_is_gone() -> None:
    assert [title for level, title in headings(read("commands.md")) if level == 3 and title not in PATHS] == []


def test_the_global_options_are_on_the_page() -> None:
    text = section(read("commands.md"), "For all commands")
    for option in cli.params:
        assert f"`{option.opts[-1]}" in text or f"`{option.opts[0]}`" in text


def test_help_stands_by_group() -> None:
    printed = omnictl("--help").out
    places = [printed.index(f"\n{group}:\n") for group in GROUPS]
    assert places == sorted(places)
    for name, entry in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(entry.summary)}$", printed, re.MULTILINE)
