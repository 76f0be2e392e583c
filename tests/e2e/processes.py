"""omnictl as a process of its own beside an account that survives it: begun, waited for, ended, and begun again."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from omnictl.sandbox.store import World
from tests.e2e.running import omnictl

OMNICTL = (sys.executable, "-m", "omnictl")
BOUND_SECONDS = 40.0
"""How long anything may take before a test says that it hangs."""


def declare(project: Path, number: int) -> None:
    """Write so many scenarios."""
    (project / "scenarios").mkdir(exist_ok=True)
    for each in range(number):
        (project / "scenarios" / f"s-{each}.yaml").write_text(f"name: S {each}\nflow: [{{channel: SMS}}]\n")


def start(*words: str, command: Sequence[str] = OMNICTL, **more: Any) -> subprocess.Popen[str]:
    """Begin a run without a terminal; all that it says can be read."""
    given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **more}
    process: subprocess.Popen[str] = subprocess.Popen([*command, *words], **given)
    return process


def wait_for(condition: Callable[[], object]) -> None:
    """Return when a condition holds; fail where it never does."""
    until = time.monotonic() + BOUND_SECONDS
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Read stderr up to the line with these words; return what was read."""
    assert process.stderr is not None
    read = []
    for line in process.stderr:
        read.append(line)
        if words in line:
            return "".join(read)
    raise AssertionError("".join(read))


def end(process: subprocess.Popen[str], *numbers: signal.Signals) -> tuple[int, str, str]:
    """Send signals, and return the exit code as a shell sees it, and what was said."""
    for number in numbers:
        process.send_signal(number)
    out, err = process.communicate(timeout=BOUND_SECONDS)
    code = process.returncode
    return (128 - code if code < 0 else code), out, err


def assert_whole(project: Path, world: World, number: int, *, state: str = "state/default.json") -> None:
    """Apply until it is done: every scenario is there once, the state holds every key, and nothing is left to do."""
    for _ in range(5):
        ran = omnictl("apply", "--yes", "--lock-timeout", "20s")
        if ran.code == 0:
            break
    assert ran.code == 0, ran.err
    document = json.loads((project / state).read_text())
    keys = sorted(record["key"] for record in document["records"].values())
    assert keys == sorted(row.key for row in world.list_all())
    assert len(keys) == number
    assert not document.get("intents")
    assert omnictl("plan", "--detailed-exitcode").code == 0
