"""The picture of the README is what omnictl prints today."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_picture_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, "tools/picture.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "draw it anew with make picture"


def test_the_picture_loads_nothing() -> None:
    text = (ROOT / "docs" / "plan.svg").read_text(encoding="utf-8")
    assert not re.search(r"href|url\(|<script|@import|@font-face", text)
    assert text.count("http") == 1  # the namespace
