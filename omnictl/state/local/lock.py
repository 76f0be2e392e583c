"""The lock of a state: one of the operating system, on a file that is never deleted, with its holder's text beside."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from filelock import FileLock, Timeout
from msgspec.structs import replace

from omnictl.codec.shapes import ShapeError
from omnictl.durable import make_private_directory, replace_file, shown
from omnictl.errors import LockHeldError, StateError
from omnictl.state.base import Hold, LockHolder
from omnictl.state.hold import SureHold
from omnictl.state.holder import decode_holder, encode_holder
from omnictl.state.problems import cannot, lock_held

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 0.3
"""Even who does not want to wait bears with somebody who only looks whether the lock is held."""

_UNNAMED = LockHolder("another omnictl", "unknown", datetime.fromtimestamp(0, UTC))


class _FileHold(SureHold):
    """A lock of the operating system that is held."""

    def __init__(self, lock: "StateLock", holder: LockHolder) -> None:
        self._lock = lock
        self._holder = holder

    def expect(self, end: datetime) -> None:
        """Say it in the text beside the lock."""
        self._lock.write_holder(replace(self._holder, expected_end=end))


class StateLock:
    """The lock at a path; it is freed when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def hold(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> Iterator[Hold]:
        """Hold the lock of the operating system; it is freed when the process ends, however it ends."""
        lock = self._os_lock()
        self._acquire(lock, timeout_seconds, on_wait)
        try:
            self.write_holder(holder)
            yield _FileHold(self, holder)
        finally:
            with suppress(OSError):
                self._holder_path.unlink(missing_ok=True)
            lock.release()

    def _acquire(self, lock: FileLock, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]) -> None:
        start, told = monotonic(), False
        while True:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                waited = monotonic() - start
                if waited >= max(timeout_seconds, _GRACE_SECONDS):
                    raise LockHeldError(lock_held(self._read_holder(), timeout_seconds)) from None
                if timeout_seconds > _GRACE_SECONDS and not told:
                    on_wait(self._read_holder())
                    told = True
                sleep(_POLL_SECONDS)
            except OSError as error:
                raise StateError(cannot("lock", shown(self._path), error)) from None
            else:
                return

    def _os_lock(self) -> FileLock:
        try:
            make_private_directory(self._path.parent)
        except OSError as error:
            raise StateError(cannot("lock", shown(self._path), error)) from None
        return FileLock(str(self._path), mode=0o600, fallback_to_soft=False, preserve_lock_file=True)

    @property
    def _holder_path(self) -> Path:
        return self._path.with_suffix(".holder.json")

    def write_holder(self, holder: LockHolder) -> None:
        """Say who holds the lock; without the text the lock holds as well."""
        with suppress(OSError):
            replace_file(self._holder_path, encode_holder(holder).encode(), private=True)

    def _read_holder(self) -> LockHolder | None:
        try:
            return decode_holder(self._holder_path.read_bytes())
        except (OSError, ShapeError):
            return None

    def describe(self) -> LockHolder | None:
        """Return who holds the lock now; None where nobody does, whatever a dead process left beside it."""
        if not self._path.is_file():
            return None
        lock = self._os_lock()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return self._read_holder() or _UNNAMED
        except OSError as error:
            raise StateError(cannot("lock", shown(self._path), error)) from None
        lock.release()
        return None

    def clear(self) -> LockHolder | None:
        """Clear the text of a holder that is gone; LockHeldError while the lock is really held."""
        if not self._path.is_file():
            return None
        lock = self._os_lock()
        self._acquire(lock, 0.0, lambda _: None)
        try:
            holder = self._read_holder()
            self._holder_path.unlink(missing_ok=True)
        except OSError as error:
            raise StateError(cannot("lock", shown(self._holder_path), error)) from None
        finally:
            lock.release()
        return holder
