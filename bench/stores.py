"""What an apply costs each kind of state backend: writes of the state, their bytes, and the most in one second.

Counted on the way to the server, or for a file at the port. The servers are those of the tests.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.counting import Counter, Sent, counted, relay_postgres
from bench.measure import Ratio, say
from bench.project import PYTHON, ROOT, Bench, Server
from tests.contract.backends.git_server import askpass_environ, git_over_http, make_repository
from tests.contract.backends.object_servers import (
    AZURE_KEY,
    GOOGLE_KEY,
    KEY_ID,
    SECRET,
    Started,
    start_azurite,
    start_bucket,
    start_weed,
)
from tests.contract.backends.postgres import start_server

_GIT_REF = re.compile(rb"refs/\S*?/(state|lock|history/\S+)\0")
_INSERT = re.compile(rb"INSERT INTO \S*states")
_LOCKS = re.compile(rb"(INSERT INTO|UPDATE|DELETE FROM) \S*locks")
_MOST_A_SECOND = 1.0


class NotHereError(Exception):
    """A kind of store that this machine cannot have; says why."""


@dataclass(frozen=True, slots=True)
class Writes:
    """The writes of one apply: those of the state, and how many of the lock and of kept versions went beside them."""

    state: list[Sent]
    lock: int
    kept: int

    @property
    def most_in_a_second(self) -> int:
        """The most writes of the state that began within one second."""
        times = sorted(each.at for each in self.state)
        return max((sum(1 for at in times if 0.0 <= at - first < 1.0) for first in times), default=0)


@dataclass(frozen=True, slots=True)
class Store:
    """A place for a state: its URL, what omnictl is told of it, and what tells the writes of the last run."""

    url: str
    environ: Mapping[str, str]
    take_writes: Callable[[], Writes]
    command: tuple[str, ...] = ()


Kind = Callable[[Path, ExitStack], Store]


# --- what a request writes --------------------------------------------------------------------------------------


def _of_objects(sent: Sent) -> str:
    method, target = _line_of(sent)
    path = unquote(target.partition("?")[0])
    if method != "PUT":
        return ""
    return "kept" if "/history/" in path else path.rpartition("/")[2].removesuffix(".json")


def _of_terraform(sent: Sent) -> str:
    method, target = _line_of(sent)
    if method in ("LOCK", "UNLOCK") or target.partition("?")[0].endswith("/lock"):
        return "lock"
    return "state" if method == "POST" else ""


def _of_git(sent: Sent) -> str:
    found = _GIT_REF.search(sent.beginning) if b"git-receive-pack" in sent.beginning else None
    return "" if found is None else found[1].decode().replace("history", "kept").partition("/")[0]


def _of_postgres(sent: Sent) -> str:
    if _INSERT.search(sent.beginning):
        return "state"
    return "lock" if _LOCKS.search(sent.beginning) else ""


def _line_of(sent: Sent) -> tuple[str, str]:
    method, target = sent.beginning.partition(b"\r\n")[0].decode("latin-1").split(" ")[:2]
    return method, target


def _take(counter: Counter, part_of: Callable[[Sent], str]) -> Writes:
    found = [(part_of(each), each) for each in counter.sent]
    counter.sent.clear()
    parts = [part for part, _ in found]
    return Writes([each for part, each in found if part == "state"], parts.count("lock"), parts.count("kept"))


# --- the kinds --------------------------------------------------------------------------------------------------


def _local(directory: Path, _: ExitStack) -> Store:
    noted = directory / "noted"

    def take() -> Writes:
        lines = [json.loads(line) for line in noted.read_text().splitlines()]
        noted.unlink()
        return Writes([Sent(at, b"", size) for at, size in lines], 0, 0)

    return Store("", {}, take, (PYTHON, "-m", "bench.noting", str(noted)))


def _objects(
    start: Callable[[Path], Started],
    url: str,
    environ: Mapping[str, str],
    directory: Path,
    stack: ExitStack,
) -> Store:
    with _told_to(directory / "server.log"):
        process, said = start(directory)
    if process is None:
        raise NotHereError(said["skip"])
    stack.callback(_end, process, said)
    endpoint = urlsplit(said["endpoint"])
    counter = stack.enter_context(counted(endpoint.port or 0))
    words = {**said, "endpoint": f"http://127.0.0.1:{counter.port}{endpoint.path}"}
    return Store(url.format(**words), environ, partial(_take, counter, _of_objects))


@contextmanager
def _told_to(log: Path) -> Iterator[None]:
    """Let what is started meanwhile write into a file what it has to say."""
    kept = [os.dup(1), os.dup(2)]
    with log.open("wb") as file:
        for each in (1, 2):
            os.dup2(file.fileno(), each)
    try:
        yield
    finally:
        for each, old in zip((1, 2), kept, strict=True):
            os.dup2(old, each)
            os.close(old)


def _end(process: "subprocess.Popen[bytes]", said: Mapping[str, str]) -> None:
    process.kill()
    process.wait()
    for path in filter(None, said.get("leaves", "").split(":")):
        Path(path).unlink(missing_ok=True)


def _terraform(path: str, _: Path, stack: ExitStack) -> Store:
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "terraform_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    stack.callback(process.kill)
    assert process.stdout is not None
    counter = stack.enter_context(counted(int(process.stdout.readline())))
    return Store(f"http://127.0.0.1:{counter.port}/{path}/", {}, partial(_take, counter, _of_terraform))


def _git(directory: Path, stack: ExitStack) -> Store:
    make_repository(directory / "remote.git")
    server = stack.enter_context(git_over_http(directory, has_password=True))
    counter = stack.enter_context(counted(server.server_address[1]))
    environ = {**askpass_environ(directory), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    return Store(f"git+http://127.0.0.1:{counter.port}/remote.git//", environ, partial(_take, counter, _of_git))


def _postgres(_: Path, stack: ExitStack) -> Store:
    server = start_server()
    if isinstance(server, str):
        raise NotHereError(server)
    stack.callback(server.end)
    counter = stack.enter_context(counted(server.port, relay_postgres))
    url = server.url("", "bench", port=counter.port)
    return Store(url, {}, partial(_take, counter, _of_postgres))


KINDS: dict[str, Kind] = {
    "a file (counted at the port)": _local,
    "s3, SeaweedFS": partial(
        _objects,
        start_weed,
        "s3://omni/bench/?region=us-east-1&endpoint={endpoint}",
        {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET},
    ),
    "gs, our own bucket": partial(
        _objects,
        start_bucket,
        "gs://omni/bench/?endpoint={endpoint}",
        {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(GOOGLE_KEY)},
    ),
    "az, Azurite": partial(
        _objects,
        start_azurite,
        "az://omni/bench/?account={account}&endpoint={endpoint}",
        {"AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY},
    ),
    "postgresql": _postgres,
    "https, Terraform's protocol": partial(_terraform, "states"),
    "https, with GitLab's rules": partial(_terraform, "api/v4/projects/1/terraform/state"),
    "git, over HTTP": _git,
}


# --- the rows ---------------------------------------------------------------------------------------------------


def bench_stores(parent: Path, server: Server, *, creates: int) -> None:
    """Let one apply create everything at 50 ms, ten in flight, with the state in each kind of store."""
    bench = Bench.make(parent / "stores", creates, server)
    server.tell(latency=0.05)
    for name, kind in KINDS.items():
        directory = parent / "stores" / f"of-{len(name)}-{re.sub('[^a-z]', '', name)}"
        directory.mkdir(parents=True)
        with ExitStack() as stack:
            try:
                store = kind(directory, stack)
            except NotHereError as why:
                print(f"state in {name}: not here: {why}", flush=True)
                continue
            _bench_store(bench, name, store)


def _bench_store(bench: Bench, name: str, store: Store) -> None:
    place = {"OMNICTL_STATE": store.url} if store.url else {}
    mine = replace(bench, environ={**store.environ, **place}, command=store.command or bench.command)
    run = mine.apply()
    writes = store.take_writes()
    if not writes.state:
        raise RuntimeError(f"no write of the state in {name} was seen")
    most = float(writes.most_in_a_second)
    goal = _MOST_A_SECOND if store.url else None
    say(f"state in {name}: most writes in a second", Ratio(most, most, most), goal, unit=" ")
    sent, last = sum(each.size for each in writes.state), writes.state[-1].size
    print(
        f"    {bench.number} creates: {len(writes.state)} writes of the state, {sent / 1e6:.2f} MB sent (the last "
        f"{last / 1e6:.2f}); beside them {writes.lock} of the lock, {writes.kept} kept; {run.wall:.1f} s",
        flush=True,
    )
