"""The kinds of state backend that the contract is held against, and what they differ in."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from threading import Thread, Timer
from uuid import uuid4

import pytest

from omnictl.state.base import StateBackend
from omnictl.state.blobs import MemoryStore
from omnictl.state.lease import Lease, Terms
from omnictl.state.local.backend import LocalBackend
from omnictl.state.stored import LOCK, STATE, StoredBackend

QUICK = Terms(lease=2, poll=0.05, margin=0.3)
"""A lease for tests: two seconds, looked at often."""


@dataclass
class Place:
    """A place for states, empty at first.

    ``open`` returns a new backend of an environment (test) there; ``put`` and ``get`` are the bytes of the state of
    test, past the backend. ``tells_all``: a lock tells everything of its holder; ``proves_end``: one that was let go
    proves that its holder sends nothing any more; ``changes_text``: what a lock says can change while it is held.
    """

    open_one: Callable[[str], StateBackend]
    put: Callable[[bytes], None]
    get: Callable[[], bytes | None]
    tells_all: bool = True
    proves_end: bool = True
    changes_text: bool = True
    most_versions: int = 13
    url: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict)

    def open(self, environment: str = "test") -> StateBackend:
        """Return a new backend."""
        return self.open_one(environment)

    def later(self, act: Callable[[], object]) -> Thread:
        """Do something in half a second, beside the test."""
        timer = Timer(0.5, act)
        timer.start()
        return timer


Kind = Callable[[Path, pytest.FixtureRequest], AbstractContextManager[Place]]


@contextmanager
def local(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """The file."""

    def open_one(environment: str) -> StateBackend:
        path = tmp_path / "state" / f"{environment}.json"
        return LocalBackend(path, work_dir=tmp_path / ".omnictl", environment=environment)

    path = tmp_path / "state" / "test.json"

    def put(content: bytes) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    yield Place(open_one, put, lambda: path.read_bytes() if path.exists() else None)


@contextmanager
def memory(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A store in memory, with what all stores of objects share."""
    stores = {name: MemoryStore() for name in ("test", "production")}

    def open_one(environment: str) -> StateBackend:
        store = stores[environment]
        lease = Lease(store, LOCK, make_token, terms=QUICK)
        return StoredBackend(
            store, work_dir=tmp_path / ".omnictl", environment=environment, make_token=make_token, lease=lease
        )

    def put(content: bytes) -> None:
        stores["test"].write(STATE, content, replaces=None)

    def get() -> bytes | None:
        found = stores["test"].read(STATE)
        return found.content if found else None

    yield Place(open_one, put, get)


def make_token() -> str:
    """Return a new name."""
    return uuid4().hex


def _later(name: str) -> Kind:
    """Return a kind of another module, which is imported when it is used; ``module:function``."""

    def open_kind(tmp_path: Path, request: pytest.FixtureRequest) -> AbstractContextManager[Place]:
        module, _, function = name.partition(":")
        made: AbstractContextManager[Place] = getattr(import_module(f"{__package__}.{module}"), function)(
            tmp_path, request
        )
        return made

    return open_kind


KINDS: dict[str, Kind] = {
    "local": local,
    "memory": memory,
    "s3": _later("objects:s3"),
    "gs": _later("objects:gs"),
    "az": _later("objects:az"),
    "git-file": _later("git_kinds:git_by_file"),
    "git-http": _later("git_kinds:git_by_http"),
    "postgres": _later("postgres:place"),
    "terraform": _later("terraform:plain"),
    "gitlab": _later("terraform:gitlab"),
}
"""All kinds that this machine can have; each module of a backend adds its own here."""
