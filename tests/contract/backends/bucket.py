"""A small bucket over HTTP, in memory: as much of S3, and of the XML API of Google's storage, as a state needs.

Conditions are kept under one lock. In a test it can be told to fail, or to overlook conditions as old software does;
as a process (``python -m tests.contract.backends.bucket PORT``) it stands in for Google's storage.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Event, Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

Fault = str
"""What happens to a request.

``cut before``, ``cut after``: no answer, and the request is not, or is, carried out; ``slow before``, ``slow after``:
the answer never comes; ``NNN before``, ``NNN after``: this status in its place.
"""


@dataclass
class Object:
    content: bytes
    generation: int
    written_at: float

    @property
    def headers(self) -> dict[str, str]:
        return {
            "ETag": f'"{hashlib.md5(self.content).hexdigest()}"',
            "x-goog-generation": str(self.generation),
            "Last-Modified": formatdate(self.written_at, usegmt=True),
        }


@dataclass
class Bucket:
    """All objects, and what is to go wrong: ``decide`` is asked for each request, with its method and its key."""

    objects: dict[str, Object] = field(default_factory=dict)
    decide: Callable[[str, str], Fault | None] = lambda method, key: None
    overlooks: tuple[str, ...] = ()
    names_versions: bool = True
    says_why: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    released: Event = field(default_factory=Event)
    _generation: int = 1000

    def put(self, key: str, content: bytes, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        found = self.objects.get(key)
        if not self._allows(found, headers):
            return 412, error("PreconditionFailed", "At least one of the pre-conditions did not hold"), {}
        self._generation += 1
        self.objects[key] = Object(content, self._generation, time.time())
        return 200, b"", self.objects[key].headers

    def _allows(self, found: Object | None, headers: dict[str, str]) -> bool:
        etag = found.headers["ETag"] if found else None
        generation = headers.get("x-goog-if-generation-match")
        if generation is not None and int(generation) != (found.generation if found else 0):
            return "create" in self.overlooks if generation == "0" else "update" in self.overlooks
        if headers.get("if-none-match") == "*" and found is not None:
            return "create" in self.overlooks
        if "if-match" in headers and headers["if-match"] != etag:
            return "update" in self.overlooks
        return True

    def list(self, prefix: str) -> bytes:
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>"
            f"{time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime(each.written_at))}</LastModified>"
            f"<ETag>{escape(each.headers['ETag'])}</ETag><Size>{len(each.content)}</Size></Contents>"
            for key, each in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return (
            f"<?xml version='1.0'?><ListBucketResult><Name>omni</Name><Prefix>{escape(prefix)}</Prefix>"
            f"<IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        ).encode()


def error(code: str, message: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def answer(self) -> None:
        parts = urlsplit(self.path)
        name, _, key = unquote(parts.path).removeprefix("/").partition("/")
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.bucket.released.is_set():  # the server is gone, and so are the connections that were kept open
            self.close_connection = True
            return None
        self.bucket.requests.append((self.command, key))
        self.bucket.authorizations.append(self.headers.get("Authorization") or "")
        moment, fault = "", self.bucket.decide(self.command, key)
        if fault is not None:
            fault, _, moment = fault.partition(" ")
        if moment == "before":
            return self.fail(fault or "")
        if name != "omni":
            return self.send(404, error("NoSuchBucket", "The specified bucket does not exist"))
        with self.bucket.lock:
            status, body, headers = self.carry_out(key, content, parts.query)
        if not self.bucket.names_versions:
            headers = {"Last-Modified": headers["Last-Modified"]} if headers else {}
        if fault is not None:
            return self.fail(fault)
        return self.send(status, body, headers)

    def fail(self, fault: Fault) -> None:
        if fault == "slow":
            self.bucket.released.wait(60)
        if fault in ("cut", "slow"):
            self.close_connection = True
            return
        self.send(int(fault), error("Fault", self.bucket.says_why))

    def carry_out(self, key: str, content: bytes, query: str) -> tuple[int, bytes, dict[str, str]]:
        if self.command == "PUT":
            return self.bucket.put(key, content, {name.lower(): value for name, value in self.headers.items()})
        if self.command == "GET" and not key:
            return 200, self.bucket.list(parse_qs(query).get("prefix", [""])[0]), {}
        found = self.bucket.objects.get(key)
        if found is None:
            return 404, error("NoSuchKey", "The specified key does not exist."), {}
        if self.command == "DELETE":
            del self.bucket.objects[key]
            return 204, b"", {}
        return 200, found.content, found.headers

    def send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_DELETE = answer  # noqa: N815


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what is tested."""


def make_server(bucket: Bucket, port: int = 0) -> Server:
    return Server(("127.0.0.1", port), type("OneBucket", (Handler,), {"bucket": bucket}))


@contextmanager
def served_bucket(bucket: Bucket, context: SSLContext | None = None) -> Iterator[str]:
    """Serve a bucket in this process, over TLS where there is a context; yields its endpoint."""
    server = make_server(bucket)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_address[1]}"
    finally:
        bucket.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    make_server(Bucket(), int(sys.argv[1])).serve_forever()
