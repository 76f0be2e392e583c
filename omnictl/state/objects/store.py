"""Object stores (S3 and its like, Google Cloud Storage, Azure Blob Storage) through obstore.

Nothing is repeated here: a write that arrived and is sent again would come back as a conflict with itself. An object
is its own version: an ETag, or a generation in Google's. Calls run beside the main thread, which so takes signals.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Struct

from omnictl.errors import UsageError
from omnictl.state.blobs import Blob, BlobConflictError, BlobError, BlobName
from omnictl.state.objects.federation import CREDENTIALS, find_federation
from omnictl.state.objects.place import ObjectPlace
from omnictl.state.objects.problems import (
    bad_profile,
    failed,
    no_boto3,
    no_bucket,
    no_credentials,
    no_versions,
    reason_of,
    refused,
    unusable,
)
from omnictl.threads import leave_signals

if TYPE_CHECKING:  # an extra brings it: the module can be imported without, and used only with it
    from obstore.store import AzureConfig, AzureStore, ClientConfig, GCSConfig, GCSStore, RetryConfig, S3Config, S3Store

T = TypeVar("T")


class Waits(Struct, frozen=True):
    """How long calls may take, in seconds: to connect; a small one as a whole; one of a large object as a whole."""

    connect: float = 3.0
    small: float = 10.0
    large: float = 25.0


USUAL_WAITS = Waits()
_SMALL_BYTES = 256 * 1024
_NO_RETRIES: "RetryConfig" = {"max_retries": 0, "retry_timeout": timedelta(seconds=10)}
_NO_CONTAINER = re.compile(r"NoSuchBucket|ContainerNotFound|BucketNotFound|bucket does not exist", re.IGNORECASE)
_NO_VERSION = re.compile(r"(ETag|generation)\b.{0,20}missing", re.IGNORECASE)
_STATUS = re.compile(r"status code: (\d{3})")
_DENIED = re.compile(r"AccessDenied|AuthorizationPermissionMismatch|status code: 40[13]\b|\b403 Forbidden")
"""The library does not part these out of the answers to a list."""
_FINAL_STATUS = frozenset({"301", "307", "400", "401", "403", "404", "405", "411", "413", "501"})
"""Answers that come again however often one asks."""
_METADATA = re.compile(r"169\.254\.169\.254|metadata\.google|/latest/api/token|computeMetadata")


class ObjectStore:
    """A place in an object store, as a BlobStore."""

    def __init__(self, place: ObjectPlace, *, waits: Waits = USUAL_WAITS) -> None:
        """Raises UsageError where it cannot be set up; nothing is asked yet."""
        self._place = place
        self._version_key = "version" if place.scheme == "gs" else "e_tag"
        self._small = _connect(place, waits, timeout=timedelta(seconds=waits.small))
        self._large = _connect(place, waits, timeout=timedelta(seconds=waits.large))
        self._reading = _connect(
            place, waits, timeout=timedelta(seconds=waits.large), read_timeout=timedelta(seconds=waits.small)
        )

    @property
    def location(self) -> str:
        """The URL."""
        return self._place.location

    def read(self, name: str) -> Blob | None:
        """Return an object, or None where there is none; BlobError where there is not even the bucket."""

        import obstore
        from obstore.exceptions import BaseError

        def get() -> tuple[bytes, str | None]:
            found = obstore.get(self._reading, self._key(name))
            return bytes(found.bytes()), found.meta[self._version_key]  # type: ignore[literal-required]

        try:
            content, version = _beside(get)
        except FileNotFoundError as error:
            if _NO_CONTAINER.search(str(error)):
                raise self._error(error, is_write=False) from None
            return None
        except BaseError as error:
            raise self._error(error, is_write=False) from None
        return Blob(content, self._known(version))

    def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
        """Write where the condition holds; return the version."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

        store = self._small if len(content) <= _SMALL_BYTES else self._large
        mode: Any = "create" if replaces is None else {self._version_key: replaces}
        try:
            put = _beside(
                lambda: obstore.put(store, self._key(name), content, mode=mode, use_multipart=False), writes=True
            )
        except (AlreadyExistsError, PreconditionError):
            raise BlobConflictError(name) from None
        except FileNotFoundError as error:  # S3 says so where what was to be replaced is gone
            if replaces is not None and not _NO_CONTAINER.search(str(error)):
                raise BlobConflictError(name) from None
            raise self._error(error, is_write=True) from None
        except BaseError as error:
            raise self._error(error, is_write=True) from None
        return self._known(put[self._version_key])  # type: ignore[literal-required]

    def list(self, prefix: str) -> tuple[BlobName, ...]:
        """Return the names that begin so."""
        import obstore
        from obstore.exceptions import BaseError

        folder = self._key(prefix.rpartition("/")[0])

        def collect() -> tuple[BlobName, ...]:
            start = len(self._place.prefix) + 1
            found = obstore.list(self._small, folder).collect()
            return tuple(BlobName(each["path"][start:], each["last_modified"]) for each in found)

        try:
            return tuple(each for each in _beside(collect) if each.name.startswith(prefix))
        except (BaseError, FileNotFoundError) as error:
            raise self._error(error, is_write=False) from None

    def delete(self, name: str) -> None:
        """Remove an object; there may be none."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            _beside(lambda: obstore.delete(self._small, self._key(name)), writes=True)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise self._error(error, is_write=True) from None

    def _key(self, name: str) -> str:
        return f"{self._place.prefix}/{name}" if name else self._place.prefix

    def _known(self, version: str | None) -> str:
        if not version:
            raise BlobError(no_versions(self.location), is_refused=True)
        return version

    def _error(self, error: Exception, *, is_write: bool) -> BlobError:
        from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

        text = str(error).partition("\n\nDebug source")[0]
        reason = reason_of(str(error), self._place.secrets)
        is_denied = isinstance(error, PermissionDeniedError | UnauthenticatedError) or _DENIED.search(text) is not None
        if is_denied and not _METADATA.search(text):
            return BlobError(refused(self.location, reason), is_refused=True, is_denied=True)
        if _NO_CONTAINER.search(text):
            return BlobError(no_bucket(self.location, self._place.bucket), is_refused=True)
        if _METADATA.search(text):  # nothing was asked of the store
            return BlobError(no_credentials(self._place, reason))
        if _NO_VERSION.search(text):
            return BlobError(no_versions(self.location), is_unknown=is_write, is_refused=True)
        status = _STATUS.search(text)
        is_final = status is not None and status[1] in _FINAL_STATUS
        is_unknown = is_write and not is_final
        return BlobError(failed(self.location, reason), is_unknown=is_unknown, is_refused=is_final)


def _connect(place: ObjectPlace, waits: Waits, **timeouts: timedelta) -> "AzureStore | GCSStore | S3Store":
    """Return a client of obstore; its ``config`` holds the credentials in clear and is never shown."""
    from obstore.exceptions import BaseError
    from obstore.store import AzureStore, GCSStore, S3Store

    client = cast(
        "ClientConfig",
        {
            "connect_timeout": timedelta(seconds=waits.connect),
            "allow_http": place.allow_http,
            "allow_invalid_certificates": False,
            **_authorities(place),
            **timeouts,
        },
    )
    try:
        if place.scheme == "gs":
            federation = find_federation(place)
            left_out = CREDENTIALS if federation else None
            config = cast("GCSConfig", {key: value for key, value in place.config.items() if key != left_out})
            return GCSStore(
                place.bucket,
                config=config,
                client_options=client,
                retry_config=_NO_RETRIES,
                credential_provider=cast("Any", federation),
            )
        if place.scheme == "az":
            azure = cast("AzureConfig", dict(place.config))
            return AzureStore(place.bucket, config=azure, client_options=client, retry_config=_NO_RETRIES)
        # deletes one by one: the call for many is missing in some of S3's like
        fixed = {"conditional_put": "etag", "disable_bulk_delete": "true"}
        return S3Store(
            place.bucket,
            config=cast("S3Config", {**place.config, **fixed}),
            client_options=client,
            retry_config=_NO_RETRIES,
            credential_provider=_profile(place.profile),
        )
    except (BaseError, ValueError) as error:
        raise UsageError(unusable(place, str(error))) from None


def _authorities(place: ObjectPlace) -> dict[str, bytes]:
    """Return the certificate authorities that are believed beside those of the system."""
    if place.ca_file is None:
        return {}
    try:
        return {"root_certificate": Path(place.ca_file).read_bytes()}
    except OSError as error:
        raise UsageError(unusable(place, f"{place.ca_file} (ca_file, OMNICTL_CA_FILE): {error.strerror}")) from None


def _profile(profile: str | None) -> Any:
    """Return what reads a profile of AWS, single sign-on included: that is boto3's work."""
    if profile is None:
        return None
    if find_spec("boto3") is None:
        raise UsageError(no_boto3(profile))
    boto3, auth = import_module("boto3"), import_module("obstore.auth.boto3")
    try:
        return auth.Boto3CredentialProvider(boto3.Session(profile_name=profile))
    except Exception as error:  # noqa: BLE001 - of boto3, which has many kinds
        raise UsageError(bad_profile(profile, type(error).__name__)) from None


def _beside(act: Callable[[], T], *, writes: bool = False) -> T:
    """Return what ``act`` returns; the main thread waits for it where it is asked, and takes signals meanwhile.

    A call of obstore in the main thread keeps signals from Python until it is answered. Where a signal ends the wait, a
    reading is left behind; a write is waited for, lest it arrive when the lock is let go: it ends within its time.
    """
    if current_thread() is not main_thread():
        return act()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        leave_signals()
        try:
            results.append(act())
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
            errors.append(error)
        finally:
            is_done.set()

    is_done = Event()
    Thread(target=run, name="object store", daemon=True).start()
    try:
        is_done.wait()  # a join that a signal ends takes the thread for ended
    except BaseException:
        if writes:
            is_done.wait()
        raise
    if errors:
        raise errors[0]
    return results[0]
