"""Credentials: found in the environment, by a command or in the keyring, and never shown by anything."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NoReturn, Protocol, SupportsIndex, TypeAlias
from urllib.parse import quote, quote_plus
from weakref import WeakSet

from msgspec import Struct

from omnictl.errors import AccessError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.transport.secrets import keyring_get, run_command

HIDDEN = "[hidden]"

_TOKEN = re.compile(r"[\x21-\x7e]+")
_SHORTEST_REDACTED = 4


class Scheme(StrEnum):
    """How the API is told who we are: the first word of the Authorization header."""

    APP = "App"
    BASIC = "Basic"
    SESSION = "IBSSO"
    BEARER = "Bearer"


class Credentials:
    """A secret that shows itself to nobody: not in repr, str, format, pickle, copy or ``vars``.

    ``renew`` gives fresh credentials where there is a way to; ``source`` says where these came from, for people.
    """

    __slots__ = ("__header", "__hidden", "__weakref__", "renew", "scheme", "source")

    def __init__(
        self,
        scheme: Scheme,
        secret: str,
        *,
        source: str,
        renew: "Callable[[], Credentials] | None" = None,
        also_hide: tuple[str, ...] = (),
    ) -> None:
        self.scheme = scheme
        self.source = source
        self.renew = renew
        self.__header = f"{scheme} {secret}"
        self.__hidden = spell((secret, self.__header, *also_hide))
        _MADE.add(self)

    def authorization(self) -> str:
        """Return the value of the Authorization header."""
        return self.__header

    def redact(self, text: str, hide: "Hide | None" = None) -> str:
        """Return the text with every occurrence of the secret hidden: a server may echo what it was sent."""
        return (hide or hide_spelled)(text, self.__hidden)

    def __repr__(self) -> str:
        return f"<{self.scheme} credentials from {self.source}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("credentials are not copied or stored")


_MADE: "WeakSet[Credentials]" = WeakSet()
"""All credentials of this process that are still there: what must not be shown is known wherever something is shown."""


def hide_credentials(text: str, hide: "Hide | None" = None) -> str:
    """Return the text with all that any credentials of this process hide."""
    for each in tuple(_MADE):
        text = each.redact(text, hide)
    return text


def hide_spelled(text: str, spellings: Iterable[str]) -> str:
    """Return the text with every spelling of a secret hidden; ``spellings`` are those of ``spell``."""
    for each in spellings if text else ():
        text = text.replace(each, HIDDEN)
    return text


def spell(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return the secrets in every spelling in which text is carried around, the longest first.

    What is too short to be told from words is left out.
    """
    found = {each for secret in secrets if len(secret) >= _SHORTEST_REDACTED for each in _spell_one(secret)}
    return tuple(sorted(found, key=len, reverse=True))


def _spell_one(secret: str) -> Iterator[str]:
    content = secret.encode("utf-8", "surrogateescape")
    yield from (secret, secret.upper(), secret.lower(), repr(secret)[1:-1], content.hex())
    for escaped in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield from (escaped, escaped.replace("/", "\\/"))
    in_markup = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield from (in_markup, in_markup.replace('"', "&quot;"), in_markup.replace('"', "&quot;").replace("'", "&#x27;"))
    percent = quote(content, safe="")
    yield from (percent, re.sub("%..", lambda found: found[0].lower(), percent), quote(content), quote_plus(content))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        padded = encode(content).decode("ascii")
        yield from (padded, padded.rstrip("="))


Hide: TypeAlias = Callable[[str, Iterable[str]], str]
"""Hides every spelling of a secret in a text, as ``hide_spelled`` does."""


class CredentialNames(Protocol):
    """Where to look: names, never values. ``keyring`` is SERVICE/USER."""

    @property
    def api_key_env(self) -> str:
        """The variable with an API key."""
        ...

    @property
    def token_env(self) -> str:
        """The variable with a token."""
        ...

    @property
    def username_env(self) -> str:
        """The variable with a user name."""
        ...

    @property
    def password_env(self) -> str:
        """The variable with the password of that user."""
        ...

    @property
    def command(self) -> tuple[str, ...]:
        """A command that prints a key; empty where there is none."""
        ...

    @property
    def keyring(self) -> str | None:
        """An entry of the keyring."""
        ...


class CredentialSources(Struct, frozen=True):
    """The usual names, as long as nobody gives others."""

    api_key_env: str = "INFOBIP_API_KEY"
    token_env: str = "INFOBIP_TOKEN"  # noqa: S105 - the name of a variable
    username_env: str = "INFOBIP_USERNAME"
    password_env: str = "INFOBIP_PASSWORD"  # noqa: S105 - the name of a variable
    command: tuple[str, ...] = ()
    keyring: str | None = None


RunCommand: TypeAlias = Callable[[tuple[str, ...]], str]
KeyringGet: TypeAlias = Callable[[str, str], str | None]


def find_credentials(
    environ: Mapping[str, str],
    names: CredentialNames,
    run_command: RunCommand = run_command,
    keyring_get: KeyringGet = keyring_get,
) -> Credentials | None:
    """Return the credentials; None where no variable has any. Raises AccessError where they cannot be used.

    A command or a keyring entry that is named is the only source, and a command runs only with
    ``OMNICTL_ALLOW_COMMANDS=1``. Else an API key goes before a token, a token before user and password; a session
    token is renewed by user and password where both are there.
    """
    if names.command:
        return _from_command(environ, names.command, run_command)
    if names.keyring:
        return _from_keyring(names.keyring, keyring_get)
    return _from_environment(environ, _ask_for(names))


def variables_asked(names: CredentialNames) -> tuple[str, ...]:
    """Return the variables that are looked at, in their order; a user name and its password as one, with "and"."""
    asked = _ask_for(names)
    pair = f"{asked.username_env} and {asked.password_env}" if asked.username_env else ""
    return tuple(each for each in (asked.api_key_env, asked.token_env, pair) if each)


def _ask_for(names: CredentialNames) -> CredentialSources:
    """Return the variables to look at. Where one has a name of its own, the usual ones are not looked at: they would
    be those of another account. "" is not looked at."""
    usual = CredentialSources()
    given = CredentialSources(names.api_key_env, names.token_env, names.username_env, names.password_env)
    if given == usual:
        return usual
    pairs = zip(_variables(given), _variables(usual), strict=True)
    key, token, username, password = ("" if name == default else name for name, default in pairs)
    if username or password:
        username, password = given.username_env, given.password_env
    return CredentialSources(key, token, username, password)


def _variables(names: CredentialSources) -> tuple[str, str, str, str]:
    return names.api_key_env, names.token_env, names.username_env, names.password_env


def make_credentials(secret: str, *, source: str, renew: Callable[[], Credentials] | None = None) -> Credentials:
    """Return credentials from an API key, or from text that begins with App, Bearer, IBSSO or Basic."""
    scheme, rest = _split_scheme(secret, Scheme.APP)
    return _checked(scheme, rest, source, renew)


def _split_scheme(secret: str, otherwise: Scheme) -> tuple[Scheme, str]:
    for scheme in Scheme:
        if secret.lower().startswith(f"{scheme.lower()} "):
            return scheme, secret[len(scheme) + 1 :]
    return otherwise, secret


def _checked(scheme: Scheme, secret: str, source: str, renew: Callable[[], Credentials] | None = None) -> Credentials:
    if not _TOKEN.fullmatch(secret):
        raise AccessError(_malformed(source, "it has spaces, line breaks, or characters beyond ASCII, or is empty"))
    return Credentials(scheme, secret, source=source, renew=renew)


def _from_environment(environ: Mapping[str, str], names: CredentialSources) -> Credentials | None:
    if key := environ.get(names.api_key_env):
        return make_credentials(key, source=names.api_key_env)
    basic = _basic(environ, names)
    if token := environ.get(names.token_env):
        scheme, secret = _split_scheme(token, Scheme.BEARER)
        renew = (lambda: basic) if basic is not None and scheme is Scheme.SESSION else None
        return _checked(scheme, secret, names.token_env, renew)
    return basic


def _basic(environ: Mapping[str, str], names: CredentialSources) -> Credentials | None:
    username, password = environ.get(names.username_env, ""), environ.get(names.password_env, "")
    if not username and not password:
        return None
    if not username or not password:
        pair = names.username_env, names.password_env
        there, lacking = pair if username else pair[::-1]
        raise AccessError(_incomplete(there, lacking))
    source = f"{names.username_env} and {names.password_env}"
    if ":" in username or not (username + password).isprintable():
        raise AccessError(_malformed(source, "a user name has no colon, and neither may have control characters"))
    secret = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    return Credentials(Scheme.BASIC, secret, source=source, also_hide=(password, f"{username}:{password}"))


def _from_command(environ: Mapping[str, str], command: tuple[str, ...], run_command: RunCommand) -> Credentials:
    if environ.get("OMNICTL_ALLOW_COMMANDS") != "1":
        raise AccessError(_command_refused(command))

    def ask() -> Credentials:
        secret = run_command(command).strip()
        if not secret:
            raise AccessError(_command_silent(command))
        return make_credentials(secret, source="the credentials command", renew=ask)

    return ask()


def _from_keyring(entry: str, keyring_get: KeyringGet) -> Credentials:
    service, _, user = entry.partition("/")
    secret = keyring_get(service, user)
    if not secret:
        raise AccessError(_keyring_empty(service, user))
    return make_credentials(secret, source="the keyring")


def _incomplete(there: str, lacking: str) -> Diagnostic:
    return Diagnostic(
        "incomplete-credentials",
        Severity.ERROR,
        "Half of the credentials is missing",
        f"{there} is set, {lacking} is not.",
        hint="set both, or neither and an API key instead",
        commands=(f"export {lacking}=…",),
    )


def _malformed(source: str, why: str) -> Diagnostic:
    return Diagnostic(
        "malformed-credentials",
        Severity.ERROR,
        "The credentials cannot be used",
        f"What came from {source} is no credential: {why}.",
        hint="copy it again; a line break at the end is the most frequent mistake",
    )


def _command_refused(command: tuple[str, ...]) -> Diagnostic:
    return Diagnostic(
        "command-not-allowed",
        Severity.ERROR,
        "A command for the credentials is named, but commands are not allowed",
        f"The settings want to run {command[0]}. They may come from somebody else's proposal, so this needs a yes "
        "from outside of the files.",
        hint="if you trust the settings, allow it in the environment",
        commands=("export OMNICTL_ALLOW_COMMANDS=1",),
    )


def _command_silent(command: tuple[str, ...]) -> Diagnostic:
    return Diagnostic(
        "credentials-command-failed",
        Severity.ERROR,
        "The command for the credentials gave none",
        f"{command[0]} printed nothing.",
        hint="run it yourself to see why",
    )


def _keyring_empty(service: str, user: str) -> Diagnostic:
    return Diagnostic(
        "keyring-empty",
        Severity.ERROR,
        "The keyring has no such entry",
        f"There is no entry for the service {service} and the user {user}.",
        hint="store it once; it asks for the secret",
        commands=(f"keyring set {service} {user}",),
    )


CODES = {
    "incomplete-credentials": "A user name without a password, or the reverse. Set both variables.",
    "malformed-credentials": "The key or token has spaces, line breaks or characters that no header can carry, or the "
    "user name has a colon. It is not shown; copy it again.",
    "command-not-allowed": "omnictl.yaml names a command that prints the credentials. Commands from files run only "
    "with OMNICTL_ALLOW_COMMANDS=1.",
    "credentials-command-failed": "The command for the credentials could not be run, failed, took too long, or printed "
    "nothing. What it printed is never shown; run it yourself.",
    "keyring-empty": "The keyring was asked for the service and user that omnictl.yaml names, and has no such entry.",
}
