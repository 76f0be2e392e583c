"""What makes a run one of a crowd: its times are short, and it tells into files when it holds the lock and what it
wrote. Installed in a forked run alone."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from omnictl.codec.state import encode_state
from omnictl.engine.recover import owned_keys
from omnictl.model.state import State
from omnictl.operations import keeper, run, settling
from omnictl.state import factory
from omnictl.state.base import Hold, StateBackend
from omnictl.state.lease import Terms
from tests.contract.backends.swarm import shorten

INTENT_SECONDS = 1.0
"""How long after its intent a create of a crowd may leave."""
SECONDS_BETWEEN_WRITES = 0.2
"""How long a crowd leaves a store alone."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the state: a digest of its content, and every key that it remembers."""

    serial: int
    lineage: str
    content: str
    keys: frozenset[str]


def version_of(state: State) -> Version:
    """Return the version that a state is."""
    return Version(
        state.serial, state.lineage, sha256(encode_state(state).encode()).hexdigest(), frozenset(owned_keys(state))
    )


def join_crowd(holds: str, wrote: str, lease: int, poll: float, margin: float) -> None:
    """Shorten the times of this process. The file ``holds`` is there while it has the lock; ``wrote`` takes a line for
    each version that it wrote, when that was acknowledged."""
    for module in (run, settling):
        module.INTENT_SECONDS = INTENT_SECONDS  # type: ignore[attr-defined]
    keeper.SECONDS_BETWEEN_WRITES = SECONDS_BETWEEN_WRITES
    open_backend = factory.open_backend

    def open_one(*arguments: Any, **more: Any) -> StateBackend:
        backend = open_backend(*arguments, **more)
        shorten(backend, Terms(lease, poll, margin))
        _tell_lock(backend, Path(holds))
        _tell_writes(backend, Path(wrote))
        return backend

    factory.open_backend = open_one


def _tell_lock(backend: Any, holds: Path) -> None:
    take: Callable[..., AbstractContextManager[Hold]] = backend.lock

    @contextmanager
    def lock(*arguments: Any, **more: Any) -> Iterator[Hold]:
        with take(*arguments, **more) as hold:
            holds.touch()
            try:
                yield hold
            finally:
                holds.unlink()

    backend.lock = lock


def _tell_writes(backend: Any, wrote: Path) -> None:
    store: Callable[[State], None] = backend.write

    def write(state: State) -> None:
        store(state)
        version = version_of(state)
        with wrote.open("a") as lines:
            lines.write(json.dumps([version.serial, version.lineage, version.content, sorted(version.keys)]) + "\n")

    backend.write = write


def read_written(wrote: Path) -> list[Version]:
    """Return what a process of a crowd wrote; a line that a kill cut short is left out."""
    lines = wrote.read_text().splitlines() if wrote.exists() else []
    versions = (json.loads(line) for line in lines if line.endswith("]"))
    return [Version(serial, lineage, content, frozenset(keys)) for serial, lineage, content, keys in versions]
