"""The state as a local file: written whole or not at all, kept in versions, locked by the operating system."""

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct

from omnictl.codec.state import decode_state, encode_state
from omnictl.durable import read_regular_file, replace_file, shown
from omnictl.errors import StateError, StateMovedError, StateWriteError
from omnictl.model.state import State
from omnictl.state.base import Aside, Hold, LockHolder, StateVersion
from omnictl.state.checks import refuse_unusable
from omnictl.state.errored import save_errored, save_unreadable
from omnictl.state.problems import cannot, gone, moved, no_such_version
from omnictl.state.versions import Versions

if TYPE_CHECKING:
    from omnictl.state.local.lock import StateLock


class _Stored(Struct, frozen=True):
    """A state as it lies on disk: its bytes, and what they say."""

    content: bytes
    state: State


class LocalBackend:
    """The state of one environment in one file.

    ``work_dir`` (private) holds the kept versions and, if a write fails, the errored state. The lock lies beside the
    state, wherever it is used from: several projects, or folders, with one state share it.
    """

    is_local = True
    has_conditional_writes = True

    def __init__(self, path: Path, *, work_dir: Path, environment: str) -> None:
        self._path = path
        self._work_dir = work_dir
        self._environment = environment
        self._versions = Versions(work_dir / "backups" / environment)
        self._content: bytes | None = None
        self._seen: _Stored | None = None
        self._aside: bytes | None = None
        self._has_written = False

    @property
    def location(self) -> str:
        """The path of the file."""
        return str(self._path)

    @property
    def _target(self) -> Path:
        """The file itself, where the path is a link to it."""
        return Path(os.path.realpath(self._path))

    @property
    def _real_work_dir(self) -> Path:
        return Path(os.path.realpath(self._work_dir))

    # --- reading and writing -------------------------------------------------------------------------------

    def read(self) -> State | None:
        """Return the state, or None where there is no file."""
        content = self._content = self._read_bytes()
        self._seen = self._aside = None
        if content is None:
            return None
        state = decode_state(content, path=self._shown, environment=self._environment)
        try:
            refuse_unusable(state, self._shown, self._environment)
        except StateMovedError:
            self._seen = _Stored(content, state)  # it may come back
            raise
        self._seen = _Stored(content, state)
        return state

    def _read_bytes(self) -> bytes | None:
        try:
            return read_regular_file(self._path)
        except OSError as error:
            raise StateError(cannot("read", self._shown, error)) from None

    @property
    def _shown(self) -> str:
        return shown(self._path)

    def write(self, state: State) -> None:
        """Write the state whole or not at all. The version that this run began with is kept, or nothing is written.

        Later versions of a run are kept where that is possible: then requests have been sent, and a key that is not
        written weighs more than a version that is not kept.
        """
        if self._target.exists() and not os.access(self._target, os.W_OK):  # its folder would let it be replaced
            raise StateWriteError(cannot("write", self._shown, OSError("it is read-only")))
        before = self._refuse_if_moved(state)
        try:
            content = encode_state(state).encode()
        except StateError as error:
            raise StateWriteError(*error.diagnostics) from None
        if before is not None:
            self._keep(before)
        try:
            replace_file(self._target, content, private=self._real_work_dir in self._target.parents)
        except OSError as error:
            raise StateWriteError(cannot("write", self._shown, error)) from None
        self._seen, self._aside = _Stored(content, state), None
        self._has_written = True

    def _refuse_if_moved(self, state: State) -> "_Stored | None":
        """Return what is on disk; refuse to replace what this run has not read, or what is not older."""
        try:
            content = self._read_bytes()
            if content is None:
                return None if self._seen is None else self._refuse_gone(state)
            if content == self._aside:
                return None
            if self._seen is not None and content == self._seen.content:
                stored = self._seen
            else:
                stored = _Stored(content, decode_state(content, path=self._shown))
        except StateError as error:
            raise StateWriteError(*error.diagnostics) from None
        is_as_read = self._seen in (None, stored) and self._aside is None
        if not is_as_read or not _precedes(stored.state, state):
            raise StateWriteError(moved(self._shown, stored.state, state))
        return stored

    def _refuse_gone(self, state: State) -> NoReturn:
        raise StateWriteError(gone(self._shown, state))

    # --- kept versions -------------------------------------------------------------------------------------

    def _keep(self, stored: "_Stored") -> None:
        lineage, serial = stored.state.lineage, stored.state.serial
        at = time.time()
        with suppress(OSError):  # it was read a moment ago, and when it was written is for people
            at = self._target.stat().st_mtime
        self._versions.keep(stored.content, lineage, serial, written_at=at, begins_run=not self._has_written)

    def history(self) -> tuple[StateVersion, ...]:
        """Return the kept versions of all lineages, the last written first."""
        return self._versions.all()

    def read_version(self, lineage: str, serial: int) -> State:
        """Return a kept version."""
        state = self._versions.read(lineage, serial)
        if state is None:
            raise StateError(no_such_version(serial, self._versions.serials(lineage)))
        return state

    def save_errored(self, state: State) -> str:
        """Save a state that could not be written, beside the user."""
        return save_errored(state, work_dir=self._work_dir, environment=self._environment)

    def set_aside(self) -> Aside:
        """Save what was read and is no state beside the user; the next write takes its place."""
        content = self._content or b""
        found = save_unreadable(content, work_dir=self._work_dir, environment=self._environment)
        self._aside = content
        return found

    # --- the lock ------------------------------------------------------------------------------------------

    def lock(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> AbstractContextManager[Hold]:
        """Hold the lock of the operating system; it is freed when the process ends, however it ends."""
        return self._lock.hold(holder, timeout_seconds=timeout_seconds, on_wait=on_wait)

    def describe_lock(self) -> LockHolder | None:
        """Return who holds the lock now; None where nobody does, whatever a dead process left beside it."""
        return self._lock.describe()

    def unlock(self) -> LockHolder | None:
        """Clear the text of a holder that is gone; LockHeldError while the lock is really held."""
        return self._lock.clear()

    @property
    def _lock(self) -> "StateLock":
        from omnictl.state.local.lock import StateLock  # late: a plan takes no lock

        is_linked = not _is_private(self._target) and _is_private(self._path)  # refused: a link where ours has to be
        return StateLock(_lock_path(self._path if is_linked else self._target))


def _lock_path(target: Path) -> Path:
    """Return where the lock of a state lies; the path of the state alone decides it, so that all users share it."""
    private = target.parent if _is_private(target) else target.parent / ".omnictl"
    return private / "locks" / f"{_lock_name(target.name)}.lock"


def _is_private(path: Path) -> bool:
    return any(each.name == ".omnictl" for each in path.parents)


def _lock_name(name: str) -> str:
    """Return the name of a state, or a digest of what may be a credential in the variable of a path."""
    return name if name.endswith(".json") else hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


def _precedes(stored: State, state: State) -> bool:
    return stored.lineage == state.lineage and stored.serial < state.serial
