"""What stands between a client and PostgreSQL in a network: cuts, silence, and poolers."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread


@dataclass
class Proxy:
    """A proxy on a port of its own. ``at_commit`` is what happens to the next COMMIT, once: ``lose the answer``,
    ``lose the order`` or ``say nothing``. ``pid``: what it says the process of the server is, as a pooler does."""

    to: int
    at_commit: str = ""
    pid: int | None = None
    commits: int = 0
    is_silent: bool = False
    refuses: bool = False
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """End all connections at once."""
        for each in self._open:
            _end(each)
        self._open.clear()

    def end(self) -> None:
        """Stop."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses:
                _end(client)
                continue
            server = socket.create_connection(("127.0.0.1", self.to))
            self._open += [client, server]
            answers = Event()
            answers.set()
            Thread(target=self._forth, args=(client, server, answers), daemon=True).start()
            Thread(target=self._back, args=(client, server, answers), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket, answers: Event) -> None:
        """Client to server."""
        with suppress(OSError):
            while part := client.recv(65536):
                while self.is_silent:
                    Event().wait(0.05)
                if b"COMMIT\0" in part:
                    self.commits += 1
                    what, self.at_commit = self.at_commit, ""
                    if what == "lose the order":
                        break
                    if what:
                        answers.clear()
                        server.sendall(part)
                        Event().wait(0.3)  # it has happened by then
                        if what == "lose the answer":
                            break
                        continue
                server.sendall(part)
        _end(client)
        _end(server)

    def _back(self, client: socket.socket, server: socket.socket, answers: Event) -> None:
        """Server to client."""
        with suppress(OSError):
            while part := server.recv(65536):
                while self.is_silent:
                    Event().wait(0.05)
                if not answers.is_set():
                    continue
                at = part.find(b"K\0\0\0\x0c")
                if self.pid is not None and at >= 0:
                    part = part[: at + 5] + struct.pack(">i", self.pid) + part[at + 9 :]
                client.sendall(part)
        if answers.is_set():
            _end(client)
        _end(server)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    """A proxy to a port of this machine."""
    proxy = Proxy(port)
    thread = Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.is_silent = False
        proxy.end()
        thread.join()
