"""A server of forks: everything is imported once, and each run of omnictl, or of a sandbox, is a process of its own.

``python -m tests.faults.launcher SOCKET`` serves until its stdin ends. A connection is one process: the order comes as
a line of JSON, the answer goes back as one; a run's number comes before it, in a line of its own.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import omnictl
from omnictl.cli.boundary import run
from omnictl.cli.main import cli, main
from omnictl.sandbox.app import Sandbox
from omnictl.sandbox.server import serve
from omnictl.sandbox.store import World
from tests.faults.joining import join_crowd
from tests.faults.points import Death, Points, Way, write_counts
from tests.faults.sabotage import SABOTAGES
from tests.served import served

_POLL_SECONDS = 0.002


def serve_forks(path: str) -> None:
    """Fork a process for each connection, until stdin ends."""
    _import_everything()
    _warm_up()
    gc.freeze()  # what is never looked at stays shared
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(128)
        print("ready", flush=True)
        while True:
            readable, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in readable:
                return
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _answer(connection)
            connection.close()


def _import_everything() -> None:
    for each in pkgutil.walk_packages(omnictl.__path__, "omnictl."):
        if each.name != "omnictl.__main__":
            importlib.import_module(each.name)


def _warm_up() -> None:
    """Do the main job once here, so that whatever is made once is made; no thread of it is left."""
    here, environ = Path.cwd(), dict(os.environ)
    with tempfile.TemporaryDirectory() as folder, served(World(None)) as url, open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.chdir(folder)
        (Path(folder) / "scenarios").mkdir()
        (Path(folder) / "scenarios/a.json").write_text('{"id": "a", "name": "A", "flow": [{"channel": "SMS"}]}')
        os.environ.update(INFOBIP_BASE_URL=url, INFOBIP_API_KEY="k", OMNICTL_SETTLE="0")
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            codes = [run(cli, arguments) for arguments in (["apply", "--yes"], ["apply", "--yes"], ["plan"])]
        os.chdir(here)
    assert codes == [0, 0, 0], codes
    os.environ.clear()
    os.environ.update(environ)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    for each in threading.enumerate():
        if each is not threading.main_thread():
            each.join(5.0)
    assert threading.active_count() == 1, "a thread does not come along with a fork"


def _answer(connection: socket.socket) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection:
        order = json.loads(connection.makefile().readline())
        if order["what"] == "serve":
            _serve_sandbox(connection)
        else:
            _wait_for(_fork_run(order), connection, order["seconds"])
    os._exit(0)


def _serve_sandbox(connection: socket.socket) -> None:
    """Serve a sandbox until the connection is closed."""
    stop = threading.Event()

    def tell(url: str) -> None:
        connection.sendall(json.dumps({"url": url}).encode() + b"\n")

    def wait() -> None:
        connection.recv(1)
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    serve(Sandbox(World(None)), "127.0.0.1", 0, on_ready=tell, stop=stop)


def _wait_for(process: int, connection: socket.socket, seconds: float) -> None:
    """Tell the number of the run, and how it ended; one that takes too long is killed and counts as hung."""
    until, hung = time.monotonic() + seconds, False
    _send(connection, {"pid": process})
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > until and not hung:
            hung = True
            os.kill(process, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    _send(connection, {"code": os.waitstatus_to_exitcode(status), "hung": hung})


def _send(connection: socket.socket, answer: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(answer).encode() + b"\n")


def _fork_run(order: dict[str, Any]) -> int:
    process = os.fork()
    if process == 0:
        try:
            _run(order)
        finally:
            os._exit(99)
    return process


def _run(order: dict[str, Any]) -> NoReturn:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environ"])
    _point_streams(Path(order["out"]), Path(order["err"]))
    death = Death(order["death"][0], order["death"][1], Way(order["death"][2])) if order["death"] else None
    points = Points(Path(order["cwd"]), death)
    if order["watched"]:
        points.install()
    if order["crowd"]:
        join_crowd(**order["crowd"])
    if order["sabotage"]:
        SABOTAGES[order["sabotage"]]()  # a broken omnictl does not come to the points that it leaves out
    try:
        main(order["argv"])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 98
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if order["counts"]:
        write_counts(points, Path(order["counts"]))
    os._exit(code)


def _point_streams(out: Path, err: Path) -> None:
    with out.open("wb") as one, err.open("wb") as two, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(one.fileno(), 1)
        os.dup2(two.fileno(), 2)
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    serve_forks(sys.argv[1])
