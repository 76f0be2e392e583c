"""omnictl broken on purpose, one way each: what the tests of kills must notice. Installed in a forked run alone."""

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from omnictl import durable
from omnictl.engine.recover import settle
from omnictl.model.state import Intent, State
from omnictl.operations import creating, settling, waves
from omnictl.state import local, lock, versions


def _put(where: Any, name: str, broken: Callable[..., Any]) -> None:
    setattr(where, name, broken)


def _no_intents() -> None:
    _put(waves, "add_intents", lambda state, intents: state)


def _late_intents() -> None:
    """The intent is remembered, and becomes durable only with the outcome of its create."""
    real = waves.Waves.prepare

    def prepare(made: Any, flying: int) -> None:
        keeper, flush = made._tools.keeper, made._tools.keeper.flush
        keeper.flush = lambda: None
        real(made, flying)
        keeper.flush = flush

    _put(waves.Waves, "prepare", prepare)


def _skipped_writes() -> None:
    """Every second write of the state is taken for done and is not."""
    real, count = local.LocalBackend.write, [0]

    def write(backend: local.LocalBackend, state: State) -> None:
        count[0] += 1
        if count[0] % 2:
            real(backend, state)

    _put(local.LocalBackend, "write", write)


def _forgotten_keys() -> None:
    """An intent is dropped when its create is answered, and the key is never recorded."""

    def record(state: State, intent: Intent, *_: Any) -> State:
        return replace(state, intents=tuple(each for each in state.intents if each != intent))

    _put(creating, "record_created", record)


def _written_in_place() -> None:
    def write(path: Path, content: bytes, **_: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = len(content) // 2
        path.write_bytes(content[:half])
        durable.sync_directory(path.parent)
        path.write_bytes(content)

    _put(local, "replace_file", write)
    _put(versions, "replace_file", write)


def _unflushed_directory() -> None:
    _put(durable, "sync_directory", lambda path: None)


def _unflushed_file() -> None:
    real = os.fsync

    def fsync(number: int) -> None:
        if stat.S_ISDIR(os.fstat(number).st_mode):
            real(number)

    _put(os, "fsync", fsync)


def _no_lock() -> None:
    @contextmanager
    def hold(*_: Any, **__: Any) -> Any:
        yield

    _put(lock.StateLock, "hold", hold)


def _no_patience() -> None:
    """Absence is believed without waiting for ``settle``."""
    _put(settling, "_wait_until_absence_counts", lambda *_, **__: None)


def _never_looks() -> None:
    """An open intent is taken for a create that did not happen."""
    _put(settling, "settle", lambda state, *_: settle(state, {}))


SABOTAGES: Mapping[str, Callable[[], None]] = {
    "no intents": _no_intents,
    "late intents": _late_intents,
    "skipped writes": _skipped_writes,
    "forgotten keys": _forgotten_keys,
    "written in place": _written_in_place,
    "unflushed directory": _unflushed_directory,
    "unflushed file": _unflushed_file,
    "no lock": _no_lock,
    "no patience": _no_patience,
    "never looks": _never_looks,
}
