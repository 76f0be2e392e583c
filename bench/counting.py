"""A proxy that counts what is sent to a server on its way: requests of HTTP, or statements of PostgreSQL."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from io import BufferedReader
from threading import Thread

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
_NO_STARTUP = (80877103, 80877104)
"""What a client of PostgreSQL asks before it begins: for TLS, for encryption by Kerberos."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request: when it began to arrive (seconds), how it begins, and the bytes of its body or its values."""

    at: float
    beginning: bytes
    size: int


Relay = Callable[[BufferedReader, socket.socket, Callable[[Sent], None]], None]


@dataclass
class Counter:
    """A proxy on a port of its own; ``sent`` is what passed through, in its order."""

    to: int
    relay: Relay
    sent: list[Sent] = field(default_factory=list)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=128))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def serve(self) -> None:
        """Take connections until it is ended."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to))
            Thread(target=self._forth, args=(client, server), daemon=True).start()
            Thread(target=_back, args=(server, client), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError, EOFError), client.makefile("rb") as incoming:
            self.relay(incoming, server, self.sent.append)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _back(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while part := server.recv(65536):
            client.sendall(part)
    for each in (client, server):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


def relay_http(incoming: BufferedReader, server: socket.socket, note: Callable[[Sent], None]) -> None:
    """Pass requests of HTTP/1.1 on. ``beginning`` is the first line and the first bytes of the body."""
    while line := incoming.readline():
        at, head = time.monotonic(), line
        while head[-4:] != b"\r\n\r\n":
            head += _some(incoming.readline())
        server.sendall(head)
        beginning, size = line, 0
        for part in _chunks(incoming, server) if _CHUNKED.search(head) else _whole(incoming, server, head):
            beginning, size = (beginning + part)[:4096], size + len(part)
        note(Sent(at, beginning, size))


def _whole(incoming: BufferedReader, server: socket.socket, head: bytes) -> Iterator[bytes]:
    length = _LENGTH.search(head)
    left = int(length[1]) if length else 0
    while left:
        part = _some(incoming.read1(min(left, 65536)))
        server.sendall(part)
        left -= len(part)
        yield part


def _chunks(incoming: BufferedReader, server: socket.socket) -> Iterator[bytes]:
    size = -1
    while size:
        line = _some(incoming.readline())
        size = int(line.partition(b";")[0], 16)
        part = incoming.read(size + 2)
        server.sendall(line + part)
        yield part[:size]


def relay_postgres(incoming: BufferedReader, server: socket.socket, note: Callable[[Sent], None]) -> None:
    """Pass messages of PostgreSQL's protocol on. A statement is noted with its values, and counted with both."""
    code = _NO_STARTUP[0]
    while code in _NO_STARTUP:
        size = _some(incoming.read(4))
        rest = _some(incoming.read(int.from_bytes(size) - 4))
        server.sendall(size + rest)
        code = int.from_bytes(rest[:4])
    statement = b""
    while head := incoming.read(5):
        at = time.monotonic()
        content = incoming.read(int.from_bytes(head[1:]) - 4)
        server.sendall(head + content)
        if head[:1] in (b"P", b"Q"):
            statement = content
        if head[:1] in (b"B", b"Q"):
            note(Sent(at, statement[:4096], len(content) + (len(statement) if head[:1] == b"B" else 0)))


def _some(part: bytes) -> bytes:
    if not part:
        raise EOFError
    return part


@contextmanager
def counted(port: int, relay: Relay = relay_http) -> Iterator[Counter]:
    """Stand before a port of this machine."""
    counter = Counter(port, relay)
    thread = Thread(target=partial(counter.serve), daemon=True)
    thread.start()
    try:
        yield counter
    finally:
        counter.end()
        thread.join()
