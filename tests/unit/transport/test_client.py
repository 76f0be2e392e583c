"""The client against a real server on this machine, and against failures made by hand."""

import base64
import contextlib
import http.client
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from omnictl import __version__
from omnictl.errors import AccessError, StoppedError
from omnictl.transport import client as client_module
from omnictl.transport.answer import Lost, Reply, Request, Unsent
from omnictl.transport.client import KEEPALIVE_SECONDS, ClientOptions, HttpClient
from omnictl.transport.credentials import Credentials, Scheme, make_credentials
from omnictl.transport.in_process import make_in_process_transport
from omnictl.transport.trust import BaseUrl, check_base_url

CANARY = "canary-0123456789abcdef-key"
GET = Request("GET", "/omni/1/scenarios", {"limit": "100", "page": "0"})
POST = Request("POST", "/omni/1/scenarios", body=b"{}")


def client(
    handler: Callable[[httpx.Request], httpx.Response] | httpx.BaseTransport | None = None,
    base_url: str = "https://x.api.infobip.com",
    *,
    options: ClientOptions | None = None,
    credentials: Credentials | None = None,
    clock: Callable[[], float] = monotonic,
) -> HttpClient:
    """Return a client over a function, a transport, or the network."""
    given = options or ClientOptions(workers=4)
    transport = handler if isinstance(handler, httpx.BaseTransport | None) else httpx.MockTransport(handler)
    made = ClientOptions(
        given.workers, given.timeout_seconds, given.ca_file, given.read_only, given.longest_reply_bytes, transport
    )
    return HttpClient(
        check_base_url(base_url), credentials or make_credentials(CANARY, source="the test"), made, monotonic=clock
    )


class Handler(BaseHTTPRequestHandler):
    """Answers as the path says and remembers what it was asked."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], bytes]]

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        if "cut" in self.path:
            self.close_connection = True
            return
        if "half" in self.path:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            self.close_connection = True
            return
        self.send_response(302 if "redirect" in self.path else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "session=stolen; Path=/")
        self.send_header("X-Request-ID", "r-1")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def server() -> Iterator[tuple[str, list[tuple[str, str, dict[str, str], bytes]]]]:
    """Serve on a free port; yields the base URL and what was asked."""
    seen: list[tuple[str, str, dict[str, str], bytes]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"seen": seen})) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_address[1]}", seen
        finally:
            httpd.shutdown()
            thread.join()


def test_a_request_is_sent_as_it_should_be() -> None:
    with server() as (url, seen):
        it = client(base_url=f"{url}//prefix//")
        reply = it.send(POST)
        assert isinstance(reply, Reply)
        assert (reply.status, reply.body, reply.headers["x-request-id"]) == (200, b"{}", "r-1")
        it.send(GET)
        it.close()
    (method, path, headers, body), second = seen
    assert (method, path, body) == ("POST", "/prefix/omni/1/scenarios", b"{}")
    assert second[1] == "/prefix/omni/1/scenarios?limit=100&page=0"
    assert headers["Authorization"] == f"App {CANARY}"
    assert headers["User-Agent"] == f"omnictl/{__version__}"
    assert headers["Accept"] == headers["Content-Type"] == "application/json"
    assert "Content-Type" not in second[2]
    assert "Cookie" not in second[2]


def test_a_redirect_is_an_answer_and_never_followed() -> None:
    with server() as (url, seen):
        it = client(base_url=f"{url}/redirect")
        reply = it.send(GET)
        it.close()
    assert isinstance(reply, Reply)
    assert reply.status == 302
    assert len(seen) == 1


@pytest.mark.parametrize("path", ["/cut", "/half"])
def test_a_cut_connection_is_lost_or_flawed(path: str) -> None:
    with server() as (url, seen):
        it = client(base_url=f"{url}{path}")
        answer = it.send(POST)
        it.close()
    assert len(seen) == 1
    if path == "/cut":
        assert isinstance(answer, Lost)
    else:
        assert isinstance(answer, Reply)
        assert (answer.body, answer.flaw[:24]) == (b"", "the answer was cut short")


def test_no_server_is_surely_unsent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        it = client(base_url=f"http://127.0.0.1:{free.getsockname()[1]}")
        answer = it.send(POST)
        it.close()
    assert isinstance(answer, Unsent)
    assert not answer.tls


def test_a_server_that_speaks_no_tls_is_surely_unsent() -> None:
    with server() as (url, seen):
        it = client(base_url=url.replace("http:", "https:"))
        answer = it.send(POST)
        it.close()
    assert isinstance(answer, Unsent)
    assert answer.tls
    assert not answer.untrusted
    assert seen == []


def test_a_slow_server_is_lost() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        it = client(
            base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", options=ClientOptions(timeout_seconds=0.05)
        )
        answer = it.send(POST)
        it.close()
    assert answer == Lost("no answer in time")


def test_the_environment_neither_gives_credentials_nor_proxies_to_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login nobody password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with server() as (url, seen):
        it = client(base_url=url)
        assert isinstance(it.send(GET), Reply)
        it.close()
    assert seen[0][2]["Authorization"] == f"App {CANARY}"


def test_a_proxy_of_the_environment_is_used_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as (url, seen):
        monkeypatch.setenv("HTTPS_PROXY", url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        it = client()
        answer = it.send(POST)
        it.close()
    assert isinstance(answer, Unsent)  # this proxy knows no CONNECT
    assert seen == []
    assert http.client.responses[501].lower() in answer.why.lower() or "501" in answer.why


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("HTTPS_PROXY", "http://user:hunter2@127.0.0.1:abc", "no proxy's address"),
        ("HTTPS_PROXY", "ftp://user:hunter2@127.0.0.1:1", "no proxy's address"),
        ("https_proxy", "socks5://user:hunter2@127.0.0.1:1", "SOCKS is not supported"),
        ("NO_PROXY", "hunter2:x", "no proxy's address"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str
) -> None:
    for each in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(each, raising=False)
        monkeypatch.delenv(each.lower(), raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(AccessError) as caught:
        client()
    (found,) = caught.value.diagnostics
    assert found.code == "proxy-unusable"
    assert f"{name} is wrong" in found.detail
    assert why in found.detail
    assert "hunter2" not in str(found)
    assert client(base_url="http://127.0.0.1:9").requests_sent == 0  # no proxy is asked for this machine


@pytest.mark.parametrize(
    "said",
    ["hunter2%2F", "hunter2/", "somebody:hunter2/", base64.b64encode(b"somebody:hunter2/").decode(), CANARY],
)
def test_what_a_proxy_says_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("https_proxy", "http://somebody:hunter2%2F@127.0.0.1:9")
    answer = client(raising(httpx.ProxyError(f"407 {said} is wrong"))).send(POST)
    assert answer == Unsent("the proxy opened no connection: 407 [hidden] is wrong")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_of_the_environment_that_cannot_be_read_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(AccessError) as caught:
        client()
    (found,) = caught.value.diagnostics
    assert found.code == "ca-file-unreadable"
    assert found.detail.startswith(f"SSL_CERT_FILE={path}: ")


# --- failures ---------------------------------------------------------------------------------------------------


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError("refused"), Unsent("no connection: refused")),
        (httpx.ConnectError("[SSL: WRONG] x"), Unsent("no connection: [SSL: WRONG] x", tls=True)),
        (
            httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] x"),
            Unsent("no connection: [SSL: CERTIFICATE_VERIFY_FAILED] x", tls=True, untrusted=True),
        ),
        (httpx.ConnectTimeout(""), Unsent("no connection in time")),
        (httpx.PoolTimeout(""), Unsent("no connection was free in time")),
        (httpx.ProxyError("407"), Unsent("the proxy opened no connection: 407")),
        (httpx.ReadTimeout("x"), Lost("no answer in time")),
        (httpx.WriteTimeout("x"), Lost("the request could not be sent in time")),
        (httpx.ReadError(f"quoting {CANARY}"), Lost("the connection was cut before the answer: quoting [hidden]")),
        (httpx.WriteError(""), Lost("the connection was cut while the request was sent")),
        (httpx.RemoteProtocolError("x"), Lost("the connection was closed without a whole answer")),
        (httpx.LocalProtocolError(f"Illegal header value b'App {CANARY}'"), Lost("LocalProtocolError")),
        (httpx.DecodingError("x"), Lost("the answer cannot be decoded")),
    ],
)
def test_failures_say_whether_the_request_may_have_arrived(error: Exception, expected: Unsent | Lost) -> None:
    assert client(raising(error)).send(POST) == expected


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        client(raising(ZeroDivisionError())).send(POST)


def test_a_reply_that_is_too_long_is_flawed() -> None:
    it = client(lambda request: httpx.Response(200, content=b"x" * 11), options=ClientOptions(longest_reply_bytes=10))
    assert it.send(GET) == Reply(200, {"content-length": "11"}, flaw="the answer is too long")


def test_a_reply_that_takes_too_long_is_flawed() -> None:
    now = iter([0.0, 61.0])
    reply = client(lambda request: httpx.Response(200, content=b"x"), clock=lambda: next(now)).send(GET)
    assert isinstance(reply, Reply)
    assert reply.flaw == "the answer took too long"


# --- what it refuses and counts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "get"])
def test_a_read_only_client_sends_nothing_but_get(method: str) -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    it = client(handler, options=ClientOptions(read_only=True))
    with pytest.raises(RuntimeError, match="read-only"):
        it.send(Request(method, "/x"))
    assert (sent, it.requests_sent) == ([], 0)
    it.send(GET)
    assert (len(sent), it.requests_sent) == (1, 1)


def test_no_more_requests_are_in_flight_than_workers() -> None:
    lock, gate = threading.Lock(), threading.Barrier(3, timeout=10)
    flying = most = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        gate.wait()
        with lock:
            flying -= 1
        return httpx.Response(200)

    it = client(handler, options=ClientOptions(workers=3))
    threads = [threading.Thread(target=it.send, args=(GET,)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, it.requests_sent) == (3, 12)


def test_the_last_look_keeps_a_request_here() -> None:
    def refuse() -> None:
        raise StoppedError

    it = client(lambda request: httpx.Response(200), options=ClientOptions(workers=1))
    with pytest.raises(StoppedError):
        it.send(POST, before_sending=refuse)
    assert it.requests_sent == 0
    assert isinstance(it.send(POST), Reply)  # the slot was given back


def test_refused_credentials_are_renewed_once_between_threads() -> None:
    asked: list[int] = []

    def renew() -> Credentials:
        asked.append(1)
        return Credentials(Scheme.BEARER, f"fresh-{len(asked)}", source="the test", renew=renew)

    old = Credentials(Scheme.BEARER, "old", source="the test", renew=renew)
    it = client(lambda request: httpx.Response(200), credentials=old)
    assert it.renew(old)
    assert it.renew(old)
    assert it.credentials.authorization() == "Bearer fresh-1"
    assert it.renew(it.credentials)
    assert len(asked) == 2
    fixed = client(lambda request: httpx.Response(200))
    assert not fixed.renew(fixed.credentials)


# --- how it is made ---------------------------------------------------------------------------------------------


_NO_SWITCH = {
    "PYTHONHTTPSVERIFY": "0",
    "CURL_CA_BUNDLE": "",
    "REQUESTS_CA_BUNDLE": "",
    "SSL_CERT_FILE": "",
    "SSL_CERT_DIR": "",
    "GIT_SSL_NO_VERIFY": "1",
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
}


@pytest.mark.parametrize("named", [True, False])
def test_tls_is_always_verified_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: bool
) -> None:
    made: list[ssl.SSLContext] = []
    create = client_module._Client

    def remember(*, verify: ssl.SSLContext, **options: Any) -> httpx.Client:
        made.append(verify)
        return create(verify=verify, **options)

    monkeypatch.setattr(client_module, "_Client", remember)
    for name, value in {**_NO_SWITCH, "SSLKEYLOGFILE": str(tmp_path / "keys.log")}.items():
        monkeypatch.setenv(name, value)
    import certifi

    client(options=ClientOptions(ca_file=certifi.where() if named else None)).close()
    [context] = made
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.get_ca_certs()
    assert list(tmp_path.iterdir()) == [], "the keys of the connection were written down"


def test_a_folder_of_authorities_takes_the_place_of_the_usual_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setattr("omnictl.transport.client._usual_authorities", lambda: pytest.fail("not the usual ones"))
    client().close()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bad_ca_file_is_told(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(AccessError, match="ca-file-unreadable") as caught:
        client(options=ClientOptions(ca_file=str(path)))
    assert str(path) in caught.value.diagnostics[0].detail


def test_idle_connections_are_dropped_soon() -> None:
    assert KEEPALIVE_SECONDS <= 5.0


def test_logs_and_representations_hold_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with server() as (url, _):
        it = client(base_url=url)
        answers = [it.send(GET), it.send(POST)]
        it.close()
    assert caplog.records
    assert CANARY not in caplog.text + repr(answers) + repr(it) + repr(vars(it))


# --- the in-process transport -----------------------------------------------------------------------------------


class OddCutError(Exception):
    """What an application may raise for a cut connection."""


def app_with(body: Callable[[], Iterator[bytes]]):  # type: ignore[no-untyped-def]
    def app(environ, start_response):
        if environ["PATH_INFO"].endswith("early"):
            raise OddCutError
        start_response("201 Created", [("Content-Type", "application/json"), ("X-Request-ID", "r-2")])
        return body()

    return app


def test_an_application_in_this_process_answers() -> None:
    transport = make_in_process_transport(app_with(lambda: iter([b"{", b"}"])))
    reply = client(transport, "http://127.0.0.1").send(POST)
    assert reply == Reply(201, {"content-type": "application/json", "x-request-id": "r-2"}, b"{}")


def test_an_application_that_cuts_is_a_lost_connection() -> None:
    def broken() -> Iterator[bytes]:
        yield b"{"
        raise OddCutError

    transport = make_in_process_transport(app_with(broken), cut_errors=(OddCutError,))
    it = client(transport, "http://127.0.0.1")
    assert isinstance(it.send(POST), Lost)
    assert isinstance(it.send(Request("POST", "/early", body=b"{}")), Lost)


def test_other_errors_of_an_application_are_bugs() -> None:
    with pytest.raises(OddCutError):
        client(make_in_process_transport(app_with(lambda: iter(()))), "http://127.0.0.1").send(Request("GET", "/early"))


def test_a_base_url_without_tls_loads_no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx, "create_ssl_context", lambda: pytest.fail("that is slow"))
    made = HttpClient(
        BaseUrl("http", "127.0.0.1"), make_credentials(CANARY, source="t"), ClientOptions(), monotonic=monotonic
    )
    made.close()


def test_httpx_is_loaded_without_its_command_line() -> None:
    code = (
        "import sys, omnictl.transport.client as c\n"
        "assert 'rich' not in sys.modules and 'httpx._main' not in sys.modules\n"
        "assert c.httpx.Client\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "drip", [b"X-n: a\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"], ids=["a head in drips", "no end of hints"]
)
def test_a_head_without_end_takes_no_longer_than_any_answer(drip: bytes) -> None:
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"" if drip.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\n")
                while not ended.wait(0.05):
                    connection.sendall(drip)

        thread = threading.Thread(target=answer)
        thread.start()
        it = client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", options=ClientOptions(1, 0.3))
        found = it.send(POST)
        it.close()
        ended.set()
        thread.join()
    assert found == Lost("no answer in time")


@pytest.mark.parametrize("variable", [False, True])
def test_a_pipe_of_authorities_is_refused_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: bool
) -> None:
    pipe = tmp_path / "ca.pem"
    os.mkfifo(pipe)
    if variable:
        monkeypatch.setenv("SSL_CERT_FILE", str(pipe))
    with pytest.raises(AccessError, match="ca-file-unreadable") as refused:
        client(options=ClientOptions(ca_file=None if variable else str(pipe)))
    assert "not a regular file" in refused.value.diagnostics[0].detail
