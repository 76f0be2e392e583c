"""git over smart HTTP on a free port: ``git http-backend`` behind the web server of the standard library.

It can be unkind: ``fault`` is asked before each push, and says what becomes of it.
"""

import base64
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

USER, PASSWORD = "robot", "c4nary-pass-word"


class Fault(StrEnum):
    """What becomes of a push."""

    NONE = "none"
    CUT_BEFORE = "the connection is cut before it arrives"
    CUT_AFTER = "it arrives, and the connection is cut before the answer"
    ERROR_BEFORE = "503, and nothing was done"
    ERROR_AFTER = "it is done, and the answer is 502"
    SILENT_AFTER = "it is done, and no answer comes"
    LATE = "it is done a second after the connection was cut"


def make_repository(path: Path) -> Path:
    """Make a bare repository that takes pushes over HTTP, and that looks closely at what it gets, as hosts do."""
    surroundings = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    for command in (
        ["init", "-q", "--bare", str(path)],
        ["--git-dir", str(path), "config", "http.receivepack", "true"],
    ):
        subprocess.run(["git", *command], check=True, env=surroundings, timeout=30)
    return path


def askpass_environ(directory: Path, password: str = PASSWORD) -> dict[str, str]:
    """Return the variables by which git asks a program for user and password."""
    path = directory / "askpass"
    path.write_text('#!/bin/sh\ncase "$1" in Username*) echo "$ASK_USER";; *) echo "$ASK_PASSWORD";; esac\n')
    path.chmod(0o700)
    return {"GIT_ASKPASS": str(path), "ASK_USER": USER, "ASK_PASSWORD": password}


class GitServer(ThreadingHTTPServer):
    """Serves the repositories of a directory. ``silent_seconds`` is how long it says nothing."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, root: Path, *, has_password: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.root = root
        self.has_password = has_password
        self.fault: Callable[[], Fault] = lambda: Fault.NONE
        self.silent_seconds = 60.0
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a client went away."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: GitServer

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self._read_body()
        if self.server.has_password and self.headers.get("Authorization") != _basic(PASSWORD):
            self._send(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
            return
        fault = Fault.NONE
        if self.path.endswith("/git-receive-pack"):
            fault = self.server.fault()
        if fault is Fault.CUT_BEFORE:
            self._cut()
        elif fault is Fault.ERROR_BEFORE:
            self._send(503, [], b"busy")
        elif fault is Fault.LATE:
            self._cut()
            time.sleep(1.0)
            self._call(body)
        else:
            self._answer_truly(body, fault)

    def _answer_truly(self, body: bytes, fault: Fault) -> None:
        code, headers, content = self._call(body)
        if fault is Fault.CUT_AFTER:
            self._cut()
        elif fault is Fault.ERROR_AFTER:
            self._send(502, [], b"bad gateway")
        elif fault is Fault.SILENT_AFTER:
            self.server.closing.wait(self.server.silent_seconds)
            self._cut()
        else:
            self._send(code, headers, content)

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _call(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        path, _, query = self.path.partition("?")
        surroundings = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": USER,
            "REMOTE_ADDR": "127.0.0.1",
        }
        for header, name in (("Content-Encoding", "HTTP_CONTENT_ENCODING"), ("Git-Protocol", "GIT_PROTOCOL")):
            if self.headers.get(header):
                surroundings[name] = self.headers[header]
        ran = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=surroundings, timeout=60)
        head, _, content = ran.stdout.partition(b"\r\n\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in head.decode().split("\r\n"))]
        code = next((int(value[:3]) for name, value in headers if name == "Status"), 200)
        return code, [each for each in headers if each[0] != "Status"], content

    def _send(self, code: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(2)


def _basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()


@contextmanager
def git_over_http(root: Path, *, has_password: bool = False) -> Iterator[GitServer]:
    """Serve the repositories below a directory."""
    server = GitServer(root, has_password=has_password)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
