"""The one httpx client: sends one request and says what came of it. It never repeats, redirects, or interprets."""

import errno
import os
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import unquote, urlencode

from omnictl import __version__
from omnictl.errors import AccessError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.transport.answer import Answer, Lost, Reply, Request, Unsent
from omnictl.transport.credentials import Credentials, hide_credentials, hide_spelled, spell
from omnictl.transport.quick_httpx import httpx
from omnictl.transport.trust import BaseUrl

BaseTransport: TypeAlias = httpx.BaseTransport
"""What tests and the in-process sandbox may put in the place of the network."""

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
LONGEST_REPLY_BYTES = 32 * 1024 * 1024

KEEPALIVE_SECONDS = 5.0
"""How long an idle connection is kept. Short on purpose: a server that closes an idle connection just as it is used
again leaves the outcome of a POST unknown, and most servers and balancers keep connections for longer than this."""


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How to connect. ``workers`` is the most requests in flight; ``read_only`` allows GET alone."""

    workers: int = 10
    timeout_seconds: float = READ_SECONDS
    ca_file: str | None = None
    read_only: bool = False
    longest_reply_bytes: int = LONGEST_REPLY_BYTES
    transport: BaseTransport | None = field(default=None, repr=False)

    @property
    def request_seconds(self) -> float:
        """How long a request may take at most, from its first byte to the last of its answer."""
        return 2.0 * self.timeout_seconds


class HttpClient:
    """Sends requests to one base URL, from any number of threads; without credentials where there are none."""

    def __init__(
        self, base: BaseUrl, credentials: Credentials | None, options: ClientOptions, *, monotonic: Callable[[], float]
    ) -> None:
        self.base = base
        self.options = options
        self._credentials = credentials
        self._renewing = threading.Lock()
        self._slots = threading.BoundedSemaphore(options.workers)
        self._monotonic = monotonic
        self._counting = threading.Lock()
        self._sent = 0
        self._proxy_secrets = spell(_find_proxy_secrets(os.environ))
        self._client = _connect(base, options)
        self._now_sending = threading.local()
        self._extensions = {"timeout": self._client.timeout.as_dict(), "trace": self._follow}

    @property
    def credentials(self) -> Credentials:
        """The credentials that the next request is sent with."""
        if self._credentials is None:
            raise RuntimeError("this client has no credentials")
        return self._credentials

    def redact(self, text: str) -> str:
        """Return the text with every credential hidden, those of the proxies too: whoever answers may echo them."""
        return hide_spelled(hide_credentials(text), self._proxy_secrets) if text else text

    @property
    def requests_sent(self) -> int:
        """How many requests have left, those that did not arrive included."""
        return self._sent

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def renew(self, refused: Credentials) -> bool:
        """Take fresh credentials in the place of those that were refused; return whether there are any.

        Threads that were refused with the same credentials renew them once between them.
        """
        with self._renewing:
            if self._credentials is not refused:
                return True
            if refused.renew is None:
                return False
            self._credentials = refused.renew()
            return True

    def send(
        self,
        request: Request,
        *,
        credentials: Credentials | None = None,
        before_sending: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Send once, and say what came of it.

        ``before_sending`` is called when it is this request's turn; what it raises keeps the request here.
        """
        if self.options.read_only and request.method != "GET":
            raise RuntimeError(f"a read-only client must not send {request.method} {request.path}")
        with self._slots:
            before_sending()
            with self._counting:
                self._sent += 1
            return self._send(request, credentials or self._credentials)

    def _send(self, request: Request, credentials: Credentials | None) -> Answer:
        # No exception of httpx may leave this method: it holds the request, and with it the credentials.
        until = self._now_sending.until = self._monotonic() + self.options.request_seconds
        try:
            with closing(self._client.send(self._make_request(request, credentials), stream=True)) as response:
                return self._receive(response, until)
        except httpx.HTTPError as error:
            return _judge(error, self.redact)

    def _follow(self, event: str, details: Mapping[str, Any]) -> None:
        """Bound the reading from each new connection: a head that comes in drips ends with its request's time too."""
        if not event.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        from httpcore import ReadTimeout  # late, and surely loaded: the event is its own

        stream = details["return_value"]
        read = stream.read

        def read_in_time(most_bytes: int, timeout: float | None = None) -> bytes:
            left = self._now_sending.until - self._monotonic()
            if left <= 0.0:
                raise ReadTimeout
            data: bytes = read(most_bytes, left if timeout is None else min(timeout, left))
            return data

        stream.read = read_in_time

    def _make_request(self, request: Request, credentials: Credentials | None) -> httpx.Request:
        """Return the request as it is sent; made by hand, since the client takes as long for it as for sending it."""
        url = self.base.text + request.path + (f"?{urlencode(request.query, doseq=True)}" if request.query else "")
        headers = list(self._client.headers.raw)
        if credentials is not None:
            headers.append((b"Authorization", credentials.authorization().encode("ascii")))
        headers.extend((name.encode("ascii"), value.encode("ascii")) for name, value in request.headers.items())
        if request.body is not None:
            headers.append((b"Content-Type", b"application/json"))
        return httpx.Request(
            request.method, _parse_url(url), headers=headers, content=request.body, extensions=self._extensions
        )

    def _receive(self, response: httpx.Response, until: float) -> Reply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
            # One packing bounds what a piece unpacks to; packed twice, a few bytes make gigabytes at once.
            return Reply(response.status_code, headers, flaw="the answer is packed in a way that was not asked for")
        parts: list[bytes] = []
        size = 0
        try:
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > self.options.longest_reply_bytes:
                    return Reply(response.status_code, headers, flaw="the answer is too long")
                if self._monotonic() > until:
                    return Reply(response.status_code, headers, flaw="the answer took too long")
        except httpx.HTTPError as error:
            return Reply(response.status_code, headers, flaw=f"the answer was cut short ({type(error).__name__})")
        return Reply(response.status_code, headers, b"".join(parts))


_ENCODINGS = ("", "identity", "gzip", "deflate")
"""What we take; the request names the same."""

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""What surely happens before the first byte of the request; a proxy error is a tunnel that was not opened."""

_TELLING = (httpx.ConnectError, httpx.ProxyError, httpx.NetworkError)
"""Errors whose text is the system's and says more than their name; others may quote the request."""


def _judge(error: httpx.HTTPError, redact: Callable[[str], str]) -> Unsent | Lost:
    """Say whether a failed request may have arrived."""
    why = _WORDS.get(type(error), type(error).__name__)
    text = redact(str(error)) if isinstance(error, _TELLING) else ""
    if isinstance(error, _UNSENT):
        untrusted = "CERTIFICATE_VERIFY_FAILED" in text
        return Unsent(f"{why}: {text}" if text else why, untrusted or "SSL" in text, untrusted)
    return Lost(f"{why}: {text}" if text else why)


_WORDS: dict[type[Exception], str] = {
    httpx.ConnectError: "no connection",
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "no connection was free in time",
    httpx.ProxyError: "the proxy opened no connection",
    httpx.ReadTimeout: "no answer in time",
    httpx.WriteTimeout: "the request could not be sent in time",
    httpx.ReadError: "the connection was cut before the answer",
    httpx.WriteError: "the connection was cut while the request was sent",
    httpx.RemoteProtocolError: "the connection was closed without a whole answer",
    httpx.DecodingError: "the answer cannot be decoded",
}


def _connect(base: BaseUrl, options: ClientOptions) -> httpx.Client:
    """Return the client. Raises AccessError where a variable for proxies cannot be used; never echoes its value."""
    verify = _make_ssl_context(base, options)
    try:
        return _make_client(base, options, verify)
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        why = "SOCKS is not supported" if isinstance(error, ImportError) else "it is no proxy's address"
    raise AccessError(_bad_proxy(why))


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Take none."""


class _Client(httpx.Client):
    """A client without cookies: it neither sends nor takes any."""

    cookies = _NoCookies()  # type: ignore[override]


@lru_cache(maxsize=64)
def _parse_url(text: str) -> httpx.URL:
    return httpx.URL(text)


def _make_client(base: BaseUrl, options: ClientOptions, verify: ssl.SSLContext) -> httpx.Client:
    return _Client(
        transport=options.transport,
        verify=verify,
        http2=False,
        follow_redirects=False,
        # Proxies come from the environment, except to this machine: plain http would show the credentials to them.
        trust_env=not base.is_loopback,
        auth=None,
        headers={
            "User-Agent": f"omnictl/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
        },
        timeout=httpx.Timeout(options.timeout_seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
        limits=httpx.Limits(
            max_connections=options.workers,
            max_keepalive_connections=options.workers,
            keepalive_expiry=KEEPALIVE_SECONDS,
        ),
    )


_PROXY_VARIABLES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_USER_AND_PASSWORD = re.compile(r"([^/@:]*):([^/@]+)@")


def _find_proxy_secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the passwords of the proxies of the environment, as they stand there and as they are sent."""
    for name, value in environ.items():
        found = _USER_AND_PASSWORD.search(value) if name.upper() in _PROXY_VARIABLES else None
        if found is not None:
            user, password = map(unquote, found.groups())
            yield from (found[2], password, f"{user}:{password}")


def _make_ssl_context(base: BaseUrl, options: ClientOptions) -> ssl.SSLContext:
    """Return the one context; it always verifies. A CA file is believed beside the usual authorities."""
    if base.scheme == "http" or options.transport is not None:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used: no authorities are loaded, which is slow
    name = next((each for each in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(each)), "")
    place = os.environ.get(name, "")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the default context of ssl would obey SSLKEYLOGFILE
    try:
        if name == "SSL_CERT_DIR":
            context.load_verify_locations(capath=place)
        else:
            context.load_verify_locations(cafile=_regular(place) if place else _usual_authorities())
    except OSError as error:  # SSLError is one
        raise AccessError(_bad_ca_file(f"{name}={place}", error)) from None
    if options.ca_file:
        try:
            context.load_verify_locations(cafile=_regular(options.ca_file))
        except (OSError, ssl.SSLError) as error:
            raise AccessError(_bad_ca_file(options.ca_file, error)) from None
    return context


def _regular(path: str) -> str:
    """Return the path of a file. Raises OSError for a pipe, which would never end."""
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - as it stands in a variable
        raise OSError(errno.EINVAL, "it is not a regular file")
    return path


def _usual_authorities() -> str:
    import certifi  # late: only an encrypted connection needs it

    return certifi.where()


def _bad_ca_file(path: str, error: OSError) -> Diagnostic:
    return Diagnostic(
        "ca-file-unreadable",
        Severity.ERROR,
        "The file of certificate authorities cannot be used",
        f"{path}: {error.strerror or 'it holds no certificate'}.",
        hint="name a file with certificates in PEM format",
    )


def _bad_proxy(why: str) -> Diagnostic:
    names = sorted(name for name in os.environ if name.upper() in _PROXY_VARIABLES and os.environ[name])
    return Diagnostic(
        "proxy-unusable",
        Severity.ERROR,
        "The proxy of the environment cannot be used",
        f"One of {', '.join(names)} is wrong: {why}." if len(names) > 1 else f"{''.join(names)} is wrong: {why}.",
        hint="a proxy is http://HOST:PORT or https://HOST:PORT; NO_PROXY has hosts, separated by commas",
    )


CODES = {
    "ca-file-unreadable": "The CA file does not exist, cannot be read, or holds no certificates in PEM format.",
    "proxy-unusable": "A variable of the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY) has a value that "
    "is no address, or a kind of proxy that is not supported, such as SOCKS. Nothing was sent.",
}
