"""Servers of other people's making, started once for all workers of a test session, and ended with it.

The keeper is a process of its own: it starts the server, writes what it says of itself into a file, watches the session
and ends the server when the session is gone, however it ended.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from random import Random

import pytest
from filelock import FileLock

START_SECONDS = 60.0
_KEEPERS: list["subprocess.Popen[bytes]"] = []
ROOT = Path(__file__).parents[3]


def get_server(request: pytest.FixtureRequest, kind: str) -> Mapping[str, str]:
    """Return what a shared server says of itself, started where it does not run. Skips with the reason it gives.

    ``kind`` names a function ``start(directory)`` of a module, ``module:function``; see ``keep``.
    """
    factory = request.getfixturevalue("tmp_path_factory")
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    base = factory.getbasetemp()
    place = (base.parent if is_worker else base) / f"server-{kind.replace(':', '-')}"
    with FileLock(f"{place}.lock"):
        told = Path(f"{place}.json")
        if not told.exists():
            session = os.getppid() if is_worker else os.getpid()
            argv = [sys.executable, "-m", "tests.contract.backends.keeper", kind, str(place), str(session)]
            with Path(f"{place}.log").open("wb") as log:
                _KEEPERS.append(subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log, start_new_session=True))
            until = time.monotonic() + START_SECONDS
            while not told.exists():
                assert _KEEPERS[-1].poll() is None, Path(f"{place}.log").read_text()
                assert time.monotonic() < until, Path(f"{place}.log").read_text()
                time.sleep(0.05)
        answer: dict[str, str] = json.loads(told.read_text())
    if "skip" in answer:
        pytest.skip(answer["skip"])
    return answer


def find_ports(number: int, *, beside: Sequence[int] = (0,)) -> list[int]:
    """Return free ports of this machine in a row; each is free at all these distances too."""
    random = Random()
    for _ in range(200):
        first = random.randrange(20_000, 22_700)  # with their distances below what the system gives to clients
        if all(_is_free(first + n + distance) for n in range(number) for distance in beside):
            return [first + n for n in range(number)]
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def ended_on_failure(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """End a server that does not come to serve."""
    try:
        yield
    except BaseException:
        process.kill()
        process.wait()
        raise


def wait_for_port(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when somebody listens there."""
    until = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "the server has ended"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert time.monotonic() < until, "the server does not listen"
        time.sleep(0.05)


def keep(kind: str, place: Path, session: int) -> None:
    """Start a server by ``start(directory) -> (process or None, what it says of itself)``, and end it in time.

    What it ``leaves`` behind elsewhere, separated by colons, is removed.
    """
    module, _, function = kind.partition(":")
    directory = Path(f"{place}.data")
    directory.mkdir(exist_ok=True)
    process, answer = getattr(import_module(module), function)(directory)
    try:
        fresh = Path(f"{place}.new")
        fresh.write_text(json.dumps(answer))
        fresh.rename(f"{place}.json")
        while process is not None and process.poll() is None and _lives(session):
            time.sleep(0.2)
    finally:
        if process is not None:
            process.kill()
            process.wait()
        shutil.rmtree(directory, ignore_errors=True)
        for path in filter(None, answer.get("leaves", "").split(":")):
            Path(path).unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
