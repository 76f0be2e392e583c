"""What the URL of an object store and the variables of its platform say: where the state is, and how it is reached."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from omnictl.errors import UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.state.location import Location
from omnictl.transport.trust import is_loopback

_OPTIONS = {
    "s3": ("endpoint", "region", "profile", "virtual_hosted", "allow_http"),
    "gs": ("endpoint", "allow_http"),
    "az": ("endpoint", "account", "allow_http"),
}

_VARIABLES: dict[str, dict[str, str]] = {
    "s3": {
        "AWS_ACCESS_KEY_ID": "access_key_id",
        "AWS_SECRET_ACCESS_KEY": "secret_access_key",
        "AWS_SESSION_TOKEN": "session_token",
        "AWS_DEFAULT_REGION": "region",
        "AWS_REGION": "region",
    },
    "gs": {
        "GOOGLE_SERVICE_ACCOUNT": "service_account",
        "GOOGLE_SERVICE_ACCOUNT_KEY": "service_account_key",
        "GOOGLE_APPLICATION_CREDENTIALS": "application_credentials",
    },
    "az": {
        "AZURE_STORAGE_ACCOUNT_NAME": "account_name",
        "AZURE_STORAGE_ACCOUNT_KEY": "account_key",
        "AZURE_STORAGE_SAS_KEY": "sas_key",
        "AZURE_CLIENT_ID": "client_id",
        "AZURE_CLIENT_SECRET": "client_secret",
        "AZURE_TENANT_ID": "tenant_id",
        "AZURE_FEDERATED_TOKEN_FILE": "federated_token_file",
    },
}
"""Variables that are passed on, the later before the earlier. The library looks for the rest of the platform's own."""

_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": (),
    "az": ("AZURE_STORAGE_ENDPOINT",),
}
_SECRETS = frozenset(
    {"secret_access_key", "session_token", "service_account_key", "account_key", "sas_key", "client_secret"}
)
_ENDPOINT_KEYS = {"s3": "endpoint", "gs": "base_url", "az": "endpoint"}
_BETWEEN = re.compile(r'[&=",:;{}\s]+')
_SHORTEST_PART = 12
_LONGEST_PREFIX = 700
"""Of the 1024 bytes that a name may have; the rest is for what stands below it."""


class ObjectPlace(Struct, frozen=True):
    """A place in a bucket (Azure: a container). ``config`` is for the library and holds ``secrets``: never shown."""

    scheme: str
    location: str
    bucket: str
    prefix: str
    config: Mapping[str, str]
    allow_http: bool
    profile: str | None = None
    ca_file: str | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that no text may hold, and their parts: a signature inside, a key in a document."""
        values = [value for name, value in self.config.items() if name in _SECRETS and value]
        parts = (part for value in values for part in _BETWEEN.split(value) if len(part) >= _SHORTEST_PART)
        return (*values, *parts)


def parse_object_place(location: Location, environ: Mapping[str, str], ca_file: str | None = None) -> ObjectPlace:
    """Return what a URL and the environment say. Raises UsageError where it cannot be used."""
    scheme, options = location.scheme, location.options
    _refuse_unknown(scheme, options)
    if location.port is not None:
        raise UsageError(_wrong(f"It names a port; a {_container(scheme)} has none.", _form(scheme)))
    config = {
        key: environ[variable] for variable, key in _VARIABLES[scheme].items() if environ.get(variable, "").strip()
    }
    if options.get("region"):
        config["region"] = options["region"]
    if options.get("account"):
        config["account_name"] = options["account"]
    if scheme == "az" and "account_name" not in config:
        raise UsageError(
            _wrong("Which storage account holds the container?", "set AZURE_STORAGE_ACCOUNT_NAME, or add ?account=NAME")
        )
    allow_http = _is_true(options, "allow_http")
    endpoint = _endpoint(scheme, options, environ, allow_http=allow_http)
    if endpoint:
        config[_ENDPOINT_KEYS[scheme]] = endpoint
    if _is_true(options, "virtual_hosted"):
        config["virtual_hosted_style_request"] = "true"
    profile = (options.get("profile") or environ.get("AWS_PROFILE") or None) if scheme == "s3" else None
    is_http = endpoint is not None and endpoint.startswith("http:")
    return ObjectPlace(scheme, location.text, location.host, _prefix(location), config, is_http, profile, ca_file)


def _prefix(location: Location) -> str:
    prefix = unquote(location.path).strip("/")
    parts = prefix.split("/")
    if any(part in ("", ".", "..") for part in parts) or not prefix.isprintable():
        raise UsageError(
            _wrong("A part of the path is empty, only dots, or cannot be printed.", _form(location.scheme))
        )
    if len(prefix.encode()) > _LONGEST_PREFIX:
        raise UsageError(_wrong(f"The path is longer than {_LONGEST_PREFIX} bytes.", _form(location.scheme)))
    return prefix


def _endpoint(scheme: str, options: Mapping[str, str], environ: Mapping[str, str], *, allow_http: bool) -> str | None:
    """Return the address of the service where it is not the platform's own; http only on this machine, or if said."""
    given = options.get("endpoint") or next((environ[name] for name in _ENDPOINTS[scheme] if environ.get(name)), None)
    if not given:
        return None
    hint = "endpoint= is such as https://s3.example.com"
    try:
        parts = urlsplit(given)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise UsageError(_wrong("The endpoint is no URL.", hint)) from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(_wrong("The endpoint is no URL of http or https.", hint))
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(_wrong("The endpoint holds a user, or something behind a ? or #.", hint))
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        raise UsageError(
            _wrong(
                f"The endpoint {host} is not this machine, and http hides neither the state nor its requests.",
                "use https; or, in a network that you trust, add allow_http=true",
            )
        )
    return given.rstrip("/")


def _refuse_unknown(scheme: str, options: Iterable[str]) -> None:
    known = _OPTIONS[scheme]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UsageError(
            _wrong(f"No option of {scheme}:// has the name {unknown[0]}.", f"known are {', '.join(known)}")
        )


def _is_true(options: Mapping[str, str], name: str) -> bool:
    value = options.get(name, "false")
    if value not in ("true", "false"):
        raise UsageError(_wrong(f"The option {name} is true or false.", f"{name}=true"))
    return value == "true"


def _container(scheme: str) -> str:
    return "container" if scheme == "az" else "bucket"


def _form(scheme: str) -> str:
    return f"such as {scheme}://{_container(scheme)}/omnictl/production"


def _wrong(detail: str, hint: str) -> Diagnostic:
    return Diagnostic(
        "wrong-object-url", Severity.ERROR, "The URL of the object store cannot be used", detail, hint=hint
    )


CODES = {
    "wrong-object-url": "The URL of a state in an object store (s3://, gs://, az://) names a port, an option that "
    "does not exist, an endpoint that is no https URL, or no storage account.",
}
