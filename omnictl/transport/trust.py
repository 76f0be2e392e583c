"""Where credentials may go: base URLs are taken apart here and put together anew, so that no other parser decides."""

import ipaddress
import re
from collections.abc import Iterable
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from omnictl.errors import AccessError
from omnictl.model.diagnostic import Diagnostic, Severity

INFOBIP_DOMAIN = "infobip.com"

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9._~/-]*", re.ASCII)
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LONGEST_HOST = 253


class BaseUrl(Struct, frozen=True):
    """A base URL that credentials may be sent to. ``host`` is in small letters, ``prefix`` begins with a slash or is
    empty, ``port`` is None where it is the usual one of the scheme."""

    scheme: str
    host: str
    port: int | None = None
    prefix: str = ""

    @property
    def authority(self) -> str:
        """The host, with the port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        """The URL, without a slash at its end."""
        return f"{self.scheme}://{self.authority}{self.prefix}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        return is_loopback(self.host)


def parse_trusted_hosts(text: str) -> tuple[str, ...]:
    """Return the entries of ``OMNICTL_TRUSTED_HOSTS``: HOST or HOST:PORT, separated by commas."""
    return tuple(entry for entry in (part.strip().lower() for part in text.split(",")) if entry)


def check_base_url(text: str, trusted_hosts: Iterable[str] = ()) -> BaseUrl:
    """Return the base URL if credentials may be sent there.

    Raises AccessError: https only (http to loopback), and only ``*.infobip.com``, loopback, and the trusted hosts,
    each HOST or HOST:PORT. A URL without a scheme means https. Never echoes user and password of a URL.
    """
    base = _parse(text.strip())
    if not (_is_infobip(base.host) or base.is_loopback or _is_trusted(base, trusted_hosts)):
        raise AccessError(_untrusted(base))
    if base.scheme == "http" and not base.is_loopback:
        raise AccessError(_insecure(base))
    return base


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine: localhost, 127.0.0.0/8, ::1."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (
        address.is_loopback if isinstance(address, ipaddress.IPv4Address) else address == ipaddress.IPv6Address("::1")
    )


def _parse(text: str) -> BaseUrl:
    if not text or not text.isascii() or not text.isprintable() or any(each in text for each in " \\\"'<>{}|^`"):
        _refuse("it is empty, or has characters that a URL cannot have; write a foreign name as xn--…")
    parts, port = _split(text)
    if "@" in parts.netloc:
        _refuse("it has a user or a password, which belong in the credentials")
    if parts.scheme not in _DEFAULT_PORTS:
        _refuse("its scheme is not https")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        _refuse("it has a query or a fragment")
    usual = _DEFAULT_PORTS[parts.scheme]
    return BaseUrl(parts.scheme, _host(parts), None if port == usual else port, _prefix(parts.path))


def _split(text: str) -> tuple[SplitResult, int | None]:
    """Return the parts of the URL and its port; the latter is only looked at when it is asked for."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
    except ValueError:
        _refuse("its host or port cannot be read")
    return parts, port


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if "[" in parts.netloc:
        try:
            return str(ipaddress.IPv6Address(host.replace("%", "no scope")))
        except ValueError:
            _refuse("its address in brackets is not an IPv6 address")
    host = host.removesuffix(".")
    if len(host) > _LONGEST_HOST or not _HOST.fullmatch(host):
        _refuse("its host is not a host name")
    return host


def _prefix(path: str) -> str:
    segments = [segment for segment in path.split("/") if segment]
    if not _PREFIX.fullmatch(path) or any(segment in (".", "..") for segment in segments):
        _refuse("its path has characters that a path prefix cannot have")
    return "".join(f"/{segment}" for segment in segments)


def _is_infobip(host: str) -> bool:
    return host.endswith(f".{INFOBIP_DOMAIN}")


def _is_trusted(base: BaseUrl, trusted_hosts: Iterable[str]) -> bool:
    host = f"[{base.host}]" if ":" in base.host else base.host
    names = {base.host, host, f"{host}:{base.port or _DEFAULT_PORTS[base.scheme]}"}
    return any(entry.strip().lower().removesuffix(".") in names for entry in trusted_hosts)


def _refuse(why: str) -> NoReturn:
    diagnostic = Diagnostic(
        "malformed-base-url",
        Severity.ERROR,
        "The base URL of the API cannot be used",
        f"The base URL was not used: {why}.",
        hint="write it like this, as the API's web interface shows it",
        commands=("https://xxxxx.api.infobip.com",),
    )
    raise AccessError(diagnostic) from None


def _insecure(base: BaseUrl) -> Diagnostic:
    return Diagnostic(
        "insecure-base-url",
        Severity.ERROR,
        "Credentials are not sent over plain http",
        f"{base.text} is not encrypted; http is for this machine only (127.0.0.1, localhost, [::1]).",
        hint="use https",
        commands=(f"https://{base.host}{base.prefix}",),
    )


def _untrusted(base: BaseUrl) -> Diagnostic:
    return Diagnostic(
        "untrusted-host",
        Severity.ERROR,
        "Credentials are not sent to this host",
        f"{base.authority} is neither a host of {INFOBIP_DOMAIN} nor this machine. "
        "The base URL may come from a file that somebody else proposed, so other hosts must be named outside of it.",
        hint="if you trust this host with the credentials, name it in the environment",
        commands=(f"export OMNICTL_TRUSTED_HOSTS={base.authority}",),
    )


CODES = {
    "malformed-base-url": "The base URL is not a plain https URL of a host: it may have a port and a path, but no "
    "user, password, query or fragment.",
    "insecure-base-url": "The base URL begins with http:// and names another machine. Credentials go over https; plain "
    "http is allowed to this machine only.",
    "untrusted-host": "Credentials go only to *.infobip.com, to this machine, and to the hosts in "
    "OMNICTL_TRUSTED_HOSTS (HOST or HOST:PORT, separated by commas). Add the host there if it is yours.",
}
