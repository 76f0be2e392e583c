"""``make bench``: every figure as a ratio to a ruler of the same run, with its goal. Nothing fails here.

``BENCH`` may name groups of rows: start, ten, thousands, stores; without one all are measured. ``quick`` takes less.
"""

import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.measure import Ratio, Run, compare, run_once, say, spread
from bench.project import ENVIRON, OMNICTL, PYTHON, Bench, Server, served
from bench.stores import bench_stores

GROUPS = ("start", "ten", "thousands", "stores")
CLICK_APP = """
import click
@click.group(invoke_without_command=True)
@click.version_option("1")
@click.pass_context
def cli(ctx):
    click.echo(ctx.get_help())
cli()
"""


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


def bench_ten(parent: Path, server: Server, times: int) -> None:
    """A small project."""
    bench = Bench.make(parent, 10, server, times=2 * times)
    bench_files(bench, None)
    bench_plan(bench, None, most_megabytes=45.0)
    bench_plan(bench, 2.6, latency=0.05)
    bench_short_apply(bench, 0.0)
    bench_short_apply(bench, 0.05)


def bench_thousands(parent: Path, server: Server, times: int, *, quick: bool) -> None:
    """A large project, and unless it has to be quick a very large one."""
    bench = Bench.make(parent, 1_000, server, times=times)
    bench_files(bench, 2.5)
    bench_plan(bench, None, exists=False)
    bench_plan(bench, 3.2)
    bench_plan(bench, None, latency=0.05)
    bench_drift(bench)
    bench_short_apply(bench, 0.0)
    cost = bench_cost(bench, 1.3)
    bench_apply(bench, 10, 1.15)
    bench_apply(Bench.make(parent, 1_000, server, workers=32, times=times), 32, 1.35)
    if not quick:
        bench_ten_thousand(parent, server, cost, times)


def main() -> None:
    """Measure everything, or the groups that are named; with ``quick``, less of it."""
    words = set(sys.argv[1:])
    unknown = words - {"quick", *GROUPS}
    if unknown:
        sys.exit(f"bench takes quick and groups of rows ({', '.join(GROUPS)}), not {', '.join(sorted(unknown))}")
    quick, groups = "quick" in words, (words - {"quick"}) or set(GROUPS)
    times = 3 if quick else 5
    parent = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with served() as server:
            if "start" in groups:
                bench_start(4 * times)
            if "ten" in groups:
                bench_ten(parent, server, times)
            if "thousands" in groups:
                bench_thousands(parent, server, times, quick=quick)
            if "stores" in groups:
                bench_stores(parent, server, creates=100 if quick else 1_000)
    finally:
        shutil.rmtree(parent, ignore_errors=True)


if __name__ == "__main__":
    main()
