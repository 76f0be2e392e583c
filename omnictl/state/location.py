"""Where a state is: the path of a file, or a URL whose scheme says what kind of store it is."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

from msgspec import Struct, field

from omnictl.durable import shown
from omnictl.errors import UsageError
from omnictl.model.diagnostic import Diagnostic, Severity

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):", re.ASCII)
"""Of two letters or more: one alone is a drive of Windows."""
_SECRET = re.compile(r"pass|secret|token|key|sig\b|credential", re.IGNORECASE)

EXTRAS = {"s3": "s3", "gs": "gs", "az": "az", "postgresql": "postgresql", "postgres": "postgresql"}
"""The schemes that need a package more, with the name of the extra that brings it."""
SCHEMES = ("s3", "gs", "az", "postgresql", "postgres", "https", "http", "git+https", "git+http", "git+ssh", "git+file")

_WAYS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what the platform gives the machine",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or what the platform gives the machine",
    "az": "AZURE_STORAGE_ACCOUNT_KEY, AZURE_CLIENT_ID and its kin, or what the platform gives the machine",
    "postgresql": "PGPASSWORD, or a password file (PGPASSFILE)",
    "postgres": "PGPASSWORD, or a password file (PGPASSFILE)",
    "https": "OMNICTL_STATE_TOKEN, or TF_HTTP_USERNAME and TF_HTTP_PASSWORD",
    "http": "OMNICTL_STATE_TOKEN, or TF_HTTP_USERNAME and TF_HTTP_PASSWORD",
}
_GIT_WAY = "a credential helper or GIT_ASKPASS"


class Location(Struct, frozen=True):
    """A URL of a store. ``text`` is how it is shown; ``options`` are what stands behind the ``?``.

    In a git remote ``path`` is the repository and ``inside`` the name of the state in it, which ``//`` parts.
    """

    scheme: str
    text: str
    host: str
    path: str
    username: str | None = None
    port: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    inside: str = ""


def is_url(text: str) -> bool:
    """Tell whether a place is a URL, and not the path of a file."""
    found = _SCHEME.match(text)
    return found is not None and (text[found.end() :].startswith("//") or found[1].lower() in SCHEMES)


def shown_place(place: str) -> str:
    """Return a place as people know it: a URL as it is, a file from where they are."""
    return place if is_url(place) else shown(Path(place))


def parse_location(text: str, environment: str) -> Location:
    """Return the parts of a URL; where it ends with a slash the name of the environment is added.

    Raises UsageError for a scheme that nobody knows, and for a credential, which belongs into no URL.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UsageError(_malformed(str(error))) from None
    scheme = parts.scheme.lower()
    if scheme not in SCHEMES:
        raise UsageError(_unknown_scheme(scheme))
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    _refuse_secrets(parts, scheme, options)
    path = parts.path + environment if parts.path.endswith("/") or not parts.path else parts.path
    path = path if path.startswith("/") else f"/{path}"
    user = f"{parts.username}@" if parts.username else ""
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    shown = f"{scheme}://{user}{bracketed}{f':{port}' if port else ''}{path}"
    repository, inside = _split_repository(path) if scheme.startswith("git+") else (path, "")
    return Location(scheme, shown, host, repository, parts.username, port, options, inside)


def credentials_of(scheme: str) -> str:
    """Say from where a backend takes its credentials."""
    return _WAYS.get(scheme, _GIT_WAY)


def _split_repository(path: str) -> tuple[str, str]:
    """Return the path of a repository, and the name in it: the ``//`` at its very beginning parts nothing."""
    at = path.find("//", 1)
    return (path, "") if at < 0 else (path[:at], path[at + 2 :])


def _refuse_secrets(parts: SplitResult, scheme: str, options: Mapping[str, str]) -> None:
    way = credentials_of(scheme)
    takes_user = scheme in ("postgresql", "postgres", "git+ssh")
    if parts.password is not None or (parts.username is not None and not takes_user):
        raise UsageError(_credentials_in_url(way))
    named = next((name for name in options if _SECRET.search(name)), None)
    if named is not None:
        raise UsageError(_credentials_in_url(way, named))


def _malformed(why: str) -> Diagnostic:
    return Diagnostic(
        "wrong-state-url",
        Severity.ERROR,
        "The place of the state is no URL",
        f"It begins like one, and cannot be read: {why}.",
        hint="such as s3://bucket/omnictl/production, or the path of a file",
    )


def _unknown_scheme(scheme: str) -> Diagnostic:
    return Diagnostic(
        "wrong-state-url",
        Severity.ERROR,
        "No state backend has this scheme",
        f"{scheme}:// is none of {', '.join(SCHEMES)}.",
        hint="a state is in a file, an object store, PostgreSQL, behind Terraform's HTTP protocol, or in a git remote",
    )


def _credentials_in_url(way: str, named: str = "") -> Diagnostic:
    what = f"Its option {named} is one." if named else "It stands before the @."
    return Diagnostic(
        "credentials-in-url",
        Severity.ERROR,
        "A credential stands in the URL of the state",
        f"{what} A URL is committed, logged and shown in lists of processes.",
        hint=f"take it out, and give it by {way}",
    )


CODES = {
    "wrong-state-url": "The state of an environment (state: in omnictl.yaml, --state, OMNICTL_STATE) is a URL that "
    "cannot be read, or of a scheme that no backend has.",
    "credentials-in-url": "A URL of a state holds a password, a user of a service that takes none there, or an option "
    "that looks like a secret. Credentials come from where the platform keeps them.",
}
