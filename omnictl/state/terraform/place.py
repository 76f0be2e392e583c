"""Where a state behind Terraform's HTTP protocol is: the addresses and methods of its server, and who we are there."""

import re
from collections.abc import Mapping
from typing import NoReturn
from urllib.parse import urlsplit

from msgspec import Struct

from omnictl.errors import AccessError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.state.location import Location, query_of, refuse_plain_http
from omnictl.state.terraform.meant import (
    ADDRESSES,
    HELD_BACK,
    ONE_TOKEN_VARIABLE,
    TARGET_TOKEN_VARIABLE,
    TOKEN_VARIABLE,
)
from omnictl.transport.credentials import Credentials, CredentialSources, find_credentials
from omnictl.transport.trust import BaseUrl, check_base_url

_LOCK_BESIDE = re.compile(
    r"/api/(v4/projects/[^/]+/terraform/state|packages/[^/]+/terraform/state)/[^/]+", re.ASCII | re.IGNORECASE
)
"""GitLab, and Gitea with its kin: the lock is at ``/lock`` below the state, taken by POST and let go by DELETE."""
_GITLAB = re.compile(r".*/api/v4/projects/[^/]+/terraform/state/[^/]+", re.ASCII)
_PATH = re.compile(r"(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+", re.ASCII)
_METHOD = re.compile(r"[A-Z]{3,20}", re.ASCII)

_OPTIONS = ("lock_address", "unlock_address", "lock_method", "unlock_method", "update_method", "allow_http")


class Endpoint(Struct, frozen=True):
    """What a request goes to: a method, and a path on the server."""

    method: str
    path: str


class ServerPlace(Struct, frozen=True):
    """The state and its lock on a server. ``is_gitlab``: it tells of a held lock only its name, its user and since
    when. ``query``: the options of the URL, with their ``?``."""

    base: BaseUrl
    path: str
    update_method: str
    lock: Endpoint
    unlock: Endpoint
    is_gitlab: bool
    query: str = ""

    @property
    def text(self) -> str:
        """The address of the state, for people."""
        return f"{self.base.text}{self.path}"

    @property
    def location(self) -> str:
        """The URL that leads here again, with its options."""
        return f"{self.text}{self.query}"


class Identity(Struct, frozen=True):
    """Who we are to the server; ``why_nobody`` says, for people, where credentials were looked for in vain."""

    credentials: Credentials | None
    why_nobody: str = ""


def read_place(location: Location, environ: Mapping[str, str]) -> ServerPlace:
    """Return the addresses and methods: of the options of the URL, of Terraform's variables, or the usual ones.

    The variables that name addresses and methods belong to the state that ``TF_HTTP_ADDRESS`` names, where it is set.
    Raises UsageError for what cannot be used, such as a lock on another host: credentials go to one host alone.
    """
    unknown = next((name for name in location.options if name not in _OPTIONS), None)
    if unknown is not None:
        _refuse(f"it has the option {unknown}; there are {', '.join(_OPTIONS)}")
    base = _base_of(location.scheme, location.host, location.port, location.options.get("allow_http") == "true")
    path = _checked_path(location.path)
    given = _Given(location.options, environ if _is_of(environ.get("TF_HTTP_ADDRESS"), base, path) else {})
    beside = _LOCK_BESIDE.search(path)
    is_known = beside is not None and beside.end() == len(path)
    usual_lock = Endpoint("POST", f"{path}/lock") if is_known else Endpoint("LOCK", path)
    lock = Endpoint(given.method("lock_method", usual_lock.method), given.path("lock_address", base, usual_lock.path))
    unlock = Endpoint(
        given.method("unlock_method", "DELETE" if is_known else "UNLOCK"), given.path("unlock_address", base, lock.path)
    )
    return ServerPlace(
        base,
        path,
        given.method("update_method", "POST"),
        lock,
        unlock,
        _GITLAB.fullmatch(path) is not None,
        query_of(location.options),
    )


class _Given(Struct, frozen=True):
    """What the options say, and after them the variables."""

    options: Mapping[str, str]
    environ: Mapping[str, str]

    def _find(self, name: str) -> str:
        return self.options.get(name) or self.environ.get(ADDRESSES[name]) or ""

    def method(self, name: str, usual: str) -> str:
        found = (self._find(name) or usual).upper()
        return found if _METHOD.fullmatch(found) else _refuse(f"{name} is no method of HTTP")

    def path(self, name: str, base: BaseUrl, usual: str) -> str:
        """Return the path of an address on the same host."""
        found = self._find(name)
        if not found:
            return usual
        parts = _split(found)
        if parts is None or parts[0] != base:
            _refuse(f"{name} is not on {base.authority}; credentials go to one host alone")
        return _checked_path(parts[1])


def _is_of(address: str | None, base: BaseUrl, path: str) -> bool:
    """Tell whether Terraform's variables are those of a state."""
    return not address or _split(address) == (base, path)


def _split(text: str) -> tuple[BaseUrl, str] | None:
    """Return host and path of an address; None where it is none, or has more than these."""
    try:
        parts = urlsplit(text)
        if parts.query or parts.fragment or "@" in parts.netloc:
            return None
        return _base_of(parts.scheme.lower(), parts.hostname or "", parts.port, allow_http=True), parts.path or "/"
    except (ValueError, UsageError):
        return None


def _base_of(scheme: str, host: str, port: int | None, allow_http: bool) -> BaseUrl:
    bracketed = f"[{host}]" if ":" in host else host
    authority = bracketed if port is None else f"{bracketed}:{port}"
    try:
        checked = check_base_url(f"https://{authority}", (authority,))
    except AccessError:
        _refuse("its host is none")
    usual = 443 if scheme == "https" else 80
    base = BaseUrl(scheme, checked.host, None if port in (None, usual) else port)
    if scheme == "http" and not allow_http:
        refuse_plain_http(base.host, base.authority)
    return base


def _checked_path(path: str) -> str:
    if not _PATH.fullmatch(path) or any(each in (".", "..") for each in path.split("/")):
        _refuse("its path has what a path of a URL cannot have; write a slash in the name of a project as %2F")
    return path


def find_identity(place: ServerPlace, environ: Mapping[str, str]) -> Identity:
    """Return the credentials for a server: a token, user and password, or those of the job of its own GitLab.

    User and password go before the token where ``TF_HTTP_ADDRESS`` says that they are for this server.

    Raises AccessError where they cannot be used.
    """
    address = environ.get("TF_HTTP_ADDRESS", "")
    elsewhere = _split(address) if address else None
    is_other = bool(address) and (elsewhere is None or elsewhere[0] != place.base)
    names = CredentialSources("", TOKEN_VARIABLE, "TF_HTTP_USERNAME", "TF_HTTP_PASSWORD")
    usable = {key: value for key, value in environ.items() if not (is_other and key.startswith("TF_HTTP_"))}
    is_named = elsewhere is not None and elsewhere[0] == place.base
    without_token = {key: value for key, value in usable.items() if key != TOKEN_VARIABLE}
    found = (find_credentials(without_token, names) if is_named else None) or find_credentials(usable, names)
    if found is None and place.is_gitlab and _is_own_gitlab(place, environ):
        job = {"TF_HTTP_USERNAME": "gitlab-ci-token", "TF_HTTP_PASSWORD": environ.get("CI_JOB_TOKEN", "")}
        found = find_credentials(job, names)
    if found is not None:
        return Identity(found)
    why = f"{TOKEN_VARIABLE} is not set, nor are TF_HTTP_USERNAME and TF_HTTP_PASSWORD"
    if environ.get(HELD_BACK):
        pair = "TF_HTTP_USERNAME and TF_HTTP_PASSWORD without TF_HTTP_ADDRESS"
        why = f"{TOKEN_VARIABLE}, or {pair}, are for another server; {ONE_TOKEN_VARIABLE} is for one environment"
        why += f", {TARGET_TOKEN_VARIABLE} for state migrate --to"
    elif is_other:
        why = f"{TOKEN_VARIABLE} is not set; TF_HTTP_USERNAME and TF_HTTP_PASSWORD are for the host of TF_HTTP_ADDRESS"
    return Identity(None, why)


def _is_own_gitlab(place: ServerPlace, environ: Mapping[str, str]) -> bool:
    """Tell whether this is a job of the server itself: its token is sent to nobody else."""
    address = _split(environ.get("CI_SERVER_URL", ""))
    return bool(environ.get("CI_JOB_TOKEN")) and address is not None and address[0] == place.base


def _refuse(why: str) -> NoReturn:
    raise UsageError(
        Diagnostic(
            "unusable-state-server",
            Severity.ERROR,
            "The state cannot be reached by this URL",
            f"It was not used: {why}.",
            hint="such as https://gitlab.example.com/api/v4/projects/42/terraform/state/production",
        )
    )


CODES = {
    "unusable-state-server": "The https:// URL of a state has an option that does not exist, a host or path that is "
    "none, or its lock is on another host.",
}
