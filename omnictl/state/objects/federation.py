"""Credentials of Google that another identity vouches for (workload identity federation): google-auth's work.

The library of the object stores knows keys and the machine alone; what is here is imported where a file asks for it.
"""

from collections.abc import Callable
from datetime import UTC
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from json import JSONDecodeError, loads
from pathlib import Path
from typing import Any

from omnictl.errors import UsageError
from omnictl.state.objects.place import ObjectPlace
from omnictl.state.objects.problems import bad_federation, no_google_auth

CREDENTIALS = "application_credentials"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_KIND = "external_account"
_ANSWER_SECONDS = 10


def find_federation(place: ObjectPlace) -> Callable[[], dict[str, Any]] | None:
    """Return what asks for a token, where the file of credentials is of a federation; else None. Raises UsageError."""
    path = place.config.get(CREDENTIALS)
    if path is None or not _is_federation(Path(path)):
        return None
    if find_spec("google") is None or find_spec("google.auth") is None or find_spec("requests") is None:
        raise UsageError(no_google_auth(path))
    pools, requests = import_module("google.auth.identity_pool"), import_module("google.auth.transport.requests")
    try:
        credentials = pools.Credentials.from_file(path, scopes=[_SCOPE])
    except Exception as error:  # noqa: BLE001 - of google-auth, which has many kinds
        raise UsageError(bad_federation(path, type(error).__name__)) from None
    ask = partial(requests.Request(), timeout=_ANSWER_SECONDS)

    def find_token() -> dict[str, Any]:
        credentials.refresh(ask)
        return {"token": credentials.token, "expires_at": credentials.expiry.replace(tzinfo=UTC)}

    return find_token


def _is_federation(path: Path) -> bool:
    """Tell what a file of credentials is; of one that cannot be read the library tells."""
    try:
        document = loads(path.read_bytes())
    except (OSError, UnicodeDecodeError, JSONDecodeError):
        return False
    return isinstance(document, dict) and document.get("type") == _KIND
