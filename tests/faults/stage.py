"""Where a run lives and dies: a launcher of processes, a sandbox served by one of them, a project on disk."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.faults.points import Death

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 90.0
SETTLE_SECONDS = 1.0
_KEY_SAID = re.compile(r" key +(\S+) has key (\S+)$", re.MULTILINE)


class Forked:
    """A process of the launcher. It is told to end when this is closed, unless it is a run."""

    def __init__(self, path: str, order: Mapping[str, Any]) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(2 * LONGEST_SECONDS)
        self._connection.connect(path)
        self._connection.sendall(json.dumps(order).encode() + b"\n")
        self._lines = self._connection.makefile()

    def hear(self) -> dict[str, Any]:
        """Wait for its next answer, and return it."""
        return dict(json.loads(self._lines.readline()))

    def close(self) -> None:
        """Hear nothing any more."""
        self._lines.close()
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts processes that have imported everything already."""

    path: str

    def start(self, **order: Any) -> Forked:
        """Start a process."""
        return Forked(self.path, order)


@contextmanager
def launching() -> Iterator[Launcher]:
    """A launcher that ends with the context."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        path = f"{folder}/launcher"
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.launcher", path],
            cwd=ROOT,
            env={name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield Launcher(path)
        finally:
            process.stdin.close()
            process.wait(LONGEST_SECONDS)
            process.stdout.close()


@dataclass(frozen=True, slots=True)
class Service:
    """A sandbox in a process that survives the kills."""

    url: str

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        """Send a request as somebody else would; returns the document of the reply."""
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.url}/{path}", body, {"Authorization": "App k"}, method=method)
        with urllib.request.urlopen(request, timeout=LONGEST_SECONDS) as reply:
            return json.load(reply)

    def behave(self, **switches: Any) -> None:
        """Set switches."""
        self.ask("PATCH", "sandbox/behaviour", switches)

    def fail(self, *faults: str) -> None:
        """Add faults."""
        self.ask("POST", "sandbox/faults", list(faults))

    def be_kind(self) -> None:
        """No faults any more, no lag, a list that stands still; what the service is like otherwise stays."""
        self.ask("DELETE", "sandbox/faults")
        self.behave(latency_seconds=0.0, list_lag_seconds=0.0, list_order="created", throttle="off")

    def plant(self, name: str, sender: str = "Theirs") -> str:
        """Create a scenario as somebody else would; returns its key."""
        body = {"name": name, "flow": [{"channel": "SMS", "from": sender}]}
        return str(self.ask("POST", "sandbox/scenarios", body)["key"])

    def scenarios(self) -> list[dict[str, Any]]:
        """Return what the account holds, in the order of creation, without faults and without lag."""
        self.be_kind()
        self.behave(page_limit=0)
        return list(self.ask("GET", "omni/1/scenarios?limit=100&page=0")["scenarios"])

    def count(self, operation: str) -> int:
        """Return how many requests of a kind there were."""
        return int(self.ask("GET", "sandbox/status")["requests"].get(operation, 0))

    @property
    def writes(self) -> int:
        """How many creates and updates there were that were not surely refused."""
        requests = self.ask("GET", "sandbox/requests")["requests"]
        return sum(each["operation"] in ("create", "update") and not 400 <= each["status"] < 500 for each in requests)


@contextmanager
def served(launcher: Launcher) -> Iterator[Service]:
    """A sandbox with an empty account."""
    with closing(launcher.start(what="serve")) as sandbox:
        yield Service(sandbox.hear()["url"])


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended; ``code`` is -9 where it was killed. ``said`` are the keys that it told, by id."""

    code: int
    out: str
    err: str
    counts: Mapping[str, int]

    @property
    def died(self) -> bool:
        """Whether the run was killed."""
        return self.code == -9

    @property
    def said(self) -> list[tuple[str, str]]:
        """The keys that were told as they came, with their ids."""
        return _KEY_SAID.findall(self.err)


@dataclass
class Project:
    """A project on disk whose API is a served sandbox, and all that its runs said.

    ``environ`` is added to what runs have around them; ``crowd`` are the arguments of ``join_crowd``, or None.
    """

    root: Path
    launcher: Launcher
    service: Service
    sabotage: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    crowd: Mapping[str, Any] | None = None
    runs: list[Run] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def set_up(self, *, workers: int, **more: str) -> None:
        """Write the settings; ``more`` are those of the environment."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "scenarios").mkdir(exist_ok=True)
        budgets = {name: {"limit": 100_000, "window_seconds": 1} for name in ("create", "update")}
        environment = {"workers": workers, "settle_seconds": SETTLE_SECONDS, "budgets": budgets, **more}
        guards = {"mass_change_share": 1.0, "mass_change_count": 1000}
        settings = {"version": 1, "guards": guards, "environments": {"default": environment}}
        (self.root / "omnictl.yaml").write_text(json.dumps(settings))

    def write(self, scenario_id: str, name: str, *, last: str = "", **more: Any) -> None:
        """Write the file of a scenario; ``last`` is the channel of one more step."""
        flow = [{"channel": "VIBER", "from": "Acme"}, {"channel": "SMS", "from": "InfoSMS"}]
        flow += [{"channel": last}] if last else []
        document = {"id": scenario_id, "name": name, "flow": flow, **more}
        (self.root / "scenarios" / f"{scenario_id}.json").write_text(json.dumps(document))

    def remove(self, scenario_id: str) -> None:
        """Delete the file of a scenario."""
        (self.root / "scenarios" / f"{scenario_id}.json").unlink()

    def omnictl(self, *arguments: str, death: Death | None = None, watched: bool = False) -> Run:
        """Run omnictl in a process of its own, to its end or to its death."""
        return self.start(*arguments, death=death, watched=watched).end()

    def start(self, *arguments: str, death: Death | None = None, watched: bool = False) -> "Running":
        """Begin to run omnictl in a process of its own."""
        number = next(self._numbers)
        out, err, counts = (self.root.parent / f"{self.root.name}-{number}.{kind}" for kind in ("out", "err", "counts"))
        process = self.launcher.start(
            what="run",
            argv=arguments,
            cwd=str(self.root),
            environ=self._environ(),
            death=[death.point, death.at, death.way] if death else None,
            watched=watched or death is not None,
            out=str(out),
            err=str(err),
            counts=str(counts) if watched else "",
            sabotage=self.sabotage,
            crowd=self.crowd,
            seconds=LONGEST_SECONDS,
        )
        return Running(self, arguments, process, process.hear()["pid"], out, err, counts)

    def _environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.root.parent),
            "PATH": "",
            "LANG": "C.UTF-8",
            "INFOBIP_BASE_URL": self.service.url,
            "INFOBIP_API_KEY": "k",
            "OMNICTL_TIMEOUT": "3",
            **self.environ,
        }

    @property
    def state(self) -> dict[str, Any]:
        """The state as it is stored, or an empty one."""
        path = self.root / "state/default.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def keys(self) -> dict[str, str]:
        """Return the recorded key of each id."""
        return {name: record["key"] for name, record in self.state.get("records", {}).items()}

    def remembered(self) -> set[str]:
        """Return every key that the state remembers, of records and of tombstones."""
        return {*self.keys().values(), *(each["key"] for each in self.state.get("tombstones", ()))}

    def kept_keys(self) -> set[str]:
        """Return every key in the state and in its kept versions."""
        texts = [path.read_text() for path in (self.root / ".omnictl/backups").rglob("*.json")]
        return self.remembered() | {each for text in texts for each in re.findall(r'"key": "([^"]+)"', text)}

    def litter(self) -> list[str]:
        """Return temporary files that nobody will use."""
        return [str(each.relative_to(self.root)) for each in self.root.rglob("*.tmp")]


@dataclass(frozen=True, slots=True)
class Running:
    """A run that has begun. ``pid`` is the number of its process."""

    project: Project
    arguments: Sequence[str]
    process: Forked
    pid: int
    out: Path
    err: Path
    counts: Path

    def end(self) -> Run:
        """Wait for its end or its death; the project remembers what it said."""
        with closing(self.process) as process:
            answer = process.hear()
        assert not answer["hung"], f"omnictl {' '.join(self.arguments)} hangs: {self.err.read_text()}"
        found = json.loads(self.counts.read_text()) if self.counts.exists() else {}
        run = Run(answer["code"], self.out.read_text(), self.err.read_text(), found)
        self.project.runs.append(run)
        return run


def tell(runs: Sequence[Run]) -> str:
    """Return what runs said, for a failed test."""
    return "\n".join(f"--- run {n}: {run.code}\n{run.out}{run.err}" for n, run in enumerate(runs))
