"""Canaries: credentials with every awkward sign, an account that echoes them in every way, and a search for them."""

import base64
import html
import json
import re
import threading
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY = 'canary/+"&<key%2F0123456789'
TOKEN = "canary.token/+0123456789-abc"
PASSWORD = 'cänary/+"&<pass word'
USER = "somebody"
PAIR = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
CANARIES = (KEY, TOKEN, PASSWORD, PAIR)
"""Everything that must be seen by the account alone."""

_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_FRAME = re.compile(r"[\s│|┃]+")


def spellings(secret: str) -> set[str]:
    """Return how a secret may be spelled where text is carried around."""
    content = secret.encode()
    quoted = urllib.parse.quote(secret, safe="")
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        quoted,
        re.sub("%..", lambda found: found[0].lower(), quoted),
        urllib.parse.quote_plus(secret),
        base64.b64encode(content).decode().rstrip("="),
        base64.urlsafe_b64encode(content).decode().rstrip("="),
        content.hex(),
    }


def find(text: str, secrets: Iterable[str] = CANARIES) -> list[str]:
    """Return which spellings of which secrets stand in a text, also where lines are broken or a frame is drawn."""
    plain = _TERMINAL.sub("", text)
    joined = _FRAME.sub("", plain)
    return sorted(
        spelled
        for secret in secrets
        for spelled in spellings(secret)
        if spelled in plain or _FRAME.sub("", spelled) in joined
    )


def find_in_files(root: Path, secrets: Iterable[str] = CANARIES) -> dict[str, list[str]]:
    """Return the files below a folder in whose name or content a secret stands."""
    secrets = tuple(secrets)
    found = {}
    for path in root.rglob("*"):
        content = path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else ""
        if spelled := find(f"{path.name}\n{content}", secrets):
            found[str(path)] = spelled
    return found


@dataclass
class Account:
    """An account that answers as told, and what it was asked: method, path, and Authorization."""

    url: str = ""
    answer: str = "scenarios"
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    @property
    def authorizations(self) -> set[str]:
        """The values of Authorization that it has seen."""
        return {each for _, _, each in self.asked}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    account: Account

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._reply()

    def do_PUT(self) -> None:
        self.do_POST()

    def _reply(self) -> None:
        sent = self.headers.get("Authorization", "")
        self.account.asked.append((self.command, self.path, sent))
        self.account.headers.append(dict(self.headers))
        reads_well = self.account.answer.startswith("writes:")
        kind = self.account.answer.removeprefix("writes:")
        if kind == "scenarios" or (reads_well and self.command == "GET"):
            return self._send(200, b'{"scenarios": []}')
        echo = "; ".join(
            (sent, *sorted(s for secret in _secrets_of(sent) for s in spellings(secret)), *_secrets_of(sent))
        )
        if kind == "cut":
            self.close_connection = True
            return None
        if kind == "silent":
            self.account.gate.wait(60)
            self.close_connection = True
            return None
        if kind == "garbage":
            return self._send(200, f"<html>{echo}".encode())
        if kind == "odd-fields":
            return self._send(200, json.dumps({"scenarios": [{"key": [echo]}], "key": [echo]}).encode())
        if kind == "rows":
            status = {"groupName": "PENDING", "name": echo, "description": echo, "action": echo}
            row = {"messageId": echo, "to": echo, "status": status, "text": echo, "callbackData": echo, "from": echo}
            return self._send(200, json.dumps({"results": [row, {echo: [echo]}], "messages": [row]}).encode())
        if kind == "half":
            return self._send(200, f'{{"key": "{echo}'.encode(), length=100_000)
        if kind.startswith("html"):
            return self._send(int(kind[4:]), f"<p>{echo}</p>".encode(), reason=_printable(sent))
        error = {"messageId": _printable(echo), "text": echo, "validationErrors": {echo: [echo]}}
        body = json.dumps({"requestError": {"serviceException": error}}).encode()
        return self._send(int(kind), body, reason=_printable(sent), echo=echo)

    def _send(self, status: int, body: bytes, *, reason: str = "", echo: str = "", length: int | None = None) -> None:
        self.send_response(status, reason or None)
        line = _printable(echo)
        for name, value in (("X-Request-ID", line), ("WWW-Authenticate", line), ("Retry-After", line or "1")):
            self.send_header(name, value)
        if 300 <= status < 400:
            self.send_header(
                "Location", f"http://127.0.0.1:9/{urllib.parse.quote(echo)}?key={urllib.parse.quote(echo)}"
            )
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = length is not None

    def log_message(self, *args: object) -> None: ...


def _secrets_of(sent: str) -> tuple[str, ...]:
    """Return what an Authorization header holds: its value, and of a pair the password."""
    value = sent.partition(" ")[2]
    if not sent.startswith("Basic "):
        return (value,)
    both = base64.b64decode(value).decode()
    return (value, both, both.partition(":")[2])


def _printable(text: str) -> str:
    """Return text as a header or a reason can carry it."""
    return text.encode("ascii", "backslashreplace").decode().replace("\n", " ")[:2000]


@contextmanager
def account(answer: str = "scenarios") -> Iterator[Account]:
    """Serve an account on a free port of this machine."""
    made = Account(answer=answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"account": made})) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.gate.set()
            server.shutdown()
            thread.join()
