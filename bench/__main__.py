"""``make bench``: every figure as a ratio to a ruler of the same run, with its goal. Nothing fails here."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from bench.measure import Ratio, Run, compare, run_once

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable
OMNICTL = [str(Path(PYTHON).with_name("omnictl"))]
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
SETTINGS = """\
version: 1
environments:
  bench:
    workers: {workers}
    settle_seconds: 0
    budgets:
      create: {{limit: 1000000, window_seconds: 1}}
      update: {{limit: 1000000, window_seconds: 1}}
"""
CLICK_APP = """
import click
@click.group(invoke_without_command=True)
@click.version_option("1")
@click.pass_context
def cli(ctx):
    click.echo(ctx.get_help())
cli()
"""


class Server:
    """The bare server, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{self._out.readline().strip()}"

    @property
    def _out(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def tell(self, **command: Any) -> dict[str, Any]:
        """Control the server; returns what it counted."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._out.readline())
        return answer


@contextmanager
def served() -> Iterator[Server]:
    """Serve on a free port."""
    command = [PYTHON, "-m", "bench.server"]
    with subprocess.Popen(
        command, cwd=ROOT, env=ENVIRON, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Server(process)
        assert process.stdin is not None
        process.stdin.close()


@dataclass(frozen=True, slots=True)
class Bench:
    """One project of N scenarios and a server."""

    directory: Path
    number: int
    server: Server
    times: int

    @classmethod
    def make(cls, parent: Path, number: int, server: Server, *, workers: int = 10, times: int = 5) -> "Bench":
        """Write the files of a project."""
        directory = parent / f"{number}-{workers}"
        (directory / "scenarios").mkdir(parents=True)
        (directory / "omnictl.yaml").write_text(SETTINGS.format(workers=workers))
        for each in range(number):
            text = f"id: s-{each:05d}\nname: Scenario number {each}\nflow:\n  - channel: VKONTAKTE\n"
            (directory / "scenarios" / f"s-{each:05d}.yaml").write_text(f"{text}  - channel: SMS\n    from: InfoSMS\n")
        return cls(directory, number, server, times)

    def omnictl(self, *arguments: str) -> Run:
        """Run omnictl in the project."""
        environ = {**ENVIRON, "INFOBIP_BASE_URL": self.server.url, "INFOBIP_API_KEY": "key"}
        return run_once([*OMNICTL, *arguments], cwd=str(self.directory), environ=environ)

    def ruler(self, name: str, *arguments: str) -> Run:
        """Run a ruler."""
        return run_once([PYTHON, "-m", f"bench.{name}", *arguments], cwd=str(ROOT), environ=ENVIRON)

    @property
    def scenarios(self) -> str:
        """Where the files are."""
        return str(self.directory / "scenarios")

    @property
    def state(self) -> str:
        """Where the state is; "-" while there is none."""
        path = self.directory / "state" / "bench.json"
        return str(path) if path.exists() else "-"

    def plan_against(self, ruler: str) -> tuple[Ratio, list[Run]]:
        """Compare a plan with a ruler's."""
        arguments = ("plan", self.scenarios, self.server.url, self.state)
        ratio, mine, _ = compare(lambda: self.omnictl("plan"), lambda: self.ruler(ruler, *arguments), self.times)
        return ratio, mine

    def forget(self) -> None:
        """Begin anew: an empty account and no state."""
        self.server.tell(fill=0)
        for name in ("state", ".omnictl"):
            shutil.rmtree(self.directory / name, ignore_errors=True)

    def apply(self) -> Run:
        """Create everything."""
        self.forget()
        return self.omnictl("apply", "--yes", "--quiet")

    def apply_ruler(self, name: str, in_flight: int) -> Run:
        """Let a ruler create everything."""
        self.server.tell(fill=0)
        return self.ruler(name, "apply", self.scenarios, self.server.url, str(in_flight))


def say(what: str, ratio: Ratio, goal: float | None, *, unit: str = "x") -> None:
    """Write one row."""
    said = "" if goal is None else f"  goal {goal:.2f}  {'met' if ratio.median <= goal else 'MISSED'}"
    print(f"{what:<58} {ratio.median:7.2f} {unit} ({ratio.least:.2f} to {ratio.most:.2f}){said}", flush=True)


def spread(values: list[float]) -> Ratio:
    """Return the least, the median and the most."""
    return Ratio(min(values), statistics.median(values), max(values))


def bench_start(times: int) -> None:
    """How long nothing takes."""

    def bare(*command: str) -> Callable[[], Run]:
        return lambda: run_once(command, cwd="/", environ=ENVIRON)

    for option in ("--help", "--version"):
        ratio, _, _ = compare(bare(*OMNICTL, option), bare(PYTHON, "-c", "pass"), times)
        say(f"{option} over bare Python", ratio, 5.5)
        ratio, _, _ = compare(bare(*OMNICTL, option), bare(PYTHON, "-c", CLICK_APP, option), times)
        say(f"{option} over a bare click app", ratio, 1.25)


def bench_files(bench: Bench, goal: float | None) -> None:
    """Validate."""
    for ruler, limit in (("raw", goal), ("tuned", None), ("plain", None)):
        arguments = (ruler, "validate", bench.scenarios)
        ratio, _, _ = compare(lambda: bench.omnictl("validate"), lambda a=arguments: bench.ruler(*a), bench.times)  # type: ignore[misc]
        say(f"N = {bench.number}: validate over {ruler}", ratio, limit)


def bench_plan(
    bench: Bench, goal: float | None, *, latency: float = 0.0, most_megabytes: float | None = None, exists: bool = True
) -> None:
    """Plan against an account that has everything already, or nothing."""
    bench.server.tell(latency=0)
    bench.apply() if exists else bench.forget()
    bench.server.tell(latency=latency)
    what = f"N = {bench.number}, {round(latency * 1000)} ms: plan, {'nothing to do' if exists else 'nothing exists'}"
    runs: list[Run] = []
    for ruler, limit in (("raw", goal), ("tuned", None), ("plain", None)):
        ratio, runs = bench.plan_against(ruler)
        say(f"{what}, over {ruler}", ratio, limit)
    say(f"{what}: memory", spread([each.megabytes for each in runs]), most_megabytes, unit="MB")


def bench_drift(bench: Bench) -> None:
    """A plan with one in a hundred changed, over one without."""
    bench.server.tell(latency=0)
    unchanged = [bench.omnictl("plan") for _ in range(bench.times + 1)][1:]
    bench.server.tell(drift=bench.number // 100)
    drifted = [bench.omnictl("plan") for _ in range(bench.times + 1)][1:]
    ratios = [one.wall / other.wall for one, other in zip(drifted, unchanged, strict=True)]
    say(f"N = {bench.number}: plan with 1 % drift over unchanged", spread(ratios), 1.15)


def bench_apply(bench: Bench, in_flight: int, goal: float) -> None:
    """Creates over a slow line, against what the line alone takes."""
    bench.server.tell(latency=0.05)
    limit = bench.number * 0.05 / in_flight
    runs = [bench.apply() for _ in range(bench.times)]
    say(
        f"N = {bench.number}, 50 ms, {in_flight} in flight: apply over N * latency / in flight",
        spread([each.wall / limit for each in runs]),
        goal,
    )
    counted = bench.server.tell(stats=True)
    print(f"    requests {counted['requests']}, most in flight {counted['most_in_flight']}")
    for ruler in ("raw", "tuned", "plain"):
        ratios = [bench.apply_ruler(ruler, in_flight).wall / limit for _ in range(max(1, bench.times // 2))]
        say(f"    the same, {ruler}", spread(ratios), None)


def bench_short_apply(bench: Bench, latency: float) -> None:
    """An apply against the rulers, where what the line alone takes is no measure: few creates, or no latency."""
    bench.server.tell(latency=latency)
    for ruler in ("raw", "tuned", "plain"):
        ratio, _, _ = compare(bench.apply, lambda r=ruler: bench.apply_ruler(r, 10), bench.times)  # type: ignore[misc]
        say(f"N = {bench.number}, {latency * 1000:.0f} ms: apply over {ruler}", ratio, None)


def bench_cost(bench: Bench, goal: float | None) -> float:
    """What a create costs the client: milliseconds of the processor, over those of a plan."""
    bench.server.tell(latency=0)
    applied = [bench.apply() for _ in range(bench.times)]
    planned = [bench.omnictl("plan") for _ in range(bench.times)]
    costs = [(one.cpu - other.cpu) / bench.number * 1000 for one, other in zip(applied, planned, strict=True)]
    say(f"N = {bench.number}: processor time of a create", spread(costs), goal, unit="ms")
    return statistics.median(costs)


def say_growth(what: str, small: float, large: float) -> None:
    """Write how much more one scenario costs among ten thousand than among a thousand: 1 is linear."""
    say(f"{what}: one of 10,000 over one of 1,000", Ratio(large / small, large / small, large / small), 1.25)


def bench_ten_thousand(parent: Path, server: Server, cost_of_a_create: float, times: int) -> None:
    """The same with ten thousand, and how the costs have grown."""
    bench = Bench.make(parent, 10_000, server, times=times)
    bench_files(bench, 2.5)
    bench_plan(bench, 2.2, most_megabytes=110.0)
    bench_plan(bench, None, latency=0.05)
    bench_drift(bench)
    once = replace(bench, times=1)
    say_growth("processor time of a create", cost_of_a_create, bench_cost(once, None))
    bench_apply(once, 10, 1.15)


def main() -> None:
    """Measure everything; with ``quick``, less of it."""
    quick = "quick" in sys.argv[1:]
    times = 3 if quick else 5
    parent = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with served() as server:
            bench_start(4 * times)
            ten = Bench.make(parent, 10, server, times=2 * times)
            thousand = Bench.make(parent, 1_000, server, times=times)
            bench_files(ten, None)
            bench_plan(ten, None, most_megabytes=45.0)
            bench_plan(ten, 2.6, latency=0.05)
            bench_short_apply(ten, 0.0)
            bench_short_apply(ten, 0.05)
            bench_files(thousand, 2.5)
            bench_plan(thousand, None, exists=False)
            bench_plan(thousand, 3.2)
            bench_plan(thousand, None, latency=0.05)
            bench_drift(thousand)
            bench_short_apply(thousand, 0.0)
            cost = bench_cost(thousand, 1.3)
            bench_apply(thousand, 10, 1.15)
            bench_apply(Bench.make(parent, 1_000, server, workers=32, times=times), 32, 1.35)
            if not quick:
                bench_ten_thousand(parent, server, cost, times)
    finally:
        shutil.rmtree(parent, ignore_errors=True)


if __name__ == "__main__":
    main()
