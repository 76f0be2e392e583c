"""Comparing output with the files in expected/; ``make golden`` writes them anew, and the diff is to be read."""

import os
from pathlib import Path

EXPECTED = Path(__file__).parent / "expected"


def check_golden(name: str, text: str) -> None:
    """Compare a text with its golden file."""
    path = EXPECTED / name
    if os.environ.get("OMNICTL_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.exists(), f"{name} is missing; write it with make golden"
    assert text == path.read_text(encoding="utf-8"), f"{name} differs; if that is right: make golden"
