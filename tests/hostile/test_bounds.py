"""Whatever a file holds, reading it takes a bounded time and a bounded memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.bounded import PARTS, part

ROOT = Path(__file__).parents[2]
MOST_MEGABYTES = 300
"""Peak of any case; a megabyte of YAML that means nothing takes half of it."""


@pytest.mark.skipif(sys.platform != "linux", reason="the bounds are those of Linux")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(PARTS))
def test_every_case_ends_within_its_memory_and_time(number: int) -> None:
    command = [sys.executable, "-m", "tests.hostile.bounded", str(number)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in ran.stdout.splitlines()]
    assert [name for name, _, _ in rows] == [name for name, *_ in part(number)]
    assert [row for row in rows if row[1] not in ("0", "1")] == []
    assert [row for row in rows if int(row[2]) > MOST_MEGABYTES] == []
