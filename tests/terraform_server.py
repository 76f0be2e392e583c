"""A server of Terraform's HTTP protocol for tests: plain, and as GitLab does it; proven with Terraform itself.

Below ``/api/v4/projects/ID/terraform/state/NAME`` it keeps GitLab's rules, elsewhere the plain ones. Run it as a
process (``python tests/terraform_server.py [AUTHORIZATION]``, its port is its first line), or in a thread with faults.
"""

import base64
import hashlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_GITLAB = re.compile(r"(/api/v4/projects/[^/]+/terraform/state/[^/]+)(/lock|/versions/(\d+))?", re.ASCII)
_FIELDS = ("ID", "Operation", "Info", "Who", "Version", "Created", "Path")

Said = tuple[int, bytes]


@dataclass
class Record:
    """A state of GitLab's kind: its versions by serial, and its lock."""

    versions: dict[int, bytes] = field(default_factory=dict)
    lock: dict[str, str] | None = None


@dataclass
class Book:
    """All that the server remembers. ``writes`` are the bodies that were stored, in their order."""

    plain: dict[str, bytes] = field(default_factory=dict)
    locks: dict[str, bytes] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    writes: list[bytes] = field(default_factory=list)
    mutex: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, lock_id: str | None, body: bytes) -> Said:
        """Do what a request asks for; one at a time."""
        with self.mutex:
            found = _GITLAB.fullmatch(path)
            if found is None:
                return self._answer_plainly(method, path, lock_id, body)
            return self._answer_as_gitlab(method, found[1], found[2] or "", found[3], lock_id, body)

    # --- the plain protocol ----------------------------------------------------------------------------------

    def _answer_plainly(self, method: str, path: str, lock_id: str | None, body: bytes) -> Said:
        held = self.locks.get(path)
        if method == "LOCK":
            if held is not None:
                return 423, held
            self.locks[path] = body
            return 200, b""
        if method == "UNLOCK":
            if held is not None and _id_of(body) not in (None, _id_of(held)):  # Terraform's force-unlock names none
                return 409, held
            self.locks.pop(path, None)
            return 200, b""
        if method == "GET":
            return (200, self.plain[path]) if path in self.plain else (404, b"")
        if method == "POST":
            if (None if held is None else _id_of(held)) != lock_id:
                return (409, b"") if held is None else (423, held)
            self.plain[path] = body
            self.writes.append(body)
            return 200, b""
        if method == "DELETE":
            self.plain.pop(path, None)
            return 200, b""
        return 405, b""

    # --- GitLab ----------------------------------------------------------------------------------------------

    def _answer_as_gitlab(
        self, method: str, name: str, below: str, serial: str | None, lock_id: str | None, body: bytes
    ) -> Said:
        if "/projects/0/" in name:
            return 404, b'{"message":"404 Project Not Found"}'
        record = self.records.get(name)
        if below == "/lock":
            return self._lock_as_gitlab(method, name, lock_id, body)
        if method == "GET":
            return self._read_as_gitlab(record, serial)
        if method == "POST":
            if not body:
                return 204, b""
            record = self.records.setdefault(name, Record())
            if (record.lock or {}).get("ID") != lock_id:
                return 409, b'{"message":"409 Conflict"}'
            number = _serial_of(body)
            if number is None or number in record.versions:
                return 422, b'{"message":"422 Unprocessable entity - Serial has already been taken"}'
            record.versions[number] = body
            self.writes.append(body)
            return 200, b""
        if method == "DELETE":
            self.records.pop(name, None)
            return 200, b""
        return 405, b""

    def _read_as_gitlab(self, record: Record | None, serial: str | None) -> Said:
        if record is None:
            return 404, b'{"message":"404 Not found"}'
        if serial is not None:
            kept = record.versions.get(int(serial))
            return (404, b'{"message":"404 Not found"}') if kept is None else (200, kept)
        return (200, record.versions[max(record.versions)]) if record.versions else (204, b"")

    def _lock_as_gitlab(self, method: str, name: str, lock_id: str | None, body: bytes) -> Said:
        asked = _fields_of(body)
        lock_id = asked.get("ID", lock_id)
        if method == "DELETE":
            record = self.records.setdefault(name, Record())
            if lock_id is not None and lock_id != (record.lock or {}).get("ID", ""):
                return 409, b""
            record.lock = None
            return 200, b""
        if method != "POST":
            return 405, b""
        if any(each not in asked for each in _FIELDS) or not 0 < len(asked["ID"]) <= 255:
            return 400, b'{"error":"ID, Operation, Info, Who, Version, Created, Path are missing"}'
        record = self.records.setdefault(name, Record())
        status = 200 if record.lock is None else 409
        if record.lock is None:
            created = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
            record.lock = {"ID": asked["ID"], "Who": "a-user", "Created": created}
        told = {each: asked[each] for each in ("Operation", "Info", "Version", "Path")} | record.lock
        return status, json.dumps(told).encode()


def _fields_of(body: bytes) -> dict[str, str]:
    try:
        found: Any = json.loads(body)
    except ValueError:
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


def _id_of(body: bytes) -> str | None:
    return _fields_of(body).get("ID")


def _serial_of(body: bytes) -> int | None:
    try:
        found: Any = json.loads(body)
    except ValueError:
        return None
    serial = found.get("serial") if isinstance(found, dict) else None
    return serial if isinstance(serial, int) else None


@dataclass
class Fault:
    """What goes wrong with a request of a method: before or after it is done. ``status`` 0 cuts the connection,
    ``seconds`` passes first; ``body`` is what is answered."""

    method: str
    status: int = 0
    is_done: bool = True
    seconds: float = 0.0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    """Answers on a free port of this machine. ``authorization``: the only one that is let in."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, authorization: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.book = Book()
        self.faults: list[Fault] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.authorization = authorization

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def answer(self) -> None:
        """Answer, or fail as told."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, query = self.path.partition("?")[::2]
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        lock_id = parse_qs(query).get("ID", [None])[0]
        fault = next((each for each in self.server.faults if each.method == self.command), None)
        if fault is not None:
            self.server.faults.remove(fault)
        if self.server.authorization is not None and self.headers.get("Authorization") != self.server.authorization:
            self._say(401, b'{"message":"401 Unauthorized"}')
            return
        digest = self.headers.get("Content-MD5")
        if digest is not None and digest != base64.b64encode(hashlib.md5(body).digest()).decode():
            self._say(400, b"Content-MD5")
            return
        status, said = 0, b""
        if fault is None or fault.is_done:
            status, said = self.server.book.answer(self.command, _plain_path(path), lock_id, body)
        if fault is None:
            self._say(status, said)
            return
        time.sleep(fault.seconds)
        if fault.status:
            self._say(fault.status, fault.body, fault.headers)
        else:
            self.close_connection = True

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if status != 204 else b"")


for _method in ("GET", "POST", "PUT", "DELETE", "LOCK", "UNLOCK"):
    setattr(Handler, f"do_{_method}", Handler.answer)


def _plain_path(path: str) -> str:
    return urlsplit(path).path if "%" not in path else unquote(path.replace("%2F", "%252F"))


@contextmanager
def serving(authorization: str | None = None) -> Iterator[Server]:
    """Serve in a thread of this process."""
    with Server(authorization) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _end_with_stdin() -> None:
    """End when whoever started this process is gone."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    with Server(sys.argv[1] if len(sys.argv) > 1 else None) as made:
        print(made.server_address[1], flush=True)
        made.serve_forever()
