"""Whether a store keeps its word: both conditions of a write, tried on an object that is thrown away."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.state.blobs import BlobConflictError, BlobError, BlobStore

_PROBE = "probe/"


class Conditions(Struct, frozen=True):
    """What a store does with a condition: ``keeps_create``, a write in the place of nothing is refused where there is
    something; ``keeps_update``, one in the place of a version is refused where there is another; ``takes_update``,
    it is taken where that version is there. ``left`` is the object that was tried on, where it could not be removed."""

    keeps_create: bool
    keeps_update: bool
    takes_update: bool
    left: str = ""

    @property
    def are_kept(self) -> bool:
        """Whether a state is safe there."""
        return self.keeps_create and self.keeps_update and self.takes_update


def check_conditions(store: BlobStore, make_token: Callable[[], str]) -> Conditions | None:
    """Write an object of a new name twice as the first one, then over a version that is gone; remove it.

    Return None where the credentials may not even make it. Raises BlobError. Stores of old software leave out headers
    that they do not know, and say that all went well: only trying tells.
    """
    token = make_token()
    name = f"{_PROBE}{token}.json"
    try:
        found = _try_both(store, name, token)
    finally:
        is_removed = _is_removed(store, name)
    return found if is_removed or found is None else replace(found, left=name)


def _is_removed(store: BlobStore, name: str) -> bool:
    try:
        store.delete(name)
    except BlobError:
        return False
    return True


def _try_both(store: BlobStore, name: str, token: str) -> Conditions | None:
    contents = (f'{{"probe": "{token}", "write": {n}}}\n'.encode() for n in range(1, 6))
    first = next(contents)
    try:
        store.write(name, first, replaces=None)
    except BlobError as error:
        if error.is_denied:
            return None
        raise
    keeps_create = not _is_taken(store, name, next(contents), None) and _has(store, name, first)
    found = store.read(name)
    stale = found.version if found else None
    second = next(contents)
    takes_update = stale is not None and _is_taken(store, name, second, stale)
    third = next(contents)
    keeps_update = takes_update and not _is_taken(store, name, third, stale) and _has(store, name, second)
    return Conditions(keeps_create, keeps_update, takes_update)


def _is_taken(store: BlobStore, name: str, content: bytes, replaces: str | None) -> bool:
    try:
        store.write(name, content, replaces=replaces)
    except BlobConflictError:
        return False
    return True


def _has(store: BlobStore, name: str, content: bytes) -> bool:
    found = store.read(name)
    return found is not None and found.content == content


def probe_left(where: str) -> Diagnostic:
    """Tell of an object that was tried on and could not be removed."""
    return Diagnostic(
        "probe-left",
        Severity.NOTE,
        "An object that was written to try the store could not be removed",
        f"{where} holds nothing that anybody needs.",
        hint="let these credentials delete below the path: old versions of the state are dropped there too",
    )


def unlisted(why: str) -> Diagnostic:
    """Tell of credentials that may not list what is kept."""
    return Diagnostic(
        "versions-unlisted",
        Severity.WARNING,
        "The kept versions of the state cannot be listed",
        f"{why} state history and a rollback need that, and old versions are not dropped.",
        hint="let these credentials list below the path of the state (docs/backends.md has the policy)",
    )


def unkept_conditions(where: str, found: Conditions) -> Diagnostic | None:
    """Return what to tell people of a store that does not keep its conditions; None where it does."""
    if found.are_kept:
        return None
    if not found.takes_update:
        what = "it refuses a write that names the version which is there"
    elif not found.keeps_create and not found.keeps_update:
        what = "it overlooks the conditions of a write: one that should have been refused was taken"
    elif not found.keeps_create:
        what = "it overlooks the condition that there is nothing yet: what was there was written over"
    else:
        what = "it overlooks the condition that a version is still there: a newer one was written over"
    return Diagnostic(
        "conditions-overlooked",
        Severity.ERROR,
        "The store has no conditional writes",
        f"{where}: {what}. Two runs at once could write over each other, and neither would notice.",
        hint="keep the state in another store, or update this one: S3 and its like need If-None-Match and If-Match",
    )


CODES = {
    "conditions-overlooked": "The store of the state overlooks the conditions of writes, or names no versions. The "
    "lock and the state are protected by nothing else there.",
    "versions-unlisted": "doctor lists the kept versions of a state in a store. These credentials may read and write, "
    "and not list: history and rollback would fail, and old versions stay.",
    "probe-left": "doctor tries the store of the state with an object of its own, probe/NAME.json, which the "
    "credentials may write and not delete. It may be removed by hand.",
}
