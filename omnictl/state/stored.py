"""The state in a store of objects: one object, its lock beside it, and the versions that runs began with.

Every write is on the condition that the stored version is the one that was read: whatever became of the lock, nothing
that another run wrote is ever written over.
"""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path

from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import StateError, StateMovedError, StateWriteError
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.state import State
from omnictl.state.base import Aside, Hold, LockHolder, StateVersion, Trial
from omnictl.state.blobs import Blob, BlobConflictError, BlobError, BlobStore, read_surely, write_surely
from omnictl.state.checks import refuse_unusable
from omnictl.state.conditions import check_conditions, probe_left, unkept_conditions, unlisted
from omnictl.state.errored import save_errored, save_unreadable
from omnictl.state.hold import noted
from omnictl.state.lease import Lease, LeaseHold
from omnictl.state.problems import lock_taken, no_such_version, overtaken

KEPT_VERSIONS = 10
STATE = "state.json"
LOCK = "lock.json"
_HISTORY = "history/"
_KEPT = re.compile(r"history/([0-9A-Za-z_-]{1,64})/(\d{8,16})\.json", re.ASCII)
_UNSAFE = re.compile(r"[^0-9A-Za-z-]")
_NEVER = datetime.fromtimestamp(0, UTC)


class StoredBackend:
    """The state of one environment in a store."""

    is_local = False
    has_conditional_writes = True

    def __init__(
        self,
        store: BlobStore,
        *,
        work_dir: Path,
        environment: str,
        make_token: Callable[[], str],
        lease: Lease | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._work_dir = work_dir
        self._environment = environment
        self._make_token = make_token
        self._lease = lease or Lease(store, LOCK, make_token)
        self._sleep = sleep
        self._hold: LeaseHold | None = None
        self._seen: Blob | None = None
        self._has_read = False
        self._has_written = False
        self._is_aside = False

    @property
    def location(self) -> str:
        """Where it is."""
        return self._store.location

    # --- reading and writing -------------------------------------------------------------------------------

    def read(self) -> State | None:
        """Return the state, or None where there is none yet."""
        self._seen = read_surely(self._store, STATE, wait=self._pause)
        self._has_read, self._is_aside = True, False
        if self._seen is None:
            return None
        state = decode_state(self._seen.content, path=self.location, environment=self._environment)
        try:
            refuse_unusable(state, self.location, self._environment)
        except StateMovedError:
            raise  # it may come back, in the place of what was read
        except StateError:
            self._has_read = False
            raise
        return state

    def write(self, state: State) -> None:
        """Write the state in the place of the version that was read, or that this run wrote last.

        The version that the run began with is kept first, or nothing is written. Who lost the lock to somebody else
        writes nothing: what it knows is not to come between that one's reading and its writing.
        """
        try:
            self._refuse_where_lost(state)
            if not self._has_read:
                self.read()
            content = encode_state(state).encode()
            if not self._has_written and self._seen is not None and not self._is_aside:
                self._keep(self._seen)
            replaces = None if self._seen is None else self._seen.version
            version = write_surely(self._store, STATE, content, replaces=replaces, wait=self._pause)
        except BlobConflictError:
            raise StateWriteError(overtaken(self.location, self._read_serial(), state)) from None
        except StateWriteError:
            raise
        except StateError as error:
            raise StateWriteError(*error.diagnostics) from None
        self._seen, self._is_aside = Blob(content, version), False
        self._has_written = True

    def _refuse_where_lost(self, state: State) -> None:
        if self._hold is not None and not self._hold.rejoin():
            raise StateWriteError(lock_taken(self.location, state))

    def _read_serial(self) -> int | None:
        """Return the serial of what is stored now, for people; None where it cannot be said."""
        with suppress(StateError):
            found = self._store.read(STATE)
            return None if found is None else decode_state(found.content, path=self.location).serial
        return None

    def _pause(self, n: int) -> None:
        self._sleep(min(0.2 * 2**n, 3.0))

    # --- kept versions -------------------------------------------------------------------------------------

    def _keep(self, blob: Blob) -> None:
        """Keep a version that is about to be replaced; one that is kept already is as good."""
        state = decode_state(blob.content, path=self.location)
        name = f"{_HISTORY}{_part_of(state.lineage)}/{state.serial:08d}.json"
        with suppress(BlobConflictError):
            write_surely(self._store, name, blob.content, replaces=None, wait=self._pause)
        self._prune(_part_of(state.lineage))

    def _prune(self, lineage: str) -> None:
        """Drop the oldest versions; where that is not possible there are more of them."""
        with suppress(BlobError):
            names = sorted((each.name for each in self._store.list(f"{_HISTORY}{lineage}/")), reverse=True)
            for name in names[KEPT_VERSIONS:]:
                self._store.delete(name)

    def history(self) -> tuple[StateVersion, ...]:
        """Return the kept versions of all lineages, the last written first."""
        found = [(_KEPT.fullmatch(each.name), each) for each in self._store.list(_HISTORY)]
        versions = (
            StateVersion(match[1], int(match[2]), each.written_at or _NEVER, _inside(self.location, each.name))
            for match, each in found
            if match
        )
        return tuple(sorted(versions, key=lambda each: (each.written_at, each.serial), reverse=True))

    def read_version(self, lineage: str, serial: int) -> State:
        """Return a kept version."""
        name = f"{_HISTORY}{_part_of(lineage)}/{serial:08d}.json"
        found = self._store.read(name)
        if found is None:
            kept = [each.serial for each in self.history() if each.lineage == _part_of(lineage)]
            raise StateError(no_such_version(serial, kept))
        return decode_state(found.content, path=_inside(self.location, name))

    def save_errored(self, state: State) -> str:
        """Save a state that could not be written, beside the user."""
        return save_errored(state, work_dir=self._work_dir, environment=self._environment)

    def set_aside(self) -> Aside:
        """Save what was read and is no state beside the user; the next write takes its place."""
        content = self._seen.content if self._seen else b""
        found = save_unreadable(content, work_dir=self._work_dir, environment=self._environment)
        self._is_aside = True
        return found

    def try_conditions(self) -> Trial:
        """Try whether the store keeps the conditions of writes, on an object beside the state."""
        found = check_conditions(self._store, self._make_token)
        if found is None:
            return Trial(is_tried=False)
        problem = unkept_conditions(self.location, found)
        left = probe_left(_inside(self.location, found.left)) if found.left else None
        if problem is not None:
            raise StateError(problem, *([left] if left else []))
        return Trial(is_tried=True, note=left or self._try_listing())

    def _try_listing(self) -> Diagnostic | None:
        """Return what to say where these credentials may not list: nothing else needs that but history and rollback."""
        try:
            self._store.list(_HISTORY)
        except BlobError as error:
            if error.is_denied:
                return unlisted(error.diagnostics[0].detail)
            raise
        return None

    # --- the lock ------------------------------------------------------------------------------------------

    def lock(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> AbstractContextManager[Hold]:
        """Hold the lease inside the context."""
        return noted(self._lease.hold(holder, timeout_seconds=timeout_seconds, on_wait=on_wait), self._note)

    def _note(self, hold: LeaseHold | None) -> None:
        self._hold = hold

    def describe_lock(self) -> LockHolder | None:
        """Return who holds the lease, or held it when it died."""
        return self._lease.describe()

    def unlock(self) -> LockHolder | None:
        """Free the lease of a holder that is gone."""
        return self._lease.clear()


def _inside(location: str, name: str) -> str:
    """Return where an object is, for people; the options of a URL stay at its end."""
    place, mark, options = location.partition("?")
    return f"{place}/{name}{mark}{options}"


def _part_of(lineage: str) -> str:
    """Return the part of a name for a lineage, which comes from a file and may be any text."""
    return _UNSAFE.sub("_", lineage)[:64] or "_"
