"""A project of N scenarios, the server that it is applied to, and omnictl and the rulers run in it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    environ: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = tuple(OMNICTL)

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
        environ = {**ENVIRON, "INFOBIP_BASE_URL": self.server.url, "INFOBIP_API_KEY": "key", **self.environ}
        return run_once([*self.command, *arguments], cwd=str(self.directory), environ=environ)

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
