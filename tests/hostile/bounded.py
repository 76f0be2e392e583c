"""Runs each hostile case in a process of its own that may have only so much memory and time; one line a case.

Started by test_bounds as a process without threads, which forks. A line has the name of the case, the exit code (a
signal is negative), and the peak of the memory in megabytes.
"""

import os
import resource
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from omnictl.cli.boundary import run
from omnictl.cli.main import cli
from tests.hostile.cases import COUNTS, GOOD, MESSAGES, SCENARIOS, SETTINGS, STATES, Case

SPARE_MEMORY = 768 * 1024 * 1024
"""How much more address space a run may take than the process that starts it has; what is used is far less."""

PROCESSOR_SECONDS = 60

PARTS = 3

SANDBOX_STATE = ".omnictl/sandbox/default/state.json"


def projects() -> list[tuple[str, Case, str, list[str]]]:
    """Return each case with the file that it is, and the command that reads it."""
    return [
        *((f"scenario {each.name}", each, f"scenarios/a.{each.ending}", ["validate"]) for each in SCENARIOS),
        *((f"message {each.name}", each, path, ["validate", path]) for each, path in messages()),
        *((f"settings {each.name}", each, "omnictl.yaml", ["validate"]) for each in SETTINGS),
        *((f"state {each.name}", each, "state/default.json", ["state", "list"]) for each in STATES),
        *((f"state {each.name}", each, SANDBOX_STATE, ["plan", "--sandbox"]) for each in COUNTS),
    ]


def messages() -> list[tuple[Case, str]]:
    """Return each message file with its path."""
    return [(each, f"scenarios/x.message.{each.ending}") for each in MESSAGES]


def run_bounded(case: Case, path: str, command: list[str]) -> None:
    """Run a command on a project with the case, within the bounds; ends the process."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for each in ("scenarios", "state", str(Path(SANDBOX_STATE).parent)):
            Path(each).mkdir(parents=True)
        Path("omnictl.yaml").write_text(f"version: 1\nvariables: {{x: {'y' * 100}}}\n")
        if not path.startswith("scenarios/a."):
            Path("scenarios/a.yaml").write_text(GOOD)
        Path(path).write_bytes(case.content)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + SPARE_MEMORY,) * 2)
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS,) * 2)
        with Path(os.devnull).open("w") as nowhere:
            for stream in (1, 2):
                os.dup2(nowhere.fileno(), stream)
        code = run(cli, command)
        os.chdir("/")
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(code)


def part(number: int) -> list[tuple[str, Case, str, list[str]]]:
    """Return every third case, from the one of a number on: three tests have them side by side."""
    return projects()[number::PARTS]


def main() -> None:
    """Run the cases of a part."""
    for name, case, path, command in part(int(sys.argv[1])):
        child = os.fork()
        if child == 0:
            run_bounded(case, path, command)
        _, status, usage = os.wait4(child, 0)
        print(f"{name}\t{os.waitstatus_to_exitcode(status)}\t{usage.ru_maxrss // 1024}", flush=True)


if __name__ == "__main__":
    main()
