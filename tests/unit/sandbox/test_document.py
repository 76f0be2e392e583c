"""docs/sandbox.md names every switch, fault and endpoint, with the words of the code."""

from pathlib import Path

from omnictl.sandbox.behaviour import SWITCHES
from omnictl.sandbox.control import _ENDPOINTS, PREFIX
from omnictl.sandbox.faults import KINDS

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
