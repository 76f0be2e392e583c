"""Real connections: large bodies, slow clients, many of them, and an end in good order."""

import http.client
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from omnictl.listener.server import MOST_BYTES, Server
from omnictl.threads import ENDING_SIGNALS
from tests.unit.listener.pushing import ROW, Heard, body_of

BODY = body_of(ROW)
BOUND_SECONDS = 30.0


@contextmanager
def served(heard: Heard, **options: Any) -> Iterator[str]:
    server = Server(heard.app, "127.0.0.1", 0, on_refused=heard.refused.append, **options)
    with server.serving():
        server.check()
        yield server.url


def post(url: str, body: Any = BODY, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=BOUND_SECONDS)
    given = {"Content-Type": "application/json", **headers}
    try:
        connection.request("POST", "/reports", body, given, encode_chunked="Transfer-Encoding" in given)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def connected(url: str, begun: bytes) -> Iterator[socket.socket]:
    """Connect and send the beginning of a request."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=BOUND_SECONDS) as connection:
        connection.sendall(begun)
        yield connection


def test_pushes_are_taken_with_and_without_a_length() -> None:
    heard = Heard()
    with served(heard) as url:
        assert url.startswith("http://127.0.0.1:")
        assert post(url)[0] == 200
        assert post(url, iter([BODY[:5], BODY[5:]]), **{"Transfer-Encoding": "chunked"})[0] == 200
    assert heard.bodies == [BODY, BODY]


def test_a_body_may_be_as_large_as_is_said_and_no_larger() -> None:
    heard = Heard()
    with served(heard) as url:
        assert post(url, b" " * MOST_BYTES)[0] == 200
        assert _is_refused(lambda: post(url, b" " * (MOST_BYTES + 1)))
        parts = iter([b" " * 1_000_000] * 20)
        assert _is_refused(lambda: post(url, parts, **{"Transfer-Encoding": "chunked"}))
    assert [len(each) for each in heard.bodies] == [MOST_BYTES]
    assert [each.status for each in heard.refused] == [413, 413]


def _is_refused(send: Callable[[], tuple[int, bytes]]) -> bool:
    """Tell whether a body was refused; who still sends may find the connection cut before the answer."""
    try:
        return send()[0] == 413
    except OSError:
        return True


def test_a_large_body_is_refused_by_its_length_before_it_comes() -> None:
    heard = Heard()
    head = b"POST /reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
    with served(heard) as url, connected(url, head) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /reports HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /reports HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /reports HTTP/1.1\r\nX: " + b"x" * 32_737 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_is_refused_and_told(request_: bytes, status: int) -> None:
    heard = Heard()
    with served(heard) as url, connected(url, request_) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.")
        assert heard.refused[0].status == status
    assert heard.bodies == []


def test_a_request_that_never_ends_is_ended_though_it_goes_on() -> None:
    heard, silent = Heard(), b""
    head = b"POST /reports HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    with served(heard, late_seconds=0.5) as url, connected(url, head) as connection:
        connection.settimeout(0.05)
        for _ in range(int(BOUND_SECONDS / 0.05)):
            try:
                connection.sendall(b" ")
                silent = connection.recv(1)
                break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("it was never ended")
    assert silent == b""
    assert heard.bodies == []


def test_a_connection_that_is_used_for_long_is_not_late() -> None:
    heard = Heard()
    with served(heard, late_seconds=1.0) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=BOUND_SECONDS)
        waited = threading.Event()
        for _ in range(8):
            connection.request("POST", "/reports", BODY, {"Content-Type": "application/json"})
            assert connection.getresponse().read() == b'{"received": true}\n'
            waited.wait(0.2)
        connection.close()
    assert len(heard.bodies) == 8


def test_many_silent_clients_keep_nobody_out() -> None:
    heard = Heard()
    with served(heard) as url, ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(connected(url, b"POST /reports HTTP/1.1\r\n"))
        assert post(url)[0] == 200


def test_the_end_waits_for_what_is_being_kept_and_answers_it() -> None:
    begun, go = threading.Event(), threading.Event()

    class Slow(Heard):
        def receive(self, body: bytes) -> str:
            begun.set()
            assert go.wait(BOUND_SECONDS)
            return super().receive(body)

    heard, answers = Slow(), list[int]()
    with served(heard) as url:
        pushing = threading.Thread(target=lambda: answers.append(post(url)[0]))
        pushing.start()
        assert begun.wait(BOUND_SECONDS)
        threading.Timer(0.3, go.set).start()
    pushing.join(BOUND_SECONDS)
    assert (answers, heard.bodies) == ([200], [BODY])
    with pytest.raises(OSError):
        post(url)


def test_a_request_that_has_not_come_in_whole_does_not_hold_the_end_up() -> None:
    heard = Heard()
    server = Server(heard.app, "127.0.0.1", 0, on_refused=heard.refused.append)
    with ExitStack() as stack:
        with server.serving():
            begun = b"POST /reports HTTP/1.1\r\nContent-Length: 5\r\n\r\n12"
            connection = stack.enter_context(connected(server.url, begun))
        assert _is_cut(connection)
    with pytest.raises(RuntimeError, match="the server has ended by itself"):
        server.check()


def _is_cut(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except OSError:  # cut while there was something to read
        return True


def test_an_address_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
        Server(Heard().app, "127.0.0.1", taken.getsockname()[1], on_refused=lambda each: None)


def test_the_threads_of_the_server_leave_signals_to_the_main_one() -> None:
    masks: list[set[Any]] = []

    class Looking(Heard):
        def receive(self, body: bytes) -> str:
            masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
            return ""

    with served(Looking()) as url:
        post(url)
    assert set(ENDING_SIGNALS) <= masks[0]
