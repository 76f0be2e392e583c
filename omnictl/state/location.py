"""Where a state is: the path of a file, or a URL whose scheme says what kind of store it is."""

import re
from collections.abc import Mapping
from json import dumps
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from msgspec import Struct, field

from omnictl.durable import shown
from omnictl.errors import UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.transport.trust import is_loopback

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):", re.ASCII)
"""Of two letters or more: one alone is a drive of Windows."""
_ODD = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]+:/*[^/\\]*@|[^/\\]*@[^/\\]*:|(?![A-Za-z]:[/\\])[^/\\]*:.*@|.*//[^/]*:.*@", re.ASCII
)
"""A user, and a host or a password, where a path would have its first part: no URL, and no name of a file of ours."""
_FOREIGN = re.compile(
    r"""\A[\s"'`]|[\s"'`]\Z|://|\A//[^/]*@|\A(?![./\\]).*(?:pass|passwd|password|pwd|accountkey|secret|token)\s*=""",
    re.IGNORECASE | re.ASCII,
)
"""What no path of ours has: quotes or blanks around it, a URL in it, a user before a host, the words of other tools."""
_WRAPPING = " \t\r\n\"'`"
_HIDDEN = re.compile(r":.*@", re.DOTALL)
"""A user and a password, wherever they stand: a password may have any character."""
_HOSTS = re.compile(r"([a-z]+://(?:[^/@]*@)?)([^/:,@?#]+:[0-9]+(?:,[^/:,@?#]+:[0-9]+)+)(?=[/?#]|\Z)", re.IGNORECASE)
"""Several hosts, each with its port."""
_HOSTS_OF_DATABASE = re.compile(r"postgres(ql)?://[^/]*,", re.IGNORECASE)
_DRIVE = re.compile(r"\A[A-Za-z]:[/\\]", re.ASCII)
_SHORT = re.compile(r"git@([A-Za-z0-9.-]+):/*([A-Za-z0-9._~/-]+)", re.ASCII)
"""The short form of ssh in which nothing can be hidden."""
_SECRET = re.compile(r"pass|secret|token|key|sig\b|credential", re.IGNORECASE)
_PLAIN = re.compile(
    r"[A-Za-z0-9+]+://[A-Za-z0-9/._@:&=%~-]*[A-Za-z0-9/._@&=%~-]|[A-Za-z0-9._/-]*[A-Za-z0-9._/](/|\.json)|/[A-Za-z0-9._/-]+",
    re.ASCII,
)
"""A place that YAML takes for text as it is, inside of braces too: there a ``?`` ends it."""

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
_FORMS = {
    "s3": "s3://BUCKET/PATH",
    "gs": "gs://BUCKET/PATH",
    "az": "az://CONTAINER/PATH",
    "postgresql": "postgresql://HOST/DATABASE/NAME, or postgresql:///DATABASE/NAME?host=FOLDER-OF-A-SOCKET",
    "postgres": "postgres://HOST/DATABASE/NAME, or postgres:///DATABASE/NAME?host=FOLDER-OF-A-SOCKET",
    "https": "https://HOST/PATH",
    "http": "http://HOST/PATH",
    "git+https": "git+https://HOST/REPOSITORY//NAME",
    "git+http": "git+http://HOST/REPOSITORY//NAME",
    "git+ssh": "git+ssh://USER@HOST/REPOSITORY//NAME",
    "git+file": "git+file:///REPOSITORY//NAME",
}


class Location(Struct, frozen=True):
    """A URL of a store. ``text`` is how it is shown and what opens it again; ``options`` stand behind the ``?``.

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
    """Tell whether a place is a URL, or would be one, and not the path of a file.

    ``user@host:path`` and what has a user behind its scheme are such: ``parse_location`` refuses them.
    """
    found = _SCHEME.match(text)
    is_known = found is not None and (text[found.end() :].startswith("//") or found[1].lower() in SCHEMES)
    return is_known or _ODD.match(text) is not None or _FOREIGN.search(text) is not None


def shown_place(place: str) -> str:
    """Return a place as people know it: a URL as it is, a file from where they are."""
    return place if is_url(place) else shown(Path(place))


def parse_location(text: str, environment: str) -> Location:
    """Return the parts of a URL; where it ends with a slash the name of the environment is added.

    Raises UsageError for a scheme that nobody knows, for a credential, which belongs into no URL, and for one without
    a host. What is refused is never shown: a credential may stand anywhere in it.
    """
    found = None if text != text.strip(_WRAPPING) else _SCHEME.match(text)
    if found is None or (found[1].lower() not in SCHEMES and not text[found.end() :].startswith("//")):
        raise UsageError(_no_url(text))
    scheme = found[1].lower()
    if scheme not in SCHEMES:
        raise UsageError(_unknown_scheme(scheme))
    try:
        parts = urlsplit(_with_one_port(text) if scheme in ("postgresql", "postgres") else text)
        port = parts.port
    except ValueError:
        several = "of several hosts all have one port, said behind each or behind the last"
        why = several if _HOSTS_OF_DATABASE.match(text) else "its host or its port is none"
        raise UsageError(_malformed(scheme, why)) from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    _refuse_secrets(parts, scheme, options)
    _refuse_odd(parts, scheme, options, has_slashes=text[found.end() :].startswith("//"))
    path = parts.path + environment if parts.path.endswith("/") or not parts.path else parts.path
    path = path if path.startswith("/") else f"/{path}"
    user = f"{parts.username}@" if parts.username else ""
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    shown = f"{scheme}://{user}{bracketed}{f':{port}' if port else ''}{path}{query_of(options)}"
    repository, inside = _split_repository(path) if scheme.startswith("git+") else (path, "")
    return Location(scheme, shown, host, repository, parts.username, port, options, inside)


def _with_one_port(text: str) -> str:
    """Return a URL of PostgreSQL with the port of its hosts said once: ``h1:5432,h2:5432`` is ``h1,h2:5432``."""
    found = _HOSTS.match(text)
    if found is None:
        return text
    hosts = [each.rpartition(":") for each in found[2].split(",")]
    if len({port for _, _, port in hosts}) > 1:
        return text
    return f"{found[1]}{','.join(host for host, _, _ in hosts)}:{hosts[0][2]}{text[found.end() :]}"


def query_of(options: Mapping[str, str]) -> str:
    """Return the options with their ``?``, as they stand in a URL."""
    return f"?{urlencode(options, quote_via=quote, safe='/:')}" if options else ""


def in_settings(place: str) -> str:
    """Return a place as YAML writes it, in omnictl.yaml: quoted where it has to be."""
    return place if _PLAIN.fullmatch(place) else dumps(place, ensure_ascii=False)


def credentials_of(scheme: str) -> str:
    """Say from where a backend takes its credentials."""
    return _WAYS.get(scheme, _GIT_WAY)


def refuse_plain_http(host: str, shown: str) -> None:
    """Raise UsageError where a state would go over plain http to another machine than this one."""
    if not is_loopback(host):
        raise UsageError(_insecure(shown))


def _split_repository(path: str) -> tuple[str, str]:
    """Return the path of a repository, and the name in it: the ``//`` at its very beginning parts nothing."""
    at = path.find("//", 1)
    return (path, "") if at < 0 else (path[:at], path[at + 2 :])


def _refuse_secrets(parts: SplitResult, scheme: str, options: Mapping[str, str]) -> None:
    way = credentials_of(scheme)
    takes_user = scheme in ("postgresql", "postgres", "git+ssh")
    if parts.password is not None or (parts.username is not None and not takes_user):
        raise UsageError(_credentials_in_url(way))
    if "@" in unquote(parts.path) or ":" in unquote(parts.username or ""):
        raise UsageError(_credentials_in_url(way))
    if any(set(name) & {"@", ":", "/"} for name in options):
        raise UsageError(_credentials_in_url(way))
    named = next((name for name, value in options.items() if _SECRET.search(name) or _hides_user(value)), None)
    if named is not None:
        raise UsageError(_credentials_in_url(way, named))


def _hides_user(value: str) -> bool:
    """Tell whether a user and a password may stand in a value; a colon of a drive of Windows parts none."""
    return _HIDDEN.search(_DRIVE.sub("", value)) is not None


def _refuse_odd(parts: SplitResult, scheme: str, options: Mapping[str, str], *, has_slashes: bool) -> None:
    """Refuse what is not ``scheme://HOST…``; only a repository of a disk and the socket of a database have no host."""
    needs_host = scheme != "git+file" and not (scheme in ("postgresql", "postgres") and options.get("host"))
    if not has_slashes or (needs_host and not parts.hostname):
        raise UsageError(_malformed(scheme, f"behind {scheme}: come two slashes and a host"))
    if not parts.hostname and "@" in parts.path.lstrip("/").partition("/")[0]:
        raise UsageError(_credentials_in_url(credentials_of(scheme)))
    if parts.fragment:
        raise UsageError(_malformed(scheme, "a # has no meaning in it; one that belongs to a name is written %23"))


def _insecure(host: str) -> Diagnostic:
    return Diagnostic(
        "insecure-state-server",
        Severity.ERROR,
        "A state does not go over plain http",
        f"{host} is not this machine; what goes there unencrypted can be read on the way, credentials too.",
        hint="use https; where the network itself is encrypted, say so at the end of the URL",
        commands=("?allow_http=true",),
    )


def _malformed(scheme: str, why: str) -> Diagnostic:
    return Diagnostic(
        "wrong-state-url",
        Severity.ERROR,
        "The place of the state is no URL that can be used",
        f"It begins with {scheme}: and was not used: {why}.",
        hint=f"it is of the form {_FORMS[scheme]}; credentials stand nowhere in it, they come from "
        f"{credentials_of(scheme)}",
    )


def _no_url(text: str) -> Diagnostic:
    short = _SHORT.fullmatch(text)
    url = f"git+ssh://git@{short[1]}/{short[2].rstrip('/')}//" if short else "git+ssh://git@HOST/REPOSITORY//"
    return Diagnostic(
        "wrong-state-url",
        Severity.ERROR,
        "The place of the state is neither a URL nor the path of a file",
        "It begins with a user and an @, as the short form of ssh does, it has quotes or blanks around it, a URL in "
        "it, or the words of another tool for a credential.",
        hint="write the whole URL, without a password; a file whose name is like that has ./ before it",
        commands=(url,),
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
    what = f"Its option {named} is one, or holds one." if named else "It stands before the @."
    return Diagnostic(
        "credentials-in-url",
        Severity.ERROR,
        "A credential stands in the URL of the state",
        f"{what} A URL is committed, logged and shown in lists of processes.",
        hint=f"take it out, and give it by {way}",
    )


CODES = {
    "insecure-state-server": "The URL of a state begins with http:// or git+http:// and names another machine. Only "
    "allow_http=true behind its ? lets it through.",
    "wrong-state-url": "The state of an environment (state: in omnictl.yaml, --state, OMNICTL_STATE) is a URL that "
    "cannot be read or has no host, of a scheme that no backend has, or the short form user@host:path of ssh.",
    "credentials-in-url": "A URL of a state holds a password, a user of a service that takes none there, or an option "
    "that looks like a secret. Credentials come from where the platform keeps them.",
}
