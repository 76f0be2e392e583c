"""A pytest plugin: the tests are collected once, and run once to learn what they reach; then a fork for each mutant."""

import gc
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

from tools.mutant_bounds import confine

MEMORY_BYTES = 4 << 30
CPU_SECONDS_AT_LEAST = 5


class Trials:
    """What becomes of each mutant: "tests" or "time-out" where it is dead, "survive" where no test minds."""

    def __init__(self, mutants: Sequence[tuple[str, str, tuple[str, ...]]], ends: float) -> None:
        self.verdicts: dict[str, str] = {}
        self._mutants = mutants
        self._ends = ends
        self._reaching: defaultdict[str, list[pytest.Item]] = defaultdict(list)
        self._seconds: dict[str, float] = {}
        self._cpu_seconds: dict[str, float] = {}
        self._failed = False
        self._parent = os.getpid()

    @property
    def is_broken(self) -> bool:
        """Whether a test failed without any mutant."""
        return self._failed

    def pytest_collection(self) -> None:
        """Let hypothesis try few examples, and not look for a shorter one where one fails."""
        from hypothesis import Phase, settings  # not before pytest rewrites it

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", max_examples=25, phases=phases, deadline=None, derandomize=True)
        settings.load_profile("mutants")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say which test fails, unless a mutant made it."""
        self._failed = self._failed or report.failed
        if report.failed and os.getpid() == self._parent:
            print(report.nodeid, report.longreprtext, sep="\n", file=sys.stderr)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every mutant instead of running the tests."""
        if session.testsfailed:
            return False
        self._learn(session.items)
        if self._failed:
            return True
        for paths in sorted({each[2] for each in self._mutants}):
            tests = [each for each in session.items if each.nodeid.startswith(paths)]
            if self._try(session, "", tests) != "survive":
                print(f"without any mutant, but bound to a folder, one of {', '.join(paths)} fails", file=sys.stderr)
                self._failed = True
                return True
        for number, (key, function, paths) in enumerate(self._mutants):
            if time.monotonic() > self._ends:
                break
            tests = [each for each in self._reaching[function] if each.nodeid.startswith(paths)]
            own = f"/test_{function.split('.')[2]}"
            tests.sort(key=lambda each: (own not in each.nodeid, self._seconds[each.nodeid], each.nodeid))
            self.verdicts[key] = self._try(session, key, tests) if tests else "survive"
            if number % 50 == 49:
                print(f"\r{number + 1} of {len(self._mutants)}", end="", file=sys.stderr, flush=True)
        return True

    def _learn(self, items: Sequence[pytest.Item]) -> None:
        """Run every test once without a mutant."""
        set_mutant_under_test("stats")
        for item, following in zip(items, [*items[1:], None], strict=True):
            state()._stats.clear()  # noqa: SLF001
            began, used = time.monotonic(), time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self._seconds[item.nodeid] = time.monotonic() - began
            self._cpu_seconds[item.nodeid] = time.process_time() - used
            for function in state()._stats:  # noqa: SLF001
                self._reaching[function].append(item)
        set_mutant_under_test("")
        _forget_results()
        gc.collect()
        gc.freeze()  # a child that collects would copy all of it

    def _try(self, session: pytest.Session, key: str, tests: Sequence[pytest.Item]) -> str:
        folder = tempfile.mkdtemp(prefix="mutant-")
        seconds = math.ceil(CPU_SECONDS_AT_LEAST + 3 * sum(self._cpu_seconds[each.nodeid] for each in tests))
        child = os.fork()
        if child == 0:
            self._be_mutant(session.config, key, tests, folder, seconds)
        _, status = os.waitpid(child, 0)
        shutil.rmtree(folder, ignore_errors=True)
        if os.WIFSIGNALED(status):
            return "time-out" if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL) else "tests"
        return "tests" if os.WEXITSTATUS(status) else "survive"

    def _be_mutant(self, config: Any, key: str, tests: Sequence[pytest.Item], folder: str, seconds: int) -> None:
        """Run the tests in this child until one fails, and end with 0 if none does."""
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, 12 * seconds)
            config._tmp_path_factory._basetemp = Path(folder).resolve()  # noqa: SLF001
            tempfile.tempdir = folder
            confine(Path(folder))
            set_mutant_under_test(key)
            os.environ.pop("MUTANT_UNDER_TEST", None)  # what a test starts is whole
            for item, following in zip(tests, [*tests[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self._failed:
                    os._exit(1)
            os._exit(0)
        except BaseException:  # noqa: BLE001
            os._exit(1)


def _forget_results() -> None:
    """Empty the caches of our functions: they hold what the code answered before it was broken."""
    for name, module in tuple(sys.modules.items()):
        if name.startswith("omnictl"):
            for each in vars(module).values():
                if callable(clear := getattr(each, "cache_clear", None)):
                    clear()
