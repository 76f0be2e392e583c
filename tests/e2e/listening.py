"""``omnictl reports listen`` as a process, and whoever pushes to it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.e2e.processes import OMNICTL, start

JSON = {"Content-Type": "application/json"}
LAUNCHER = (sys.executable, "-c")


@contextmanager
def listening(
    *words: str, command: Sequence[str] = OMNICTL, sandbox: bool = True
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Begin to listen; yields the process and the address for pushes."""
    given = ("reports", "listen", *(["--sandbox"] if sandbox else []), *words)
    process = start(*given, command=command)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)["listening"] if line.startswith("{") else line.strip()
    finally:
        process.kill()
        process.communicate()


def push(url: str, body: bytes, **headers: str) -> int:
    """Push a body; return the status of the answer."""
    return httpx.post(url, content=body, headers={**JSON, **headers}, timeout=30).status_code


def kept_ids(path: Path) -> list[str]:
    """Return the ids of the reports of a ledger."""
    from omnictl.ledger.sqlite import SqliteLedger

    ledger = SqliteLedger(path, environment="test", must_exist=True)
    try:
        return [each.row.report.message_id for each in ledger.list_reports()]
    finally:
        ledger.close()
