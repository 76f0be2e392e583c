"""Credentials go to the account alone: not where a redirect leads, not to a proxy, not where a pull request says."""

import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from tests.e2e.canaries import account, find
from tests.e2e.running import omnictl

KEY = "canary-0123456789abcdef-key"
HOST = "x.api.infobip.com"


@pytest.fixture(autouse=True)
def declared(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One scenario to create, a key, and no patience."""
    (project / "scenarios").mkdir()
    (project / "scenarios" / "a.yaml").write_text("name: A\nflow: [{channel: SMS}]\n")
    monkeypatch.setenv("INFOBIP_API_KEY", KEY)
    monkeypatch.setenv("OMNICTL_SETTLE", "0")
    monkeypatch.setattr("omnictl.provider.exchange.MOST_TRIES", 1)


@dataclass
class Listener:
    """A server that keeps every byte that it was sent, and answers with a redirect or as an empty account."""

    url: str = ""
    location: str = ""
    only: str = "GET POST PUT"
    heard: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that it was sent."""
        return "\n".join(self.heard)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    listener: Listener

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.listener.heard.append(f"{self.requestline}\n{self.headers}{body}")
        content = b'{"scenarios": []}'
        redirects = self.listener.location and self.command in self.listener.only
        self.send_response(307 if redirects else 200)
        if redirects:
            self.send_header("Location", self.listener.location + self.path)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None: ...


@contextmanager
def listening(authority: trustme.CA | None = None, *names: str) -> Iterator[Listener]:
    """Listen on a free port, behind TLS where there is an authority."""
    made = Listener()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"listener": made})) as server:
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        made.url = f"{'https' if authority else 'http'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def authority(project: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that omnictl is told to believe."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(project / "authority.pem"))
    monkeypatch.setenv("OMNICTL_CA_FILE", "authority.pem")
    return made


@pytest.mark.parametrize(("from_tls", "to_tls"), [(True, True), (True, False), (False, False), (False, True)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_told_and_never_followed(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, from_tls: bool, to_tls: bool, method: str
) -> None:
    """To another port of the same host, which is another server."""
    with listening(authority if from_tls else None) as first, listening(authority if to_tls else None) as second:
        first.location, first.only = second.url, method
        monkeypatch.setenv("INFOBIP_BASE_URL", first.url)
        ran = omnictl("apply", "--yes", "-vv")
    assert second.heard == []
    assert f"points to {second.url}/omni/1/scenarios. omnictl follows no redirect" in " ".join(
        (ran.out + ran.err).split()
    )
    assert (ran.code, "error[redirected]" in ran.err) == ((1, True) if method == "GET" else (4, False))
    assert method in first.text


class _Proxy(socketserver.BaseRequestHandler):
    """A proxy that opens tunnels, to one place whatever it is asked for, and keeps what it can read."""

    heard: list[str]
    target: int
    refusal: str

    def handle(self) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += self.request.recv(65536)
        self.heard.append(asked.decode())
        if self.refusal:
            self.request.sendall(self.refusal.encode())
            return
        with socket.create_connection(("127.0.0.1", self.target)) as onward:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            one = threading.Thread(target=self._pump, args=(self.request, onward), daemon=True)
            one.start()
            self._pump(onward, self.request)
            one.join(5)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while content := source.recv(65536):
                self.heard.append(content.decode("latin-1"))
                sink.sendall(content)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@contextmanager
def proxying(target: int = 0, refusal: str = "") -> Iterator[tuple[int, list[str]]]:
    """Run a proxy; yields its port and what it heard."""
    heard: list[str] = []
    handler = type("Bound", (_Proxy,), {"heard": heard, "target": target, "refusal": refusal})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1], heard
        finally:
            server.shutdown()
            thread.join()


def test_a_proxy_sees_a_host_and_its_own_password_and_the_account_sees_neither(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        listening(authority, HOST) as service,
        proxying(int(service.url.rpartition(":")[2])) as (port, heard),
    ):
        monkeypatch.setenv("INFOBIP_BASE_URL", f"https://{HOST}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:proxy-canary@127.0.0.1:{port}")
        ran = omnictl("plan", "-vv")
    assert ran.code == 0, ran.err
    assert heard[0].startswith(f"CONNECT {HOST}:443 ")
    assert "proxy-authorization: basic" in heard[0].lower()
    assert find("\n".join(heard), [KEY]) == []
    assert f"Authorization: App {KEY}" in service.text
    assert "proxy-authorization" not in service.text.lower()
    assert find(ran.out + ran.err, [KEY, "proxy-canary"]) == []


def test_a_proxy_that_echoes_its_password_is_told_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = "HTTP/1.1 407 somebody:proxy-canary is wrong\r\nContent-Length: 0\r\n\r\n"
    with proxying(refusal=refusal) as (port, heard):
        monkeypatch.setenv("INFOBIP_BASE_URL", f"https://{HOST}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:proxy-canary@127.0.0.1:{port}")
        ran = omnictl("plan", "-vv")
    assert (ran.code, "407 [hidden] is wrong" in ran.err) == (1, True)
    assert find(ran.out + ran.err, [KEY, "proxy-canary"]) == []
    assert find("\n".join(heard), [KEY]) == []


def test_a_proxy_that_speaks_no_tls_is_not_taken_for_an_untrusted_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with account() as plain:
        monkeypatch.setenv("INFOBIP_BASE_URL", f"https://{HOST}")
        monkeypatch.setenv("HTTPS_PROXY", plain.url.replace("http:", "https:"))
        ran = omnictl("plan")
    assert (ran.code, plain.asked) == (1, [])
    assert "error[no-encryption]" in ran.err
    assert "HTTPS_PROXY" in ran.err
    assert "OMNICTL_CA_FILE" not in ran.err


def test_a_proxy_with_an_unknown_authority_is_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(trustme.CA(), HOST) as service, proxying(int(service.url.rpartition(":")[2])) as (port, heard):
        monkeypatch.setenv("INFOBIP_BASE_URL", f"https://{HOST}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        ran = omnictl("plan")
    assert (ran.code, service.heard) == (1, [])
    assert "untrusted-certificate" in ran.err
    assert find("\n".join(heard), [KEY]) == []


@pytest.mark.parametrize(
    ("base_url", "code"),
    [
        ("http://{host}:{port}", "untrusted-host"),
        ("https://{host}:{port}", "untrusted-host"),
        ("https://api.infobip.com.{host}:{port}", "untrusted-host"),
        ("https://x.api.infobip.com@{host}:{port}", "secret-in-file"),
        ("https://{host}:{port}#.api.infobip.com", "malformed-base-url"),
        ("https://{host}:{port}?.api.infobip.com", "malformed-base-url"),
        ("https://{host}:{port}\\\\.api.infobip.com", "malformed-base-url"),
        ("http://x.api.infobip.com:{port}", "insecure-base-url"),
    ],
)
@pytest.mark.parametrize("command", [("plan",), ("doctor",), ("apply", "--yes")], ids=" ".join)
def test_a_base_url_from_a_pull_request_gets_no_key(
    project: Path, monkeypatch: pytest.MonkeyPatch, base_url: str, code: str, command: tuple[str, ...]
) -> None:
    """Every name leads to a server that would listen, as it would where somebody else owns the host."""
    resolve = socket.getaddrinfo
    with listening() as service:
        port = int(service.url.rpartition(":")[2])
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: resolve("127.0.0.1", *rest, **more))
        url = base_url.format(host="attacker.example", port=port)
        (project / "omnictl.yaml").write_text(f'version: 1\nenvironments: {{test: {{base_url: "{url}"}}}}\n')
        monkeypatch.setenv("INFOBIP_BASE_URL", f"https://{HOST}")
        ran = omnictl(*command)
    assert ran.code in (1, 5)
    assert f"error[{code}]" in ran.err
    assert service.heard == []
    assert find(ran.out + ran.err, [KEY]) == []


@pytest.mark.parametrize("allowed", ["", "0", "true", "yes"])
@pytest.mark.parametrize("command", [("plan",), ("doctor",), ("apply", "--yes"), ("validate",)], ids=" ".join)
def test_a_command_from_a_pull_request_does_not_run(
    project: Path, monkeypatch: pytest.MonkeyPatch, allowed: str, command: tuple[str, ...]
) -> None:
    program = f"[{sys.executable}, -c, \"open('ran', 'w')\"]"
    (project / "omnictl.yaml").write_text(
        f"version: 1\nenvironments: {{test: {{credentials: {{command: {program}}}}}}}\n"
    )
    monkeypatch.setenv("INFOBIP_BASE_URL", f"https://{HOST}")
    monkeypatch.setenv("OMNICTL_ALLOW_COMMANDS", allowed)
    ran = omnictl(*command)
    assert not (project / "ran").exists()
    assert (ran.code, "command-not-allowed" in ran.err) == ((0, False) if command == ("validate",) else (5, True))


def test_other_switches_of_tls_do_not_exist(project: Path) -> None:
    for line in ("verify: false", "insecure: true", "verify_tls: false"):
        (project / "omnictl.yaml").write_text(f"version: 1\nenvironments: {{test: {{{line}}}}}\n")
        assert "unknown-key" in omnictl("validate").err
    for option in ("--insecure", "-k", "--no-verify", "--skip-tls-verify"):
        assert omnictl("plan", option).code == 64
