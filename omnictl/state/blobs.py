"""The port to a store of small objects with conditional writes: object stores, refs of git, memory.

A store promises three things: who reads after a write sees it, a write with a condition that no longer holds changes
nothing, and of two writes on one version one wins. All that a state backend promises is made of these.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Protocol

from msgspec import Struct

from omnictl.errors import StateError
from omnictl.model.diagnostic import Diagnostic

_TRIES = 5
_LOOKS = 2


class Blob(Struct, frozen=True):
    """An object: its bytes, and what the store calls this version of it."""

    content: bytes
    version: str


class BlobName(Struct, frozen=True):
    """The name of an object, and when it was written (UTC) where the store says it."""

    name: str
    written_at: datetime | None = None


class BlobConflictError(Exception):
    """The object is not, or no longer, in the version that a write was to replace; nothing was changed."""


class BlobError(StateError):
    """The store could not be used. ``is_unknown`` where a write may have happened, ``is_refused`` where trying again
    is of no use: credentials, a store that is not there. ``is_denied``: these credentials may not do it."""

    def __init__(
        self, diagnostic: Diagnostic, *, is_unknown: bool = False, is_refused: bool = False, is_denied: bool = False
    ) -> None:
        super().__init__(diagnostic)
        self.is_unknown = is_unknown
        self.is_refused = is_refused
        self.is_denied = is_denied


class BlobStore(Protocol):
    """One place in a store. Names are relative to it, with ``/`` between their parts.

    Calls raise BlobError, and end within half a minute whatever the network does. Nothing is sent twice by the store:
    who calls knows what may be repeated.
    """

    @property
    def location(self) -> str:
        """Where it is, for people: never with a credential."""
        ...

    def read(self, name: str) -> Blob | None:
        """Return an object, or None where there is none."""
        ...

    def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
        """Write an object in the place of a version, or (None) of nothing; return its version.

        Raises BlobConflictError where the condition does not hold.
        """
        ...

    def list(self, prefix: str) -> tuple[BlobName, ...]:
        """Return the names that begin so."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object; there may be none."""
        ...


def read_surely(store: BlobStore, name: str, *, wait: Callable[[int], None]) -> Blob | None:
    """Read, once more where the store does not answer: one lost answer ends no run. Raises BlobError."""
    for n in range(1, _LOOKS):
        try:
            return store.read(name)
        except BlobError as error:
            if error.is_refused:
                raise
        wait(n)
    return store.read(name)


def write_surely(
    store: BlobStore, name: str, content: bytes, *, replaces: str | None, wait: Callable[[int], None]
) -> str:
    """Write, and find out what became of it where the answer was lost; return the version.

    A write whose fate is unknown is held against what is there: our bytes are ours (no two writers write the same), the
    old version may be replaced again on the same condition, anything else is a conflict. ``wait`` waits before the
    n-th repetition. Raises BlobConflictError, or BlobError where it stays unknown.
    """
    for n in range(1, _TRIES + 1):
        try:
            return store.write(name, content, replaces=replaces)
        except BlobConflictError:
            found = read_surely(store, name, wait=wait)
            if found is not None and found.content == content:
                return found.version  # an earlier try had arrived
            if _version_of(found) != replaces or n == _TRIES:
                raise
            # some stores answer so where two writes meet and neither was taken
        except BlobError as error:
            if error.is_refused or n == _TRIES:
                raise
            found = read_surely(store, name, wait=wait)
            if found is not None and found.content == content:
                return found.version
            if _version_of(found) != replaces:
                raise BlobConflictError(name) from None
        wait(n)
    raise AssertionError(name)


def _version_of(found: Blob | None) -> str | None:
    return found.version if found else None


class MemoryStore:
    """A store in memory: for tests, and the measure of what a store has to promise."""

    location = "memory"

    def __init__(self) -> None:
        self.objects: dict[str, Blob] = {}
        self._written_at: dict[str, datetime] = {}
        self._number = 0
        self._lock = Lock()

    def read(self, name: str) -> Blob | None:
        """Return an object, or None."""
        with self._lock:
            return self.objects.get(name)

    def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
        """Write where the condition holds."""
        with self._lock:
            if _version_of(self.objects.get(name)) != replaces:
                raise BlobConflictError(name)
            self._number += 1
            self.objects[name] = Blob(content, str(self._number))
            self._written_at[name] = datetime.now(UTC)
            return self.objects[name].version

    def list(self, prefix: str) -> tuple[BlobName, ...]:
        """Return the names that begin so."""
        with self._lock:
            return tuple(BlobName(name, self._written_at[name]) for name in self.objects if name.startswith(prefix))

    def delete(self, name: str) -> None:
        """Remove an object."""
        with self._lock:
            self.objects.pop(name, None)
