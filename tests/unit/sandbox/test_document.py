"""docs/sandbox.md names every switch, fault and endpoint, with the words of the code."""

import re
from pathlib import Path

import pytest

from omnictl.sandbox.behaviour import SWITCHES, Switch
from omnictl.sandbox.control import _ENDPOINTS, PREFIX
from omnictl.sandbox.faults import KINDS
from omnictl.sandbox.personas import MAGIC_NUMBERS, OUTCOMES, SEED_NUMBERS
from tests.e2e.running import omnictl

PAGE = Path(__file__).parents[3] / "docs" / "sandbox.md"


def test_every_switch_has_its_row() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for switch in SWITCHES:
        values = ", ".join(f"`{each}`" for each in switch.choices) or switch.unit.lower()
        usual = f" ({switch.default:g})" if isinstance(switch.default, float) else f" ({switch.default})"
        assert f"| `{switch.flag}` | {values}{usual} | {switch.text} |\n" in text


def test_every_fault_has_its_row() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for kind, (operations, meaning) in KINDS.items():
        assert f"| `{kind}` | {', '.join(operations)} | {meaning} |\n" in text


def test_every_endpoint_has_its_row() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, methods in _ENDPOINTS.items():
        for method in methods:
            assert f"| `{method} {PREFIX}{name}" in text


def test_every_outcome_has_its_row_with_its_magic_number() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for number, outcome in MAGIC_NUMBERS.items():
        assert f"| `{number}` | {outcome} | {OUTCOMES[outcome]} |\n" in text
    assert f"| {', '.join(f'`{number}`' for number in reversed(SEED_NUMBERS))} |" in text


def test_the_page_names_no_switch_and_no_fault_that_is_gone() -> None:
    text = PAGE.read_text(encoding="utf-8")
    switches = {switch.flag for switch in SWITCHES}
    assert set(re.findall(r"^\| `(--[a-z-]+)` \|", text, re.MULTILINE)) == switches
    assert set(
        re.findall(r"^\| `([\w-]+)` \| (?:create|update|get|list|send|reports|logs)[ ,]", text, re.MULTILINE)
    ) == set(KINDS)
    own = {"--sandbox", "--port", "--world", "--api-key", "--fault", "--kind", "--yes", "--push-secret"}
    own |= {"--channel", "--outcome", "--status", "--error", "--after", "--price"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= switches | own
    assert set(re.findall(r"--fault (?:create|update|get|list|send|reports|logs|any):([\w-]+)", text)) <= {
        *KINDS,
        "409",
    }


def test_every_command_of_the_page_that_stands_alone_runs(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines share one world, as they do for a reader; a sandbox that is served has tests of its own."""
    found = re.findall(r"^\$ (?:(OMNICTL_\w+)=(\S+) )?omnictl (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    alone = [each for each in found if not each[2].startswith("sandbox serve") and each[2] != "apply"]
    (project / "scenarios").mkdir()
    (project / "scenarios" / "a.yaml").write_text("name: A\nflow: [{channel: SMS}]\n", encoding="utf-8")
    assert len(alone) >= 4
    for name, value, line in alone:
        if name:
            monkeypatch.setenv(name, value)
        code = omnictl(*line.split()).code
        assert code == (3 if line == "apply --sandbox" else 0), line


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.flag)
def test_every_switch_is_taken_with_each_of_its_values(switch: Switch, project: Path) -> None:
    for value in switch.choices or ("2",):
        ran = omnictl("sandbox", "behave", switch.flag, str(value))
        assert ran.code == 0, ran.err
        assert any(line.split()[:1] == [switch.flag] for line in ran.out.splitlines())
