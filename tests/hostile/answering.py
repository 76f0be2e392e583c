"""A server that answers with bytes as they are: the only way to be as wrong as the network can be."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Send = Callable[[socket.socket], None]

KEY = "CC9F01A5DC7BEE2C2B829D203482A654"
ROW = {"key": KEY, "name": "a", "flow": [{"channel": "SMS", "from": "InfoSMS"}], "default": True}


def whole(body: bytes, *headers: str, status: str = "200 OK") -> Send:
    """Answer with a status, more header lines, and a body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def text(document: object, *headers: str, status: str = "200 OK") -> Send:
    """Answer with JSON."""
    return whole(json.dumps(document).encode(), "Content-Type: application/json", *headers, status=status)


def raw(content: bytes) -> Send:
    """Answer with bytes."""
    return lambda connection: connection.sendall(content)


def endless(head: bytes, piece: bytes) -> Send:
    """Answer with a head, then with the same piece for ever."""

    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return send


class Account:
    """Answers every request of a kind with what stands for it, else as an account that has ``rows``."""

    def __init__(self) -> None:
        self.answers: dict[str, Send] = {}
        self.rows: list[dict[str, object]] = []
        self.requests: list[str] = []

    def answer(self, request: bytes) -> Send:
        """Return what a request is answered with; a create is taken, whatever its answer says."""
        head, _, body = request.partition(b"\r\n\r\n")
        method, path = head.decode("latin-1").split(" ")[:2]
        kind = "list" if method == "GET" and "?" in path else {"GET": "get", "POST": "create", "PUT": "update"}[method]
        self.requests.append(kind)
        if kind == "create":
            self.rows.append({"key": f"{len(self.rows) + 1:032X}", "default": not self.rows, **json.loads(body)})
        usual: object = self.rows[-1] if self.rows else {}
        if kind == "list":
            usual = {"scenarios": self.rows if "page=0" in path else []}
        return self.answers.get(kind) or text(usual)


@contextmanager
def answering(account: Account) -> Iterator[str]:
    """Serve an account on a free port of this machine; yields the base URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.2)
    stop = threading.Event()

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(20)
            request = connection.recv(65_536)
            head, _, body = request.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
            )
            while len(body) < length:
                body += connection.recv(65_536)
            account.answer(head + b"\r\n\r\n" + body)(connection)

    def serve() -> None:
        while not stop.is_set():
            with suppress(OSError):
                threading.Thread(target=talk, args=(listening.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stop.set()
        thread.join(5)
        listening.close()
