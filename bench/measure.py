"""Running commands as whole processes, in turn, and comparing them pair by pair: the machine is shared and noisy."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: seconds of the clock and of the processor, peak memory in megabytes."""

    wall: float
    cpu: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """How often longer one command took than another: the smallest, the median and the largest of the pairs."""

    least: float
    median: float
    most: float


def run_once(command: Sequence[str], *, cwd: str, environ: Mapping[str, str]) -> Run:
    """Run a command to its end. Raises RuntimeError where it fails."""
    asked = {"command": list(command), "cwd": cwd, "environ": dict(environ)}
    told = _ask_launcher(json.dumps(asked))
    if told["code"] != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {told['code']}: {told['said']}")
    return Run(told["wall"], told["processor"], told["megabytes"])


@cache
def _start_launcher() -> "subprocess.Popen[str]":
    path = Path(__file__).with_name("launcher.py")
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _ask_launcher(line: str) -> dict[str, Any]:
    launcher = _start_launcher()
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    print(line, file=launcher.stdin, flush=True)
    told: dict[str, Any] = json.loads(launcher.stdout.readline())
    return told


def compare(one: Callable[[], Run], other: Callable[[], Run], times: int) -> tuple[Ratio, list[Run], list[Run]]:
    """Run both in turn, after a warm-up that does not count; the ratio is of the clock, pair by pair."""
    one(), other()
    pairs = [(one(), other()) for _ in range(times)]
    ratios = sorted(mine.wall / theirs.wall for mine, theirs in pairs)
    ratio = Ratio(ratios[0], statistics.median(ratios), ratios[-1])
    return ratio, [mine for mine, _ in pairs], [theirs for _, theirs in pairs]


def say(what: str, ratio: Ratio, goal: float | None, *, unit: str = "x") -> None:
    """Write one row."""
    said = "" if goal is None else f"  goal {goal:.2f}  {'met' if ratio.median <= goal else 'MISSED'}"
    print(f"{what:<58} {ratio.median:7.2f} {unit} ({ratio.least:.2f} to {ratio.most:.2f}){said}", flush=True)


def spread(values: list[float]) -> Ratio:
    """Return the least, the median and the most."""
    return Ratio(min(values), statistics.median(values), max(values))
