"""The state as a local file: written whole or not at all, kept in versions, locked by the operating system."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from filelock import FileLock, Timeout

from omnictl.codec.shapes import (
    ShapeError,
    as_object,
    as_optional_text,
    as_optional_time,
    as_text,
    as_time,
    parse_json,
    write_time,
)
from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import LockHeldError, StateError, StateWriteError
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.state import State
from omnictl.state.base import LockHolder, StateVersion

KEPT_VERSIONS = 10
_POLL_SECONDS = 0.1


class LocalBackend:
    """The state of one environment in one file.

    ``work_dir`` (private) holds the lock, the kept versions and, if a write fails, the errored state.
    """

    is_local = True

    def __init__(self, path: Path, *, work_dir: Path, environment: str, clock: Callable[[], datetime]) -> None:
        self._path = path
        self._work_dir = work_dir
        self._environment = environment
        self._clock = clock

    @property
    def location(self) -> str:
        """The path of the file."""
        return str(self._path)

    # --- reading and writing -------------------------------------------------------------------------------

    def read(self) -> State | None:
        """Return the state, or None where there is no file."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(_cannot("read", self._path, error)) from None
        state = decode_state(content, path=str(self._path))
        if state.environment != self._environment:
            raise StateError(_other_environment(self._path, state.environment, self._environment))
        return state

    def write(self, state: State) -> None:
        """Write the state: a temporary file, fsync, rename, fsync of the directory; the version before is kept."""
        target = self._path.resolve() if self._path.is_symlink() else self._path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            before = self._refuse_if_moved(state)
            if before is not None:
                self._keep(before)
            _replace(target, encode_state(state).encode("utf-8", "surrogatepass"), private=False)
        except OSError as error:
            raise StateWriteError(_cannot("write", self._path, error)) from None

    def _refuse_if_moved(self, state: State) -> bytes | None:
        """Return the bytes on disk; refuse to replace a state that is not older, or another one."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        stored = decode_state(content, path=str(self._path))
        if stored.lineage != state.lineage or stored.serial >= state.serial:
            raise StateWriteError(_moved(self._path, stored, state))
        return content

    # --- kept versions -------------------------------------------------------------------------------------

    @property
    def _versions(self) -> Path:
        return self._work_dir / "backups" / self._environment

    def _keep(self, content: bytes) -> None:
        directory = self._make_private(self._versions)
        serial = decode_state(content, path=str(self._path)).serial
        _replace(directory / f"{serial:08d}.json", content, private=True)
        for old in sorted(directory.glob("*.json"))[:-KEPT_VERSIONS]:
            with suppress(OSError):
                old.unlink()

    def history(self) -> tuple[StateVersion, ...]:
        """Return the kept versions, newest first."""
        found = sorted(self._versions.glob("*.json"), reverse=True) if self._versions.is_dir() else []
        return tuple(
            StateVersion(int(each.stem), datetime.fromtimestamp(each.stat().st_mtime, UTC), str(each))
            for each in found
            if each.stem.isdigit()
        )

    def read_version(self, serial: int) -> State:
        """Return a kept version."""
        path = self._versions / f"{serial:08d}.json"
        try:
            return decode_state(path.read_bytes(), path=str(path))
        except FileNotFoundError:
            raise StateError(_no_version(serial, [each.serial for each in self.history()])) from None
        except OSError as error:
            raise StateError(_cannot("read", path, error)) from None

    def save_errored(self, state: State) -> str:
        """Save a state that could not be written; in the temporary directory where even that fails."""
        content = encode_state(state).encode("utf-8", "surrogatepass")
        name = f"{self._environment}-{state.serial}.json"
        try:
            path = self._make_private(self._work_dir / "errored") / name
            _replace(path, content, private=True)
        except OSError:
            path = Path(tempfile.mkdtemp(prefix="omnictl-errored-")) / name
            _replace(path, content, private=True)
        return str(path)

    # --- the lock ------------------------------------------------------------------------------------------

    @contextmanager
    def lock(
        self, holder: LockHolder, *, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]
    ) -> Iterator[None]:
        """Hold the lock of the operating system; it is freed when the process ends, however it ends."""
        lock = self._os_lock()
        self._acquire(lock, timeout_seconds, on_wait)
        try:
            _replace(self._holder_path, _encode_holder(holder), private=True)
            yield
        finally:
            with suppress(OSError):
                self._holder_path.unlink(missing_ok=True)
            lock.release()

    def _acquire(self, lock: FileLock, timeout_seconds: float, on_wait: Callable[[LockHolder | None], None]) -> None:
        until, told = monotonic() + timeout_seconds, False
        while True:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if monotonic() >= until:
                    raise LockHeldError(_held(self.describe_lock(), timeout_seconds)) from None
                if not told:
                    on_wait(self.describe_lock())
                    told = True
                sleep(_POLL_SECONDS)
            except OSError as error:
                raise StateError(_cannot("lock", self._lock_path, error)) from None
            else:
                return

    def _os_lock(self) -> FileLock:
        try:
            self._make_private(self._lock_path.parent)
        except OSError as error:
            raise StateError(_cannot("lock", self._lock_path, error)) from None
        return FileLock(str(self._lock_path), mode=0o600, fallback_to_soft=False, preserve_lock_file=True)

    @property
    def _lock_path(self) -> Path:
        return self._work_dir / "locks" / f"{self._environment}.lock"

    @property
    def _holder_path(self) -> Path:
        return self._lock_path.with_suffix(".json")

    def describe_lock(self) -> LockHolder | None:
        """Return who holds the lock, as far as the text beside it says."""
        try:
            return _decode_holder(self._holder_path.read_bytes())
        except (OSError, ShapeError):
            return None

    def unlock(self) -> LockHolder | None:
        """Clear the text of a holder that is gone; LockHeldError while the lock is really held."""
        lock = self._os_lock()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise LockHeldError(_held(self.describe_lock(), 0.0)) from None
        try:
            holder = self.describe_lock()
            self._holder_path.unlink(missing_ok=True)
            return holder
        finally:
            lock.release()

    def _make_private(self, directory: Path) -> Path:
        """Make a directory that only its owner sees; the work directory ignores itself in git."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for each in (directory, *directory.parents):
            if each.name == ".omnictl":
                ignore = each / ".gitignore"
                if not ignore.exists():
                    ignore.write_text("*\n", encoding="ascii")
                each.chmod(0o700)
        return directory


def _replace(path: Path, content: bytes, *, private: bool) -> None:
    """Write a file so that a reader, or a power cut, sees the old or the new one and nothing between."""
    for stale in path.parent.glob(f".{path.name}.*.tmp"):
        with suppress(OSError):
            stale.unlink()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            temporary.chmod(_usual_mode())
        temporary.replace(path)
        _sync_directory(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _usual_mode() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_directory(path: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _encode_holder(holder: LockHolder) -> bytes:
    fields = {
        "operation": holder.operation,
        "run": holder.run,
        "since": write_time(holder.since),
        "expected_end": write_time(holder.expected_end) if holder.expected_end else None,
        "process": holder.process,
        "link": holder.link,
    }
    return json.dumps(fields, indent=2).encode()


def _decode_holder(content: bytes) -> LockHolder:
    fields = as_object(parse_json(content), "")
    return LockHolder(
        as_text(fields.get("operation"), "operation"),
        as_text(fields.get("run"), "run"),
        as_time(fields.get("since"), "since"),
        as_optional_time(fields.get("expected_end"), "expected_end"),
        as_optional_text(fields.get("process"), "process") or "",
        as_optional_text(fields.get("link"), "link") or "",
    )


def _cannot(verb: str, path: Path, error: OSError) -> Diagnostic:
    return Diagnostic(
        f"cannot-{verb}-state",
        Severity.ERROR,
        f"The state cannot be {'written' if verb == 'write' else 'locked' if verb == 'lock' else 'read'}",
        f"{path}: {error.strerror or error}.",
        hint="check the path, its permissions and the free space",
    )


def _moved(path: Path, stored: State, state: State) -> Diagnostic:
    return Diagnostic(
        "state-moved",
        Severity.ERROR,
        "The state was changed by somebody else meanwhile",
        f"{path} has serial {stored.serial} (lineage {stored.lineage[:8]}); this run was about to write serial "
        f"{state.serial} (lineage {state.lineage[:8]}).",
        hint="make sure that nobody writes the file without omnictl, then run the same command again",
    )


def _other_environment(path: Path, found: str, expected: str) -> Diagnostic:
    return Diagnostic(
        "other-environment",
        Severity.ERROR,
        "The state belongs to another environment",
        f"It says {found}; the environment is {expected}.",
        Source(str(path)),
        hint="check --env and --state",
    )


def _no_version(serial: int, kept: list[int]) -> Diagnostic:
    listing = ", ".join(map(str, kept)) or "none"
    return Diagnostic(
        "no-such-version", Severity.ERROR, "This version of the state is not kept", f"{serial}; kept are {listing}."
    )


def _held(holder: LockHolder | None, waited_seconds: float) -> Diagnostic:
    who = "another omnictl"
    if holder is not None:
        link = f"; see {holder.link}" if holder.link else ""
        who = f"{holder.operation} since {holder.since:%Y-%m-%d %H:%M:%SZ} ({holder.process}, run {holder.run}){link}"
    return Diagnostic(
        "lock-held",
        Severity.ERROR,
        "Somebody else works with this state",
        f"The lock is held by {who}; waited {waited_seconds:g} s.",
        hint="wait for it with --lock-timeout; the lock goes with its process",
    )


CODES = {
    "cannot-read-state": "The state file exists and cannot be read.",
    "cannot-write-state": "The state file cannot be written: permissions, a full disk, a directory in its place.",
    "cannot-lock-state": "The lock beside the state cannot be taken: the work directory cannot be written.",
    "state-moved": "The state on disk is not the one that this run read. Nothing more was sent.",
    "other-environment": "The state file belongs to another environment than the one chosen.",
    "no-such-version": "state rollback knows the last ten versions only.",
    "lock-held": "Another omnictl holds the lock of the state. The lock is one of the operating system and goes with "
    "its process, so it is never stuck; wait with --lock-timeout.",
}
