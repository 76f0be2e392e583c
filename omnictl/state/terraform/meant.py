"""Which server of Terraform's protocol the variables are meant for: no credential goes to two."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

TOKEN_VARIABLE = "OMNICTL_STATE_TOKEN"  # noqa: S105 - the name of a variable
ONE_TOKEN_VARIABLE = "OMNICTL_STATE_TOKEN_ENV"  # noqa: S105
"""For the state of one environment; its name stands in the place of ENV."""
TARGET_TOKEN_VARIABLE = "OMNICTL_STATE_TOKEN_TO"  # noqa: S105
"""For the place that state migrate goes to."""
HELD_BACK = "credentials are held back"
"""Among the variables for a backend, under a name that no variable has: there are some, for another server."""
_PAIR = ("TF_HTTP_USERNAME", "TF_HTTP_PASSWORD")
ADDRESSES = {
    "lock_address": "TF_HTTP_LOCK_ADDRESS",
    "unlock_address": "TF_HTTP_UNLOCK_ADDRESS",
    "lock_method": "TF_HTTP_LOCK_METHOD",
    "unlock_method": "TF_HTTP_UNLOCK_METHOD",
    "update_method": "TF_HTTP_UPDATE_METHOD",
}
"""The options of a URL that a variable may say in their place."""


def server_of(place: str | Path) -> tuple[str, int | None] | None:
    """Return host and port of a server of Terraform's protocol; None for every other kind of place."""
    try:
        parts = urlsplit(str(place))
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    usual = {"https": 443, "http": 80}
    return (parts.hostname or "", port or usual[scheme]) if scheme in usual else None


def token_variable_of(environment: str) -> str:
    """Return the variable with the token of one environment alone."""
    return ONE_TOKEN_VARIABLE.removesuffix("ENV") + re.sub(r"[^A-Z0-9]", "_", environment.upper())


def environ_beside(environ: Mapping[str, str], *, is_ours: bool) -> dict[str, str]:
    """Return the variables for another place than the chosen one: what is meant for that one, and does not say so.

    ``is_ours``: it is on the server that the credentials are for.
    """
    is_named = bool(environ.get("TF_HTTP_ADDRESS"))
    credentials = () if is_ours else (TOKEN_VARIABLE, *(() if is_named else _PAIR))
    left_out = {*credentials, *(() if is_named else ADDRESSES.values())}
    kept = {name: value for name, value in environ.items() if name not in left_out}
    is_held_back = any(environ.get(name) for name in credentials)
    return {**kept, **({HELD_BACK: "yes"} if is_held_back else {})}
